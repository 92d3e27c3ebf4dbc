// Brings what synchronous calls on some paths will need, so that they need not wait: metadata by asking for it, bytes of
// files by having them kept (OpenFile.keep). Paths are taken as calls take them: symlinks are followed. Not here: where
// anything is kept.

import { binaryPath, callPath, pathText } from './format/call-path.js'
import { Fault, fault, loadFault, Miss, type Outcome } from './format/errno.js'
import { CONSTANTS } from './format/structs.js'
import { binaryString } from './format/xattr-name.js'
import { type DirList, type KeepCall, type Layer, newAttr } from './overlay/layer.js'
import { fsError } from './vfs/errors.js'
import { checkPath } from './vfs/path-arg.js'

const { S_IFMT, S_IFDIR, S_IFREG } = CONSTANTS
/** Paths at work at once. */
const AT_ONCE = 16
/** How often one question may lack something before it is taken to make no progress. */
const MISS_LIMIT = 1_000_000
/** What a name that was found in a directory may turn out to be: gone since, or a symlink that leads nowhere. */
const NOWHERE: ReadonlySet<string> = new Set(['ENOENT', 'ELOOP', 'ENOTDIR', 'ENAMETOOLONG'])
/** Xattrs that can't be read, or that there are none of in this tree: a matter for who asks for them. */
const NO_XATTRS: ReadonlySet<string> = new Set(['EUCLEAN', 'ENOTSUP'])
const NONE: ReadonlySet<string> = new Set()

export type PrefetchPath = string | Uint8Array | URL

export interface PrefetchOptions {
  /** Also all that is below directories; without it a directory's names only. */
  readonly recursive?: boolean
  /** Ends the call: it rejects with the signal's reason. What was asked for already may still come. */
  readonly signal?: AbortSignal
}

interface Job {
  /** A character a byte. */
  readonly path: string
  /** Found in a directory, not named by the caller. */
  readonly found: boolean
}

class Prefetch implements KeepCall {
  ended = false
  checking = false
  readonly #layer: Layer
  readonly #recursive: boolean
  /** The last one is next, so that there are never many. */
  #jobs: Job[] = []
  /** Numbers of inodes that were seen to. */
  readonly #seen = new Set<number>()
  readonly #attr = newAttr()
  #working = 0
  /** Whether anything had to be waited for. */
  #waited = false

  constructor(layer: Layer, recursive: boolean) {
    this.#layer = layer
    this.#recursive = recursive
  }

  /** What came first may have made room for what came last: so all is looked at again. */
  async run(jobs: readonly Job[]): Promise<void> {
    await this.#pass(jobs)
    if (!this.#waited) return
    this.checking = true
    this.#seen.clear()
    await this.#pass(jobs)
  }

  #pass(jobs: readonly Job[]): Promise<void> {
    this.#jobs = [...jobs].reverse()
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        this.ended = true
        reject(error)
      }
      const next = () => {
        while (!this.ended && this.#working < AT_ONCE) {
          const job = this.#jobs.pop()
          if (job === undefined) break
          this.#working++
          this.#visit(job).then(() => {
            this.#working--
            next()
          }, fail)
        }
        if (this.#working === 0) resolve()
      }
      next()
    })
  }

  async #visit(job: Job): Promise<void> {
    const { path, found } = job
    const node = await this.#answer(path, () => this.#layer.resolve(callPath(path), true), found ? NOWHERE : NONE)
    if (node === undefined) return
    const release = this.#layer.hold?.(node)
    try {
      const mode = await this.#answer(path, () => this.#layer.stat(node, this.#attr) ?? this.#modeIfNew())
      if (mode === undefined) return
      await this.#answer(path, () => this.#layer.listxattr(node), NO_XATTRS)
      if ((mode & S_IFMT) === S_IFDIR) this.#list(path, await this.#answer(path, () => this.#layer.readdir(node)))
      if ((mode & S_IFMT) === S_IFREG) await this.#keep(path, node)
    } finally {
      release?.()
    }
  }

  /** The mode of the inode that was just looked at; 0 for one that was seen to before, of which nothing is left to do. */
  #modeIfNew(): number {
    const { ino, mode } = this.#attr
    if (this.#seen.has(ino)) return 0
    this.#seen.add(ino)
    return mode
  }

  #list(path: string, list: DirList | undefined): void {
    if (!this.#recursive || list === undefined) return
    const above = path.endsWith('/') ? path : `${path}/`
    for (let i = list.names.length - 1; i >= 0; i--) {
      const raw = list.raw?.get(i)
      const name = raw === undefined ? binaryPath(list.names[i]) : binaryString(raw)
      this.#jobs.push({ path: above + name, found: true })
    }
  }

  async #keep(path: string, node: object): Promise<void> {
    const file = await this.#answer(path, () => this.#layer.open(node, this.checking))
    try {
      await this.#answer(path, () => file?.keep?.(this))
    } finally {
      file?.close()
    }
  }

  /** Asks until the answer is no Miss. Undefined for a Fault that does not matter, and when the call has ended meanwhile. */
  async #answer<T>(path: string, ask: () => Outcome<T>, mayBe = NONE): Promise<T | undefined> {
    for (let left = MISS_LIMIT; !this.ended; left--) {
      const answer = ask()
      if (!(answer instanceof Fault)) return answer
      if (answer instanceof Miss && this.checking) throw fsError(this.#gone(answer), 'prefetch', pathText(path))
      this.#waited ||= answer instanceof Miss
      const bad = answer instanceof Miss && left > 0 ? await answer.load().catch(loadFault) : answer
      if (bad === undefined) continue
      if (mayBe.has(bad.code)) return undefined
      throw fsError(bad, 'prefetch', pathText(path))
    }
    return undefined
  }

  #gone({ detail }: Miss): Fault {
    const why = 'not all fits in what is kept: cacheBytes of a lazy image, prefetchBytes, the cache of a store'
    return new Fault('ENOSPC', `${why} (${detail})`)
  }
}

/** See Mount.prefetch. */
export async function prefetch(
  layer: Layer,
  paths: PrefetchPath | readonly PrefetchPath[],
  { recursive = false, signal }: PrefetchOptions = {},
): Promise<void> {
  signal?.throwIfAborted()
  const jobs = (isList(paths) ? paths : [paths]).map(path => ({ path: binaryPath(checkPath(path)), found: false }))
  const empty = jobs.some(({ path }) => path === '')
  if (empty) throw fsError(fault('ENOENT'), 'prefetch', '')
  const call = new Prefetch(layer, recursive)
  let stop = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal?.reason)
    signal?.addEventListener('abort', stop, { once: true })
  })
  try {
    await Promise.race([call.run(jobs), aborted])
  } finally {
    call.ended = true
    signal?.removeEventListener('abort', stop)
  }
}

function isList(paths: PrefetchPath | readonly PrefetchPath[]): paths is readonly PrefetchPath[] {
  return Array.isArray(paths)
}
