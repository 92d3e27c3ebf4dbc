// How compressed files are stored, as facts say it: against what dump.erofs says of the same images, against the bytes that a read
// gives, and for images that lie.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CompressedFacts, factsOf, fieldsOf, mapOf } from '../../src/anatomy/anatomy.js'
import { Fault } from '../../src/format/errno.js'
import { CONSTANTS, SUPERBLOCK } from '../../src/format/structs.js'
import { Random } from '../../src/fuzz/random.js'
import type { Image } from '../../src/image/image.js'
import { load, loaded, newPool } from '../helpers/core.js'
import { assertWhole, imageBytes, wholeMap } from '../helpers/image-maps.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const stored = suite('how compressed files are stored')
const pool = newPool()
const folder = mkdtempSync(join(tmpdir(), 'composefs-stored-'))

/** Those that dump.erofs 1.5 of Debian reads. */
const COMPARED = ['lz4', 'lz4-legacy', 'lz4-tailpack', 'lz4hc-big', 'lzma']
const FIXTURES = ['deflate', 'lz4', 'lz4hc', 'lzma', 'metabox', 'records', 'zstd']
const SAMPLE = 6
const MUTATIONS = 200
const CHECKSUM_BIT = CONSTANTS.EROFS_SUPER_OFFSET + SUPERBLOCK.fields.feature_compat.offset

/** nids and facts of all compressed inodes that have a name. */
function compressedIn(image: Image): [number, CompressedFacts][] {
  const map = wholeMap(image)
  const nids = new Set<number>()
  for (let i = 0; i < map.count; i++) if (map.kind(i).startsWith('inode-')) nids.add(map.nid(i) ?? 0)
  return [...nids].flatMap(nid => {
    const facts = factsOf(image, nid)
    if (facts instanceof Fault) throw new Error(`${facts.code} ${facts.detail}`)
    return facts.compressed === undefined ? [] : [[nid, facts.compressed] as [number, CompressedFacts]]
  })
}

//   0:        0..    4096 |    4096 :     360448..    364544 |    4096
function extentsIn(text: string): number[][] {
  const rows = text.matchAll(/^\s*\d+:\s+(\d+)\.\.\s*\d+ \|\s+(\d+) :\s+(\d+)\.\.\s*\d+ \|\s+(\d+)/gm)
  return Array.from(rows, row => row.slice(1).map(Number))
}

if (spawnSync('dump.erofs', ['-V']).error !== undefined) skip(stored, 'dump.erofs', 'there is no dump.erofs')
else if (SHARED === undefined) skip(stored, 'dump.erofs', 'no shared vectors beside this checkout')
else {
  for (const name of COMPARED) {
    stored(`${name}: extents and sizes are those that dump.erofs tells`, () => {
      const bytes = imageBytes(vector('erofs', `${name}.erofs.gz`))
      const file = join(folder, 'image')
      writeFileSync(file, bytes)
      const image = loaded(pool, bytes)
      const all = compressedIn(image)
      assert.ok(all.length >= SAMPLE)
      // The largest tell most.
      for (const [nid, facts] of all.sort(([, a], [, b]) => b.extents - a.extents).slice(0, SAMPLE)) {
        const text = execFileSync('dump.erofs', [`--nid=${nid}`, '-e', file], { encoding: 'utf8' })
        const ours = facts.list.map(({ at, length, offset, stored: bytes }) => [at, length, offset, bytes])
        assert.equal(ours, extentsIn(text), text)
        assert.is(facts.extents, ours.length)
        // What it calls the size on disk counts an inline pcluster as none.
        const blocks = facts.list.filter(one => one.place === 'image')
        assert.is(
          Number(/On-disk size:\s*(\d+)/.exec(text)?.[1]),
          blocks.reduce((sum, one) => sum + one.stored, 0),
          text,
        )
      }
      image.close()
    })
  }
}

for (const name of FIXTURES) {
  stored(`${name}: extents cover each file once, within what the map says`, () => {
    const image = loaded(pool, imageBytes(fixture(`compressed/${name}.erofs.gz`)))
    const map = wholeMap(image)
    assert.is(map.faultCount, 0)
    assert.is(map.inodes, image.superblock.inos)
    const kinds = map.totals().map(one => one.kind)
    assert.ok(!kinds.includes('unread') && !kinds.includes('unclaimed'), kinds.join())
    const all = compressedIn(image)
    assert.ok(all.length > 0)
    for (const [nid, facts] of all) {
      let at = 0
      for (const one of facts.list) {
        assert.is(one.at, at)
        at += one.length
        if (one.place !== 'image' && one.place !== 'inline') continue
        const owners = [map.rangeAt(one.offset ?? -1), ...map.alsoAt(one.offset ?? -1)].map(range => range?.nid)
        assert.ok(owners.includes(nid), `byte ${one.offset} is of ${owners}, not of ${nid}`)
      }
      assert.is(at, facts.size)
      assert.is(facts.fault, undefined)
    }
    image.close()
  })

  stored(`${name}: images that lie have a map and facts, or a fault`, () => {
    const whole = imageBytes(fixture(`compressed/${name}.erofs.gz`))
    const random = new Random(name.length * 7919 + whole.length)
    const map = wholeMap(loaded(pool, whole))
    const places: number[] = []
    for (let i = 0; i < map.count; i++)
      if (/^(?:inode-|compression-|superblock)/.test(map.kind(i))) places.push(map.start(i))
    let opened = 0
    for (let i = 0; i < MUTATIONS; i++) {
      const bytes = whole.slice()
      for (let n = 0; n < 4; n++) bytes[random.pick(places) + random.below(32)] = random.below(256)
      // No checksum is to keep it from being opened.
      bytes[CHECKSUM_BIT] &= ~CONSTANTS.EROFS_FEATURE_COMPAT_SB_CHKSUM
      const image = load(pool, bytes)
      if (image instanceof Fault) continue
      opened++
      const lied = mapOf(image)
      assert.not.instance(lied, Fault)
      if (!(lied instanceof Fault)) assertWhole(lied, bytes.length)
      for (const nid of [image.rootNid, ...places.slice(0, 8).map(() => random.below(2048))]) {
        factsOf(image, nid)
        fieldsOf(image, nid)
      }
      image.close()
    }
    assert.ok(opened > MUTATIONS / 10, `${opened} opened`)
  })
}

stored.run()
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
