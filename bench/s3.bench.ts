// 100 MB objects in OpenStack Swift on loopback, written and read through S3Store, against what curl and the signing
// library alone reach on the same link. Swift shares the processors with who asks it, so the shares count, not the speeds.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AwsClient } from 'aws4fetch'
import { verityDigest } from '../src/format/verity.js'
import { sha256 } from '../src/host/hash.js'
import { S3Store } from '../src/store/s3.js'
import type { S3Options } from '../src/store/s3-options.js'
import { VerifiedObjects } from '../src/store/verified.js'
import { noise } from '../test/helpers/store-hash.js'
import { settle, value } from '../test/helpers/store-verified.js'
import { type Swift, startSwift } from '../test/helpers/swift.js'
import { budget, milliseconds, type Sample, sampleOf, skipped, table } from './measure.js'
import { scratch } from './subjects.js'

const SIZE = 100_000_000
const PART = 8 * 2 ** 20
const AT_ONCE = 4
const ROUNDS = 7
const BUCKET = 'bench'
const CURL = 'curl'
const LIBRARY = 'aws4fetch'
const OURS = 'S3Store'
const SHARE = 0.8
/** What both ends hash so that a wrong byte is noticed is not done by who signs nothing but the headers. */
const SHARE_HASHED = 0.6

interface Contestant {
  readonly name: string
  /** `key` is a new one in each round. */
  run(key: string): Promise<void>
}

async function interleaved(contestants: readonly Contestant[], after: (key: string) => Promise<void>) {
  const runs = new Map<string, number[]>(contestants.map(one => [one.name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [number, one] of contestants.entries()) {
      const key = `round${round}/${number}`
      const started = performance.now()
      await one.run(key)
      const took = performance.now() - started
      if (round >= 0) runs.get(one.name)?.push(took)
      await after(key)
    }
  }
  return new Map([...runs].map(([name, all]) => [name, sampleOf(all)]))
}

function curl(swift: Swift, key: string, ...more: string[]): void {
  // An access key of Swift has a colon in it, which only a URL can say.
  const user = `${encodeURIComponent(swift.accessKeyId)}:${encodeURIComponent(swift.secretAccessKey)}`
  const url = `${swift.endpoint.replace('://', `://${user}@`)}/${BUCKET}/${key}`
  const sign = ['--aws-sigv4', `aws:amz:${swift.region}:s3`, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD']
  const { status, stderr } = spawnSync('curl', ['-sS', '-f', ...sign, ...more, '-o', '/dev/null', url])
  if (status !== 0) throw new Error(`curl: ${stderr}`)
}

/** Runs something for each part of the object, some at once. */
async function inParts(run: (from: number, to: number) => Promise<number>): Promise<void> {
  let at = 0
  let sum = 0
  const worker = async () => {
    while (at < SIZE) {
      const from = at
      at += PART
      const came = await run(from, Math.min(from + PART, SIZE))
      sum += came
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  if (sum !== SIZE) throw new Error(`${sum} bytes came`)
}

function storeOf({ endpoint, region, accessKeyId, secretAccessKey }: Swift, options: Partial<S3Options>): S3Store {
  return new S3Store(`s3://${BUCKET}`, { endpoint, region, accessKeyId, secretAccessKey, ...options })
}

function readers(swift: Swift, client: AwsClient, store: S3Store, key: string, digest: Uint8Array): Contestant[] {
  const url = `${swift.endpoint}/${BUCKET}/${key}`
  const get = async (range: Record<string, string>) => {
    const response = await client.fetch(url, { headers: range })
    return (await response.arrayBuffer()).byteLength
  }
  return [
    { name: CURL, run: async () => curl(swift, key) },
    {
      name: LIBRARY,
      run: async () => {
        if ((await get({})) !== SIZE) throw new Error('too short')
      },
    },
    { name: `${LIBRARY}, ranges`, run: () => inParts((from, to) => get({ range: `bytes=${from}-${to - 1}` })) },
    {
      name: OURS,
      run: async () => {
        const object = await store.open(key)
        if ((await object.read(0, SIZE)).length !== SIZE) throw new Error('too short')
        object.close()
      },
    },
    {
      name: `${OURS}, ranges`,
      run: async () => {
        const object = await store.open(key)
        await inParts(async (from, to) => (await object.read(from, to - from)).length)
        object.close()
      },
    },
    {
      name: `${OURS}, verified`,
      run: async () => {
        // A new one each time, so that everything is hashed.
        const objects = new VerifiedObjects(store, sha256)
        const file = value(await settle(() => objects.open(key, { digest }, true)))
        if (value(await settle(() => file.readAll(true))).length !== SIZE) throw new Error('too short')
        file.close()
      },
    },
  ]
}

/** What S3Store asks for, and no more: parts whose hash is signed, some at once. */
async function putParts(swift: Swift, client: AwsClient, key: string, data: Uint8Array): Promise<void> {
  const url = `${swift.endpoint}/${BUCKET}/${key}`
  const ask = async (method: string, query: string, body?: Uint8Array, headers?: Record<string, string>) => {
    const response = await client.fetch(`${url}?${query}`, { method, headers, body: body as BodyInit })
    if (response.status !== 200) throw new Error(`status ${response.status}`)
    return { text: await response.text(), etag: response.headers.get('etag') ?? '' }
  }
  const id = /<UploadId>(.*?)</.exec((await ask('POST', 'uploads')).text)?.[1]
  const etags: string[] = []
  await inParts(async (from, to) => {
    const body = data.subarray(from, to)
    const hash = Buffer.from(await crypto.subtle.digest('SHA-256', body as Uint8Array<ArrayBuffer>)).toString('hex')
    const query = `partNumber=${from / PART + 1}&uploadId=${id}`
    etags[from / PART] = (await ask('PUT', query, body, { 'x-amz-content-sha256': hash })).etag
    return to - from
  })
  const parts = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`)
  const complete = `<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`
  await ask('POST', `uploadId=${id}`, new TextEncoder().encode(complete))
}

function writers(swift: Swift, client: AwsClient, store: S3Store, data: Uint8Array, file: string): Contestant[] {
  const one = storeOf(swift, { partSize: 2 * SIZE })
  return [
    { name: CURL, run: async key => curl(swift, key, '-T', file) },
    {
      name: LIBRARY,
      run: async key => {
        const { status } = await client.fetch(`${swift.endpoint}/${BUCKET}/${key}`, {
          method: 'PUT',
          body: data as BodyInit,
        })
        if (status !== 200) throw new Error(`status ${status}`)
      },
    },
    { name: `${LIBRARY}, parts`, run: key => putParts(swift, client, key, data) },
    { name: OURS, run: key => one.put(key, data) },
    { name: `${OURS}, parts`, run: key => store.put(key, data) },
  ]
}

function print(title: string, samples: ReadonlyMap<string, Sample>): void {
  const speed = (ms: number) => `${(SIZE / 1000 / ms).toFixed(0)} MB/s`
  console.log(title)
  table(
    ['', 'best', 'median', 'median speed'],
    [...samples].map(([name, { best, median }]) => [name, milliseconds(best), milliseconds(median), speed(median)]),
  )
}

function share(what: string, samples: ReadonlyMap<string, Sample>, ours: string, other: string, least = SHARE): void {
  const [a, b] = [samples.get(ours), samples.get(other)]
  if (a === undefined || b === undefined) return
  const best = b.best / a.best
  const text = `${(best * 100).toFixed(0)} % (median ${((b.median / a.median) * 100).toFixed(0)} %)`
  budget(`${what}, as a share of ${other}`, `≥ ${least * 100} %`, text, best >= least)
}

async function compare(swift: Swift): Promise<void> {
  const client = new AwsClient({ ...swift, service: 's3', retries: 0 })
  await client.fetch(`${swift.endpoint}/${BUCKET}`, { method: 'PUT' })
  const store = storeOf(swift, { partSize: PART, partsAtOnce: AT_ONCE })
  const data = noise(SIZE)
  const file = join(scratch(), 'data')
  writeFileSync(file, data)
  const hasCurl = spawnSync('curl', ['--version']).status === 0
  if (!hasCurl) skipped('curl', 'it is not here')
  const those = (all: Contestant[]) => all.filter(one => hasCurl || one.name !== CURL)

  const written = await interleaved(those(writers(swift, client, store, data, file)), key => store.delete(key))
  print('writing 100 MB', written)
  // One object, as curl would put it: where it lies must not differ between those who read it.
  await client.fetch(`${swift.endpoint}/${BUCKET}/read`, { method: 'PUT', body: data as BodyInit })
  const digest = verityDigest(data, sha256)
  const read = await interleaved(those(readers(swift, client, store, 'read', digest)), async () => {})
  print('reading 100 MB', read)
  share('S3 writes', written, OURS, CURL, SHARE_HASHED)
  share('S3 writes', written, OURS, LIBRARY, SHARE_HASHED)
  share('S3 writes in parts', written, `${OURS}, parts`, `${LIBRARY}, parts`)
  share('S3 reads', read, OURS, CURL)
  share('S3 reads', read, OURS, LIBRARY)
  share('S3 reads in ranges', read, `${OURS}, ranges`, `${LIBRARY}, ranges`)
  share('S3 reads, verified', read, `${OURS}, verified`, LIBRARY)
}

const swift = await startSwift()
if (typeof swift === 'string') skipped('S3 throughput', swift)
else {
  await compare(swift)
  await swift.stop()
}
