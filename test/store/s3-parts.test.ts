// S3Store: objects put in parts, and what is left when that fails: the whole object, or nothing.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { S3Store } from '../../src/store/s3.js'
import type { S3Answer, S3Client, S3Request } from '../../src/store/s3-client.js'
import type { S3Options } from '../../src/store/s3-options.js'
import { ChunkParts, PARTS_MAX, partLength } from '../../src/store/s3-parts.js'
import { Upload } from '../../src/store/s3-upload.js'
import { errorXml, type Mishap, type S3Server, startS3 } from '../helpers/s3-server.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const MIB = 2 ** 20
const PART = 5 * MIB
const KEY = 'p/ab/cd+é'
const NAME = 'ab/cd+é'

function storeOn(server: S3Server, options: Partial<S3Options> = {}): S3Store {
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  const given = { endpoint, region, accessKeyId, secretAccessKey, retries: 2, partSize: PART, partsAtOnce: 2 }
  return new S3Store(`s3://${server.bucket}/p`, { ...given, ...options })
}

/** The bytes in chunks that are all the same buffer. */
async function* streamed(data: Uint8Array, length = 1_234_567): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(length)
  for (let at = 0; at < data.length; at += length) {
    const chunk = data.subarray(at, at + length)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
  }
}

const isPart = (call: { method: string; query: Readonly<Record<string, string>> }, number?: number): boolean =>
  call.method === 'PUT' &&
  'uploadId' in call.query &&
  (number === undefined || call.query['partNumber'] === String(number))

const data = noise(11 * MIB + 5)
const test = suite('S3Store, parts')

for (const [what, make] of [
  ['bytes', () => data],
  ['a stream', () => streamed(data)],
] as const) {
  test(`${what} of more than a part are put in parts, some at once`, async () => {
    const server = await startS3()
    await storeOn(server).put(NAME, make())
    assert.ok(server.objects.get(KEY)?.data.equals(data))
    const lengths = server.calls.filter(call => isPart(call)).map(call => call.length)
    assert.equal(lengths.sort(), [MIB + 5, PART, PART].sort())
    assert.is(server.uploads.size, 0)
    server.close()
  })
}

test('what fits into one request is put in one', async () => {
  const server = await startS3()
  for (const [length, calls] of [
    [0, 1],
    [1, 1],
    [PART, 1],
    [PART + 1, 4],
  ]) {
    const whole = data.subarray(0, length)
    for (const given of [whole, streamed(whole)]) {
      server.calls.length = 0
      await storeOn(server).put(`${length}-${given === whole}`, given)
      assert.is(server.calls.filter(({ method }) => method !== 'HEAD').length, calls, `${length}`)
      assert.ok(server.objects.get(`p/${length}-${given === whole}`)?.data.equals(whole))
    }
  }
  server.close()
})

test('a part that fails once is sent again', async () => {
  const server = await startS3()
  const mishaps: Mishap[] = [{ status: 500, body: errorXml('InternalError') }, 'cut', 'answer lost']
  server.mishap = call => (isPart(call, 2) ? mishaps.pop() : undefined)
  await storeOn(server, { retries: 3 }).put(NAME, streamed(data))
  assert.equal(mishaps, [])
  assert.ok(server.objects.get(KEY)?.data.equals(data))
  server.close()
})

test('a part that fails for good leaves neither object nor upload', async () => {
  const server = await startS3()
  for (const [mishap, code] of [
    [{ status: 500, body: errorXml('InternalError') }, 'EIO'],
    [{ status: 403, body: errorXml('QuotaExceeded') }, 'ENOSPC'],
    ['cut', 'EIO'],
    [{ status: 200 }, 'EIO'],
  ] as const) {
    server.mishap = call => (isPart(call, 2) ? mishap : undefined)
    assert.is(await codeOf(() => storeOn(server, { retries: 1 }).put(NAME, streamed(data))), code)
    assert.is(server.uploads.size, 0)
    assert.is(server.objects.size, 0)
  }
  server.close()
})

test('a part that fails ends a put whose source hangs, and the source is told', async () => {
  const server = await startS3()
  let ended = false
  let hanging = (): void => {}
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => {
      let at = 0
      return {
        next: () => {
          if (at >= 2) return new Promise(resolve => (hanging = () => resolve({ done: true, value: undefined })))
          return Promise.resolve({ done: false, value: data.subarray(at++ * PART, at * PART) })
        },
        return: async () => {
          ended = true
          return { done: true, value: undefined }
        },
      }
    },
  }
  server.mishap = call => (isPart(call, 1) ? { status: 403, body: errorXml('AccessDenied') } : undefined)
  assert.is(await codeOf(() => storeOn(server, { partsAtOnce: 4 }).put(NAME, source)), 'EACCES')
  assert.ok(ended)
  assert.is(server.uploads.size, 0)
  hanging()
  server.close()
})

test('a source that fails half-way leaves neither object nor upload', async () => {
  const server = await startS3()
  const failing = async function* (): AsyncGenerator<Uint8Array> {
    yield data.subarray(0, 2 * PART)
    throw new Error('source is gone')
  }
  let message = ''
  await storeOn(server)
    .put(NAME, failing())
    .catch((error: Error) => {
      message = error.message
    })
  assert.is(message, 'source is gone')
  assert.ok(server.calls.some(call => isPart(call)))
  assert.is(server.uploads.size, 0)
  assert.is(server.objects.size, 0)
  server.close()
})

test('a signal ends a put with its reason, and nothing is left', async () => {
  const server = await startS3()
  const reason = new Error('enough')
  for (const [what, when] of [
    ['a part that stalls', (call: Parameters<typeof isPart>[0]) => isPart(call, 2)],
    [
      'the last request',
      (call: { method: string; query: object }) => call.method === 'POST' && 'uploadId' in call.query,
    ],
    ['one that is not in parts', (call: { method: string; query: object }) => call.method === 'PUT'],
  ] as const) {
    const controller = new AbortController()
    server.mishap = call => {
      if (!when(call)) return undefined
      setTimeout(() => controller.abort(reason), 10)
      return 'stall'
    }
    let seen: unknown
    const given = what.startsWith('one') ? data.subarray(0, 1000) : data
    await storeOn(server, { signal: controller.signal })
      .put(NAME, streamed(given))
      .catch(error => {
        seen = error
      })
    assert.is(seen, reason, what)
    assert.is(server.uploads.size, 0, what)
    assert.is(server.objects.size, 0, what)
  }
  const hanging = new AbortController()
  setTimeout(() => hanging.abort(reason), 10)
  const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  server.mishap = () => undefined
  const seen = await storeOn(server, { signal: hanging.signal })
    .put(NAME, never)
    .catch(error => error)
  assert.is(seen, reason, 'a source that hangs')
  server.close()
})

test('lost answers to the last step are no failure', async () => {
  const server = await startS3()
  let lost = 1
  server.mishap = call => (call.method === 'POST' && 'uploadId' in call.query && lost-- > 0 ? 'answer lost' : undefined)
  await storeOn(server).put(NAME, data)
  assert.ok(server.objects.get(KEY)?.data.equals(data))
  lost = 1
  server.mishap = call => (call.method === 'PUT' && lost-- > 0 ? 'answer lost' : undefined)
  await storeOn(server).put('one', data.subarray(0, 1000))
  assert.ok(server.objects.get('p/one')?.data.equals(data.subarray(0, 1000)))
  server.close()
})

test('a failure after a status of success is a failure', async () => {
  const server = await startS3()
  let times = 1
  const late = { status: 200, body: `  \n${errorXml('InternalError')}` }
  server.mishap = call => (call.method === 'POST' && 'uploadId' in call.query && times-- > 0 ? late : undefined)
  await storeOn(server).put(NAME, data)
  assert.ok(server.objects.get(KEY)?.data.equals(data))
  server.objects.clear()
  times = 99
  assert.is(await codeOf(() => storeOn(server, { retries: 0 }).put(NAME, data)), 'EIO')
  assert.is(server.uploads.size, 0)
  assert.is(server.objects.size, 0)
  server.close()
})

test('bytes that change on the way are refused, sent again, and never stored', async () => {
  const server = await startS3()
  const { endpoint, region, accessKeyId, secretAccessKey } = server
  let flips = 1
  const flipping: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    if (request.method !== 'PUT' || flips-- <= 0) return fetch(request)
    const body = new Uint8Array(await request.arrayBuffer())
    body[body.length - 1] ^= 1
    return fetch(request.url, { method: 'PUT', headers: request.headers, body })
  }
  const options = { endpoint, region, accessKeyId, secretAccessKey, fetch: flipping, retries: 1, partSize: PART }
  const store = new S3Store('s3://bucket/p', options)
  await store.put('a', noise(1000))
  assert.ok(server.objects.get('p/a')?.data.equals(noise(1000)))
  flips = 99
  assert.is(await codeOf(() => store.put('b', noise(1000))), 'EIO')
  assert.is(await codeOf(() => store.put('c', data)), 'EIO')
  assert.equal([...server.objects.keys()], ['p/a'])
  assert.is(server.uploads.size, 0)
  server.close()
})

test('an object that is shorter than what was put does not stay', async () => {
  const server = await startS3()
  server.mishap = ({ method, key }) => {
    const found = server.objects.get(key)
    if (method === 'HEAD' && found !== undefined)
      server.objects.set(key, { ...found, data: found.data.subarray(0, MIB) })
    return undefined
  }
  assert.is(await codeOf(() => storeOn(server).put(NAME, data)), 'EIO')
  assert.is(server.objects.size, 0)
  server.close()
})

test('a put leaves alone what is there, a replacement takes its place', async () => {
  const server = await startS3()
  const store = storeOn(server)
  await store.put(NAME, data)
  await store.put(NAME, noise(10))
  assert.ok(server.objects.get(KEY)?.data.equals(data))
  await store.replace(NAME, noise(10))
  assert.ok(server.objects.get(KEY)?.data.equals(noise(10)))
  const other = noise(data.length, 2)
  let lost = 1
  server.mishap = call => (call.method === 'POST' && 'uploadId' in call.query && lost-- > 0 ? 'answer lost' : undefined)
  await store.replace(NAME, other)
  assert.ok(server.objects.get(KEY)?.data.equals(other))
  server.mishap = call => {
    // Someone else ends the upload: the old object, of the same size, is no sign of success.
    if (call.method === 'POST' && 'uploadId' in call.query) server.uploads.clear()
    return undefined
  }
  assert.is(await codeOf(() => store.replace(NAME, data)), 'ENOENT')
  assert.ok(server.objects.get(KEY)?.data.equals(other))
  server.close()
})

test('no more is held than the parts that may be under way', async () => {
  const server = await startS3()
  let given = 0
  let arrived = 0
  let most = 0
  const source = async function* (): AsyncGenerator<Uint8Array> {
    const chunk = new Uint8Array(MIB)
    for (; given < 30 * MIB; given += MIB) {
      most = Math.max(most, given - arrived)
      yield chunk
    }
  }
  server.mishap = call => {
    arrived += call.length
    return undefined
  }
  await storeOn(server, { partsAtOnce: 3 }).put(NAME, source())
  assert.is(server.objects.get(KEY)?.data.length, 30 * MIB)
  assert.ok(most <= 3 * PART, `${most}`)
  server.close()
})

test('parts that have been sent are let go', async () => {
  const bodies: WeakRef<Uint8Array>[] = []
  let most = 0
  const send = async (method: string, { body }: S3Request, read: (answer: S3Answer) => unknown): Promise<unknown> => {
    // In a turn of their own, before which no WeakRef lets go.
    await new Promise(setImmediate)
    if (method === 'PUT' && body !== undefined) {
      bodies.push(new WeakRef(body))
      globalThis.gc?.()
      most = Math.max(most, bodies.filter(one => one.deref() !== undefined).length)
    }
    const answers = ['<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>']
    const answer = method === 'PUT' || bodies.length > 0 ? '<CompleteMultipartUploadResult/>' : answers[0]
    const asError = () => new Error() as never
    return read({ headers: new Headers({ etag: '"e"' }), length: 50_000, body: answer, asError })
  }
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 50; i++) yield new Uint8Array(1000)
  }
  const parts = new ChunkParts(source())
  const client = { send, labelOf: () => 's3://b/k' } as unknown as S3Client
  const upload = new Upload(client, 'k', { partLength: () => 1000, partsAtOnce: 3 })
  await upload.run((await parts.next(1000)) as Uint8Array, parts)
  assert.is(bodies.length, 50)
  assert.ok(most <= 5, `${most} of them at once`)
})

test('a stream without an end in sight fits into the parts that there may be', () => {
  let sum = 0
  for (let number = 1; number <= PARTS_MAX; number++) {
    assert.ok(partLength(number, 8 * MIB) <= 5 * 2 ** 30, 'S3 takes no longer parts')
    sum += partLength(number, 8 * MIB)
  }
  assert.ok(sum >= 5 * 2 ** 40)
})

test('chunks of any size make parts of one', async () => {
  for (const size of [1, 7, 4096, 100_000]) {
    const parts = new ChunkParts(streamed(data.subarray(0, 100_001), size))
    const lengths: number[] = []
    let at = 0
    for (let part = await parts.next(33_333); part !== undefined; part = await parts.next(33_333)) {
      assert.ok(Buffer.from(part).equals(data.subarray(at, at + part.length)))
      at += part.length
      lengths.push(part.length)
    }
    assert.equal(lengths, [33_333, 33_333, 33_333, 2])
  }
})

test.run()
