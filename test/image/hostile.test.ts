// Lies told to an image: each gets the errno that the spec's table gives it, by the layer and by every call of `fs`.
import { existsSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, type Outcome } from '../../src/format/errno.js'
import { CONSTANTS, INODE_EXTENDED } from '../../src/format/structs.js'
import { ImageLayer, type ImageNode } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { load, loaded, newPool } from '../helpers/core.js'
import { setField, small } from '../helpers/mutate.js'
import { SHARED, skip, vector } from '../helpers/paths.js'

interface Case {
  readonly image: string
  readonly what: string
  readonly ours: Readonly<Record<string, string>>
}

const hostile = suite('hostile images')
const pool = newPool()

function ask(layer: ImageLayer, call: string): Outcome<unknown> | undefined {
  const [verb, path] = call.split(' ')
  if (verb === 'stat') return layer.statPath(path, false, newAttr())
  const node = layer.resolve(path, false)
  if (node instanceof Fault) return node
  if (verb === 'ls') return layer.readdir(node)
  if (verb === 'readlink') return layer.readlink(node)
  if (verb === 'xattr') return layer.listxattr(node)
  return cat(layer, node)
}

function cat(layer: ImageLayer, node: ImageNode): Outcome<unknown> {
  const file = layer.open(node, true)
  return file instanceof Fault ? file : file.readAll(true)
}

function code(outcome: unknown): string {
  return outcome instanceof Fault ? outcome.code : 'ok'
}

/** EFBIG is what `fs` reports as ERR_FS_FILE_TOO_LARGE. */
function agrees(wanted: string, got: string): boolean {
  return wanted.split('|').includes(got) || (got === 'EFBIG' && wanted.includes('ERR_FS_FILE_TOO_LARGE'))
}

if (SHARED === undefined || !existsSync(vector('hostile/cases.json'))) {
  skip(hostile, 'shared hostile images', 'no shared vectors beside this checkout')
} else {
  const cases: Case[] = JSON.parse(readFileSync(vector('hostile/cases.json'), 'utf8'))
  for (const { image: name, what, ours } of cases) {
    hostile(`${name}: ${what}`, () => {
      const image = load(pool, readFileSync(vector('hostile', name)))
      if (ours.mount !== undefined) {
        assert.is(code(image), ours.mount)
        return
      }
      if (image instanceof Fault) throw new Error(`did not open: ${image.code} ${image.detail}`)
      const layer = new ImageLayer(image, undefined, 'on')
      for (const [call, wanted] of Object.entries(ours)) {
        const got = code(ask(layer, call))
        assert.ok(agrees(wanted, got), `${call}: wanted ${wanted}, got ${got}`)
      }
      image.close()
    })
  }
  hostile('nothing stays in memory', () => assert.is(pool.size, 0))
}

hostile('what is no image is refused with one clear reason', () => {
  const random = Uint8Array.from({ length: 8192 }, (_, i) => (i * 2654435761) >>> 13)
  for (const bytes of [new Uint8Array(0), new Uint8Array(100), new Uint8Array(8192), random]) {
    const image = load(pool, bytes)
    assert.instance(image, Fault)
    assert.is((image as Fault).code, 'EINVAL')
    assert.match((image as Fault).detail, 'superblock')
  }
})

hostile('a chunk format that does not exist is refused whatever type the inode has', () => {
  // Found by the fuzzing kit: a device whose number stood where a file has its chunk format. The kernel can't read that inode either.
  const bytes = small()
  const image = loaded(pool, bytes)
  const entry = [...image.entries()].find(({ mode }) => (mode & CONSTANTS.S_IFMT) === CONSTANTS.S_IFIFO)
  const nid = entry?.ino ?? -1
  assert.is(image.core.stat(nid), 0)
  const at = image.core.position()
  const { i_format, i_u } = INODE_EXTENDED.fields
  const layout = (bytes[at] & ~0xe) | (CONSTANTS.EROFS_INODE_CHUNK_BASED << CONSTANTS.EROFS_I_DATALAYOUT_SHIFT)
  image.close()
  const bad = loaded(pool, setField(setField(bytes, at, i_format, layout), at, i_u, 0x4c52))
  assert.is(bad.core.stat(nid), -CONSTANTS.EOPNOTSUPP)
  bad.close()
})

hostile.run()
