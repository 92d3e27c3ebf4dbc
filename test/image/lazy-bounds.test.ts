// Lazy images where it would be easiest to go wrong: questions that need more than may be in memory, reads that come late,
// short or at the wrong time, sweeps whose source fails.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, Miss } from '../../src/format/errno.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { verityDigest } from '../../src/format/verity.js'
import type { Image } from '../../src/image/image.js'
import { openLazyImage } from '../../src/image/lazy-image.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr, type OpenFile } from '../../src/overlay/layer.js'
import { answered } from '../../src/overlay/waiting.js'
import { bytesSource } from '../../src/source/bytes-source.js'
import { MerkleSource } from '../../src/source/merkle-source.js'
import { treeFromImage } from '../../src/tree/image-source.js'
import { sha256 } from '../helpers/core.js'
import { FarBytes, loadPaged, NearBytes, newPagedPool, openPaged } from '../helpers/paged.js'
import { RawErofs } from '../helpers/raw-erofs.js'

const { S_IFREG, S_IFDIR } = CONSTANTS
const MIB = 1 << 20
const ROOT = 40

const bounds = suite('lazy images: bounds')

function opened(image: Image | Fault): Image {
  if (image instanceof Fault) throw new Error(`${image.code} ${image.detail}`)
  return image
}

/** What a call throws. */
function thrown(call: () => unknown): { code?: string; message: string } {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

function wideNames(): string[] {
  return Array.from({ length: 288 }, (_, i) => String.fromCharCode(0x61 + Math.floor(i / 20), 0x61 + (i % 20)))
}

/** One block of names, each inode of which is in a page of its own: 290 pages, for which the smallest cache is too small. */
function wideDirectory(): Uint8Array {
  const files = wideNames().length
  const raw = new RawErofs(files + 3, 12, ROOT, true)
  raw.inode(ROOT, { mode: S_IFDIR | 0o755, size: 4096, block: 1 })
  for (let i = 0; i < files; i++) raw.inode(raw.nidAt(i + 3), { mode: S_IFREG | 0o644 })
  // Of no known type, so that a look at each inode tells whether it is a whiteout.
  const entries = wideNames().map((name, i) => [name, raw.nidAt(i + 3), 0] as const)
  raw.entries(4096, [['.', ROOT, 2], ['..', ROOT, 2], ...entries])
  return raw.bytes
}

/** Directories in one another, each of which takes four pages. */
function deepDirectories(depth: number): Uint8Array {
  const raw = new RawErofs(depth * 5 + 10, 12, ROOT, true)
  const nid = (level: number) => (level === 0 ? ROOT : raw.nidAt(2 + 5 * level))
  for (let level = 0; level < depth; level++) {
    const block = 3 + 5 * level
    raw.inode(nid(level), { mode: S_IFDIR | 0o755, size: 3 * 4096, block })
    raw.entries(block * 4096, [
      ['.', nid(level), 2],
      ['..', nid(Math.max(0, level - 1)), 2],
    ])
    raw.entries((block + 1) * 4096, [['A', nid(level), 2]])
    raw.entries((block + 2) * 4096, [['a', nid(level + 1), 2]])
  }
  raw.inode(nid(depth), { mode: S_IFDIR | 0o755, size: 4096, block: 1 })
  return raw.bytes
}

bounds('a directory of more pages than are kept is ENOMEM, with and without waiting', async () => {
  const bytes = wideDirectory()
  const near = opened(loadPaged(newPagedPool(), new NearBytes(bytes), MIB))
  assert.is(thrown(() => [...near.batches()]).code, 'ENOMEM')
  const far = opened(await openPaged(newPagedPool(), new FarBytes(bytes), MIB))
  for (const image of [near, far]) {
    const layer = new ImageLayer(image, undefined, 'on')
    const list = await answered(() => layer.readdir(layer.root))
    assert.instance(list, Fault)
    assert.is((list as Fault).code, 'ENOMEM')
    assert.match((list as Fault).detail, 'cacheBytes')
    // Other questions go on as before.
    assert.is(await answered(() => layer.statPath('/ba', false, newAttr()) as Fault), undefined)
  }
  const all = opened(await openPaged(newPagedPool(), new FarBytes(bytes), 2 * MIB))
  const layer = new ImageLayer(all, undefined, 'on')
  const list = await answered(() => layer.readdir(layer.root))
  assert.is((list as { names: string[] }).names.length, 288)
  for (const image of [near, far, all]) image.close()
})

bounds('a path of more pages than are kept is ENOMEM, with and without waiting', async () => {
  const bytes = deepDirectories(120)
  const path = '/a'.repeat(119)
  for (const image of [
    opened(loadPaged(newPagedPool(), new NearBytes(bytes), MIB)),
    opened(await openPaged(newPagedPool(), new FarBytes(bytes), MIB)),
  ]) {
    const layer = new ImageLayer(image, undefined, 'on')
    const failed = await answered(() => layer.statPath(path, false, newAttr()) as Fault)
    assert.is(failed?.code, 'ENOMEM')
    assert.is(await answered(() => layer.statPath(path.slice(0, 80), false, newAttr()) as Fault), undefined)
    image.close()
  }
})

bounds('what comes after an opening failed gets into no other image', async () => {
  const blocks = 12
  const bad = new RawErofs(blocks, 16, 2048)
  // Not a directory: the opening fails while what was read ahead is under way.
  bad.inode(bad.nidAt(1), { mode: S_IFREG | 0o644 })
  bad.bytes.fill(0xab, 2 << 16)
  const late: (() => void)[] = []
  const source = new FarBytes(bad.bytes)
  const read = source.read.bind(source)
  source.read = async (offset, length) => {
    if (offset >= 2 << 16) await new Promise<void>(resolve => late.push(resolve))
    return read(offset, length)
  }
  const pool = newPagedPool()
  const failed = await openPaged(pool, source)
  assert.is((failed as Fault).code, 'EINVAL')
  assert.is(late.length, 1)

  const good = new RawErofs(blocks, 16, ROOT)
  good.directory(ROOT, [
    ['.', ROOT, 2],
    ['..', ROOT, 2],
    ['a', 80, 1],
  ])
  good.inode(80, { mode: S_IFREG | 0o644, size: 10 << 16, block: 2 })
  good.bytes.fill(0xcd, 2 << 16)
  const image = opened(loadPaged(pool, new NearBytes(good.bytes)))
  for (const resolve of late) resolve()
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve))
  const into = new Uint8Array(10 << 16)
  assert.is(image.core.read(80, into, 0), into.length)
  assert.ok(into.every(byte => byte === 0xcd))
  image.close()
})

bounds('a first read that brings less or more is EIO', async () => {
  const raw = new RawErofs(2, 12, ROOT)
  raw.directory(ROOT, [
    ['.', ROOT, 2],
    ['..', ROOT, 2],
  ])
  for (const length of [0, 4096, 8191, 8193, 100_000]) {
    const source = new FarBytes(raw.bytes)
    const head = new Uint8Array(length)
    head.set(raw.bytes.subarray(0, length))
    const image = await openLazyImage(newPagedPool(), sha256, source, head, { label: 'image' })
    assert.is((image as Fault).code, 'EIO', `${length}`)
  }
})

bounds('a wrong block spoils what needs it, not what is read along with it', async () => {
  const bytes = wideDirectory()
  const tree = merkleTree(bytes, sha256)
  const digest = verityDigest(bytes, sha256)
  const spoiled = bytes.slice()
  // Of the inode `ba`.
  const bad = 20 + 3
  spoiled[bad * 4096 + 2000] ^= 1
  for (const data of [new NearBytes(spoiled), new FarBytes(spoiled)]) {
    const source = new MerkleSource(data, bytesSource(tree), digest, sha256)
    const image = opened(await openPaged(newPagedPool(), source, MIB))
    const layer = new ImageLayer(image, undefined, 'on')
    const names = wideNames()
    const failed: string[] = []
    for (const name of names) {
      const answer = await answered(() => layer.statPath(`/${name}`, false, newAttr()) as Fault)
      if (answer !== undefined) failed.push(`${name} ${answer.code}`)
    }
    assert.equal(failed, [`${names[20]} EIO`])
    image.close()
  }
})

bounds('chunks that lie one behind the other are read together', async () => {
  const raw = new RawErofs(1000, 12, ROOT)
  const chunks = Array.from({ length: 900 }, (_, i) => (i < 400 ? i + 90 : i < 500 ? -1 : i < 501 ? 5 : i + 50))
  raw.directory(ROOT, [
    ['.', ROOT, 2],
    ['..', ROOT, 2],
    ['f', 128, 1],
  ])
  raw.inode(128, { mode: S_IFREG | 0o644, size: 900 * 4096, chunks })
  for (let block = 50; block < 1000; block++) raw.bytes.fill(1 + (block % 251), block * 4096, (block + 1) * 4096)
  const source = new FarBytes(raw.bytes)
  const image = opened(await openPaged(newPagedPool(), source, MIB))
  const layer = new ImageLayer(image, undefined, 'on')
  const expected = new Uint8Array(900 * 4096)
  for (const [i, chunk] of chunks.entries()) {
    if (chunk >= 0) expected.set(raw.bytes.subarray(chunk * 4096, (chunk + 1) * 4096), i * 4096)
  }
  const file = (await answered(() => layer.open({ nid: 128, mode: S_IFREG, way: undefined }, false))) as OpenFile
  const before = source.reads.length
  assert.equal(await answered(() => file.readAll(false)), expected)
  assert.ok(source.reads.length - before < 10, `${source.reads.length - before} reads`)
  // Also where the end is here, by which it is told whether the pages have it.
  await answered(() => file.read(new Uint8Array(1), expected.length - 1, false))
  assert.equal(await answered(() => file.readAll(false)), expected)
  file.close()
  image.close()
})

bounds('a sweep says what its source said, and EAGAIN where it would have to wait', async () => {
  const bytes = wideDirectory()
  const source = new NearBytes(bytes)
  const image = opened(loadPaged(newPagedPool(), source, 2 * MIB))
  const { readSync } = source
  source.readSync = () => {
    throw Object.assign(new Error('the disk is worn out'), { code: 'EIO' })
  }
  const error = thrown(() => [...image.batches()])
  assert.is(error.code, 'EIO')
  assert.match(error.message, 'worn out')
  assert.is(thrown(() => [...image.entries()]).code, 'EIO')
  source.readSync = readSync
  assert.is([...image.entries()].length, 289)
  const far = opened(await openPaged(newPagedPool(), new FarBytes(bytes), 2 * MIB))
  const waits = thrown(() => [...far.batches()])
  assert.is(waits.code, 'EAGAIN')
  assert.match(waits.message, 'not here yet')
  image.close()
  far.close()
})

bounds('a sweep over what claims to be too large for its bits is ENOMEM', async () => {
  const source = new NearBytes(wideDirectory())
  Object.assign(source, { size: 2 ** 45 })
  const image = opened(loadPaged(newPagedPool(), source))
  assert.is(thrown(() => [...image.batches()]).code, 'ENOMEM')
  image.close()
})

bounds('a lazy image is taken for no tree', () => {
  const image = opened(loadPaged(newPagedPool(), new NearBytes(wideDirectory()), 2 * MIB))
  assert.is(thrown(() => treeFromImage(image)).code, 'ENOTSUP')
  image.close()
})

bounds('an answer that lacks something stays a Miss, however often it is asked for without waiting', async () => {
  const image = opened(await openPaged(newPagedPool(), new FarBytes(wideDirectory()), MIB))
  const layer = new ImageLayer(image, undefined, 'on')
  for (let i = 0; i < 2000; i++) assert.instance(layer.statPath('/ba', false, newAttr()), Miss)
  assert.is(await answered(() => layer.statPath('/ba', false, newAttr()) as Fault), undefined)
  image.close()
})

bounds.run()
