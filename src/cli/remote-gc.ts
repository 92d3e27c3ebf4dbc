// Removes what no image needs from a bucket. Nobody can be locked out there, so it goes by time: what was put within the
// last day stays, since an upload under way may be about to need it, and while the mark of a push is there (s3-target.ts)
// nothing is removed at all, since a push relies on old objects that it finds. Not here: directories, which have better
// rules (src/store/directory-gc.ts).

import { Fault, faultError } from '../format/errno.js'
import { isFreshMark, MARKS } from '../publish/s3-target.js'
import { isHttpUrl } from '../remote.js'
import type { GcReport } from '../store/directory-gc.js'
import { isDigestName, objectOfTree, treeName } from '../store/object-name.js'
import type { S3Entry, S3Store } from '../store/s3.js'
import { inLanes } from './lanes.js'
import { s3Store } from './remote.js'
import { shown } from './url.js'

/** Removed at once, and between two looks for marks. */
const AT_ONCE = 8
const BETWEEN_LOOKS = 256

export interface RemoteGcOptions {
  readonly dryRun: boolean
  /** Milliseconds: what is younger stays. */
  readonly minAge: number
  readonly removed: (name: string) => void
}

export class RemoteCollector {
  readonly report: GcReport = {
    removed: 0,
    removedBytes: 0,
    needed: 0,
    fresh: 0,
    trees: 0,
    leftovers: 0,
    leftoverBytes: 0,
    restored: 0,
    failures: [],
  }
  /** Pushes that go on. */
  live = 0
  readonly #store: S3Store
  readonly #marks: S3Store
  readonly #options: RemoteGcOptions
  readonly #entries = new Map<string, S3Entry>()
  readonly #cutOff: number

  /** Throws EROFS for a web server, ENOTSUP for another scheme. */
  constructor(url: string, options: RemoteGcOptions) {
    if (isHttpUrl(url)) throw faultError(new Fault('EROFS', 'a web server is read-only'), shown(url))
    if (!/^s3:/i.test(url)) throw faultError(new Fault('ENOTSUP', 'no store is read by this scheme'), shown(url))
    const base = url.replace(/\/+$/, '')
    this.#store = s3Store(base)
    this.#marks = s3Store(`${base}/${MARKS}`)
    this.#options = options
    this.#cutOff = Date.now() - options.minAge
  }

  /** Lists the bucket. Read the images that need objects only after this. */
  async look(): Promise<void> {
    await this.#countMarks()
    for await (const entry of this.#store.entries()) {
      if (!entry.name.startsWith(`${MARKS}/`)) this.#entries.set(entry.name, entry)
    }
  }

  /** Removes the objects that are not in `needed`, with their trees. What can't be removed is in the report. */
  async collect(needed: ReadonlySet<string>): Promise<void> {
    const garbage: S3Entry[] = []
    // A push may have begun while the images were read.
    await this.#countMarks()
    for (const entry of this.#entries.values()) {
      const { name } = entry
      if (needed.has(name)) this.report.needed++
      else if (isDigestName(name)) {
        if (this.#isFresh(entry) || this.live > 0) this.report.fresh++
        else garbage.push(entry)
      } else if (this.#isLeftTree(entry)) garbage.push(entry)
    }
    for (let at = 0; at < garbage.length; at += BETWEEN_LOOKS) {
      // A push may have begun.
      if (at > 0) await this.#countMarks()
      const some = garbage.slice(at, at + BETWEEN_LOOKS)
      if (this.live > 0) this.report.fresh += some.filter(({ name }) => isDigestName(name)).length
      else await inLanes(some, AT_ONCE, entry => this.#remove(entry))
    }
  }

  #isFresh({ modified }: S3Entry): boolean {
    // Where the service gives no time, nothing is known to be old.
    return !(modified < this.#cutOff)
  }

  /** A tree whose object has gone already. */
  #isLeftTree(entry: S3Entry): boolean {
    const object = objectOfTree(entry.name)
    return object !== undefined && !this.#entries.has(object) && !this.#isFresh(entry) && this.live === 0
  }

  async #countMarks(): Promise<void> {
    this.live = 0
    for await (const entry of this.#marks.entries()) {
      // However young the objects are that may go: a push relies on old ones.
      if (isFreshMark(entry.modified)) this.live++
      else if (!this.#options.dryRun) await this.#marks.delete(entry.name)
    }
  }

  async #remove({ name, size }: S3Entry): Promise<void> {
    const { dryRun, removed } = this.#options
    try {
      if (!dryRun) await this.#store.delete(name)
      if (!isDigestName(name)) {
        this.report.trees++
        this.report.removedBytes += size
        removed(name)
        return
      }
      this.report.removed++
      this.report.removedBytes += size
      removed(name)
      const tree = this.#entries.get(treeName(name))
      if (tree === undefined) return
      if (!dryRun) await this.#store.delete(tree.name)
      this.report.trees++
      this.report.removedBytes += tree.size
      removed(tree.name)
    } catch (error) {
      this.report.failures.push({ name, error })
    }
  }
}
