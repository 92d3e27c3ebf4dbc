// Browsing in the playground, as people do it: a file is picked, its tree unfolded, sorted, walked through by keys; on a phone too.
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { pathToFragment } from '../../src/playground/path-text.js'
import { CHROMIUM } from '../browser/chromium.js'
import { fixture, skip } from '../helpers/paths.js'
import { type OpenPage, type PageOptions, PHONE, Site, shot } from './site.js'
import { becomes, drawn, showView } from './waiting.js'

const browse = suite('playground: browse')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const DEMO = '?image=demo/two.cfs&store=demo/objects'

/** Names of the rows that are drawn, from the top. */
function rows(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('[role=treeitem]')]
      .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
      .map(row => row.querySelector('.tree-name')?.textContent ?? ''),
  )
}

async function untilChosen(page: Page, name: string): Promise<void> {
  // The keyboard is there too, which follows what is chosen.
  await page.waitForFunction(wanted => {
    const row = document.querySelector('.tree-row.chosen')
    const at = row?.closest('[role=tree]')?.getAttribute('aria-activedescendant')
    const item = row?.closest('[role=treeitem]')
    return row?.querySelector('.tree-name')?.textContent === wanted && item !== null && item?.id === at
  }, name)
}

async function press(page: Page, ...keys: readonly string[]): Promise<void> {
  for (const key of keys) await page.keyboard.press(key)
}

/** Waits until the keyboard has gone to what has an id or a role. */
async function untilFocused(page: Page, what: { readonly id?: string; readonly role?: string }): Promise<void> {
  await page.waitForFunction(({ id, role }) => {
    const at = document.activeElement
    return (id === undefined || at?.id === id) && (role === undefined || at?.getAttribute('role') === role)
  }, what)
}

function labelOf(page: Page, name: string): Promise<string | null> {
  return page.getAttribute(`[role=treeitem][title="${name}"]`, 'aria-label')
}

if (site === undefined) skip(browse, 'browse', 'no Chromium')
else {
  const mount = mountSync(join(site.dir, 'demo/two.cfs'))
  const demo = async (path: string, options: PageOptions = {}): Promise<OpenPage> => {
    const opened = await site.open({ address: `${DEMO}#${path}`, ...options })
    await opened.page.waitForSelector('.tree-row.chosen', { state: 'attached' })
    return opened
  }
  const done = async ({ page, complaints }: OpenPage) => {
    assert.equal(complaints, [])
    await page.context().close()
  }

  browse('a picked image shows its tree', async () => {
    const opened = await site.open()
    const { page } = opened
    await page.locator('input[type=file]').first().setInputFiles(fixture('small.cfs'))
    await page.waitForSelector('[role=treeitem]')
    await shot(page, 'browse-first')
    await done(opened)
  })

  browse('keys lead through the tree', async () => {
    const opened = await demo('/usr/bin/knock')
    const { page } = opened
    await page.locator('[role=tree]').focus()
    await press(page, 'ArrowLeft')
    await untilChosen(page, 'bin')
    await press(page, 'ArrowLeft')
    await page.waitForFunction(() => document.querySelector('[title=knock]') === null)
    await press(page, 'ArrowRight')
    await page.waitForSelector('[title=knock]')
    await press(page, 'ArrowRight')
    await untilChosen(page, 'ebb')
    await press(page, 'End')
    await untilChosen(page, 'lib')
    await press(page, 'Home')
    await untilChosen(page, '/')
    await page.keyboard.type('us')
    await untilChosen(page, 'usr')
    await press(page, 'ArrowDown', 'ArrowDown', 'ArrowUp')
    await untilChosen(page, 'bin')
    await becomes(() => page.evaluate(() => location.hash), '#/usr/bin')
    const active = () =>
      page.evaluate(() => {
        const id = document.querySelector('[role=tree]')?.getAttribute('aria-activedescendant') ?? ''
        return document.getElementById(id)?.title
      })
    await becomes(active, 'bin')
    await done(opened)
  })

  browse('keys that come faster than answers do the same', async () => {
    const opened = await demo('/usr/bin/knock')
    const { page } = opened
    // All at once: no answer of the worker and no drawing is between them.
    const hit = (...keys: readonly string[]) =>
      page.evaluate(all => {
        const tree = document.querySelector('[role=tree]')
        for (const key of all)
          tree?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }))
      }, keys)
    await hit('ArrowLeft', 'ArrowLeft', 'ArrowLeft')
    await untilChosen(page, 'usr')
    assert.is(await page.locator('[title=knock]').count(), 0)
    await hit('ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowDown')
    await untilChosen(page, 'flow')
    await hit('Home', 'u', 's', 'ArrowDown', 'ArrowDown', 'ArrowUp')
    await untilChosen(page, 'bin')
    await hit('ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'Home', 'End')
    await page.waitForFunction(() => document.querySelector('[role=treeitem][aria-level="3"]') === null)
    const last = (await rows(page)).at(-1) ?? ''
    await untilChosen(page, last)
    await done(opened)
  })

  browse('all is unfolded and folded again', async () => {
    const opened = await demo('/srv')
    const { page } = opened
    await page.locator('[role=tree]').focus()
    const before = await rows(page)
    await press(page, '*')
    await page.waitForSelector('[role=treeitem][aria-level="9"]')
    await press(page, 'End', 'Home')
    await untilChosen(page, '/')
    await page.getByRole('button', { name: 'Fold all', exact: true }).click()
    await page.waitForFunction(() => document.querySelector('[role=treeitem][aria-level="3"]') === null)
    await becomes(() => rows(page), before)
    await done(opened)
  })

  browse('entries are sorted by name, size, time and type, both ways', async () => {
    const opened = await demo('/usr/src/tide')
    const { page } = opened
    await page.locator('[role=tree]').focus()
    await press(page, 'ArrowRight')
    const list = async () => {
      const all = await rows(page)
      return all.filter(name => /^(tide\.|until|turns|reading|Makefile|index|package|\.ci)/.test(name))
    }
    await page.waitForSelector('[title="tide.c"]')
    const byName = await list()
    assert.equal(byName.slice(1), [...byName.slice(1)].sort())
    assert.is(byName[0], '.ci')
    const files = byName.slice(1).map(name => ({ name, stat: mount.fs.statSync(`/usr/src/tide/${name}`) }))
    const by = (key: 'size' | 'mtimeMs', sign: number) =>
      [...files].sort((a, b) => sign * (Number(a.stat[key]) - Number(b.stat[key]))).map(({ name }) => name)
    const sort = (label: string) => page.selectOption('[aria-label="Sort by"]', { label })
    await sort('Size')
    await becomes(list, ['.ci', ...by('size', 1)])
    await page.getByRole('button', { name: /^Sorted upwards/ }).click()
    await becomes(list, ['.ci', ...by('size', -1)])
    await sort('Time')
    await becomes(list, ['.ci', ...by('mtimeMs', -1)])
    await sort('Type')
    await becomes(async () => (await list()).length, byName.length)
    await done(opened)
  })

  browse('badges are told in words', async () => {
    const opened = await demo('/srv/layer/fresh')
    const { page } = opened
    assert.match((await labelOf(page, 'gone')) ?? '', /whiteout/)
    assert.match((await labelOf(page, 'fresh')) ?? '', /opaque/)
    await page.locator('.tree-tools').waitFor()
    await shot(page, 'browse-badges')
    await page.goto(`${site.url}${DEMO}#/usr/bin/knock`)
    await page.reload()
    await untilChosen(page, 'knock')
    assert.match((await labelOf(page, 'knock')) ?? '', /setuid/)
    assert.match((await labelOf(page, 'tide')) ?? '', /hard link/)
    assert.match((await labelOf(page, 'ping-station')) ?? '', /capabilities/)
    assert.match((await labelOf(page, 'tides')) ?? '', /symlink to tide/)
    assert.match((await labelOf(page, 'tmp')) ?? '', /sticky/)
    await done(opened)
  })

  browse('hostile names are shown safely, and their links lead to them', async () => {
    for (const [name, shown] of [
      ['line\nbreak', 'line␊break'],
      ['turned\u202egpj.exe', 'turned\\u{202e}gpj.exe'],
      ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
      ['invalid \udcff\udcfe utf-8', 'invalid \\xff\\xfe utf-8'],
      ['n'.repeat(255), 'n'.repeat(255)],
      ['percent%2e%2e%2f', 'percent%2e%2e%2f'],
      ['#fragment?query', '#fragment?query'],
    ]) {
      const hash = pathToFragment(`/srv/names/${name}`)
      const opened = await demo(hash)
      await untilChosen(opened.page, shown)
      // Chosen by a click, the link is the same.
      await opened.page.locator('.tree-row.chosen').click()
      await becomes(() => opened.page.evaluate(() => location.hash), `#${hash}`)
      if (name.startsWith('line')) await shot(opened.page, 'browse-names')
      await done(opened)
    }
  })

  browse('the tree stays where it is when another view is shown, and follows the breadcrumbs', async () => {
    const opened = await demo('/srv/many')
    const { page } = opened
    await page.locator('[role=tree]').focus()
    await press(page, 'ArrowRight')
    await page.waitForFunction(() => document.querySelectorAll('[role=treeitem][aria-level="4"]').length > 3)
    await page.evaluate(() => document.querySelector('[role=tree]')?.scrollTo(0, 40_000))
    await drawn(page)
    const top = () => page.evaluate(() => document.querySelector('[role=tree]')?.scrollTop)
    const was = await top()
    assert.ok(Number(was) > 1000)
    await showView(page, 'Map')
    assert.is(await top(), was)
    await page.getByRole('navigation', { name: 'Where you are' }).getByRole('button', { name: 'srv' }).click()
    await untilChosen(page, 'srv')
    await done(opened)
  })

  browse('two images are shown side by side, each with a tree of its own', async () => {
    const opened = await demo('/etc')
    const { page } = opened
    await page.getByRole('button', { name: 'Show two images side by side' }).click()
    await page.waitForSelector('.pane + .pane')
    await page
      .locator('.pane')
      .nth(1)
      .click({ position: { x: 100, y: 300 } })
    await page.getByRole('navigation', { name: 'Open images' }).getByRole('button', { name: 'two.cfs' }).first().click()
    await page.waitForFunction(() => document.querySelectorAll('[role=tree]').length === 2)
    const right = page.locator('[role=tree]').nth(1)
    const unfolded = () => page.locator('.pane:nth-child(1) [aria-expanded=true]').count()
    const before = await unfolded()
    await right.getByRole('treeitem', { name: /^usr/ }).locator('.twisty').click()
    await page.waitForFunction(() => document.querySelectorAll('.pane:nth-child(2) [aria-expanded=true]').length > 1)
    assert.is(await unfolded(), before)
    await becomes(() => page.locator('.document-tab [role=img]').count(), 2)
    await shot(page, 'browse-side-by-side')
    await done(opened)
  })

  browse('keys are listed', async () => {
    const opened = await demo('/etc')
    const { page } = opened
    await page.locator('[role=tree]').focus()
    await press(page, '?')
    await page.waitForSelector('.keys-help[open]')
    await shot(page, 'browse-keys')
    await press(page, 'Escape')
    await page.waitForFunction(() => document.querySelector('.keys-help[open]') === null)
    // F6 goes round: tree, views, search, tree.
    await press(page, 'F6')
    await untilFocused(page, { role: 'tab' })
    await press(page, 'F6')
    await untilFocused(page, { id: 'search-0' })
    await done(opened)
  })

  browse('on a phone a file leads to its content, and the way back to the files', async () => {
    const opened = await demo('/etc/tidepool', { viewport: PHONE })
    const { page } = opened
    await shot(page, 'browse-phone-files')
    await page.locator('[title=etc]').waitFor()
    assert.is(await page.locator('.content').isVisible(), false)
    await page.locator('[title=tidepool]').click()
    await page.locator('[title="radar.conf"]').click()
    await page.waitForFunction(() => document.querySelector('.pane')?.classList.contains('side-content'))
    assert.is(await page.locator('.content').isVisible(), true)
    assert.is(await page.locator('.side').isVisible(), false)
    await shot(page, 'browse-phone-content')
    await page.goBack()
    await page.waitForFunction(() => document.querySelector('.pane')?.classList.contains('side-files'))
    await untilChosen(page, 'radar.conf')
    await done(opened)
  })

  browse('stop', () => {
    mount.unmount()
    return site.stop()
  })
}

browse.run()
