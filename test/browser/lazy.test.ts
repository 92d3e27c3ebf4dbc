// A lazy image with its objects on a web server, in Chromium: on a page by promises and prefetch, in a worker at once; objects
// kept in the browser. Requests are counted by nginx's log.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../src/host/hash.js'
import { buildImage, DirectoryStore, merkleTree, TreeBuilder } from '../../src/node.js'
import { type Nginx, NO_NGINX, startNginx } from '../helpers/nginx.js'
import { ROOT, skip } from '../helpers/paths.js'
import { noise } from '../helpers/store-hash.js'
import { bundled } from './bundle.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'

const test = suite('browser: lazy images')
const FILES = 400
const SIZE = 5000

const top = mkdtempSync(join(tmpdir(), 'lazy-browser-'))
process.on('exit', () => rmSync(top, { recursive: true, force: true }))
writeFileSync(
  join(top, 'index.html'),
  '<!doctype html><meta charset="utf-8"><title>x</title><link rel="icon" href="data:,">',
)

const builder = new TreeBuilder()
for (let dir = 0; dir < 20; dir++) {
  builder.addDirectory(`/d${dir}`)
  for (let i = 0; i < FILES / 20; i++) {
    const content = noise(SIZE)
    content[0] = dir
    content[1] = i
    builder.addFile(`/d${dir}/a file with a name of some length ${i}`, content)
  }
}
// Enough names that the image has many more pages than are read to list the root.
for (let i = 0; i < 4000; i++) builder.addFile(`/d0/small ${i}`, `content of file ${i}`)
const built = await buildImage(builder, { store: new DirectoryStore(join(top, 'objects')) })
writeFileSync(join(top, 'image'), built.image)
writeFileSync(join(top, 'image.verity'), merkleTree(built.image, sha256))
const digest = built.digest

const CODE = `
import { CachedStore, HttpStore, IndexedDbStore, mount, OpfsStore } from '${ROOT}/src/index.ts'
const stores = { none: () => undefined, indexedDb: () => new IndexedDbStore('objects'), opfs: () => new OpfsStore('objects') }
async function open({ url, digest, cache }) {
  const slow = new HttpStore(url + '/objects')
  const fast = stores[cache ?? 'none']()
  const store = fast === undefined ? slow : new CachedStore({ fast, slow, maxBytes: 2 ** 26 })
  return mount(url + '/image', { lazy: true, digest, store })
}
const codeOf = run => { try { run(); return 'none' } catch (error) { return error.code + ': ' + error.message } }
async function read(spec) {
  const m = await open(spec)
  const names = await m.fs.promises.readdir('/')
  const whole = []
  for (const path of spec.paths) whole.push(Array.from((await m.fs.promises.readFile(path)).subarray(0, 8)))
  m.unmount()
  return { names, whole }
}
async function early(spec) {
  const m = await open(spec)
  const before = codeOf(() => m.fs.readFileSync(spec.paths[0]))
  await m.prefetch(spec.paths)
  const whole = spec.paths.map(path => Array.from(m.fs.readFileSync(path).subarray(0, 8)))
  m.unmount()
  return { before, whole }
}
async function atOnce(spec) {
  const m = await open(spec)
  const names = m.fs.readdirSync('/')
  const whole = spec.paths.map(path => Array.from(m.fs.readFileSync(path).subarray(0, 8)))
  m.unmount()
  return { names, whole }
}
`
const PAGE = `${CODE}; Object.assign(globalThis, { read, early })`
const WORKER = `${CODE}; onmessage = ({ data }) => (data.sync ? atOnce : read)(data).then(answer => postMessage({ answer }), error => postMessage({ error: String(error.stack) }))`

const PATHS = [3, 7, 19].map(dir => `/d${dir}/a file with a name of some length ${dir % 5}`)
const CONTENTS = [3, 7, 19].map(dir => [dir, dir % 5, ...noise(SIZE).subarray(2, 8)])
const NAMES = Array.from({ length: 20 }, (_, i) => `d${i}`).sort()

async function add(executablePath: string, server: Nginx): Promise<void> {
  writeFileSync(join(top, 'page.js'), await bundled(PAGE))
  writeFileSync(join(top, 'worker.js'), await bundled(WORKER))
  const browser = await startChromium(executablePath)
  const tab = await newPage(browser)
  const errors: string[] = []
  tab.on('pageerror', error => errors.push(String(error)))
  await tab.goto(`${server.url}/`)
  await tab.addScriptTag({ type: 'module', url: '/page.js' })
  await tab.waitForFunction('typeof early === "function"')
  const spec = (more: object) => JSON.stringify({ url: server.url, digest, paths: PATHS, ...more })
  const inWorker = (more: object) =>
    tab.evaluate(`new Promise((resolve, reject) => {
      const worker = new Worker('/worker.js', { type: 'module' })
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = ({ data }) => data.error === undefined ? resolve(data.answer) : reject(new Error(data.error))
      worker.postMessage(${spec(more)})
    })`)
  const asked = async () =>
    (await server.log()).filter(({ path }) => path.startsWith('/image') || path.startsWith('/objects'))

  test('a page reads it by promises, a part of it only, every block checked', async () => {
    await server.log()
    assert.equal(await tab.evaluate(`read(${spec({})})`), { names: NAMES, whole: CONTENTS })
    const log = await asked()
    assert.ok(log.some(({ path }) => path === '/image.verity'))
    const ofImage = log.filter(({ path }) => path === '/image').reduce((sum, { bodyBytes }) => sum + bodyBytes, 0)
    assert.ok(ofImage < built.image.length / 2, `${ofImage} of ${built.image.length} bytes`)
    assert.is(log.filter(({ path }) => path.startsWith('/objects')).length, PATHS.length)
  })

  test('synchronous calls of a page are EAGAIN, until prefetch', async () => {
    const { before, whole } = (await tab.evaluate(`early(${spec({})})`)) as { before: string; whole: number[][] }
    assert.match(before, /^EAGAIN: .*prefetch/)
    assert.equal(whole, CONTENTS)
  })

  for (const cache of ['indexedDb', 'opfs']) {
    test(`what was read once is kept in the browser: ${cache}`, async () => {
      assert.equal(await tab.evaluate(`read(${spec({ cache })})`), { names: NAMES, whole: CONTENTS })
      await server.log()
      assert.equal(await tab.evaluate(`read(${spec({ cache })})`), { names: NAMES, whole: CONTENTS })
      assert.is((await asked()).filter(({ path }) => path.startsWith('/objects')).length, 0)
      assert.equal(await inWorker({ cache }), { names: NAMES, whole: CONTENTS })
      assert.is((await asked()).filter(({ path }) => path.startsWith('/objects')).length, 0)
    })
  }

  test('a worker reads all of it at once', async () => {
    assert.equal(await inWorker({ sync: true }), { names: NAMES, whole: CONTENTS })
  })

  test('and nothing failed in silence', async () => {
    await browser.close()
    await server.stop()
    assert.equal(errors, [])
  })
}

const server = await startNginx({ root: top, more: 'add_header Cache-Control no-store;' })
if (server === undefined) skip(test, 'all of it', NO_NGINX)
else if (CHROMIUM === undefined) {
  await server.stop()
  skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
} else await add(CHROMIUM, server)

test.run()
