// The playground for people who don't see it, see little or use no mouse: axe-core over everything that it can show, in light and
// dark, on a wide window and on a phone; and the keyboard, which gets everywhere and out again.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CDPSession, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { ROOT, skip } from '../helpers/paths.js'
import { PHONE, Site, WIDE } from './site.js'
import { becomes, drawn, goTo, matches, showView } from './waiting.js'

const accessibility = suite('playground: accessibility')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const DEMO = '?image=demo/two.cfs&store=demo/objects'
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** One rule is an experiment still, and takes sizes that stand beside a name for a part of it: left out. */
const OPTIONS = {
  resultTypes: ['violations'],
  runOnly: { type: 'tag', values: TAGS },
  rules: { 'label-content-name-mismatch': { enabled: false } },
}
const AXE = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8')

interface Violation {
  readonly id: string
  readonly nodes: readonly { readonly target: readonly unknown[]; readonly failureSummary?: string }[]
}

/** A page, and axe-core beside it: put there by the debugger, since the page's policy takes no foreign script. */
class Examined {
  readonly page: Page
  readonly #debugger: CDPSession
  /** What is wrong, with where it was seen first; rows of a list count once. */
  readonly #found = new Map<string, string>()
  count = 0

  constructor(page: Page, session: CDPSession) {
    this.page = page
    this.#debugger = session
  }

  get found(): string[] {
    return [...this.#found].map(([what, where]) => `${what}: ${where}`)
  }

  async #answer(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#debugger.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (exceptionDetails !== undefined)
      throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
    return result.value
  }

  async #violations(): Promise<readonly Violation[]> {
    if ((await this.#answer('typeof axe')) !== 'object') await this.#answer(`${AXE}; undefined`)
    const run = `axe.run(document, ${JSON.stringify(OPTIONS)})`
    return (await this.#answer(`${run}.then(found => found.violations)`)) as readonly Violation[]
  }

  /** On a wide window in light colours, on a phone in dark ones. `side`: what a phone shows of a pane. */
  async look(state: string, side?: 'Files' | 'Content'): Promise<void> {
    const { page } = this
    await this.#check(`${state}, wide, light`)
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    await page.setViewportSize(PHONE)
    if (side !== undefined) await page.locator('.side-switch').first().getByRole('button', { name: side }).click()
    await this.#check(`${state}, phone, dark`)
    await page.setViewportSize(WIDE)
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
  }

  async #check(where: string): Promise<void> {
    await drawn(this.page)
    for (const { id, nodes } of await this.#violations())
      for (const { target, failureSummary } of nodes) {
        const what = `${id}: ${target.join(' ').replace(/\d+/g, 'N')}`
        if (!this.#found.has(what)) this.#found.set(what, `${where}: ${failureSummary ?? ''}`)
      }
    this.count++
  }
}

if (site === undefined) skip(accessibility, 'accessibility', 'no Chromium')
else {
  const start = async (address = '') => {
    const { page, complaints } = await site.open({ address })
    const examined = new Examined(page, await page.context().newCDPSession(page))
    return { page, complaints, examined }
  }
  const end = async ({ page, complaints, examined }: Awaited<ReturnType<typeof start>>) => {
    if (examined.count > 0) console.log(`note: axe-core ran ${examined.count} times`)
    assert.equal(examined.found, [])
    assert.equal(complaints, [])
    await page.context().close()
  }

  accessibility('start screen, dialogs, messages', async () => {
    const opened = await start()
    const { page, examined } = opened
    await page.waitForSelector('.start')
    await page.locator('.start-url summary').click()
    await examined.look('start')
    await page.getByRole('button', { name: 'Open…' }).click()
    await examined.look('open menu')
    await page.keyboard.press('Escape')
    await page.locator('h1').click()
    await page.keyboard.press('?')
    await page.waitForSelector('.keys-help[open]')
    await examined.look('keys')
    await page.keyboard.press('Escape')
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles({
        name: 'no image.txt',
        mimeType: 'text/plain',
        buffer: Buffer.from('This is no image.'),
      })
    await page.waitForSelector('.notice.error')
    await examined.look('failure')
    await end(opened)
  })

  accessibility('contents of every kind, search, menu', async () => {
    const opened = await start(`${DEMO}#/etc`)
    const { page, examined } = opened
    await page.waitForSelector('.folder-list [role=option]')
    await examined.look('folder', 'Content')
    for (const [path, selector] of [
      ['/usr/src/tide/tide.c', '.cm-line span[class]'],
      ['/usr/share/data/stations.json', '.cm-line span[class]'],
      ['/usr/share/pictures/bay.png', '.picture img'],
      ['/usr/bin/tides', '.special'],
      ['/usr/lib/tidepool/core.wasm', '.bytes-row'],
      ['/srv/names/<img src=x onerror=alert(1)>', '.cm-line'],
    ]) {
      await goTo(page, path)
      await page.waitForSelector(selector)
      await examined.look(`contents ${path.split('/').at(-1)?.slice(0, 16)}`, 'Content')
    }
    await page.locator('[role=tree]').first().focus()
    await page.keyboard.press('Shift+F10')
    await page.waitForSelector('.entry-menu')
    await examined.look('entry menu')
    await page.keyboard.press('Escape')
    await page.locator('#search-0').fill('tide')
    await page.waitForSelector('.found-name')
    await examined.look('search', 'Files')
    await end(opened)
  })

  accessibility('views', async () => {
    const opened = await start()
    const { page, examined } = opened
    await page.getByRole('button', { name: 'Try the demo' }).click()
    await page.waitForFunction(() => document.querySelectorAll('.document-tab').length === 2)
    await page.waitForSelector('.folder-list [role=option]')
    await goTo(page, '/usr/src/tide/tide.c')
    for (const name of ['Inspector', 'Map', 'Treemap', 'Network', 'Terminal', 'Sharing', 'Diff']) {
      await showView(page, name)
      await examined.look(`view ${name}`, 'Content')
    }
    await end(opened)
  })

  accessibility('verifying, changing, side by side', async () => {
    const opened = await start(`${DEMO}#/etc/motd`)
    const { page, examined } = opened
    await page.waitForSelector('.cm-line')
    await showView(page, 'Verify')
    await page.getByRole('button', { name: 'Verify', exact: true }).click()
    await page.locator('.verify-card.good').waitFor()
    await page.getByRole('button', { name: 'Tamper', exact: true }).click()
    await page.locator('.defence.noticed').first().waitFor()
    await examined.look('view Verify', 'Content')
    await showView(page, 'Map')
    await examined.look('whole map', 'Content')
    await showView(page, 'Changes')
    await page.getByRole('button', { name: 'Start changing' }).first().click()
    await page.locator('.changes-tools').waitFor()
    await page.locator('[role=tree]').first().focus()
    await page.keyboard.press('Delete')
    await page.waitForSelector('dialog[open]')
    await examined.look('question')
    await page.locator('dialog[open] button.danger').click()
    await page.waitForFunction(() => document.querySelector('dialog[open]') === null)
    await examined.look('view Changes', 'Content')
    await page.getByRole('button', { name: 'Show two images side by side' }).click()
    await page.waitForSelector('.pane + .pane')
    await showView(page, 'Contents')
    await examined.look('side by side')
    await end(opened)
  })

  /** Where Tab leads from the top of the page: what each place is called, and whether it is seen that one is there. */
  const walk = async (page: Page, key: 'Tab' | 'Shift+Tab', most: number) => {
    const places: { readonly name: string; readonly marked: boolean }[] = []
    for (let i = 0; i < most; i++) {
      await page.keyboard.press(key)
      const place = await page.evaluate(async () => {
        const pause = () => new Promise(resolve => requestAnimationFrame(resolve))
        let at = document.activeElement
        while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
        if (at === null || at === document.body) return undefined
        const marks = [at, at.closest('.cm-editor'), at.closest('.file-button'), at.closest('.xterm')]
        const isMarked = () => marks.some(one => one !== null && getComputedStyle(one).outlineStyle !== 'none')
        // CodeMirror marks itself a moment later.
        for (let frames = 100; frames > 0 && !isMarked(); frames--) await pause()
        return { name: at.getAttribute('aria-label') ?? at.textContent?.trim() ?? '', marked: isMarked() }
      })
      if (place === undefined) break
      places.push(place)
    }
    return places
  }

  accessibility('Tab reaches all that can be used, shows where it is, and goes out at the end', async () => {
    const opened = await start(`${DEMO}#/usr/src/tide/tide.c`)
    const { page } = opened
    await page.waitForSelector('.cm-line')
    const places = await walk(page, 'Tab', 80)
    assert.ok(places.length < 80, 'it comes to an end')
    assert.equal(
      places.filter(place => !place.marked),
      [],
      'without a mark',
    )
    const reached = new Set(places.map(place => place.name))
    const missing = await page.evaluate(() =>
      [...document.querySelectorAll('a, button, input, select, summary, [role=tree]')]
        .filter(one => one.checkVisibility() && one.getAttribute('tabindex') !== '-1')
        .map(one => one.getAttribute('aria-label') ?? one.textContent?.trim() ?? ''),
    )
    assert.ok(missing.length > 15)
    assert.equal(
      missing.filter(name => !reached.has(name)),
      [],
      'not reached',
    )
    assert.ok(reached.has('Text of tide.c'))
    const back = new Set((await walk(page, 'Shift+Tab', places.length)).map(place => place.name))
    assert.equal(
      [...reached].filter(name => !back.has(name)),
      [],
      'not reached backwards',
    )
    await end(opened)
  })

  accessibility('a text that is edited, and the terminal, let the keyboard go', async () => {
    const opened = await start(`${DEMO}#/usr/src/tide/tide.c`)
    const { page } = opened
    await page.getByRole('button', { name: 'Edit text' }).first().click()
    await page.locator('.cm-content').click()
    const inside = () => page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.className ?? '')
    await matches(inside, /cm-content/)
    await page.keyboard.press('Escape')
    await page.keyboard.press('Tab')
    await matches(inside, /^(?!.*cm-content)/)
    await showView(page, 'Terminal')
    await page.waitForFunction(() => document.activeElement?.className === 'xterm-helper-textarea')
    await page.keyboard.press('Shift+Tab')
    await becomes(() => page.evaluate(() => document.activeElement?.getAttribute('role')), 'tab')
    await end(opened)
  })

  accessibility('a dialog keeps the keyboard and gives it back', async () => {
    const opened = await start(`${DEMO}#/etc/motd`)
    const { page } = opened
    await page.waitForSelector('.cm-line')
    const focused = () =>
      page.evaluate(() => {
        const at = document.activeElement
        return {
          name: at?.getAttribute('aria-label') ?? at?.textContent ?? '',
          inside: at?.closest('dialog, [role=menu]') !== null,
        }
      })
    for (const name of ['Open…', 'Keys', 'Rename or move', 'More to do with it']) {
      await page.getByRole('button', { name, exact: true }).first().focus()
      await page.keyboard.press('Enter')
      await page.waitForFunction(() => document.activeElement?.closest('dialog, [role=menu]') !== null)
      await page.keyboard.press('Escape')
      await page.waitForFunction(() => document.activeElement?.closest('dialog, [role=menu]') === null)
      await becomes(focused, { name, inside: false })
    }
    await end(opened)
  })

  accessibility('who wants no motion has none', async () => {
    const opened = await start()
    const { page } = opened
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.getByRole('button', { name: 'Try the demo' }).click()
    await page.waitForSelector('.folder-list [role=option]')
    for (const name of ['Map', 'Treemap', 'Verify', 'Network', 'Changes']) {
      await showView(page, name)
      const moving = await page.evaluate(() => document.getAnimations().length)
      assert.is(moving, 0, name)
    }
    await end(opened)
  })

  accessibility('stop', () => site.stop())
}
accessibility.run()
