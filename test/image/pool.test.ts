// Many images in one process: what they share, and that everything comes back.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { mountSync, openImageSync } from '../../src/node.js'
import { loaded, newPool } from '../helpers/core.js'
import { find, small } from '../helpers/mutate.js'
import { fixture } from '../helpers/paths.js'

const many = suite('many images')

/** The small image with another text in an inline file: a different image of the same size. */
function variant(n: number): Uint8Array {
  const bytes = small()
  const text = String(n).padStart(6, '0')
  bytes.set(Buffer.from(text), find(bytes, 'i'.repeat(63)))
  return bytes
}

many('the same bytes are in memory once, and different ones are not confused', () => {
  const pool = newPool()
  const a = loaded(pool, small())
  const b = loaded(pool, small())
  const c = loaded(pool, variant(1))
  assert.is(a.core.handle, b.core.handle)
  assert.is(a.core.core, b.core.core)
  assert.is.not(a.core.handle, c.core.handle)
  assert.is(pool.size, 2)
  assert.is(a.digest(), b.digest())
  assert.is.not(a.digest(), c.digest())
  a.close()
  a.close()
  assert.is(pool.size, 2)
  assert.is(b.digest(), a.digest())
  b.close()
  c.close()
  assert.is(pool.size, 0)
})

many('1,000 different images at once, each with its own content', () => {
  const mounts = Array.from({ length: 1000 }, (_, n) => mountSync(variant(n)))
  for (const [n, m] of mounts.entries()) {
    assert.is(m.fs.readFileSync('/awkward/inline/63', 'utf8').slice(0, 6), String(n).padStart(6, '0'))
  }
  const digests = new Set(mounts.slice(0, 50).map(m => m.images[0].digest()))
  assert.is(digests.size, 50)
  for (const m of mounts) m.unmount()
  assert.throws(() => mounts[0].fs, /EINVAL/)
})

many('10,000 mounts of one image share it and cost next to nothing', () => {
  const image = openImageSync(fixture('small.cfs'))
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const mounts = Array.from({ length: 10_000 }, () => mountSync(image))
  globalThis.gc?.()
  const each = (process.memoryUsage().heapUsed - before) / mounts.length
  assert.ok(each < 2048, `${each} bytes of heap a mount`)
  for (const m of mounts.slice(0, 100)) assert.is(m.fs.readFileSync('/awkward/inline/1', 'utf8'), 'i')
  for (const m of mounts) m.unmount()
  assert.is(image.closed, false)
  assert.ok(mountSync(image).fs.existsSync('/awkward'))
  image.close()
  assert.throws(() => mountSync(image), /closed/)
})

many('memory of closed images is used again', () => {
  const pool = newPool()
  const first = loaded(pool, small())
  const { core } = first.core
  const bytes = core.bytes
  for (let n = 0; n < 500; n++) loaded(pool, variant(n)).close()
  assert.is(core.bytes, bytes)
  first.close()
  assert.is(pool.size, 0)
})

many('EROFS images one after another need no new instance, 200 at once but one', () => {
  const pool = newPool()
  const plain = new Uint8Array(gunzipSync(readFileSync(fixture('erofs', 'plain.erofs.gz'))))
  const numbered = (n: number) => {
    const bytes = plain.slice()
    // Behind the last block that is read.
    new DataView(bytes.buffer).setUint32(bytes.length - 4, n)
    return bytes
  }
  const first = loaded(pool, numbered(0))
  const { core } = first.core
  first.close()
  for (let n = 1; n < 50; n++) {
    const image = loaded(pool, numbered(n))
    assert.is(image.core.core, core)
    image.close()
  }
  const all = Array.from({ length: 200 }, (_, n) => loaded(pool, numbered(n)))
  assert.is(pool.size, 200)
  assert.ok(all.every(image => image.core.core === core))
  for (const image of all) image.close()
})

many('an fs kept beyond its mount says ESTALE, whatever its memory holds by then', () => {
  const m = mountSync(variant(1))
  const { fs } = m
  const { layer } = m
  const file = layer.resolve('/awkward/inline/63', true)
  const opened = file instanceof Fault ? file : layer.open(file, true)
  if (opened instanceof Fault) throw new Error(opened.code)
  m.unmount()
  const other = mountSync(variant(2))
  const calls = [
    () => fs.readFileSync('/awkward/inline/63'),
    () => fs.readdirSync('/awkward'),
    () => fs.statSync('/'),
    () => fs.readlinkSync('/awkward/links/relative'),
    () => fs.listxattrSync('/awkward/xattrs/x1'),
  ]
  for (const call of calls) assert.throws(call, (error: { code: string }) => error.code === 'ESTALE')
  assert.is((opened.readAll(true) as Fault).code, 'ESTALE')
  assert.is(other.fs.readFileSync('/awkward/inline/63', 'utf8').slice(0, 6), '000002')
  other.unmount()
})

many('a digest that the image has mounts it, another refuses it and names both', () => {
  const image = openImageSync(fixture('small.cfs'))
  const digest = image.digest()
  mountSync(fixture('small.cfs'), { digest: digest.toUpperCase() }).unmount()
  const other = digest.replace(/^./, c => (c === '0' ? '1' : '0'))
  for (const source of [fixture('small.cfs'), small(), image]) {
    try {
      mountSync(source, { digest: other })
      assert.unreachable('mounted an image with another digest')
    } catch (error) {
      const { code, cause } = error as { code: string; cause: { expected: string; actual: string } }
      assert.is(code, 'EIO')
      assert.is(cause.expected, other)
      assert.is(cause.actual, digest)
    }
  }
  assert.throws(() => mountSync(image, { digest: 'xyz' }), /EINVAL/)
  image.close()
})

many('a refused option leaves no file open', () => {
  const open = () => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0)
  const before = open()
  for (let i = 0; i < 5; i++) assert.throws(() => mountSync(fixture('small.cfs'), { digest: 'xyz' }), /EINVAL/)
  assert.is(open(), before)
})

many.run()
