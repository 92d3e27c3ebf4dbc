// A folder of the tree as far as it is unfolded: its entries in the order in which they are shown, and which of them are unfolded
// below it. Rows are counted, not kept, so that a million of them cost nothing. Not here: what a row shows, how a folder is read.

import type { DirList } from '../../overlay/layer.js'
import { pathText } from '../path-text.js'

export class Folder {
  readonly path: string
  readonly depth: number
  readonly node: object
  readonly list: DirList
  readonly above: Folder | undefined
  /** Index in `above`'s list. */
  readonly index: number
  /** Places of the list in the order in which they are shown; the list's own where undefined. */
  #order: Uint32Array | undefined
  #places: Uint32Array | undefined
  readonly #unfolded = new Map<number, Folder>()
  /** Unfolded ones by their place, and how many rows stand before each and in it; made when it is asked for. */
  #sorted: { readonly place: number; readonly folder: Folder; readonly rowsBefore: number }[] | undefined
  #rows: number

  constructor(path: string, node: object, list: DirList, above?: Folder, index = 0) {
    this.path = path
    this.node = node
    this.list = list
    this.above = above
    this.index = index
    this.depth = above === undefined ? 0 : above.depth + 1
    this.#rows = list.names.length
  }

  /** Entries. */
  get length(): number {
    return this.list.names.length
  }

  /** Rows that it takes, those of what is unfolded below it among them. */
  get rows(): number {
    return this.#rows
  }

  /** Name of an entry as path text. */
  nameAt(index: number): string {
    const raw = this.list.raw?.get(index)
    return raw === undefined ? this.list.names[index] : pathText(raw)
  }

  /** As a layer takes it. */
  nameBytes(index: number): string | Uint8Array {
    return this.list.raw?.get(index) ?? this.list.names[index]
  }

  indexOf(name: string): number {
    const { names, raw } = this.list
    for (let at = names.indexOf(name); at >= 0; at = names.indexOf(name, at + 1)) if (raw?.has(at) !== true) return at
    for (const [index, bytes] of raw ?? []) if (pathText(bytes) === name) return index
    return -1
  }

  unfolded(index: number): Folder | undefined {
    return this.#unfolded.get(index)
  }

  unfoldedBelow(): Iterable<Folder> {
    return this.#unfolded.values()
  }

  unfold(folder: Folder): void {
    this.#unfolded.set(folder.index, folder)
    this.#grew(folder.rows)
  }

  fold(index: number): void {
    const folder = this.#unfolded.get(index)
    if (folder === undefined) return
    this.#unfolded.delete(index)
    this.#grew(-folder.rows)
  }

  foldAll(): void {
    const before = this.#rows
    this.#unfolded.clear()
    this.#grew(this.length - before)
  }

  #grew(by: number): void {
    for (let one: Folder | undefined = this; one !== undefined; one = one.above) {
      one.#rows += by
      one.#sorted = undefined
    }
  }

  /** Shows the entries in another order; that of the list where undefined. */
  sort(order: Uint32Array | undefined): void {
    this.#order = order
    this.#places = undefined
    if (order !== undefined) {
      this.#places = new Uint32Array(order.length)
      for (let place = 0; place < order.length; place++) this.#places[order[place]] = place
    }
    this.#sorted = undefined
  }

  indexAt(place: number): number {
    return this.#order?.[place] ?? place
  }

  placeOf(index: number): number {
    return this.#places?.[index] ?? index
  }

  get #inOrder(): readonly { readonly place: number; readonly folder: Folder; readonly rowsBefore: number }[] {
    if (this.#sorted === undefined) {
      const all = [...this.#unfolded.values()].map(folder => ({ place: this.placeOf(folder.index), folder }))
      all.sort((a, b) => a.place - b.place)
      let before = 0
      this.#sorted = all.map(({ place, folder }) => {
        const rowsBefore = before
        before += folder.rows
        return { place, folder, rowsBefore }
      })
    }
    return this.#sorted
  }

  /** How many of the unfolded ones stand at a smaller place, and their rows. */
  #before(place: number): { readonly count: number; readonly rows: number } {
    const all = this.#inOrder
    let [low, high] = [0, all.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (all[middle].place < place) low = middle + 1
      else high = middle
    }
    const last = all[low - 1]
    return { count: low, rows: last === undefined ? 0 : last.rowsBefore + last.folder.rows }
  }

  /** The row of an entry, from this folder's first one on. */
  rowOf(index: number): number {
    const place = this.placeOf(index)
    return place + this.#before(place).rows
  }

  /** Rows from `start` on, as folder and place in it, until `take` says that it is enough. */
  visit(start: number, take: (folder: Folder, place: number) => boolean): boolean {
    const all = this.#inOrder
    // The first unfolded folder whose rows do not all stand before `start`.
    let [low, high] = [0, all.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const { place, folder, rowsBefore } = all[middle]
      if (place + 1 + rowsBefore + folder.rows <= start) low = middle + 1
      else high = middle
    }
    const passed = low === 0 ? 0 : all[low - 1].rowsBefore + all[low - 1].folder.rows
    let next = low
    // Without what is unfolded, row and place are the same.
    for (let place = Math.min(start - passed, all[low]?.place ?? this.length); place < this.length; place++) {
      const row = place + (next === 0 ? 0 : all[next - 1].rowsBefore + all[next - 1].folder.rows)
      if (row >= start && !take(this, place)) return false
      if (all[next]?.place !== place) continue
      const { folder } = all[next++]
      if (!folder.visit(Math.max(start - row - 1, 0), take)) return false
    }
    return true
  }
}
