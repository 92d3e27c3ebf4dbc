// Searching in the playground as people do it: while they type, through what was found and back; and that it finds what find does.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM, TIMEOUT_MS } from '../browser/chromium.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { Site, shot } from './site.js'
import { becomes } from './waiting.js'

const DEMO = '?image=demo/two.cfs&store=demo/objects'

const search = suite('playground: search')
const site = CHROMIUM === undefined ? undefined : await Site.start()

async function ask(page: Page, query: string, kind: 'text' | 'glob' | 'regex' = 'text'): Promise<void> {
  await page.selectOption('.search select', kind)
  await page.fill('.search input', query)
  await page.waitForFunction(
    wanted => document.querySelector('.search-status')?.getAttribute('data-query') === wanted,
    query,
  )
}

/** Paths of all that the list shows, scrolled from its first row to its last. */
async function listed(page: Page): Promise<string[]> {
  return page.evaluate(async mostMs => {
    const paths = new Map<number, string>()
    const list = document.querySelector('.results')
    if (list === null) return []
    const pause = () => new Promise(resolve => requestAnimationFrame(resolve))
    list.scrollTop = 0
    await pause()
    const end = performance.now() + mostMs
    for (;;) {
      while (list.querySelector('.waiting') !== null && performance.now() < end) await pause()
      await pause()
      let total = 0
      for (const row of list.querySelectorAll('.found:not(.waiting)')) {
        paths.set(Number(row.getAttribute('aria-posinset')), row.getAttribute('title') ?? '')
        total = Number(row.getAttribute('aria-setsize'))
      }
      if (paths.size >= total || list.scrollTop + list.clientHeight >= list.scrollHeight - 1) return [...paths.values()]
      list.scrollTop += list.clientHeight
      await pause()
    }
  }, TIMEOUT_MS)
}

if (site === undefined) skip(search, 'search', 'no Chromium')
else {
  const demo = async () => {
    const opened = await site.open({ address: `${DEMO}#/etc` })
    await opened.page.waitForSelector('[role=treeitem][aria-selected=true]')
    return opened
  }

  search('what is typed is found; keys lead through it and into the tree', async () => {
    const { page, complaints } = await demo()
    await page.keyboard.press('/')
    await page.waitForFunction(() => document.activeElement?.id === 'search-0')
    await page.keyboard.type('radar')
    await page.waitForSelector('.search-status[data-query=radar]')
    await page.waitForSelector('.found >> text=radar.conf')
    assert.match(await page.innerText('.search-status'), /^\d+ found in /)
    assert.is((await page.innerText('.found mark >> nth=0')).toLowerCase(), 'radar')
    await shot(page, 'search-found')
    await page.keyboard.press('ArrowDown')
    await page.waitForFunction(() => location.hash === '#/usr/bin/radar')
    await page.keyboard.press('Enter')
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'tree')
    await becomes(() => page.getAttribute('[role=treeitem][aria-selected=true]', 'title'), 'radar')
    await becomes(() => page.inputValue('.search input'), '')
    assert.equal(complaints, [])
    await page.context().close()
  })

  search('Escape leads back, and the tree is where it was', async () => {
    const { page, complaints } = await demo()
    const rows = await page.locator('[role=treeitem]').count()
    await ask(page, 'tide')
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'tree')
    await becomes(() => page.locator('.found').count(), 0)
    await becomes(() => page.locator('[role=treeitem]').count(), rows)
    assert.equal(complaints, [])
    await page.context().close()
  })

  search('a wrong regular expression is told of quietly; one that never ends is ended', async () => {
    const { page, complaints } = await demo()
    await ask(page, '(', 'regex')
    assert.match(await page.innerText('.search-status'), /No such pattern/)
    assert.is(await page.locator('.notice').count(), 0)
    await ask(page, '^(n+)+x$', 'regex')
    assert.match(await page.innerText('.search-status'), /takes too long/)
    await ask(page, 'radar', 'regex')
    await page.waitForSelector('.found >> text=radar.conf')
    assert.equal(complaints, [])
    await page.context().close()
  })

  search('hostile names are found, shown as what they are, and chosen', async () => {
    const { page, complaints } = await demo()
    for (const [query, shown] of [
      ['onerror', '<img src=x onerror=alert(1)>'],
      ['break', 'line␊break'],
      ['gpj', 'turned\\u{202e}gpj.exe'],
      ['invalid', 'invalid \\xff\\xfe utf-8'],
      ['nnnnnnnn', 'n'.repeat(255)],
    ]) {
      await ask(page, query)
      await page.waitForFunction(wanted => document.querySelector('.found-name')?.textContent === wanted, shown)
      await page.locator('.search input').press('Enter')
      await page.waitForFunction(
        wanted => document.querySelector('.tree-row.chosen .tree-name')?.textContent === wanted,
        shown,
      )
    }
    assert.equal(complaints, [])
    await page.context().close()
  })

  if (SHARED === undefined) skip(search, 'as find', 'no shared vectors')
  else if (kernelReason() !== undefined) skip(search, 'as find', kernelReason() ?? '')
  else asFind(site)
  search('stop', () => site.stop())
}

function asFind(site: Site): void {
  const QUERIES = [
    { query: 'libc', kind: 'text', find: ['-iname', '*libc*'] },
    { query: 'README', kind: 'text', find: ['-name', '*README*'] },
    { query: '*.so.?', kind: 'glob', find: ['-name', '*.so.?'] },
    { query: '[a-c]*.h', kind: 'glob', find: ['-name', '[a-c]*.h'] },
    { query: '^/usr/lib/.*/[^/]*conf$', kind: 'regex', find: ['-regex', '/usr/lib/.*/[^/]*conf'] },
    { query: 'share/licenses/lib', kind: 'text', find: ['-ipath', '*share/licenses/lib*'] },
  ] as const

  search('all that find finds is found, and nothing else', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'composefs-find-'))
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
    const file = join(dir, 'cs9-developer.cfs')
    writeFileSync(file, gunzipSync(readFileSync(vector('composefs', 'cs9-x86_64-developer.cfs.gz'))))
    const mounts = new KernelMounts()
    try {
      // As the composefs mount shows it, whose objects nobody asks for here.
      const root = mounts.composefs(file, dir).path
      const { page, complaints } = await site.open()
      await page.locator('input[type=file]').first().setInputFiles(file)
      await page.waitForSelector('[role=treeitem]')
      for (const { query, kind, find } of QUERIES) {
        const { stdout } = spawnSync('find', ['.', '-mindepth', '1', ...withDot(find)], {
          cwd: root,
          encoding: 'utf8',
          maxBuffer: 1 << 26,
          env: { ...process.env, LC_ALL: 'C.UTF-8' },
        })
        const expected = stdout
          .split('\n')
          .filter(Boolean)
          .map(path => path.slice(1))
          .sort()
        assert.ok(expected.length > 0, query)
        await ask(page, query, kind)
        const found = (await listed(page)).sort()
        console.log(`note: ${kind} ${query}: ${found.length} paths, as find`)
        assert.equal(found, expected, query)
      }
      assert.equal(complaints, [])
      await page.context().close()
    } finally {
      mounts.dispose()
    }
  })
}

/** find begins its paths with a dot where it is asked in the root. */
function withDot([test, pattern]: readonly [string, string]): string[] {
  return [test, test === '-regex' ? `\\.${pattern}` : pattern]
}
search.run()
