// Rows of a folder as they are counted, against rows as a plain flattening lists them, through random unfolding, folding, sorting.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Folder } from '../../src/playground/engine/folder.js'

const DIR = 4
const FILE = 8

/** The same numbers at every run: mulberry32. */
function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

function folderOf(path: string, pick: (below: number) => number, above?: Folder, index = 0): Folder {
  const length = pick(12)
  const names = Array.from({ length }, (_, i) => `e${String(i).padStart(2, '0')}`)
  const types = names.map(() => (pick(2) === 0 ? DIR : FILE))
  return new Folder(path, {}, { names, types, raw: null }, above, index)
}

/** What stands in each row, said without counting. */
function flat(folder: Folder): string[] {
  const rows: string[] = []
  for (let place = 0; place < folder.length; place++) {
    const index = folder.indexAt(place)
    rows.push(`${folder.path}/${folder.nameAt(index)}`)
    const below = folder.unfolded(index)
    if (below !== undefined) rows.push(...flat(below))
  }
  return rows
}

function visited(root: Folder, start: number, length: number): string[] {
  const rows: string[] = []
  root.visit(start, (folder, place) => {
    rows.push(`${folder.path}/${folder.nameAt(folder.indexAt(place))}`)
    return rows.length < length
  })
  return rows
}

function unfoldedOf(root: Folder): Folder[] {
  return [root, ...[...root.unfoldedBelow()].flatMap(unfoldedOf)]
}

function shuffled(length: number, pick: (below: number) => number): Uint32Array {
  const order = Uint32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = pick(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  return order
}

/** One random change. */
function change(root: Folder, pick: (below: number) => number): void {
  const all = unfoldedOf(root)
  const folder = all[pick(all.length)]
  const what = pick(10)
  if (what === 0) root.foldAll()
  else if (what < 3) folder.sort(pick(4) === 0 ? undefined : shuffled(folder.length, pick))
  else if (folder.length > 0) {
    const index = pick(folder.length)
    if (folder.unfolded(index) !== undefined) folder.fold(index)
    else if (folder.list.types[index] === DIR)
      folder.unfold(folderOf(`${folder.path}/${folder.nameAt(index)}`, pick, folder, index))
  }
}

const rows = suite('playground: rows of folders')

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  rows(`are what a plain flattening lists, seed ${seed}`, () => {
    const pick = random(seed)
    const root = folderOf('', below => Math.max(pick(below), below - 3))
    for (let step = 0; step < 300; step++) {
      change(root, pick)
      const expected = flat(root)
      assert.is(root.rows, expected.length)
      const start = pick(expected.length + 2)
      const length = 1 + pick(20)
      assert.equal(visited(root, start, length), expected.slice(start, start + length))
      const all = unfoldedOf(root)
      const folder = all[pick(all.length)]
      if (folder.length === 0) continue
      const index = pick(folder.length)
      let row = folder.rowOf(index)
      for (let one: Folder = folder; one.above !== undefined; one = one.above) row += one.above.rowOf(one.index) + 1
      assert.is(expected[row], `${folder.path}/${folder.nameAt(index)}`)
    }
  })
}

rows('a name is found by its bytes', () => {
  const bytes = Uint8Array.of(0x61, 0xff)
  const raw = new Map([[0, bytes]])
  const folder = new Folder('/', {}, { names: ['a\uFFFD', 'a\uFFFD', 'b'], types: [FILE, FILE, FILE], raw })
  assert.is(folder.indexOf('a\udcff'), 0)
  assert.is(folder.indexOf('a\uFFFD'), 1)
  assert.is(folder.indexOf('b'), 2)
  assert.is(folder.indexOf('c'), -1)
  assert.is(folder.nameAt(0), 'a\udcff')
})

rows.run()
