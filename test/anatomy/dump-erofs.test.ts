// What the map and the facts of an inode say, against what dump.erofs of erofs-utils says of the same images: where inodes are
// and how they are laid out, their xattrs' sizes, where their data lies, and how many there are of each type.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { factsOf, type ImageMap, type InodeFacts, type PieceKind } from '../../src/anatomy/anatomy.js'
import { Fault } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import { Random } from '../../src/fuzz/random.js'
import type { Image } from '../../src/image/image.js'
import { loaded, newPool } from '../helpers/core.js'
import { imageBytes, imageFiles, wholeMap } from '../helpers/image-maps.js'
import { skip } from '../helpers/paths.js'

/** Inodes that are compared: of large images, and of those that many others are like. */
const SAMPLE = 250
const SAMPLE_OF_ALIKE = 80
/** Of the shared vectors that erofs-utils 1.5 reads, though a later version wrote them. */
const READABLE = /^(?:plain|plain-extended|plain-noinline|chunk-64k|chunk-map|lz4|zstd)\.erofs\.gz/
/** By the number that dump.erofs prints. */
const LAYOUTS = ['flat-plain', 'compressed-full', 'flat-inline', 'compressed-compact', 'chunk-based']

const dumped = suite('what dump.erofs says')
const pool = newPool()
const folder = mkdtempSync(join(tmpdir(), 'composefs-anatomy-'))

type Extent = readonly [at: number, offset: number, length: number]

/** Numbers behind their names in text of dump.erofs. */
function numberOf(text: string, name: string): number {
  const found = new RegExp(`${name}:\\s+(\\d+)`).exec(text)
  if (found === null) throw new Error(`no ${name} in\n${text}`)
  return Number(found[1])
}

/** Joins pieces that go on where the one before ends, in the file and in the image; leaves holes out. */
function joined(extents: readonly Extent[]): Extent[] {
  const out: Extent[] = []
  for (const [at, offset, length] of extents) {
    const last = out.at(-1)
    if (last !== undefined && last[0] + last[2] === at && last[1] + last[2] === offset)
      out[out.length - 1] = [last[0], last[1], last[2] + length]
    else out.push([at, offset, length])
  }
  return out
}

/** Extents as dump.erofs lists them: whole blocks of a chunk, also behind the end of the file; holes at byte 0. */
function extentsOf(text: string, size: number): Extent[] {
  const lines = text.matchAll(/^\s*\d+:\s+(\d+)\.\.\s*\d+ \|\s*\d+ :\s+(\d+)\.\.\s*\d+ \|\s*(\d+)/gm)
  const all = Array.from(lines, ([, at, offset, length]): Extent => {
    return [Number(at), Number(offset), Math.min(Number(length), size - Number(at))]
  })
  return joined(all.filter(([, offset, length]) => offset !== 0 && length > 0))
}

function said(path: string, ...args: string[]): string {
  return execFileSync('dump.erofs', [...args, path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

/** nids of all inodes that a map has. */
function inodesOf(map: ImageMap): number[] {
  const nids = new Set<number>()
  for (let i = 0; i < map.count; i++) if (/^inode-(?:compact|extended)$/.test(map.kind(i))) nids.add(map.nid(i) ?? -1)
  return [...nids]
}

/** Names beyond the first one of all inodes but directories. */
function furtherNames(image: Image, map: ImageMap): number {
  const attr = { ino: 0, mode: 0, nlink: 0, uid: 0, gid: 0, rdev: 0, size: 0, mtimeSec: 0, mtimeNsec: 0 }
  let sum = 0
  for (const nid of inodesOf(map)) {
    assert.is(image.core.stat(nid), 0)
    image.core.attr(attr)
    if ((attr.mode & CONSTANTS.S_IFMT) !== CONSTANTS.S_IFDIR) sum += attr.nlink - 1
  }
  return sum
}

/** Some inodes of an image, whatever kinds there are. */
function sampleOf(map: ImageMap, most: number): number[] {
  const all = inodesOf(map)
  if (all.length <= most) return all
  const random = new Random(all.length)
  return Array.from({ length: most }, () => random.pick(all))
}

/** Compares what is said of one inode; the number of its extents. */
function compare(path: string, image: Image, map: ImageMap, nid: number): number {
  const facts = factsOf(image, nid)
  if (facts instanceof Fault) throw new Error(`nid ${nid}: ${facts.code} ${facts.detail}`)
  const text = said(path, `--nid=${nid}`, '-e')
  const ours = {
    nid: facts.nid,
    size: facts.size,
    links: facts.nlink,
    layout: facts.layout,
    inode: facts.inodeSize,
    xattrs: facts.xattrSize,
    uid: facts.uid,
    gid: facts.gid,
    extents: joined(facts.data.map(({ at, offset, length }): Extent => [at, offset, length])),
  }
  const theirs = {
    nid: numberOf(text, 'NID'),
    size: numberOf(text, 'Size'),
    links: numberOf(text, 'Links'),
    layout: LAYOUTS[numberOf(text, 'Layout')],
    inode: numberOf(text, 'Inode size'),
    xattrs: numberOf(text, 'Xattr size'),
    uid: numberOf(text, 'Uid'),
    gid: numberOf(text, 'Gid'),
    // Where compressed data lies is not read here.
    extents: facts.layout.startsWith('compressed') ? [] : extentsOf(text, facts.size),
  }
  assert.equal(ours, theirs, `nid ${nid}:\n${text}`)
  assertMapped(image, map, facts)
  return theirs.extents.length
}

/** The map must say of the same bytes what the facts say. */
function assertMapped(image: Image, map: ImageMap, facts: InodeFacts): void {
  const { nid, offset, inodeSize } = facts
  assert.is(map.rangeAt(offset)?.nid, nid)
  assert.is(map.rangeAt(offset)?.start, offset)
  assert.is(map.rangeAt(offset)?.end, offset + inodeSize)
  // As dump.erofs has it, in blocks of meta_blkaddr 0: the place of a nid.
  assert.is((offset - nid * 32) % image.superblock.blockSize, 0)
  for (const { offset: from, length } of facts.data) {
    for (const at of [from, from + length - 1]) {
      const owners = [map.rangeAt(at), ...map.alsoAt(at)].map(range => range?.nid)
      assert.ok(owners.includes(nid), `byte ${at} is of ${owners}, not of nid ${nid}`)
    }
  }
}

/** Inodes that have some of a kind. */
function withKinds(map: ImageMap, kinds: readonly PieceKind[]): number {
  const nids = new Set<number | undefined>()
  for (let i = 0; i < map.count; i++) if (kinds.includes(map.kind(i))) nids.add(map.nid(i))
  return nids.size
}

function compareAll(path: string, image: Image, most: number): void {
  const map = wholeMap(image)
  const superblock = said(path, '-s')
  assert.is(numberOf(superblock, 'Filesystem blocks'), image.superblock.blocks)
  assert.is(numberOf(superblock, 'Filesystem root nid'), image.rootNid)
  assert.is(numberOf(superblock, 'Filesystem inode count'), map.inodes)
  const statistics = said(path, '-S')
  // It counts names there.
  assert.is(numberOf(statistics, 'Filesystem total file count'), map.inodes + furtherNames(image, map))
  assert.is(
    numberOf(statistics, 'Filesystem directory count'),
    withKinds(map, ['inline-entries', 'directory-block']),
    'directories',
  )
  assert.is(
    numberOf(statistics, 'Filesystem symlink file count'),
    withKinds(map, ['inline-target', 'symlink-block']),
    'symlinks',
  )
  let extents = 0
  for (const nid of sampleOf(map, most)) extents += compare(path, image, map, nid)
  assert.ok(extents > 5, `${extents} extents`)
}

const missing = spawnSync('dump.erofs', ['-V'], { stdio: 'ignore' }).error !== undefined
/** Those that the version that Debian has writes itself, and composefs images. */
const known = imageFiles().filter(
  ([name, path]) => READABLE.test(name) || /test\/fixtures\/|\.cfs(?:\.gz)?$/.test(path),
)
if (missing) skip(dumped, 'dump.erofs', 'there is no dump.erofs')
else {
  for (const [name, path] of known) {
    dumped(name, () => {
      const bytes = imageBytes(path)
      const file = join(folder, 'image')
      writeFileSync(file, bytes)
      const image = loaded(pool, bytes)
      assert.is.not(image.superblock.blockSize, 0)
      compareAll(file, image, /\.cfs|consumers/.test(name) ? SAMPLE : SAMPLE_OF_ALIKE)
      image.close()
    })
  }
}

dumped('the types that are compared are those of the format', () => {
  assert.is(LAYOUTS.length, CONSTANTS.EROFS_INODE_CHUNK_BASED + 1)
})

dumped.run()
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
