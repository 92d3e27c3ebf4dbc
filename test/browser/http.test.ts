// HttpStore in Chromium, over nginx on another origin: what a browser hides, asks first and follows by itself, and the
// synchronous forms in a worker. Requests are counted from nginx's log.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Nginx, NO_NGINX, startNginx } from '../helpers/nginx.js'
import { ROOT, skip } from '../helpers/paths.js'
import { noise } from '../helpers/store-hash.js'
import { bundled } from './bundle.js'
import { CHROMIUM, newPage, startChromium, TIMEOUT_MS } from './chromium.js'

const test = suite('browser: HttpStore')
const SIZE = 300_000
const top = mkdtempSync(join(tmpdir(), 'http-browser-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))
for (const name of ['shown', 'hidden', 'small']) mkdirSync(join(top, name))
for (const name of ['shown/x', 'hidden/x', 'y']) writeFileSync(join(top, name), noise(SIZE))
writeFileSync(join(top, 'hidden/small'), noise(1000))
writeFileSync(
  join(top, 'index.html'),
  '<!doctype html><meta charset="utf-8"><title>x</title><link rel="icon" href="data:,">',
)

/** What page and worker do alike: opens, reads parts, answers what it saw. */
const SHARED = `
import { HttpStore } from '${ROOT}/src/store/http.ts'
import { fetchWhole } from '${ROOT}/src/source/http-whole.ts'
import { HttpClient } from '${ROOT}/src/source/http-client.ts'
const sum = bytes => bytes.reduce((a, b) => (a * 31 + b) >>> 0, bytes.length)
const failure = async run => { try { await run(); return 'none' } catch (error) { return error.code + ' ' + error.message } }
async function ask({ base, name, parts, headers, sync }) {
  const store = new HttpStore(base, { headers, retries: 0, timeout: ${TIMEOUT_MS} })
  if (sync) {
    const object = store.openSync(name)
    const answer = { size: object.size, sums: parts.map(([at, length]) => sum(object.readSync(at, length))), stat: store.statSync(name).size }
    let missing = 'none'
    try { store.openSync('none') } catch (error) { missing = error.code }
    object.close()
    return { ...answer, missing }
  }
  const object = await store.open(name)
  const sums = []
  for (const [at, length] of parts) sums.push(sum(await object.read(at, length)))
  object.close()
  return { size: object.size, sums, sync: store.openSync !== undefined }
}
const whole = async url => sum(await fetchWhole(new HttpClient(), url))
`
const page = `${SHARED}; Object.assign(globalThis, { ask, whole, failure })`
const worker = `${SHARED}; onmessage = ({ data }) => ask(data).then(answer => postMessage({ answer }), error => postMessage({ error: String(error.stack) }))`

function sum(bytes: Uint8Array): number {
  return bytes.reduce((a, b) => (a * 31 + b) >>> 0, bytes.length)
}

/** A browser's cache asks for other ranges than it is asked for; what comes out is the same. */
const UNCACHED = 'add_header Cache-Control no-store;'

const PARTS = [
  [0, 1000],
  [60_000, 10_000],
  [SIZE - 10, 50],
  [200_000, 50_000],
] as const
const SUMS = PARTS.map(([at, length]) => sum(noise(SIZE).subarray(at, at + length)))

async function add(executablePath: string, home: Nginx, away: Nginx): Promise<void> {
  writeFileSync(join(top, 'page.js'), await bundled(page))
  writeFileSync(join(top, 'worker.js'), await bundled(worker))
  const browser = await startChromium(executablePath)
  const tab = await newPage(browser)
  await tab.goto(`${home.url}/`)
  await tab.addScriptTag({ type: 'module', url: '/page.js' })
  await tab.waitForFunction('typeof ask === "function"')
  const ask = (spec: object) => tab.evaluate(`ask(${JSON.stringify({ parts: PARTS, name: 'x', ...spec })})`)
  const askWorker = (spec: object) =>
    tab.evaluate(`new Promise((resolve, reject) => {
      const worker = new Worker('/worker.js', { type: 'module' })
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = ({ data }) => data.error === undefined ? resolve(data.answer) : reject(new Error(data.error))
      worker.postMessage(${JSON.stringify({ parts: PARTS, name: 'x', ...spec })})
    })`)
  const asked = async (server: Nginx) =>
    (await server.log()).map(({ method, range, status }) => `${method} ${range} ${status}`)
  const RANGES = [
    'GET bytes=0-65535 206',
    'GET bytes=65536-69999 206',
    `GET bytes=${SIZE - 10}-${SIZE - 1} 206`,
    'GET bytes=200000-249999 206',
  ]

  test('ranges of the own origin, with If-Range', async () => {
    await home.log()
    assert.equal(await ask({ base: `${home.url}/shown` }), { size: SIZE, sums: SUMS, sync: false })
    const log = await home.log()
    assert.equal(
      log.map(({ method, range, status }) => `${method} ${range} ${status}`),
      RANGES,
    )
    assert.ok(log.slice(1).every(({ ifRange }) => ifRange !== ''))
  })

  test('ranges of another origin, without a request that asks first', async () => {
    assert.equal(await ask({ base: `${away.url}/shown` }), { size: SIZE, sums: SUMS, sync: false })
    assert.equal(await asked(away), RANGES)
    const own = await ask({ base: `${away.url}/shown`, headers: { Authorization: 'Bearer x' } })
    assert.equal(own, { size: SIZE, sums: SUMS, sync: false })
    const log = await away.log()
    assert.ok(log.every(({ method, authorization }) => method === 'OPTIONS' || authorization === 'Bearer x'))
    assert.ok(
      log.some(({ method }) => method === 'OPTIONS'),
      'what is unusual is asked for first',
    )
  })

  test('another origin that does not show Content-Range is read without ranges', async () => {
    assert.equal(await ask({ base: `${away.url}/hidden` }), { size: SIZE, sums: SUMS, sync: false })
    const log = await asked(away)
    assert.is(log[0], 'GET bytes=0-65535 206')
    assert.ok(log.length > 2 && log.slice(1).every(line => line === 'GET  200'), log.join())
  })

  test("redirects, which a browser follows by itself, go without what is the user's", async () => {
    await home.log()
    assert.equal(await ask({ base: `${home.url}/moved`, headers: { Authorization: 'SECRET' } }), {
      size: SIZE,
      sums: SUMS,
      sync: false,
    })
    const there = await away.log()
    assert.ok(there.length >= 4 && there.every(({ authorization }) => authorization === ''), JSON.stringify(there))
    assert.ok((await home.log()).some(({ authorization }) => authorization === 'SECRET'))
  })

  test('whole files, and what is missing or not allowed', async () => {
    for (const { url } of [home, away]) assert.is(await tab.evaluate(`whole('${url}/y')`), sum(noise(SIZE)))
    assert.match(
      String(await tab.evaluate(`failure(() => whole('${away.url}/none?t=SECRET'))`)),
      /^ENOENT .*status 404$/,
    )
    const blocked = String(
      await tab.evaluate(`failure(() => ask({ base: '${away.url}/closed?t=SECRET', name: 'x', parts: [] }))`),
    )
    assert.match(blocked, /^EIO /)
    assert.not.match(blocked, /SECRET/)
  })

  test('a worker reads synchronously', async () => {
    for (const server of [home, away]) {
      await server.log()
      const answer = await askWorker({ base: `${server.url}/shown`, sync: true })
      assert.equal(answer, { size: SIZE, sums: SUMS, stat: SIZE, missing: 'ENOENT' })
      const log = (await asked(server)).filter(line => line.includes('206'))
      assert.equal(log, [...RANGES, 'GET bytes=0-0 206'])
      assert.equal(await askWorker({ base: `${server.url}/shown` }), { size: SIZE, sums: SUMS, sync: true })
    }
    const hidden = await askWorker({ base: `${away.url}/hidden`, sync: true })
    assert.equal(hidden, { size: SIZE, sums: SUMS, stat: SIZE, missing: 'ENOENT' })
    const own = await askWorker({ base: `${home.url}/shown`, headers: { 'x-key': 'x' } })
    assert.equal(own, { size: SIZE, sums: SUMS, sync: false }, 'not where something of the user is to be sent')
  })

  test('and all goes away', async () => {
    await browser.close()
    await home.stop()
    await away.stop()
  })
}

const away = await startNginx({
  root: top,
  more: `${UNCACHED}
    location /hidden/ { add_header Access-Control-Allow-Origin * always; ${UNCACHED} }
    location /closed/ { add_header X-Nothing 1; }`,
})
const home = await startNginx({
  root: top,
  more: `${UNCACHED} location /moved/ { rewrite ^/moved/(.*)$ ${away?.url}/shown/$1 redirect; }`,
})
if (home === undefined || away === undefined) skip(test, 'all of it', NO_NGINX)
else if (CHROMIUM === undefined) {
  await home.stop()
  await away.stop()
  skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
} else await add(CHROMIUM, home, away)

test.run()
