// What people drop or pick, and what becomes of it: images are opened, dumps and folders made into images, objects given to the
// images they belong to. Not here: how the page comes by it (page/drop.ts), URLs (url-opening.ts).

import { hashAlgorithm } from '../../any-host.js'
import type { ObjectStore } from '../../store/object-store.js'
import type {
  DocumentId,
  DocumentInfo,
  DocumentOrigin,
  Dropped,
  JobId,
  ProgressListener,
  Taken,
  TakeWish,
} from '../protocol.js'
import type { Documents } from './documents.js'
import { gunzip } from './gunzip.js'
import { imageOfDump } from './intake-dump.js'
import { droppedItem, folderItems } from './intake-folders.js'
import { contentsOf, type Opening } from './intake-heap.js'
import { checkCount, type Item } from './intake-items.js'
import { CAN_BE_OPENED, claimedSize, recognise } from './intake-recognise.js'
import { CANCELLED, type Job, type Jobs } from './jobs.js'
import { plainError } from './plain-words.js'
import { tarItems } from './tar-items.js'
import { zipItems } from './zip-items.js'

/** Files beyond so many are not looked at one by one. */
const FILES_MAX = 200
/** Gzip files in gzip files: some hold themselves. */
const GZIP_MAX = 2
/** So many are told of by name. */
const TOLD_MAX = 3
/** A folder of a store of objects, dropped without the store. */
const SHARD = /^[0-9a-f]{2}$/

export class Intake {
  readonly #documents: Documents
  readonly #jobs: Jobs
  readonly #heaps = new Map<number, Dropped[]>()
  #next = 1

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
    // So that the core is compiled before the first image comes. What fails is told when something is opened.
    hashAlgorithm('sha256').catch(() => {})
  }

  /** A new heap. Many files are handed over by and by: at once they would keep the page from drawing. */
  begin(): number {
    const heap = this.#next++
    this.#heaps.set(heap, [])
    return heap
  }

  add(heap: number, dropped: readonly Dropped[]): void {
    const all = this.#heaps.get(heap)
    if (all === undefined) return
    for (const one of dropped) all.push(one)
    checkCount(all.length, 'What was dropped')
  }

  forget(heap: number): void {
    this.#heaps.delete(heap)
  }

  /** Opens what is in a heap, or the few things themselves. What fails is among the answer's problems; what is open stays as it is. */
  async take(
    heap: number | readonly Dropped[],
    wish: TakeWish,
    id?: JobId,
    listener?: ProgressListener,
  ): Promise<Taken> {
    const dropped = typeof heap === 'number' ? (this.#heaps.get(heap) ?? []) : heap
    if (typeof heap === 'number') this.#heaps.delete(heap)
    const job = this.#jobs.begin(id, { what: 'Reading what was dropped', done: 0, total: 0, unit: 'files' }, listener)
    const taking = new Taking(this.#documents, wish, job, (what, unit) =>
      this.#jobs.begin(id, { what, done: 0, total: 0, unit }, listener),
    )
    return taking.run(dropped)
  }
}

/** A folder or archive that is to become an image. */
interface Tree {
  readonly items: readonly Item[]
  readonly name: string
  readonly origin: DocumentOrigin
}

/** One heap on its way. */
class Taking {
  readonly #documents: Documents
  readonly #wish: TakeWish
  readonly #job: Job
  readonly #newJob: (what: string, unit: 'bytes' | 'entries') => Job
  readonly #openings: Opening[] = []
  readonly #stores: ObjectStore[] = []
  readonly #trees: Tree[] = []
  readonly #unknown: { readonly name: string; readonly what: string }[] = []
  readonly #problems: string[] = []
  readonly #opened: DocumentInfo[] = []
  readonly #given: DocumentInfo[] = []

  constructor(
    documents: Documents,
    wish: TakeWish,
    job: Job,
    newJob: (what: string, unit: 'bytes' | 'entries') => Job,
  ) {
    this.#documents = documents
    this.#wish = wish
    this.#job = job
    this.#newJob = newJob
  }

  async run(dropped: readonly Dropped[]): Promise<Taken> {
    try {
      await this.#sort(dropped)
      this.#tellUnknown()
      if (this.#wish.objectsOnly === true) this.#onlyObjects()
      else await this.#open()
      this.#give()
      for (const tree of this.#trees) await this.#trying(`${tree.name} can’t become an image`, () => this.#build(tree))
    } catch (error) {
      // What is open already is to be shown nevertheless.
      if (this.#opened.length === 0 || !(error instanceof Error) || error.name !== CANCELLED) throw error
    }
    return { opened: this.#opened, given: this.#given, problems: this.#problems }
  }

  async #trying(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (error instanceof Error && error.name === CANCELLED) throw error
      this.#problems.push(plainError(what, error).message)
    }
  }

  async #sort(dropped: readonly Dropped[]): Promise<void> {
    const folders = new Map<string, Item[]>()
    const folder = (name: string): Item[] => {
      const known = SHARD.test(name) ? 'objects' : name
      const items = folders.get(known) ?? []
      folders.set(known, items)
      return items
    }
    let looked = 0
    for (const one of dropped) {
      const [top] = one.path.split('/')
      if (one.folder !== undefined) {
        const { folder: handle } = one
        await this.#trying(`${top} can’t be read`, async () => {
          const items = await folderItems(handle, this.#job)
          for (const item of items) folder(top).push(SHARD.test(top) ? { ...item, path: `${top}/${item.path}` } : item)
        })
      } else if (one.path === top && one.file !== undefined) {
        const { file } = one
        if (looked++ < FILES_MAX) await this.#trying(`${top} can’t be opened`, () => this.#file(file, top))
        else this.#unknown.push({ name: top, what: 'not looked at' })
      } else {
        await this.#trying(`${top} can’t be read`, async () => {
          const inside = SHARD.test(top) ? one : { ...one, path: one.path.slice(top.length + 1) }
          folder(top).push(droppedItem(inside, top))
        })
      }
      await this.#job.pause(looked)
    }
    for (const [name, items] of folders) {
      await this.#trying(`${name} can’t be opened`, () => this.#heap(items, name, 'folder'))
    }
  }

  /** Looks at one file, which came in so many others. */
  async #file(file: Blob, name: string, within = 0): Promise<void> {
    const { kind, what } = await recognise(file)
    if (kind === 'image' || kind === 'dump') this.#openings.push({ name, kind, file })
    else if (kind === 'gzip' && within < GZIP_MAX) {
      const unpacked = await gunzip(file, name, this.#newJob(`Unpacking ${name}`, 'bytes'))
      await this.#file(unpacked, name.replace(/\.gz$/i, '').replace(/\.tgz$/i, '.tar'), within + 1)
    } else if (kind === 'tar' || kind === 'zip') {
      const job = this.#newJob(`Reading ${name}`, kind === 'tar' ? 'bytes' : 'entries')
      const items = await (kind === 'tar' ? tarItems(file, name, job) : zipItems(file, name, job))
      await this.#heap(items, name, 'archive')
    } else this.#unknown.push({ name, what })
  }

  /** Looks at what a folder or archive holds. */
  async #heap(items: readonly Item[], name: string, origin: DocumentOrigin): Promise<void> {
    const contents = await contentsOf(items, name)
    if (contents.is === 'nothing') {
      this.#problems.push(`There is nothing in ${name}. ${CAN_BE_OPENED}`)
    } else if (contents.is === 'tree') {
      this.#trees.push({ items, name, origin })
    } else {
      this.#stores.push(contents.store)
      this.#openings.push(...contents.beside)
    }
  }

  #tellUnknown(): void {
    const unknown = this.#unknown
    if (unknown.length <= TOLD_MAX) {
      for (const { name, what } of unknown) this.#problems.push(`${name} is ${what}. ${CAN_BE_OPENED}`)
      return
    }
    const some = unknown.slice(0, TOLD_MAX).map(({ name, what }) => `${name} is ${what}`)
    this.#problems.push(
      `${unknown.length.toLocaleString('en')} files can’t be opened: ${some.join(', ')}, and so on. Drop the folder that they are in to build an image from it.`,
    )
  }

  #onlyObjects(): void {
    const others = [...this.#openings.map(one => one.name), ...this.#trees.map(one => one.name)]
    for (const name of others) {
      this.#problems.push(
        `There are no objects in ${name}. Objects are files named by their digest: two hex digits, a slash, and 62 more.`,
      )
    }
    this.#openings.length = 0
    this.#trees.length = 0
  }

  async #open(): Promise<void> {
    for (const { kind, file, name } of this.#openings) {
      await this.#trying(`${name} can’t be opened`, async () => {
        const opening = { name, stores: this.#stores, digest: this.#wish.digest }
        if (kind === 'dump') {
          const built = await imageOfDump(file, name)
          this.#opened.push(await this.#documents.openBlob({ ...opening, file: built, origin: 'dump' }))
          return
        }
        this.#opened.push(await this.#documents.openBlob({ ...opening, file, origin: 'file' }))
        await this.#checkWhole(file, name)
      })
    }
  }

  /** What is left of an image that was cut short can be looked at. */
  async #checkWhole(file: Blob, name: string): Promise<void> {
    const claimed = await claimedSize(file)
    if (claimed === undefined || claimed <= file.size) return
    this.#problems.push(
      `${name} is cut short: it should have ${claimed.toLocaleString('en')} bytes, and has ${file.size.toLocaleString('en')}. What is missing can’t be shown; fetch it again.`,
    )
  }

  /** Gives objects that came without an image to the one that is shown. */
  #give(): void {
    if (this.#stores.length === 0 || this.#openings.length > 0) return
    const into: DocumentId | undefined = this.#wish.into
    const labels = this.#stores.map(store => store.label).join(', ')
    if (into === undefined) {
      this.#problems.push(
        `${labels} holds objects, but no image that says what they are. Open the image first, or drop both at once.`,
      )
      return
    }
    for (const store of this.#stores) this.#documents.get(into).giveStore(store)
    this.#given.push(this.#documents.info(into))
  }

  async #build({ items, name, origin }: Tree): Promise<void> {
    const { built, objects } = await (await import('./intake-tree.js')).buildFrom(
      items,
      name,
      this.#newJob(`Building an image of ${name}`, 'bytes'),
    )
    const file = new Blob([built.image as Uint8Array<ArrayBuffer>])
    this.#opened.push(await this.#documents.openBlob({ name, stores: [objects], file, origin }))
  }
}
