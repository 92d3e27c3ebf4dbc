// Compressed images in the playground: the core that decodes comes when one is opened, files are shown, the inspector tells how they are
// stored, and the map has their data as a kind of its own.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compressedFacts, factsOf, ratioOf } from '../../src/anatomy/anatomy.js'
import { Fault } from '../../src/format/errno.js'
import { CHROMIUM } from '../browser/chromium.js'
import { loaded, newPool } from '../helpers/core.js'
import { imageBytes, wholeMap } from '../helpers/image-maps.js'
import { fixture, skip } from '../helpers/paths.js'
import { type OpenPage, Site, shot } from './site.js'
import { becomes, matches } from './waiting.js'

const compressed = suite('playground: compressed images')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const dir = mkdtempSync(join(tmpdir(), 'composefs-compressed-'))
process.once('exit', () => rmSync(dir, { recursive: true, force: true }))

const FILE = '/mixed'
const pool = newPool()

/** A fixture as a file that can be picked. */
function picked(name: string): { file: string; bytes: Uint8Array<ArrayBuffer> } {
  const bytes = imageBytes(fixture(`compressed/${name}.erofs.gz`))
  const file = join(dir, `${name}.erofs`)
  writeFileSync(file, bytes)
  return { file, bytes }
}

function tests(at: Site): void {
  const open = async (file: string, view: string): Promise<OpenPage & { asked: string[] }> => {
    const opened = await at.open({ address: `#${FILE}` })
    const asked: string[] = []
    opened.page.on('request', request => asked.push(request.url()))
    await opened.page.locator('input[type=file]').first().setInputFiles(file)
    await opened.page
      .locator('[role=treeitem]', { hasText: FILE.slice(1) })
      .first()
      .click()
    await opened.page.getByRole('tab', { name: view, exact: true }).click()
    return { ...opened, asked }
  }

  for (const name of ['lz4', 'records', 'metabox', 'zstd']) {
    compressed(`the inspector tells how a file of ${name} is stored`, async () => {
      const { file, bytes } = picked(name)
      const image = loaded(pool, bytes)
      assert.is(image.core.statPath(FILE, 0), 0)
      const facts = factsOf(image, image.core.nid())
      if (facts instanceof Fault || facts.compressed === undefined) throw new Error('no facts')
      const { stored, extents, algorithms, list } = facts.compressed
      const { page, complaints } = await open(file, 'Inspector')
      await page.waitForSelector('[data-fact=extents]')
      const fact = (what: string) => page.locator(`[data-fact=${what}]`).first()
      assert.is(await fact('extents').innerText(), String(extents))
      const ratio = ratioOf(facts.compressed)
      if (ratio !== undefined) {
        assert.is(await fact('algorithms').innerText(), algorithms.join(', '))
        assert.is(await fact('ratio').innerText(), `${(100 * ratio).toFixed(ratio < 0.1 ? 2 : 1)} %`)
        assert.is(await fact('stored').innerText(), `${(stored / 1024).toFixed(1)} KiB`)
      }
      const rows = page.locator('.extents li')
      assert.is(await rows.count(), list.length)
      const last = list[list.length - 1]
      assert.is(await rows.last().getAttribute('data-at'), String(last.at))
      if (last.place === 'image') {
        // Its place leads to its bytes.
        const from = last.offset ?? 0
        await rows.last().getByRole('button').click()
        await page.waitForSelector(`.raw-hex [data-byte="${from}"]`)
        const cell = page.locator(`.raw-hex [data-byte="${from}"]`).first()
        await matches(() => cell.innerText(), new RegExp(`^${bytes[from].toString(16).padStart(2, '0')}$`, 'i'))
      }
      await shot(page, `compressed-inspector-${name}`)
      assert.equal(complaints, [])
      await page.context().close()
      image.close()
    })
  }

  compressed('the core that decodes comes when such an image is opened', async () => {
    const { file, bytes } = picked('lz4')
    const { page, complaints, asked } = await open(file, 'Contents')
    const image = loaded(pool, bytes)
    assert.is(image.core.statPath(FILE, 0), 0)
    const into = new Uint8Array(16)
    assert.is(image.core.read(image.core.nid(), into, 0), into.length)
    await becomes(() => page.locator('.waiting-text').count(), 0)
    assert.ok(
      asked.some(url => url.includes('full-core-bytes')),
      asked.join(),
    )
    assert.equal(complaints, [])
    await page.context().close()
    image.close()
  })

  compressed('the map has compressed data as a kind of its own', async () => {
    const { file, bytes } = picked('lz4hc')
    const image = loaded(pool, bytes)
    const totals = wholeMap(image).totals()
    const { page, complaints } = await open(file, 'Map')
    await page.waitForSelector('.map-legend button')
    const legend = await page.locator('.map-legend .map-label').allInnerTexts()
    assert.equal([...legend].sort(), totals.map(one => one.label).sort())
    for (const label of ['compressed data', 'compression indexes', 'compressed data behind its inode'])
      assert.ok(legend.includes(label), legend.join())
    await shot(page, 'compressed-map')
    assert.equal(complaints, [])
    await page.context().close()
    image.close()
  })

  compressed('facts that are asked for again are the same', () => {
    const image = loaded(pool, picked('lz4').bytes)
    assert.is(image.core.statPath(FILE, 0), 0)
    const facts = factsOf(image, image.core.nid())
    if (facts instanceof Fault) throw new Error(facts.code)
    assert.equal(compressedFacts(image, facts), facts.compressed)
    image.close()
  })

  compressed('stop', () => at.stop())
}

if (site === undefined) skip(compressed, 'compressed images in the playground', 'no browser')
else tests(site)

compressed.run()
