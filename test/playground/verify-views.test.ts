// Treemap, verification, tamper demo, sharing and differences in the playground, as people use them; the numbers that are shown are
// those that Node finds.
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { command } from '../helpers/command.js'
import { fixture, skip } from '../helpers/paths.js'
import { dumpedObjects } from './engine-world.js'
import { PHONE, Site, shot } from './site.js'
import { becomes, matches } from './waiting.js'

const views = suite('playground: treemap, verify, sharing, diff')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const DEMO = '?image=demo/two.cfs&store=demo/objects'

async function show(page: Page, view: string): Promise<void> {
  await page.waitForSelector('[role=treeitem]')
  // A phone shows the files first.
  const content = page.getByRole('button', { name: 'Content', exact: true })
  if (await content.isVisible()) await content.click()
  await page.getByRole('tab', { name: view, exact: true }).click()
}

/** Opens the older release beside the newer one. */
async function openOlder(page: Page): Promise<void> {
  await page.waitForSelector('[role=treeitem]')
  await page.getByRole('button', { name: 'Open…' }).click()
  const dialog = page.locator('dialog[open]')
  await dialog.getByLabel('Address of an image').fill('demo/one.cfs')
  await dialog.getByLabel('Address of its objects').fill('demo/objects')
  await dialog.getByRole('button', { name: 'Open the address' }).click()
  await page.locator('.document-tab.chosen', { hasText: 'one.cfs' }).waitFor()
}

async function textsOf(page: Page, selector: string): Promise<string[]> {
  return (await page.locator(selector).allTextContents()).map(text => text.trim())
}

function sizeBelow(file: string, dir: string): number {
  const { fs } = mountSync(file)
  let sum = 0
  for (const name of fs.readdirSync(dir) as string[]) {
    const path = `${dir}/${name}`
    const stat = fs.lstatSync(path)
    sum += stat.isDirectory() ? sizeBelow(file, path) : Number(stat.size)
  }
  return sum
}

if (site === undefined) skip(views, 'all of it', 'no Chromium')
else {
  const [one, two] = [join(site.dir, 'demo/one.cfs'), join(site.dir, 'demo/two.cfs')]
  const objects = join(site.dir, 'demo/objects')

  views('the treemap shows sizes, is gone into and out of, by pointer and keyboard', async () => {
    const { page, complaints } = await site.open({ address: DEMO })
    await show(page, 'Treemap')
    const etc = page.locator('.treemap-table tr', { hasText: 'etc/' })
    await etc.waitFor()
    await matches(() => etc.innerText(), new RegExp(`\\b${sizeBelow(two, '/etc')} B`))
    await shot(page, 'treemap')
    await page.locator('.area', { hasText: 'tide.log' }).last().hover()
    await page.getByText('/var/log/tide.log — 2.0 MiB').waitFor()
    await page.getByRole('button', { name: 'usr/', exact: true }).click()
    await page.locator('.treemap-total', { hasText: 'usr' }).waitFor()
    await page.waitForURL(/#\/usr$/)
    const first = page.locator('.area[tabindex="0"]')
    await first.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Home')
    await matches(
      () => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? null),
      /^share, folder, /,
    )
    await page.keyboard.press('Enter')
    await page.locator('.treemap-total', { hasText: 'share' }).waitFor()
    await page.getByRole('button', { name: 'Up', exact: true }).click()
    await page.getByRole('button', { name: 'Up', exact: true }).click()
    await page.getByText('The whole image').waitFor()
    await page.locator('.treemap-tools select').first().selectOption('entries')
    const said = JSON.parse(command('composefs', 'verify', '--json', two).stdout.toString())
    await page.locator('.treemap-total', { hasText: `: ${said.entries.toLocaleString('en')} in` }).waitFor()
    await page.locator('.treemap-tools select').last().selectOption('depth')
    await shot(page, 'treemap-entries')
    assert.equal(complaints, [])
  })

  views('an image is verified: digest, entries and objects are those of composefs verify', async () => {
    const { page, complaints } = await site.open({ address: DEMO })
    await show(page, 'Verify')
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.locator('.verify-card.good').waitFor()
    const said = JSON.parse(command('composefs', 'verify', '--json', '--basedir', objects, two).stdout.toString())
    const card = await page.locator('.verify-card').innerText()
    assert.match(card, new RegExp(said.digest))
    assert.match(card, new RegExp(`${said.entries.toLocaleString('en')} entries walked`))
    assert.match(card, new RegExp(`${said.objectsRead} of ${said.objects}, `))
    await shot(page, 'verify')
    assert.equal(complaints, [])
  })

  views('a store that lacks an object, and one that holds a wrong one, are told of', async () => {
    const { page, complaints } = await site.open({
      address: DEMO,
      expected: [/404 \(Not Found\)/],
    })
    const [missing, wrong] = [...dumpedObjects(two).keys()]
    await page.route(`**/demo/objects/${missing}`, route => route.fulfill({ status: 404 }))
    const size = dumpedObjects(two).get(wrong) ?? 0
    await page.route(`**/demo/objects/${wrong}`, route =>
      route.fulfill({ status: 200, headers: { 'content-length': String(size) }, body: Buffer.alloc(size, 'x') }),
    )
    await show(page, 'Verify')
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.locator('.verify-card.bad').waitFor()
    await becomes(() => page.locator('.finding').count(), 2)
    const rows = await textsOf(page, '.finding')
    assert.ok(rows.some(row => row.startsWith('missing') && row.includes(missing)))
    assert.ok(
      rows.some(row => /^wrong digest/.test(row) && row.includes(wrong.replace('/', ''))),
      rows.join('\n'),
    )
    await shot(page, 'verify-findings')
    const path = await page.locator('.finding button').first().innerText()
    await page.locator('.finding button').first().click()
    await page.locator('.breadcrumbs [aria-current]', { hasText: path.split('/').at(-1) ?? '' }).waitFor()
    assert.equal(complaints, [])
  })

  views('without a store, what is not looked at is said', async () => {
    const { page, complaints } = await site.open()
    await page.setInputFiles('.start input[type=file]', fixture('small.cfs'))
    await show(page, 'Verify')
    await page.getByText('opened without a store, so objects can’t be read').waitFor()
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.getByText('Its objects were not looked at').waitFor()
    assert.equal(complaints, [])
  })

  views('tampering: the digest notices, the copy opens beside the original, which stays', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/etc/passwd` })
    await show(page, 'Verify')
    await page.getByRole('button', { name: 'Tamper', exact: true }).click()
    await page.locator('.defence.noticed', { hasText: 'Digest of the image' }).waitFor()
    const digest = command('composefs-info', 'measure-file', two).stdout.toString().trim()
    const digests = await textsOf(page, '.defence .digests code')
    assert.is(digests[0], digest)
    assert.is.not(digests[1], digest)
    await page.locator('.tamper-form select').selectOption('object')
    await page.getByLabel('at byte').fill('3')
    await page.getByRole('button', { name: 'Tamper', exact: true }).click()
    await page.locator('.defence.noticed', { hasText: 'at the first read' }).waitFor()
    await page.locator('.defence.passed', { hasText: 'verity off' }).waitFor()
    await page.locator('.tamper-report').scrollIntoViewIfNeeded()
    await shot(page, 'tamper')
    await page.getByRole('button', { name: 'Open the tampered copy' }).click()
    await page.locator('.document-tab.chosen', { hasText: 'two.cfs (tampered)' }).waitFor()
    await show(page, 'Verify')
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.locator('.finding', { hasText: '/etc/passwd' }).waitFor()
    await page
      .locator('.document-tab', { hasText: /^two\.cfs$/ })
      .getByRole('button')
      .first()
      .click()
    await page.getByRole('button', { name: /^Verify/ }).click()
    await page.locator('.verify-card.good').waitFor()
    assert.equal(complaints, [])
  })

  views('sharing: sets and sums as composefs diff counts them, and the objects of a set', async () => {
    const { page, complaints } = await site.open({ address: DEMO })
    await openOlder(page)
    await show(page, 'Sharing')
    await page.waitForSelector('.upset-column')
    const said = JSON.parse(command('composefs', 'diff', '--json', two, one).stdout.toString()).objects
    const labels = await page
      .locator('.upset-column')
      .evaluateAll(all => all.map(one => one.getAttribute('aria-label')))
    const counted = (label: string) =>
      Number(/: ([\d,]+) object/.exec(labels.find(one => one?.startsWith(label)) ?? '')?.[1])
    assert.is(counted('in all of them'), said.shared.objects)
    assert.is(counted('only in two.cfs'), said.onlyFirst.objects)
    assert.is(counted('only in one.cfs'), said.onlySecond.objects)
    await shot(page, 'sharing')
    await page.locator('.upset-column[aria-label^="only in one.cfs"]').click()
    await page.getByRole('heading', { name: 'only in one.cfs' }).waitFor()
    const rows = page.locator('.sharing-objects tbody tr')
    await page.waitForFunction(
      count => document.querySelectorAll('.sharing-objects tbody tr').length === count,
      said.onlySecond.objects,
    )
    await rows.first().getByRole('button').click()
    await page.locator('.document-tab.chosen', { hasText: 'one.cfs' }).waitFor()
    await page.getByRole('tab', { name: 'Contents', selected: true }).waitFor()
    assert.equal(complaints, [])
  })

  views('diff: the differences of composefs diff as a tree, filtered, and both sides opened', async () => {
    const { page, complaints } = await site.open({ address: DEMO })
    await openOlder(page)
    await show(page, 'Diff')
    await page.waitForSelector('.diff-row')
    await page.getByRole('button', { name: 'The other way round' }).click()
    const said = JSON.parse(command('composefs', 'diff', '--json', one, two).stdout.toString())
    await page.locator('.diff-kind.added', { hasText: `added ${said.added.length}` }).waitFor()
    await becomes(
      () => textsOf(page, '.diff-kind b'),
      [
        String(said.added.length + said.removed.length + said.changed.length),
        String(said.added.length),
        String(said.removed.length),
        String(said.changed.length),
        '0',
      ],
    )
    await page.locator('.diff-kind.added').click()
    await page.waitForFunction(
      count =>
        document.querySelectorAll('.diff-row.added').length === count &&
        document.querySelectorAll('.diff-row.changed').length === 0,
      said.added.length,
    )
    await becomes(
      () => textsOf(page, '.diff-row.added .tree-name'),
      said.added.map((entry: { path: string }) => entry.path.split('/').at(-1)),
    )
    await page.locator('.diff-kind.all').click()
    await page.locator('.diff-row', { hasText: 'tide.yaml' }).click()
    const mode = page.locator('.diff-details tr', { hasText: 'mode' })
    await mode.waitFor()
    await becomes(async () => (await mode.innerText()).split(/\s+/), ['mode', '0644', '0640'])
    await shot(page, 'diff')
    await page.getByRole('tree', { name: 'Differences' }).focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowLeft')
    await page.locator('.diff-row[aria-expanded=false]', { hasText: 'etc' }).waitFor()
    await page.keyboard.press('ArrowRight')
    await page.locator('.diff-row', { hasText: 'tide.yaml' }).click()
    await page.getByRole('button', { name: 'Both side by side' }).click()
    await becomes(() => textsOf(page, '.breadcrumbs [aria-current=page]'), ['tide.yaml', 'tide.yaml'])
    await shot(page, 'diff-both')
    assert.is(await page.locator('.notice.error').count(), 0)
    assert.equal(complaints, [])
  })

  for (const [view, ready] of [
    ['Treemap', '.area'],
    ['Verify', '.tamper'],
    ['Sharing', '.upset-column'],
    ['Diff', '.waiting-text'],
  ]) {
    views(`${view} on a phone, in the dark`, async () => {
      const { page, complaints } = await site.open({ address: DEMO, viewport: PHONE, dark: true })
      await show(page, view)
      await page.waitForSelector(ready)
      await shot(page, `${view.toLowerCase()}-phone-dark`)
      const wider = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
      assert.not(wider, 'the page is wider than the screen')
      assert.equal(complaints, [])
    })
  }

  views('stop', () => site.stop())
}
views.run()
