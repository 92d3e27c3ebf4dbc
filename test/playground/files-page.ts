// A page of the playground on which files are looked at: what is opened, gone to and read there. Not here: any test.
import type { Page } from 'playwright-core'
import type { OpenPage, PageOptions, Site } from './site.js'
import { shows } from './waiting.js'

export const DEMO = '?image=demo/two.cfs&store=demo/objects#'
export const BIG = '?image=big/image.cfs&store=big/objects#'

export async function openAt(site: Site, address: string, options: PageOptions = {}): Promise<OpenPage> {
  return site.open({ address, ...options })
}

/** What the editor shows, as far as it draws it. */
export async function code(page: Page): Promise<string> {
  return (await page.locator('.cm-line').allTextContents()).join('\n')
}

export const contents = (page: Page) => page.locator('.view-contents')

/** Chooses another entry of the image that is open, folder by folder. */
export async function go(page: Page, path: string): Promise<void> {
  await page.locator('.breadcrumbs button').first().click()
  await shows(page, '/')
  let at = ''
  for (const name of path.split('/').slice(1)) {
    at += `/${name}`
    await page
      .locator('.folder-list [role=option]', { has: page.getByText(name, { exact: true }) })
      .first()
      .click()
    await shows(page, at)
  }
}
