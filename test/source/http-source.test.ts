import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { HttpClient } from '../../src/source/http-client.js'
import { HttpSource } from '../../src/source/http-source.js'
import { fetchWhole } from '../../src/source/http-whole.js'
import { readWhole } from '../../src/source/whole.js'
import { peer } from '../helpers/command.js'
import {
  type Asked,
  FAULTS,
  type Script,
  startFaultServer,
  VARIANTS,
  type Validators,
} from '../helpers/fault-server.js'
import { skip } from '../helpers/paths.js'
import { codeOf } from '../helpers/store-contract.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('HttpSource')

const scripts = new Map<string, Script>()
const server = await startFaultServer(asked => scripts.get(asked.path)?.(asked))
let count = 0
function place(script: (asked: Asked, number: number) => ReturnType<Script>): { url: string; asked: Asked[] } {
  const path = `/p${count++}`
  const asked: Asked[] = []
  scripts.set(path, request => script(request, asked.push(request)))
  return { url: server.url + path, asked }
}
const client = new HttpClient({ timeout: 5000 })
const ranges = (asked: readonly Asked[]) => asked.map(({ method, headers }) => headers['range'] ?? method)
const same = (wanted: Uint8Array, got: Uint8Array) => assert.ok(Buffer.from(wanted).equals(got))
const LONG = noise(3_000_000)

test('a head of no number of bytes is EINVAL, and nothing is asked', async () => {
  const { url, asked } = place(() => ({ served: { bytes: LONG } }))
  for (const head of [Number.NaN, 1.5, -1, Number.POSITIVE_INFINITY]) {
    assert.is(await codeOf(() => HttpSource.open(client, url, { head })), 'EINVAL', String(head))
  }
  assert.is(asked.length, 0)
})

test('several reads of parts in order, at once, are sent no more than they asked for', async () => {
  const bytes = noise(24 * 2 ** 20)
  const { url, asked } = place(() => ({ served: { bytes } }))
  const source = await HttpSource.open(client, url, { head: 1 })
  same(bytes, await readWhole(source))
  const lengths = ranges(asked).map(range => {
    const [from, to] = range.slice('bytes='.length).split('-').map(Number)
    return to - from + 1
  })
  assert.is(
    lengths.reduce((sum, one) => sum + one),
    bytes.length,
  )
  source.close()
})

test('a whole file whose connection breaks behind its last byte is not asked for again', async () => {
  let calls = 0
  const breaking: typeof fetch = async () => {
    calls++
    let given = false
    const body = new ReadableStream({
      pull(controller) {
        if (given) controller.error(new TypeError('terminated'))
        else controller.enqueue(LONG.slice())
        given = true
      },
    })
    return new Response(body, { headers: { etag: '"e"', 'content-length': String(LONG.length) } })
  }
  same(LONG, await fetchWhole(new HttpClient({ fetch: breaking, retries: 2 }), 'http://files.test/x'))
  assert.is(calls, 1)
})

test('the first request brings size and first bytes, and reads only ask for what lacks', async () => {
  const { url, asked } = place(() => ({ served: { bytes: LONG } }))
  const source = await HttpSource.open(client, `${url}`, { head: 1000 })
  assert.is(source.size, LONG.length)
  assert.is(source.label, url)
  same(LONG.subarray(10, 1000), await source.read(10, 990))
  same(LONG.subarray(990, 1010), await source.read(990, 20))
  same(LONG.subarray(LONG.length - 5), await source.read(LONG.length - 5, 100))
  assert.is((await source.read(LONG.length, 5)).length, 0)
  assert.is((await source.read(3, 0)).length, 0)
  assert.equal(ranges(asked), ['bytes=0-999', 'bytes=1000-1009', 'bytes=2999995-2999999'])
  assert.equal(
    asked.map(({ headers }) => headers['if-range']),
    [undefined, '"v1"', '"v1"'],
  )
  source.close()
  assert.is(await codeOf(() => source.read(0, 1)), 'EBADF')
})

test('an empty file, one that tells no total, one in chunks, one that is sent whole', async () => {
  for (const size of [0, 1, 5000, 200_000]) {
    for (const variant of [undefined, ...Object.keys(VARIANTS)]) {
      for (const validators of ['etag', 'weak', 'date', 'none'] as Validators[]) {
        const bytes = noise(size)
        const { url } = place(() => ({ served: { bytes, validators }, fault: VARIANTS[variant ?? ''] }))
        const source = await HttpSource.open(client, url)
        assert.is(source.size, size, variant)
        same(bytes, await source.read(0, size))
        same(bytes.subarray(size >> 1), await source.read(size >> 1, size))
        source.close()
        same(bytes, await fetchWhole(client, url))
      }
    }
  }
})

test('a body that breaks off is gone on with where it was', async () => {
  for (const fault of ['ends early', 'says a shorter length', 'resets in the body', 'stalls in the body']) {
    const { url, asked } = place((_, n) => ({
      served: { bytes: LONG },
      fault: n % 2 === 0 ? FAULTS[fault] : undefined,
    }))
    const source = await HttpSource.open(new HttpClient({ timeout: 1500 }), url, { head: 1000 })
    same(LONG, await source.read(0, LONG.length))
    source.close()
    const [, first, second] = ranges(asked).map(text => Number(/\d+/.exec(text)?.[0]))
    assert.is(first, 1000)
    // What has come before a reset may be lost on its way.
    if (fault === 'resets in the body') assert.ok(second >= first && second <= 1_500_500, fault)
    else assert.is(second, 1000 + ((LONG.length - 1000) >> 1), fault)
  }
})

test('a whole file goes on as well, if the server says which state it is of', async () => {
  for (const validators of ['etag', 'date', 'none'] as const) {
    const { url, asked } = place((_, n) => ({
      served: { bytes: LONG, validators },
      fault: n === 1 ? FAULTS['ends early'] : undefined,
    }))
    same(LONG, await fetchWhole(client, url))
    const second = validators === 'none' ? 'GET' : `bytes=${LONG.length / 2}-${LONG.length - 1}`
    assert.equal(ranges(asked), ['GET', second], validators)
  }
})

test('a long read gets on as long as it gets on', async () => {
  // Each answer breaks off half-way: more often than there are retries, but never without a MiB more.
  const bytes = noise(40_000_000)
  const { url, asked } = place((_, n) => ({
    served: { bytes },
    fault: n > 1 && n < 6 ? FAULTS['ends early'] : undefined,
  }))
  const source = await HttpSource.open(new HttpClient({ timeout: 5000, retries: 1 }), url)
  same(bytes, await source.read(0, bytes.length))
  assert.is(asked.length, 6)
})

test('a file that is replaced is ESTALE, whichever validator tells it', async () => {
  for (const validators of ['etag', 'weak', 'date', 'none'] as const) {
    let version = 1
    const files = [noise(0), noise(100_000), noise(validators === 'none' ? 99_000 : 100_000, 2)]
    const { url } = place(() => ({ served: { bytes: files[version], validators, version } }))
    const source = await HttpSource.open(client, url)
    version = 2
    assert.is(await codeOf(() => source.read(70_000, 100)), 'ESTALE', validators)
    version = 1
    same(files[1].subarray(70_000, 70_100), await source.read(70_000, 100))
  }
})

test('what is no answer to the question is EIO at once', async () => {
  for (const fault of [
    'other start',
    'other end',
    'other unit',
    'no Content-Range',
    'multipart',
    'gzip',
    'less than asked',
  ]) {
    const { url, asked } = place((_, n) => ({ served: { bytes: LONG }, fault: n === 2 ? FAULTS[fault] : undefined }))
    const source = await HttpSource.open(client, url)
    const code = await codeOf(() => source.read(1_000_000, 1000))
    // Some change the total as well, as another state of the file would.
    assert.ok(code === 'EIO' || (fault.startsWith('other') && code === 'ESTALE'), `${fault}: ${code}`)
    assert.is(asked.length, 2, fault)
  }
})

test('a size that is not the expected one, or that no memory has', async () => {
  const { url } = place(() => ({ served: { bytes: LONG } }))
  assert.is(await codeOf(() => HttpSource.open(client, url, { size: 5 })), 'EIO')
  assert.is((await HttpSource.open(client, url, { size: LONG.length })).size, LONG.length)
  const huge = place(() => ({ served: { bytes: LONG }, fault: FAULTS['huge total'] }))
  const source = await HttpSource.open(client, huge.url)
  assert.is(source.size, 999_999_999_999_999)
  assert.is(await codeOf(() => source.read(0, source.size)), 'EFBIG')
  assert.is(await codeOf(() => fetchWhole(client, url, { limit: LONG.length - 1 })), 'EFBIG')
  const endless = place(() => ({ served: { bytes: LONG }, fault: FAULTS['goes on for ever'] }))
  assert.is(await codeOf(() => fetchWhole(client, endless.url, { limit: 5_000_000 })), 'EFBIG')
  assert.is(await codeOf(() => HttpSource.open(client, endless.url)), 'EIO')
})

test('a browser that hides Content-Range: ranges are not trusted, the file is read forward', async () => {
  const { url, asked } = place(() => ({ served: { bytes: LONG } }))
  const hiding = (async (input: string, init?: RequestInit) => {
    const response = await fetch(input, init)
    const shown = new Headers()
    for (const name of ['content-length', 'last-modified']) {
      const value = response.headers.get(name)
      if (value !== null) shown.set(name, value)
    }
    Object.defineProperty(response, 'type', { value: 'cors' })
    Object.defineProperty(response, 'headers', { value: shown })
    return response
  }) as typeof fetch
  const source = await HttpSource.open(new HttpClient({ fetch: hiding }), url)
  assert.is(source.size, LONG.length)
  for (const at of [0, 500_000, 1_000_000, 100_000])
    same(LONG.subarray(at, at + 500_000), await source.read(at, 500_000))
  source.close()
  assert.equal(ranges(asked), ['bytes=0-65535', 'GET', 'GET', 'GET'])
})

test('reads of one source at once', async () => {
  for (const fault of [undefined, VARIANTS['all of it']]) {
    const { url } = place(() => ({ served: { bytes: LONG }, fault }))
    const source = await HttpSource.open(client, url)
    await Promise.all(
      Array.from({ length: 30 }, async (_, i) => {
        const at = (i * 999_983) % LONG.length
        same(LONG.subarray(at, at + 100_000), await source.read(at, 100_000))
      }),
    )
    source.close()
  }
})

test("a body that waits to be read on takes nobody's place, and ends", async () => {
  const { url, asked } = place(() => ({ served: { bytes: LONG }, fault: VARIANTS['all of it'] }))
  const lonely = new HttpClient({ concurrency: 1, timeout: 5000 })
  const sources = []
  for (let i = 0; i < 4; i++) sources.push(await HttpSource.open(lonely, url))
  for (const source of sources) same(LONG.subarray(100_000, 200_000), await source.read(100_000, 100_000))
  for (const source of sources) same(LONG.subarray(200_000, 300_000), await source.read(200_000, 100_000))
  assert.is(asked.length, 8)
  // Node's fetch may open new ones in place of those that are given up.
  const ended = () => server.connections.made - server.connections.open
  const before = ended()
  for (const source of sources) source.close()
  for (let i = 0; i < 500 && ended() < before + 4; i++) await sleep(10)
  assert.ok(ended() >= before + 4, `${ended() - before} connections have ended`)
})

test('a body that was left and has ended is no failure of the next read', async () => {
  const { url, asked } = place(() => ({ served: { bytes: LONG }, fault: VARIANTS['all of it'] }))
  const source = await HttpSource.open(new HttpClient({ timeout: 5000, retries: 0 }), url)
  same(LONG.subarray(100_000, 200_000), await source.read(100_000, 100_000))
  await sleep(2500)
  same(LONG.subarray(200_000, 300_000), await source.read(200_000, 100_000))
  same(LONG.subarray(10_000, 100_000), await source.read(10_000, 90_000))
  assert.is(asked.length, 4)
  source.close()
})

test('who reads in order is sent what comes behind, and who stops is not', async () => {
  const bytes = noise(24_000_000)
  const { url, asked } = place(() => ({ served: { bytes } }))
  const source = await HttpSource.open(client, url)
  const piece = 500_000
  for (let at = 0; at < bytes.length; at += piece) same(bytes.subarray(at, at + piece), await source.read(at, piece))
  // The head, the three reads that show the order, and one for each 16 MiB.
  const last = [2 * piece, 3 * piece + 2 ** 24, bytes.length].map(end => Math.min(end, bytes.length))
  assert.is(asked.length, 5, ranges(asked).join())
  assert.is(ranges(asked)[3], `bytes=${2 * piece}-${last[1] - 1}`)
  for (const at of [5, 3_000_000, 1_000_000]) same(bytes.subarray(at, at + piece), await source.read(at, piece))
  assert.equal(ranges(asked).slice(5), ['bytes=65536-500004', 'bytes=3000000-3499999', 'bytes=1000000-1499999'])
  source.close()
})

const top = mkdtempSync(join(tmpdir(), 'http-source-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))

interface Python {
  readonly url: string
  readonly log: string[]
  readonly child: ChildProcess
}

/** Python's http.server, which knows no ranges. */
async function startPython(python: string): Promise<Python> {
  const args = ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', top, '0']
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  process.on('exit', () => child.kill('SIGKILL'))
  const log: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => log.push(...text.trim().split('\n')))
  const url = await new Promise<string>(resolve => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const port = /port (\d+)/.exec(text)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  })
  return { url, log, child }
}

const python = peer('PYTHON3', 'python3')
if (python === undefined) skip(test, "Python's http.server", 'no python3')
else
  test("Python's http.server, which knows no ranges: one request for a file that is read forward", async () => {
    writeFileSync(join(top, 'file'), LONG)
    writeFileSync(join(top, 'empty'), '')
    const { url, log, child } = await startPython(python)
    const empty = await HttpSource.open(client, `${url}/empty`)
    assert.is(empty.size, 0)
    const source = await HttpSource.open(client, `${url}/file`)
    for (let at = 0; at < LONG.length; at += 300_000)
      same(LONG.subarray(at, at + 300_000), await source.read(at, 300_000))
    same(LONG.subarray(1_000_000, 1_000_010), await source.read(1_000_000, 10))
    source.close()
    same(LONG, await fetchWhole(client, `${url}/file`))
    const lines = log.filter(line => line.includes('GET /file'))
    assert.is(lines.length, 4, log.join('\n'))
    assert.is(await codeOf(() => HttpSource.open(client, `${url}/none`)), 'ENOENT')
    child.kill()
  })

test('and the server goes away', () => server.stop())

test.run()
