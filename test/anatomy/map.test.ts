// The map of an image: it covers the file exactly once whatever is in it, and says what is where; overlaps are told.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ImageMap, KIND_LABELS, mapOf, mapSteps } from '../../src/anatomy/anatomy.js'
import { PIECE_KINDS } from '../../src/format/anatomy-structs.js'
import { Fault } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { loaded, newPool } from '../helpers/core.js'
import { imageBytes, imageFiles, wholeMap } from '../helpers/image-maps.js'
import { newPagedPool, pagedImage } from '../helpers/paged.js'
import { fixture, SHARED, skip } from '../helpers/paths.js'
import { RawErofs } from '../helpers/raw-erofs.js'

const { S_IFREG, S_IFDIR } = CONSTANTS
const REGULAR = 1
const DIRECTORY = 2

/** Images with bytes that nothing refers to. */
const LEFT_BEHIND = /^(?:deflate|lzma|zstd)\.erofs/

const maps = suite('map of an image')
const pool = newPool()

function total(map: ImageMap, kind: string): number {
  return map.totals().find(one => one.kind === kind)?.bytes ?? 0
}

/** Dominant kinds counted byte by byte. */
function slowKinds(map: ImageMap, blockSize: number): number[] {
  const out: number[] = []
  for (let from = 0; from < map.byteLength; from += blockSize) {
    const counts = PIECE_KINDS.map(() => 0)
    for (let at = from; at < Math.min(from + blockSize, map.byteLength); at++)
      counts[PIECE_KINDS.indexOf(map.kind(map.indexAt(at)))]++
    out.push(counts.indexOf(Math.max(...counts)))
  }
  return out
}

if (SHARED === undefined) skip(maps, 'maps of the shared vectors', 'no shared vectors beside this checkout')
for (const [name, path] of imageFiles()) {
  maps(`${name} is covered exactly once`, () => {
    const bytes = imageBytes(path)
    const image = loaded(pool, bytes)
    const map = wholeMap(image)
    // Without its second device, data is missing.
    if (name.startsWith('two-devices')) assert.ok(map.faults.every(({ code }) => code === 'EIO') && map.faultCount > 0)
    else assert.is(map.faultCount, 0, JSON.stringify(map.faults))
    assert.is(map.inodes, image.superblock.inos)
    // What tools write, they refer to, but for a few bytes that mkfs.erofs wrote behind the end of a file.
    assert.is(total(map, 'unclaimed'), LEFT_BEHIND.test(name) ? 12 : 0)
    assert.is(total(map, 'unread'), 0)
    // Parts of the image are nobody else's, but for what was deduplicated.
    if (!/chunk|dedupe|cfs-v1|small-v1/.test(name)) assert.is(map.overlaps, 0)
    for (let i = 0; i < map.overlaps; i++) assert.match(map.claim(i).kind, /^(?:(?:file|compressed)-data$|cfs-)/)
    const sum = map.totals().reduce((bytes, one) => bytes + one.bytes, 0)
    assert.is(sum, bytes.length)
    if (bytes.length < 1 << 18)
      for (const size of [512, 4096, 10_000]) assert.equal([...map.kinds(size)], slowKinds(map, size))
    image.close()
  })
}

maps('every kind has a label of its own', () => {
  assert.is(new Set(Object.values(KIND_LABELS)).size, PIECE_KINDS.length)
})

/** An image of 16 blocks of 512 bytes: a root with two files, of the data that is given. */
function twoFiles(a: { block: number; size: number }, b: { block: number; size: number }): RawErofs {
  const raw = new RawErofs(16, 9, 4 * 16)
  const root = raw.nidAt(4)
  raw.directory(root, [
    ['.', root, DIRECTORY],
    ['..', root, DIRECTORY],
    ['a', raw.nidAt(5), REGULAR],
    ['b', raw.nidAt(6), REGULAR],
  ])
  raw.inode(raw.nidAt(5), { mode: S_IFREG | 0o644, ...a })
  raw.inode(raw.nidAt(6), { mode: S_IFREG | 0o644, ...b })
  return raw
}

maps('two files that share blocks: the first one has them, the other one is told of', () => {
  const raw = twoFiles({ block: 8, size: 1024 }, { block: 9, size: 1024 })
  const a = raw.nidAt(5)
  const b = raw.nidAt(6)
  const image = loaded(pool, raw.bytes)
  const map = wholeMap(image)
  assert.is(map.rangeAt(8 * 512)?.nid, a)
  assert.is(map.rangeAt(9 * 512)?.nid, a)
  assert.is(map.rangeAt(10 * 512)?.nid, b)
  assert.equal(map.alsoAt(8 * 512), [])
  assert.equal(
    map.alsoAt(9 * 512 + 5).map(({ nid, start, end, kind }) => ({ nid, start, end, kind })),
    [{ nid: b, start: 9 * 512, end: 11 * 512, kind: 'file-data' }],
  )
  assert.equal(map.alsoAt(10 * 512), [])
  assert.is(map.overlaps, 1)
  assert.equal(map.claim(0), map.alsoAt(9 * 512)[0])
  image.close()
})

maps('a file that has all of the image as its data does not hide what stands there', () => {
  const raw = twoFiles({ block: 0, size: 16 * 512 }, { block: 15, size: 512 })
  const image = loaded(pool, raw.bytes)
  const map = wholeMap(image)
  const kinds = [1024, 4 * 512, 5 * 512, 6 * 512].map(at => map.rangeAt(at)?.kind)
  assert.equal(kinds, ['superblock', 'inode-compact', 'inode-compact', 'inode-compact'])
  assert.is(map.rangeAt(0)?.kind, 'file-data')
  assert.is(map.rangeAt(15 * 512)?.nid, raw.nidAt(5))
  assert.equal(
    map.alsoAt(15 * 512).map(one => one.nid),
    [raw.nidAt(6)],
  )
  assert.equal(
    map.alsoAt(1024).map(one => [one.kind, one.nid]),
    [['file-data', raw.nidAt(5)]],
  )
  assert.is(map.overlaps, 2)
  image.close()
})

maps('an inode that claims all behind it as its chunk table does not hide the inodes there', () => {
  const raw = twoFiles({ block: 8, size: 512 }, { block: 9, size: 512 })
  const a = raw.nidAt(5)
  raw.inode(a, { mode: S_IFREG | 0o644, size: 0xf0000000, chunks: [] })
  const image = loaded(pool, raw.bytes)
  const map = wholeMap(image)
  const b = map.rangeAt(6 * 512)
  assert.equal([b?.kind, b?.nid, b?.end], ['inode-compact', raw.nidAt(6), 6 * 512 + 32])
  assert.equal([map.rangeAt(5 * 512 + 32)?.kind, map.rangeAt(6 * 512 + 32)?.nid], ['chunk-indexes', a])
  assert.ok(map.alsoAt(6 * 512).some(other => other.nid === a && other.kind === 'chunk-indexes'))
  image.close()
})

maps('data beyond the end of the image is cut there, and told as a fault', () => {
  const raw = twoFiles({ block: 14, size: 4096 }, { block: 4_000_000, size: 4096 })
  const image = loaded(pool, raw.bytes)
  const map = wholeMap(image)
  assert.is(map.rangeAt(14 * 512)?.nid, raw.nidAt(5))
  assert.equal(
    map.faults.map(({ nid, code }) => [nid, code]),
    [
      [raw.nidAt(5), 'EIO'],
      [raw.nidAt(6), 'EIO'],
    ],
  )
  image.close()
})

maps('bytes that nothing refers to are found, to the byte', () => {
  const raw = twoFiles({ block: 8, size: 512 }, { block: 9, size: 512 })
  raw.bytes[12 * 512 + 7] = 1
  raw.bytes[12 * 512 + 9] = 1
  const image = loaded(pool, raw.bytes)
  const map = wholeMap(image)
  const { start, end, kind } = map.rangeAt(12 * 512 + 8) ?? {}
  assert.equal([start, end, kind], [12 * 512 + 7, 12 * 512 + 10, 'unclaimed'])
  assert.is(map.rangeAt(12 * 512 + 10)?.kind, 'padding')
  assert.is(total(map, 'unclaimed'), 3)
  image.close()
})

maps('directories that all hold the whole image as entries come to an end', () => {
  // 1000 directories, each of which has the same 120 blocks of entries: all directories again and again.
  const blocks = 512
  const raw = new RawErofs(blocks, 12, (4096 + 64) / 32)
  const count = 1000
  const first = 2 * 128
  const dirs = Array.from({ length: count }, (_, i) => first + i)
  const perBlock = 100
  let block = 16
  for (let i = 0; i < count; i += perBlock) {
    const part = dirs.slice(i, i + perBlock)
    raw.entries(
      block * 4096,
      part.map((nid, k) => [`d${String(i + k).padStart(6, '0')}`, nid, DIRECTORY]),
    )
    block++
  }
  const names = block - 16
  for (const nid of [...dirs, (4096 + 64) / 32])
    raw.inode(nid, { mode: S_IFDIR | 0o755, size: names * 4096, block: 16 })
  const image = loaded(pool, raw.bytes)
  const started = performance.now()
  const map = wholeMap(image)
  assert.ok(performance.now() - started < 10_000, `${performance.now() - started} ms`)
  assert.is(map.inodes, count + 1)
  assert.is(map.overlaps, count)
  image.close()
})

maps('chunk tables that lie on top of each other come to an end', () => {
  // 30,000 inodes, each of which has the rest of the image as its chunk table.
  const raw = new RawErofs(1024, 12, 128)
  const nids = Array.from({ length: 30_000 }, (_, i) => 2048 + i)
  const names: (readonly [string, number, number])[] = nids.map((nid, i) => [
    `f${String(i).padStart(6, '0')}`,
    nid,
    REGULAR,
  ])
  const perBlock = 150
  let block = 700
  for (let i = 0; i < names.length; i += perBlock) raw.entries(block++ * 4096, names.slice(i, i + perBlock))
  raw.inode(128, { mode: S_IFDIR | 0o755, size: (block - 700) * 4096, block: 700 })
  for (const nid of nids) raw.inode(nid, { mode: S_IFREG | 0o644, size: 0xf0000000, chunks: [] })
  const image = loaded(pool, raw.bytes)
  const started = performance.now()
  const map = wholeMap(image)
  assert.ok(performance.now() - started < 20_000, `${performance.now() - started} ms`)
  assert.ok(map.faults.some(({ code, what }) => code === 'EUCLEAN' && what.includes('chunk indexes')))
  assert.is(map.inodes, nids.length + 1)
  image.close()
})

maps('a lazy image has no map, a closed one neither', () => {
  const bytes = imageBytes(fixture('small.cfs'))
  const lazy = pagedImage(newPagedPool(), bytes)
  const refused = mapOf(lazy)
  assert.is(refused instanceof Fault && refused.code, 'ENOTSUP')
  lazy.close()
  const image = loaded(pool, bytes)
  image.close()
  const closed = mapOf(image)
  assert.is(closed instanceof Fault && closed.code, 'ESTALE')
})

maps('made in steps; an image that is closed meanwhile is ESTALE', () => {
  const image = loaded(pool, imageBytes(fixture('small.cfs')))
  const steps = mapSteps(image)
  const parts: number[] = []
  for (let step = steps.next(); !step.done; step = steps.next()) {
    parts.push(step.value)
    // Somebody else asks something in between.
    image.core.stat(image.rootNid)
  }
  assert.ok(parts.length > 0 && parts.every(part => part >= 0 && part <= 1), parts.join())
  const again = mapSteps(image)
  assert.not(again.next().done)
  image.close()
  const last = again.next()
  assert.ok(last.done && last.value instanceof Fault && last.value.code === 'ESTALE')
})

maps.run()
