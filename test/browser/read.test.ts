// A mount in a page and in a worker of a real browser shows what the kernel shows, entry by entry: every image whose truth
// is known, read at once, by promises and by callbacks, and refusals by their codes.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SHARED, skip } from '../helpers/paths.js'
import { compareTruth } from '../helpers/truth.js'
import { type KnownImage, knownImages } from '../kernel/images.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import type { Read, Reading } from './read-page.js'
import { forBrowser } from './stand-ins.js'
import { serveScripts } from './suite-driver.js'

const REFUSED = ['EROFS', 'EROFS', 'EISDIR', 'ENOTDIR', 'ENOENT', 'EINVAL', 'ENODATA', 'ENAMETOOLONG']

const reading = suite('browser: a mount equals its truth file')
const temporary = mkdtempSync(join(tmpdir(), 'composefs-browser-read-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

/** Puts an image and its objects where they are served. */
function publish(served: Map<string, string | Uint8Array>, image: KnownImage, index: number): Reading {
  served.set(`/${index}`, image.bytes())
  const store = image.objects?.(temporary)
  const names =
    store === undefined
      ? []
      : readdirSync(store, { recursive: true, encoding: 'utf8' }).filter(name => /^..\/[0-9a-f]{62}$/.test(name))
  const objects = names.map((name): [string, string] => {
    served.set(`/objects/${name}`, readFileSync(join(store ?? '', name)))
    return [name, `/objects/${name}`]
  })
  return { image: `/${index}`, objects }
}

function check(image: KnownImage, read: Read): void {
  const truth = image.truth()
  assert.equal(compareTruth(truth, read.entries), [])
  const hashes = read.entries.filter(({ mode }) => mode.startsWith('100')).map(({ sha256 }) => sha256)
  assert.equal(read.promised, hashes)
  assert.equal(read.called, hashes)
  // The root is in no directory.
  assert.equal([read.listed, read.batched], [truth.length, truth.length - 1])
  assert.equal(read.refused, REFUSED)
}

async function addAll(executablePath: string): Promise<void> {
  const served = new Map<string, string | Uint8Array>()
  served.set('/read.js', await forBrowser(`import './test/browser/read-page.ts'`))
  const images = knownImages()
  const given = images.map((image, index) => publish(served, image, index))
  const { origin, server } = await serveScripts(served)
  const browser = await startChromium(executablePath)
  const page = await newPage(browser)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  await page.goto(`${origin}/`)
  await page.addScriptTag({ type: 'module', url: '/read.js' })
  await page.waitForFunction('typeof ask === "function"')
  const bare = await page.evaluate(`new Promise((resolve, reject) => {
    globalThis.worker = new Worker('/read.js', { type: 'module' })
    worker.onerror = event => reject(new Error(event.message))
    worker.onmessage = ({ data }) => resolve(data)
  }).then(inWorker => [...bare, ...inWorker])`)
  const askPage = (one: Reading) => page.evaluate(`ask(${JSON.stringify(one)})`)
  const askWorker = (one: Reading) =>
    page.evaluate(`new Promise((resolve, reject) => {
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = ({ data }) => data.error === undefined ? resolve(data.answer) : reject(new Error(data.error))
      worker.postMessage(${JSON.stringify(one)})
    })`)
  reading('nothing of Node is there', () => assert.equal(bare, []))
  for (const [index, image] of images.entries()) {
    for (const [place, ask] of [
      ['page', askPage],
      ['worker', askWorker],
    ] as const) {
      reading(`${image.name} in a ${place}`, async () => {
        check(image, (await ask(given[index])) as Read)
        assert.equal(complaints, [])
      })
    }
  }
  reading('and goes away', async () => {
    await browser.close()
    server.closeAllConnections()
    server.close()
  })
}

if (SHARED === undefined) skip(reading, 'the shared vectors', 'there are none beside this checkout')
if (CHROMIUM === undefined) skip(reading, 'all of it', 'no chromium (CHROMIUM names one)')
else await addAll(CHROMIUM)
reading.run()
