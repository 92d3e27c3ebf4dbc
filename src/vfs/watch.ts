// watch, watchFile and promises.watch. A writable tree tells of its own changes; one that cannot change never has anything to
// report: its watchers can be opened, closed, kept alive and let go, and say nothing. `persistent` holds the process as an idle timer does (which
// ref and unref switch); where timers do not hold anything, as in a browser, it means nothing.
// Not here: noticing changes (src/overlay/change-feed.ts). Follows lib/internal/fs/watchers.js of Node 20.

import { Fault, isUnread, Miss, type Outcome } from '../format/errno.js'
import { type Bytes, newAttr, type WritableLayer } from '../overlay/layer.js'
import { abortError, invalidArgType } from './arg-errors.js'
import { encoded, utf8Bytes } from './bytes.js'
import { checkFunction, checkOptions, checkSignal } from './check.js'
import type { Core } from './core.js'
import { Emitter } from './emitter.js'
import { fsError } from './errors.js'
import { defer } from './host.js'
import { checkPath, resolveText, showPath } from './path-arg.js'
import { loose, physicalPath, stat } from './stat-ops.js'
import { BigIntStats, Stats } from './stats.js'
import { runPromise, Task } from './task.js'

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

/** What stat said; zeroes for nothing. */
interface Looked {
  readonly stats: Stats | BigIntStats
  readonly isThere: boolean
}

type Look = () => Looked | Promise<Looked>

export class StatWatcher extends Emitter {
  readonly #hold: Hold
  #stop: () => void = () => {}
  #stopped = false

  constructor(persistent: boolean) {
    super()
    this.#hold = new Hold(persistent)
  }

  /**
   * Emits `change` with what stat says now and said before if that differs, once for all that happens in one go; and what it
   * says first where that is nothing. A look that has to wait says what is there then.
   */
  follow(layer: WritableLayer | undefined, look: Look): void {
    let before: Stats | BigIntStats | undefined
    let waiting = false
    const seen = ({ stats, isThere }: Looked) => {
      waiting = false
      if (this.#stopped) return
      const then = before
      before = stats
      const isNews = then === undefined ? !isThere : TOLD.some(name => stats[name] !== then[name])
      if (isNews) this.emit('change', stats, then ?? stats)
    }
    const again = () => {
      const found = look()
      if (found instanceof Promise) found.then(seen)
      else seen(found)
    }
    const first = look()
    waiting = true
    if (first instanceof Promise) first.then(seen)
    else {
      before = first.stats
      waiting = false
      if (!first.isThere) defer(() => this.emit('change', first.stats, first.stats))
    }
    this.#stop =
      layer?.watch(() => {
        if (waiting) return
        waiting = true
        defer(again)
      }) ?? (() => {})
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

/** The path to tell changes by, which has no links on the way in a tree that can change. Fails where nothing is there. */
function watchedPath(core: Core, path: Bytes): Outcome<Bytes> {
  const failed = core.layer.statPath(path, true, core.scratch)
  if (failed !== undefined) return failed
  const real = core.writable === undefined ? path : physicalPath(core, path)
  return real instanceof Fault && !isUnread(real) ? path : real
}

/** watch(path[, options][, listener]). Throws ENOENT and the like, as Node does. */
export function watch(core: Core, pathArg: unknown, optionsArg?: unknown, listenerArg?: unknown): FSWatcher {
  const options = checkOptions(optionsArg)
  const listener = typeof optionsArg === 'function' ? optionsArg : listenerArg
  const path = checkPath(pathArg)
  const real = watchedPath(core, path)
  if (real instanceof Fault) throw Object.assign(fsError(real, 'watch', path), { filename: showPath(path) })
  const signal = options['signal'] === undefined ? undefined : checkSignal(options['signal'], 'options.signal')
  const watcher = new FSWatcher(options['persistent'] !== false, signal)
  watcher.endWith(core)
  const recursive = options['recursive'] === true
  const encoding = options['encoding'] as string | undefined
  if (core.writable !== undefined) {
    const given = resolveText(showPath(path))
    const own = given.slice(given.lastIndexOf('/') + 1)
    watcher.follow(core.writable, showPath(real), own, recursive, encoding)
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
    const none: Looked = { stats: nothing(bigint), isThere: false }
    const look: Look = () => {
      const found = this.core.statPath(path, true, bigint)
      if (!(found instanceof Fault)) return { stats: found, isThere: true }
      if (!(found instanceof Miss)) return none
      return runPromise(this.core, stat(this.core, [path, { bigint }])).then(
        stats => ({ stats: stats as Stats | BigIntStats, isThere: true }),
        () => none,
      )
    }
    watcher.follow(this.core.writable, look)
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
  const bytes = checkPath(path)
  const events: WatchEvent[] = []
  let wake = () => {}
  let closed = false
  // At once where nothing has to be waited for: what happens right after the call is told of.
  const begin = () => {
    const real = watchedPath(core, bytes)
    if (real instanceof Fault) return real
    const watcher = watch(core, path, { ...loose(options), signal: undefined })
    watcher.on('change', (eventType, filename) => {
      if (events.length < WAITING_LIMIT) events.push({ eventType: eventType as WatchEvent['eventType'], filename })
      wake()
    })
    watcher.once('close', () => {
      closed = true
      wake()
    })
    return watcher
  }
  const watcher = await runPromise(core, new Task('watch', bytes, begin, undefined, abort)).catch(error => {
    throw aborted() ? error : Object.assign(error as Error, { filename: showPath(bytes) })
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
