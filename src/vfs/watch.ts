// watch, watchFile and promises.watch. A tree that cannot change never has anything to report: the watchers here can be
// opened, closed, kept alive and let go, and say nothing. `persistent` holds the process as an idle timer does (which
// ref and unref switch); where timers do not hold anything, as in a browser, it means nothing.
// Not here: noticing changes of a writable mount. Follows lib/internal/fs/watchers.js of Node 20.

import { Fault, type Outcome } from '../format/errno.js'
import { newAttr } from '../overlay/layer.js'
import { abortError, invalidArgType } from './arg-errors.js'
import { checkFunction, checkOptions, checkSignal } from './check.js'
import type { Core } from './core.js'
import { Emitter } from './emitter.js'
import { fsError } from './errors.js'
import { defer } from './host.js'
import { checkPath, resolveText, showPath } from './path-arg.js'
import { loose } from './stat-ops.js'
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

export class FSWatcher extends Emitter {
  readonly #hold: Hold
  #closed = false

  constructor(persistent: boolean, signal?: AbortSignal) {
    super()
    this.#hold = new Hold(persistent)
    if (signal?.aborted === true) defer(() => this.close())
    else signal?.addEventListener('abort', () => this.close(), { once: true })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
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

export class StatWatcher extends Emitter {
  readonly #hold: Hold

  constructor(persistent: boolean) {
    super()
    this.#hold = new Hold(persistent)
  }

  stop(): void {
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
  const path = checkPath(pathArg, 'filename')
  const failed = core.layer.statPath(path, true, core.scratch)
  if (failed instanceof Fault) throw Object.assign(fsError(failed, 'watch', path), { filename: showPath(path) })
  const signal = options['signal'] === undefined ? undefined : checkSignal(options['signal'], 'options.signal')
  const watcher = new FSWatcher(options['persistent'] !== false, signal)
  if (listener !== undefined) watcher.on('change', checkFunction(listener, 'listener') as (...args: unknown[]) => void)
  return watcher
}

/** The watchers of watchFile, by path, as unwatchFile finds them. */
export class FileWatchers {
  readonly #watchers = new Map<string, StatWatcher>()

  constructor(readonly core: Core) {}

  /** A path that leads nowhere is told to its listener once, with stats of zeroes. */
  watchFile(pathArg: unknown, optionsArg: unknown, listenerArg: unknown): StatWatcher {
    const options = loose(optionsArg)
    const listener = typeof optionsArg === 'function' ? optionsArg : listenerArg
    const path = resolveText(showPath(checkPath(pathArg, 'filename')))
    if (typeof listener !== 'function') throw invalidArgType('listener', 'of type function', listener)
    const known = this.#watchers.get(path)
    const watcher = known ?? new StatWatcher(options['persistent'] !== false)
    this.#watchers.set(path, watcher)
    watcher.on('change', listener as (...args: unknown[]) => void)
    if (known === undefined && this.core.layer.statPath(path, true, this.core.scratch) !== undefined) {
      const none: Outcome<Stats | BigIntStats> =
        options['bigint'] === true ? new BigIntStats(zeroes(), 0, 0, 0) : new Stats(zeroes(), 0, 0, 0)
      defer(() => watcher.emit('change', none, none))
    }
    return watcher
  }

  unwatchFile(pathArg: unknown, listener: unknown): void {
    const path = resolveText(showPath(checkPath(pathArg, 'filename')))
    const watcher = this.#watchers.get(path)
    if (watcher === undefined) return
    if (typeof listener === 'function') watcher.off('change', listener as (...args: unknown[]) => void)
    else watcher.removeAllListeners('change')
    if (watcher.listenerCount('change') > 0) return
    watcher.stop()
    this.#watchers.delete(path)
  }

  stopAll(): void {
    for (const watcher of this.#watchers.values()) watcher.stop()
    this.#watchers.clear()
  }
}

function zeroes() {
  return { ...newAttr(), blksize: 0 }
}

/** promises.watch: nothing ever comes; a signal ends it with an AbortError. */
export async function* watchPromise(core: Core, path: unknown, options?: unknown): AsyncGenerator<never> {
  const signal = loose(options)['signal']
  if (signal !== undefined) checkSignal(signal, 'options.signal')
  const abort = signal as AbortSignal | undefined
  if (abort?.aborted === true) throw abortError(abort)
  const watcher = watch(core, path, { ...loose(options), signal: undefined })
  try {
    await new Promise((_resolve, reject) =>
      abort?.addEventListener('abort', () => reject(abortError(abort)), { once: true }),
    )
  } finally {
    watcher.close()
  }
}
