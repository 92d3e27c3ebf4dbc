import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HttpClient, type HttpClientOptions } from '../../src/source/http-client.js'
import type { HttpError } from '../../src/source/http-error.js'
import { canSync } from '../../src/source/http-sync.js'
import { httpTarget, redirected } from '../../src/source/http-target.js'
import { type Asked, FAULTS, type Script, type Served, startFaultServer } from '../helpers/fault-server.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('HttpClient')

const FILE: Served = { bytes: noise(1000) }
const scripts = new Map<string, Script>()
const server = await startFaultServer(asked => scripts.get(asked.path.split(/[/?]/)[1])?.(asked))
/** Another port is another origin. */
const other = await startFaultServer(() => ({ served: FILE }))
const TOKEN = 'SECRETTOKEN'
const SECRET = 'SECRETHEADER'

let count = 0
/** A new path, what it is asked, and its answers: what is thrown is a fault's name. */
function place(script: (asked: Asked, number: number) => ReturnType<Script>): {
  url: string
  name: string
  asked: Asked[]
} {
  const name = `p${count++}`
  const asked: Asked[] = []
  scripts.set(name, request => script(request, asked.push(request)))
  return { url: `${server.url}/${name}/file?t=${TOKEN}`, name, asked }
}

const redirect =
  (location: string, status = '302 Found') =>
  (asked: Asked): ReturnType<Script> => ({
    served: FILE,
    fault: (socket, answer) =>
      FAULTS['redirects nowhere'](
        Object.assign(Object.create(socket), {
          write: (text: string | Uint8Array) =>
            socket.write(
              typeof text === 'string'
                ? text.replace(/^HTTP\/1.1 [^\r]*/, `HTTP/1.1 ${status}\r\nLocation: ${location}`)
                : text,
            ),
        }),
        answer,
        asked,
        FILE,
      ),
  })

const client = (options: HttpClientOptions = {}) => new HttpClient({ timeout: 5000, ...options })

async function failure(run: () => Promise<unknown>): Promise<HttpError> {
  try {
    await run()
  } catch (error) {
    const text = inspect(error, { depth: 10, showHidden: true })
    for (const secret of [TOKEN, SECRET, 'SECRETPASS']) assert.not.ok(text.includes(secret), text)
    return error as HttpError
  }
  throw new Error('no error')
}

test('other schemes and malformed URLs are EINVAL', async () => {
  for (const url of [
    'file:///etc/passwd',
    'ftp://u:SECRETPASS@h/x',
    `data:,${TOKEN}`,
    'blob:x',
    `nonsense?${TOKEN}`,
    '',
  ]) {
    assert.is((await failure(() => client().send('GET', url))).code, 'EINVAL', url)
  }
  for (const options of [
    { timeout: 0 },
    { retries: -1 },
    { concurrency: Number.NaN },
    { headers: { 'x-y': `${SECRET}\n${SECRET}` } },
  ]) {
    assert.is((await failure(async () => new HttpClient(options))).code, 'EINVAL')
  }
})

test('userinfo becomes Authorization, headers are sent, and no secret is shown', async () => {
  const { name, asked } = place((_, n) => ({ served: FILE, fault: n === 1 ? FAULTS['403'] : undefined }))
  const url = `http://us%C3%A9r:SECRETPASS@${server.host}/${name}/file?t=${TOKEN}#fragment`
  const sender = client({ headers: { 'X-Key': SECRET } })
  const error = await failure(() => sender.send('GET', url))
  assert.is(error.code, 'EACCES')
  assert.is(error.status, 403)
  assert.is(error.message, `EACCES: ${server.url}/${name}/file: HTTP status 403`)
  const answer = await sender.send('GET', url)
  assert.equal(Buffer.from(await answer.bytes(1000)), Buffer.from(FILE.bytes))
  for (const { headers, path } of asked) {
    assert.is(headers['authorization'], `Basic ${Buffer.from('usér:SECRETPASS').toString('base64')}`)
    assert.is(headers['x-key'], SECRET)
    assert.is(path, `/${name}/file?t=${TOKEN}`)
  }
})

test('statuses have codes, and only those that may pass are asked again', async () => {
  for (const [fault, code, requests] of [
    ['404', 'ENOENT', 1],
    ['401', 'EACCES', 1],
    ['403', 'EACCES', 1],
    ['416 that says nothing', 'EIO', 1],
    ['429', 'EIO', 3],
    ['500', 'EIO', 3],
    ['503', 'EIO', 3],
    ['resets at once', 'EIO', 3],
    ['resets in the headers', 'EIO', 3],
    ['is not HTTP', 'EIO', 3],
    ['stalls before the headers', 'ETIMEDOUT', 3],
    ['stalls in the headers', 'ETIMEDOUT', 3],
    ['drips headers', 'ETIMEDOUT', 3],
    ['hints for ever', 'ETIMEDOUT', 3],
  ] as const) {
    const { url, asked } = place(() => ({ served: FILE, fault: FAULTS[fault] }))
    const error = await failure(() => client({ retries: 2, timeout: 300 }).send('GET', url))
    // A server that hints for ever may as well break the parser before the time is over.
    if (fault !== 'hints for ever') assert.is(error.code, code, fault)
    assert.is(asked.length, requests, fault)
  }
  assert.is(await codeOf(() => client({ retries: 0 }).send('GET', 'http://127.0.0.1:9/')), 'EIO')
})

test('what passes is got over, PUT and DELETE as well', async () => {
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    const { url, asked } = place((_, n) => ({
      served: FILE,
      fault: n < 3 ? FAULTS[n === 1 ? '503' : 'resets at once'] : undefined,
    }))
    const answer = await client().send(method, url)
    await answer.discard()
    assert.is(answer.status, 200)
    assert.equal(
      asked.map(one => one.method),
      [method, method, method],
    )
  }
})

test('Retry-After is waited for, but not longer than the time limit', async () => {
  const after = (seconds: string) =>
    place((asked, n) => (n > 1 ? { served: FILE } : redirect(`x\r\nRetry-After: ${seconds}`, '503 Busy')(asked)))
  for (const [seconds, least, most] of [
    ['1', 990, 1900],
    ['3600', 1990, 4000],
  ] as const) {
    const started = performance.now()
    await (await client({ timeout: 2000 }).send('GET', after(seconds).url)).discard()
    const took = performance.now() - started
    assert.ok(took > least && took < most, `${seconds} s: ${took} ms`)
  }
})

test("redirects of one origin keep what is the user's", async () => {
  const end = place(() => ({ served: FILE }))
  const begin = place(redirect(`/${end.name}/there`))
  let signed = 0
  const sender = client({
    headers: { 'X-Key': SECRET },
    prepare: request => {
      signed++
      request.headers.set('X-Signed', new URL(request.url).pathname)
      return request
    },
  })
  const answer = await sender.send('GET', begin.url, { headers: { range: 'bytes=10-19' }, expect: [206] })
  assert.equal(Buffer.from(await answer.bytes(10)), Buffer.from(FILE.bytes.subarray(10, 20)))
  const [{ headers, path }] = end.asked
  assert.is(path, `/${end.name}/there`)
  assert.equal([headers['x-key'], headers['x-signed']], [SECRET, path])
  assert.is(signed, 2)
})

test('redirects to another origin go without, and do not come back with', async () => {
  const back = place(() => ({ served: FILE }))
  const there = await startFaultServer(redirect(`${server.url}/${back.name}/file`))
  for (const [target, server] of [
    [`http://evil:evil@${other.host}/file`, other],
    [`${there.url}/file`, there],
  ] as const) {
    const begin = place(redirect(target, '307 Temporary Redirect'))
    let signed = 0
    const sender = client({
      headers: { 'X-Key': SECRET, Authorization: SECRET },
      prepare: request => {
        signed++
        return request
      },
    })
    const answer = await sender.send('GET', begin.url, { headers: { range: 'bytes=0-9' }, expect: [206] })
    assert.is((await answer.bytes(10)).length, 10)
    assert.is(begin.asked[0].headers['x-key'], SECRET)
    assert.is(signed, 1)
    const { headers, path } = server.asked.at(-1) as Asked
    assert.is(headers['range'], 'bytes=0-9')
    const text = JSON.stringify([headers, path])
    for (const secret of [SECRET, TOKEN, 'authorization', 'evil']) assert.not.ok(text.includes(secret), text)
  }
  assert.not.ok(JSON.stringify(back.asked).includes(SECRET), 'back at the first origin')
  assert.is(back.asked.length, 1)
  there.stop()
})

test('redirects that are not followed', async () => {
  for (const [location, why] of [
    ['file:///etc/passwd', /file: URL is not followed/],
    ['ftp://host/x', /ftp: URL/],
    ['javascript:alert(1)', /javascript: URL/],
    ['http://[', /malformed/],
    ['?again', /more than 5 redirects/],
  ] as const) {
    const { url, asked } = place(redirect(location))
    const error = await failure(() => client().send('GET', url))
    assert.is(error.code, 'EIO')
    assert.match(error.message, why)
    assert.is(asked.length, location === '?again' ? 6 : 1)
  }
  for (const method of ['PUT', 'DELETE']) {
    const error = await failure(() => client().send(method, place(redirect(`${other.url}/x`, '307 X')).url))
    assert.match(error.message, new RegExp(`redirect of a ${method}`))
  }
  const code = (from: string, to: string) => codeOf(() => redirected(new URL(from), to, ''))
  assert.is(await code('https://a/', 'http://a/'), 'EIO')
  assert.is(await code('https://a/', '//b/x'), 'none')
  assert.is(await code('http://a/', 'https://a/'), 'none')
})

test("a browser hides where a redirect leads: asked again it follows by itself, with nothing of the user's", async () => {
  const asked: { url: string; init: RequestInit }[] = []
  const end = { url: 'http://elsewhere/file' }
  const browser = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    asked.push({ url: String(input), init })
    const response = new Response(init.redirect === 'follow' ? 'bytes' : null)
    const seen = init.redirect === 'follow' ? { type: 'cors', url: end.url } : { type: 'opaqueredirect', status: 0 }
    for (const [name, value] of Object.entries(seen)) Object.defineProperty(response, name, { value })
    return response
  }
  const sender = client({ fetch: browser as typeof fetch, headers: { 'x-key': SECRET }, retries: 0 })
  const answer = await sender
    .send('GET', 'https://u:p@here/file', { headers: { range: 'bytes=0-1' } })
    .catch(error => error)
  assert.match(String(answer), /from https to http/)
  end.url = 'https://elsewhere/file'
  assert.is(
    await (await sender.send('GET', 'https://u:p@here/file', { headers: { range: 'bytes=0-1' } })).text(5),
    'bytes',
  )
  const [first, second] = asked.map(({ init }) => init)
  assert.equal(Object.keys(Object.fromEntries(first.headers as Headers)).sort(), ['authorization', 'range', 'x-key'])
  assert.equal(Object.keys(Object.fromEntries(second.headers as Headers)), ['range'])
  assert.equal([first.redirect, second.redirect, second.credentials], ['manual', 'follow', 'omit'])
})

test('an aborted call rejects with the reason, wherever it is', async () => {
  const reason = new Error('enough')
  const stalled = place(() => ({ served: FILE, fault: FAULTS['stalls before the headers'] }))
  const busy = place(asked => redirect('x\r\nRetry-After: 60', '503 Busy')(asked))
  for (const by of ['client', 'request']) {
    for (const { url } of [stalled, busy]) {
      const controller = new AbortController()
      const { signal } = controller
      const sender = client({ timeout: 60_000, ...(by === 'client' ? { signal } : {}) })
      const sent = sender.send('GET', url, by === 'client' ? {} : { signal }).catch(error => error)
      await sleep(100)
      controller.abort(reason)
      assert.is(await sent, reason)
      assert.is(
        await sender.send('GET', url, by === 'client' ? {} : { signal }).catch(error => error),
        reason,
        'before',
      )
    }
  }
  const body = place(() => ({ served: FILE, fault: FAULTS['stalls in the body'] }))
  const controller = new AbortController()
  const answer = await client().send('GET', body.url, { signal: controller.signal })
  const bytes = answer.bytes(1000).catch(error => error)
  await sleep(50)
  controller.abort(reason)
  assert.is(await bytes, reason)
})

test('one that waits for its turn can be aborted, and does not take it', async () => {
  const slow = place(() => ({ served: FILE, fault: FAULTS['stalls in the body'] }))
  const quick = place(() => ({ served: FILE }))
  const sender = client({ concurrency: 1 })
  const first = await sender.send('GET', slow.url)
  const controller = new AbortController()
  const reason = new Error('enough')
  const second = sender.send('GET', quick.url, { signal: controller.signal }).catch(error => error)
  const third = sender.send('GET', quick.url)
  controller.abort(reason)
  assert.is(await second, reason)
  assert.is(quick.asked.length, 0)
  first.cancel()
  assert.is((await (await third).bytes(1000)).length, 1000)
  assert.is(quick.asked.length, 1)
})

test('so many at once and no more, whatever becomes of them', async () => {
  let now = 0
  let most = 0
  const counting = (async (input: string, init?: RequestInit) => {
    most = Math.max(most, ++now)
    let isOver = false
    const over = () => {
      if (!isOver) now--
      isOver = true
    }
    // fetch itself tells of an abort a moment later.
    init?.signal?.addEventListener('abort', over)
    return fetch(input, init).finally(over)
  }) as typeof fetch
  const names = Object.keys(FAULTS)
  const { url } = place((_, n) => ({ served: FILE, fault: FAULTS[names[n % names.length]] }))
  const sender = client({ concurrency: 3, timeout: 300, retries: 0, fetch: counting })
  await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const answer = await sender.send('GET', url, { limit: 1000 }).catch(() => undefined)
      if (i % 4 === 0) answer?.cancel()
      else if (i % 4 === 1) await answer?.discard()
      // One in four is forgotten, and ends by its time limit.
      else if (i % 4 === 2) await answer?.bytes(500).catch(() => {})
    }),
  )
  assert.is(most, 3)
  const fine = place(() => ({ served: FILE }))
  const left = await Promise.all(Array.from({ length: 3 }, () => sender.send('GET', fine.url)))
  for (const answer of left) answer.cancel()
})

test('a body that is forgotten ends by the time that its bytes may take', async () => {
  const endless = place(() => ({ served: FILE, fault: FAULTS['goes on for ever'] }))
  const sender = client({ concurrency: 1, timeout: 200 })
  await sender.send('GET', endless.url, { limit: 1000 })
  const started = performance.now()
  const quick = place(() => ({ served: FILE }))
  await (await sender.send('GET', quick.url)).discard()
  assert.ok(performance.now() - started < 3000)
})

test('bodies are bounded', async () => {
  const endless = place(() => ({ served: FILE, fault: FAULTS['goes on for ever'] }))
  const error = await failure(async () => (await client().send('GET', endless.url)).bytes(100_000))
  assert.is(error.code, 'EFBIG')
})

test('a body that drips is given up soon, not when all of its bytes may have come', async () => {
  const { url } = place(() => ({ served: { bytes: noise(10_000_000) }, fault: FAULTS['drips the body'] }))
  const started = performance.now()
  const error = await failure(async () => (await client({ timeout: 300 }).send('GET', url, { limit: 1e7 })).bytes(1e7))
  assert.is(error.code, 'ETIMEDOUT')
  assert.ok(performance.now() - started < 3000)
})

test('connections are kept, after errors too', async () => {
  const lonely = await startFaultServer(({ path }) => (path === '/no' ? undefined : { served: FILE }))
  const sender = client()
  for (let i = 0; i < 30; i++) {
    if (i % 3 === 0) await sender.send('GET', `${lonely.url}/no`).catch(() => {})
    else await (await sender.send('GET', `${lonely.url}/yes`)).bytes(1000)
  }
  assert.is(lonely.asked.length, 30)
  // Node's fetch opens a second one when it is asked again in the very moment that an answer ends.
  assert.ok(lonely.connections.made <= 2, `${lonely.connections.made} connections`)
  lonely.stop()
})

test('nothing goes past a fetch that was given', () => {
  const host = globalThis as { XMLHttpRequest?: unknown }
  assert.is(host.XMLHttpRequest, undefined)
  // As in a browser's worker.
  host.XMLHttpRequest = class {}
  try {
    const target = httpTarget('http://files.test/x')
    assert.is(canSync(new HttpClient(), target), true)
    assert.is(canSync(new HttpClient({ fetch }), target), false)
    assert.is(canSync(new HttpClient({ headers: { 'x-key': 'k' } }), target), false)
  } finally {
    delete host.XMLHttpRequest
  }
})

test('secrets of a URL are known as such', () => {
  const { url, label, secrets } = httpTarget('https://u%40x:p%2Fw@host:8/a%20b?sig=abc%2Fdef&y#z')
  assert.is(url.href, 'https://host:8/a%20b?sig=abc%2Fdef&y')
  assert.is(label, 'https://host:8/a%20b')
  for (const secret of ['u@x', 'p/w', 'p%2Fw', 'abc/def', 'sig=abc%2Fdef&y'])
    assert.ok(secrets.includes(secret), secret)
})

test('and the servers go away', () => {
  server.stop()
  other.stop()
})

test.run()
