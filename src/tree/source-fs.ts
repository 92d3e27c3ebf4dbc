// What of an `fs` of Node's shape a tree is taken from. Types only.

/** What is read of Node's BigIntStats. */
export interface SourceStats {
  readonly dev: bigint
  readonly ino: bigint
  readonly mode: bigint
  readonly nlink: bigint
  readonly uid: bigint
  readonly gid: bigint
  readonly rdev: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** The part of Node's `fs` that a source needs. Paths that are ASCII are given as strings, others as bytes. */
export interface SourceFs {
  lstatSync(path: string | Buffer, options: { bigint: true }): SourceStats
  readdirSync(path: string | Buffer, options: { encoding: 'buffer' | 'latin1' }): readonly unknown[]
  readlinkSync(path: string | Buffer, options: { encoding: 'buffer' }): unknown
}

/** What is needed besides where descriptors are shown as directories. */
export interface DescriptorFs {
  openSync(path: string | Buffer, flags: number): number
  closeSync(fd: number): void
  fstatSync(fd: number, options: { bigint: true }): SourceStats
  readonly constants: { readonly O_DIRECTORY: number; readonly O_NOFOLLOW: number }
}

/** Extended attributes of what a path names; a symlink is never followed. Paths and names have a character a byte. */
export interface XattrSource {
  /** All names. Throws the host's error. */
  list(path: string): readonly string[]
  /** A value; good until the next call. Throws the host's error. */
  get(path: string, name: string): Uint8Array
}
