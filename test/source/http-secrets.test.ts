// What a fetch of the user's, or a signer, says of a request that failed, may quote URLs that nobody here knows: where a
// redirect leads, what is signed on its way.
import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HttpClient } from '../../src/source/http-client.js'
import { HttpStore } from '../../src/store/http.js'
import { S3Store } from '../../src/store/s3.js'

const SECRET = 'SECRET'
const NAME = 'ab/cd'
const urlOf = (input: RequestInfo | URL): string => (input instanceof Request ? input.url : String(input))

/** Fails as node-fetch does. */
const quoting: typeof fetch = async input => {
  throw new Error(`request to ${urlOf(input)} failed, reason: connect ECONNREFUSED`)
}

async function shown(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
  } catch (error) {
    assert.is((error as { code?: unknown }).code, 'EIO')
    return inspect(error, { depth: 10, showHidden: true })
  }
  throw new Error('no error')
}

const test = suite('secrets of requests that fail')

test('the query of a redirect', async () => {
  const redirecting: typeof fetch = async (input, init) => {
    if (urlOf(input).startsWith('http://cdn')) return quoting(input, init)
    return new Response('', { status: 302, headers: { location: `http://cdn.test/x?Signature=${SECRET}` } })
  }
  const store = new HttpStore('http://files.test/x', { fetch: redirecting, retries: 0 })
  const text = await shown(() => store.open(NAME))
  assert.match(text, 'request to http://cdn.test/x failed, reason')
  assert.not.match(text, SECRET)
})

test('presigned URLs, and what a signer throws', async () => {
  const options = { bucket: 'bucket', endpoint: 'http://s3.test', retries: 0, fetch: quoting }
  const presign = (_method: string, key: string) => `http://s3.test/bucket/${key}?X-Amz-Signature=${SECRET}`
  const text = await shown(() => new S3Store({ ...options, presign }).open(NAME))
  assert.match(text, 'http://s3.test/bucket/ab/cd failed, reason')
  assert.not.match(text, SECRET)
  const throwing = async (): Promise<string> => {
    throw new Error(`POST https://key:${SECRET}@signer.test/sign?key=${SECRET} failed`)
  }
  const thrown = await shown(() => new S3Store({ ...options, presign: throwing }).open(NAME))
  assert.match(thrown, 'POST https://signer.test/sign failed')
  assert.not.match(thrown, SECRET)
})

test('clients and stores show nothing', () => {
  const all = [
    new HttpClient({ headers: { authorization: SECRET } }),
    new HttpStore(`http://u:${SECRET}@files.test/x?t=${SECRET}`),
    new S3Store('s3://bucket', { accessKeyId: `AK${SECRET}`, secretAccessKey: SECRET, sessionToken: SECRET }),
  ]
  assert.not.match(inspect(all, { depth: 10, showHidden: true }), SECRET)
})

test.run()
