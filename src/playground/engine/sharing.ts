// Which objects the open images share: counted by the set of images that have them. Not here: the picture (the page).

import { Fault, Miss } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { newAttr } from '../../overlay/layer.js'
import { answered } from '../../overlay/waiting.js'
import { childPath, pathText } from '../path-text.js'
import type { DocumentId, JobId, ProgressListener } from '../protocol.js'
import type { Amount, SharedObject, SharingImage, SharingReport, SharingSet } from '../reports.js'
import type { Documents } from './documents.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { closedMeanwhile, inPlainWords } from './plain-words.js'
import { objectNameOf } from './sharing-object.js'

const { S_IFMT, S_IFDIR, S_IFREG } = CONSTANTS

export interface NamedObject {
  readonly size: number
  /** The first path that needs it. */
  readonly path: string
}

/** The objects that an image names. */
export interface ImageObjects {
  readonly objects: ReadonlyMap<string, NamedObject>
  /** Files with their bytes in objects, an inode counted once. */
  readonly files: number
  readonly fileBytes: number
}

/** Walks an image as it was opened, whatever has been changed since. */
async function gather(document: OpenDocument, job: Job): Promise<ImageObjects> {
  const { layer } = document.parts.mount
  const objects = new Map<string, NamedObject>()
  const inodes = new Set<number>()
  /** A folder has one name; only a damaged image leads to it again, and would have no end. */
  const folders = new Set<number>()
  const attr = newAttr()
  let [files, fileBytes, done] = [0, 0, 0]
  const waiting: { readonly node: object; readonly path: string }[] = [{ node: layer.root, path: '/' }]
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    const { node, path } = dir
    const list = await answered(() => layer.readdir(node))
    if (list instanceof Fault && document.image.closed) throw closedMeanwhile()
    if (list instanceof Fault) continue
    const found: typeof waiting = []
    for (let i = 0; i < list.names.length; i++) {
      await job.pause(++done)
      const raw = list.raw?.get(i)
      const look = () => {
        const child = layer.lookup(node, raw ?? list.names[i])
        if (child instanceof Fault) return child
        const failed = layer.stat(child, attr)
        if (failed !== undefined) return failed
        const object = objectNameOf(layer, child)
        return object instanceof Fault ? object : { child, object }
      }
      let one = look()
      if (one instanceof Miss) one = await answered(look)
      if (one instanceof Fault) continue
      const type = attr.mode & S_IFMT
      const own = childPath(path, raw === undefined ? list.names[i] : pathText(raw))
      if (type === S_IFDIR && !folders.has(attr.ino)) {
        folders.add(attr.ino)
        found.push({ node: one.child, path: own })
      }
      if (type !== S_IFREG || one.object === undefined || inodes.has(attr.ino)) continue
      if (attr.nlink > 1) inodes.add(attr.ino)
      files++
      fileBytes += attr.size
      if (!objects.has(one.object)) objects.set(one.object, { size: attr.size, path: own })
    }
    while (found.length > 0) waiting.push(found.pop() as (typeof waiting)[number])
  }
  return { objects, files, fileBytes }
}

/** Gathered once for each document. */
export function objectsOf(document: OpenDocument, job: Job): Promise<ImageObjects> {
  const gathered = document.keep('objects', () => gather(document, job))
  return gathered.catch(error => {
    document.kept.delete('objects')
    throw error
  })
}

interface Known {
  readonly id: DocumentId
  readonly of: ImageObjects
}

interface CountedObject {
  readonly object: string
  readonly size: number
  /** Indexes of the images that have it. */
  readonly in: readonly number[]
}

/** Each object once, with the images that have it in the order in which these were opened. Others have their turn meanwhile. */
async function eachObject(known: readonly Known[], job: Job, take: (one: CountedObject) => void): Promise<void> {
  let done = 0
  for (const [first, { of }] of known.entries()) {
    for (const [object, { size }] of of.objects) {
      if (++done % 64 === 0) await job.pause(done)
      if (known.slice(0, first).some(before => before.of.objects.has(object))) continue
      const others = known.flatMap((one, index) => (index >= first && one.of.objects.has(object) ? [index] : []))
      take({ object, size, in: others })
    }
  }
}

export class Sharing {
  readonly #documents: Documents
  readonly #jobs: Jobs

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
  }

  /** Of the images named, in this order. */
  report(ids: readonly DocumentId[], job?: JobId, listener?: ProgressListener): Promise<SharingReport> {
    return inPlainWords('What is shared can’t be shown', async () => {
      const work = this.#job(job, listener)
      return reportOf(await this.#known(ids, work), name => this.#documents.get(name), work)
    })
  }

  /** The largest objects, of all images or of those that exactly a set of them has. */
  largest(ids: readonly DocumentId[], set: readonly DocumentId[] | undefined, most: number): Promise<SharedObject[]> {
    return inPlainWords('The objects can’t be shown', async () => {
      const work = this.#job()
      const known = await this.#known(ids, work)
      const wanted = set?.join()
      const found: CountedObject[] = []
      await eachObject(known, work, one => {
        if (wanted === undefined || one.in.map(index => known[index].id).join() === wanted) found.push(one)
      })
      found.sort((a, b) => b.size - a.size || (a.object < b.object ? -1 : 1))
      return found.slice(0, most).map(({ object, size, in: indexes }) => ({
        object,
        size,
        ids: indexes.map(index => known[index].id),
        paths: indexes.map(index => known[index].of.objects.get(object)?.path ?? ''),
      }))
    })
  }

  #job(id?: JobId, listener?: ProgressListener): Job {
    return this.#jobs.begin(id, { what: 'Looking for objects', done: 0, total: 0, unit: 'entries' }, listener)
  }

  async #known(ids: readonly DocumentId[], job: Job): Promise<Known[]> {
    const known: Known[] = []
    for (const one of ids) known.push({ id: one, of: await objectsOf(this.#documents.get(one), job) })
    return known
  }
}

async function reportOf(
  known: readonly Known[],
  document: (id: DocumentId) => OpenDocument,
  job: Job,
): Promise<SharingReport> {
  const sets = new Map<string, { ids: DocumentId[]; objects: number; bytes: number }>()
  const nothing = () => ({ objects: 0, bytes: 0 })
  const adds = known.map(nothing)
  const unique = known.map(nothing)
  const together = nothing()
  const count = (into: { objects: number; bytes: number }, size: number) => {
    into.objects++
    into.bytes += size
  }
  await eachObject(known, job, ({ size, in: indexes }) => {
    const key = indexes.join()
    let set = sets.get(key)
    if (set === undefined) {
      set = { ids: indexes.map(index => known[index].id), ...nothing() }
      sets.set(key, set)
    }
    count(set, size)
    count(together, size)
    count(adds[indexes[0]], size)
    if (indexes.length === 1) count(unique[indexes[0]], size)
  })
  const images = known.map(({ id, of }, index): SharingImage => {
    const { parts, image } = document(id)
    let bytes = 0
    for (const { size } of of.objects.values()) bytes += size
    return {
      id,
      name: parts.name,
      imageBytes: image.byteLength,
      files: of.files,
      fileBytes: of.fileBytes,
      objects: of.objects.size,
      bytes,
      unique: unique[index],
      adds: adds[index],
    }
  })
  const ordered: SharingSet[] = [...sets.values()].sort((a, b) => b.bytes - a.bytes)
  return { images, sets: ordered, together: together satisfies Amount }
}
