// The tree of each open image: which folders are unfolded, in which order, and the rows that a list shows of it at a time. Not
// here: how rows are counted (folder.ts).

import { Fault, Miss } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { type Layer, newAttr } from '../../overlay/layer.js'
import { childPath, parentPath, pathNames } from '../path-text.js'
import type { Badge, DocumentId, Row, RowWindow, Sorting, TreeState } from '../protocol.js'
import type { Documents } from './documents.js'
import { BROKEN, entryFacts, nodeFacts } from './entry-facts.js'
import { Folder } from './folder.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords } from './plain-words.js'

const DT_DIR = CONSTANTS.S_IFDIR >> 12
const NATURAL: Sorting = { key: 'name', descending: false }
/** Folders that may be unfolded by one call. */
const UNFOLD_MAX = 200_000

/** What is shown of one document. */
interface Shown {
  root: Folder
  sorting: Sorting
  generation: number
  revision: number
}

export class Trees {
  readonly #documents: Documents
  readonly #shown = new WeakMap<OpenDocument, Shown>()
  /** Changes of a path, for its badge; given by the view of changes. */
  readonly #badges: (document: OpenDocument) => Promise<ReadonlyMap<string, Badge>>

  constructor(documents: Documents, badges: (document: OpenDocument) => Promise<ReadonlyMap<string, Badge>>) {
    this.#documents = documents
    this.#badges = badges
  }

  state(id: DocumentId): Promise<TreeState> {
    return this.#with(id, async (_document, shown) => stateOf(shown))
  }

  /** Rows from `start` on. */
  window(id: DocumentId, start: number, length: number): Promise<RowWindow> {
    return this.#with(id, async (document, shown) => {
      const found: { readonly folder: Folder; readonly place: number }[] = []
      // The first row is the root itself.
      shown.root.visit(Math.max(start - 1, 0), (folder, place) => {
        found.push({ folder, place })
        return found.length < length
      })
      const badges = await this.#badges(document)
      const rows: Row[] = start === 0 ? [await rootRow(document)] : []
      for (const { folder, place } of found) {
        if (rows.length >= length) break
        const index = folder.indexAt(place)
        const facts = await document.ask(
          () => entryFacts(document.layer, folder.node, folder.nameBytes(index)),
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
  toggle(id: DocumentId, path: string, unfold?: boolean): Promise<TreeState> {
    return this.#with(id, async (document, shown) => {
      const folder = await this.#unfoldTo(document, shown, parentPath(path))
      const index = folder.indexOf(pathNames(path).at(-1) ?? '')
      if (index < 0 || path === '/') return stateOf(shown)
      const is = folder.unfolded(index) !== undefined
      if (is && unfold !== true) folder.fold(index)
      else if (!is && unfold !== false) await this.#unfold(document, shown, folder, index)
      return stateOf(shown)
    })
  }

  /** Unfolds what stands above a path. Answers its row; that of what is nearest to it where it is not there. */
  reveal(id: DocumentId, path: string): Promise<TreeState & { readonly row: number }> {
    return this.#with(id, async (document, shown) => {
      if (path === '/') return { ...stateOf(shown), row: 0 }
      const folder = await this.#unfoldTo(document, shown, parentPath(path))
      const index = folder.indexOf(pathNames(path).at(-1) ?? '')
      let row = index < 0 ? 0 : folder.rowOf(index) + 1
      for (let one: Folder = folder; one.above !== undefined; one = one.above) row += one.above.rowOf(one.index) + 1
      return { ...stateOf(shown), row }
    })
  }

  /** Unfolds all below a folder; what is beyond the limit stays folded. */
  unfoldAll(id: DocumentId, path: string): Promise<TreeState> {
    return this.#with(id, async (document, shown) => {
      const start = await this.#unfoldTo(document, shown, path)
      const waiting = [start]
      for (let left = UNFOLD_MAX; left > 0; left--) {
        const folder = waiting.pop()
        if (folder === undefined) break
        for (let index = 0; index < folder.length; index++) {
          if (folder.list.types[index] !== DT_DIR) continue
          const below = folder.unfolded(index) ?? (await this.#unfold(document, shown, folder, index))
          if (below !== undefined) waiting.push(below)
        }
      }
      return stateOf(shown)
    })
  }

  foldAll(id: DocumentId): Promise<TreeState> {
    return this.#with(id, async (_document, shown) => {
      shown.root.foldAll()
      return stateOf(shown)
    })
  }

  sort(id: DocumentId, sorting: Sorting): Promise<TreeState> {
    return this.#with(id, async (document, shown) => {
      shown.sorting = sorting
      const waiting = [shown.root]
      for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
        folder.sort(await orderOf(document, folder, sorting))
        waiting.push(...folder.unfoldedBelow())
      }
      return stateOf(shown)
    })
  }

  /** The next row whose name begins with some letters, from a row on and round; -1 where there is none in reach. */
  rowBeginning(id: DocumentId, letters: string, from: number): Promise<number> {
    return this.#with(id, async (_document, shown) => {
      const wanted = letters.toLowerCase()
      const search = (start: number, end: number): number => {
        let row = start
        let found = -1
        shown.root.visit(Math.max(start - 1, 0), (folder, place) => {
          if (row >= end) return false
          row++
          if (!folder.nameAt(folder.indexAt(place)).toLowerCase().startsWith(wanted)) return true
          found = row
          return false
        })
        return found
      }
      const after = search(Math.max(from, 1), shown.root.rows + 1)
      return after >= 0 ? after : search(1, from)
    })
  }

  /** What is shown of a document; made anew after a change, with the same folders unfolded. */
  async #with<T>(id: DocumentId, action: (document: OpenDocument, shown: Shown) => Promise<T>): Promise<T> {
    return inPlainWords('The folder can’t be shown', async () => {
      const document = this.#documents.get(id)
      let shown = this.#shown.get(document)
      if (shown === undefined || shown.revision !== document.revision) {
        shown = await this.#fresh(document, shown)
        this.#shown.set(document, shown)
      }
      return action(document, shown)
    })
  }

  async #fresh(document: OpenDocument, was: Shown | undefined): Promise<Shown> {
    const { layer, revision } = document
    const list = await document.ask(() => layer.readdir(layer.root), '/')
    const root = new Folder('/', layer.root, list)
    const sorting = was?.sorting ?? NATURAL
    const shown: Shown = { root, sorting, generation: (was?.generation ?? 0) + 1, revision }
    root.sort(await orderOf(document, root, sorting))
    const again = async (from: Folder, into: Folder): Promise<void> => {
      for (const old of from.unfoldedBelow()) {
        const index = into.indexOf(pathNames(old.path).at(-1) ?? '')
        const below = index < 0 ? undefined : await this.#unfold(document, shown, into, index)
        if (below !== undefined) await again(old, below)
      }
    }
    if (was !== undefined) await again(was.root, root)
    return shown
  }

  /** The folder at a path, all above it unfolded, as far as there is one. */
  async #unfoldTo(document: OpenDocument, shown: Shown, path: string): Promise<Folder> {
    let folder = shown.root
    for (const name of pathNames(path)) {
      const index = folder.indexOf(name)
      if (index < 0) return folder
      const below = folder.unfolded(index) ?? (await this.#unfold(document, shown, folder, index))
      if (below === undefined) return folder
      folder = below
    }
    return folder
  }

  /** undefined for what is no folder. */
  async #unfold(document: OpenDocument, shown: Shown, above: Folder, index: number): Promise<Folder | undefined> {
    if (above.list.types[index] !== DT_DIR) return undefined
    const { layer } = document
    const path = childPath(above.path, above.nameAt(index))
    const node = await document.ask(() => layer.lookup(above.node, above.nameBytes(index)), path)
    const list = await document.ask(() => layer.readdir(node), path)
    const folder = new Folder(path, node, list, above, index)
    folder.sort(await orderOf(document, folder, shown.sorting))
    above.unfold(folder)
    return folder
  }
}

function stateOf({ root, generation, sorting }: Shown): TreeState {
  return { count: root.rows + 1, generation, sorting }
}

async function rootRow(document: OpenDocument): Promise<Row> {
  const { layer } = document
  const facts = await document.ask(() => nodeFacts(layer, layer.root), '/').catch(() => BROKEN)
  return { ...facts, path: '/', name: '/', depth: 0, expanded: true, position: 1, setSize: 1 }
}

/** Folders first, then by the key, then by name. undefined for the order in which names stand anyway. */
async function orderOf(
  document: OpenDocument,
  folder: Folder,
  { key, descending }: Sorting,
): Promise<Uint32Array | undefined> {
  const { length } = folder
  const order = Uint32Array.from({ length }, (_, index) => index)
  const isDir = (index: number) => (folder.list.types[index] === DT_DIR ? 0 : 1)
  const sign = descending ? -1 : 1
  if (key === 'name') return order.sort((a, b) => isDir(a) - isDir(b) || sign * (a - b))
  if (key === 'type') {
    const { types } = folder.list
    return order.sort((a, b) => isDir(a) - isDir(b) || sign * (types[a] - types[b]) || a - b)
  }
  const values = await valuesOf(document.layer, folder, key)
  return order.sort((a, b) => isDir(a) - isDir(b) || sign * (values[a] - values[b]) || a - b)
}

/** Sizes or times of all entries; 0 of those that can't be read. */
async function valuesOf(layer: Layer, folder: Folder, key: 'size' | 'mtime'): Promise<Float64Array> {
  const values = new Float64Array(folder.length)
  const attr = newAttr()
  for (let index = 0; index < folder.length; index++) {
    const read = (): Fault | undefined => {
      const node = layer.lookup(folder.node, folder.nameBytes(index))
      return node instanceof Fault ? node : layer.stat(node, attr)
    }
    let failed = read()
    while (failed instanceof Miss) {
      await failed.load()
      failed = read()
    }
    if (failed === undefined) values[index] = key === 'size' ? attr.size : attr.mtimeSec + attr.mtimeNsec / 1e9
  }
  return values
}
