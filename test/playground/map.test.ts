// The map of an image in the playground, as people use it: its picture by mouse and keys, its list, and what dump.erofs says of the
// same image.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { fixture, skip } from '../helpers/paths.js'
import { temporaryFolder } from './engine-world.js'
import { type OpenPage, type PageOptions, PHONE, Site, shot } from './site.js'
import { becomes, matches } from './waiting.js'

const maps = suite('playground: map')
const site = CHROMIUM === undefined ? undefined : await Site.start()

/** Inodes that are compared with what dump.erofs says. */
const SAMPLE = 25

interface Row {
  readonly start: number
  readonly end: number
  readonly kind: string
  readonly what: string
}

function hasDumpErofs(): boolean {
  try {
    execFileSync('dump.erofs', ['-V'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const picture = (page: Page) => page.getByRole('slider', { name: 'Place in the image' })
const place = (page: Page) => page.locator('.map-place')

/** Opens the map of an image that is picked as a file. */
async function openMap(at: Site, file: string, options: PageOptions = {}): Promise<OpenPage> {
  const opened = await at.open(options)
  const { page } = opened
  await page.locator('input[type=file]').first().setInputFiles(file)
  if (options.viewport === PHONE) await page.locator('.side-switch button', { hasText: 'Content' }).click()
  await page.getByRole('tab', { name: 'Map', exact: true }).click()
  await page.waitForSelector('.map-legend button')
  return opened
}

/** All rows of the list, read as they are scrolled past. */
async function listed(page: Page): Promise<Row[]> {
  await page.getByRole('button', { name: 'List', exact: true }).click()
  await page.waitForSelector('.map-row[data-start]')
  const found = new Map<number, Row>()
  for (let top = 0; ; ) {
    await page.waitForFunction(() => document.querySelectorAll('.map-rows .map-row:not([data-start])').length === 0)
    const rows = await page.locator('.map-row[data-start]').evaluateAll(all =>
      all.map(one => ({
        start: Number(one.getAttribute('data-start')),
        end: Number(one.getAttribute('data-end')),
        kind: one.getAttribute('data-kind') ?? '',
        what: one.querySelector('button')?.textContent ?? '',
      })),
    )
    for (const row of rows) found.set(row.start, row)
    const next = await page.locator('.map-rows').evaluate((box, from) => {
      box.scrollTop = from + box.clientHeight
      return box.scrollTop
    }, top)
    if (next === top) break
    top = next
    await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve))))
  }
  return [...found.values()].sort((a, b) => a.start - b.start)
}

function assertCovered(rows: readonly Row[], size: number): void {
  let end = 0
  for (const row of rows) {
    assert.is(row.start, end)
    end = row.end
  }
  assert.is(end, size)
}

function tests(at: Site): void {
  const two = join(at.dir, 'demo/two.cfs')
  const folder = temporaryFolder()

  for (const name of ['small.cfs', 'small-v1.cfs', 'erofs/plain.erofs.gz'])
    maps(`the list of ${name} covers it exactly once`, async () => {
      const bytes = readFileSync(fixture(name))
      const file = join(folder, name.replaceAll('/', '-').replace('.gz', ''))
      writeFileSync(file, name.endsWith('.gz') ? gunzipSync(bytes) : bytes)
      const { page, complaints } = await openMap(at, file)
      assertCovered(await listed(page), readFileSync(file).length)
      assert.equal(complaints, [])
    })

  maps('the picture says what is at a place, by mouse and by keys, and leads there', async () => {
    const { page, complaints } = await openMap(at, two)
    await picture(page).focus()
    await page.keyboard.press('Home')
    await page.waitForFunction(() => /composefs header/.test(document.querySelector('.map-place')?.textContent ?? ''))
    await matches(() => picture(page).getAttribute('aria-valuetext'), /composefs header, bytes 0 to 31/)
    const colours = () =>
      page
        .locator('.map-sheet canvas')
        .first()
        .evaluate(canvas => {
          const one = canvas as HTMLCanvasElement
          const data = one.getContext('2d')?.getImageData(0, 0, one.width, one.height).data ?? []
          const found = new Set<number>()
          for (let i = 0; i < data.length; i += 4) found.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])
          return found.size
        })
    await becomes(async () => (await colours()) > 5, true, 'more than 5 colours')
    // By parts: header, zeros, superblock, the root.
    for (let n = 0; n < 3; n++) {
      const before = await picture(page).getAttribute('aria-valuetext')
      await page.keyboard.press('Shift+ArrowRight')
      await page.waitForFunction(
        text => document.querySelector('.map-picture')?.getAttribute('aria-valuetext') !== text,
        before,
      )
    }
    await matches(() => picture(page).getAttribute('aria-valuetext'), /^inode, .* of \/, /)
    // Somewhere in the middle; what is said there is where a click leads.
    const box = await picture(page).boundingBox()
    if (box === null) throw new Error('no picture')
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 3)
    await page.waitForFunction(() => /\/srv\//.test(document.querySelector('.map-place')?.textContent ?? ''))
    const path = await place(page).locator('.map-place-path').innerText()
    const start = Number(/bytes ([\d,]+)/.exec(await place(page).innerText())?.[1].replaceAll(',', ''))
    await shot(page, 'map-light')
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 3)
    await page.waitForSelector('.inspector [data-fact=nid]')
    assert.is(await page.locator('.breadcrumbs [aria-current]').innerText(), path.slice(path.lastIndexOf('/') + 1))
    const nid = Number(await page.locator('[data-fact=nid]').innerText())
    assert.is(nid, Number(mountSync(two).fs.lstatSync(path).ino))
    const fields = () =>
      page.locator('[data-offset]').evaluateAll(all => all.map(one => Number(one.getAttribute('data-offset'))))
    await becomes(async () => (await fields()).includes(start), true, `${start} is among the fields`)
    assert.equal(complaints, [])
  })

  maps('a part that belongs to no entry shows its bytes', async () => {
    const { page, complaints } = await openMap(at, two)
    await page.getByRole('button', { name: /superblock/ }).click()
    await page.getByRole('button', { name: 'List', exact: true }).click()
    await page.waitForSelector('.map-row[data-kind=superblock]')
    await becomes(() => page.locator('.map-row[data-start]').count(), 1)
    await page.getByRole('button', { name: 'show bytes' }).click()
    await page.waitForSelector('[data-field=magic][data-offset="1024"]')
    await matches(() => page.locator('.raw-status').textContent(), /byte 1,024/)
    assert.equal(complaints, [])
  })

  maps('zoomed in, squares are of fewer bytes', async () => {
    const { page, complaints } = await openMap(at, two, { dark: true })
    const before = await page.locator('.map-unit').innerText()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.waitForFunction(text => document.querySelector('.map-unit')?.textContent !== text, before)
    await picture(page).focus()
    await page.keyboard.press('End')
    await page.waitForFunction(() => (document.querySelector('.map-picture')?.scrollTop ?? 0) > 0)
    await page.keyboard.press('Home')
    await page.waitForFunction(() => document.querySelector('.map-picture')?.scrollTop === 0)
    await page.waitForFunction(() => /composefs header/.test(document.querySelector('.map-place')?.textContent ?? ''))
    await shot(page, 'map-zoomed-dark')
    assert.equal(complaints, [])
  })

  maps('on a phone', async () => {
    const { page, complaints } = await openMap(at, two, { viewport: PHONE })
    await shot(page, 'map-phone')
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= PHONE.width, `${wide} pixels`)
    assert.equal(complaints, [])
  })

  maps('an image that is read by ranges has its map once it is fetched', async () => {
    const { page, complaints } = await at.open({
      address: '?image=demo/two.cfs&store=demo/objects#/etc',
    })
    await page.getByRole('tab', { name: 'Map', exact: true }).click()
    await page.waitForFunction(() =>
      /[1-9]\d* of \d+ blocks/.test(document.querySelector('.map-sum')?.textContent ?? ''),
    )
    await shot(page, 'map-lazy')
    await page.getByRole('button', { name: 'Fetch all of it' }).click()
    await page.waitForSelector('.map-legend button')
    const rows = await page.locator('.map-numbers').allInnerTexts()
    const parts = rows.map(text => Number(/in ([\d,]+) part/.exec(text)?.[1].replaceAll(',', '')))
    const sum = await page.locator('.map-sum').innerText()
    assert.is(
      parts.reduce((a, b) => a + b, 0),
      Number(/([\d,]+) parts/.exec(sum)?.[1].replaceAll(',', '')),
    )
    assert.equal(complaints, [])
  })

  if (hasDumpErofs())
    maps('a sample of inodes is where dump.erofs says', async () => {
      const file = fixture('small.cfs')
      const { page, complaints } = await openMap(at, file)
      const rows = await listed(page)
      const inodes = rows.filter(row => /^inode-(?:compact|extended)$/.test(row.kind) && row.what.startsWith('/'))
      const { fs } = mountSync(file)
      let compared = 0
      for (const { start, end, kind, what } of inodes.slice(0, SAMPLE)) {
        const nid = Number(fs.lstatSync(what).ino)
        const text = execFileSync('dump.erofs', [`--nid=${nid}`, '-e', file], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        })
        const size = kind === 'inode-extended' ? 64 : 32
        assert.is(end - start, size)
        assert.match(text, new RegExp(`NID: ${nid} `))
        assert.match(text, new RegExp(`Inode size: ${size}\\b`))
        const layout = Number(/Layout: (\d)/.exec(text)?.[1])
        // i_format is where the map says that the inode is.
        assert.is((readFileSync(file).readUInt16LE(start) >> 1) & 7, layout, what)
        compared++
      }
      assert.ok(compared >= 10)
      assert.equal(complaints, [])
    })
  else skip(maps, 'a sample of inodes is where dump.erofs says', 'no dump.erofs')

  maps('stop', () => at.stop())
}

if (site === undefined) skip(maps, 'map', 'no Chromium')
else tests(site)
maps.run()
