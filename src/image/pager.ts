// Brings the pages that the core lacks: what was missed together is read together, neighbours in one request, what is
// already coming is waited for, and something is read ahead (read-ahead.ts). Not here: the frames (wasm/pages.ts), and
// where the bytes are or whether they are the right ones (the ByteSource).

import type { PageRange, Pages } from '../../wasm/pages.js'
import { Fault, fault, isErrnoName, loadError, Miss } from '../format/errno.js'
import { IntegrityError } from '../format/integrity.js'
import type { ByteSource } from '../source/byte-source.js'
import { Lane } from './lane.js'
import { ReadAhead } from './read-ahead.js'

/** Reads under way at once. */
const READS = 8
/** Bytes of one read. */
const READ_BYTES = 1 << 20
/** So often somebody went on reading before it is taken that all of the image is wanted. */
const SWEEP = 8
/** Pages that are here already, and are read once more so that two reads become one. */
const GAP = 2

/** The Fault for what a source rejected with. */
export function sourceFault(error: unknown, label: string): Fault {
  if (error instanceof Error && 'fault' in error && error.fault instanceof Fault) return error.fault
  const code = error instanceof Error && 'code' in error && isErrnoName(error.code) ? error.code : 'EIO'
  return new Fault(code, `${label}: ${error instanceof Error ? error.message : String(error)}`, error)
}

/** Bytes that came were wrong: it may be those that were read along, which nobody has asked for. */
function mayBeBeside(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof IntegrityError
}

export class Pager {
  readonly source: ByteSource
  readonly label: string
  /** There where the source reads at once: asks something while it does not, so that what lacks is a Miss. */
  readonly patiently: (<T>(question: () => T) => T) | undefined
  #patient = 0
  readonly #pages: Pages
  readonly #ahead: ReadAhead
  readonly #lane = new Lane(READS)
  /** Pages that are coming. */
  readonly #coming = new Map<number, Promise<void>>()
  readonly #pageCount: number
  #swept = false
  #failed: Fault | undefined
  #closed = false
  /** What to do for each that waits when the image is closed. */
  readonly #ends = new Set<() => void>()

  /** Takes over the source. */
  constructor(pages: Pages, source: ByteSource, label: string) {
    this.source = source
    this.label = label
    this.#pages = pages
    this.#pageCount = Math.ceil(source.size / pages.pageSize)
    this.patiently = source.readSync === undefined ? undefined : question => this.#asked(question)
    // Where all of it has room, nothing is pushed out.
    const room = this.#pageCount <= pages.capacity ? Number.POSITIVE_INFINITY : pages.capacity
    this.#ahead = new ReadAhead(pages.pageSize, room)
  }

  #asked<T>(question: () => T): T {
    this.#patient++
    try {
      return question()
    } finally {
      this.#patient--
    }
  }

  /** Can reads be made at once now? */
  get reads(): boolean {
    return this.source.readSync !== undefined && this.#patient === 0
  }

  /** Forgets all that is here: what is asked next is read anew. */
  clear(): void {
    this.#swept = false
    this.#pages.clear()
  }

  /** Takes in the image's first bytes, as far as they are whole pages. */
  begin(head: Uint8Array): void {
    this.#take(0, head)
  }

  /** What the core's last call lacked, as a Miss; or why it could not be read at once. */
  miss(what: string): Fault {
    const failed = this.#failed
    this.#failed = undefined
    if (failed !== undefined) return failed
    const ranges = this.#pages.missed()
    return new Miss(`${what}: a part of ${this.label} is not here yet`, () => this.#load(ranges))
  }

  /** Reads what the core's last call lacked, at once. False where the source can't, failed, or nobody is to be blocked. */
  fillSync(): boolean {
    if (!this.reads) return false
    const lacking = this.#lacking(this.#pages.missed())
    try {
      try {
        this.#readSync(this.#runs(lacking))
      } catch (error) {
        if (!mayBeBeside(error)) throw error
        this.#readSync(this.#alone(lacking))
      }
      return true
    } catch (error) {
      this.#failed = sourceFault(error, this.label)
      return false
    }
  }

  #readSync(runs: readonly PageRange[]): void {
    const { pageSize } = this.#pages
    for (const { first, count } of runs) {
      const bytes = this.source.readSync?.(first * pageSize, count * pageSize)
      this.#take(first, this.#whole(first, count, bytes))
    }
  }

  /** Whether bytes of a file are better read through the pages (others lie beside them) than past them. */
  isSmall(length: number): boolean {
    return length <= 4 * this.#pages.pageSize
  }

  /** Bytes of a page. */
  get pageSize(): number {
    return this.#pages.pageSize
  }

  /** A byte for each page of the image: 1 where it is here. For who shows what has been read. */
  presentPages(): Uint8Array {
    return Uint8Array.from({ length: this.#pageCount }, (_, page) => Number(this.#pages.has(page)))
  }

  /** Bytes that can be here at once beside what else is needed. */
  get room(): number {
    return (this.#pages.capacity >> 1) * this.#pages.pageSize
  }

  close(): void {
    if (this.#closed) return
    this.stop()
    this.source.close()
  }

  /** Takes nothing in any more, since the memory may soon hold something else; the source is another's again. */
  stop(): void {
    this.#closed = true
    for (const end of this.#ends) end()
  }

  /** Something that is waited for, but no longer than until the end, whatever becomes of a read that is under way then. */
  whileOpen<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = () => reject(loadError(fault('ESTALE')))
      const done = () => void this.#ends.delete(end)
      this.#ends.add(end)
      work.then(resolve, reject).then(done)
      if (this.#closed) end()
    })
  }

  async #load(ranges: readonly PageRange[]): Promise<void> {
    if (this.#closed) throw loadError(fault('ESTALE'))
    const lacking = this.#lacking(ranges)
    const waits = new Set<Promise<void>>()
    const alone: number[] = []
    for (const page of lacking) {
      const coming = this.#coming.get(page)
      if (coming === undefined) alone.push(page)
      else waits.add(coming)
    }
    const ahead: PageRange[] = []
    for (const run of this.#runs(alone, ahead)) waits.add(this.#fetch(run))
    // Whoever comes to need it finds out what was wrong.
    for (const run of ahead) this.#fetch(run).catch(() => {})
    this.#sweep()
    try {
      await this.whileOpen(this.#orAlone(Promise.all(waits), lacking))
    } catch (error) {
      throw loadError(this.#closed ? fault('ESTALE') : sourceFault(error, this.label))
    }
  }

  async #orAlone(reads: Promise<unknown>, lacking: readonly number[]): Promise<void> {
    try {
      await reads
    } catch (error) {
      if (this.#closed || !mayBeBeside(error)) throw error
      await Promise.all(this.#alone(lacking).map(run => this.#fetch(run)))
    }
  }

  /** Reads that bring pages that are not here yet, and nothing else. */
  #alone(pages: readonly number[]): PageRange[] {
    const runs: PageRange[] = []
    const most = Math.max(1, Math.floor(READ_BYTES / this.#pages.pageSize))
    for (const page of pages) {
      if (this.#pages.has(page)) continue
      const last = runs.at(-1)
      if (last !== undefined && page === last.first + last.count && last.count < most) {
        runs[runs.length - 1] = { first: last.first, count: last.count + 1 }
      } else {
        runs.push({ first: page, count: 1 })
      }
    }
    return runs
  }

  /** Reads the rest as well where it fits, once somebody is seen to walk over the image: requests one by one take longer. */
  #sweep(): void {
    if (this.#swept || this.#ahead.continued < SWEEP || this.#pageCount > this.#pages.capacity) return
    this.#swept = true
    const most = Math.max(1, Math.floor(READ_BYTES / this.#pages.pageSize))
    const rest: PageRange[] = []
    for (let page = 0; page < this.#pageCount; page++) {
      const end = this.#untilKnown(page, page + most)
      if (end > page) rest.push({ first: page, count: end - page })
      page = Math.max(page, end - 1)
    }
    // What is asked for last is read first.
    for (const run of rest.reverse()) this.#fetch(run).catch(() => {})
  }

  #fetch({ first, count }: PageRange): Promise<void> {
    const size = this.#pages.pageSize
    const coming = this.#lane
      .run(() => this.source.read(first * size, count * size))
      .then(bytes => {
        if (!this.#closed) this.#take(first, this.#whole(first, count, bytes))
      })
      .finally(() => {
        for (let page = first; page < first + count; page++) {
          if (this.#coming.get(page) === coming) this.#coming.delete(page)
        }
      })
    for (let page = first; page < first + count; page++) {
      if (!this.#coming.has(page)) this.#coming.set(page, coming)
    }
    return coming
  }

  /** The pages of ranges that are not here, in order; as many as can be here at once with room for others. */
  #lacking(ranges: readonly PageRange[]): number[] {
    const most = Math.max(1, this.#pages.capacity >> 1)
    const lacking = new Set<number>()
    for (const { first, count } of ranges) {
      for (let page = first; page < Math.min(first + count, this.#pageCount) && lacking.size < most; page++) {
        if (!this.#pages.has(page)) lacking.add(page)
      }
    }
    return [...lacking].sort((a, b) => a - b)
  }

  /** Reads that bring pages, and some more; `ahead` are those that nobody has to wait for. */
  #runs(pages: readonly number[], ahead?: PageRange[]): PageRange[] {
    const runs: PageRange[] = []
    const most = Math.max(1, Math.floor(READ_BYTES / this.#pages.pageSize))
    for (let i = 0; i < pages.length; ) {
      const first = pages[i]
      let end = first + 1
      for (i++; i < pages.length && pages[i] <= end + GAP && pages[i] < first + most; i++) end = pages[i] + 1
      const more = this.#ahead.extend({ first, count: end - first })
      end = this.#untilKnown(end, first + more.length)
      while (i < pages.length && pages[i] < end) i++
      runs.push({ first, count: end - first })
      const behind = this.#untilKnown(end, end + more.ahead)
      if (behind > end) ahead?.push({ first: end, count: behind - end })
    }
    return runs
  }

  /** The first page from `page` on that is here, is coming, or is `end` or the image's end. */
  #untilKnown(page: number, end: number): number {
    const last = Math.min(end, this.#pageCount)
    let at = page
    while (at < last && !this.#pages.has(at) && !this.#coming.has(at)) at++
    return at
  }

  /** Checks that a read brought all that it should. */
  #whole(first: number, count: number, bytes: Uint8Array | undefined): Uint8Array {
    const { size } = this.source
    const wanted = Math.min(count * this.#pages.pageSize, size - first * this.#pages.pageSize)
    if (bytes?.length === wanted) return bytes
    throw loadError(new Fault('EIO', `${this.label}: ${bytes?.length} bytes came, not ${wanted}`))
  }

  #take(first: number, bytes: Uint8Array): void {
    const { pageSize } = this.#pages
    for (let from = 0, page = first; from < bytes.length; from += pageSize, page++) {
      const whole = from + pageSize <= bytes.length || page === this.#pageCount - 1
      if (whole) this.#pages.put(page, bytes, from)
    }
  }
}
