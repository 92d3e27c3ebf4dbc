// The oracles against each other, without the code under test: the plain decoder and, as root, a live kernel mount
// equal the truth files. Where this holds and test/kernel/truth.test.ts fails, the fault is ours.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PlainDecoder, type PlainInode } from '../../src/fuzz/plain-decoder.js'
import { plainXattrs } from '../../src/fuzz/plain-xattrs.js'
import { KernelMounts, kernelReason, kernelTree } from '../helpers/kernel.js'
import { SHARED, skip } from '../helpers/paths.js'
import { compareTruth, type TruthEntry, type TruthFs, walkTruth } from '../helpers/truth.js'
import { knownImages } from './images.js'

const images = knownImages()
const temporary = mkdtempSync(join(tmpdir(), 'composefs-oracle-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

/** The decoder behind the surface that a truth is read from: every path by look-up, so that this is tested too. */
function plainTree(decoder: PlainDecoder): TruthFs {
  const at = (path: Buffer): PlainInode => {
    const inode = decoder.resolve(path.toString('latin1'), false)
    if (inode === undefined) throw new Error(`not found: ${path.toString('latin1')}`)
    return inode
  }
  return {
    lstatSync: path => {
      const inode = at(path)
      const [major, minor] = inode.isDevice ? decoder.device(inode).map(BigInt) : [0n, 0n]
      return {
        mode: BigInt(inode.mode),
        nlink: BigInt(inode.nlink),
        uid: BigInt(inode.uid),
        gid: BigInt(inode.gid),
        size: BigInt(inode.size),
        rdev: (major << 8n) | (minor & 0xffn) | ((minor >> 8n) << 20n),
        mtimeNs: BigInt(inode.mtimeSec) * 1_000_000_000n + BigInt(inode.mtimeNsec),
      }
    },
    readdirSync: path => decoder.readdir(at(path)).map(entry => Buffer.from(entry.raw, 'latin1')),
    readlinkSync: path => decoder.readAll(at(path)),
    readFileSync: path => decoder.readAll(at(path)),
    listxattrSync: path => [...plainXattrs(decoder, at(path)).keys()].filter(name => !name.startsWith('lustre.')),
    getxattrSync: (path, name) => plainXattrs(decoder, at(path)).get(name) ?? Buffer.alloc(0),
  }
}

const plain = suite('the plain decoder equals the truth files')
for (const image of images.filter(known => !known.composefs)) {
  plain(image.name, () => {
    const decoder = new PlainDecoder(image.bytes())
    assert.equal(compareTruth(image.truth(), walkTruth(plainTree(decoder))), [])
    assert.is(decoder.walk().length, image.truth().length)
  })
}
if (SHARED === undefined) skip(plain, 'the shared vectors', 'there are none beside this checkout')
plain.run()

const kernel = suite('a live kernel mount equals the truth files')
const reason = kernelReason()
if (reason !== undefined) skip(kernel, 'all images', reason)
else {
  const mounts = new KernelMounts()
  for (const [index, image] of images.entries()) {
    kernel(image.name, () => {
      const file = join(temporary, `${index}.img`)
      writeFileSync(file, image.bytes())
      const objects = image.objects?.(temporary)
      const mount = objects === undefined ? mounts.erofs(file) : mounts.composefs(file, objects)
      const tree = kernelTree(mount.path)
      const xattrs = tree.listxattrSync !== undefined
      if (!xattrs) console.log(`note: ${image.name}: xattrs not compared: no python3 to read them`)
      assert.equal(compareTruth(image.truth(), walkTruth(tree), { xattrs }), [])
      mount.unmount()
    })
  }
}
kernel.run()

const comparison = suite('comparing truths')
const one: TruthEntry = {
  path: '/a',
  mode: '100644',
  nlink: 1,
  uid: 0,
  gid: 0,
  size: 3,
  mtime: '1.000000000',
  sha256: 'x',
}

comparison('reports each kind of difference by path and field', () => {
  const other = { ...one, size: 4, mtime: '1.000000001', xattrs: { 'user.a': '00' } }
  assert.equal(compareTruth([one], [other]), [
    '/a: size: expected 3, got 4',
    '/a: mtime: expected 1.000000000, got 1.000000001',
    '/a: xattr user.a: expected none, got 00',
  ])
  assert.equal(compareTruth([one], []), ['/a: missing'])
  assert.equal(compareTruth([], [one]), ['/a: not expected'])
  assert.equal(compareTruth([one], [one, one]), ['a path is listed twice'])
  assert.equal(compareTruth([one], [one]), [])
})
comparison.run()
