// Changing an image in the playground, as people do it; what comes out of it is looked at from outside: by tar, and by the package.
import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MemoryStore, mount } from '../../src/node.js'
import { UPPER_SIZE } from '../../src/playground/changing.js'
import { CHROMIUM } from '../browser/chromium.js'
import { skip } from '../helpers/paths.js'
import { putAllAway } from './dropping.js'
import { PHONE, Site, shot } from './site.js'
import { becomes, goTo, matches } from './waiting.js'

const changes = suite('playground: changes')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const temp = mkdtempSync(join(tmpdir(), 'composefs-changes-'))
process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
const DEMO = '?image=demo/two.cfs&store=demo/objects'
const README = '/usr/share/doc/tidepool/README.md'
const NASTY = '<img src=x onerror=alert(1)> "&'

function row(page: Page, name: string) {
  return page.getByRole('treeitem', { name: new RegExp(`^${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')},`) })
}

/** Chooses an entry of the menu that a right click on a row of the tree opens. */
async function menu(page: Page, name: string, item: string): Promise<void> {
  await row(page, name).click({ button: 'right' })
  await page.getByRole('menuitem', { name: item }).click()
}

async function fill(page: Page, label: string, value: string): Promise<void> {
  await page.getByRole('dialog').getByLabel(label, { exact: true }).fill(value)
}

async function press(page: Page, button: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name: button }).click()
}

/** Goes to a path by the address, as a link does, and waits until the tree is there too. */
async function go(page: Page, path: string): Promise<void> {
  await goTo(page, path)
  const name = path.split('/').at(-1) ?? ''
  await page.locator('[role=treeitem][aria-selected=true]', { has: page.getByText(name, { exact: true }) }).waitFor()
}

async function view(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name }).click()
}

/** What the view of changes comes to list: kind and path. */
async function told(page: Page, expected: readonly string[]): Promise<void> {
  await view(page, 'Changes')
  await page.waitForSelector('.changes-counts')
  const rows = () =>
    page.locator('.changes-list tbody tr').evaluateAll(all =>
      all.map(row => {
        const kind = row.querySelector('.change-kind')?.textContent?.replace(/^\S\s*/, '')
        return `${kind} ${row.querySelector('.change-path')?.textContent}`
      }),
    )
  await becomes(rows, [...expected])
}

/** What a click on a button downloads. */
async function downloaded(page: Page, button: string): Promise<{ readonly name: string; readonly path: string }> {
  const coming = page.waitForEvent('download')
  await page.getByRole('button', { name: button, exact: true }).click()
  const download = await coming
  const name = download.suggestedFilename()
  const path = join(temp, `${Date.now()}-${name}`)
  await download.saveAs(path)
  return { name, path }
}

async function type(page: Page, text: string): Promise<void> {
  await page.locator('.editor-text .cm-content').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.type(text)
}

/** Edits a file with an object, renames a folder, deletes, makes a folder with a hostile name, adds a file. */
async function editAll(page: Page): Promise<void> {
  await go(page, README)
  await page.getByRole('button', { name: 'Edit text' }).click()
  await page.getByRole('button', { name: 'Saved' }).waitFor()
  await type(page, 'All new.')
  await page.keyboard.press('Control+s')
  await page.getByText('two.cfs is being changed now').waitFor()
  await page.getByRole('button', { name: 'Done' }).click()
  await go(page, '/usr/src')
  await row(page, 'src').waitFor()
  await page.getByRole('tree').focus()
  await page.keyboard.press('F2')
  await fill(page, 'Name', 'sources')
  await fill(page, 'Folder', '/var/')
  await press(page, 'Rename')
  await row(page, 'sources').waitFor()
  await go(page, '/etc/passwd')
  await page.getByRole('tree').focus()
  await page.keyboard.press('Delete')
  await press(page, 'Delete')
  await row(page, 'passwd').waitFor({ state: 'detached' })
  await menu(page, 'etc', 'New folder…')
  await fill(page, 'Name', NASTY)
  await press(page, 'Make it')
  await row(page, NASTY).waitFor()
  const input = page.locator('.entry-tools input[type=file]')
  await input.setInputFiles({ name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note\n'.repeat(40)) })
  await row(page, 'note.txt').waitFor()
}

if (site === undefined) skip(changes, 'changes', 'no Chromium')
else {
  changes('edits are seen everywhere; layer and image hold them', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/` })
    await row(page, 'etc').waitFor()
    await editAll(page)
    await matches(() => row(page, 'note.txt').getAttribute('aria-label'), /added here/)
    await told(page, [
      `added /etc/${NASTY}/`,
      `added /etc/${NASTY}/note.txt`,
      'deleted /etc/passwd',
      `modified ${README}`,
      'renamed /var/sources/',
    ])
    await page.locator('.search input').first().fill('note.txt')
    await page.getByRole('option', { name: /^note.txt.*added here/ }).waitFor()
    await page.locator('.search input').first().fill('')

    const layer = await downloaded(page, 'Export as OCI layer')
    assert.is(layer.name, 'two-layer.tar')
    const names = execFileSync('tar', ['-tf', layer.path], { encoding: 'utf8' }).trim().split('\n')
    for (const name of ['etc/.wh.passwd', 'usr/.wh.src', 'var/sources/tide/tide.c', README.slice(1)])
      assert.ok(names.includes(name), `${name} in ${names.join(' ')}`)
    assert.is(execFileSync('tar', ['-xOf', layer.path, README.slice(1)], { encoding: 'utf8' }), 'All new.')

    await page.getByRole('button', { name: 'Commit', exact: true }).click()
    const digest = await page.locator('.digest').innerText()
    await shot(page, 'changes')
    const image = await downloaded(page, 'Download the image')
    const objects = await downloaded(page, 'Download the new objects')
    assert.equal([image.name, objects.name], ['two-changed.cfs', 'two-changed-objects.tar'])
    const bytes = readFileSync(image.path)
    const store = join(temp, 'objects')
    execFileSync('cp', ['-r', join(site.dir, 'demo/objects'), store])
    execFileSync('tar', ['-xf', objects.path, '-C', store])
    const mounted = await mount(bytes, { store, digest })
    assert.is((await mounted.commit({ store: new MemoryStore() })).digest, digest)
    assert.is(mounted.fs.readFileSync(README, 'utf8'), 'All new.')
    assert.is(mounted.fs.readFileSync(`/etc/${NASTY}/note.txt`, 'utf8'), 'a note\n'.repeat(40))
    assert.is(mounted.fs.existsSync('/etc/passwd'), false)
    assert.ok(mounted.fs.readFileSync('/var/sources/tide/tide.c', 'utf8').includes('int'))

    // They stand before the button.
    await putAllAway(page)
    await page.getByRole('button', { name: 'Open the new image' }).click()
    await page.getByRole('navigation', { name: 'Open images' }).getByText('two-changed.cfs').waitFor()
    await go(page, '/var/sources/tide/Makefile')
    await view(page, 'Contents')
    await page.locator('.cm-content').getByText('tide').first().waitFor()
    assert.equal(complaints, [])
    await page.context().close()
  })

  changes('a text that is not saved is kept, and the page asks before it goes', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/etc/motd` })
    await page.getByRole('button', { name: 'Edit text' }).click()
    await page.getByRole('button', { name: 'Saved' }).waitFor()
    await type(page, 'half a thought')
    await go(page, '/etc')
    await page.getByText('The text of motd is not saved').waitFor()
    await view(page, 'Changes')
    await page.locator('.changes-unsaved').getByRole('button', { name: '/etc/motd' }).click()
    await page.locator('.cm-content').getByText('half a thought').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).waitFor()
    await page.getByRole('button', { name: 'Close two.cfs' }).click()
    await page.getByRole('dialog', { name: 'Close two.cfs?' }).getByText('not saved').waitFor()
    await press(page, 'Cancel')
    const asked = page.waitForEvent('dialog')
    const reloading = page.evaluate(() => location.reload())
    const dialog = await asked
    assert.is(dialog.type(), 'beforeunload')
    await dialog.dismiss()
    await reloading
    await page.locator('.cm-content').getByText('half a thought').waitFor()
    assert.equal(complaints, [])
    await page.context().close()
  })

  changes('undo, attributes, and discarding all', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/usr/bin/radar` })
    await row(page, 'radar').waitFor()
    // By the keyboard alone.
    await page.getByRole('tree').focus()
    await page.keyboard.press('Shift+F10')
    await page.getByRole('menuitem', { name: 'Edit text' }).waitFor()
    assert.is(await page.evaluate(() => document.activeElement?.getAttribute('role')), 'menuitem')
    await page.keyboard.press('m')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Attributes of radar' }).getByLabel('Mode').waitFor()
    await page.getByLabel('Mode').fill('9')
    await press(page, 'Save')
    await page.getByText('up to four octal digits').waitFor()
    await page.getByLabel('Mode').fill('4711')
    await page.getByRole('button', { name: 'Add one' }).click()
    await page.getByLabel('Name', { exact: true }).last().fill('user.<b>')
    await page.getByLabel('Value of user.<b>').fill('0x00ff')
    await shot(page, 'changes-attributes')
    await press(page, 'Save')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.waitForFunction(() => document.querySelector('.contents-head')?.textContent?.includes('rws--x--x'))
    await told(page, ['modified /usr/bin/radar'])
    await becomes(() => page.locator('.changes-list td').last().innerText(), 'mode, extended attributes')
    await page.getByRole('button', { name: /^Undo/ }).click()
    await page.getByText('Nothing is different yet').waitFor()
    await row(page, 'bin').first().waitFor()
    await go(page, '/usr/bin/radar')
    await page.keyboard.press('F2')
    await page.getByRole('tree').focus()
    await page.keyboard.press('Delete')
    await press(page, 'Delete')
    await row(page, 'radar').waitFor({ state: 'detached' })
    await view(page, 'Changes')
    await page.getByRole('button', { name: 'Discard all changes…' }).click()
    await press(page, 'Discard all')
    await page.getByText('Nothing is changed').waitFor()
    await row(page, 'radar').waitFor()
    assert.equal(complaints, [])
    await page.context().close()
  })

  changes('what can’t be done says why, and changes nothing', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/etc` })
    await menu(page, 'etc', 'New file…')
    await fill(page, 'Name', 'passwd')
    await press(page, 'Make it')
    await page.getByRole('alert').getByText('There is /etc/passwd already').waitFor()
    await fill(page, 'Name', 'a/b')
    await press(page, 'Make it')
    await page.getByRole('alert').getByText('can’t hold a slash').waitFor()
    await shot(page, 'changes-refused')
    await press(page, 'Cancel')
    const big = join(temp, 'big')
    const fd = openSync(big, 'w')
    ftruncateSync(fd, UPPER_SIZE + 1)
    closeSync(fd)
    await page.locator('.entry-tools input[type=file]').setInputFiles(big)
    await page.getByText('may take 256 MiB here, and this would be more. Nothing has been changed.').waitFor()
    await told(page, [])
    assert.equal(complaints, [])
    await page.context().close()
  })

  changes('what is dropped while changing is asked about; names that are taken too', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/etc`, dark: true })
    await row(page, 'etc').waitFor()
    await view(page, 'Changes')
    await page.getByRole('button', { name: 'Start changing' }).click()
    await page.getByText('Nothing is different yet').waitFor()
    const data = await page.evaluateHandle(() => {
      const transfer = new DataTransfer()
      transfer.items.add(new File(['dropped\n'], 'motd'))
      transfer.items.add(new File(['fresh\n'], 'fresh.txt'))
      return transfer
    })
    for (const name of ['dragover', 'drop']) await page.dispatchEvent('main', name, { dataTransfer: data })
    await page.getByRole('button', { name: 'Add to /etc' }).click()
    await page.getByRole('dialog', { name: 'Replace motd?' }).waitFor()
    await shot(page, 'changes-replace-dark')
    await press(page, 'Replace')
    await page.getByText('2 files are added to /etc').waitFor()
    await view(page, 'Contents')
    await page.getByRole('option', { name: /^fresh.txt/ }).waitFor()
    await told(page, ['added /etc/fresh.txt', 'modified /etc/motd'].sort())
    await shot(page, 'changes-dark')
    assert.equal(complaints, [])
    await page.context().close()
  })

  changes('on a phone', async () => {
    const { page, complaints } = await site.open({ address: `${DEMO}#/etc/motd`, viewport: PHONE })
    await page.getByRole('button', { name: 'Content', exact: true }).click()
    await page.getByRole('button', { name: 'More to do with it' }).click()
    await page.getByRole('menuitem', { name: 'Delete…' }).waitFor()
    await shot(page, 'changes-menu-phone')
    await page.getByRole('menuitem', { name: 'Delete…' }).click()
    await press(page, 'Delete')
    await told(page, ['deleted /etc/motd'])
    await shot(page, 'changes-phone')
    assert.equal(complaints, [])
    await page.context().close()
  })

  changes('stop', () => site.stop())
}
changes.run()
