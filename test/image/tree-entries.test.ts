// The tree view of composefs images: against the dumps that the C tool made of them, and what it refuses.
import { hash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeDumpFields, writeEscaped } from '../../src/format/dump-text.js'
import { Fault } from '../../src/format/errno.js'
import { TextBuffer } from '../../src/format/text-buffer.js'
import { type Image, loadImage } from '../../src/image/image.js'
import { TreeEntries, type TreeOptions } from '../../src/image/tree-entries.js'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { CorePool } from '../../wasm/pool.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const tree = suite('tree entries')
const pool = new CorePool(compileSync(new Uint8Array(Buffer.from(CORE_BASE64, 'base64'))), () =>
  compileSync(new Uint8Array(Buffer.from(FULL_CORE_BASE64, 'base64'))),
)

/** EROFS and composefs magic numbers, their places, and the places of fields that the tests change (spec 7). */
const HEADER_MAGIC = 0xd078629a
const ROOT_NID_AT = 1024 + 14
const SLOT = 32

function open(bytes: Uint8Array): Image {
  const sha256 = (data: Uint8Array) => hash('sha256', data, 'buffer')
  const image = loadImage(pool, sha256, bytes.length, into => into.set(bytes), {})
  if (image instanceof Fault) throw new Error(`${image.code}: ${image.detail}`)
  return image
}

function collect(bytes: Uint8Array, options: TreeOptions = {}): { text: string; nids: number[] } | Fault {
  const image = open(bytes)
  try {
    const entries = TreeEntries.open(image, options)
    if (entries instanceof Fault) return entries
    const out = new TextBuffer()
    const nids: number[] = []
    for (;;) {
      const more = entries.next()
      if (more instanceof Fault) return more
      if (!more) return { text: Buffer.from(out.content()).toString('latin1'), nids }
      writeEscaped(out, entries.path, 0, entries.pathLength)
      writeDumpFields(out, entries)
      nids.push(entries.nid)
    }
  } finally {
    image.close()
  }
}

function wholeTree(bytes: Uint8Array, options?: TreeOptions): { text: string; nids: number[] } {
  const result = collect(bytes, options)
  if (result instanceof Fault) throw new Error(`${result.code}: ${result.detail}`)
  return result
}

for (const name of ['small', 'small-v1']) {
  tree(`${name}.cfs: the entries of its dump`, () => {
    const { text } = wholeTree(readFileSync(fixture(`${name}.cfs`)))
    assert.is(text, readFileSync(fixture(`${name}.dump`), 'latin1'))
  })
}

tree('a filter keeps names of the top directory, and the root', () => {
  const bytes = readFileSync(fixture('small.cfs'))
  const all = readFileSync(fixture('small.dump'), 'latin1').trimEnd().split('\n')
  const wanted = all.filter(line => /^\/(?: |project[/ ])/.test(line))
  assert.is(wholeTree(bytes, { filter: new Set(['project']) }).text, `${wanted.join('\n')}\n`)
  assert.is(wholeTree(bytes, { filter: new Set() }).text, `${all[0]}\n`)
})

tree('a plain EROFS image has no tree view', () => {
  const result = collect(gunzipSync(readFileSync(fixture('erofs/plain.erofs.gz'))))
  assert.ok(result instanceof Fault)
  assert.is(result.code, 'EINVAL')
})

/** Where the dirent of a name lies: names of a block begin behind its dirents, in their order. */
function direntAt(image: Buffer, dir: number, name: string): number {
  const format = image.readUInt16LE(dir)
  const start = dir + ((format & 1) === 1 ? 64 : 32) + xattrSize(image.readUInt16LE(dir + 2))
  const count = image.readUInt16LE(start + 8) / 12
  for (let k = 0; k < count; k++) {
    const from = start + image.readUInt16LE(start + k * 12 + 8)
    if (image.toString('latin1', from, from + name.length) === name) return start + k * 12
  }
  throw new Error(`no ${name}`)
}

function xattrSize(icount: number): number {
  return icount === 0 ? 0 : 12 + (icount - 1) * 4
}

tree('a directory with two names is EUCLEAN before anything is given out', () => {
  const bytes = Buffer.from(readFileSync(fixture('small.cfs')))
  assert.is(bytes.readUInt32LE(0), HEADER_MAGIC)
  const { text, nids } = wholeTree(bytes)
  const paths = text
    .trimEnd()
    .split('\n')
    .map(line => line.split(' ')[0])
  const project = nids[paths.indexOf('/project')]
  // /project/src is made another name of /project/test.
  const from = direntAt(bytes, project * SLOT, 'src')
  const to = direntAt(bytes, project * SLOT, 'test')
  bytes.copy(bytes, from, to, to + 8)
  const result = collect(bytes)
  assert.ok(result instanceof Fault)
  assert.is(result.code, 'EUCLEAN')
  assert.ok(bytes.readUInt16LE(ROOT_NID_AT) > 0)
  const filtered = collect(bytes, { filter: new Set(['project']) })
  assert.ok(filtered instanceof Fault)
  assert.is(filtered.code, 'EUCLEAN')
  assert.match(filtered.detail, '/project/test')
  assert.not.instance(collect(bytes, { filter: new Set(['awkward']) }), Fault)
})

tree('a file with two names is a hard link to its first one', () => {
  const bytes = Buffer.from(readFileSync(fixture('small.cfs')))
  const { text, nids } = wholeTree(bytes)
  const lines = text.trimEnd().split('\n')
  const paths = lines.map(line => line.split(' ')[0])
  const project = nids[paths.indexOf('/project')]
  const from = direntAt(bytes, project * SLOT, 'tsconfig.json')
  const to = direntAt(bytes, project * SLOT, 'biome.json')
  bytes.copy(bytes, from, to, to + 8)
  const linked = wholeTree(bytes).text.split('\n')
  const first = lines[paths.indexOf('/project/biome.json')].split(' ')
  first[0] = '/project/tsconfig.json'
  first[2] = `@${first[2]}`
  first[8] = '/project/biome.json'
  assert.ok(linked.includes(first.join(' ')))
  assert.ok(linked.includes(lines[paths.indexOf('/project/biome.json')]))
})

if (SHARED === undefined) skip(tree, 'hostile images', 'no shared vectors beside this checkout')
else {
  tree('no hostile image, given a composefs header, hangs, throws or escapes', () => {
    const names = readdirSync(vector('hostile')).filter(name => name.endsWith('.img'))
    assert.ok(names.length > 30)
    let refused = 0
    for (const name of names) {
      const bytes = Buffer.from(readFileSync(vector('hostile', name)))
      bytes.writeUInt32LE(HEADER_MAGIC, 0)
      bytes.writeUInt32LE(1, 4)
      let result: ReturnType<typeof collect>
      try {
        result = collect(bytes)
      } catch (error) {
        // Opening has failed already.
        assert.match(String(error), /EINVAL|ENOTSUP|EBADMSG|EUCLEAN/, name)
        refused++
        continue
      }
      if (result instanceof Fault) {
        assert.ok(['EUCLEAN', 'EINVAL', 'ENOTSUP', 'EIO'].includes(result.code), `${name}: ${result.code}`)
        refused++
      } else assert.match(result.text, /^\/ /)
    }
    assert.ok(refused > names.length / 2, `${refused} of ${names.length}`)
  })
}

tree.run()
