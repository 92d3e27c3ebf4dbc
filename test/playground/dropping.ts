// Things dropped on a page as a file manager does it, folders included, and what tests of opening look at. Not here: any test.
import type { Page } from 'playwright-core'

/** Lets go of files and folders of this machine over the page. */
export async function drop(page: Page, ...files: string[]): Promise<void> {
  const { width, height } = page.viewportSize() ?? { width: 800, height: 600 }
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files, dragOperationsMask: 1 }
  const send = (type: 'dragEnter' | 'dragOver' | 'drop') =>
    session.send('Input.dispatchDragEvent', { type, x: width / 2, y: height / 2, data })
  const hint = page.locator('.drop-hint')
  // Chromium drops what comes while it still asks the page about what came before.
  for (let tries = 0; tries < 100 && (await hint.count()) === 0; tries++) {
    await send('dragEnter')
    await send('dragOver')
    await page.waitForTimeout(20)
  }
  for (let tries = 0; tries < 100 && (await hint.count()) > 0; tries++) {
    await send('dragOver')
    await send('drop')
    await page.waitForTimeout(20)
  }
  await session.detach()
}

/** Names of the open images, once there are so many. */
export async function openNames(page: Page, count: number): Promise<string[]> {
  const tabs = page.locator('.document-tab > button:first-child bdi')
  await tabs.nth(count - 1).waitFor()
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
  await found.waitFor()
  const text = await found.locator('bdi').innerText()
  await found.getByRole('button').click()
  return text
}

/** Shows a file's contents and waits until they have what is expected. */
export async function contents(page: Page, path: string, expected: string): Promise<void> {
  await page.evaluate(to => {
    location.hash = to
  }, `#${path}`)
  await page.getByRole('tab', { name: 'Contents' }).click()
  await page.locator('.view-contents', { hasText: expected }).waitFor()
}
