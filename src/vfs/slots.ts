// What stands behind the accessors of one `fs` object: the calls that have been made so far, and what they share.
// Not here: which names there are (mounted-fs.ts).

import type { Core } from './core.js'
import * as hot from './hot.js'
import { existsNow } from './stat-ops.js'
import { LazyStreams } from './streams.js'
import { FileWatchers } from './watch.js'

/** Makes what stands under a name. */
export type Maker = (mount: Mount) => unknown

/** What stands behind the accessors of one `fs` object. */
export class Mount {
  readonly core: Core
  readonly #made = new Map<string, unknown>()
  #streams: LazyStreams | undefined
  #watchers: FileWatchers | undefined
  lstatSync: unknown
  statSync: unknown
  readdirSync: unknown
  readFileSync: unknown
  existsSync: unknown

  constructor(core: Core) {
    this.core = core
    this.lstatSync = undefined
    this.statSync = undefined
    this.readdirSync = undefined
    this.readFileSync = undefined
    this.existsSync = undefined
  }

  get(name: string, make: Maker): unknown {
    const made = this.#made.get(name)
    if (made !== undefined || this.#made.has(name)) return made
    const fresh = make(this)
    this.#made.set(name, fresh)
    return fresh
  }

  set(name: string, value: unknown): void {
    this.#made.set(name, value)
  }

  get streams(): LazyStreams {
    this.#streams ??= new LazyStreams(this.core)
    return this.#streams
  }

  get watchers(): FileWatchers {
    this.#watchers ??= new FileWatchers(this.core)
    return this.#watchers
  }

  close(): void {
    this.core.end()
  }
}

export interface Holder {
  readonly __mount: Mount
}

export function accessor(name: string, make: Maker): PropertyDescriptor {
  return {
    enumerable: true,
    configurable: true,
    get(this: Holder) {
      return this.__mount.get(name, make)
    },
    set(this: Holder, value: unknown) {
      this.__mount.set(name, value)
    },
  }
}

type HotName = 'lstatSync' | 'statSync' | 'readdirSync' | 'readFileSync' | 'existsSync'

const existsSync = (core: Core) => (path: unknown) => existsNow(core, path)

/** The hot calls have a field each: an accessor that reads one is compiled into its caller. */
export const HOT: Readonly<Record<HotName, PropertyDescriptor & ThisType<Holder>>> = {
  lstatSync: {
    get() {
      const mount = this.__mount
      mount.lstatSync ??= hot.lstatSync(mount.core)
      return mount.lstatSync
    },
    set(call: unknown) {
      this.__mount.lstatSync = call
    },
  },
  statSync: {
    get() {
      const mount = this.__mount
      mount.statSync ??= hot.statSync(mount.core)
      return mount.statSync
    },
    set(call: unknown) {
      this.__mount.statSync = call
    },
  },
  readdirSync: {
    get() {
      const mount = this.__mount
      mount.readdirSync ??= hot.readdirSync(mount.core)
      return mount.readdirSync
    },
    set(call: unknown) {
      this.__mount.readdirSync = call
    },
  },
  readFileSync: {
    get() {
      const mount = this.__mount
      mount.readFileSync ??= hot.readFileSync(mount.core)
      return mount.readFileSync
    },
    set(call: unknown) {
      this.__mount.readFileSync = call
    },
  },
  existsSync: {
    get() {
      const mount = this.__mount
      mount.existsSync ??= existsSync(mount.core)
      return mount.existsSync
    },
    set(call: unknown) {
      this.__mount.existsSync = call
    },
  },
}
