// What a program has open. Not here: how it came to be (path-calls.ts), what is done with it (fd-calls.ts).

import type { Layer, OpenFile } from '../overlay/layer.js'
import type { GuestInput, GuestOutput } from './streams.js'

/** One tree that a program sees something of. */
export interface GuestTree {
  readonly layer: Layer
  /** What st_dev shows. */
  readonly dev: number
  /** Of what is made in it. */
  readonly uid: number
  readonly gid: number
  readonly umask: number
}

interface Rights {
  /** RIGHTS bits: of itself, and of what is opened through it. */
  base: number
  inheriting: number
}

export interface OpenDirectory extends Rights {
  readonly kind: 'directory'
  readonly tree: GuestTree
  readonly node: object
  /** The name that a program has a preopen by; undefined for what it has opened itself. */
  readonly preopen: string | undefined
  /** FDFLAGS. */
  flags: number
  /** What is being listed, since the last call that began anew. */
  listing: Listing | undefined
  /** Ends the hold on it, in a tree that needs one. */
  readonly release: (() => void) | undefined
}

/** A directory as it was when the listing began, without `.` and `..`. */
export interface Listing {
  readonly names: readonly (string | Uint8Array)[]
  /** As a Layer answers them. */
  readonly types: ArrayLike<number>
  readonly inos: ArrayLike<number> | undefined
}

export interface OpenRegularFile extends Rights {
  readonly kind: 'file'
  readonly tree: GuestTree
  readonly node: object
  readonly file: OpenFile
  readonly writable: boolean
  flags: number
  /** Where the next read or write begins, in bytes. */
  cursor: number
}

export interface OpenStream extends Rights {
  readonly kind: 'stream'
  readonly input: GuestInput | undefined
  readonly output: GuestOutput | undefined
  readonly terminal: boolean
  flags: number
}

export type Descriptor = OpenDirectory | OpenRegularFile | OpenStream

function release(descriptor: Descriptor): void {
  if (descriptor.kind === 'file') descriptor.file.close()
  if (descriptor.kind !== 'directory') return
  descriptor.listing = undefined
  descriptor.release?.()
}

export class Descriptors {
  readonly #open: (Descriptor | undefined)[] = []
  #free = 0
  readonly #limit: number

  /** `limit`: how many may be open at once. */
  constructor(limit: number) {
    this.#limit = limit
  }

  get(fd: number): Descriptor | undefined {
    return this.#open[fd]
  }

  /** Whether one more may be opened. */
  get full(): boolean {
    return this.#lowest() >= this.#limit
  }

  #lowest(): number {
    let at = this.#free
    while (at < this.#open.length && this.#open[at] !== undefined) at++
    this.#free = at
    return at
  }

  /** Takes the lowest number that is free; one must be. */
  add(descriptor: Descriptor): number {
    const at = this.#lowest()
    this.#open[at] = descriptor
    this.#free = at + 1
    return at
  }

  /** False where nothing is open by that number. */
  close(fd: number): boolean {
    const found = this.#open[fd]
    if (found === undefined) return false
    this.#open[fd] = undefined
    this.#free = Math.min(this.#free, fd)
    release(found)
    return true
  }

  /** Gives what is open by one number the other one, in place of what was open by that. */
  renumber(from: number, to: number): boolean {
    const found = this.#open[from]
    if (found === undefined || this.#open[to] === undefined) return false
    if (from === to) return true
    this.close(to)
    this.#open[to] = found
    this.#open[from] = undefined
    this.#free = Math.min(this.#free, from)
    return true
  }

  closeAll(): void {
    for (const descriptor of this.#open.splice(0)) if (descriptor !== undefined) release(descriptor)
    this.#free = 0
  }
}
