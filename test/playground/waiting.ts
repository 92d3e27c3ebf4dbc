// Waiting for what a page comes to show. A page answers in its own time, and longer on a busy machine: whatever is asserted of it
// after something was done is asked for until it is so. Not here: any test.
import type { Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { shownText } from '../../src/playground/path-text.js'
import { TIMEOUT_MS } from '../browser/chromium.js'

const ASK_AGAIN_MS = 40

/** Waits until a check no longer fails; it fails as the check does where that never comes. */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const end = performance.now() + TIMEOUT_MS
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > end) throw error
    }
    await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS))
  }
}

/** Waits until what is read is what is expected. */
export function becomes<T>(read: () => Promise<T>, expected: T, message?: string): Promise<void> {
  return eventually(async () => assert.equal(await read(), expected, message))
}

/** Waits until a text that is read is as expected; answers it. */
export async function matches(read: () => Promise<string | null>, expected: RegExp): Promise<string> {
  let text = ''
  await eventually(async () => {
    text = (await read()) ?? ''
    assert.match(text, expected)
  })
  return text
}

/** Waits until all that has been done is laid out and drawn. */
export function drawn(page: Page): Promise<unknown> {
  return page.evaluate(
    () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)))),
  )
}

/** Waits until the (first) pane shows an entry, told by the names of its path. */
export async function shows(page: Page, path: string): Promise<void> {
  const names = path.split('/').filter(name => name !== '')
  await page.waitForFunction(
    wanted => {
      const crumbs = [...(document.querySelector('.breadcrumbs')?.querySelectorAll('button') ?? [])]
      return JSON.stringify(crumbs.slice(1).map(one => one.textContent)) === wanted
    },
    JSON.stringify(names.map(shownText)),
  )
}

/** Goes to another entry by the address, as a link does. `fragment`: what stands there where that is not the path itself. */
export async function goTo(page: Page, path: string, fragment = path): Promise<void> {
  await page.evaluate(to => {
    location.hash = to
  }, fragment)
  await shows(page, path)
}

/** What is there once a view shows what it is for, whatever that may be. */
const READY: Readonly<Record<string, string>> = {
  Contents: ['.viewer', '.special', '.contents-note', '.folder-list [role=option]', '.editor-text']
    .map(one => `.view-contents ${one}`)
    .join(', '),
  Inspector: '.view-inspector [data-fact=nid]',
  Changes: '.view-changes .changes',
  Map: '.view-map .map-sum',
  Treemap: '.view-treemap .area',
  Verify: '.view-verify .tamper',
  Network: '.view-network .sums, .view-network:has-text("This image is all here")',
  Terminal: '.view-terminal .xterm-rows:has-text("$")',
  Sharing: '.view-sharing .sums',
  Diff: '.diff-row, .view-diff:has-text("Open a second image")',
}

/** Chooses a view of the first pane, and waits until it shows what it is for. */
export async function showView(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name, exact: true }).first().click()
  await page.locator(READY[name]).first().waitFor({ state: 'attached' })
  await drawn(page)
}
