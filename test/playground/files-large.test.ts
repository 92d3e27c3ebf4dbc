// Looking into files in the playground where they are large, deep, odd or wrong: few bytes are read, the page stays alive, and
// says what is the matter.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { BIG_FILES, type BigImage, SPARSE, writeBigImage } from './big-files.js'
import { BIG, code, contents, go, openAt } from './files-page.js'
import { Site, shot } from './site.js'
import { becomes } from './waiting.js'

const files = suite('playground: large and odd files')
const site = CHROMIUM === undefined ? undefined : await Site.start()

function tests(at: Site, { objects }: BigImage): void {
  files('JSON is formatted and folds; numbers stay', async () => {
    const { page, complaints } = await openAt(at, `${BIG}/numbers.json`)
    await page.waitForSelector('.cm-foldGutter [title="Fold line"]')
    await becomes(
      async () => (await code(page)).trim(),
      '{\n  "large": 12345678901234567890,\n  "twice": 1,\n  "twice": 2\n}',
    )
    await page.locator('.cm-foldGutter [title="Fold line"]').first().click()
    await page.waitForSelector('.cm-foldPlaceholder')
    await becomes(() => page.locator('.cm-line').count(), 2)
    await go(page, '/broken.json')
    await contents(page).getByText('This is no valid JSON').waitFor()
    await page.locator('.cm-line', { hasText: '{"a": [1, 2, }' }).waitFor()
    assert.equal(complaints, [])
  })

  files('encodings and languages are told by what is in a file', async () => {
    const { page, complaints } = await openAt(at, `${BIG}/latin`)
    await contents(page).getByText('Windows-1252').waitFor()
    await page.waitForSelector('.cm-content')
    await becomes(async () => (await code(page)).trim(), 'größe')
    await go(page, '/wide.txt')
    await contents(page).getByText('UTF-16LE').waitFor()
    await page.locator('.cm-content', { hasText: 'zwei Bytes' }).waitFor()
    await go(page, '/program')
    await page.locator('.cm-line', { hasText: 'print' }).locator('span[class]').first().waitFor()
    await go(page, '/not-a-picture.png')
    await contents(page).getByText('can’t show this picture').waitFor()
    await go(page, '/empty')
    await contents(page).getByText('The file is empty').waitFor()
    assert.equal(complaints, [])
  })

  files('64 MiB from afar: few requests wherever one looks', async () => {
    const { page, complaints } = await openAt(at, `${BIG}/`)
    const object = objects.get('places.bin') as string
    const asked: string[] = []
    page.context().on('request', request => {
      if (request.url().includes(object)) asked.push(`${request.url()} ${request.headers()['range'] ?? 'all of it'}`)
    })
    await page.waitForSelector('.folder-list [role=option]')
    await go(page, '/places.bin')
    await page.waitForSelector('.bytes-row')
    await page.getByLabel('Offset').fill('50000000')
    await page.getByRole('button', { name: 'Go' }).click()
    const at8 = Buffer.alloc(8)
    at8.writeBigUInt64LE(50_000_000n)
    const hex = at8.toString('hex').replace(/..(?!$)/g, '$& ')
    await page
      .locator('.bytes-row', { hasText: (50_000_000).toString(16).padStart(8, '0') })
      .getByText(hex)
      .waitFor()
    assert.ok(asked.length >= 2 && asked.length <= 12, asked.join('\n'))
    console.log(`requests for the hex view of 64 MiB: ${asked.length}`)
    assert.equal(complaints, [])
  })

  files('a gigabyte is shown at once, to its end', async () => {
    const { page, complaints } = await openAt(at, `${BIG}/`)
    await page.waitForSelector('.folder-list [role=option]')
    const asked: string[] = []
    page.context().on('request', request => {
      if (request.url().endsWith('/sparse')) asked.push(request.headers()['range'] ?? 'all of it')
    })
    await go(page, `/${SPARSE.name}`)
    await page.locator('.bytes-row', { hasText: '00000000' }).first().waitFor()
    await page.locator('.bytes-list').focus()
    await page.keyboard.press('Control+End')
    await page.locator('.bytes-row', { hasText: '3ffffff0' }).getByText(SPARSE.end).waitFor()
    for (const offset of [0x20000000, 0x100, 0x3fff0000]) {
      await page.getByLabel('Offset').fill(`0x${offset.toString(16)}`)
      await page.getByRole('button', { name: 'Go' }).click()
      await page.locator('.bytes-offset').getByText(offset.toString(16).padStart(8, '0'), { exact: true }).waitFor()
    }
    assert.ok(asked.length >= 2 && asked.length <= 16 && !asked.includes('all of it'), asked.join('\n'))
    assert.equal(complaints, [])
  })

  files('a large text comes in parts whose lines go on counting', async () => {
    const { page, complaints } = await openAt(at, `${BIG}/lines.txt`)
    await page.waitForSelector('.cm-content')
    await page.getByLabel('Next part').click()
    const text = (BIG_FILES.get('lines.txt') as Buffer).toString()
    await page.waitForFunction(
      () => Number((document.querySelector('.parts input') as HTMLInputElement | null)?.value) === 2,
    )
    await page.locator('.cm-line').first().waitFor()
    await page.waitForFunction(
      () =>
        !document
          .querySelector('.editor-text')
          ?.shadowRoot?.querySelector('.cm-line')
          ?.textContent?.startsWith('line 1 '),
    )
    const first = (await page.locator('.cm-line').first().innerText()).trimEnd()
    const number = Number(/^line (\d+)/.exec(first)?.[1])
    assert.is(first, text.split('\n')[number - 1].trimEnd())
    await page.locator('.cm-lineNumbers', { hasText: String(number) }).waitFor()
    await page.locator('.parts input').fill('4')
    await page.locator('.parts input').press('Enter')
    await contents(page).getByText('lines are counted from here').waitFor()
    await shot(page, 'files-parts')
    assert.equal(complaints, [])
  })

  files('400,000 levels of JSON and a line of a megabyte leave the page alive', async () => {
    const { page, complaints } = await openAt(at, `${BIG}/`)
    await page.waitForSelector('.folder-list [role=option]')
    for (const [name, begin] of [
      ['deep.json', '['],
      ['endless.js', 'const a'],
    ] as const) {
      await go(page, `/${name}`)
      await page.locator('.cm-content', { hasText: begin }).waitFor()
      await page.getByRole('button', { name: 'Hex', exact: true }).click()
      await page.waitForSelector('.bytes-row')
    }
    assert.equal(complaints, [])
  })

  files('a wrong object says so with both digests; a missing one is named, and comes by another try', async () => {
    await writeBigImage(join(at.dir, 'bad'), ['program', 'latin'])
    const path = (name: string) => join(at.dir, 'bad/objects', objects.get(name) as string)
    const right = readFileSync(path('program'))
    writeFileSync(path('program'), Buffer.from(right.toString().replace('hello', 'hallo')))
    const digest = (objects.get('program') as string).replace('/', '')
    const expected = [/404/]
    const { page, complaints } = await openAt(at, '?image=bad/image.cfs&store=bad/objects#/program', { expected })
    const alert = contents(page).getByRole('alert')
    await alert.waitFor()
    const text = await alert.innerText()
    assert.match(text, /program can’t be read: The bytes are not what they should be/)
    const digests = new Set(text.match(/[0-9a-f]{64}/g))
    assert.ok(digests.has(digest) && digests.size === 2, text)
    await shot(page, 'files-wrong')
    writeFileSync(path('program'), right)
    await alert.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.cm-content', { hasText: 'hello' }).waitFor()
    await page.goto(`${at.url}?image=bad/image.cfs#/latin`)
    await page.reload()
    await alert.waitFor()
    assert.ok((await alert.innerText()).includes(objects.get('latin') as string), await alert.innerText())
    assert.equal(complaints, [])
  })

  files('what is very large goes into a file piece by piece, until it is there or cancelled', async () => {
    const size = 260 << 20
    await writeBigImage(join(at.dir, 'direct'), [], size)
    const { page, complaints } = await openAt(at, '?image=direct/image.cfs&store=direct/objects#/')
    await page.waitForSelector('.folder-list [role=option]')
    // The browser's own dialog can't be answered here: what it would answer is a file of the browser's.
    await page.evaluate(() => {
      const showSaveFilePicker = async ({ suggestedName }: { suggestedName: string }) =>
        (await navigator.storage.getDirectory()).getFileHandle(suggestedName, { create: true })
      Object.assign(globalThis, { showSaveFilePicker })
    })
    const saved = (name: string) =>
      page.evaluate(async name => {
        const file = await (await (await navigator.storage.getDirectory()).getFileHandle(name)).getFile()
        return { size: file.size, end: await file.slice(-7).text() }
      }, name)
    const downloads: unknown[] = []
    page.on('download', download => downloads.push(download))
    await page.getByRole('button', { name: 'Download as tar' }).click()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.waitForFunction(() => document.querySelector('.notice') === null)
    await becomes(async () => (await saved('root.tar')).size, 0)
    await go(page, `/${SPARSE.name}`)
    await page.getByRole('button', { name: 'Download' }).click()
    await page.waitForSelector('.notice.job')
    await page.waitForFunction(() => document.querySelector('.notice') === null)
    assert.equal(await saved(SPARSE.name), { size, end: SPARSE.end })
    assert.is(downloads.length, 0)
    assert.equal(complaints, [])
  })

  files('stop', () => at.stop())
}

if (site === undefined) skip(files, 'files', 'no Chromium')
else tests(site, await writeBigImage(join(site.dir, 'big')))
files.run()
