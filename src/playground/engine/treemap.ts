// Where the bytes of an image are, as a tree that a picture can be made of: folders by their sums, the largest looked into first,
// small entries together. Not here: how it is counted (treemap-census.ts), areas and colours (the page).

import { childPath, pathNames, pathText } from '../path-text.js'
import type { DocumentId, JobId, ProgressListener } from '../protocol.js'
import type { Measure, TreemapNode, TreemapReport } from '../reports.js'
import type { Documents } from './documents.js'
import { entryType } from './entry-facts.js'
import type { Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords } from './plain-words.js'
import { type Census, takeCensus } from './treemap-census.js'
import { KINDS } from './treemap-kinds.js'

/** Entries that a picture is made of, about. */
const NODES_MAX = 700
/** Entries of one folder; of the topmost one, whose table people read. */
const CHILDREN_MAX = 60
const TOP_CHILDREN_MAX = 200

/** A node that may still get children. */
type Growing = { -readonly [K in keyof TreemapNode]: TreemapNode[K] }

interface Folder {
  readonly growing: Growing
  readonly node: object
  readonly index: number
}

export class Treemap {
  readonly #documents: Documents
  readonly #jobs: Jobs

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
  }

  /** The folder at a path, and what is in it. Counts all of the image at the first call. */
  report(
    id: DocumentId,
    path: string,
    measure: Measure,
    job?: JobId,
    listener?: ProgressListener,
  ): Promise<TreemapReport> {
    return inPlainWords('The sizes can’t be shown', async () => {
      const document = this.#documents.get(id)
      const census = await this.#census(document, job, listener)
      const top = await find(document, census, path)
      await grow(document, census, top, measure)
      return { root: top.growing, broken: census.broken }
    })
  }

  #census(document: OpenDocument, id?: JobId, listener?: ProgressListener): Promise<Census> {
    const job = this.#jobs.begin(id, { what: 'Adding up sizes', done: 0, total: 0, unit: 'entries' }, listener)
    const census = document.keep('treemap', () => takeCensus(document.layer, job))
    // What was cancelled or failed is begun anew the next time.
    return census.catch(error => {
      document.kept.delete('treemap')
      throw error
    })
  }
}

function folderNode(census: Census, index: number, name: string, path: string): Growing {
  return {
    name,
    path,
    type: 'dir',
    kind: census.folderKind(index),
    bytes: census.folderBytes.at(index),
    objects: census.folderObjects.at(index),
    entries: census.folderEntries.at(index),
  }
}

/** The folder at a path; the nearest one above it where it is none. */
async function find(document: OpenDocument, census: Census, path: string): Promise<Folder> {
  const { layer } = census
  let found: Folder = { growing: folderNode(census, 0, '/', '/'), node: layer.root, index: 0 }
  for (const name of pathNames(path)) {
    const { node, index, growing } = found
    const list = await document.ask(() => layer.readdir(node), growing.path)
    const at = list.names.findIndex(
      (one, i) => (list.raw?.has(i) ? pathText(list.raw.get(i) as Uint8Array) : one) === name,
    )
    const child = at < 0 ? -1 : census.folder.at(census.first.at(index) + at)
    if (child < 0) break
    const below = await document.ask(() => layer.lookup(node, list.raw?.get(at) ?? list.names[at]), growing.path)
    found = { growing: folderNode(census, child, name, childPath(growing.path, name)), node: below, index: child }
  }
  return found
}

async function grow(document: OpenDocument, census: Census, top: Folder, measure: Measure): Promise<void> {
  const waiting = [top]
  for (let left = NODES_MAX; left > 0 && waiting.length > 0; ) {
    let best = 0
    for (let i = 1; i < waiting.length; i++) {
      if (waiting[i].growing[measure] > waiting[best].growing[measure]) best = i
    }
    const [folder] = waiting.splice(best, 1)
    const below = await lookInto(document, census, folder, measure, folder === top ? TOP_CHILDREN_MAX : CHILDREN_MAX)
    left -= folder.growing.children?.length ?? 0
    waiting.push(...below)
  }
}

/** Gives a folder its children; answers those that are folders with something in them. */
async function lookInto(
  document: OpenDocument,
  census: Census,
  { growing, node, index }: Folder,
  measure: Measure,
  most: number,
): Promise<Folder[]> {
  const { layer } = census
  const list = await document.ask(() => layer.readdir(node), growing.path)
  const first = census.first.at(index)
  const children = list.names.map((plain, i): Growing & { at: number; folder: number } => {
    const raw = list.raw?.get(i)
    const name = raw === undefined ? plain : pathText(raw)
    const path = childPath(growing.path, name)
    const folder = census.folder.at(first + i)
    if (folder >= 0) return { ...folderNode(census, folder, name, path), at: i, folder }
    const kind = KINDS[census.kind.at(first + i)]
    const type = entryType(list.types[i] << 12)
    const [bytes, objects] = [census.bytes.at(first + i), census.objects.at(first + i)]
    return { name, path, type, kind, bytes, objects, entries: 1, at: i, folder: -1 }
  })
  children.sort((a, b) => b[measure] - a[measure] || a.at - b.at)
  const shown = children.slice(0, most)
  const rest = children.slice(most)
  growing.children = shown
  const below: Folder[] = []
  for (const child of shown) {
    if (child.folder < 0 || child.entries < 2 || child[measure] === 0) continue
    const name = list.raw?.get(child.at) ?? list.names[child.at]
    below.push({
      growing: child,
      node: await document.ask(() => layer.lookup(node, name), child.path),
      index: child.folder,
    })
  }
  if (rest.length > 0) growing.children = [...shown, together(growing.path, rest)]
  return below
}

function together(path: string, rest: readonly TreemapNode[]): TreemapNode {
  const sum = (measure: Measure) => rest.reduce((all, one) => all + one[measure], 0)
  const numbers = { bytes: sum('bytes'), objects: sum('objects'), entries: sum('entries') }
  return { name: '', path, type: 'unknown', kind: 'other', ...numbers, together: rest.length }
}
