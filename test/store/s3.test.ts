// S3Store over a small service of our own: the contract, where a bucket is, who asks, and what the service says.
import { setTimeout as sleep } from 'node:timers/promises'
import { AwsClient } from 'aws4fetch'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verityDigest } from '../../src/format/verity.js'
import { S3Store } from '../../src/store/s3.js'
import { parseS3Source, type S3Options, S3Place, s3OptionsFromEnv } from '../../src/store/s3-options.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { errorXml, type Mishap, type S3Server, startS3 } from '../helpers/s3-server.js'
import { codeOf, storeContract } from '../helpers/store-contract.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { settle, value } from '../helpers/store-verified.js'

const server = await startS3()
const made = { count: 0 }

function storeOn(on: S3Server, options: Partial<S3Options> = {}, prefix = `p${made.count++}`): S3Store {
  const { endpoint, region, accessKeyId, secretAccessKey, sessionToken } = on
  const given = { endpoint, region, accessKeyId, secretAccessKey, sessionToken, retries: 2 }
  return new S3Store(`s3://${on.bucket}/${prefix}`, { ...given, ...options })
}

async function messageOf(run: () => unknown): Promise<string> {
  try {
    await run()
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

const test = suite('S3Store')

storeContract(test, async () => storeOn(server))

test('keys of any characters are signed and stored as they are', async () => {
  const prefix = "a b/+&=?#%/ünï/日本/'()*!~@:;,$"
  const store = new S3Store({ ...server, prefix })
  const names = ['x', 'plus+plus', 'per%cent%2F', 'blank blank', "q?u#e&r=y'()*!~", 'é/日本', '\u{1f600}', '.hidden']
  for (const name of names) await store.put(name, noise(7))
  for (const name of names) {
    assert.ok(server.objects.has(`${prefix}/${name}`), name)
    const object = await store.open(name)
    assert.ok(Buffer.from(noise(7)).equals(await object.read(0, 7)), name)
  }
  const listed: string[] = []
  for await (const name of store.list()) listed.push(name)
  assert.equal(listed.sort(), [...names].sort())
  for (const name of names) await store.delete(name)
  assert.equal(
    [...server.objects.keys()].filter(key => key.startsWith(prefix)),
    [],
  )
})

test('a small object costs one request, a larger one its ranges', async () => {
  const store = storeOn(server)
  await store.put('small', noise(60_000))
  await store.put('large', noise(300_000))
  server.calls.length = 0
  const small = await store.open('small')
  await small.read(0, 60_000)
  assert.is(server.calls.length, 1)
  const large = await store.open('large')
  assert.ok(Buffer.from(noise(300_000).subarray(100_000, 100_010)).equals(await large.read(100_000, 10)))
  assert.is(server.calls.length, 3)
  assert.is(server.calls[2].headers.range, 'bytes=100000-100009')
})

test('an object that is replaced while it is read is ESTALE', async () => {
  const store = storeOn(server, {}, 'stale')
  await store.put('a', noise(300_000))
  const object = await store.open('a')
  server.objects.set('stale/a', { data: Buffer.from(noise(300_000, 2)), etag: '"other"', modified: new Date() })
  assert.is(await codeOf(() => object.read(200_000, 10)), 'ESTALE')
})

test('is read by VerifiedObjects', async () => {
  const store = storeOn(server)
  const data = noise(3_000_000)
  await store.put('ab/cd', data)
  const objects = new VerifiedObjects(store, sha256)
  const file = value(await settle(() => objects.open('ab/cd', { digest: verityDigest(data, sha256) }, true)))
  assert.ok(Buffer.from(data).equals(value(await settle(() => file.readAll(true)))))
  file.close()
})

test('who asks: keys, session tokens, nobody, presigned URLs', async () => {
  const own = await startS3({ sessionToken: 'token/of=session' })
  await storeOn(own, {}, 'p').put('a', noise(5))
  const { accessKeyId, secretAccessKey, region, endpoint, bucket } = own
  const nobody = { endpoint, bucket, prefix: 'p', retries: 0 }
  for (const [options, why] of [
    [{ ...own, secretAccessKey: 'wrong-secret-key' }, 'SignatureDoesNotMatch'],
    [{ ...own, accessKeyId: 'AKIDWRONG' }, 'InvalidAccessKeyId'],
    [{ ...own, sessionToken: undefined }, 'InvalidToken'],
    [{ ...own, region: 'other-1' }, 'SignatureDoesNotMatch'],
    [nobody, 'AccessDenied'],
  ] as const) {
    const store = new S3Store({ ...options, prefix: 'p', fetch: undefined })
    for (const run of [() => store.open('a'), () => store.stat('a'), () => store.put('b', noise(1))]) {
      assert.is(await codeOf(run), 'EACCES', why)
      assert.match(await messageOf(run), why)
    }
    assert.match(await messageOf(() => store.list().next()), why)
  }
  own.isPublic = true
  assert.equal(await new S3Store(nobody).stat('a'), { size: 5 })
  own.isPublic = false
  const client = new AwsClient({ ...own, service: 's3' })
  const presigned = new S3Store({
    ...nobody,
    presign: async (method, key) => {
      const url = `${endpoint}/${bucket}/${key}`
      return (await client.sign(url, { method, aws: { signQuery: true } })).url
    },
  })
  await presigned.put('sub/c', noise(70_000))
  const object = await presigned.open('sub/c')
  assert.ok(Buffer.from(noise(70_000)).equals(await object.read(0, 70_000)))
  assert.is(await codeOf(() => presigned.list().next()), 'ENOTSUP')
  await presigned.delete('sub/c')
  assert.is(await codeOf(() => presigned.stat('sub/c')), 'ENOENT')
  assert.equal([accessKeyId, secretAccessKey, region], [own.accessKeyId, own.secretAccessKey, own.region])
  own.close()
})

test('a wrong clock is EACCES, and said', async () => {
  const own = await startS3()
  own.ahead = 3_600_000
  const run = () => storeOn(own).open('a')
  assert.is(await codeOf(run), 'EACCES')
  assert.match(await messageOf(run), 'clock')
  own.close()
})

test('what the service says has an errno', async () => {
  const own = await startS3()
  const store = storeOn(own, { retries: 0 })
  for (const [status, body, code, why] of [
    [404, errorXml('NoSuchBucket'), 'ENOENT', 'no bucket bucket'],
    [403, errorXml('AccessDenied'), 'EACCES', 'AccessDenied'],
    [400, errorXml('ExpiredToken'), 'EACCES', 'expired'],
    [403, errorXml('QuotaExceeded'), 'ENOSPC', 'QuotaExceeded'],
    [507, '', 'ENOSPC', '507'],
    [400, errorXml('EntityTooLarge'), 'EFBIG', 'EntityTooLarge'],
    [400, errorXml('KeyTooLongError'), 'ENAMETOOLONG', 'KeyTooLong'],
    [501, errorXml('NotImplemented'), 'ENOTSUP', 'NotImplemented'],
    [503, errorXml('SlowDown'), 'EIO', 'SlowDown'],
    [400, errorXml('AuthorizationHeaderMalformed', '<Region>eu-central-1</Region>'), 'EINVAL', 'eu-central-1'],
    [301, errorXml('PermanentRedirect'), 'EINVAL', 'another region'],
    [400, errorXml('SomethingNew'), 'EIO', 'SomethingNew'],
    [418, '<html>', 'EIO', '418'],
    [418, errorXml('secret text of the server'), 'EIO', '418'],
  ] as const) {
    own.mishap = call => (call.method === 'PUT' ? { status, body } : undefined)
    const run = () => store.put('a', noise(1))
    assert.is(await codeOf(run), code, why)
    assert.match(await messageOf(run), why)
  }
  own.mishap = () => ({ status: 404, body: errorXml('NoSuchBucket') })
  assert.match(await messageOf(() => store.open('a')), 'no bucket bucket')
  assert.is(await codeOf(() => store.delete('a')), 'ENOENT')
  own.close()
})

test('waits and asks again where that may help', async () => {
  const own = await startS3()
  const mishaps: Mishap[] = [{ status: 503, body: errorXml('SlowDown') }, 'cut']
  own.mishap = call => (call.method === 'HEAD' ? undefined : mishaps.pop())
  const store = storeOn(own)
  await store.put('a', noise(9))
  assert.equal(mishaps, [])
  mishaps.push({ status: 500, body: errorXml('InternalError') }, { status: 200, body: 'no list' })
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  assert.equal(names, ['a'])
  const signatures = own.calls.filter(call => call.method === 'PUT').map(call => call.headers['x-amz-date'])
  assert.is(signatures.length, 3, 'each try was signed')
  own.close()
})

test('a service that says nothing is ETIMEDOUT', async () => {
  const own = await startS3()
  own.mishap = () => 'stall'
  assert.is(await codeOf(() => storeOn(own, { timeout: 100, retries: 1 }).stat('a')), 'ETIMEDOUT')
  own.close()
})

test('no more requests go on at once than said, whatever they are', async () => {
  let now = 0
  let most = 0
  const counting: typeof fetch = async (input, init) => {
    most = Math.max(most, ++now)
    // What is sent takes longer than questions, so that more and more of it would be under way.
    await sleep(input instanceof Request && input.method === 'PUT' ? 40 : 5)
    return fetch(input, init).finally(() => now--)
  }
  const store = storeOn(server, { fetch: counting, concurrency: 3 })
  await Promise.all(Array.from({ length: 24 }, (_, i) => store.put(`ab/${i}`, noise(10 + i))))
  assert.is(most, 3)
})

test('credentials are in no message and no label', async () => {
  const own = await startS3()
  own.mishap = call => ({ status: 403, body: errorXml('AccessDenied', `<X>${call.headers.authorization}</X>`) })
  const store = storeOn(own, { sessionToken: 'SESSIONTOKEN', retries: 0 })
  for (const run of [
    () => store.open('a'),
    () => store.put('a', noise(1)),
    () => store.list().next(),
    () => new S3Store('s3://KEY:SECRET@bucket/p'),
    () => new S3Store('s3://bucket/p?secret=SECRET'),
    () => new S3Store({ bucket: 'b', endpoint: 'http://user:SECRET@host/' }),
  ]) {
    const message = await messageOf(run)
    assert.ok(message !== '')
    for (const secret of [own.accessKeyId, own.secretAccessKey, 'SESSIONTOKEN', 'SECRET', 'Signature='])
      assert.not.match(message, secret)
  }
  assert.match(store.label, /^s3:\/\/bucket\/p\d+$/)
  own.close()
})

test.run()

const places = suite('S3 places')

places('the environment says what the AWS tools read from it', () => {
  assert.equal(s3OptionsFromEnv({}), {})
  assert.equal(s3OptionsFromEnv({ AWS_ACCESS_KEY_ID: '', PATH: '/bin' }), {})
  const env = {
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'token',
    AWS_DEFAULT_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL: 'http://all',
  }
  const all = { endpoint: 'http://all', region: 'eu-west-1', accessKeyId: 'id', secretAccessKey: 'secret' }
  assert.equal(s3OptionsFromEnv(env), { ...all, sessionToken: 'token' })
  const more = { ...env, AWS_REGION: 'us-west-2', AWS_ENDPOINT_URL_S3: 'http://s3' }
  assert.equal(s3OptionsFromEnv(more), { ...all, endpoint: 'http://s3', region: 'us-west-2', sessionToken: 'token' })
})

places('a source names bucket and prefix, literally', () => {
  assert.equal(parseS3Source('s3://bucket'), { bucket: 'bucket', prefix: '' })
  assert.equal(parseS3Source('S3://bucket/a%20b/ü c/'), { bucket: 'bucket', prefix: 'a%20b/ü c/' })
  assert.is(new S3Store('s3://bucket/a/b/').label, 's3://bucket/a/b')
})

places('a key has one URL', () => {
  for (const [options, url] of [
    [{ bucket: 'bucket' }, 'https://bucket.s3.us-east-1.amazonaws.com/a/b'],
    [{ bucket: 'bucket', region: 'cn-north-1' }, 'https://bucket.s3.cn-north-1.amazonaws.com.cn/a/b'],
    [{ bucket: 'my.bucket', region: 'eu-west-1' }, 'https://s3.eu-west-1.amazonaws.com/my.bucket/a/b'],
    [{ bucket: 'bucket', pathStyle: true }, 'https://s3.us-east-1.amazonaws.com/bucket/a/b'],
    [{ bucket: 'bucket', endpoint: 'http://host:9000/' }, 'http://host:9000/bucket/a/b'],
    [{ bucket: 'bucket', endpoint: 'https://host/s3/', pathStyle: false }, 'https://bucket.host/s3/a/b'],
  ] as const) {
    const place = new S3Place(options)
    assert.is(place.url('a/b'), url)
    assert.is(new URL(place.url('a/b')).href, url, 'nothing is left to normalise')
  }
  const place = new S3Place({ bucket: 'bucket', endpoint: 'http://host' })
  assert.is(place.url(undefined, { prefix: 'a+b/ c' }), 'http://host/bucket?prefix=a%2Bb%2F%20c')
  assert.is(new S3Place({ bucket: 'bucket' }).url(undefined, { uploads: '' }).slice(-10), '/?uploads=')
})

places('what can be no bucket is EINVAL', async () => {
  for (const source of [
    's3://',
    's3:///a',
    's3://a',
    'http://bucket/',
    's3://b@d/',
    's3://bucket/a?b',
    's3://bucket/#',
  ])
    assert.is(await codeOf(() => new S3Store(source)), 'EINVAL', source)
  for (const options of [
    { prefix: 'a/../b' },
    { prefix: '../b' },
    { prefix: 'a//b' },
    { prefix: '.' },
    { endpoint: 'ftp://host' },
    { endpoint: 'host' },
    { endpoint: 'http://host/?a' },
    { region: 'a/b' },
    { accessKeyId: 'only' },
    { secretAccessKey: 'only' },
    { partSize: 1000 },
    { partSize: 2 ** 33 },
    { partSize: Number.NaN },
    { partsAtOnce: 0 },
    { pageSize: 0 },
    { retries: -1 },
  ])
    assert.is(await codeOf(() => new S3Store({ bucket: 'bucket', ...options })), 'EINVAL', JSON.stringify(options))
})

places.run()
