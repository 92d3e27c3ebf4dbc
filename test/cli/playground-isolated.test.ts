// What the headers of composefs playground come to in a browser: its page is isolated and reads stores of other origins that
// let it, and pages of other origins read nothing of it.
import fs from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM, newPage, startChromium } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { playgroundPackage, startPrinting } from '../helpers/playground-package.js'

const isolated = suite('the playground in a browser')

/** A server of another origin; `open`: any page may read what it has. */
async function elsewhere(open: boolean): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const type = request.url === '/' ? 'text/html' : 'text/plain'
    response
      .writeHead(200, { 'content-type': type, ...(open ? { 'access-control-allow-origin': '*' } : {}) })
      .end('elsewhere')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

/** What a page gets of a URL: its text, or how it was refused. */
function fetched(page: Page, url: string, mode: RequestMode): Promise<string> {
  const read = async ([at, how]: [string, RequestMode]) => {
    try {
      const response = await fetch(at, { mode: how })
      return `${response.type} ${await response.text()}`
    } catch (error) {
      return error instanceof Error ? error.name : 'failed'
    }
  }
  return page.evaluate(read, [url, mode] as [string, RequestMode])
}

async function pageAt(browser: Browser, url: string): Promise<Page> {
  const page = await newPage(browser)
  await page.goto(url)
  return page
}

if (CHROMIUM === undefined) skip(isolated, 'in Chromium', 'no Chromium (CHROMIUM may name one)')
else {
  const home = playgroundPackage()
  const image = join(dirname(home), 'image.html')
  fs.writeFileSync(image, '<script>document.title = "ran"</script>')
  const { url, end } = await startPrinting(home, 'composefs', ['playground', image, '--port', '0'])
  const browser = await startChromium(CHROMIUM)
  const [open, closed] = [await elsewhere(true), await elsewhere(false)]
  const local = new URL('/local/image/image.html', url).href

  isolated('its page runs, isolated, and reads what is its own', async () => {
    const page = await pageAt(browser, url)
    assert.is(await page.title(), 'script ran')
    assert.is(await page.evaluate(() => globalThis.crossOriginIsolated), true)
    assert.is(await page.evaluate(() => typeof SharedArrayBuffer), 'function')
    assert.is(await fetched(page, local, 'cors'), `basic ${fs.readFileSync(image, 'utf8')}`)
  })

  isolated('it reads stores of other origins that say so, though they know of no isolation', async () => {
    const page = await pageAt(browser, url)
    assert.is(await fetched(page, open.url, 'cors'), 'cors elsewhere')
    assert.is(await fetched(page, closed.url, 'cors'), 'TypeError')
    assert.is(await fetched(page, open.url, 'no-cors'), 'TypeError')
  })

  isolated('a page of another origin reads nothing, embeds nothing, frames nothing', async () => {
    const page = await pageAt(browser, open.url)
    // This one can be read, so it is not that nothing can.
    assert.is(await fetched(page, open.url, 'cors'), 'basic elsewhere')
    for (const path of ['', 'local/image/image.html', 'parts/page.js']) {
      assert.is(await fetched(page, new URL(path, url).href, 'cors'), 'TypeError', path)
      assert.is(await fetched(page, new URL(path, url).href, 'no-cors'), 'TypeError', path)
    }
    const script = new URL('parts/page.js', url).href
    const came = await page.evaluate(async at => {
      const element = document.createElement('script')
      element.src = at
      const done = new Promise(resolve => {
        element.onload = () => resolve('loaded')
        element.onerror = () => resolve('refused')
      })
      document.head.append(element)
      return done
    }, script)
    assert.is(came, 'refused')
    const frame = await page.evaluate(async at => {
      const element = document.createElement('iframe')
      element.src = at
      const done = new Promise(resolve => {
        element.onload = resolve
      })
      document.body.append(element)
      await done
      return element.contentDocument === null
    }, url)
    // What was loaded is the browser's own page about the refusal.
    assert.is(frame, true)
    const inner = page.frames().find(one => one !== page.mainFrame())
    assert.is.not(await inner?.title(), 'script ran')
  })

  isolated('a name that leads here is not enough', async () => {
    const port = new URL(url).port
    const rebound = await startChromium(CHROMIUM, ['--host-resolver-rules=MAP evil.example 127.0.0.1'])
    try {
      const page = await newPage(rebound)
      const response = await page.goto(`http://evil.example:${port}/`)
      assert.is(response?.status(), 421)
      assert.is(await fetched(page, `http://evil.example:${port}/local/image/image.html`, 'cors'), 'basic 421\n')
    } finally {
      await rebound.close()
    }
  })

  isolated('a file of the machine is no page, even where one goes to it', async () => {
    const page = await newPage(browser)
    const download = page.waitForEvent('download')
    await page.goto(local).catch(() => {})
    assert.is((await download).suggestedFilename(), 'image.html')
    assert.is.not(await page.title(), 'ran')
  })

  isolated('the end', async () => {
    await browser.close()
    for (const { server } of [open, closed]) server.close()
    assert.is(await end(), 0)
  })
}

isolated.run()
