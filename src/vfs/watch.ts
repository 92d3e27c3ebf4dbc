// watch, watchFile and promises.watch. A writable tree tells of its own changes; one that cannot change never has anything to
// report: its watchers can be opened, closed, kept alive and let go, and say nothing. `persistent` holds the process as an idle timer does (which
// ref and unref switch); where timers do not hold anything, as in a browser, it means nothing.
// Not here: noticing changes (src/overlay/change-feed.ts). Follows lib/internal/fs/watchers.js of Node 20.

import { Fault } from '../format/errno.js'
import { newAttr, type WritableLayer } from '../overlay/layer.js'
import { abortError, invalidArgType } from './arg-errors.js'
import { encoded, utf8Bytes } from './bytes.js'
import { checkFunction, checkOptions, checkSignal } from './check.js'
import type { Core } from './core.js'
import { Emitter } from './emitter.js'
import { fsError } from './errors.js'
import { defer } from './host.js'
import { checkPath, resolveText, showPath } from './path-arg.js'
import { loose, physicalPath } from './stat-ops.js'
import { BigIntStats, Stats } from './stats.js'

/** The longest a timer can wait, in milliseconds. */
const IDLE = 2 ** 31 - 1

interface Timer {
  ref?(): void
  unref?(): void
}

/** What keeps a process alive. */
class Hold {
  #timer: Timer | number | undefined

  constructor(persistent: boolean) {
    this.#timer = setInterval(() => {}, IDLE) as unknown as Timer | number
    if (!persistent) this.unref()
  }

  ref(): void {
    if (typeof this.#timer === 'object') this.#timer.ref?.()
  }

  unref(): void {
    if (typeof this.#timer === 'object') this.#timer.unref?.()
  }

  end(): void {
    clearInterval(this.#timer as number)
    this.#timer = undefined
  }
}

/** The name of what changed as seen from a watched path called `own`; undefined where that is none of the watcher's. */
function seenFrom(watched: string, path: string, recursive: boolean, own: string): string | undefined {
  if (path === watched) return own
  const dir = watched === '/' ? '/' : `${watched}/`
  if (!path.startsWith(dir)) return undefined
  const name = path.slice(dir.length)
  return recursive || !name.includes('/') ? name : undefined
}

export class FSWatcher extends Emitter {
  readonly #hold: Hold
  #stop: () => void = () => {}
  #closed = false

  /** Emits `change` for what happens at a path without links, in a directory there, or with `recursive` below it. */
  follow(layer: WritableLayer, path: string, own: string, recursive: boolean, encoding: string | undefined): void {
    this.#stop = layer.watch((kind, changed) => {
      const name = seenFrom(path, changed, recursive, own)
      if (name === undefined) return
      const shown = encoded(utf8Bytes(name), encoding)
      defer(() => {
        if (!this.#closed) this.emit('change', kind, shown)
      })
    })
  }

  constructor(persistent: boolean, signal?: AbortSignal) {
    super()
    this.#hold = new Hold(persistent)
    if (signal?.aborted === true) defer(() => this.close())
    else if (signal !== undefined) {
      const close = () => this.close()
      signal.addEventListener('abort', close, { once: true })
      this.once('close', () => signal.removeEventListener('abort', close))
    }
  }

  /** Closes with the mount. */
  endWith({ ends }: Core): void {
    const end = () => this.close()
    ends?.add(end)
    this.once('close', () => ends?.delete(end))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stop()
    this.#hold.end()
    defer(() => this.emit('close'))
  }

  ref(): this {
    this.#hold.ref()
    return this
  }

  unref(): this {
    this.#hold.unref()
    return this
  }
}

/** What a change is told by. */
const TOLD = ['ctimeMs', 'mtimeMs', 'birthtimeMs', 'size', 'mode', 'uid', 'gid', 'ino'] as const

export class StatWatcher extends Emitter {
  readonly #hold: Hold
  #stop: () => void = () => {}
  #stopped = false

  constructor(persistent: boolean) {
    super()
    this.#hold = new Hold(persistent)
  }

  /** Emits `change` with what stat says now and said before if that differs, once for all that happens in one go. */
  follow(layer: WritableLayer, stat: () => Stats | BigIntStats): void {
    let before = stat()
    let waiting = false
    const look = () => {
      waiting = false
      if (this.#stopped) return
      const now = stat()
      const then = before
      before = now
      if (TOLD.every(name => now[name] === then[name])) return
      this.emit('change', now, then)
    }
    this.#stop = layer.watch(() => {
      if (waiting) return
      waiting = true
      defer(look)
    })
  }

  stop(): void {
    this.#stopped = true
    this.#stop()
    this.#hold.end()
    this.emit('stop')
  }

  ref(): this {
    this.#hold.ref()
    return this
  }

  unref(): this {
    this.#hold.unref()
    return this
  }
}

/** watch(path[, options][, listener]). Throws ENOENT and the like, as Node does. */
export function watch(core: Core, pathArg: unknown, optionsArg?: unknown, listenerArg?: unknown): FSWatcher {
  const options = checkOptions(optionsArg)
  const listener = typeof optionsArg === 'function' ? optionsArg : listenerArg
  const path = checkPath(pathArg)
  const failed = core.layer.statPath(path, true, core.scratch)
  if (failed instanceof Fault) throw Object.assign(fsError(failed, 'watch', path), { filename: showPath(path) })
  const signal = options['signal'] === undefined ? undefined : checkSignal(options['signal'], 'options.signal')
  const watcher = new FSWatcher(options['persistent'] !== false, signal)
  watcher.endWith(core)
  const recursive = options['recursive'] === true
  const encoding = options['encoding'] as string | undefined
  if (core.writable !== undefined) {
    const real = physicalPath(core, path)
    const given = resolveText(showPath(path))
    const own = given.slice(given.lastIndexOf('/') + 1)
    watcher.follow(core.writable, showPath(real instanceof Fault ? path : real), own, recursive, encoding)
  }
  if (listener !== undefined) watcher.on('change', checkFunction(listener, 'listener') as (...args: unknown[]) => void)
  return watcher
}

/** The watchers of watchFile, by path, as unwatchFile finds them. */
export class FileWatchers {
  readonly #watchers = new Map<string, StatWatcher>()

  constructor(readonly core: Core) {
    core.ends?.add(() => this.#stopAll())
  }

  /** A path that leads nowhere is told to its listener once, with stats of zeroes. */
  watchFile(pathArg: unknown, optionsArg: unknown, listenerArg: unknown): StatWatcher {
    const options = loose(optionsArg)
    const listener = typeof optionsArg === 'function' ? optionsArg : listenerArg
    const path = resolveText(showPath(checkPath(pathArg)))
    if (typeof listener !== 'function') throw invalidArgType('listener', 'of type function', listener)
    const known = this.#watchers.get(path)
    const watcher = known ?? new StatWatcher(options['persistent'] !== false && this.core.ends !== undefined)
    this.#watchers.set(path, watcher)
    watcher.on('change', listener as (...args: unknown[]) => void)
    if (known !== undefined) return watcher
    const bigint = options['bigint'] === true
    const stat = () => {
      const found = this.core.statPath(path, true, bigint)
      return found instanceof Fault ? nothing(bigint) : found
    }
    if (this.core.layer.statPath(path, true, this.core.scratch) !== undefined) {
      const none = nothing(bigint)
      defer(() => watcher.emit('change', none, none))
    }
    if (this.core.writable !== undefined) watcher.follow(this.core.writable, stat)
    return watcher
  }

  unwatchFile(pathArg: unknown, listener: unknown): void {
    const path = resolveText(showPath(checkPath(pathArg)))
    const watcher = this.#watchers.get(path)
    if (watcher === undefined) return
    if (typeof listener === 'function') watcher.off('change', listener as (...args: unknown[]) => void)
    else watcher.removeAllListeners('change')
    if (watcher.listenerCount('change') > 0) return
    watcher.stop()
    this.#watchers.delete(path)
  }

  #stopAll(): void {
    for (const watcher of this.#watchers.values()) watcher.stop()
    this.#watchers.clear()
  }
}

/** What stat is taken to say of what is not there. */
function nothing(bigint: boolean): Stats | BigIntStats {
  const zeroes = { ...newAttr(), blksize: 0 }
  return bigint ? new BigIntStats(zeroes, 0, 0, 0) : new Stats(zeroes, 0, 0, 0)
}

/** As many events as are kept for one who does not ask for them. */
const WAITING_LIMIT = 2048

interface WatchEvent {
  readonly eventType: 'rename' | 'change'
  readonly filename: unknown
}

/** promises.watch: what happens, as it happens; a signal ends it with an AbortError, the end of the mount without one. */
export async function* watchPromise(core: Core, path: unknown, options?: unknown): AsyncGenerator<WatchEvent> {
  const signal = loose(options)['signal']
  if (signal !== undefined) checkSignal(signal, 'options.signal')
  const abort = signal as AbortSignal | undefined
  const aborted = () => abort?.aborted === true
  if (aborted()) throw abortError(abort as AbortSignal)
  const watcher = watch(core, path, { ...loose(options), signal: undefined })
  const events: WatchEvent[] = []
  let wake = () => {}
  watcher.on('change', (eventType, filename) => {
    if (events.length < WAITING_LIMIT) events.push({ eventType: eventType as WatchEvent['eventType'], filename })
    wake()
  })
  let closed = false
  watcher.once('close', () => {
    closed = true
    wake()
  })
  const onAbort = () => wake()
  abort?.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      for (let event = events.shift(); event !== undefined; event = events.shift()) yield event
      if (aborted()) throw abortError(abort as AbortSignal)
      if (closed) return
      await new Promise<void>(resolve => {
        wake = resolve
        if (events.length > 0 || aborted() || closed) resolve()
      })
    }
  } finally {
    abort?.removeEventListener('abort', onAbort)
    watcher.close()
  }
}
