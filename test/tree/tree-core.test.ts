// The tree in the build core's memory: what grows, moves, is given back or runs out while it is used, and orders of
// entries that would be slow if something were done once too often. What dumps mean is in dump-source*.test.ts, images'
// bytes in test/writer.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { errnoOf } from '../../src/format/errno.js'
import { DumpText, treeFromDump } from '../../src/tree/dump-source.js'
import { NONE, ROOT, Tree } from '../../src/tree/tree.js'
import { TreeError } from '../../src/tree/tree-error.js'
import { ErofsImage } from '../../src/writer/erofs-image.js'

const DIRECTORY = 0o40755
const FILE = 0o100644
const R = '/ 4096 40755 2 0 0 0 0.0 - - -\n'
const REST = '1 0 0 0 0.0'

const text = (value: string) => new Uint8Array(Buffer.from(value, 'latin1'))

function addNamed(tree: Tree, parent: number, name: string, mode = FILE): number {
  const bytes = text(name)
  return tree.add(parent, bytes, 0, bytes.length, mode)
}

function imageOf(tree: Tree): Buffer {
  const pieces: Buffer[] = []
  for (const piece of new ErofsImage(tree).pieces()) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

function memoryOf(tree: Tree): number {
  return tree.arena.bytes.buffer.byteLength
}

function errorOf(run: () => unknown): TreeError {
  try {
    run()
  } catch (error) {
    if (error instanceof TreeError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const growth = suite('tree: memory that grows')

growth('columns, names, values and attributes stay what they are while all of them move', () => {
  const tree = new Tree()
  tree.addRoot(DIRECTORY)
  const count = 5000
  for (let i = 1; i <= count; i++) {
    const node = addNamed(tree, ROOT, `name-${i}`)
    assert.is(node, i)
    tree.uid[node] = i
    tree.setSize(node, 2 ** 40 + i)
    tree.setMtime(node, -i, i)
    if (i % 3 === 0) tree.setCtime(node, i, -1, 7)
    const payload = text(`payload of ${i}`)
    tree.setPayload(node, payload, 0, payload.length)
    const pair = text(`user.key${i % 700}value ${i % 1100}`)
    const key = `user.key${i % 700}`.length
    tree.setXattr(node, pair, { from: 0, to: key }, { from: key, to: pair.length })
  }
  const shown = (at: number, length: number) => Buffer.from(tree.arena.view(at, length)).toString()
  for (let i = 1; i <= count; i++) {
    assert.is(tree.path(i), `/name-${i}`)
    assert.is(tree.uid[i], i)
    assert.is(tree.size(i), 2 ** 40 + i)
    assert.is(tree.mtimeHigh[i] * 2 ** 32 + tree.mtimeLow[i], -i)
    assert.is(tree.ctime?.low[i], i % 3 === 0 ? i : 0)
    assert.is(shown(tree.payloadAt[i], tree.payloadLength[i]), `payload of ${i}`)
    const { xattrs } = tree
    const pair = xattrs.list[xattrs.start[i]]
    assert.is(xattrs.count[i], 1)
    assert.is(xattrs.keyName(xattrs.pairKey[pair]), `user.key${i % 700}`)
    assert.is(shown(xattrs.valueAt[pair], xattrs.valueLength[pair]), `value ${i % 1100}`)
    const name = text(`name-${i}`)
    assert.is(tree.child(ROOT, name, 0, name.length), i)
  }
  assert.is(tree.xattrs.keyCount, 700)
})

growth('bytes that lie in the tree already are named, not copied, also when the memory moves', () => {
  const tree = new Tree()
  tree.addRoot(DIRECTORY)
  const first = addNamed(tree, ROOT, 'first')
  const at = tree.arena.append(text('target'), 0, 6)
  const used = tree.arena.bytes.length
  tree.setPayload(first, tree.arena.bytes, at, at + 6)
  assert.is(tree.payloadAt[first], at)
  assert.is(tree.arena.bytes.length, used)
  const again = tree.add(ROOT, tree.arena.view(at, 6), 0, 6, FILE)
  assert.is(tree.nameAt[again], at)
  // A view of other memory of the tree's, which is gone by the time there is room.
  const [piece] = new ErofsImage(tree).pieces()
  const magic = Buffer.from(piece.subarray(0, 4))
  tree.setPayload(first, piece, 0, 4)
  assert.ok(magic.equals(tree.arena.view(tree.payloadAt[first], 4)))
})

growth('a refused name leaves nothing behind', () => {
  const tree = new Tree()
  tree.addRoot(DIRECTORY)
  addNamed(tree, ROOT, 'b')
  const used = tree.arena.bytes.length
  assert.is(errorOf(() => addNamed(tree, ROOT, 'b')).code, 'EEXIST')
  assert.is(errorOf(() => addNamed(tree, ROOT, 'x'.repeat(256))).code, 'ENAMETOOLONG')
  assert.is(tree.child(ROOT, text('nothing'), 0, 7), NONE)
  assert.is(tree.arena.bytes.length, used)
  assert.is(tree.count, 2)
})

growth('a dump that comes in pieces of unknown length', () => {
  const dump = new DumpText()
  let length = 0
  for (const line of [R, ...Array.from({ length: 3000 }, (_, i) => `/f${i} 0 100644 ${REST} - - -\n`)]) {
    dump.room(length + line.length).set(text(line), length)
    length += line.length
  }
  const tree = dump.tree(length)
  assert.is(tree.count, 3001)
  assert.is(tree.path(3000), '/f2999')
})

growth('what does not fit in 4 GiB is ENOMEM, what has no position EFBIG', () => {
  assert.is(errorOf(() => new DumpText().room(2 ** 31)).code, 'EFBIG')
  const dump = new DumpText()
  // Memory that no one touches costs nothing.
  dump.room(2 ** 31 - 2 ** 13)
  dump.room(R.length).set(text(R))
  const tree = dump.tree(R.length)
  assert.is(tree.core.exports.reserveRows(2 ** 25), -errnoOf('ENOMEM'))
  assert.is(imageOf(tree).length, imageOf(treeFromDump(R)).length)
})
growth.run()

const images = suite('tree: images of it')

images('writing one changes nothing, and gives its memory back', () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `/f${(i * 7919) % 20_000} 9 100644 ${REST} p${i % 300} - -\n`)
  const links = Array.from({ length: 50 }, (_, i) => `/l${i} 0 @100644 ${REST} ${i === 0 ? '/f7' : `/l${i - 1}`} - -\n`)
  const tree = treeFromDump(R + lines.join('') + links.join(''))
  const first = imageOf(tree)
  const memory = memoryOf(tree)
  const columns = [tree.link, tree.nextSibling, tree.nlink, tree.mode, tree.payloadAt].map(column => column.slice())
  for (let i = 0; i < 4; i++) assert.ok(imageOf(tree).equals(first))
  assert.is(memoryOf(tree), memory)
  assert.equal([tree.link, tree.nextSibling, tree.nlink, tree.mode, tree.payloadAt], columns)
})

images('two at a time, and one after the names have moved', () => {
  const tree = treeFromDump(
    `${R}/a 5 100644 ${REST} p - - trusted.overlay.x=y user.k=v\n/b 5 100644 ${REST} q - - user.k=v user.z=1\n`,
  )
  const wanted = imageOf(tree)
  const [one, other] = [new ErofsImage(tree), new ErofsImage(tree, { minVersion: 1 })]
  assert.is(other.version, 1)
  const before = tree.core.arena
  tree.arena.append(new Uint8Array(1 << 20), 0, 1 << 20)
  assert.is.not(tree.core.arena, before)
  const bytes = Buffer.concat([...one.pieces()].map(piece => Buffer.from(piece)))
  assert.ok(bytes.equals(wanted))
  assert.is(
    [...other.pieces()].reduce((sum, piece) => sum + piece.length, 0),
    other.size,
  )
})

images('none of a tree that has got nodes since', () => {
  const tree = treeFromDump(R)
  const image = new ErofsImage(tree)
  addNamed(tree, ROOT, 'new')
  assert.is(errorOf(() => [...image.pieces()]).code, 'ESTALE')
})

images('an unplanned one is an error, not a trap', () => {
  assert.is(errorOf(() => new ErofsImage(new Tree())).code, 'EINVAL')
  const tree = treeFromDump(`${R}/d 0 40755 2 0 0 0 0.0 - - -\n/d/f 0 100644 ${REST} - - -\n`)
  // What no method makes: a directory that is its own child's sibling.
  tree.nextSibling[2] = 1
  assert.is(errorOf(() => imageOf(tree)).code, 'ESTALE')
})
images.run()

const orders = suite('tree: orders of entries')
const COUNT = 60_000
/** Twice what any of these takes on a slow machine; what is done once for each pair of entries takes minutes. */
const LIMIT_MS = 20_000

function timed(run: () => void): void {
  const start = performance.now()
  run()
  const took = performance.now() - start
  assert.ok(took < LIMIT_MS, `${took.toFixed(0)} ms`)
}

const file = (path: string) => `${path} 0 100644 ${REST} - - -\n`
const link = (path: string, target: string) => `${path} 0 @100644 ${REST} ${target} - -\n`

orders('chains of hard links, in either direction, and many links to the end of one', () => {
  const numbers = Array.from({ length: COUNT }, (_, i) => i)
  const forth = numbers.map(i => link(`/l${i}`, i + 1 < COUNT ? `/l${i + 1}` : '/f')).join('')
  const back = numbers.map(i => link(`/m${i}`, i > 0 ? `/m${i - 1}` : '/f')).join('')
  const last = numbers.map(i => link(`/n${i}`, i % 2 === 0 ? `/m${COUNT - 1}` : '/l0')).join('')
  timed(() => {
    const tree = treeFromDump(R + file('/f') + last + forth + back)
    for (let node = 2; node < tree.count; node++) if (tree.resolved(node) !== 1) throw new Error(`node ${node}`)
    imageOf(tree)
  })
})

orders('a cycle of hard links behind a long chain', () => {
  const chain = Array.from({ length: COUNT }, (_, i) => link(`/l${i}`, `/l${(i + 1) % COUNT}`)).join('')
  timed(() => assert.is(errorOf(() => treeFromDump(R + chain)).code, 'ELOOP'))
})

orders('one directory with all, from last to first, and mixed', () => {
  const name = (i: number) => `/${String(i).padStart(6, '0')}`
  const down = Array.from({ length: COUNT }, (_, i) => file(name(COUNT - i))).join('')
  const mixed = Array.from({ length: COUNT }, (_, i) => file(name((i * 7919) % COUNT))).join('')
  for (const dump of [down, mixed]) {
    timed(() => {
      const tree = treeFromDump(R + dump)
      const children = new Int32Array(COUNT)
      assert.is(tree.sortedChildren(ROOT, children), COUNT)
      for (let i = 1; i < COUNT; i++) assert.ok(tree.compareNames(children[i - 1], children[i]) < 0)
      imageOf(tree)
    })
  }
})

orders('directories in one another', () => {
  const tree = new Tree()
  let node = tree.addRoot(DIRECTORY)
  timed(() => {
    for (let i = 0; i < COUNT; i++) node = addNamed(tree, node, 'd', DIRECTORY)
    imageOf(tree)
  })
})

orders('one node with as many attributes as fit, each set twice', () => {
  const pairs = Array.from({ length: 2500 }, (_, i) => ` k${i}=`).join('')
  const tree = treeFromDump(`${R}/f 0 100644 ${REST} - - -${pairs}${pairs}\n`)
  assert.is(tree.xattrs.count[1], 2500)
  imageOf(tree)
})
orders.run()
