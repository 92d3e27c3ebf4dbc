// What the `fs` faces need to know of the world around a mount: whose process it is, how owners are shown, and which
// of the host's classes there are. Not here: any look-up in the tree. The owner maps follow an idmapped mount
// (mount_setattr(2)): an id outside every range is shown as the kernel's overflow id.

/** `[inside, outside, count]`: `count` ids from `inside` (as stored) are shown as those from `outside`. */
export type IdRange = readonly [inside: number, outside: number, count: number]

/** Owner maps; a side that is left out stays as it is. */
export interface IdMap {
  readonly uid?: readonly IdRange[]
  readonly gid?: readonly IdRange[]
}

/** Classes of the host that streams and the like are made of. Under Node they are found without being given. */
export interface HostParts {
  /** `stream.Readable` and `stream.Writable`, or ponyfills of them. */
  readonly Readable?: unknown
  readonly Writable?: unknown
  /** `readline.createInterface`. */
  readonly createInterface?: unknown
  /** `@jsonjoy.com/fs-node/lib/glob`, or what offers the same `globSync(fs, pattern, options)`. */
  readonly glob?: unknown
}

/** The process around a mount. The ids are asked for at each call, since a process may change them. */
export interface VfsEnv {
  uid(): number
  gid(): number
  umask(): number
  /** What `st_dev` shows; 0 unless given. */
  readonly dev?: number
  readonly idmap?: IdMap
  readonly parts?: HostParts
  /** Whether fsync is EINVAL, as the kernel's EROFS has it; on a composefs mount (overlayfs) it succeeds. */
  readonly noFsync?: boolean
}

/** The id that stands for one that a map does not hold (/proc/sys/kernel/overflowuid). */
export const OVERFLOW_ID = 65534

/** A stored id as it is shown. */
export function shownId(ranges: readonly IdRange[] | undefined, id: number): number {
  if (ranges === undefined) return id
  for (const [inside, outside, count] of ranges) if (id >= inside && id < inside + count) return outside + id - inside
  return OVERFLOW_ID
}

/** The id to store for one that a caller names; undefined when the map holds none (EOVERFLOW in the kernel). */
export function storedId(ranges: readonly IdRange[] | undefined, id: number): number | undefined {
  if (ranges === undefined) return id
  for (const [inside, outside, count] of ranges) if (id >= outside && id < outside + count) return inside + id - outside
  return undefined
}
