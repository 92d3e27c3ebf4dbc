// Directories by path: the look-up of a file then asks the core about its last name only. What is cached can't become
// wrong, since an image never changes. Bounded: two generations of a fixed number of entries, of which the older is
// dropped whole (an LRU library's bookkeeping at each hit costs more than the hit; README has the measurement).

/** A directory, and the one it was found in; the root has none. */
export interface DirectoryHandle {
  readonly nid: number
  readonly parent: DirectoryHandle | undefined
}

/** Entries of one generation. */
const GENERATION = 8192

export class DentryCache {
  #young = new Map<string, DirectoryHandle>()
  #old = new Map<string, DirectoryHandle>()
  /** The last directory asked for, since a walk asks for one many times in a row. */
  #lastPath = ''
  #last: DirectoryHandle | undefined

  /** The directory named by the first `length` characters of a path. */
  get(path: string, length: number): DirectoryHandle | undefined {
    if (length === this.#lastPath.length && this.#last !== undefined && path.startsWith(this.#lastPath))
      return this.#last
    const key = path.slice(0, length)
    let found = this.#young.get(key)
    if (found === undefined) {
      found = this.#old.get(key)
      if (found === undefined) return undefined
      this.#keep(key, found)
    }
    this.#lastPath = key
    this.#last = found
    return found
  }

  set(path: string, length: number, directory: DirectoryHandle): void {
    const key = path.slice(0, length)
    this.#keep(key, directory)
    this.#lastPath = key
    this.#last = directory
  }

  #keep(key: string, directory: DirectoryHandle): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, directory)
  }
}
