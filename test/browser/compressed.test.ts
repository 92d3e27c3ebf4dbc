// Compressed images in Chromium: a page and a worker open each every way there is, and what its files hash to is what the
// truth says. The decoders are a part of the bundle that is loaded when the first such image is.
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import esbuild from 'esbuild'
import type { Browser, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compressedImage, compressedNames, compressedTruth, devicesOf } from '../helpers/compressed-images.js'
import { ROOT, SHARED, skip, vector } from '../helpers/paths.js'
import { readTruth, type TruthEntry } from '../helpers/truth.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import type { CompressedAnswer, CompressedImage, CompressedQuestion } from './compressed-page.js'

const test = suite('browser: compressed images')
const PAGE = '<!doctype html><meta charset="utf-8"><title>x</title><link rel="icon" href="data:,">'
/** Of the shared vectors, one for each algorithm, and what else is read in its own way. */
const VECTORS = ['lz4', 'lzma-big-frag', 'deflate-big', 'zstd-big-dedupe', 'dirz', 'metabox-zstd', 'two-devices']

const served = new Map<string, Uint8Array>()
const asked: { path: string; status: number; bytes: number }[] = []

const server = createServer((request, response) => {
  const path = request.url ?? ''
  const body = path === '/' ? Buffer.from(PAGE) : served.get(path)
  const type = path.endsWith('.js') ? 'text/javascript' : path === '/' ? 'text/html' : 'application/octet-stream'
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const answer = (status: number, bytes: Uint8Array, more = {}) => {
    asked.push({ path, status, bytes: bytes.length })
    response.writeHead(status, { 'content-type': type, 'accept-ranges': 'bytes', etag: '"1"', ...more })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  }
  if (body === undefined) answer(404, new Uint8Array(0))
  else if (from === undefined) answer(200, body, { 'content-length': body.length })
  else {
    const bytes = body.subarray(Number(from), Number(to) + 1)
    answer(206, bytes, { 'content-range': `bytes ${from}-${Number(from) + bytes.length - 1}/${body.length}` })
  }
})

/** Puts an image where it is served. */
function publish(name: string, image: Uint8Array, devices: readonly Uint8Array[]): CompressedImage {
  served.set(`/images/${name}`, image)
  const urls = devices.map((device, i) => {
    served.set(`/images/${name}.${i}`, device)
    return `${origin}/images/${name}.${i}`
  })
  return { name, url: `${origin}/images/${name}`, devices: urls }
}

/** Files by names that need no escapes, and one hash over those of all. */
function expectedOf(truth: readonly TruthEntry[]): { paths: string[]; hash: string } {
  const files = truth.filter(({ path, sha256: hash }) => hash !== undefined && !path.includes('\\'))
  const hash = Buffer.from(files.map(file => file.sha256).join(''), 'hex').toString('hex')
  return { paths: files.map(({ path }) => path), hash }
}

/** The bundle's files, which a page loads when it wants them. */
async function bundle(): Promise<void> {
  const result = await esbuild.build({
    entryPoints: { page: join(ROOT, 'test/browser/compressed-page.ts') },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'browser', target: 'es2022', write: false },
    ...{ outdir: '/parts', chunkNames: '[name]-[hash]', logLevel: 'silent', ignoreAnnotations: true },
  })
  for (const { path, contents } of result.outputFiles) served.set(path, contents)
}

await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const own = expectedOf(compressedTruth())
const ownImages = compressedNames().map(name => publish(name, compressedImage(name), devicesOf(name)))
const ownQuestion = (waits: boolean): CompressedQuestion => ({ images: ownImages, paths: own.paths, waits })

function check(answer: CompressedAnswer, images: readonly CompressedImage[], hash: string, ways: number): void {
  for (const { name } of images) {
    assert.is(Object.keys(answer[name]).length, ways)
    for (const [way, found] of Object.entries(answer[name])) assert.ok(found === hash, `${name}, ${way}`)
  }
}

async function inPage(browser: Browser, question: CompressedQuestion): Promise<CompressedAnswer> {
  return withPage(browser, async page => {
    await page.addScriptTag({ type: 'module', url: '/parts/page.js' })
    await page.waitForFunction('typeof ask === "function"')
    return (await page.evaluate(`ask(${JSON.stringify(question)})`)) as CompressedAnswer
  })
}

async function inWorker(browser: Browser, question: CompressedQuestion): Promise<CompressedAnswer> {
  return withPage(browser, async page => {
    const said = (await page.evaluate(`new Promise((resolve, reject) => {
      const worker = new Worker('/parts/page.js', { type: 'module' })
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = ({ data }) => resolve(data)
      worker.postMessage(${JSON.stringify(question)})
    })`)) as { answer: CompressedAnswer; error?: string }
    assert.is(said.error, undefined)
    return said.answer
  })
}

async function withPage<T>(browser: Browser, use: (page: Page) => Promise<T>): Promise<T> {
  const page = await newPage(browser)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  try {
    await page.goto(`${origin}/`)
    const answer = await use(page)
    assert.equal(complaints, [])
    return answer
  } finally {
    await page.close()
  }
}

const decoder = () => asked.filter(({ path }) => path.startsWith('/parts/full-core-bytes'))

function addAll(executablePath: string): void {
  const launched = Promise.all([startChromium(executablePath), bundle()])

  test('a page reads each of the fixtures by bytes, Blobs, URLs and ranges, and at once', async () => {
    const [browser] = await launched
    const answer = await inPage(browser, { ...ownQuestion(false), early: ownImages.find(({ name }) => name === 'lz4') })
    check(answer, ownImages, own.hash, 5)
    const { first, names, read } = answer['early']
    assert.match(first, /^EAGAIN: .*await loadDecoders\(\)/)
    assert.match(names, /text/)
    assert.match(read, /^ENOTSUP: .*compressed by LZ4: await loadDecoders\(\)/)
    assert.is(decoder().length, 1)
    const ranges = asked.filter(({ path, status }) => path.startsWith('/images/') && status === 206)
    assert.ok(ranges.length >= ownImages.length, `${ranges.length} ranges`)
  })

  test('a worker does, and at once by ranges, too', async () => {
    const [browser] = await launched
    check(await inWorker(browser, ownQuestion(true)), ownImages, own.hash, 6)
  })

  if (SHARED === undefined) skip(test, 'the shared images', 'there are no shared vectors beside this checkout')
  else {
    test('a worker reads the shared images', async () => {
      const [browser] = await launched
      for (const truthName of ['tree', 'tree-metabox']) {
        const names = VECTORS.filter(name => name.startsWith('metabox') === (truthName === 'tree-metabox'))
        const { paths, hash } = expectedOf(readTruth(vector('erofs', `${truthName}.truth.jsonl.gz`)))
        const images = names.map(name => publish(name, sharedBytes(`${name}.erofs.gz`), sharedDevices(name)))
        check(await inWorker(browser, { images, paths, waits: true }), images, hash, 6)
      }
    })
  }

  test('and goes away', async () => {
    const [browser] = await launched
    await browser.close()
    server.closeAllConnections()
    server.close()
  })
}

function sharedBytes(file: string): Uint8Array {
  return gunzipSync(readFileSync(vector('erofs', file)))
}

function sharedDevices(name: string): Uint8Array[] {
  const file = `${name}.blob.gz`
  return existsSync(vector('erofs', file)) ? [sharedBytes(file)] : []
}

if (CHROMIUM === undefined) {
  skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
  server.close()
} else addAll(CHROMIUM)
test.run()
