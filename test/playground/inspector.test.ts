// The inspector of the playground, as people use it: numbers against fs and the command line, fields and their bytes in the hex view,
// objects that are checked.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { command } from '../helpers/command.js'
import { skip } from '../helpers/paths.js'
import { type OpenPage, type PageOptions, PHONE, Site, shot } from './site.js'
import { becomes, matches } from './waiting.js'

const inspector = suite('playground: inspector')
const site = CHROMIUM === undefined ? undefined : await Site.start()

const FILE = '/etc/tidepool/tide.toml'

const fact = (page: Page, name: string) => page.locator(`[data-fact=${name}]`).first().innerText()
const field = (page: Page, name: string) => page.locator(`.structure-field[data-field="${name}"]`).first()
const hexView = (page: Page) => page.getByRole('slider', { name: 'Bytes of the image' })

/** Offsets of the bytes that are marked as the active field's, and the bytes that stand there. */
function activeBytes(page: Page): Promise<{ offsets: number[]; bytes: number[] }> {
  return page.locator('.raw-hex .raw-part.active .raw-cell').evaluateAll(cells => ({
    offsets: cells.map(one => Number(one.getAttribute('data-byte'))),
    bytes: cells.map(one => Number.parseInt(one.textContent ?? '', 16)),
  }))
}

const littleEndian = (bytes: readonly number[]) => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0)

function tests(at: Site): void {
  const image = join(at.dir, 'demo/two.cfs')
  const { fs } = mountSync(image)
  const open = async (path: string, options: PageOptions = {}): Promise<OpenPage> => {
    const address = `?image=demo/two.cfs&store=demo/objects#${path}`
    const opened = await at.open({ address, ...options })
    await opened.page.waitForSelector('[role=treeitem]', { state: 'attached' })
    if (options.viewport === PHONE) await opened.page.locator('.side-switch button', { hasText: 'Content' }).click()
    await opened.page.getByRole('tab', { name: 'Inspector' }).click()
    await opened.page.waitForSelector('[data-fact=nid]')
    return opened
  }

  inspector('numbers are those of fs and of the command line', async () => {
    for (const path of [FILE, '/etc', '/etc/shadow', '/etc/localtime']) {
      const { page, complaints } = await open(path)
      const stat = fs.lstatSync(path)
      assert.is(Number.parseInt(await fact(page, 'mode'), 8), stat.mode)
      assert.is(Number(await fact(page, 'uid')), stat.uid)
      assert.is(Number(await fact(page, 'gid')), stat.gid)
      assert.is(Number((await fact(page, 'size')).replaceAll(',', '')), stat.size)
      assert.is(Number(await fact(page, 'nlink')), stat.nlink)
      assert.is(Number(await fact(page, 'ino')), stat.ino)
      const told = command('composefs', 'stat', image, path).stdout.toString()
      assert.match(told, (await fact(page, 'mtime')).slice(0, 19))
      assert.match(told, String(stat.ino))
      assert.equal(complaints, [])
      await page.context().close()
    }
  })

  inspector('a field marks its bytes, and bytes their field', async () => {
    const { page, complaints } = await open(FILE)
    const stat = fs.lstatSync(FILE)
    const whole = readFileSync(image)
    for (const [name, value] of [
      ['i_mode', stat.mode],
      ['i_size', stat.size],
    ] as const) {
      await field(page, name).hover()
      const width = Number(await field(page, name).getAttribute('data-width'))
      const from = Number(await field(page, name).getAttribute('data-offset'))
      const bytes = [...whole.subarray(from, from + width)]
      await becomes(() => activeBytes(page), { offsets: bytes.map((_, at) => from + at), bytes })
      assert.is(littleEndian(bytes), value, name)
    }
    await shot(page, 'inspector-light')
    // The other way round, by mouse and by keys.
    const size = Number(await field(page, 'i_size').getAttribute('data-offset'))
    await page
      .locator('.raw-hex')
      .locator(`[data-byte="${size + 1}"]`)
      .hover()
    await page.waitForSelector('.structure-field.active[data-field=i_size]')
    await page.locator('.raw-hex').locator(`[data-byte="${size}"]`).click()
    await hexView(page).focus()
    await page.keyboard.press('ArrowLeft')
    await page.waitForSelector(`.raw-hex [data-byte="${size - 1}"].cursor`)
    await becomes(() => field(page, 'i_size').evaluate(one => one.classList.contains('active')), false)
    await page.keyboard.press('ArrowRight')
    await page.waitForSelector('.structure-field.active[data-field=i_size]')
    const words = new RegExp(`i_size of inode, extended = ${stat.size}`)
    await matches(() => hexView(page).getAttribute('aria-valuetext'), words)
    assert.equal(complaints, [])
  })

  inspector('by keys alone: a focused field brings its bytes into view', async () => {
    const { page, complaints } = await open(FILE)
    await field(page, 'nameoff').focus()
    const offset = Number(await field(page, 'nameoff').getAttribute('data-offset'))
    await page.waitForSelector(`.raw-hex [data-byte="${offset}"].cursor`)
    const whole = readFileSync(image)
    await becomes(async () => littleEndian((await activeBytes(page)).bytes), whole.readUInt16LE(offset))
    assert.equal(complaints, [])
  })

  inspector('an object is checked: good, tampered with, missing', async () => {
    const { page, complaints } = await open(FILE, { expected: [/404/] })
    const name = await fact(page, 'object')
    assert.is(await fact(page, 'digest'), name.replace('/', ''))
    const object = join(at.dir, 'demo/objects', name)
    const good = readFileSync(object)
    const check = async (state: string, text: RegExp) => {
      await page.getByRole('button', { name: 'Check it now' }).click()
      await page.waitForSelector(`.check-verdict[data-state=${state}]`)
      assert.match(await page.locator('.check-verdict').innerText(), text)
    }
    await check('matches', /matches/)
    await shot(page, 'inspector-checked')
    assert.equal(complaints, [])
    await page.context().close()
    const bad = Buffer.from(good)
    bad[0] ^= 1
    try {
      writeFileSync(object, bad)
      const other = await open(FILE)
      await other.page.getByRole('button', { name: 'Check it now' }).click()
      await other.page.waitForSelector('.check-verdict[data-state=differs]')
      await shot(other.page, 'inspector-tampered')
      assert.match(await other.page.locator('.check-verdict').innerText(), /another fs-verity digest/)
      // What was found out is still known when one comes back.
      await other.page.getByRole('tab', { name: 'Contents' }).click()
      await other.page.getByRole('tab', { name: 'Inspector' }).click()
      await other.page.waitForSelector('.check-verdict[data-state=differs]')
      await other.page.context().close()
    } finally {
      writeFileSync(object, good)
    }
  })

  inspector('a missing object is said to be missing', async () => {
    const address = `?image=demo/two.cfs&store=demo/nothing#${FILE}`
    const { page } = await at.open({ address, expected: [/404/] })
    await page.waitForSelector('[role=treeitem]')
    await page.getByRole('tab', { name: 'Inspector' }).click()
    await page.getByRole('button', { name: 'Check it now' }).click()
    await page.waitForSelector('.check-verdict[data-state=missing]')
  })

  inspector('dark, and on a phone', async () => {
    const dark = await open(FILE, { dark: true })
    await field(dark.page, 'i_mode').hover()
    await shot(dark.page, 'inspector-dark')
    assert.equal(dark.complaints, [])
    const { page, complaints } = await open(FILE, { viewport: PHONE })
    await shot(page, 'inspector-phone')
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= PHONE.width, `${wide} pixels`)
    assert.equal(complaints, [])
  })

  inspector('stop', () => at.stop())
}

if (site === undefined) skip(inspector, 'inspector', 'no Chromium')
else tests(site)
inspector.run()
