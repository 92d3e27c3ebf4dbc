// cfs v1 images whose directories make no tree, or are numbered as no writer numbers them. There is no `..` in the format.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CFS_V1_DIR_HEADER, CFS_V1_DIRENT } from '../../src/format/cfs-v1-structs.js'
import type { Fault } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { type CfsNode, cfsNode, encodeCfs, INODE, putField } from '../helpers/cfs-v1-encoder.js'
import { readTree, sweep } from '../helpers/cfs-v1-exercise.js'
import { childOf } from '../helpers/cfs-v1-trees.js'
import { loaded, newPool } from '../helpers/core.js'

const { S_IFDIR, S_IFREG } = CONSTANTS
const I = INODE.fields
const D = CFS_V1_DIRENT.fields

const graphs = suite('directories of cfs v1 that make no tree')
const pool = newPool()

/** Directories below one another, each with a file `f`. */
function chain(depth: number): CfsNode {
  const file = () => cfsNode(S_IFREG | 0o644)
  let node = cfsNode(S_IFDIR | 0o755, { children: [[Buffer.from('f'), file()]] })
  for (let i = 0; i < depth; i++)
    node = cfsNode(S_IFDIR | 0o755, {
      children: [
        [Buffer.from('d'), node],
        [Buffer.from('f'), file()],
      ],
    })
  return node
}

graphs('a directory below itself is ELOOP by path, EUCLEAN in a sweep, and both end', () => {
  const top = chain(4)
  const tree = encodeCfs(top)
  let deepest = top
  while (deepest.children[0][0].toString() === 'd') deepest = deepest.children[0][1]
  // The last directory but one names the first one below the root in place of the last one.
  const image = Buffer.from(tree.bytes)
  const number = (node: CfsNode) => tree.nodes.indexOf(node)
  const third = tree.nodes.find(node => node.children[0]?.[1] === deepest) as CfsNode
  const chunk = tree.vdata + image.readUInt32LE(tree.inodeAt(third) + I.variable_data_offset.offset)
  putField(image, chunk + CFS_V1_DIR_HEADER.size, D.inode_num, number(childOf(top, 'd')))
  const layer = new ImageLayer(loaded(pool, image), undefined, 'on')
  for (let again = 0; again < 2; again++) {
    assert.is(layer.statPath('/d/d/d/f', false, newAttr()), undefined)
    assert.is(layer.statPath('/d/d/d/d', false, newAttr())?.code, 'ELOOP')
    assert.is(layer.statPath('/d/d/d/d/f', false, newAttr())?.code, 'ELOOP')
  }
  assert.is(sweep(layer.image), 'EUCLEAN')
  assert.is((readTree(layer.image) as Fault).code, 'EUCLEAN')
})

graphs('a directory with two names is served by path and refused as a tree', () => {
  const shared = chain(1)
  const tree = cfsNode(S_IFDIR | 0o755, {
    children: [
      [Buffer.from('one'), shared],
      [Buffer.from('two'), shared],
    ],
  })
  const layer = new ImageLayer(loaded(pool, encodeCfs(tree).bytes), undefined, 'on')
  for (const path of ['/one/d/f', '/two/d/f', '/one/d/f', '/two/d/../d/f', '/two/..'])
    assert.is(layer.statPath(path, false, newAttr()), undefined, path)
  const up = newAttr()
  layer.statPath('/two/d/../../one', false, up)
  assert.is(up.ino, 1)
  assert.is(sweep(layer.image), 'EUCLEAN')
  assert.is((readTree(layer.image) as Fault).code, 'EUCLEAN')
})

graphs('directories numbered after what is in them are read all the same', () => {
  const top = chain(6)
  const { bytes, nodes, inodeAt, vdata } = encodeCfs(top)
  // Every inode but the root's goes to another place, the last one first, and every entry follows it.
  const image = Buffer.from(bytes)
  const moved = (i: number) => (i === 0 ? 0 : nodes.length - i)
  for (const [i, node] of nodes.entries()) {
    bytes.copy(image, 128 + 96 * moved(i), inodeAt(node), inodeAt(node) + 96)
    if (node.children.length === 0) continue
    const chunk = vdata + bytes.readUInt32LE(inodeAt(node) + I.variable_data_offset.offset)
    for (let k = 0; k < node.children.length; k++) {
      const place = chunk + CFS_V1_DIR_HEADER.size + k * CFS_V1_DIRENT.size
      putField(image, place, D.inode_num, moved(bytes.readUInt32LE(place + D.inode_num.offset)))
    }
  }
  const layer = new ImageLayer(loaded(pool, image), undefined, 'on')
  for (let depth = 0; depth <= 6; depth++) {
    const path = `${'/d'.repeat(depth)}/f`
    for (let again = 0; again < 2; again++) assert.is(layer.statPath(path, false, newAttr()), undefined, path)
  }
  assert.is(readTree(layer.image), 14)
})

graphs.run()
