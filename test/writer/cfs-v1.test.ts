// cfs v1 images: those that the spec and mkcomposefs 0.1.2 know, and random trees against an encoder of the tests' own
// (test/helpers/cfs-v1-encoder.ts). Trees are made by Tree's own methods, since dump text has no ctime.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { treeFromDump } from '../../src/tree/dump-source.js'
import { ROOT, Tree } from '../../src/tree/tree.js'
import { TreeError } from '../../src/tree/tree-error.js'
import { type CfsNode, encodeCfs, isDirectory } from '../helpers/cfs-v1-encoder.js'
import { linkedTree, pathsOf, randomTree, seeded, vectorTree } from '../helpers/cfs-v1-trees.js'
import { newPool, sha256 } from '../helpers/core.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { difference, imageOfTree, rewritten } from '../helpers/written.js'

const { S_IFMT, S_IFCHR, S_IFBLK } = CONSTANTS
const FORMAT = { format: 'cfs-v1' } as const
const RANDOM = 60
const pool = newPool()

const low = (value: bigint) => Number(BigInt.asUintN(32, value))
const high = (value: bigint) => Number(BigInt.asIntN(32, value >> 32n))

function fill(tree: Tree, node: number, from: CfsNode, nlink: number): void {
  tree.nlink[node] = nlink
  tree.uid[node] = from.uid
  tree.gid[node] = from.gid
  const type = from.mode & S_IFMT
  if (type === S_IFCHR || type === S_IFBLK) tree.rdev[node] = from.rdev
  const { mtime, ctime, payload, digest } = from
  tree.mtimeLow[node] = low(mtime[0])
  tree.mtimeHigh[node] = high(mtime[0])
  tree.mtimeNsec[node] = mtime[1]
  tree.setCtime(node, low(ctime[0]), high(ctime[0]), ctime[1])
  if (payload !== undefined) tree.setPayload(node, payload, 0, payload.length)
  tree.setSize(node, from.size)
  if (digest !== undefined) tree.setDigest(node, digest, 0)
  for (const [key, value] of from.xattrs) {
    const both = Buffer.concat([key, value])
    tree.setXattr(node, both, { from: 0, to: key.length }, { from: key.length, to: both.length }, 65535)
  }
}

/** A tree of nodes; the first name of one, breadth first and in byte order, is its own, the others are hard links. */
function treeOf(root: CfsNode): Tree {
  const { nodes, nlinks } = encodeCfs(root)
  const links = new Map(nodes.map((node, i) => [node, nlinks[i]]))
  const tree = new Tree()
  const numbers = new Map([[root, tree.addRoot(root.mode)]])
  fill(tree, ROOT, root, links.get(root) ?? 0)
  const queue = [root]
  for (const directory of queue) {
    const children = [...directory.children].sort(([a], [b]) => Buffer.compare(a, b))
    for (const [name, child] of children) {
      const node = tree.add(numbers.get(directory) ?? ROOT, name, 0, name.length, child.mode)
      const first = numbers.get(child)
      if (first !== undefined) tree.setLink(node, first)
      else {
        numbers.set(child, node)
        fill(tree, node, child, links.get(child) ?? 0)
        if (isDirectory(child)) queue.push(child)
      }
    }
  }
  return tree
}

const cfs = suite('cfs v1 images')

cfs('vector 1 of the spec', () => {
  const image = imageOfTree(treeOf(vectorTree()), FORMAT)
  assert.is(image.length, 825)
  assert.is(toHex(sha256(image)), 'ae758e80f2e05ef5dfc4b243371039eef69a86f2e51c39853fdf456daeba2118')
  assert.is(image.readUInt32LE(8), 0x2c0)
})

cfs('vector 2 of the spec: a hard link', () => {
  const image = imageOfTree(treeOf(linkedTree()), FORMAT)
  assert.is(toHex(sha256(image)), '64f26464f258ebbd33b8c52c225c4a997599a3dd913094a03ae3cbf484401b82')
})

for (const [name, root] of [
  ['vector 1', vectorTree()],
  ['vector 2', linkedTree()],
] as const) {
  cfs(`${name}, read and written again`, () => {
    const image = imageOfTree(treeOf(root), FORMAT)
    assert.is(difference(rewritten(pool, image), image), undefined)
  })
}

cfs(`${RANDOM} random trees: as another encoder writes them`, () => {
  for (let seed = 1; seed <= RANDOM; seed++) {
    const root = randomTree(5 + 8 * seed, seeded(seed * 7919))
    const image = imageOfTree(treeOf(root), FORMAT)
    assert.is(difference(image, encodeCfs(root).bytes), undefined, `seed ${seed}`)
  }
})

/** Is the first name of every node, depth first, the one that is no hard link? Else reading it back changes their places. */
function isStable(root: CfsNode, tree: Tree): boolean {
  const first = new Map<CfsNode, string>()
  for (const [path, node] of pathsOf(root)) if (!first.has(node)) first.set(node, path.toString('latin1'))
  const own = new Set<string>()
  for (let node = 0; node < tree.count; node++) if (!tree.isLink(node)) own.add(tree.path(node))
  return [...first.values()].every(path => own.has(path))
}

cfs(`${RANDOM} random trees, read and written again`, () => {
  let stable = 0
  for (let seed = 1; seed <= RANDOM; seed++) {
    const root = randomTree(4 + seed, seeded(seed * 104_729))
    const tree = treeOf(root)
    const image = imageOfTree(tree, FORMAT)
    const again = rewritten(pool, image)
    if (isStable(root, tree)) {
      stable++
      assert.is(difference(again, image), undefined, `seed ${seed}`)
    }
    assert.is(difference(rewritten(pool, again), again), undefined, `seed ${seed}, the third time`)
  }
  assert.ok(stable > RANDOM / 6, `only ${stable} have their first names first`)
})

cfs('a directory of a hundred thousand, in several pieces', () => {
  const names = Array.from({ length: 100_000 }, (_, i) => `f${i}`)
  const lines = names.map((name, i) => `/${name} 0 100644 1 0 0 0 ${i}.7 - - -\n`)
  const tree = treeFromDump(`/ 0 40755 2 0 0 0 0.0 - - -\n${lines.join('')}`)
  const image = imageOfTree(tree, FORMAT)
  assert.is(image.length, 128 + 96 * 100_001 + 4 + 12 * 100_000 + names.join('').length)
  assert.is(difference(rewritten(pool, image), image), undefined)
})

const R = '/ 0 40755 2 0 0 0 5.6 - - -\n'
const FIELDS_OF_ROOT = { mtime: 128 + 28, ctime: 128 + 40 }

cfs('without a ctime the mtime stands for it', () => {
  const image = imageOfTree(treeFromDump(R), FORMAT)
  assert.is(image.length, 128 + 96)
  for (const at of Object.values(FIELDS_OF_ROOT)) {
    assert.is(image.readBigInt64LE(at), 5n)
    assert.is(image.readUInt32LE(at + 8), 6)
  }
})

const REFUSED: readonly [what: string, dump: string][] = [
  ['content, which it can not hold', `${R}/f 1 100644 1 0 0 0 0.0 - x -\n`],
  ['a file with bytes and nothing behind it', `${R}/f 1 100644 1 0 0 0 0.0 - - -\n`],
]
for (const [what, dump] of REFUSED) {
  cfs(`${what}: EINVAL`, () => {
    try {
      imageOfTree(treeFromDump(dump), FORMAT)
    } catch (error) {
      assert.instance(error, TreeError)
      if (error instanceof TreeError) assert.equal([error.code, error.node], ['EINVAL', 1])
      return
    }
    assert.unreachable('was written')
  })
}

if (SHARED === undefined) skip(cfs, 'tree.cfs-v1', 'no shared vectors beside this checkout')
else {
  cfs('tree.cfs-v1, read and written again', () => {
    const image = readFileSync(vector('cfs-v1/tree.cfs-v1'))
    assert.is(difference(rewritten(pool, image), image), undefined)
  })
}
cfs.run()
