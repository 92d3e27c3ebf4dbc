// Lazy images on a real web server: requests and bytes by its own log, all that is answered the same as from the image in
// memory, and nothing believed that the digest does not seal.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../src/host/hash.js'
import {
  buildImage,
  MemoryStore,
  type Mount,
  merkleTree,
  mount,
  mountSync,
  type OpenOptions,
  openImage,
} from '../../src/node.js'
import { type LogEntry, startNginx } from '../helpers/nginx.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const lazy = suite('lazy images over HTTP')

const directory = mkdtempSync(join(tmpdir(), 'composefs-lazy-http-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const at = (name: string) => join(directory, name)

/** An image with its tree beside it; its digest. */
function serve(name: string, bytes: Uint8Array): string {
  writeFileSync(at(name), bytes)
  writeFileSync(at(`${name}.verity`), merkleTree(bytes, sha256))
  const known = mountSync(at(name))
  const digest = known.images[0].digest()
  known.unmount()
  return digest
}

type Promises = Mount['fs']['promises']

/** Every entry with what lstat says of it. */
async function walked(fs: Promises, dir = '', into: string[] = []): Promise<string[]> {
  for (const name of (await fs.readdir(dir === '' ? '/' : dir)) as string[]) {
    const path = `${dir}/${name}`
    const stats = await fs.lstat(path)
    into.push(
      `${path} ${stats.mode} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.uid}:${stats.gid} ${stats.nlink}`,
    )
    if (stats.isDirectory()) await walked(fs, path, into)
  }
  return into
}

async function listing(fs: Promises): Promise<void> {
  for (const name of (await fs.readdir('/')) as string[]) await fs.lstat(`/${name}`)
}

const sum = (entries: readonly LogEntry[]) => entries.reduce((all, entry) => all + entry.bytes, 0)
const codeOf = (error: unknown) => (error as { code?: string }).code

async function rejection(run: () => Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await run()
  } catch (error) {
    return error as Error
  }
  return assert.unreachable('it resolved') as never
}

const server = await startNginx({ root: directory })
if (server === undefined) skip(lazy, 'lazy images from nginx', 'there is no nginx')
else {
  const { url } = server
  const own = gunzipSync(readFileSync(fixture('bench-500.cfs.gz')))
  const ownDigest = serve('own.cfs', own)
  const opened = (name: string, options: OpenOptions = {}) => mount(`${url}/${name}`, { lazy: true, ...options })

  if (SHARED === undefined) skip(lazy, 'cs9-developer', 'no shared vectors beside this checkout')
  else {
    const developer = gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.cfs.gz')))
    const digest = serve('developer.cfs', developer)

    lazy('listing / of cs9-developer with stats takes 3 requests and 64 KiB at most', async () => {
      await server.log()
      const m = await opened('developer.cfs')
      await listing(m.fs.promises)
      const entries = await server.log()
      assert.ok(entries.length <= 3, `${entries.length} requests`)
      assert.ok(sum(entries) <= 64 * 1024, `${sum(entries)} bytes`)
      m.unmount()
    })

    lazy('checked by its tree it takes two requests more at most, for hashes, and still 64 KiB', async () => {
      await server.log()
      const m = await opened('developer.cfs', { digest })
      await listing(m.fs.promises)
      const entries = await server.log()
      const ofTree = entries.filter(entry => entry.path.endsWith('.verity'))
      assert.ok(ofTree.length > 0 && ofTree.length <= 2, `${ofTree.length} for the tree`)
      assert.ok(entries.length <= 4, `${entries.length} requests`)
      assert.ok(sum(entries) <= 64 * 1024, `${sum(entries)} bytes`)
      assert.is(m.images[0].digest(), digest)
      m.unmount()
    })

    lazy('a deep path costs a few blocks a level, a walk the image once', async () => {
      const m = await opened('developer.cfs', { digest })
      const resident = mountSync(at('developer.cfs'))
      await server.log()
      const path = '/usr/lib/python3.9/site-packages'
      assert.equal((await m.fs.promises.lstat(path)).ino, resident.fs.lstatSync(path).ino)
      const deep = await server.log()
      assert.ok(deep.length <= 12 && sum(deep) <= 256 * 1024, `${deep.length} requests, ${sum(deep)} bytes`)
      assert.equal(await walked(m.fs.promises), await walked(resident.fs.promises))
      const walk = await server.log()
      assert.ok(walk.length <= 100, `${walk.length} requests`)
      assert.ok(sum(walk) <= developer.length * 1.1, `${sum(walk)} bytes`)
      m.unmount()
      resident.unmount()
    })
  }

  lazy('answers are those of the image in memory, with the smallest cache too', async () => {
    const resident = mountSync(at('own.cfs'))
    const expected = await walked(resident.fs.promises)
    for (const options of [{}, { digest: ownDigest }, { cacheBytes: 0 }]) {
      const m = await opened('own.cfs', options)
      assert.equal(await walked(m.fs.promises), expected)
      m.unmount()
    }
    resident.unmount()
  })

  lazy('without a tree the image is fetched whole and checked; off asks for no tree', async () => {
    copyFileSync(at('own.cfs'), at('treeless.cfs'))
    await server.log()
    const whole = await opened('treeless.cfs', { digest: ownDigest })
    assert.not.ok(whole.images[0].lazy)
    assert.is(whole.images[0].digest(), ownDigest)
    whole.unmount()
    const entries = await server.log()
    assert.ok(sum(entries) >= own.length)
    const off = await opened('treeless.cfs', { digest: ownDigest, verity: 'off' })
    assert.ok(off.images[0].lazy)
    assert.not.ok((await server.log()).some(entry => entry.path.endsWith('.verity')))
    off.unmount()
    const bad = new Uint8Array(own)
    bad[bad.length - 1] ^= 1
    writeFileSync(at('treeless.cfs'), bad)
    assert.is(codeOf(await rejection(() => opened('treeless.cfs', { digest: ownDigest }))), 'EIO')
  })

  lazy('a tree can stand elsewhere, and has to be there then', async () => {
    copyFileSync(at('own.cfs'), at('apart.cfs'))
    copyFileSync(at('own.cfs.verity'), at('hashes'))
    for (const merkleTree of [`${url}/hashes`, new URL(`${url}/hashes`), readFileSync(at('hashes'))]) {
      const m = await opened('apart.cfs', { digest: ownDigest, merkleTree })
      assert.ok(m.images[0].lazy)
      await listing(m.fs.promises)
      m.unmount()
    }
    const missing = await rejection(() => opened('apart.cfs', { digest: ownDigest, merkleTree: `${url}/none` }))
    assert.is(missing.code, 'ENOENT')
  })

  lazy('wrong bytes are the EIO of what stands in them, and of nothing else', async () => {
    const bad = new Uint8Array(own)
    // The last page holds something far from the root.
    const page = Math.floor((own.length - 1) / 4096)
    bad[page * 4096 + 7] ^= 0x40
    writeFileSync(at('bad.cfs'), bad)
    copyFileSync(at('own.cfs.verity'), at('bad.cfs.verity'))
    const m = await opened('bad.cfs', { digest: ownDigest })
    const resident = mountSync(at('own.cfs'))
    let wrong = 0
    for (const { path } of resident.images[0].entries()) {
      try {
        assert.is((await m.fs.promises.lstat(path)).ino, resident.fs.lstatSync(path).ino)
        if (resident.fs.lstatSync(path).isDirectory()) {
          assert.equal(await m.fs.promises.readdir(path), resident.fs.readdirSync(path))
        }
      } catch (error) {
        assert.is(codeOf(error), 'EIO', path)
        assert.match(String((error as Error).message), /data block/)
        wrong++
      }
    }
    assert.ok(wrong > 0)
    m.unmount()
    resident.unmount()
  })

  lazy('a tree that is not that of the digest, or a wrong digest, opens nothing', async () => {
    copyFileSync(at('own.cfs'), at('other.cfs'))
    const tree = readFileSync(at('own.cfs.verity'))
    tree[5] ^= 1
    writeFileSync(at('other.cfs.verity'), tree)
    assert.is(codeOf(await rejection(() => opened('other.cfs', { digest: ownDigest }))), 'EIO')
    writeFileSync(at('other.cfs.verity'), tree.subarray(0, 4096))
    assert.is(codeOf(await rejection(() => opened('other.cfs', { digest: ownDigest }))), 'EIO')
    assert.is(codeOf(await rejection(() => opened('own.cfs', { digest: '00'.repeat(32) }))), 'EIO')
    assert.is(codeOf(await rejection(() => opened('own.cfs', { digest: 'beef' }))), 'EINVAL')
    assert.is(codeOf(await rejection(() => opened('nothing.cfs', {}))), 'ENOENT')
  })

  lazy('an image that is replaced meanwhile is ESTALE', async () => {
    writeFileSync(at('replaced.cfs'), own)
    const m = await opened('replaced.cfs')
    const other = new Uint8Array(own)
    other[other.length - 1] ^= 1
    writeFileSync(at('replaced.cfs'), other)
    const { mtimeMs } = statSync(at('replaced.cfs'))
    utimesSync(at('replaced.cfs'), mtimeMs / 1000 + 10, mtimeMs / 1000 + 10)
    const error = await rejection(() => walked(m.fs.promises))
    assert.is(error.code, 'ESTALE')
    m.unmount()
  })

  lazy('a writable mount, a stack and a store on the server work over it', async () => {
    const store = new MemoryStore()
    const builder = await buildImage({ dump: readFileSync(fixture('small.dump')) }, { store })
    serve('small.cfs', builder.image)
    const resident = mountSync([builder.image, own])
    const m = await mount([`${url}/small.cfs`, `${url}/own.cfs`], { lazy: true, writable: true })
    assert.ok(m.images.every(image => image.lazy))
    assert.equal(await m.fs.promises.readdir('/'), resident.fs.readdirSync('/'))
    await m.fs.promises.writeFile('/new', 'text')
    await m.fs.promises.mkdir('/made')
    assert.is(String(await m.fs.promises.readFile('/new')), 'text')
    assert.equal(
      m.changes().map(change => change.path),
      ['/made', '/new'],
    )
    m.unmount()
    resident.unmount()
  })

  lazy('what is asked of a synchronous face is EAGAIN, which names both ways out', async () => {
    const m = await opened('own.cfs')
    let path = '/'
    const resident = mountSync(at('own.cfs'))
    for (const entry of resident.images[0].entries())
      if (entry.path.split('/').length > path.split('/').length) path = entry.path
    resident.unmount()
    try {
      m.fs.lstatSync(path)
      assert.unreachable()
    } catch (error) {
      assert.is(codeOf(error), 'EAGAIN')
      assert.match((error as Error).message, /prefetch\(/)
      assert.match((error as Error).message, /promises/)
    }
    await m.prefetch(path)
    assert.ok(m.fs.lstatSync(path))
    m.unmount()
  })

  lazy('openImage takes an object that a store has opened', async () => {
    const { HttpStore } = await import('../../src/node.js')
    const image = await openImage(await new HttpStore(url).open('own.cfs'), { lazy: true })
    assert.ok(image.lazy)
    assert.is(image.byteLength, own.length)
    image.close()
  })

  process.on('beforeExit', () => server.stop())
}

lazy.run()
