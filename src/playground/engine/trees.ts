// The tree of each open image: which folders are unfolded, in which order, and the rows that a list shows of it at a time. Not
// here: how rows are counted (folder.ts).

import type { Layer } from '../../overlay/layer.js'
import { baseName, childPath, parentPath, pathNames } from '../path-text.js'
import type {
  Badge,
  DocumentId,
  JobId,
  Progress,
  ProgressListener,
  Row,
  RowWindow,
  Sorting,
  TreeState,
} from '../protocol.js'
import type { Documents } from './documents.js'
import { BROKEN, entryFacts, nodeFacts } from './entry-facts.js'
import { Folder } from './folder.js'
import { isCancelled, type Job, type Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords } from './plain-words.js'
import { DT_DIR, orderOf } from './tree-order.js'

const NATURAL: Sorting = { key: 'name', descending: false }
/** Work of which nobody is told. */
const QUIET: Progress = { what: '', done: 0, total: 0, unit: 'entries' }
/** Folders that may be unfolded by one call. */
const UNFOLD_MAX = 200_000
/** Rows that are looked at without a pause. */
const ROWS_AT_ONCE = 8192

/** What is shown of one document in one pane. */
interface Shown {
  /** What its folders were read of. Once the image is changed for the first time, or back, it shows another. */
  readonly layer: Layer
  root: Folder
  sorting: Sorting
  generation: number
  revision: number
}

/** What changes a tree is done one after the other; rows are answered meanwhile. */
interface Kept {
  shown: Shown | undefined
  last: Promise<unknown>
}

export class Trees {
  readonly #documents: Documents
  readonly #jobs: Jobs
  readonly #kept = new WeakMap<OpenDocument, Map<number, Kept>>()
  /** Changes of a path, for its badge; given by the view of changes. */
  readonly #badges: (document: OpenDocument) => Promise<ReadonlyMap<string, Badge>>

  constructor(
    documents: Documents,
    jobs: Jobs,
    badges: (document: OpenDocument) => Promise<ReadonlyMap<string, Badge>>,
  ) {
    this.#documents = documents
    this.#jobs = jobs
    this.#badges = badges
  }

  state(id: DocumentId, pane: number): Promise<TreeState> {
    return this.#with(id, pane, async (_document, shown) => stateOf(shown))
  }

  /** Rows from `start` on. */
  window(id: DocumentId, pane: number, start: number, length: number): Promise<RowWindow> {
    return this.#with(id, pane, async (document, shown) => {
      const found: { readonly folder: Folder; readonly place: number }[] = []
      // The first row is the root itself.
      shown.root.visit(Math.max(start - 1, 0), (folder, place) => {
        found.push({ folder, place })
        return found.length < length
      })
      const badges = await this.#badges(document)
      const rows: Row[] = start === 0 ? [await rootRow(document, shown.layer)] : []
      for (const { folder, place } of found) {
        if (rows.length >= length) break
        const index = folder.indexAt(place)
        const facts = await document.ask(
          () => entryFacts(shown.layer, folder.node, folder.nameBytes(index)),
          folder.path,
        )
        const name = folder.nameAt(index)
        const path = childPath(folder.path, name)
        const badge = badges.get(path)
        rows.push({
          ...facts,
          badges: badge === undefined ? facts.badges : [...facts.badges, badge],
          path,
          name,
          depth: folder.depth + 1,
          expanded: folder.unfolded(index) !== undefined,
          position: place + 1,
          setSize: folder.length,
        })
      }
      return { ...stateOf(shown), start, rows }
    })
  }

  /** Unfolds or folds the folder at a path. */
  toggle(id: DocumentId, pane: number, path: string, unfold?: boolean): Promise<TreeState> {
    return this.#change(id, pane, async (document, shown, job) => {
      const folder = await this.#unfoldTo(document, shown, parentPath(path), job)
      const index = folder.indexOf(baseName(path))
      if (index < 0 || path === '/') return stateOf(shown)
      const is = folder.unfolded(index) !== undefined
      if (is && unfold !== true) folder.fold(index)
      else if (!is && unfold !== false) await this.#unfold(document, shown, folder, index, job)
      return stateOf(shown)
    })
  }

  /** Unfolds what stands above a path. Answers its row; that of what is nearest to it where it is not there. */
  reveal(id: DocumentId, pane: number, path: string): Promise<TreeState & { readonly row: number }> {
    return this.#change(id, pane, async (document, shown, job) => {
      if (path === '/') return { ...stateOf(shown), row: 0 }
      const folder = await this.#unfoldTo(document, shown, parentPath(path), job)
      const index = folder.path === parentPath(path) ? folder.indexOf(baseName(path)) : -1
      let row = index < 0 ? 0 : folder.rowOf(index) + 1
      for (let one: Folder = folder; one.above !== undefined; one = one.above) row += one.above.rowOf(one.index) + 1
      return { ...stateOf(shown), row }
    })
  }

  /** Unfolds all below a folder; `partly`: there is more of it than the limit. */
  unfoldAll(
    id: DocumentId,
    pane: number,
    path: string,
    jobId?: JobId,
    listener?: ProgressListener,
  ): Promise<TreeState & { readonly partly: boolean }> {
    const job = this.#jobs.begin(jobId, { what: 'Unfolding', done: 0, total: 0, unit: 'entries' }, listener)
    return this.#change(id, pane, async (document, shown) => {
      const waiting = [await this.#unfoldTo(document, shown, path, job)]
      for (let left = UNFOLD_MAX; left > 0; left--) {
        const folder = waiting.pop()
        if (folder === undefined) break
        for (let index = 0; index < folder.length; index++) {
          if (folder.list.types[index] !== DT_DIR) continue
          // What can't be read stays folded.
          const below =
            folder.unfolded(index) ??
            (await this.#unfold(document, shown, folder, index, job).catch(error => {
              if (document.image.closed || isCancelled(error)) throw error
              return undefined
            }))
          if (below !== undefined) waiting.push(below)
          await job.pause(shown.root.rows)
        }
      }
      return { ...stateOf(shown), partly: waiting.length > 0 }
    })
  }

  foldAll(id: DocumentId, pane: number): Promise<TreeState> {
    return this.#change(id, pane, async (_document, shown) => {
      shown.root.foldAll()
      return stateOf(shown)
    })
  }

  sort(id: DocumentId, pane: number, sorting: Sorting, jobId?: JobId, listener?: ProgressListener): Promise<TreeState> {
    const job = this.#jobs.begin(jobId, { what: 'Sorting', done: 0, total: 0, unit: 'entries' }, listener)
    return this.#change(id, pane, async (_document, shown) => {
      const folders = [shown.root]
      const orders: Uint32Array[] = []
      for (const folder of folders) {
        orders.push(await orderOf(shown.layer, folder, sorting, job))
        for (const below of folder.unfoldedBelow()) folders.push(below)
      }
      // At once: what is cancelled leaves all in the order that it was in.
      for (const [at, folder] of folders.entries()) folder.sort(orders[at])
      shown.sorting = sorting
      return stateOf(shown)
    })
  }

  /** The next row whose name begins with some letters, from a row on and round; -1 where there is none. */
  rowBeginning(id: DocumentId, pane: number, letters: string, from: number): Promise<number> {
    return this.#with(id, pane, async (_document, shown, job) => {
      const wanted = letters.toLowerCase()
      const search = async (start: number, end: number): Promise<number> => {
        let [row, found] = [start, -1]
        while (row < end && found < 0) {
          const stop = Math.min(row + ROWS_AT_ONCE, end)
          shown.root.visit(row - 1, (folder, place) => {
            if (row >= stop) return false
            if (folder.nameAt(folder.indexAt(place)).toLowerCase().startsWith(wanted)) found = row
            row++
            return found < 0
          })
          await job.pause(row)
        }
        return found
      }
      const after = await search(Math.max(from, 1), shown.root.rows + 1)
      return after >= 0 ? after : search(1, Math.min(from, shown.root.rows + 1))
    })
  }

  /** Reads what is shown of a document in a pane. */
  async #with<T>(
    id: DocumentId,
    pane: number,
    action: (document: OpenDocument, shown: Shown, job: Job) => Promise<T>,
  ): Promise<T> {
    return inPlainWords('The folder can’t be shown', async () => {
      const document = this.#documents.get(id)
      const { shown } = this.#keptOf(document, pane)
      const now = shown?.revision === document.revision ? shown : await this.#change(id, pane, async (_, made) => made)
      return action(document, now, this.#jobs.begin(undefined, QUIET))
    })
  }

  /** Changes it, once all that was asked for before is done; it is made anew first where the document has changed. */
  #change<T>(
    id: DocumentId,
    pane: number,
    action: (document: OpenDocument, shown: Shown, job: Job) => Promise<T>,
  ): Promise<T> {
    return inPlainWords('The folder can’t be shown', () => {
      const document = this.#documents.get(id)
      const kept = this.#keptOf(document, pane)
      const job = this.#jobs.begin(undefined, QUIET)
      const done = kept.last.then(async () => {
        const { shown } = kept
        const now = shown?.revision === document.revision ? shown : await this.#fresh(document, shown, job)
        kept.shown = now
        now.generation++
        return action(document, now, job)
      })
      kept.last = done.catch(() => undefined)
      return done
    })
  }

  #keptOf(document: OpenDocument, pane: number): Kept {
    const panes = this.#kept.get(document) ?? new Map<number, Kept>()
    this.#kept.set(document, panes)
    const kept = panes.get(pane) ?? { shown: undefined, last: Promise.resolve() }
    panes.set(pane, kept)
    return kept
  }

  async #fresh(document: OpenDocument, was: Shown | undefined, job: Job): Promise<Shown> {
    const { layer, revision } = document
    const list = await document.ask(() => layer.readdir(layer.root), '/')
    const root = new Folder('/', layer.root, list)
    const sorting = was?.sorting ?? NATURAL
    const shown: Shown = { layer, root, sorting, generation: was?.generation ?? 0, revision }
    root.sort(await orderOf(layer, root, sorting, job))
    const again = async (from: Folder, into: Folder): Promise<void> => {
      for (const old of from.unfoldedBelow()) {
        const index = into.indexOf(baseName(old.path))
        const below = index < 0 ? undefined : await this.#unfold(document, shown, into, index, job)
        if (below !== undefined) await again(old, below)
      }
    }
    if (was !== undefined) await again(was.root, root)
    return shown
  }

  /** The folder at a path, all above it unfolded, as far as there is one. */
  async #unfoldTo(document: OpenDocument, shown: Shown, path: string, job: Job): Promise<Folder> {
    let folder = shown.root
    for (const name of pathNames(path)) {
      const index = folder.indexOf(name)
      if (index < 0) return folder
      const below = folder.unfolded(index) ?? (await this.#unfold(document, shown, folder, index, job))
      if (below === undefined) return folder
      folder = below
    }
    return folder
  }

  /** undefined for what is no folder. */
  async #unfold(
    document: OpenDocument,
    shown: Shown,
    above: Folder,
    index: number,
    job: Job,
  ): Promise<Folder | undefined> {
    if (above.list.types[index] !== DT_DIR) return undefined
    const { layer } = shown
    const path = childPath(above.path, above.nameAt(index))
    const node = await document.ask(() => layer.lookup(above.node, above.nameBytes(index)), path)
    const list = await document.ask(() => layer.readdir(node), path)
    const folder = new Folder(path, node, list, above, index)
    folder.sort(await orderOf(layer, folder, shown.sorting, job))
    above.unfold(folder)
    return folder
  }
}

function stateOf({ root, generation, sorting }: Shown): TreeState {
  return { count: root.rows + 1, generation, sorting }
}

async function rootRow(document: OpenDocument, layer: Layer): Promise<Row> {
  const facts = await document.ask(() => nodeFacts(layer, layer.root), '/').catch(() => BROKEN)
  return { ...facts, path: '/', name: '/', depth: 0, expanded: true, position: 1, setSize: 1 }
}
