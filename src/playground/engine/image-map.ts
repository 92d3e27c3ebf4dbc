// The maps of the open images: made in slices when they are first asked for, told of by cells for a picture and by ranges for a
// list. A lazy image has one once all of it has been fetched. Not here: what is at a byte in detail (inspector.ts).

import { type ImageMap, mapSteps } from '../../anatomy/anatomy.js'
import { openImage } from '../../any-host.js'
import { PIECE_KINDS } from '../../format/anatomy-structs.js'
import { Fault, orThrow } from '../../format/errno.js'
import type { Image } from '../../image/image.js'
import type { MapSummary, PlaceFacts, Presence, ShownRange, Squares } from '../inspection.js'
import type { DocumentId, JobId, ProgressListener } from '../protocol.js'
import type { Documents } from './documents.js'
import { cellsOf } from './image-map-cells.js'
import { InodeNames } from './image-map-names.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, PlainError } from './plain-words.js'

const KIND_NUMBERS: ReadonlyMap<string, number> = new Map(PIECE_KINDS.map((kind, at) => [kind, at]))
/** Ranges that are answered at most. */
const WINDOW_MAX = 1024
/** Cells that are answered at most. */
const CELLS_MAX = 1 << 20
/** Bytes of one read, and reads under way at once, when all of a lazy image is fetched. */
const READ_BYTES = 1 << 20
const READS = 4
/** An image that is larger is not fetched as a whole. Bytes. */
const WHOLE_MAX = 1 << 30

/** What is known of one image. */
interface Known {
  /** All of it in memory. */
  readonly image: Image
  readonly map: ImageMap
  readonly names: InodeNames
  /** Indexes of the ranges of a kind. */
  readonly ofKind: Map<string, Uint32Array>
}

export class ImageMaps {
  readonly #documents: Documents
  readonly #jobs: Jobs
  readonly #known = new WeakMap<Image, Promise<Known>>()
  /** What was fetched of lazy images. */
  readonly #wholes = new WeakMap<Image, Image>()
  /** What is being fetched. */
  readonly #fetching = new WeakMap<Image, Promise<void>>()

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
  }

  /** The image as it is in memory; undefined for a lazy one that has not been fetched. */
  wholeOf(document: OpenDocument): Image | undefined {
    return document.image.lazy ? this.#wholes.get(document.image) : document.image
  }

  /** Whether the map can be made without fetching anything. */
  hasAll(id: DocumentId): boolean {
    return this.wholeOf(this.#documents.get(id)) !== undefined
  }

  /** The map, made where it is not there yet. */
  async summary(id: DocumentId, job?: JobId, listener?: ProgressListener): Promise<MapSummary> {
    const { image, map } = await this.#ready(id, job, listener)
    return {
      size: map.byteLength,
      blockSize: image.superblock.blockSize,
      ranges: map.count,
      inodes: map.inodes,
      overlaps: map.overlaps,
      kinds: map.totals(),
      kindNames: PIECE_KINDS,
      faults: map.faults.map(({ nid, code, what }) => `${nid === undefined ? '' : `Inode ${nid}: `}${what} [${code}]`),
      faultCount: map.faultCount,
    }
  }

  /** Numbers of the kinds that the stripes of squares show. */
  async cells(id: DocumentId, squares: Squares): Promise<Uint8Array> {
    const { map } = await this.#ready(id)
    const { from, unit, stripes } = squares
    const count = Math.min(squares.count, Math.ceil(CELLS_MAX / stripes))
    const valid = from >= 0 && from < map.byteLength && unit >= 1 && stripes >= 1
    return valid ? cellsOf(map, KIND_NUMBERS, { from, unit, stripes, count }) : new Uint8Array(0)
  }

  /** How many ranges there are of a kind, or of all. */
  async count(id: DocumentId, kind?: string): Promise<number> {
    const known = await this.#ready(id)
    return kind === undefined ? known.map.count : indexesOf(known, kind).length
  }

  /** Ranges of a kind, or all, from the `start`th on. */
  async ranges(id: DocumentId, start: number, length: number, kind?: string): Promise<ShownRange[]> {
    const known = await this.#ready(id)
    const all = kind === undefined ? undefined : indexesOf(known, kind)
    const end = Math.min(start + Math.min(length, WINDOW_MAX), all?.length ?? known.map.count)
    const indexes = Array.from({ length: Math.max(0, end - start) }, (_, i) => all?.[start + i] ?? start + i)
    const nids = indexes.map(i => known.map.nid(i)).filter(nid => nid !== undefined)
    const paths = known.names.paths(nids)
    return indexes.map(i => shownRange(known.map, i, paths))
  }

  /** Which of the ranges of a kind, or of all, holds a byte or follows it. */
  async rowAt(id: DocumentId, offset: number, kind?: string): Promise<number> {
    const known = await this.#ready(id)
    const index = known.map.indexAt(offset)
    if (kind === undefined) return index
    const all = indexesOf(known, kind)
    const row = all.findIndex(one => one >= index)
    return row < 0 ? all.length - 1 : row
  }

  /** What is at a byte, in a cell of a number of bytes. */
  async at(id: DocumentId, offset: number, cell = 1): Promise<PlaceFacts> {
    const { map, names } = await this.#ready(id)
    const index = map.indexAt(offset)
    if (index < 0) return { range: undefined, also: [], ranges: 0 }
    const nid = map.nid(index)
    const start = Math.floor(offset / cell) * cell
    const last = map.indexAt(Math.min(start + cell, map.byteLength) - 1)
    return {
      range: shownRange(map, index, names.paths(nid === undefined ? [] : [nid])),
      also: map.alsoAt(offset).map(one => (one.nid === undefined ? one.label : `${one.label} of inode ${one.nid}`)),
      ranges: last - map.indexAt(start) + 1,
    }
  }

  /** A path of an inode, as far as that is known already. */
  async pathOf(document: OpenDocument, nid: number): Promise<string | undefined> {
    return (await this.#peeked(document))?.names.path(nid)
  }

  /** Paths of an inode, `most` at most; undefined for a lazy image of which only parts are here. */
  async names(id: DocumentId, nid: number, most: number): Promise<readonly string[] | undefined> {
    return (await this.#peeked(this.#documents.get(id)))?.names.allPaths(nid, most)
  }

  /** The map itself, for the inspector; undefined for a lazy image of which only parts are here. */
  async mapOf(document: OpenDocument): Promise<ImageMap | undefined> {
    return (await this.#peeked(document))?.map
  }

  /** Which pages of a lazy image are here; undefined for others. */
  presence(id: DocumentId): Presence | undefined {
    const { pager } = this.#documents.get(id).image
    if (pager === undefined) return undefined
    const pages = pager.presentPages()
    return { pageSize: pager.pageSize, pages, here: pages.reduce((sum, one) => sum + one, 0) }
  }

  /** Fetches all of a lazy image, so that it has a map. What is open goes on reading it by pages. */
  fetchAll(id: DocumentId, job?: JobId, listener?: ProgressListener): Promise<void> {
    const document = this.#documents.get(id)
    return inPlainWords('The whole image can’t be fetched', async () => {
      const { image } = document
      // Whoever comes second waits for the first, and fetches only where that fails.
      for (let under = this.#fetching.get(image); under !== undefined; under = this.#fetching.get(image))
        await under.catch(() => undefined)
      if (this.wholeOf(document) !== undefined) return
      const fetching = this.#fetch(document, job, listener)
      this.#fetching.set(image, fetching)
      await fetching.finally(() => this.#fetching.delete(image))
    })
  }

  async #fetch(document: OpenDocument, job?: JobId, listener?: ProgressListener): Promise<void> {
    const { byteLength } = document.image
    if (byteLength > WHOLE_MAX) throw new PlainError('EFBIG', 'The image is too large to be fetched as a whole.')
    const work = this.#jobs.begin(
      job,
      { what: `Fetching ${document.parts.name}`, done: 0, total: byteLength, unit: 'bytes' },
      listener,
    )
    const bytes = await readAll(document.image, work)
    const whole = await openImage(bytes)
    if (document.image.closed) whole.close()
    else {
      this.#wholes.set(document.image, whole)
      document.atClose(() => whole.close())
    }
  }

  /** What is known where that costs no fetching. */
  async #peeked(document: OpenDocument): Promise<Known | undefined> {
    return this.wholeOf(document) === undefined ? undefined : this.#ready(document.id)
  }

  #ready(id: DocumentId, job?: JobId, listener?: ProgressListener): Promise<Known> {
    const document = this.#documents.get(id)
    const image = this.wholeOf(document)
    if (image === undefined)
      return Promise.reject(
        new PlainError('ENOTSUP', 'Only parts of the image are here. Fetch all of it to see its map.'),
      )
    const made = this.#known.get(image)
    if (made !== undefined) return made
    const progress = { what: `Mapping ${document.parts.name}`, done: 0, total: 100, unit: 'entries' } as const
    const making = inPlainWords('The map can’t be made', () =>
      makeKnown(image, this.#jobs.begin(job, progress, listener)),
    )
    this.#known.set(image, making)
    // Who asks again tries again.
    making.catch(() => this.#known.delete(image))
    return making
  }
}

async function makeKnown(image: Image, job: Job): Promise<Known> {
  const steps = mapSteps(image)
  for (;;) {
    const step = steps.next()
    if (!step.done) {
      await job.pause(Math.round(step.value * 80))
      continue
    }
    if (step.value instanceof Fault) orThrow(step.value, 'map')
    const map = step.value as ImageMap
    const names = await InodeNames.of(image, job)
    return { image, map, names, ofKind: new Map() }
  }
}

function shownRange(map: ImageMap, index: number, paths: ReadonlyMap<number, string>): ShownRange {
  const range = map.range(index)
  return { index, ...range, path: range.nid === undefined ? undefined : paths.get(range.nid) }
}

function indexesOf({ map, ofKind }: Known, kind: string): Uint32Array {
  const made = ofKind.get(kind)
  if (made !== undefined) return made
  const found: number[] = []
  for (let i = 0; i < map.count; i++) if (map.kind(i) === kind) found.push(i)
  const indexes = Uint32Array.from(found)
  ofKind.set(kind, indexes)
  return indexes
}

/** All bytes of a lazy image, some reads at once. */
async function readAll({ pager, byteLength }: Image, job: Job): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength)
  let next = 0
  let done = 0
  let failed = false
  const lane = async (): Promise<void> => {
    while (next < byteLength && !failed) {
      const from = next
      next += READ_BYTES
      const part = await pager?.source.read(from, Math.min(READ_BYTES, byteLength - from))
      if (part === undefined || part.length !== Math.min(READ_BYTES, byteLength - from))
        throw new PlainError('EIO', 'The image ended early. It may have changed; open it again.')
      bytes.set(part, from)
      done += part.length
      await job.pause(done)
    }
  }
  try {
    await Promise.all(Array.from({ length: READS }, lane))
  } finally {
    // What can't be whole is not fetched further.
    failed = true
  }
  return bytes
}
