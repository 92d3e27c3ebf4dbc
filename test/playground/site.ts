// The playground as people meet it: the built site on a server of its own, in real Chromium. What a page says that it should not
// (errors, warnings of its policy, failed requests) is kept, for a test to find that there is none. Not here: any test.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { ServedDirectory } from '../../src/cli/served-files.js'
import { StaticServer } from '../../src/cli/static-server.js'
import { CHROMIUM, startChromium, TIMEOUT_MS } from '../browser/chromium.js'

/** Where screenshots go, to be looked at; without it none are made. */
const SHOTS = process.env['COMPOSEFS_WASM_SHOTS'] ?? ''

export const WIDE = { width: 1280, height: 800 } as const
export const PHONE = { width: 390, height: 844 } as const

export interface OpenPage {
  readonly page: Page
  /** What it said that it should not have. */
  readonly complaints: readonly string[]
}

export interface PageOptions {
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly dark?: boolean
  /** What follows the site's address: `?image=…#/path`. */
  readonly address?: string
  /** With it, the whole site is fetched and kept at the first visit, and what is fetched later comes from there. */
  readonly withServiceWorker?: boolean
  /** The page may say what these find. */
  readonly expected?: readonly RegExp[]
}

/** The site, served; one browser for all pages of a test file. */
export class Site {
  readonly dir: string
  readonly #server: StaticServer
  readonly #browser: Browser
  readonly url: string

  private constructor(dir: string, server: StaticServer, browser: Browser, url: string) {
    this.dir = dir
    this.#server = server
    this.#browser = browser
    this.url = url
  }

  /** Serves a copy of the site that the test run has built, and starts the browser, with more arguments if any are given. All ends with the process. */
  static async start(args: readonly string[] = []): Promise<Site> {
    const dir = mkdtempSync(join(tmpdir(), 'composefs-site-'))
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
    cpSync(process.env['COMPOSEFS_WASM_SITE'] ?? '', dir, { recursive: true })
    const places = [{ prefix: '/', files: new ServedDirectory(dir), typed: true }]
    const headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }
    const server = new StaticServer({ places, headers })
    const url = await server.listen(0, '127.0.0.1')
    const browser = await startChromium(CHROMIUM, args)
    return new Site(dir, server, browser, url)
  }

  /** A new page of the site, in a context of its own. */
  async open(options: PageOptions = {}): Promise<OpenPage> {
    const context: BrowserContext = await this.#browser.newContext({
      viewport: options.viewport ?? WIDE,
      colorScheme: options.dark === true ? 'dark' : 'light',
      acceptDownloads: true,
      serviceWorkers: options.withServiceWorker === true ? 'allow' : 'block',
    })
    context.setDefaultTimeout(TIMEOUT_MS)
    const page = await context.newPage()
    const complaints: string[] = []
    const say = (text: string) => {
      if (/blocked by Playwright/.test(text)) return
      if (options.expected?.some(one => one.test(text)) !== true) complaints.push(text)
    }
    page.on('pageerror', error => say(`page error: ${error.message}`))
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') say(`${message.type()}: ${message.text()}`)
    })
    await page.goto(this.url + (options.address ?? ''))
    return { page, complaints }
  }

  async stop(): Promise<void> {
    await this.#browser.close()
    this.#server.close()
  }
}

/** A screenshot to be looked at, where someone wants any. */
export async function shot(page: Page, name: string): Promise<void> {
  if (SHOTS === '') return
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
