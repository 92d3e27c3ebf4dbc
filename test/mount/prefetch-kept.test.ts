// prefetch where something is kept already: lazy images keep pages, caches keep objects. Afterwards nothing is missed, or it
// is ENOSPC.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { buildImage, MemoryStore, type Mount, mount, mountSync, TreeBuilder } from '../../src/node.js'
import { CachedStore } from '../../src/store/cached.js'
import { treeName } from '../../src/store/object-name.js'
import { bytesSource } from '../helpers/byte-sources.js'
import { muchNoise } from '../helpers/hashes.js'
import { fixture } from '../helpers/paths.js'
import { sha256 } from '../helpers/store-hash.js'
import { ProbeStore } from '../helpers/store-probe.js'

const test = suite('prefetch, kept')

function lazily(image: Uint8Array, cacheBytes?: number): Promise<Mount> {
  return mount(bytesSource(image), { lazy: true, verity: 'off', cacheBytes })
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run()
    return 'no error'
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** All that synchronous calls show of a tree, as text; of names that are not UTF-8 it is that they can't be asked for as text. */
function walk(m: Mount, path = '/', out: string[] = []): string[] {
  for (const name of m.fs.readdirSync(path) as string[]) {
    const at = path === '/' ? `/${name}` : `${path}/${name}`
    const stats = m.fs.lstatSync(at, { throwIfNoEntry: false })
    out.push(`${at} ${stats?.mode} ${stats?.size} ${stats?.mtimeMs}`)
    if (stats?.isDirectory()) walk(m, at, out)
    else if (stats?.isSymbolicLink()) out.push(String(m.fs.readlinkSync(at)))
    else if (stats?.isFile()) out.push(Buffer.from(m.fs.readFileSync(at) as Uint8Array).toString('base64'))
  }
  return out
}

// The last two have a file that is longer than what is read through pages otherwise.
for (const name of ['consumers.erofs.gz', 'erofs/plain.erofs.gz', 'erofs/chunk-map.erofs.gz']) {
  test(`a lazy image: the whole tree, then synchronously as from a resident one: ${name}`, async () => {
    const image = new Uint8Array(gunzipSync(readFileSync(fixture(name))))
    const resident = mountSync(image)
    const m = await lazily(image)
    assert.is(await codeOf(() => walk(m)), 'EAGAIN')
    await m.prefetch('/', { recursive: true })
    assert.equal(walk(m), walk(resident))
    m.unmount()
    resident.unmount()
  })
}

const names = Array.from({ length: 9000 }, (_, i) => `${'a long name '.repeat(15)}${i}`)
const builder = new TreeBuilder()
builder.addDirectory('/many')
for (const [i, name] of names.entries()) builder.addFile(`/many/${name}`, `content ${i}`)
const { image: many } = await buildImage(builder, {})

test('a lazy image that has more than fits: what is asked for is there, or it is ENOSPC', async () => {
  assert.ok(many.length > 3 * 2 ** 19, `${many.length} bytes`)
  const m = await lazily(many, 2 ** 20)
  assert.is(await codeOf(() => m.prefetch('/', { recursive: true })), 'ENOSPC')
  const some = [5, 4000, 8999].map(i => `/many/${names[i]}`)
  await m.prefetch(some)
  for (const path of some) assert.is(m.fs.readFileSync(path, 'utf8'), `content ${names.indexOf(path.slice(6))}`)
  m.unmount()
  const wide = await lazily(many)
  await wide.prefetch('/many', { recursive: true })
  assert.is(walk(wide).length, 2 * names.length + 1)
  wide.unmount()
})

const LARGE = muchNoise(6 * 2 ** 20 + 77, 8)
const kept = new MemoryStore()
const small = new TreeBuilder()
small.addFile('/large', LARGE)
small.addFile('/small', 'small '.repeat(1000))
const { image: two } = await buildImage(small, { store: kept })

for (const trees of [false, true]) {
  test(`a cache over a store that can only be waited for${trees ? ', with trees' : ''}`, async () => {
    const slow = new ProbeStore()
    for await (const name of kept.list()) {
      const object = kept.openSync(name)
      const bytes = object.readSync?.(0, object.size) as Uint8Array
      slow.bytes.set(name, bytes)
      if (trees) slow.bytes.set(treeName(name), merkleTree(bytes, sha256))
    }
    const fast = new ProbeStore({ sync: true })
    const store = new CachedStore({ fast, slow, sha256, wholeBytes: 2 ** 20, segmentBytes: 2 ** 17 })
    const m = await mount(two, { store })
    assert.is(await codeOf(() => m.fs.readFileSync('/large')), 'EAGAIN')
    await m.prefetch(['/large', '/small'])
    const { length } = slow.reads
    assert.is(m.fs.readFileSync('/small', 'utf8'), 'small '.repeat(1000))
    const fd = m.fs.openSync('/large', 'r')
    const into = new Uint8Array(5000)
    m.fs.readSync(fd, into, 0, 5000, 3_333_333)
    assert.equal(into, LARGE.slice(3_333_333, 3_338_333))
    m.fs.closeSync(fd)
    assert.ok(Buffer.from(LARGE).equals(m.fs.readFileSync('/large') as Uint8Array))
    assert.is(slow.reads.length, length)
    m.unmount()
  })
}

test.run()
