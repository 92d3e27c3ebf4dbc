// IndexedDbStore and OpfsStore in a real browser: the contract suite, on a page's main thread and in a worker, and what
// only a browser has: quotas, other tabs, platforms that lack something. Killed browsers: stores-kill.test.ts.
import type { Browser, Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore } from '../../src/store/memory.js'
import { skip } from '../helpers/paths.js'
import { storeContract } from '../helpers/store-contract.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import { ask, KINDS, type Place, ready, type Site, serveStores } from './stores-driver.js'

const MIB = 2 ** 20
const QUOTA = 30 * MIB

const test = suite('browser: stores')

/** Names of the contract's tests. */
function contractTests(): string[] {
  const names: string[] = []
  const collect = (name: string) => names.push(name)
  storeContract(collect as unknown as Parameters<typeof storeContract>[0], async () => new MemoryStore())
  return names
}

function addContract(site: Site, page: Promise<Page>): void {
  for (const kind of KINDS) {
    for (const place of ['page', 'worker'] as const) {
      for (const name of contractTests()) {
        test(`${kind} in a ${place}: ${name}`, async () => {
          assert.is(await ask(await page, place, 'contract', { kind, test: name }), undefined)
        })
      }
      test(`${kind} in a ${place}: an image's files are read, checked`, async () => {
        const task = { kind, place: `image-${place}`, image: site.image, digest: site.digest }
        assert.equal(await ask(await page, place, 'mounted', task), site.hashes)
      })
    }
    test(`${kind}: what another tab deletes is ESTALE`, async () => {
      const said = await ask<string[]>(await page, 'page', 'behindBack', { kind, place: 'behind' })
      assert.equal(said, ['done', 'ESTALE', 'ESTALE'])
    })
  }
}

function addQuota(site: Site, browser: Promise<Browser>): void {
  for (const kind of KINDS) {
    for (const place of ['page', 'worker'] as const) {
      test(`${kind} in a ${place}: beyond the quota is ENOSPC, and leaves nothing`, async () => {
        // A profile of its own: a quota is an origin's.
        const context = await (await browser).newContext()
        const page = await ready(await context.newPage(), site)
        const client = await context.newCDPSession(page)
        await client.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: QUOTA })
        const task = { kind, place: 'quota', image: site.image, digest: site.digest }
        const { files, ...said } = await ask<Record<string, unknown>>(page, place, 'quota', task)
        const names = ['kept/first', 'kept/second']
        assert.equal(said, { bytes: 'ENOSPC', stream: 'ENOSPC', small: 'done', one: 'done', names, left: 0 })
        assert.equal(files, site.hashes)
        await context.close()
      })
    }
  }
}

function addTabs(site: Site, browser: Promise<Browser>): void {
  for (const kind of KINDS) {
    test(`${kind}: two tabs and their workers put the same objects`, async () => {
      const context = await (await browser).newContext()
      const tabs = await Promise.all([0, 1].map(async () => ready(await context.newPage(), site)))
      const task = { kind, place: 'tabs', from: 0, count: 44 }
      const places: [number, Place][] = [
        [0, 'page'],
        [1, 'page'],
        [0, 'worker'],
        [1, 'worker'],
      ]
      const failed = await Promise.all(places.map(([tab, place]) => ask<string[]>(tabs[tab], place, 'putMany', task)))
      assert.equal(failed, [[], [], [], []])
      const seen = await ask(tabs[0], 'page', 'check', { ...task, from: 44 })
      assert.equal(seen, { found: 44, wrong: [], missing: [] })
      assert.is(await ask(tabs[1], 'page', 'leftovers', task), 0)
      await context.close()
    })
  }
}

async function addAll(executablePath: string): Promise<void> {
  const site = await serveStores()
  const browser = startChromium(executablePath)
  const page = browser.then(async one => ready(await newPage(one), site))
  addContract(site, page)
  addQuota(site, browser)
  addTabs(site, browser)
  test('opfs: what a platform lacks is ENOTSUP, and leaves nothing', async () => {
    assert.equal(await ask(await page, 'page', 'lacking', {}), {
      move: 'ENOTSUP',
      readWithoutMove: 'done',
      write: 'ENOTSUP',
      names: 'a',
      left: '0',
      badPlace: 'EINVAL',
      handle: 'done',
    })
  })
  test('and goes away', async () => {
    await (await browser).close()
    site.close()
  })
}

if (CHROMIUM === undefined) skip(test, 'all of it', 'no chromium (CHROMIUM names one)')
else await addAll(CHROMIUM)
test.run()
