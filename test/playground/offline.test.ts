// The playground without a network: after a first visit the page comes again, the demo opens, files are read. And what the first
// visit costs.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { Site, shot } from './site.js'

/** Of all that a page fetches until it can be used, gzipped. */
const FIRST_LOAD_MAX = 300 << 10

const offline = suite('playground: offline')
const site = CHROMIUM === undefined ? undefined : await Site.start()

if (site === undefined) skip(offline, 'offline', 'no Chromium')
else {
  offline('the first load is within its bound, images and terminal not asked for', async () => {
    const { page, complaints } = await site.open()
    const fetched = new Set<string>()
    page.on('request', request => fetched.add(new URL(request.url()).pathname))
    await page.reload()
    await page.setInputFiles('input[type=file]', join(site.dir, 'demo/one.cfs'))
    await page.waitForSelector('[role=treeitem]')
    await page.waitForLoadState('networkidle')
    let bytes = 0
    for (const path of fetched)
      bytes += gzipSync(readFileSync(join(site.dir, path === '/' ? 'index.html' : path))).length
    console.log(`note: first load ${fetched.size} files, ${(bytes / 1024).toFixed(0)} KiB gzipped`)
    assert.ok(fetched.has('/page.js') && fetched.has('/engine.js'), [...fetched].join(' '))
    assert.ok(bytes <= FIRST_LOAD_MAX, `${bytes} bytes`)
    assert.equal(complaints, [])
    await page.context().close()
  })

  offline('a second visit needs no network', async () => {
    const { page, complaints } = await site.open({ withServiceWorker: true })
    await page.evaluate(() => navigator.serviceWorker.ready)
    const kept = await page.evaluate(async () => {
      const names = await caches.keys()
      const requests = await Promise.all(names.map(async name => (await caches.open(name)).keys()))
      return requests.flat().map(request => new URL(request.url).pathname)
    })
    const files = readdirSync(site.dir, { recursive: true, encoding: 'utf8' }).filter(
      name => statSync(join(site.dir, name)).isFile() && name !== 'service-worker.js',
    )
    assert.equal(
      files.filter(name => !kept.includes(`/${name}`)),
      [],
      'kept',
    )
    await page.context().setOffline(true)
    await page.goto(`${site.url}?image=demo/two.cfs&store=demo/objects#/etc`)
    await page.waitForSelector('[role=treeitem][aria-selected=true]')
    assert.match(await page.locator('[role=treeitem][aria-selected=true]').innerText(), /etc/)
    await shot(page, 'offline')
    assert.equal(complaints, [])
    await page.context().close()
  })

  offline('stop', () => site.stop())
}
offline.run()
