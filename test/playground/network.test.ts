// The network panel against what really goes over the network: requests that the browser sent, and bytes that the server gave.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Request } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { type OpenPage, Site, shot } from './site.js'
import { becomes, eventually, matches, showView } from './waiting.js'

const network = suite('playground: network')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const FILE = '/usr/share/doc/tidepool/README.md'
const DEMO = '?image=demo/two.cfs&store=demo/objects'

interface Seen {
  readonly path: string
  readonly bytes: number
}

/** What the browser asks for below demo/ from now on, once it is there. */
function watched({ page }: OpenPage): Seen[] {
  const seen: Seen[] = []
  const begun = new Set<Request>()
  page.on('request', request => void begun.add(request))
  page.on('requestfinished', async request => {
    const { pathname } = new URL(request.url())
    if (!pathname.startsWith('/demo/') || !begun.has(request)) return
    const response = await request.response()
    seen.push({ path: pathname, bytes: Number(response?.headers()['content-length'] ?? 0) })
  })
  return seen
}

/** What the panel says under a heading. */
async function sum({ page }: OpenPage, label: string): Promise<string> {
  return page
    .locator('.sum', { has: page.locator(`dt:text-is("${label}")`) })
    .locator('dd')
    .innerText()
}

if (site === undefined) skip(network, 'network', 'no Chromium')
else {
  network('requests and bytes are those that were sent', async () => {
    const opened = await site.open()
    const { page, complaints } = opened
    const seen = watched(opened)
    await page.goto(`${site.url}${DEMO}#${FILE}`)
    // The contents come last of all that is fetched.
    await page.waitForSelector('.cm-line')
    await page.waitForLoadState('networkidle')
    await showView(page, 'Network')
    assert.ok(seen.length > 0)
    // It asks for the sums again and again.
    await eventually(async () => assert.is(await sum(opened, 'Requests'), String(seen.length)))
    const size = readFileSync(join(site.dir, 'demo/two.cfs')).length
    const imageBytes = seen.filter(one => one.path.endsWith('.cfs')).reduce((all, one) => all + one.bytes, 0)
    const said = await sum(opened, 'Image')
    const [amount] = /^[\d.,]+/.exec(said) ?? ['']
    assert.ok(Math.abs(Number(amount.replace(',', '')) - imageBytes / 1024) <= 1, `${said} for ${imageBytes}`)
    assert.ok(imageBytes > 0 && imageBytes < size, 'read by ranges')
    assert.is(await sum(opened, 'Failed'), '0')
    await becomes(() => page.locator('.request:not(.request-head)').count(), seen.length)
    await matches(
      () => page.locator('.network-pages figcaption').innerText(),
      /^\d+ of 1\d\d blocks of 4.0 KiB are here$/,
    )
    await shot(page, 'network')
    assert.equal(complaints, [])
    await page.context().close()
  })

  network('an object that was read before asks no server', async () => {
    const opened = await site.open({ address: `${DEMO}#${FILE}` })
    const { page, complaints } = opened
    await page.waitForSelector('.cm-content')
    await showView(page, 'Network')
    await matches(() => sum(opened, 'Objects'), /^(?!0 B$)/)
    await matches(() => sum(opened, 'Kept here'), /[1-9]\d* objects?$/)
    await page.reload()
    await page.waitForSelector('.cm-content')
    await showView(page, 'Network')
    await matches(() => sum(opened, 'Cache hits'), /^([1-9]\d*) of \1$/)
    assert.is(await sum(opened, 'Objects'), '0 B')
    await matches(() => sum(opened, 'Kept here'), /[1-9]\d* objects?$/)
    assert.equal(complaints, [])
    await page.context().close()
  })

  network('verifying asks the server, whatever is kept here', async () => {
    const opened = await site.open({ address: `${DEMO}#${FILE}` })
    const { page, complaints } = opened
    await page.waitForSelector('.cm-content')
    const seen = watched(opened)
    await page.getByRole('tab', { name: 'Verify' }).click()
    await page
      .getByRole('button', { name: /^Verify/ })
      .first()
      .click()
    const done = await page.waitForSelector('text=/\\b([1-9]\\d+) of \\1\\b/')
    const objects = Number(/(\d+) of/.exec(await done.innerText())?.[1])
    const isObject = (path: string) => /\/objects\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(path)
    const asked = async () => new Set(seen.map(one => one.path).filter(isObject)).size
    await becomes(asked, objects)
    assert.equal(complaints, [])
    await page.context().close()
  })

  network('an image of this machine has nothing to show', async () => {
    const { page, complaints } = await site.open()
    await page.setInputFiles('input[type=file] >> nth=0', join(site.dir, 'demo/one.cfs'))
    await page.waitForSelector('[role=treeitem]')
    await page.getByRole('tab', { name: 'Network' }).click()
    await page.waitForSelector('text=nothing of it comes over the network')
    assert.equal(complaints, [])
    await page.context().close()
  })

  network('stop', () => site.stop())
}
network.run()
