// What composefs stat tells of where data lies: by the bytes that stand there, on further devices too.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type StorageJson, storageLines, storageOf } from '../../src/cli/stat-extents.js'
import { Fault } from '../../src/format/errno.js'
import { RECORD_FLAGS } from '../../src/format/structs.js'
import type { Image } from '../../src/image/image.js'
import { openImageSync } from '../../src/node.js'
import { inodeOffset } from '../../wasm/core-pieces.js'
import { imageBytes } from '../helpers/image-maps.js'
import { fixture } from '../helpers/paths.js'

const told = suite('composefs stat: where data lies')
const folder = mkdtempSync(join(tmpdir(), 'composefs-extents-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const FILES = ['/mixed', '/text', '/zeros', '/noise', '/dir/deep/tail', '/dir/short', '/copy', '/names']

function file(name: string): string {
  const path = join(folder, name)
  writeFileSync(path, imageBytes(fixture(`compressed/${name}.gz`)))
  return path
}

/** What is told of a path, and all bytes that a read gives. */
function storage(image: Image, path: string): { found: StorageJson; data: Uint8Array } {
  const { core } = image
  assert.is(core.statPath(path, 0), 0, path)
  const nid = core.nid()
  const asked = { nid, size: core.fileSize(), layout: core.flags() & RECORD_FLAGS.RF_LAYOUT_MASK }
  const found = storageOf(image, asked, inodeOffset(core, nid), true)
  if (found instanceof Fault) throw new Error(`${path}: ${found.code} ${found.detail}`)
  const data = new Uint8Array(asked.size)
  assert.is(core.read(nid, data, 0), asked.size)
  return { found, data }
}

told('extents follow one upon the other, and what is stored as it is stands there', () => {
  for (const name of ['lz4', 'lz4hc', 'lzma', 'deflate', 'zstd', 'records', 'metabox']) {
    const path = file(`${name}.erofs`)
    const bytes = imageBytes(path)
    const image = openImageSync(path)
    let ratios = 0
    for (const one of FILES) {
      const { found, data } = storage(image, one)
      let at = 0
      for (const { at: from, length, place, offset = 0, stored, algorithm } of found.extents ?? []) {
        assert.is(from, at, one)
        at += length
        const there = data.subarray(from, at)
        if (place === 'hole') assert.ok(there.every(byte => byte === 0))
        if (algorithm === undefined && (place === 'image' || place === 'inline'))
          assert.equal(there, bytes.subarray(offset, offset + length), `${name} ${one} at ${from}`)
        if (algorithm !== undefined) assert.ok((stored ?? 0) > 0)
      }
      assert.is(at, data.length, one)
      const lines = storageLines(found)
      assert.is(lines.filter(([label]) => label === 'extent').length, found.extents?.length)
      if (found.compression?.ratio === undefined) continue
      ratios++
      const { stored, ratio } = found.compression
      assert.match(lines[0][1], new RegExp(`^${stored} bytes.*, ${(100 * ratio).toFixed(2).replace('.', '\\.')} %`))
    }
    if (!/lz4hc|zstd/.test(name)) assert.ok(ratios > 0, name)
    image.close()
  }
})

told('what is on a further device is told by that', () => {
  const device = file('devices.blob')
  const bytes = imageBytes(device)
  const image = openImageSync(file('devices.erofs'), { devices: [device] })
  const { found, data } = storage(image, '/mixed')
  const on = (found.extents ?? []).filter(one => one.device === 1)
  assert.ok(on.length > 1 && (found.extents ?? []).some(one => one.place === 'hole'))
  for (const { at, length, offset = 0 } of on)
    assert.equal(data.subarray(at, at + length), bytes.subarray(offset, offset + length))
  assert.ok(storageLines(found).some(([, text]) => text.endsWith(' of device 1')))
  image.close()
})

told.run()
