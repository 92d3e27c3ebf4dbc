// The `fs` object of a mount: every name of memfs's and Node's API, each an accessor of its own that makes its call when
// it is first read. So calls work detached, Object.assign and spread copy them all, consumers that look for an own
// `promises` find it, and a mount pays for the calls it uses. Not here: what a call does.

import type { Layer } from '../overlay/layer.js'
import { invalidArgValue } from './arg-errors.js'
import { utf8Bytes } from './bytes.js'
import { callbackCalls, syncCalls } from './calls.js'
import { constants } from './constants.js'
import { Core } from './core.js'
import { Dir } from './dir.js'
import { Dirent } from './dirent.js'
import type { VfsEnv } from './env.js'
import { existsFace, takeCallback } from './faces.js'
import { FileHandle } from './file-handle.js'
import { readFile } from './file-ops.js'
import type { MountedFs } from './fs-types.js'
import { globSoon, globSync } from './glob.js'
import { defer } from './host.js'
import { promisesOf } from './promises.js'
import { accessor, HOT, type Holder, type Maker, Mount } from './slots.js'
import { existsSoon } from './stat-ops.js'
import { BigIntStats, StatFs, Stats } from './stats.js'
import { runPromise } from './task.js'
import { FSWatcher, StatWatcher, watch } from './watch.js'

async function openAsBlob(core: Core, path: unknown, options?: unknown): Promise<Blob> {
  const { type = '' } = (options ?? {}) as { type?: string }
  try {
    const data = await runPromise(core, readFile(core, [path]))
    return new Blob([(typeof data === 'string' ? utf8Bytes(data) : data) as Uint8Array<ArrayBuffer>], { type })
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause
    throw Object.assign(invalidArgValue('path', path, 'Unable to open file as blob'), { cause })
  }
}

/** What is neither a synchronous call nor one with a plain callback. */
const SPECIAL: Readonly<Record<string, Maker>> = {
  exists: ({ core }) => existsFace(path => existsSoon(core, path), defer),
  glob:
    ({ core }) =>
    (...args: unknown[]) => {
      const callback = takeCallback(args)
      const matches = globSoon(core, args[0], args[1])
      const done = (error: unknown, found?: unknown) => defer(() => callback(error, found))
      if (Array.isArray(matches)) done(null, matches)
      else matches.then(found => done(null, found), done)
    },
  globSync:
    ({ core }) =>
    (pattern: unknown, options?: unknown) =>
      globSync(core, pattern, options),
  openAsBlob:
    ({ core }) =>
    (path: unknown, options?: unknown) =>
      openAsBlob(core, path, options),
  createReadStream: mount => (path: unknown, options?: unknown) => new mount.streams.ReadStream(path, options),
  createWriteStream: mount => (path: unknown, options?: unknown) => new mount.streams.WriteStream(path, options),
  ReadStream: mount => mount.streams.ReadStream,
  WriteStream: mount => mount.streams.WriteStream,
  FileReadStream: mount => mount.streams.ReadStream,
  FileWriteStream: mount => mount.streams.WriteStream,
  promises: mount => promisesOf(mount.core, () => mount.streams),
  watch:
    ({ core }) =>
    (path: unknown, options?: unknown, listener?: unknown) =>
      watch(core, path, options, listener),
  watchFile: mount => (path: unknown, options?: unknown, listener?: unknown) =>
    mount.watchers.watchFile(path, options, listener),
  unwatchFile: mount => (path: unknown, listener?: unknown) => mount.watchers.unwatchFile(path, listener),
}

const VALUES = {
  constants,
  F_OK: 0,
  R_OK: 4,
  W_OK: 2,
  X_OK: 1,
  Stats,
  BigIntStats,
  StatFs,
  Dirent,
  Dir,
  FileHandle,
  FSWatcher,
  StatWatcher,
}

function allDescriptors(): PropertyDescriptorMap {
  const all: PropertyDescriptorMap = {
    __mount: { value: undefined, writable: true, enumerable: false, configurable: true },
  }
  for (const [name, make] of [...callbackCalls(), ...syncCalls()]) all[name] = accessor(name, mount => make(mount.core))
  for (const [name, make] of Object.entries(SPECIAL)) all[name] = accessor(name, make)
  for (const [name, value] of Object.entries(VALUES)) all[name] = accessor(name, () => value)
  for (const [name, descriptor] of Object.entries(HOT))
    all[name] = { ...descriptor, enumerable: true, configurable: true }
  return all
}

const DESCRIPTORS = Object.entries(allDescriptors())

export type { MountedFs, XattrApi, XattrPromises } from './fs-types.js'

/** The `fs` of a layer. Costs a few microseconds, since calls are made when they are first read. */
export function createFs<N extends object>(layer: Layer<N>, env: VfsEnv): MountedFs {
  const fs = {} as { __mount: Mount }
  for (const [name, descriptor] of DESCRIPTORS) Reflect.defineProperty(fs, name, descriptor)
  fs.__mount = new Mount(new Core(layer as unknown as Layer, env))
  return fs as unknown as MountedFs
}

/** Closes what is open in an `fs` and stops its watchers, when its mount goes. */
export function closeFs(fs: MountedFs): void {
  ;(fs as unknown as Holder).__mount.close()
}
