// Dirent: a directory entry with its type. Not here: listing. Follows lib/internal/fs/utils.js of Node 20; the type is
// held as the kernel's DT_* (mode & S_IFMT, shifted right by 12).

/** Node's Dirent; `name` is a Buffer where the listing was asked for in the encoding `buffer`. */
export class Dirent<Name extends string | Uint8Array = string | Uint8Array> {
  readonly #type: number

  constructor(
    public name: Name,
    /** The directory, as the caller named it. */
    public parentPath: string | Uint8Array,
    type: number,
    /** The same as `parentPath`, as Node 20 still has it. */
    public path: string | Uint8Array = parentPath,
  ) {
    this.#type = type
  }

  isDirectory(): boolean {
    return this.#type === 4
  }

  isFile(): boolean {
    return this.#type === 8
  }

  isBlockDevice(): boolean {
    return this.#type === 6
  }

  isCharacterDevice(): boolean {
    return this.#type === 2
  }

  isSymbolicLink(): boolean {
    return this.#type === 10
  }

  isFIFO(): boolean {
    return this.#type === 1
  }

  isSocket(): boolean {
    return this.#type === 12
  }
}
