// What is in a folder, as a table shows it: windows of its entries in the order that is asked for, and counts. Not here: the tree.

import { Fault, Miss } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { type DirList, type Layer, newAttr } from '../../overlay/layer.js'
import type { FolderCounts, FolderWindow } from '../contents-protocol.js'
import { childPath, pathText, shownText } from '../path-text.js'
import type { DocumentId, Entry, Sorting } from '../protocol.js'
import type { Documents } from './documents.js'
import { entryFacts } from './entry-facts.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords } from './plain-words.js'

const { S_IFDIR, S_IFREG, S_IFLNK } = CONSTANTS
const DT_DIR = S_IFDIR >> 12
const DT_REG = S_IFREG >> 12
const DT_LNK = S_IFLNK >> 12
/** Folders that are kept of a document. */
const KEPT_MAX = 4

/** One folder. */
interface Listed {
  readonly layer: Layer
  readonly node: object
  readonly list: DirList
  readonly counts: FolderCounts
  /** Orders in which it was asked for. */
  readonly orders: Map<string, Uint32Array>
}

export class FolderLists {
  readonly #documents: Documents
  readonly #jobs: Jobs

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
  }

  /** Entries from `start` on, in an order. */
  window(id: DocumentId, path: string, sorting: Sorting, start: number, length: number): Promise<FolderWindow> {
    return inPlainWords(`${shownText(path)} can’t be listed`, async () => {
      const document = this.#documents.get(id)
      const listed = await this.#listed(document, path)
      const order = await this.#order(listed, sorting)
      const entries: Entry[] = []
      for (const index of order.subarray(start, start + length)) {
        const raw = listed.list.raw?.get(index)
        const name = raw === undefined ? listed.list.names[index] : pathText(raw)
        const facts = await document.ask(
          () => entryFacts(listed.layer, listed.node, raw ?? listed.list.names[index]),
          path,
        )
        entries.push({ ...facts, name, path: childPath(path, name) })
      }
      return { counts: listed.counts, entries }
    })
  }

  async #listed(document: OpenDocument, path: string): Promise<Listed> {
    const kept = document.keep('folder-lists', () => new Map<string, Listed>())
    const known = kept.get(path)
    if (known !== undefined) return known
    const { layer } = document
    const node = await document.nodeAt(path)
    const list = await document.ask(() => layer.readdir(node), path)
    const listed: Listed = { layer, node, list, counts: countsOf(list), orders: new Map() }
    kept.set(path, listed)
    for (const oldest of kept.keys()) {
      if (kept.size <= KEPT_MAX) break
      kept.delete(oldest)
    }
    return listed
  }

  async #order(listed: Listed, { key, descending }: Sorting): Promise<Uint32Array> {
    const name = `${key} ${descending}`
    const known = listed.orders.get(name)
    if (known !== undefined) return known
    const { list } = listed
    const job = this.#jobs.begin(undefined, { what: '', done: 0, total: 0, unit: 'entries' })
    const values = key === 'name' || key === 'type' ? undefined : await valuesOf(listed, key, job)
    const rank = (index: number) => (list.types[index] === DT_DIR ? 0 : 1)
    const sign = descending ? -1 : 1
    const order = Uint32Array.from({ length: list.names.length }, (_, index) => index)
    order.sort((a, b) => {
      if (key === 'type') return sign * (list.types[a] - list.types[b]) || a - b
      if (values === undefined) return rank(a) - rank(b) || sign * (a - b)
      return rank(a) - rank(b) || sign * (values[a] - values[b]) || a - b
    })
    listed.orders.set(name, order)
    return order
  }
}

/** Sizes or times of all entries; 0 of those that can't be read. */
async function valuesOf({ layer, node, list }: Listed, key: 'size' | 'mtime', job: Job): Promise<Float64Array> {
  const values = new Float64Array(list.names.length)
  const attr = newAttr()
  for (let index = 0; index < values.length; index++) {
    const read = (): Fault | undefined => {
      const child = layer.lookup(node, list.raw?.get(index) ?? list.names[index])
      return child instanceof Fault ? child : layer.stat(child, attr)
    }
    let failed = read()
    while (failed instanceof Miss) {
      await failed.load()
      failed = read()
    }
    if (failed === undefined) values[index] = key === 'size' ? attr.size : attr.mtimeSec + attr.mtimeNsec / 1e9
    if ((index & 255) === 0) await job.pause(index)
  }
  return values
}

function countsOf({ names, types }: DirList): FolderCounts {
  const byType = new Uint32Array(16)
  for (let i = 0; i < names.length; i++) byType[types[i] & 15]++
  const [folders, files, symlinks] = [byType[DT_DIR], byType[DT_REG], byType[DT_LNK]]
  const entries = names.length
  return { entries, folders, files, symlinks, others: entries - folders - files - symlinks }
}
