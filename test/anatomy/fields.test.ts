// Fields and facts: every byte of every structure is told once and as it stands in the image, whatever byte is asked for; a lazy
// image says the same; and a small image as text is what is kept in test/fixtures/anatomy.txt.
import { readFileSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  dumpLines,
  entriesOf,
  type Field,
  factsOf,
  fieldsAt,
  fieldsOf,
  frameFields,
  type ImageMap,
  type Structure,
} from '../../src/anatomy/anatomy.js'
import { Fault, Miss, type Outcome } from '../../src/format/errno.js'
import { INODE_COMPACT, INODE_EXTENDED, SUPERBLOCK } from '../../src/format/structs.js'
import { Random } from '../../src/fuzz/random.js'
import type { Image } from '../../src/image/image.js'
import { answered } from '../../src/overlay/waiting.js'
import { loaded, newPool } from '../helpers/core.js'
import { imageBytes, imageFiles, wholeMap } from '../helpers/image-maps.js'
import { FarBytes, newPagedPool, openPaged } from '../helpers/paged.js'
import { fixture } from '../helpers/paths.js'
import { imageOfDump } from '../helpers/written.js'

const SAMPLE = 300

const told = suite('fields and facts of an image')
const pool = newPool()

function got<T>(outcome: Outcome<T>): T {
  if (outcome instanceof Fault) throw new Error(`${outcome.code} ${outcome.detail}`)
  return outcome
}

/** The little-endian number that stands somewhere. */
function numberIn(bytes: Uint8Array, { offset, width }: Field): bigint {
  let value = 0n
  for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[offset + i])
  return value
}

/** Fields of a structure cover it from its first to its last byte, and say what stands there. */
function assertFields(bytes: Uint8Array, structure: Structure): void {
  const own = structure.fields.filter(({ offset }) => offset >= structure.start)
  let at = structure.start
  for (const field of own) {
    if (structure.kind === 'dirent' && field.name === 'name') continue
    assert.is(field.offset, at, `${structure.name}: ${field.name}`)
    at += field.width
    if (typeof field.value === 'string') continue
    assert.is(BigInt(field.value), numberIn(bytes, field), `${structure.name}: ${field.name}`)
  }
  assert.is(at, structure.start + structure.length, structure.name)
}

/** All nids of inodes that a map has, or some of them. */
function someInodes(map: ImageMap): number[] {
  const nids = new Set<number>()
  for (let i = 0; i < map.count; i++) if (map.kind(i).startsWith('inode-')) nids.add(map.nid(i) ?? -1)
  const random = new Random(nids.size)
  return [...nids].filter(() => nids.size <= SAMPLE || random.below(nids.size) < SAMPLE)
}

function firstOf(map: ImageMap, kind: string): number {
  for (let i = 0; i < map.count; i++) if (map.kind(i) === kind) return map.start(i)
  throw new Error(`no ${kind}`)
}

for (const [name, path] of imageFiles()) {
  if (/metabox|two-devices/.test(name)) continue
  told(`${name}: fields cover their structures, and say what stands there`, () => {
    const bytes = imageBytes(path)
    const image = loaded(pool, bytes)
    const map = wholeMap(image)
    for (const structure of got(frameFields(image))) assertFields(bytes, structure)
    let structures = 0
    let entries = 0
    for (const nid of someInodes(map)) {
      const found = got(fieldsOf(image, nid))
      assert.is(found.fault, undefined)
      for (const structure of found.structures) assertFields(bytes, structure)
      structures += found.structures.length
      const facts = got(factsOf(image, nid))
      assert.is(facts.offset, found.structures[0].start)
      assertXattrs(image, bytes, nid)
      if ((facts.mode & 0o170000) !== 0o040000) continue
      for (const entry of got(entriesOf(image, nid, 0)).entries) {
        assertFields(bytes, entry)
        entries++
      }
    }
    assert.ok(structures > 10 && entries > 2, `${structures} structures, ${entries} entries`)
    assertPlaces(image, map)
    image.close()
  })
}

/** The xattrs of the facts are those that the image stores, each where it is said to stand. */
function assertXattrs(image: Image, bytes: Uint8Array, nid: number): void {
  const facts = got(factsOf(image, nid))
  const stored = image.core.xattrs(nid)
  if (typeof stored === 'number') throw new Error(`xattrs: ${stored}`)
  assert.is(facts.xattrs.length, stored.length)
  for (const [i, { nameBytes, value, offset, length, where }] of facts.xattrs.entries()) {
    assert.equal(value, stored[i].value)
    if (offset === undefined) continue
    const entry = Buffer.from(bytes.subarray(offset, offset + length))
    assert.ok(entry.includes(Buffer.from(value)) && entry.length >= value.length + 4)
    assert.ok(Buffer.from(nameBytes).includes(Buffer.from(stored[i].rest)))
    const inBody = offset >= facts.offset && offset < facts.offset + facts.inodeSize + facts.xattrSize
    assert.is(where, inBody ? 'inline' : 'shared')
  }
}

/** The structure at a byte holds that byte, is of the map's inode, and is there for every byte. */
function assertPlaces(image: Image, map: ImageMap): void {
  const random = new Random(map.byteLength)
  for (let n = 0; n < SAMPLE; n++) {
    const offset = random.below(map.byteLength)
    const found = got(fieldsAt(image, offset, map))
    assert.ok(found, `byte ${offset}`)
    assert.is(found?.nid, map.rangeAt(offset)?.nid)
    const { start = 0, length = 0, fields = [], kind } = found?.structure ?? {}
    const inside = (from: number, size: number): boolean => offset >= from && offset < from + size
    const held = inside(start, length) || fields.some(field => kind === 'dirent' && inside(field.offset, field.width))
    assert.ok(held, `byte ${offset}: ${kind} at ${start}`)
  }
}

told('a byte of a name leads to the entry that has it, one of a shared xattr to that', () => {
  const bytes = imageBytes(fixture('small.cfs'))
  const image = loaded(pool, bytes)
  const map = wholeMap(image)
  const name = Buffer.from(bytes).indexOf('hello.txt')
  const entry = got(fieldsAt(image, name + 3, map))
  assert.is(entry?.structure.kind, 'dirent')
  assert.is(entry?.nid, image.rootNid)
  assert.is(entry?.structure.fields.at(-1)?.value, 'hello.txt')
  const shared = firstOf(map, 'shared-xattr')
  const found = got(fieldsAt(image, shared + 2, map))
  assert.equal([found?.nid, found?.structure.kind, found?.structure.start], [undefined, 'shared-xattr', shared])
  image.close()
})

told('without a map only what belongs to no inode is found', () => {
  const image = loaded(pool, imageBytes(fixture('small.cfs')))
  assert.is(got(fieldsAt(image, 0, undefined))?.structure.kind, 'composefs-header')
  assert.is(got(fieldsAt(image, 1030, undefined))?.structure.kind, 'superblock')
  assert.is(got(fieldsAt(image, 5000, undefined)), undefined)
  image.close()
})

told('facts of a file whose data is in a store', () => {
  const image = loaded(pool, imageOfDump(SMALL))
  const map = wholeMap(image)
  const facts = got(factsOf(image, map.nid(map.indexAt(firstOf(map, 'chunk-indexes'))) ?? -1))
  const { layout, size, redirect, digest, data, chunkSize } = facts
  assert.equal(
    { layout, size, redirect, digest, data },
    {
      layout: 'chunk-based',
      size: 5000,
      redirect: `/${DIGEST.slice(0, 2)}/${DIGEST.slice(2)}`,
      digest: DIGEST,
      data: [],
    },
  )
  assert.ok(chunkSize !== undefined && chunkSize >= 5000)
  assert.ok(facts.xattrs.some(one => one.name === 'user.k' && Buffer.from(one.value).toString() === 'v'))
  image.close()
})

told('a nid that is none has no fields and no facts', () => {
  const image = loaded(pool, imageBytes(fixture('small.cfs')))
  for (const nid of [-1, 2 ** 40, Number.NaN, 0.5 + 2 ** 60]) {
    const answers = [fieldsOf(image, nid), factsOf(image, nid), entriesOf(image, nid, 0)]
    assert.ok(answers.every(answer => answer instanceof Fault && answer.code === 'EUCLEAN'))
  }
  image.close()
  const closed = fieldsOf(image, image.rootNid)
  assert.is(closed instanceof Fault && closed.code, 'ESTALE')
})

told('a lazy image says the same, once what lacks has come', async () => {
  for (const name of [
    'small.cfs',
    'erofs/chunk-indexes.erofs.gz',
    'erofs/xattr-shared.erofs.gz',
    'consumers.erofs.gz',
  ]) {
    const bytes = imageBytes(fixture(name))
    const resident = loaded(pool, bytes)
    const lazy = got(await openPaged(newPagedPool(), new FarBytes(bytes)))
    let misses = 0
    const same = async <T>(ask: (image: Image) => Outcome<T>): Promise<void> => {
      const answer = await answered(() => {
        const r = ask(lazy)
        if (r instanceof Miss) misses++
        return r
      })
      assert.equal(answer, ask(resident))
    }
    await same(image => frameFields(image))
    for (const nid of someInodes(wholeMap(resident)).slice(0, 100)) {
      lazy.pager?.clear()
      await same(image => fieldsOf(image, nid))
      await same(image => factsOf(image, nid))
      await same(image => entriesOf(image, nid, 0))
    }
    assert.ok(misses > 50, `${misses} misses`)
    lazy.close()
    resident.close()
  }
})

told('structs of the table are told whole', () => {
  const image = loaded(pool, imageBytes(fixture('small.cfs')))
  const names = (structure: Structure | undefined) => new Set(structure?.fields.map(field => field.name))
  const superblock = names(got(frameFields(image)).find(one => one.kind === 'superblock'))
  for (const name of Object.keys(SUPERBLOCK.fields)) assert.ok(superblock.has(name), name)
  const inode = got(fieldsOf(image, image.rootNid)).structures[0]
  const struct = inode.kind === 'inode-compact' ? INODE_COMPACT : INODE_EXTENDED
  for (const name of Object.keys(struct.fields)) assert.ok(names(inode).has(name), name)
  image.close()
})

const DIGEST = '7c'.repeat(32)
const SMALL = `/ 4096 40755 3 0 0 0 1700000000.0 - - - user.k=v
/dir 0 40700 2 10 20 0 1700000000.5 - - - user.k=v
/dir/external 5000 100644 1 0 0 0 1700000001.0 ${DIGEST.slice(0, 2)}/${DIGEST.slice(2)} - ${DIGEST} user.k=v user.own=1
/inline 5 100600 1 0 0 0 1700000002.0 - hello - 
/link 8 120777 1 0 0 0 1700000003.0 dir/here - -
/null 0 20666 1 0 0 259 1700000004.0 - - -
`

/** Leaves out what a composefs image of that version always has: a whiteout for each folder of a store. */
function withoutWhiteouts(lines: readonly string[]): string[] {
  const whiteouts = /^ {4}[0-9a-f]{8} "[0-9a-f]{2}" -> \d+, character device$/
  const groups: string[][] = []
  for (const line of lines) {
    if (line.startsWith(' ')) groups.at(-1)?.push(line)
    else groups.push([line])
  }
  const kept = groups.filter(group => !group.some(line => line.includes('(device 0:0)')))
  return kept.flat().filter(line => !whiteouts.test(line))
}

for (const [file, dump, format] of [
  ['anatomy.txt', SMALL, {}],
  ['anatomy-cfs-v1.txt', SMALL.replace(/^\/inline.*\n/m, ''), { format: 'cfs-v1' }],
] as const) {
  told(`a small image as text, every byte of it: ${file}`, () => {
    const image = loaded(pool, imageOfDump(dump, format))
    const lines = withoutWhiteouts([...dumpLines(image, wholeMap(image))])
    if (process.env['WRITE_GOLDEN'] === file) writeFileSync(fixture(file), `${lines.join('\n')}\n`)
    assert.equal(lines, readFileSync(fixture(file), 'utf8').trimEnd().split('\n'))
    image.close()
  })
}

told.run()
