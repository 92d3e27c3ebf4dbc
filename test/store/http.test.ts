import { mkdtempSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mount, openImage, openImageSync } from '../../src/node.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { HttpStore, type HttpStoreOptions } from '../../src/store/http.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { NO_NGINX, startNginx } from '../helpers/nginx.js'
import { fixture, skip } from '../helpers/paths.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'
import { readTruth } from '../helpers/truth.js'

const test = suite('HttpStore over nginx')

async function failure(run: () => unknown): Promise<Error & { code: string }> {
  try {
    await run()
  } catch (error) {
    return error as Error & { code: string }
  }
  throw new Error('no error')
}
const top = mkdtempSync(join(tmpdir(), 'http-store-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))
const nginx = await startNginx({
  root: top,
  more: `
    location /no-head/ { if ($request_method = HEAD) { return 403; } }
    location /forbidden/ { return 403; }
    location /gone/ { return 410; }
    location /broken/ { return 500; }
    location /moved/ { rewrite ^/moved/(.*)$ /there/$1 redirect; }
    location /secret/ { if ($http_authorization = "") { return 401; } if ($arg_token = "") { return 401; } }
    location /packed/ { gzip on; gzip_types *; gzip_min_length 1; }
    location /weak/ { add_header ETag 'W/"1"'; etag off; }`,
})

if (nginx === undefined) {
  skip(test, 'HttpStore over nginx', NO_NGINX)
} else {
  let count = 0
  const served = new WeakMap<ObjectStore, DirectoryStore>()
  const make = async (query = '') => {
    const name = String(count++)
    const store = new HttpStore(`${nginx.url}/${name}/${query}`)
    served.set(store, new DirectoryStore(join(top, name)))
    return store
  }
  const put = async (store: ObjectStore, name: string, data: Uint8Array) => served.get(store)?.put(name, data)

  storeContract(test, () => make(), { put, below: 'ENOENT' })

  test('a small object costs one request, and a large one its ranges', async () => {
    const store = await make()
    await put(store, 'small', noise(40_000))
    await put(store, 'large', noise(1_000_000))
    await nginx.log()
    const small = await store.open('small')
    assert.ok(Buffer.from(noise(40_000)).equals(await small.read(0, 40_000)))
    assert.ok(Buffer.from(noise(40_000).subarray(100, 200)).equals(await small.read(100, 100)))
    small.close()
    const one = await nginx.log()
    assert.equal(
      one.map(({ status, range, bodyBytes }) => [status, range, bodyBytes]),
      [[206, 'bytes=0-65535', 40_000]],
    )
    const large = await store.open('large')
    const whole = noise(1_000_000)
    for (const [offset, length] of [
      [0, 1000],
      [60_000, 10_000],
      [999_999, 50],
      [500_000, 4096],
    ]) {
      const wanted = Buffer.from(whole.subarray(offset, offset + length))
      assert.ok(wanted.equals(await large.read(offset, length)), `${offset}+${length}`)
    }
    large.close()
    const parts = await nginx.log()
    assert.equal(
      parts.map(({ range, bodyBytes }) => [range, bodyBytes]),
      [
        ['bytes=0-65535', 65_536],
        ['bytes=65536-69999', 4464],
        ['bytes=999999-999999', 1],
        ['bytes=500000-504095', 4096],
      ],
    )
    assert.ok(
      parts.slice(1).every(({ ifRange }) => ifRange.startsWith('"')),
      'If-Range',
    )
    const bytes = parts.reduce((sum, entry) => sum + entry.bytes, 0)
    assert.ok(bytes < 65_536 + 4464 + 1 + 4096 + 4 * 1000, `${bytes} bytes sent`)
  })

  /** A store whose objects are in a directory of that name. */
  const named = (name: string, options: HttpStoreOptions = {}) => {
    const store = new HttpStore(`${nginx.url}/${name}`, options)
    served.set(store, new DirectoryStore(join(top, name)))
    return store
  }
  const whole = async (store: ObjectStore, name: string) => {
    const object = await store.open(name)
    const bytes = await object.read(0, object.size)
    object.close()
    return Buffer.from(bytes)
  }

  test('names that a URL has other ideas about', async () => {
    const store = await make()
    const names = [
      'a b',
      'a%20b',
      'x?y=1',
      'x#y',
      'é/ü',
      'a+b',
      '..a',
      '%2e%2e/x',
      "it's",
      'a&b;c',
      'a\\b',
      ':',
      '[x]',
      '~',
    ]
    for (const [i, name] of names.entries()) await put(store, name, noise(10 + i))
    for (const [i, name] of names.entries()) {
      assert.ok((await whole(store, name)).equals(noise(10 + i)), name)
      assert.equal(await store.stat(name), { size: 10 + i }, name)
    }
  })

  test('userinfo and query go with each request, and are shown nowhere', async () => {
    const url = `http://user:SECRETPASS@${nginx.url.slice(7)}/secret/x/?token=SECRETTOKEN`
    const store = new HttpStore(url)
    served.set(store, new DirectoryStore(join(top, 'secret/x')))
    assert.is(store.label, `${nginx.url}/secret/x/`)
    await put(store, 'ab/object', noise(100_000))
    await nginx.log()
    assert.ok((await whole(store, 'ab/object')).equals(noise(100_000)))
    assert.equal(await store.stat('ab/object'), { size: 100_000 })
    const asked = await nginx.log()
    assert.equal(
      asked.map(({ method, path, authorization }) => [method, path, authorization]),
      ['GET', 'GET', 'HEAD'].map(method => [
        method,
        '/secret/x/ab/object?token=SECRETTOKEN',
        `Basic ${btoa('user:SECRETPASS')}`,
      ]),
    )
    const error = await store.open('none').catch(error => error)
    assert.is(error.message, `ENOENT: ${nginx.url}/secret/x/none: HTTP status 404`)
    assert.not.match(inspect(error, { depth: 10, showHidden: true }), /SECRET/)
    assert.not.match(inspect(store, { depth: 10, showHidden: true }), /SECRET/)
    assert.is(await codeOf(() => new HttpStore(`${nginx.url}/secret/x/`).open('ab/object')), 'EACCES')
  })

  test('statuses have codes', async () => {
    const quick = { retries: 0 }
    for (const [name, code] of [
      ['forbidden', 'EACCES'],
      ['gone', 'ENOENT'],
      ['broken', 'EIO'],
    ]) {
      assert.is(await codeOf(() => named(name, quick).open('x')), code, name)
      assert.is(await codeOf(() => named(name, quick).stat('x')), code, name)
    }
    for (const url of ['ftp://host/x', '/a/directory', 'file:///x']) {
      assert.is(await codeOf(() => new HttpStore(url)), 'EINVAL', url)
    }
  })

  test('a server that refuses HEAD is asked by GET', async () => {
    const store = named('no-head')
    await put(store, 'x', noise(5000))
    await nginx.log()
    assert.equal(await store.stat('x'), { size: 5000 })
    assert.equal(
      (await nginx.log()).map(({ method, status, bodyBytes }) => [method, status, method === 'GET' ? bodyBytes : 0]),
      [
        ['HEAD', 403, 0],
        ['GET', 206, 1],
      ],
    )
  })

  test('objects that have moved, that could be packed, or whose ETag is weak', async () => {
    const there = named('there')
    await put(there, 'x', noise(100_000))
    assert.ok((await whole(named('moved'), 'x')).equals(noise(100_000)))
    for (const name of ['packed', 'weak']) {
      await put(named(name), 'x', new Uint8Array(100_000).fill(65))
      assert.equal(await named(name).stat('x'), { size: 100_000 }, name)
      assert.ok((await whole(named(name), 'x')).equals(Buffer.alloc(100_000, 65)), name)
    }
  })

  test('an object that is replaced while it is open is ESTALE', async () => {
    const store = named('replaced')
    await put(store, 'x', noise(200_000))
    const object = await store.open('x')
    assert.ok(Buffer.from(noise(200_000).subarray(0, 100_000)).equals(await object.read(0, 100_000)))
    writeFileSync(join(top, 'replaced/x'), noise(200_000, 2))
    utimesSync(join(top, 'replaced/x'), 1e9, 1e9)
    assert.is(await codeOf(() => object.read(100_000, 100_000)), 'ESTALE')
    rmSync(join(top, 'replaced/x'))
    assert.is(await codeOf(() => object.read(100_000, 100_000)), 'ENOENT')
    object.close()
  })

  test('many reads come by few connections', async () => {
    const store = await make()
    const object = noise(1_000_000)
    await put(store, 'x', object)
    const source = await store.open('x')
    await nginx.log()
    for (let i = 0; i < 40; i++) {
      const at = 100_000 + i * 20_000
      assert.ok(Buffer.from(object.subarray(at, at + 5000)).equals(await source.read(at, 5000)))
    }
    const log = await nginx.log()
    assert.is(log.length, 40)
    assert.is(new Set(log.map(({ id }) => id)).size, 40)
    // Node's fetch opens a second one when it is asked again in the very moment that an answer ends.
    assert.ok(new Set(log.map(({ connection }) => connection)).size <= 2)
    source.close()
  })

  test('an image and a store by URL', async () => {
    const small = readFileSync(fixture('small.cfs'))
    writeFileSync(join(top, 'small.cfs'), small)
    symlinkSync(fixture('objects'), join(top, 'objects'))
    const local = await mount(fixture('small.cfs'), { store: fixture('objects') })
    const truth = readTruth(fixture('small.truth.jsonl.gz')).filter(
      ({ path, sha256 }) => sha256 !== undefined && !path.includes('\\'),
    )
    await nginx.log()
    const m = await mount(`${nginx.url}/small.cfs?t=SECRET`, {
      store: `${nginx.url}/objects?t=SECRET`,
      digest: local.images[0].digest(),
    })
    assert.equal(
      (await nginx.log()).map(({ path, bodyBytes }) => [path, bodyBytes]),
      [['/small.cfs?t=SECRET', small.length]],
    )
    for (const { path } of truth) {
      const wanted = local.fs.readFileSync(path) as Buffer
      assert.ok(wanted.equals((await m.fs.promises.readFile(path)) as Buffer), path)
    }
    const log = await nginx.log()
    assert.ok(log.length > 0 && log.every(({ path }) => path.startsWith('/objects/') && path.endsWith('?t=SECRET')))
    m.unmount()
    local.unmount()
    writeFileSync(join(top, 'bad.cfs'), noise(3000))
    for (const [name, code] of [
      ['bad.cfs', await codeOf(() => openImage(noise(3000)))],
      ['none.cfs', 'ENOENT'],
    ]) {
      const error = await openImage(`${nginx.url}/${name}?t=SECRET`).catch(error => error)
      assert.is(error.code, code)
      assert.not.match(inspect(error, { depth: 10, showHidden: true }), /SECRET/)
    }
    const error = await failure(() => openImageSync(`http://u:SECRET@host/x?t=SECRET`))
    assert.is(error.code, 'EAGAIN')
    assert.not.match(inspect(error, { depth: 10, showHidden: true }), /SECRET/)
  })

  test('on a long line each read is a round trip, and no more', async () => {
    const far = await startNginx({ root: top, latency: 60 })
    assert.ok(far !== undefined)
    await put(named('far'), 'x', noise(300_000))
    const store = new HttpStore(`${far.url}/far`)
    const started = performance.now()
    const object = await store.open('x')
    await object.read(0, 60_000)
    await object.read(100_000, 100_000)
    await object.read(200_000, 100_000)
    const took = performance.now() - started
    assert.is((await far.log()).length, 3)
    // One for each, and one for a connection: at least, whatever the machine does.
    assert.ok(took >= 4 * 60 * 0.9, `${took} ms`)
    object.close()
    await far.stop()
  })

  test('and nginx goes away', async () => {
    await nginx.stop()
    assert.is(await codeOf(() => new HttpStore(nginx.url, { retries: 0 }).open('x')), 'EIO')
  })
}

test.run()
