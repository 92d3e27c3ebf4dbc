// Between a client and its web server anything may happen. Whatever does: never a wrong byte, never longer than the time
// limits allow, always an error with a code, never a secret in it.
import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, isErrnoName, Miss, type Outcome } from '../../src/format/errno.js'
import { verityDigest } from '../../src/format/verity.js'
import { HttpClient } from '../../src/source/http-client.js'
import { HttpSource } from '../../src/source/http-source.js'
import { fetchWhole } from '../../src/source/http-whole.js'
import { HttpStore } from '../../src/store/http.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { type Asked, FAULTS, LIES, type Script, startFaultServer, VARIANTS } from '../helpers/fault-server.js'
import { noise, sha256 } from '../helpers/store-hash.js'

const test = suite('faults between HTTP client and server')

const TIMEOUT = 200
const RETRIES = 2
/** Of this process, which shares two processors with others. */
const SLACK = 3000
const SECRETS = ['SECRETUSER', 'SECRETPASS', 'SECRETTOKEN', 'SECRETHEADER', 'SECRET']

function random(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1
  return below => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state % below
  }
}

/** What one operation that reads so many bytes may take, by the rules of the client. */
function timeBound(bytes: number): number {
  const answer = TIMEOUT
  const body = TIMEOUT + (bytes / (16 * 1024)) * 1000
  const wait = TIMEOUT
  return (RETRIES + 1) * (answer + body + wait) + SLACK
}

function checkError(error: unknown, what: string): void {
  assert.instance(error, Error, what)
  const { code } = error as Error & { code?: unknown }
  assert.ok(isErrnoName(code), `${what}: code ${String(code)} of ${inspect(error)}`)
  // All of its properties, stacks and causes.
  const text = inspect(error, { depth: 20, showHidden: true })
  for (const secret of SECRETS) assert.not.ok(text.includes(secret), `${what} shows ${secret}: ${text}`)
}

/** Runs it; answers its value, or undefined for an error that is as errors have to be. */
async function tolerated<T>(what: string, bytes: number, run: () => Promise<T>): Promise<T | undefined> {
  const started = performance.now()
  try {
    return await run()
  } catch (error) {
    checkError(error, what)
    return undefined
  } finally {
    const took = performance.now() - started
    assert.ok(took < timeBound(bytes), `${what}: ${took} ms of ${timeBound(bytes)}`)
  }
}

async function settled<T>(operation: () => Outcome<T>): Promise<T> {
  for (;;) {
    const outcome = operation()
    if (outcome instanceof Miss) await outcome.load()
    else if (outcome instanceof Fault)
      throw Object.assign(new Error(outcome.detail, { cause: outcome.cause }), { code: outcome.code })
    else return outcome
  }
}

const plans = new Map<string, Script>()
const server = await startFaultServer(asked => plans.get(asked.path.split('/')[1])?.(asked))
const secretUrl = (name: string) => `http://SECRETUSER:SECRETPASS@${server.host}/${name}/file?token=SECRETTOKEN`
const makeClient = (timeout = TIMEOUT) =>
  new HttpClient({ timeout, retries: RETRIES, headers: { 'x-key': 'SECRETHEADER' }, concurrency: 64 })

const DELIVER = [...Object.entries(FAULTS), ...Object.entries(VARIANTS), ...Object.entries(LIES)]
const VALIDATORS = ['etag', 'weak', 'date', 'none'] as const

interface Plan {
  readonly bytes: Uint8Array
  readonly faults: string[]
}

/** A file whose requests meet faults: each its own, by a seed. */
function plan(name: string, seed: number, deliver: typeof DELIVER, replaced: boolean): Plan {
  const next = random(seed)
  const sizes = [0, 1, 4096, 5000, 65_536, 65_537, 100_000, 200_000]
  const bytes = noise(sizes[next(sizes.length)], seed)
  const validators = VALIDATORS[next(VALIDATORS.length)]
  const often = 1 + next(4)
  const changesAt = replaced ? 1 + next(3) : Number.POSITIVE_INFINITY
  const other = noise(next(2) === 0 ? bytes.length : bytes.length + 10, seed + 1)
  const faults: string[] = []
  plans.set(name, (_asked: Asked) => {
    const isOther = faults.length >= changesAt
    const [fault, deliverIt] = next(4) < often ? deliver[next(deliver.length)] : ['none', undefined]
    faults.push(isOther ? `${fault} (replaced)` : fault)
    const served = isOther ? { bytes: other, validators, version: 2 } : { bytes, validators, version: 1 }
    return { served, fault: deliverIt }
  })
  return { bytes, faults }
}

/** So many runs, some at once. */
async function runs(count: number, one: (seed: number) => Promise<void>): Promise<void> {
  let seed = 0
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (seed < count) await one(++seed)
    }),
  )
}

function same(wanted: Uint8Array, got: Uint8Array | undefined): boolean {
  return got === undefined || Buffer.from(wanted.buffer, wanted.byteOffset, wanted.length).equals(got)
}

test('verified objects: right bytes or an error, whatever the server does', async () => {
  const counts = { right: 0, errors: 0 }
  await runs(300, async seed => {
    const name = `v${seed}`
    const next = random(seed + 77)
    const { bytes, faults } = plan(name, seed, DELIVER, seed % 3 === 0)
    const base = `http://SECRETUSER:SECRETPASS@${server.host}/${name}/?token=SECRETTOKEN`
    const store = new HttpStore(base, { client: makeClient() })
    const objects = new VerifiedObjects(store, sha256)
    const what = () => `seed ${seed}, ${bytes.length} bytes, ${faults.join(', ')}`
    const expected = { digest: verityDigest(bytes, sha256), size: bytes.length }
    const file = await tolerated(what(), 65_536, () => settled(() => objects.open('ab/object', expected, false)))
    for (let i = 0; file !== undefined && i < 4; i++) {
      const from = next(bytes.length + 1)
      const length = next(2) === 0 ? 10 : next(bytes.length + 10)
      const into = new Uint8Array(length).fill(0xee)
      const n = await tolerated(what(), bytes.length + length, () => settled(() => file.read(into, from, false)))
      if (n !== undefined) assert.is(n, Math.min(length, bytes.length - from), what())
      if (n !== undefined) assert.ok(same(bytes.subarray(from, from + length), into.subarray(0, n)), what())
      if (n === undefined) counts.errors++
      else counts.right++
    }
    if (file === undefined) counts.errors++
    file?.close()
    objects.close()
  })
  console.log(`note: ${counts.right} reads were right, ${counts.errors} gave an error`)
  assert.ok(counts.right > 50 && counts.errors > 50, `${counts.right} and ${counts.errors}`)
})

test('bare sources: right bytes or an error, as long as what the server says of the bytes is true', async () => {
  const shown = DELIVER.filter(([name]) => LIES[name] === undefined)
  const counts = { right: 0, errors: 0 }
  await runs(200, async seed => {
    const name = `s${seed}`
    const next = random(seed + 99)
    const { bytes, faults } = plan(name, seed, shown, false)
    const client = makeClient()
    const what = () => `seed ${seed}, ${bytes.length} bytes, ${faults.join(', ')}`
    const source = await tolerated(what(), 65_536, () =>
      HttpSource.open(client, secretUrl(name), { size: bytes.length }),
    )
    for (let i = 0; source !== undefined && i < 4; i++) {
      const from = next(bytes.length + 1)
      const length = next(bytes.length + 10)
      const got = await tolerated(what(), bytes.length, () => source.read(from, length))
      assert.ok(same(bytes.subarray(from, from + length), got), what())
      if (got === undefined) counts.errors++
      else counts.right++
    }
    if (source === undefined) counts.errors++
    source?.close()
  })
  assert.ok(counts.right > 50 && counts.errors > 50, `${counts.right} and ${counts.errors}`)
})

test('reads in order, whose answers go on behind them: right bytes or an error', async () => {
  const shown = DELIVER.filter(([name]) => LIES[name] === undefined)
  const counts = { right: 0, errors: 0 }
  await runs(60, async seed => {
    const name = `o${seed}`
    const { faults } = plan(name, seed, shown, false)
    const bytes = noise(2_500_000, seed)
    const inner = plans.get(name) as Script
    plans.set(name, asked => {
      const planned = inner(asked)
      return planned && { ...planned, served: { ...planned.served, bytes } }
    })
    const what = () => `seed ${seed}, ${faults.join(', ')}`
    const client = makeClient()
    const source = await tolerated(what(), 65_536, () =>
      HttpSource.open(client, secretUrl(name), { size: bytes.length }),
    )
    for (let at = 0; source !== undefined && at < bytes.length; at += 300_000) {
      const got = await tolerated(what(), bytes.length, () => source.read(at, 300_000))
      assert.ok(same(bytes.subarray(at, at + 300_000), got), what())
      if (got === undefined) counts.errors++
      else counts.right++
    }
    source?.close()
  })
  assert.ok(counts.right > 50 && counts.errors > 10, `${counts.right} and ${counts.errors}`)
})

test('a source of a file that is replaced: bytes of one state only', async () => {
  let stale = 0
  await runs(100, async seed => {
    const name = `r${seed}`
    const first = noise(100_000, seed)
    const second = noise(seed % 2 === 0 ? 100_000 : 100_010, seed + 1000)
    const validators = VALIDATORS[seed % 3]
    let version = 1
    plans.set(name, () => ({ served: { bytes: version === 1 ? first : second, validators, version } }))
    const source = await HttpSource.open(makeClient(10_000), secretUrl(name))
    assert.ok(same(first.subarray(0, 80_000), await source.read(0, 80_000)))
    version = 2
    try {
      await source.read(70_000, 1000)
    } catch (error) {
      checkError(error, name)
      assert.is((error as { code: string }).code, 'ESTALE')
      stale++
    }
  })
  assert.is(stale, 100)
})

test('whole files: right bytes or an error', async () => {
  const shown = DELIVER.filter(([name]) => LIES[name] === undefined)
  const counts = { right: 0, errors: 0 }
  await runs(150, async seed => {
    const name = `w${seed}`
    const { bytes, faults } = plan(name, seed, shown, false)
    const what = () => `seed ${seed}, ${bytes.length} bytes, ${faults.join(', ')}`
    const got = await tolerated(what(), 2 ** 20, () => fetchWhole(makeClient(), secretUrl(name), { limit: 2 ** 20 }))
    // What is shorter by all that was said can't be known to be.
    const silent = /says a shorter length|sends more|multipart/
    if (!faults.some(fault => silent.test(fault))) assert.ok(same(bytes, got), what())
    if (got === undefined) counts.errors++
    else counts.right++
  })
  assert.ok(counts.right > 30 && counts.errors > 30, `${counts.right} and ${counts.errors}`)
})

test.run()
