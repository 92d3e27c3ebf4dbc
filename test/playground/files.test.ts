// Looking into files in the playground, as people do it: every kind of file of the demo, hostile ones, downloads.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { comparedTree } from '../helpers/disk-tree.js'
import { kernelTree } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'
import { compareTruth, type TruthFs } from '../helpers/truth.js'
import { code, contents, DEMO, go, openAt } from './files-page.js'
import { PHONE, Site, shot } from './site.js'
import { becomes, matches } from './waiting.js'

const files = suite('playground: files')
const site = CHROMIUM === undefined ? undefined : await Site.start()

function tests(at: Site): void {
  const demo = join(at.dir, 'demo')
  const mount = mountSync(join(demo, 'two.cfs'), { store: join(demo, 'objects') })

  files('a folder lists its entries, sorts them, and is gone through by keys', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr/src/tide`)
    const names = () => page.locator('.folder-list .cell-name bdi:first-of-type').allInnerTexts()
    await page.waitForSelector('.folder-list [role=option]')
    const all = mount.fs.readdirSync('/usr/src/tide') as string[]
    await becomes(async () => (await names()).sort(), [...all].sort())
    await page.getByRole('toolbar', { name: 'Sort by' }).getByRole('button', { name: 'Size' }).click()
    const sizes = all
      .filter(name => name !== '.ci')
      .map(name => mount.fs.statSync(`/usr/src/tide/${name}`).size as number)
      .sort((a, b) => a - b)
    await page.waitForFunction(
      first => document.querySelectorAll('.folder-list .cell-size')[1]?.getAttribute('title')?.startsWith(first),
      `${sizes[0]} bytes`,
    )
    const shown = () =>
      page.locator('.folder-list .cell-size[title]').evaluateAll(all => all.map(one => one.getAttribute('title')))
    await becomes(
      shown,
      sizes.map(size => `${size.toLocaleString('en')} bytes`),
    )
    await shot(page, 'files-folder')
    await page.locator('.folder-list').focus()
    await page.keyboard.press('ArrowDown')
    const second = (await names())[1]
    await page.keyboard.press('Enter')
    await page.waitForSelector('.cm-content')
    await becomes(() => page.locator('.breadcrumbs [aria-current]').innerText(), second)
    assert.equal(complaints, [])
  })

  files('text is coloured, searched and wrapped, and is what the file holds', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr/src/tide/until.ts`)
    await page.waitForSelector('.cm-line span[class]')
    const text = mount.fs.readFileSync('/usr/src/tide/until.ts', 'utf8') as string
    await becomes(async () => (await code(page)).trimEnd(), text.trimEnd())
    await page.getByRole('button', { name: 'Find' }).click()
    await page.keyboard.type('const')
    await page.waitForSelector('.cm-searchMatch')
    await page.getByRole('button', { name: 'Wrap' }).click()
    await page.waitForSelector('.cm-lineWrapping')
    await page.locator('.cm-content').focus()
    await page.keyboard.type('x')
    assert.is((await code(page)).trimEnd(), text.trimEnd(), 'it can’t be written to')
    await shot(page, 'files-text')
    assert.equal(complaints, [])
  })

  files('a picture has its size, and zooms; its blob is let go', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr/share/pictures`)
    await page.evaluate(() => {
      const alive = new Set<string>()
      Object.assign(globalThis, { alive })
      const { createObjectURL, revokeObjectURL } = URL
      URL.createObjectURL = given => {
        const url = createObjectURL.call(URL, given)
        alive.add(url)
        return url
      }
      URL.revokeObjectURL = url => {
        alive.delete(url)
        revokeObjectURL.call(URL, url)
      }
    })
    await page.locator('.folder-list [role=option]', { hasText: 'bay.png' }).click()
    await contents(page).getByText('480 × 270 pixels').waitFor()
    const alive = () => page.evaluate(() => (globalThis as unknown as { alive: Set<string> }).alive.size)
    assert.is(await alive(), 1)
    await page.getByRole('button', { name: '100 %' }).click()
    await page.getByRole('button', { name: 'Larger' }).click()
    await page.waitForFunction(() => document.querySelector('.picture img')?.getBoundingClientRect().width === 960)
    await shot(page, 'files-picture')
    await page.getByRole('button', { name: 'Hex', exact: true }).click()
    await page.waitForSelector('.bytes-row')
    await becomes(alive, 0)
    assert.equal(complaints, [])
  })

  files('bytes in hex: an offset is gone to, chosen bytes are copied', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr/lib/tidepool/core.wasm`)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.waitForSelector('.bytes-row')
    const bytes = mount.fs.readFileSync('/usr/lib/tidepool/core.wasm') as Buffer
    const hex = (from: number, length: number) => bytes.toString('hex', from, from + length).replace(/..(?!$)/g, '$& ')
    const row = (offset: number) => page.locator('.bytes-row', { hasText: offset.toString(16).padStart(8, '0') })
    await row(0)
      .locator('.bytes-digits', { hasText: hex(0, 16) })
      .waitFor()
    await page.getByLabel('Offset').fill('0x4321')
    await page.getByRole('button', { name: 'Go' }).click()
    await row(0x4320)
      .locator('.bytes-digits', { hasText: hex(0x4320, 16) })
      .waitFor()
    await page.locator('.bytes-status', { hasText: '0x4321' }).waitFor()
    await page.locator('.bytes-list').focus()
    await page.keyboard.press('Shift+ArrowDown')
    await page.keyboard.press('Control+c')
    await page.getByText('17 bytes copied as hex').waitFor()
    assert.is(await page.evaluate(() => navigator.clipboard.readText()), hex(0x4321, 17))
    await page.keyboard.press('Control+End')
    const last = bytes.length - (bytes.length % 16)
    await row(last)
      .locator('.bytes-digits', { hasText: hex(last, 16) })
      .waitFor()
    await page.getByLabel('Offset').fill('99999999999')
    await page.getByRole('button', { name: 'Go' }).click()
    await page.getByText('There is no byte 99999999999').waitFor()
    await shot(page, 'files-hex')
    assert.equal(complaints, [])
  })

  files('symlinks lead on, or say why not; devices, FIFOs, sockets and whiteouts say what they are', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/srv/hostile/up`)
    await contents(page).getByRole('button', { name: '/etc/passwd' }).click()
    await page.waitForSelector('.cm-content')
    await matches(() => code(page), /^root:/)
    for (const [path, words] of [
      ['/srv/hostile/loop-a', 'round in a circle'],
      ['/etc/mtab', 'leads to nothing in this image'],
      ['/dev/sda', '8, 0'],
      ['/dev/zero', '1, 5'],
      ['/run/tide.fifo', 'named pipe'],
      ['/run/tide.socket', 'A socket'],
      ['/srv/layer/gone', 'A whiteout'],
      ['/srv/layer/gone-folder', 'A whiteout'],
      ['/etc/shadow', 'root:!'],
    ] as const) {
      await go(page, path)
      await contents(page).getByText(words).first().waitFor()
    }
    assert.equal(complaints, [])
  })

  files('nothing in a file runs or is fetched: SVG, HTML, names', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/srv/hostile`)
    await page.waitForSelector('.folder-list [role=option]')
    const asked: string[] = []
    page.on('request', request => void asked.push(request.url()))
    await go(page, '/srv/hostile/drawing.svg')
    await contents(page)
      .getByText(/× \d+ pixels/)
      .waitFor()
    await page.getByRole('button', { name: 'Text', exact: true }).click()
    await page.locator('.cm-content', { hasText: 'demoRan' }).waitFor()
    await go(page, '/srv/hostile/page.html')
    await page.locator('.cm-content', { hasText: '<script>' }).waitFor()
    await go(page, '/srv/hostile/turned.c')
    await page.locator('.cm-specialChar').first().waitFor()
    await go(page, '/srv/names')
    await page.locator('.folder-list', { hasText: '<img src=x onerror=alert(1)>' }).waitFor()
    assert.is(await page.evaluate(() => 'demoRan' in globalThis), false)
    assert.is(await page.title(), 'two.cfs · composefs playground')
    const own = new RegExp(`^(?:blob:)?${at.url}(?:icon\\.svg$|parts/|demo/objects/|demo/two\\.cfs|[-0-9a-f]{36}$)`)
    assert.equal(
      asked.filter(url => !own.test(url)),
      [],
    )
    await shot(page, 'files-names')
    assert.equal(complaints, [])
  })

  files('a file is downloaded as it is', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr/share/pictures/bay.png`)
    const coming = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download' }).click()
    const download = await coming
    assert.is(download.suggestedFilename(), 'bay.png')
    const got = readFileSync(await download.path())
    assert.ok(got.equals(mount.fs.readFileSync('/usr/share/pictures/bay.png') as Buffer))
    assert.equal(complaints, [])
  })

  files('a folder is downloaded as a tar, which GNU tar unpacks to the same tree', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr`)
    const coming = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download as tar' }).click()
    const download = await coming
    assert.is(download.suggestedFilename(), 'usr.tar')
    const tar = await download.path()
    if (process.getuid?.() === 0) {
      const out = join(at.dir, 'unpacked')
      mkdirSync(out)
      execFileSync('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', tar, '-C', out])
      const expected = comparedTree(subtree(mount.fs as unknown as TruthFs, '/usr'))
      assert.ok(expected.length > 30)
      assert.equal(compareTruth(expected, comparedTree(kernelTree(join(out, 'usr')))), [])
    } else assert.match(execFileSync('tar', ['-tf', tar], { encoding: 'utf8' }), /^usr\/\n[\s\S]*usr\/bin\/tide\n/)
    assert.equal(complaints, [])
  })

  files('on a phone, dark', async () => {
    const { page, complaints } = await openAt(at, `${DEMO}/usr/lib/tidepool/core.wasm`, { viewport: PHONE, dark: true })
    await page.getByRole('button', { name: 'Content', exact: true }).click()
    await page.waitForSelector('.bytes-row')
    await shot(page, 'files-phone-hex')
    await go(page, '/usr/src/tide/tide.c')
    await page.waitForSelector('.cm-line span[class]')
    await shot(page, 'files-phone-text')
    assert.equal(complaints, [])
  })

  files('stop', async () => {
    mount.unmount()
    await at.stop()
  })
}

/** An `fs` whose root is a folder of another. */
function subtree(fs: TruthFs, root: string): TruthFs {
  const inside = (path: Buffer | string) => Buffer.concat([Buffer.from(root), Buffer.from(path as string)])
  return new Proxy(fs, {
    get: (target, name) => {
      const call = Reflect.get(target, name)
      if (typeof call !== 'function') return call
      return (path: Buffer, ...rest: unknown[]) => call.call(target, inside(path), ...rest)
    },
  })
}

if (site === undefined) skip(files, 'files', 'no Chromium')
else tests(site)
files.run()
