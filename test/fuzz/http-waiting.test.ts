// The scripts of the target `http` played to what waits: the same hostile answers through fetch, judged in the same way. Not here: what
// blocks, which the target itself asks (test/fuzz/campaign.test.ts).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeBytes, judgeError, openingOf } from '../../src/fuzz/http-judge.js'
import { type Answer, decodeScript, FILE_URL, HostileServer, type Script, SECRET } from '../../src/fuzz/http-script.js'
import { Random } from '../../src/fuzz/random.js'
import { HttpTarget } from '../../src/fuzz/targets/http.js'
import { HttpClient } from '../../src/source/http-client.js'
import { HttpSource } from '../../src/source/http-source.js'
import { fetchWhole } from '../../src/source/http-whole.js'

const test = suite('hostile answers, waited for')
const SCRIPTS = 2500
/** Scripts at a time: most of the time they wait. */
const LANES = 64
const TIMEOUT = 500
const REDIRECTS = 6
/** Bytes of a read, at most: the server says how long the file is. */
const READ_MAX = 1 << 20

function responseOf({ status, headers, body, url }: Answer, method: string): Response {
  const fields = new Headers(headers.map(([name, value]): [string, string] => [name, value]))
  if (url !== '') fields.set('location', url)
  const bare = method === 'HEAD' || [204, 304].includes(status)
  return new Response(bare ? null : Uint8Array.from(body), {
    status: Math.min(Math.max(status, 200), 599),
    headers: fields,
  })
}

/** Where to secrets were sent that should not be. */
const leaks: string[] = []

function fetchFrom(server: HostileServer): typeof fetch {
  return async (input, init) => {
    const url = String(input)
    const headers = new Map([...new Headers(init?.headers)])
    // Told afterwards: what a fetch throws is a failed connection.
    const isElsewhere = !url.startsWith('https://files.test/')
    if (isElsewhere && [...headers.values()].join('\n').includes(SECRET)) leaks.push(url)
    const method = init?.method ?? 'GET'
    const answer = server.answer({ method, url, headers })
    if (answer.failure === 'connection') throw new TypeError(`Failed to fetch ${url}`)
    if (answer.failure === 'time') return new Promise(() => {})
    return responseOf(answer, method)
  }
}

/** What it answers, or the code with which it fails. */
async function outcome<T>(what: string, server: HostileServer, run: () => Promise<T>): Promise<T | string> {
  try {
    return await run()
  } catch (error) {
    const code = judgeError(error, what)
    const honest = server.served.every(one => one.honest)
    if (honest && code !== 'EFBIG') throw new Error(`${what} fails by right answers`, { cause: error })
    return code
  }
}

function newClient(script: Script, server: HostileServer): HttpClient {
  const headers = { authorization: `Bearer ${SECRET}` }
  return new HttpClient({ retries: script.retries, timeout: TIMEOUT, fetch: fetchFrom(server), headers })
}

async function readParts(script: Script, codes: Map<string, number>): Promise<void> {
  const server = new HostileServer(script)
  const client = newClient(script, server)
  const count = (code: string) => codes.set(code, (codes.get(code) ?? 0) + 1)
  const source = await outcome('open', server, () => HttpSource.open(client, FILE_URL, { head: script.head }))
  // The first request, one that asks for the size, one without a range.
  assert.ok(server.served.length <= 3 * REDIRECTS * (script.retries + 1), `${server.served.length} requests to open`)
  if (typeof source === 'string') return void count(source)
  const opening = openingOf(server.served)
  for (const { offset, length } of script.reads) {
    if (length > READ_MAX && source.size > READ_MAX) continue
    const before = server.served.length
    const bytes = await outcome('read', server, () => source.read(offset, length))
    const made = server.served.length - before
    assert.ok(made <= REDIRECTS * (script.retries + 2), `${made} requests to read`)
    count(typeof bytes === 'string' ? bytes : 'read')
    if (typeof bytes === 'string') continue
    assert.is(bytes.length, Math.max(0, Math.min(offset + length, source.size) - offset))
    judgeBytes(bytes, offset, source.size, opening, server.served)
  }
  source.close()
}

async function readWhole(script: Script, codes: Map<string, number>): Promise<void> {
  const server = new HostileServer(script)
  const client = newClient(script, server)
  const bytes = await outcome('whole', server, () => fetchWhole(client, FILE_URL, { limit: READ_MAX }))
  codes.set(typeof bytes === 'string' ? bytes : 'whole', 1)
  if (typeof bytes === 'string') return
  const first = server.served.findLastIndex(({ answer }) => answer.failure === undefined && answer.status === 200)
  judgeBytes(bytes, 0, bytes.length, server.served[first], server.served.slice(first))
}

function scripts(): Script[] {
  const { seeds, mutators: all } = new HttpTarget()
  const mutators = all.filter(({ name }) =>
    ['a lie', 'a redirect', 'bytes from elsewhere', 'another read'].includes(name),
  )
  const random = new Random(3)
  return Array.from({ length: SCRIPTS }, () => {
    let input = Uint8Array.from(random.pick(seeds))
    for (let left = random.below(6); left > 0; left--) {
      const changed = random.pick(mutators).mutate(input, random, { origin: input, other: random.pick(seeds) })
      if (changed !== undefined) input = Uint8Array.from(changed)
    }
    return decodeScript(input)
  })
}

async function inLanes(run: (script: Script) => Promise<void>): Promise<void> {
  const queue = scripts()
  const lane = async (): Promise<void> => {
    for (let script = queue.pop(); script !== undefined; script = queue.pop()) await run(script)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  assert.equal(leaks, [])
}

test('parts of a file', async () => {
  const codes = new Map<string, number>()
  await inLanes(script => readParts(script, codes))
  console.log(`note: parts: ${JSON.stringify(Object.fromEntries(codes))}`)
  for (const code of ['read', 'EIO', 'ESTALE', 'ETIMEDOUT']) assert.ok(codes.has(code), code)
})

test('all of a file', async () => {
  const codes = new Map<string, number>()
  await inLanes(script => readWhole(script, codes))
  for (const code of ['whole', 'EIO', 'ETIMEDOUT']) assert.ok(codes.has(code), code)
})

test.run()
