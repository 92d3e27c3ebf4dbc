// What an image claims of compressed data: pclusters and extents beyond what the format allows, extents that go backward or overlap, loops.
// Each is refused before anything is decoded, which is told by memory that does not grow, and by time. And thousands of extents that
// claim as much as is allowed, in a few bytes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { errnoOf } from '../../src/format/errno.js'
import {
  COMPRESSION_CONSTANTS,
  CONSTANTS,
  EXTENT,
  INODE_EXTENDED,
  LCLUSTER_INDEX,
  MAP_HEADER,
  SUPERBLOCK,
} from '../../src/format/structs.js'
import { encodeExtent, Random } from '../../src/fuzz.js'
import type { Image } from '../../src/image/image.js'
import { mountSync } from '../../src/node.js'
import { putField } from '../helpers/cfs-v1-encoder.js'
import { loaded, newPool } from '../helpers/core.js'
import { type RawEntry, RawErofs } from '../helpers/raw-erofs.js'

const C = { ...CONSTANTS, ...COMPRESSION_CONSTANTS }
const BITS = 12
const BLOCK = 2 ** BITS
const ROOT_BLOCK = 1
const HEADER_AT = INODE_EXTENDED.size
const MIB = 2 ** 20
const EXTENT_MAX = C.Z_EROFS_PCLUSTER_MAX_DSIZE
const HEAD1 = C.Z_EROFS_LCLUSTER_TYPE_HEAD1
const NONHEAD = C.Z_EROFS_LCLUSTER_TYPE_NONHEAD
/** What refusing one may take. */
const REFUSED_MS = 2000

type Head = readonly [type: 'head', offset: number, block: number]
type Other = readonly [type: 'other', back: number, on: number]
interface Record {
  readonly length: number
  readonly address: number
  readonly start: number
  readonly format?: number
}

interface Claim {
  readonly size: number
  readonly advise?: number
  readonly entries?: readonly (Head | Other)[]
  readonly records?: readonly Record[]
}

/** One file with that claim, and a stream at the end of the image. */
function imageOf(claim: Claim, stream: Uint8Array): Uint8Array {
  const indexBlocks = Math.ceil(
    (HEADER_AT + 32 + 8 * (claim.entries?.length ?? 0) + 32 * (claim.records?.length ?? 0)) / BLOCK,
  )
  const first = ROOT_BLOCK + 2
  const image = new RawErofs(first + indexBlocks + Math.ceil(stream.length / BLOCK), BITS, 0)
  const root = image.nidAt(ROOT_BLOCK)
  const entries: RawEntry[] = [['.', root, 2] as RawEntry, ['..', root, 2] as RawEntry]
  entries.push(['f0000', image.nidAt(first), 1])
  putFile(image.bytes, first * BLOCK, claim)
  const length = image.entries(ROOT_BLOCK * BLOCK + BLOCK, entries)
  image.inode(root, { mode: 0o040755, size: length, block: ROOT_BLOCK + 1 })
  const { rootnid_2b, feature_incompat, blocks_lo } = SUPERBLOCK.fields
  const at = C.EROFS_SUPER_OFFSET
  putField(image.bytes, at, rootnid_2b, root)
  putField(image.bytes, at, blocks_lo, image.bytes.length / BLOCK)
  putField(image.bytes, at, feature_incompat, C.EROFS_FEATURE_INCOMPAT_ZERO_PADDING | C.EROFS_FEATURE_INCOMPAT_48BIT)
  image.bytes.set(stream, image.bytes.length - stream.length)
  return image.bytes
}

function putFile(bytes: Uint8Array, at: number, { size, advise = 0, entries = [], records = [] }: Claim): void {
  const { i_format, i_mode, i_nlink, i_size } = INODE_EXTENDED.fields
  putField(bytes, at, i_format, 1 | (C.EROFS_INODE_COMPRESSED_FULL << C.EROFS_I_DATALAYOUT_SHIFT))
  putField(bytes, at, i_mode, 0o100644)
  putField(bytes, at, i_nlink, 1)
  putField(bytes, at, i_size, BigInt(size))
  const header = at + HEADER_AT
  const isRecords = records.length > 0
  // Records of 32 bytes.
  putField(bytes, header, MAP_HEADER.fields.h_advise, isRecords ? C.Z_EROFS_ADVISE_EXTENTS | (3 << 1) : advise)
  if (isRecords) putField(bytes, header, MAP_HEADER.fields.h_fragmentoff, records.length)
  for (const [i, entry] of entries.entries()) putEntry(bytes, header + 16 + i * LCLUSTER_INDEX.size, entry)
  const table = Math.ceil((header + 8) / EXTENT.size) * EXTENT.size
  for (const [i, { length, address, start, format = 1 }] of records.entries()) {
    const one = table + i * EXTENT.size
    putField(bytes, one, EXTENT.fields.plen, length + format * 2 ** C.Z_EROFS_EXTENT_PLEN_FMT_BIT)
    putField(bytes, one, EXTENT.fields.pstart_lo, address)
    putField(bytes, one, EXTENT.fields.lstart_lo, start % 2 ** 32)
    putField(bytes, one, EXTENT.fields.lstart_hi, Math.floor(start / 2 ** 32))
  }
}

function putEntry(bytes: Uint8Array, at: number, [type, a, b]: Head | Other): void {
  const { di_advise, di_clusterofs, blkaddr, delta_0, delta_1 } = LCLUSTER_INDEX.fields
  putField(bytes, at, di_advise, type === 'head' ? HEAD1 : NONHEAD)
  putField(bytes, at, type === 'head' ? di_clusterofs : delta_0, a)
  putField(bytes, at, type === 'head' ? blkaddr : delta_1, b)
}

const zeros = (length: number) => encodeExtent(C.Z_EROFS_COMPRESSION_LZ4, new Uint8Array(length), new Random(1))
const head = (offset = 0, block = 4): Head => ['head', offset, block]
const other = (back: number, on: number): Other => ['other', back, on]
const counting = (blocks: number) => other(C.Z_EROFS_LI_D0_CBLKCNT | blocks, 1)
/** Where the only block of data is, with one file whose indexes are in one block. */
const DATA = 4

/** An extent over that many bytes, each cluster told how far it is from its head. */
function extentOf(bytes: number): Claim {
  const clusters = bytes / BLOCK
  const entries = Array.from({ length: clusters }, (_, i) => {
    return i === 0 ? head(0, 0) : other(Math.min(i, 0x7ff), Math.min(clusters - i, 0x7ff))
  })
  return { size: bytes, entries }
}

const BAD: readonly (readonly [string, Claim])[] = [
  [
    'a pcluster of more than 1 MiB, by blocks',
    { size: 3 * BLOCK, advise: 2, entries: [head(), counting(257), other(2, 1)] },
  ],
  [
    'a pcluster of more than 1 MiB, by bytes',
    { size: 100, records: [{ length: MIB + 1, address: DATA * BLOCK, start: 0 }] },
  ],
  ['a pcluster of no blocks', { size: 3 * BLOCK, advise: 2, entries: [head(), counting(0), other(2, 1)] }],
  ['an extent of more than 12 MiB, by indexes', extentOf(EXTENT_MAX + BLOCK)],
  [
    'an extent of more than 12 MiB, by records',
    { size: EXTENT_MAX + 1, records: [{ length: BLOCK, address: DATA * BLOCK, start: 0 }] },
  ],
  [
    'an extent of nearly 2^53 bytes',
    { size: 2 ** 53 - 1, records: [{ length: BLOCK, address: DATA * BLOCK, start: 0 }] },
  ],
  ['a head that begins beyond its cluster', { size: 2 * BLOCK, entries: [head(), head(BLOCK)] }],
  ['no head before the first byte', { size: BLOCK, entries: [head(1)] }],
  ['a distance of 0: a loop', { size: 2 * BLOCK, entries: [other(0, 0), other(0, 0)] }],
  ['a distance to before the file', { size: 2 * BLOCK, entries: [other(3, 1), other(7, 1)] }],
  [
    'records that go backward',
    {
      size: 3000,
      records: [2000, 1000, 0].map(start => ({ length: BLOCK, address: DATA * BLOCK, start })),
    },
  ],
  [
    'records that all begin behind the first byte',
    { size: 3000, records: [5, 5, 5].map(start => ({ length: BLOCK, address: DATA * BLOCK, start })) },
  ],
  ['a format that is none', { size: 100, records: [{ length: 50, address: DATA * BLOCK, start: 0, format: 2 }] }],
]

/** Extents of the largest file. */
const BOMBS = 3000

const test = suite('claims of compressed data')
const pool = newPool()
const EUCLEAN = errnoOf('EUCLEAN')

/** A file by its name in the root. */
function nidOf(image: Image, name: string): number {
  const found = image.core.lookup(image.core.facts().rootNid, Buffer.from(name), 0)
  assert.is(found, 0)
  return image.core.nid()
}

for (const [name, claim] of BAD) {
  test(`${name}: refused`, () => {
    const image = loaded(pool, imageOf(claim, zeros(1000)))
    const nid = nidOf(image, 'f0000')
    const before = { buffers: process.memoryUsage().arrayBuffers, at: performance.now() }
    assert.is(image.core.read(nid, new Uint8Array(64), 0), -EUCLEAN)
    assert.match(image.core.errorDetail(), 'compression index')
    assert.ok(performance.now() - before.at < REFUSED_MS, 'soon')
    assert.ok(process.memoryUsage().arrayBuffers - before.buffers < MIB, 'nothing is allocated')
    image.close()
  })
}

test('what claims no more than it may is read', () => {
  const one = (start: number): Record => ({ length: BLOCK, address: DATA * BLOCK, start })
  for (const claim of [
    { size: 1000, entries: [head()] },
    { size: 2000, records: [one(0), one(1000)] },
  ]) {
    const mounted = mountSync(imageOf(claim, zeros(1000)))
    assert.equal(new Uint8Array(mounted.fs.readFileSync('/f0000') as Uint8Array), new Uint8Array(claim.size))
    mounted.unmount()
  }
})

test(`${BOMBS} extents of 12 MiB each, of few bytes: one at a time is decoded, in the same memory`, () => {
  const stream = zeros(EXTENT_MAX)
  // By turns with a zero before it and without, so that none is known from the last time.
  const claim = (end: number): Claim => {
    const records = Array.from({ length: BOMBS }, (_, i) => {
      const length = stream.length + (i % 2)
      return { length, address: end - length, start: 0, far: i * EXTENT_MAX }
    })
    return { size: BOMBS * EXTENT_MAX, records: records.map(record => ({ ...record, start: record.far })) }
  }
  const end = imageOf(claim(0), stream).length
  const bytes = imageOf(claim(end), stream)
  assert.ok(bytes.length < MIB, `${bytes.length} bytes`)
  const mounted = mountSync(bytes)
  const fd = mounted.fs.openSync('/f0000', 'r') as number
  const into = new Uint8Array(1000)
  const read = (i: number) => {
    into.fill(1)
    assert.is(mounted.fs.readSync(fd, into, 0, into.length, i * EXTENT_MAX + 777), into.length)
    assert.ok(into.every(byte => byte === 0))
  }
  read(0)
  const before = process.memoryUsage()
  let slowest = 0
  for (let i = 1; i < BOMBS; i += 41) {
    const at = performance.now()
    read(i)
    slowest = Math.max(slowest, performance.now() - at)
  }
  const after = process.memoryUsage()
  assert.ok(after.arrayBuffers - before.arrayBuffers < MIB, 'memory')
  assert.ok(after.rss - before.rss < 32 * MIB, `${after.rss - before.rss} bytes more`)
  assert.ok(slowest < REFUSED_MS, `${slowest} ms`)
  mounted.fs.closeSync(fd)
  mounted.unmount()
})

test.run()
