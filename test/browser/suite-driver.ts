// Has a worker in Chromium run test files of Node's (stand-ins.ts, suite-worker.ts), and is the host that they read their
// fixtures from. Each of their tests becomes one here.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT, SHARED, skip } from '../helpers/paths.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import { forBrowser } from './stand-ins.js'
import type { Answer } from './suite-worker.js'

const PAGE = '<!doctype html><meta charset="utf-8"><title>suites</title><link rel="icon" href="data:,">'

/** What the fixtures' host answers; paths outside the checkout and the vectors are not there. */
function hostAnswer(call: string, path: string, body: Buffer): string | Uint8Array | undefined {
  if (call === 'gunzip') return gunzipSync(body)
  const known = [ROOT, SHARED].some(place => place !== undefined && `${path}/`.startsWith(`${place}/`))
  if (call === 'exists') return String(known && existsSync(path))
  if (!known || !existsSync(path)) return undefined
  return call === 'list' ? JSON.stringify(readdirSync(path)) : readFileSync(path)
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

/** Scripts by their path, and whoever else serves something beside them. */
export async function serveScripts(scripts: ReadonlyMap<string, string | Uint8Array>) {
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://host')
    const body = await bodyOf(request)
    const script = scripts.get(pathname)
    if (pathname === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
    else if (script !== undefined) response.writeHead(200, { 'content-type': 'text/javascript' }).end(script)
    else {
      const answer = hostAnswer(pathname.replace('/host/', ''), decodeURIComponent(search.slice(1)), body)
      response.writeHead(answer === undefined ? 404 : 200).end(answer)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

/** A worker in a page of its own, which is gone with it. */
class TestWorker {
  readonly complaints: string[] = []

  constructor(readonly page: Page) {
    page.on('pageerror', error => this.complaints.push(String(error)))
    page.on('console', message => {
      if (message.type() === 'error') this.complaints.push(message.text())
      if (/^note:/.test(message.text().trim())) console.log(message.text().trim())
    })
  }

  async start(script: string): Promise<readonly string[]> {
    const answer = (await this.page.evaluate(`new Promise((resolve, reject) => {
      globalThis.worker = new Worker(${JSON.stringify(script)}, { type: 'module' })
      worker.onerror = event => reject(new Error(event.message || 'the worker did not load'))
      worker.onmessage = event => resolve(event.data)
    })`)) as Answer
    return answer.names ?? []
  }

  async run(index: number): Promise<Answer> {
    return (await this.page.evaluate(`new Promise((resolve, reject) => {
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = event => resolve(event.data)
      worker.postMessage(${index})
    })`)) as Answer
  }
}

/** Tests that are left out, by what their name contains, and why. */
export type LeftOut = Readonly<Record<string, string>>

export interface SuiteFile {
  /** Below test/. */
  readonly name: string
  readonly leftOut?: LeftOut
}

/** A test file, loaded in a worker. */
async function load(browser: Browser, origin: string, { name }: SuiteFile) {
  const page = await newPage(browser)
  await page.goto(`${origin}/`)
  const worker = new TestWorker(page)
  return { worker, names: await worker.start(`/${name}.js`) }
}

function addFile(
  test: Test,
  { name, leftOut = {} }: SuiteFile,
  { worker, names }: Awaited<ReturnType<typeof load>>,
): void {
  const unmet = new Set(Object.keys(leftOut))
  for (const [index, title] of names.entries()) {
    const out = Object.keys(leftOut).find(part => title.includes(part))
    if (out !== undefined) {
      if (unmet.delete(out)) skip(test, `${name}, ${out}`, leftOut[out])
      continue
    }
    test(`${name}, ${title}`, async () => {
      const { failed } = await worker.run(index)
      assert.is(failed, undefined)
      assert.equal(worker.complaints, [])
    })
  }
  test(`${name} has tests, and those that are left out are there`, async () => {
    assert.ok(names.length > 0)
    assert.equal([...unmet], [])
    await worker.page.close()
  })
}

async function scriptOf({ name }: SuiteFile): Promise<[string, string]> {
  const environment = JSON.stringify({ COMPOSEFS_WASM_ROOT: ROOT, COMPOSEFS_WASM_SHARED: SHARED })
  const script = await forBrowser(`import './test/${name}'
    import { serveTests } from './test/browser/suite-worker.ts'
    serveTests()`)
  return [`/${name}.js`, `globalThis.environment = ${environment};${script}`]
}

/** Adds the tests of some files to a suite; what they are run in goes away with the last. */
export async function addSuiteFiles(test: Test, files: readonly SuiteFile[]): Promise<void> {
  if (CHROMIUM === undefined) {
    skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
    return
  }
  const starting = startChromium(CHROMIUM)
  const { origin, server } = await serveScripts(new Map(await Promise.all(files.map(scriptOf))))
  const browser = await starting
  const loaded = await Promise.all(files.map(file => load(browser, origin, file)))
  for (const [index, file] of files.entries()) addFile(test, file, loaded[index])
  test('and goes away', async () => {
    await browser.close()
    server.closeAllConnections()
    server.close()
  })
}
