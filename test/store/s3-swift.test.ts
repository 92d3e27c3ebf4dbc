// S3Store on a distributed engine that exists: OpenStack Swift with its S3 front, two devices, two replicas.
import { AwsClient } from 'aws4fetch'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verityDigest } from '../../src/format/verity.js'
import { buildImage, mount } from '../../src/node.js'
import { S3Store } from '../../src/store/s3.js'
import type { S3Options } from '../../src/store/s3-options.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { skip } from '../helpers/paths.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { settle, value } from '../helpers/store-verified.js'
import { type Swift, startSwift } from '../helpers/swift.js'

const MIB = 2 ** 20
const BUCKET = 'objects'
const test = suite('S3Store on Swift')

async function* streamed(data: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(length)
  for (let at = 0; at < data.length; at += length) {
    const chunk = data.subarray(at, at + length)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
  }
}

async function messageOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

function tests(swift: Swift, client: AwsClient): void {
  let stores = 0
  const { endpoint, region, accessKeyId, secretAccessKey } = swift
  const given = { endpoint, region, accessKeyId, secretAccessKey }
  const storeAt = (prefix: string, options: Partial<S3Options> = {}) =>
    new S3Store(`s3://${BUCKET}/${prefix}`, { ...given, ...options })
  const uploads = async () => (await client.fetch(`${endpoint}/${BUCKET}?uploads`)).text()
  const same = async (store: S3Store, name: string, data: Uint8Array) => {
    const object = await store.open(name)
    assert.is(object.size, data.length, name)
    assert.ok(Buffer.from(data).equals(await object.read(0, data.length)), name)
    object.close()
  }

  storeContract(test, async () => storeAt(`contract ${stores++}`))

  test('a stream of 40 MB is put in parts, read by ranges and checked, and deleted', async () => {
    const data = noise(40_000_001)
    const store = storeAt('large')
    await store.put('ab/large', streamed(data, 1_000_003))
    assert.equal(await store.stat('ab/large'), { size: data.length })
    assert.not.match(await uploads(), '<Upload>')
    const object = await store.open('ab/large')
    for (const [offset, length] of [
      [0, 10],
      [8 * MIB - 5, 10],
      [39_999_990, 100],
      [5_000_000, 20_000_000],
    ]) {
      const wanted = Buffer.from(data.subarray(offset, offset + length))
      assert.ok(wanted.equals(await object.read(offset, length)), `${offset}+${length}`)
    }
    object.close()
    const objects = new VerifiedObjects(store, sha256)
    const file = value(await settle(() => objects.open('ab/large', { digest: verityDigest(data, sha256) }, true)))
    assert.ok(Buffer.from(data).equals(value(await settle(() => file.readAll(true)))))
    file.close()
    await store.replace('ab/large', data.subarray(0, 20_000_000))
    await same(store, 'ab/large', data.subarray(0, 20_000_000))
    await store.delete('ab/large')
    assert.is(await codeOf(() => store.open('ab/large')), 'ENOENT')
    // The parts lie in a bucket of their own.
    const parts = await (await client.fetch(`${endpoint}/${BUCKET}+segments?list-type=2`)).text()
    assert.not.match(parts, 'ab/large')
  })

  test('lists page by page, prefixes and names of any characters', async () => {
    const prefix = 'a b/+&=%/ünï/日本'
    const store = storeAt(prefix, { pageSize: 3 })
    const names = ['x', 'plus+plus', 'per%cent%2F', 'blank blank', "r=y'()*!~", 'é/日本', '\u{1f600}', '<&>', 'c\u0001']
    for (const name of names) await store.put(name, noise(7))
    await storeAt(`${prefix}2`).put('other', noise(1))
    const listed: string[] = []
    for await (const { name, size, modified } of store.entries()) {
      listed.push(name)
      assert.is(size, 7)
      assert.ok(Math.abs(modified - Date.now()) < 3_600_000)
    }
    assert.equal(listed.sort(), [...names].sort())
    for (const name of names) await same(store, name, noise(7))
  })

  test('says who is refused and what is not there', async () => {
    await storeAt('who').put('a', noise(1))
    for (const options of [{ secretAccessKey: 'wrong-secret' }, { accessKeyId: 'test:nobody' }]) {
      const store = storeAt('who', options)
      for (const run of [() => store.open('a'), () => store.stat('a'), () => store.list().next()]) {
        assert.is(await codeOf(run), 'EACCES')
        assert.not.match(await messageOf(run), /wrong-secret|testing/)
      }
      assert.is(await codeOf(() => store.put('b', noise(1))), 'EACCES')
    }
    assert.match(await messageOf(() => storeAt('who', { secretAccessKey: 'wrong' }).open('a')), 'SignatureDoesNotMatch')
    const unsigned = new S3Store({ endpoint, bucket: BUCKET, prefix: 'who', retries: 0 })
    // Without a signature Swift does not take it for a request to S3 at all.
    assert.match(await codeOf(() => unsigned.open('a')), /^(EACCES|ENOENT|EIO)$/)
    const nowhere = new S3Store('s3://nowhere/p', given)
    for (const run of [() => nowhere.open('a'), () => nowhere.put('a', noise(1)), () => nowhere.list().next()]) {
      assert.is(await codeOf(run), 'ENOENT')
      assert.match(await messageOf(run), 'no bucket nowhere')
    }
  })

  test('a put that is ended leaves neither object nor upload', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    const store = storeAt('aborted', { signal: controller.signal, partSize: 5 * MIB })
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; ; i++) {
        if (i === 30) {
          assert.match(await uploads(), '<Upload>')
          controller.abort(reason)
        }
        yield noise(MIB, i + 1)
      }
    }
    assert.is(await store.put('a', source()).catch(error => error), reason)
    assert.not.match(await uploads(), '<Upload>')
    assert.is(await codeOf(() => storeAt('aborted').stat('a')), 'ENOENT')
  })

  test('refuses bytes that change on the way', async () => {
    const flipping: typeof fetch = async (input, init) => {
      const request = new Request(input, init)
      if (request.method !== 'PUT') return fetch(request)
      const body = new Uint8Array(await request.arrayBuffer())
      body[0] ^= 1
      return fetch(request.url, { method: 'PUT', headers: request.headers, body })
    }
    const store = storeAt('flipped', { fetch: flipping, retries: 0 })
    assert.is(await codeOf(() => store.put('a', noise(1000))), 'EIO')
    assert.is(await codeOf(() => storeAt('flipped').stat('a')), 'ENOENT')
  })

  test('an image is built into a bucket and mounted from it', async () => {
    const variables = {
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    }
    Object.assign(process.env, variables)
    try {
      const { memfs } = await import('memfs')
      const { fs } = memfs({ '/large': 'x'.repeat(100_000), '/small': 'y' })
      const store = `s3://${BUCKET}/built`
      const { image } = (await buildImage({ fs: fs as never, path: '/' }, { store })) as { image: Uint8Array }
      const mounted = await mount(image, { store })
      assert.is(await mounted.fs.promises.readFile('/large', 'utf8'), 'x'.repeat(100_000))
      mounted.unmount()
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name]
    }
  })

  test('goes on while one device is away, whichever, and after it has come back', async () => {
    const store = storeAt('devices', { retries: 1 })
    const data = noise(9_000_000)
    await store.put('before', data)
    for (const device of [1, 2]) {
      await swift.stopDevice(device)
      await same(store, 'before', data)
      const meanwhile = `a${device}/${'b'.repeat(62)}`
      await store.put(meanwhile, data)
      await same(store, meanwhile, data)
      assert.is(await codeOf(() => store.stat('missing')), 'EIO', 'nobody can tell now')
      await swift.startDevice(device)
      await same(store, 'before', data)
      await same(store, meanwhile, data)
      assert.is(await codeOf(() => store.stat('missing')), 'ENOENT')
      await store.put(`after ${device}`, noise(9))
      await same(store, `after ${device}`, noise(9))
    }
    await swift.stop()
    assert.is(await codeOf(() => storeAt('devices', { retries: 1 }).open('before')), 'EIO')
  })
}

const swift = await startSwift()
if (typeof swift === 'string') skip(test, 'S3Store on Swift', swift)
else {
  const client = new AwsClient({ ...swift, service: 's3', retries: 0 })
  const { status } = await client.fetch(`${swift.endpoint}/${BUCKET}`, { method: 'PUT' })
  if (status !== 200) throw new Error(`no bucket: status ${status}`)
  tests(swift, client)
}

test.run()
