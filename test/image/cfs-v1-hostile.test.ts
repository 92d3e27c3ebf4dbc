// Lies in cfs v1 images: each rule of the spec's section 4 broken once gives its errno.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from '../../src/format/cfs-v1-structs.js'
import { Fault } from '../../src/format/errno.js'
import { CONSTANTS, type Struct } from '../../src/format/structs.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { type CfsNode, cfsNode, encodeCfs, INODE, putField } from '../helpers/cfs-v1-encoder.js'
import { readTree, sweep } from '../helpers/cfs-v1-exercise.js'
import { childOf, linkedTree } from '../helpers/cfs-v1-trees.js'
import { load, loaded, newPool } from '../helpers/core.js'

const { S_IFDIR, S_IFREG, S_IFLNK } = CONSTANTS

const lies = suite('lies in cfs v1')
const pool = newPool()

const root = linkedTree()
const whole = encodeCfs(root)
const { vdata } = whole
const I = INODE.fields
const D = CFS_V1_DIRENT.fields

/** Where things stand in the vector; the spec gives the places in its variable data. */
const at = {
  root: whole.inodeAt(root),
  a: whole.inodeAt(childOf(root, 'a')),
  b: whole.inodeAt(childOf(root, 'b')),
  d: whole.inodeAt(childOf(root, 'd')),
  e: whole.inodeAt(childOf(root, 'e')),
  chunk: vdata,
  entry: (k: number) => vdata + CFS_V1_DIR_HEADER.size + CFS_V1_DIRENT.size * k,
  names: vdata + CFS_V1_DIR_HEADER.size + CFS_V1_DIRENT.size * 5,
  xattrs: whole.bytes.indexOf('user.k') - CFS_V1_XATTR_HEADER.size - CFS_V1_XATTR.size,
}

type Lie = (image: Buffer) => Buffer | undefined

const set =
  <F extends string>(
    place: number,
    struct: Struct & { fields: Record<F, Struct['fields'][string]> },
    field: F,
    value: number | bigint,
  ): Lie =>
  image => {
    putField(image, place, struct.fields[field], value)
    return undefined
  }
const inode = (place: number, field: keyof typeof I, value: number | bigint) => set(place, INODE, field, value)
const entry = (k: number, field: keyof typeof D, value: number) => set(at.entry(k), CFS_V1_DIRENT, field, value)
const byte =
  (place: number, value: string): Lie =>
  image => {
    image.write(value, place, 'latin1')
    return undefined
  }
const both =
  (one: Lie, other: Lie): Lie =>
  image => {
    one(image)
    return other(image)
  }
const cut =
  (length: number): Lie =>
  image =>
    image.subarray(0, length)

function told(lie: Lie): Buffer {
  const image = Buffer.from(whole.bytes)
  return lie(image) ?? image
}

const opening: readonly [string, Lie, string][] = [
  ['nothing', cut(0), 'EINVAL'],
  ['half a magic number', cut(6), 'EINVAL'],
  ['only version and magic', cut(8), 'EUCLEAN'],
  ['only a superblock', cut(128), 'EUCLEAN'],
  ['no whole inode', cut(223), 'EUCLEAN'],
  ['fewer inodes than there should be', cut(vdata - 4), 'EUCLEAN'],
  ['another magic', set(0, CFS_V1_SUPERBLOCK, 'magic', 0xc078629b), 'EINVAL'],
  ['version 0', set(0, CFS_V1_SUPERBLOCK, 'version', 0), 'EUCLEAN'],
  ['version 2', set(0, CFS_V1_SUPERBLOCK, 'version', 2), 'EUCLEAN'],
  ['vdata_offset 0', set(0, CFS_V1_SUPERBLOCK, 'vdata_offset', 0), 'EUCLEAN'],
  ['no inodes', set(0, CFS_V1_SUPERBLOCK, 'vdata_offset', 128), 'EUCLEAN'],
  ['vdata_offset off by 4', set(0, CFS_V1_SUPERBLOCK, 'vdata_offset', vdata + 4), 'EUCLEAN'],
  ['vdata_offset off by 1', set(0, CFS_V1_SUPERBLOCK, 'vdata_offset', vdata + 1), 'EUCLEAN'],
  ['vdata_offset behind the end', set(0, CFS_V1_SUPERBLOCK, 'vdata_offset', vdata + 96 * 100), 'EUCLEAN'],
  ['vdata_offset of 2^63', set(0, CFS_V1_SUPERBLOCK, 'vdata_offset', (1n << 63n) + BigInt(vdata)), 'EUCLEAN'],
  ['something where an older layout had it', image => void image.writeUInt8(1, 16), 'EUCLEAN'],
  ['something at the end of the superblock', image => void image.writeUInt8(1, 127), 'EUCLEAN'],
  ['the root a regular file', inode(at.root, 'st_mode', S_IFREG | 0o644), 'EUCLEAN'],
  ['the root without a type', inode(at.root, 'st_mode', 0o755), 'EUCLEAN'],
  ["the root's entries outside", inode(at.root, 'variable_data_offset', 0x10000), 'EUCLEAN'],
]

for (const [what, lie, code] of opening) {
  lies(`at opening: ${what}`, () => {
    const opened = load(pool, told(lie))
    assert.is(opened instanceof Fault ? opened.code : 'opened', code)
  })
}

lies('the header of an EROFS image is not taken for one of cfs v1', () => {
  const image = told(image => void image.writeUInt32LE(CONSTANTS.LCFS_EROFS_MAGIC, 4))
  assert.is((load(pool, image) as Fault).code, 'EINVAL')
})

/** Whatever may be inside, with lengths and offsets around all that they are compared with. */
const end = whole.bytes.length - vdata
const references: [string, number | bigint, number][] = [
  ['a byte too long', end - 4, 5],
  ['at the end', end, 1],
  ['behind the end', end + 1, 4],
  ['before the variable data', -8n, 4],
  ['around the end of the numbers', -1n, 32],
  ['as long as can be', 0, 0xffffffff],
]
for (const [what, offset, length] of references) {
  for (const name of ['variable_data', 'xattrs', 'digest'] as const) {
    lies(`a reference ${what}: ${name}`, () => {
      const layer = layerOf(image => {
        putField(image, at.a, I[`${name}_offset`], offset)
        putField(image, at.a, I[`${name}_length`], length)
        return undefined
      })
      assert.is(layer.statPath('/a', false, newAttr())?.code, 'EUCLEAN')
      // Everything else goes on working.
      assert.is(layer.statPath('/b', false, newAttr()), undefined)
      assert.equal(layer.namesAt('/'), ['a', 'b', 'd', 'e', 'w'])
    })
  }
}

function layerOf(lie: Lie): ImageLayer {
  return new ImageLayer(loaded(pool, told(lie)), undefined, 'on')
}

const stats: readonly [string, string, Lie, string | undefined][] = [
  ['a type that there is not', '/a', inode(at.a, 'st_mode', 0o030644), 'EUCLEAN'],
  ['a mode of more than 16 bits', '/a', inode(at.a, 'st_mode', 0x10000 | S_IFREG), 'EUCLEAN'],
  ['a size below 0', '/a', inode(at.a, 'st_size', -1n), 'EUCLEAN'],
  ['a file with a size and no path', '/a', inode(at.a, 'variable_data_length', 0), 'EUCLEAN'],
  ['a file with a path and no size', '/a', inode(at.a, 'st_size', 0), 'EUCLEAN'],
  ['a symlink without a target', '/b', inode(at.b, 'variable_data_length', 0), 'EUCLEAN'],
  ['an xattr chunk of 1 byte', '/a', inode(at.a, 'xattrs_length', 1), 'EUCLEAN'],
  ['a digest of 31 bytes', '/a', inode(at.a, 'digest_length', 31), 'EUCLEAN'],
  ['a digest of 33 bytes', '/a', inode(at.a, 'digest_length', 33), 'EUCLEAN'],
  ['a reference to nothing, at an odd offset', '/e', inode(at.e, 'digest_offset', -1n), undefined],
  ['a type in the entry that is not the inode’s', '/a', entry(0, 'd_type', 4), 'EUCLEAN'],
  ['a type in the entry that there is not', '/a', entry(0, 'd_type', 3), 'EUCLEAN'],
  ['a type in the entry that is far from any', '/a', entry(0, 'd_type', 255), 'EUCLEAN'],
  ['an entry of unknown type', '/a', entry(0, 'd_type', 0), undefined],
  ['an inode that there is not', '/a', entry(0, 'inode_num', 6), 'EUCLEAN'],
  ['an inode far away', '/a', entry(0, 'inode_num', 0xffffffff), 'EUCLEAN'],
  ['the root in a directory', '/d', entry(2, 'inode_num', 0), 'ELOOP'],
]
for (const [what, path, lie, code] of stats) {
  lies(`at stat: ${what}`, () => {
    const layer = layerOf(lie)
    for (let again = 0; again < 2; again++) assert.is(layer.statPath(path, false, newAttr())?.code, code)
  })
}

const listings: readonly [string, Lie][] = [
  ['no entries in a chunk', set(at.chunk, CFS_V1_DIR_HEADER, 'n_dirents', 0)],
  ['more entries than the chunk has', set(at.chunk, CFS_V1_DIR_HEADER, 'n_dirents', 6)],
  ['so many entries that their size wraps around', set(at.chunk, CFS_V1_DIR_HEADER, 'n_dirents', 0x15555556)],
  ['as many entries as can be', set(at.chunk, CFS_V1_DIR_HEADER, 'n_dirents', 0xffffffff)],
  ['a chunk too short for its number', inode(at.root, 'variable_data_length', 3)],
  ['a chunk without names', inode(at.root, 'variable_data_length', 64)],
  ['a name that begins at the end', entry(4, 'name_offset', 5)],
  ['a name that begins far behind the end', entry(4, 'name_offset', 0xffffffff)],
  ['a name that ends behind the end', entry(4, 'name_len', 2)],
  ['a name of no bytes', entry(1, 'name_len', 0)],
  ['a first name of no bytes', entry(0, 'name_len', 0)],
  ['a name `.`', byte(at.names, '.')],
  ['a name `..`', both(byte(at.names, '..'), entry(0, 'name_len', 2))],
  ['a name with a slash', byte(at.names, '/')],
  ['a name with a NUL', byte(at.names, '\0')],
  ['names out of order', byte(at.names + 1, 'x')],
  ['a name twice', byte(at.names + 1, 'a')],
  ['a type that there is not', entry(2, 'd_type', 5)],
]
for (const [what, lie] of listings) {
  lies(`at readdir: ${what}`, () => {
    const layer = layerOf(lie)
    assert.is((layer.readdir(layer.root) as Fault).code, 'EUCLEAN')
    assert.is((layer.namesAt('/') as Fault).code, 'EUCLEAN')
    assert.is(sweep(layer.image), 'EUCLEAN')
    assert.is((readTree(layer.image) as Fault).code, 'EUCLEAN')
    for (const path of ['/a', '/b', '/d/hl', '/w', '/x']) layer.resolve(path, true)
  })
}

const xattrLies: readonly [string, Lie][] = [
  ['none in a chunk', set(at.xattrs, CFS_V1_XATTR_HEADER, 'n_attr', 0)],
  ['more than the chunk has', set(at.xattrs, CFS_V1_XATTR_HEADER, 'n_attr', 3)],
  ['as many as can be', set(at.xattrs, CFS_V1_XATTR_HEADER, 'n_attr', 0xffff)],
  ['a key behind the end', set(at.xattrs + CFS_V1_XATTR_HEADER.size, CFS_V1_XATTR, 'key_length', 8)],
  ['a value behind the end', set(at.xattrs + CFS_V1_XATTR_HEADER.size, CFS_V1_XATTR, 'value_length', 2)],
  ['a chunk cut short', inode(at.a, 'xattrs_length', 5)],
]
for (const [what, lie] of xattrLies) {
  lies(`at listxattr and getxattr: ${what}`, () => {
    const layer = layerOf(lie)
    const node = layer.resolve('/a', false)
    if (node instanceof Fault) throw new Error(node.code)
    assert.is((layer.listxattr(node) as Fault).code, 'EUCLEAN')
    assert.is((layer.getxattr(node, 'user.other') as Fault).code, 'EUCLEAN')
    assert.is((readTree(layer.image) as Fault).code, 'EUCLEAN')
  })
}

lies('keys of 255 bytes are read, of 256 refused', () => {
  for (const length of [255, 256]) {
    const xattrs: [Buffer, Buffer][] = [[Buffer.alloc(length, 'k'), Buffer.from('v')]]
    const layer = new ImageLayer(loaded(pool, encodeCfs(cfsNode(S_IFDIR, { xattrs })).bytes), undefined, 'on')
    const listed = layer.listxattr(layer.root)
    assert.is(listed instanceof Fault ? listed.code : listed[0].length, length === 255 ? 255 : 'EUCLEAN')
  }
})

lies('paths of 4096 bytes are read, of 4097 refused', () => {
  for (const [mode, size] of [[S_IFREG, 1] as const, [S_IFLNK, 4096] as const]) {
    for (const length of [4096, 4097]) {
      const file = cfsNode(mode | 0o644, { size, payload: Buffer.alloc(length, 'p') })
      const tree = cfsNode(S_IFDIR | 0o755, { children: [[Buffer.from('f'), file]] })
      const layer = new ImageLayer(loaded(pool, encodeCfs(tree).bytes), undefined, 'on')
      assert.is(layer.statPath('/f', false, newAttr())?.code, length === 4096 ? undefined : 'EUCLEAN')
    }
  }
})

lies('a symlink’s size and its target may differ; a NUL in it may not be', () => {
  const layer = layerOf(inode(at.b, 'st_size', 3n << 40n))
  const node = layer.resolve('/b', false)
  if (node instanceof Fault) throw new Error(node.code)
  assert.equal(Buffer.from(layer.readlink(node) as Uint8Array).toString(), 'objs/x')
  const attr = newAttr()
  layer.statPath('/b', false, attr)
  assert.is(attr.size, 3 * 2 ** 40)
  assert.is(layer.statPath('/b', true, attr)?.code, 'ENOENT')
  const nul = layerOf(byte(whole.bytes.indexOf('objs/x') + 2, '\0'))
  assert.is((nul.readlink(node) as Fault).code, 'EUCLEAN')
})

lies('names out of order are found wherever a batch ends', () => {
  const children = Array.from({ length: 12_000 }, (_, i) => {
    return [Buffer.from(String(i).padStart(6, '0')), cfsNode(S_IFREG | 0o644)] as [Buffer, CfsNode]
  })
  const { bytes, vdata: chunk } = encodeCfs(cfsNode(S_IFDIR | 0o755, { children }))
  const offsetOf = (k: number) => chunk + CFS_V1_DIR_HEADER.size + CFS_V1_DIRENT.size * k
  // Batches are of as many entries as fit; 256 divides any sensible number of them.
  for (let k = 256; k < children.length; k += 256) {
    const image = Buffer.from(bytes)
    putField(image, offsetOf(k - 1), D.name_offset, 6 * k)
    putField(image, offsetOf(k), D.name_offset, 6 * (k - 1))
    const layer = new ImageLayer(loaded(pool, image), undefined, 'on')
    assert.is((layer.readdir(layer.root) as Fault).code, 'EUCLEAN', `at ${k}`)
    assert.is(sweep(layer.image), 'EUCLEAN', `at ${k}`)
    layer.image.close()
  }
})

lies.run()
