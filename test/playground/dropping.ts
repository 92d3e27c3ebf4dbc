// Things dropped on a page as a file manager does it, folders included, and what tests of opening look at. Not here: any test.
import type { ElementHandle, Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { becomes, eventually, goTo } from './waiting.js'

/** Lets go of files and folders of this machine over the page. */
export async function drop(page: Page, ...files: string[]): Promise<void> {
  const { width, height } = page.viewportSize() ?? { width: 800, height: 600 }
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files, dragOperationsMask: 1 }
  const send = (type: 'dragEnter' | 'dragOver' | 'drop') =>
    session.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data })
  await page.evaluate(() => {
    const told = { over: 0, drop: 0 }
    Object.assign(globalThis, { told })
    addEventListener('dragover', () => void told.over++, { capture: true, once: true })
    addEventListener('drop', () => void told.drop++, { capture: true, once: true })
  })
  const heard = (what: 'over' | 'drop') =>
    page.evaluate(name => (globalThis as unknown as { told: Record<string, number> }).told[name] > 0, what)
  // Chromium answers once the page has dealt with what came, and at times leaves out what comes early.
  const enter = async () => {
    await send('dragEnter')
    await send('dragOver')
    assert.ok(await heard('over'), 'the page hears of what is dragged')
  }
  await eventually(enter)
  await page.locator('.drop-hint').waitFor()
  await eventually(async () => {
    await send('drop')
    if (await heard('drop')) return
    await enter()
    assert.unreachable('the page does not hear of what is dropped')
  })
  await page.locator('.drop-hint').waitFor({ state: 'detached' })
  await session.detach()
}

/** Names of the open images, once there are just so many. */
export async function openNames(page: Page, count: number): Promise<string[]> {
  const tabs = page.locator('.document-tab > button:first-child bdi')
  await becomes(() => tabs.count(), count)
  return tabs.allInnerTexts()
}

/** Rows of the tree. */
export async function treeRows(page: Page): Promise<string[]> {
  await page.locator('[role=treeitem][aria-level="2"]').first().waitFor()
  return page
    .locator('[role=treeitem]')
    .evaluateAll(rows => rows.map(row => row.getAttribute('aria-label')?.split(',')[0] ?? ''))
}

/** The next message, once there is one that fits; it is put away. */
export async function message(page: Page, expected: RegExp): Promise<string> {
  const found = page.locator('.notice:not(.job)', { hasText: expected }).first()
  // The very one, as news goes away by itself, even while it is read here.
  const notice = await found.elementHandle()
  const text = (await (await notice?.$('bdi'))?.textContent()) ?? ''
  await putAway(notice)
  return text
}

/** Puts a message away, unless it has gone meanwhile. */
async function putAway(notice: ElementHandle | null): Promise<void> {
  try {
    await (await notice?.$('button'))?.click()
  } catch (error) {
    if (await notice?.evaluate(one => one.isConnected)) throw error
  }
  await notice?.waitForElementState('hidden')
}

/** Puts all messages away that stand there. */
export async function putAllAway(page: Page): Promise<void> {
  const notice = page.locator('.notice:not(.job)').first()
  while ((await notice.count()) > 0) await putAway(await page.$('.notice:not(.job)'))
}

/** Shows a file's contents and waits until they have what is expected. */
export async function contents(page: Page, path: string, expected: string): Promise<void> {
  await goTo(page, path)
  await page.getByRole('tab', { name: 'Contents' }).click()
  await page.locator('.view-contents', { hasText: expected }).waitFor()
}
