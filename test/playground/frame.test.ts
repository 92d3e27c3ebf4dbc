// What is round about the images in the playground: the bar with many of them open, the browser's ways back and forth.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage } from '../../src/index.js'
import { CHROMIUM } from '../browser/chromium.js'
import { fixture, skip } from '../helpers/paths.js'
import { message } from './dropping.js'
import { PHONE, Site, shot } from './site.js'
import { becomes } from './waiting.js'

const frame = suite('playground: frame')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const IMAGE = readFileSync(fixture('small.cfs'))
/** Longer than what is passed through without being a step back. */
const STAY_MS = 900

async function pick(
  page: Page,
  ...files: readonly { readonly name: string; readonly buffer: Buffer }[]
): Promise<void> {
  await page
    .locator('input[type=file]:not([webkitdirectory])')
    .first()
    .setInputFiles(files.map(file => ({ ...file, mimeType: 'application/octet-stream' })))
}

function sticksOut(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
}

/** What is shown: the image's name, then the names of the path. */
function shown(page: Page, ...names: readonly string[]): Promise<unknown> {
  return page.waitForFunction(
    wanted =>
      [...document.querySelectorAll('.breadcrumbs button')].map(one => one.textContent).join('/') === wanted &&
      document.querySelector('.document-tab.chosen bdi')?.textContent === wanted.split('/')[0],
    names.join('/'),
  )
}

if (site === undefined) skip(frame, 'frame', 'no Chromium')
else {
  frame('many open images: nothing sticks out, and the bar shows which one is shown', async () => {
    for (const viewport of [undefined, PHONE]) {
      const { page, complaints } = await site.open({ viewport })
      const files = Array.from({ length: 14 }, (_, at) => ({ name: `an-image-of-many-${at}.cfs`, buffer: IMAGE }))
      await pick(page, ...files)
      await page.locator('.document-tab').nth(13).waitFor()
      assert.not.ok(await sticksOut(page))
      const inView = async () => {
        const tab = await page.locator('.document-tab.chosen').boundingBox()
        const bar = await page.locator('.documents').boundingBox()
        return tab !== null && bar !== null && tab.x >= bar.x - 1 && tab.x < bar.x + bar.width - 20
      }
      await becomes(inView, true, 'the last one')
      await shot(page, `frame-many-${viewport === undefined ? 'wide' : 'phone'}`)
      await page.locator('.document-tab button:first-child').first().click()
      await page.locator('.document-tab:first-child.chosen').waitFor()
      await becomes(inView, true, 'the first one')
      const colours = await page.getByRole('button', { name: /colours$/ }).boundingBox()
      assert.ok(colours !== null && colours.x + colours.width <= (page.viewportSize()?.width ?? 0))
      assert.equal(complaints, [])
      await page.context().close()
    }
  })

  frame('back and forth lead through what was shown, in images of links and dropped ones alike', async () => {
    const { page, complaints } = await site.open({ address: '?image=demo/two.cfs&store=demo/objects#/etc' })
    await shown(page, 'two.cfs', 'etc')
    const choose = async (name: string) => {
      await page.waitForTimeout(STAY_MS)
      await page.locator(`[role=treeitem][title="${name}"]`).click()
    }
    await choose('usr')
    await shown(page, 'two.cfs', 'usr')
    await page.waitForTimeout(STAY_MS)
    await pick(page, { name: 'small.cfs', buffer: IMAGE })
    await shown(page, 'small.cfs')
    const first = await page.locator('[role=treeitem][aria-level="2"]').first().getAttribute('title')
    await choose(first ?? '')
    await shown(page, 'small.cfs', first ?? '')
    await page.goBack()
    await shown(page, 'small.cfs')
    await page.goBack()
    await shown(page, 'two.cfs', 'usr')
    await page.goBack()
    await shown(page, 'two.cfs', 'etc')
    assert.match(page.url(), /#\/etc$/)
    await page.goForward()
    await shown(page, 'two.cfs', 'usr')
    await page.goForward()
    await page.goForward()
    await shown(page, 'small.cfs', first ?? '')
    // Nothing leads back to what is closed and can't be had again; what is shown stays.
    await page.getByRole('button', { name: 'Close small.cfs' }).click()
    await shown(page, 'two.cfs', 'usr')
    await page.goBack()
    await page.waitForTimeout(STAY_MS)
    await shown(page, 'two.cfs', 'usr')
    assert.equal(complaints, [])
    await page.context().close()
  })

  frame('keys that run through the tree are not so many steps back', async () => {
    const { page, complaints } = await site.open({ address: '?image=demo/two.cfs&store=demo/objects#/etc' })
    await shown(page, 'two.cfs', 'etc')
    const before = await page.evaluate(() => history.length)
    await page.locator('[role=tree]').focus()
    // Sent without a wait for each, as a key that is held down is.
    const keys = Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? 'ArrowDown' : 'ArrowUp'))
    await Promise.all(keys.map(key => page.keyboard.press(key)))
    assert.ok((await page.evaluate(() => history.length)) - before <= 3)
    assert.equal(complaints, [])
    await page.context().close()
  })

  frame('an image that does not match its own checksum: it is said, with what to do', async () => {
    const { page, complaints } = await site.open()
    const buffer = Buffer.from(IMAGE)
    // In the superblock: the checksum is there, and what it covers is not what it was made of.
    buffer.writeUInt32LE(buffer.readUInt32LE(1024 + 8) | 1, 1024 + 8)
    await pick(page, { name: 'small.cfs', buffer })
    assert.match(await message(page, /small\.cfs/), /does not match its own checksum.*Fetch it again/)
    assert.equal(complaints, [])
    await page.context().close()
  })
  frame('an image is closed while it is being worked on: nothing is told of what ended with it', async () => {
    const { page, complaints } = await site.open()
    const dump = ['/ 0 40755 2 0 0 0 0.0 - - -']
    for (let at = 0; at < 30_000; at++) dump.push(`/file-${at} 0 100644 1 0 0 0 0.0 - - -`)
    const { image } = await buildImage({ dump: `${dump.join('\n')}\n` })
    for (const view of ['Map', 'Treemap', 'Verify', 'Terminal', 'Inspector']) {
      await pick(page, { name: 'wide.cfs', buffer: Buffer.from(image) })
      await page.getByRole('tab', { name: view, exact: true }).click()
      await page.locator('.search input').fill('file')
      await page.getByRole('button', { name: 'Close wide.cfs' }).click()
      await page.locator('.start').waitFor()
    }
    await pick(page, { name: 'small.cfs', buffer: IMAGE })
    // What was searched in those that are gone does not hide the tree.
    await page.locator('[role=treeitem][aria-level="2"]').first().waitFor()
    assert.ok(await page.locator('[role=treeitem][aria-level="2"]').first().isVisible())
    await page.waitForTimeout(STAY_MS)
    assert.equal(await page.locator('.notice').allInnerTexts(), [])
    assert.equal(complaints, [])
    await page.context().close()
  })
  frame.after(() => site.stop())
}

frame.run()
