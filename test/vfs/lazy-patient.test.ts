// A lazy image whose bytes can be read both ways: synchronous calls read at once, promises and callbacks wait and block nobody,
// on a mount of it, in a stack, and below a writable layer.
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Mount, mount, mountSync } from '../../src/node.js'
import { FarBytes } from '../helpers/paged.js'
import { fixture } from '../helpers/paths.js'

const BYTES = gunzipSync(readFileSync(fixture('bench-500.cfs.gz')))

/** Counts the two kinds of reads apart. */
class BothWays extends FarBytes {
  atOnce = 0

  readSync(offset: number, length: number): Uint8Array {
    this.atOnce++
    return new Uint8Array(BYTES.subarray(offset, offset + length))
  }
}

const patient = suite('lazy images that can be read at once')
const resident = mountSync(BYTES)
const paths = Array.from(resident.images[0].entries(), entry => entry.path)

async function each(mounts: (source: BothWays) => Promise<Mount>): Promise<void> {
  const source = new BothWays(BYTES)
  const m = await mounts(source)
  assert.is(source.atOnce, 0, 'opening')
  const lstat = promisify(m.fs.lstat) as unknown as (path: string) => Promise<{ size: number }>
  for (const [i, path] of paths.entries()) {
    const stats = i % 2 === 0 ? await lstat(path) : await m.fs.promises.lstat(path)
    assert.is(stats.size, resident.fs.lstatSync(path).size, path)
  }
  assert.is(source.atOnce, 0, 'promises and callbacks')
  assert.ok(source.reads.length > 3)
  m.images[0].pager?.clear()
  for (const path of paths) assert.is(m.fs.lstatSync(path).size, resident.fs.lstatSync(path).size, path)
  assert.ok(source.atOnce > 3, 'synchronous calls')
  m.unmount()
}

patient('a mount', () => each(source => mount(source, { lazy: true })))
patient('below a writable layer', () => each(source => mount(source, { lazy: true, writable: true })))
patient('in a stack, and a mount over that', () =>
  each(async source => mount(await mount([source, BYTES], { lazy: true }), { writable: true })),
)

patient.run()
