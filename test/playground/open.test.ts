// Opening in the playground, as people do it: things are dropped and picked, links followed.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BlobWriter, configure, Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, openImage, TreeBuilder } from '../../src/index.js'
import { CHROMIUM } from '../browser/chromium.js'
import { fixture, skip } from '../helpers/paths.js'
import { contents, drop, message, openNames, treeRows } from './dropping.js'
import { PHONE, Site, shot } from './site.js'
import { goTo } from './waiting.js'

const open = suite('playground: open')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const temp = mkdtempSync(join(tmpdir(), 'composefs-open-'))
process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
configure({ useWebWorkers: false })
const FILES = '.start input[type=file]'
const FOLDER = '.start .folder-input'
const MOTD = 'Low water at six, and again when the moon has turned; whoever reads this has got the objects.\n'

/** A tree of files; also as an image with its objects, and packed in all ways. */
async function makeThings() {
  const tree = join(temp, 'harbour')
  mkdirSync(join(tree, 'etc'), { recursive: true })
  mkdirSync(join(tree, 'nothing-in-it'))
  writeFileSync(join(tree, 'etc/motd'), MOTD)
  writeFileSync(join(tree, 'etc/hostname'), 'harbour\n')
  const builder = new TreeBuilder()
  builder.addDirectory('etc')
  builder.addFile('etc/motd', MOTD)
  const store = new MemoryStore()
  const { image, digest } = await buildImage(builder, { store })
  writeFileSync(join(temp, 'harbour.cfs'), image)
  const objects = join(temp, 'objects')
  const zip = new ZipWriter(new BlobWriter())
  for await (const name of store.list()) {
    const bytes = readFileOf(await store.open(name))
    mkdirSync(join(objects, name, '..'), { recursive: true })
    writeFileSync(join(objects, name), await bytes)
    await zip.add(`objects/${name}`, new Uint8ArrayReader(await bytes))
  }
  writeFileSync(join(temp, 'objects.zip'), new Uint8Array(await (await zip.close()).arrayBuffer()))
  execFileSync('tar', ['-C', objects, '-cf', join(temp, 'objects.tar'), '.'])
  execFileSync('tar', ['-C', objects, '-czf', join(temp, 'objects.tgz'), '.'])
  execFileSync('tar', ['-C', tree, '-czf', join(temp, 'harbour.tar.gz'), '.'])
  writeFileSync(join(temp, 'harbour.dump'), '/ 0 40755 2 0 0 0 0.0 - - -\n/note 3 100644 1 0 0 0 0.0 - abc -\n')
  return { tree, digest, image: join(temp, 'harbour.cfs'), objects }
}

async function readFileOf(object: { size: number; read(at: number, length: number): Promise<Uint8Array> }) {
  return object.read(0, object.size)
}

const things = await makeThings()

if (site === undefined) skip(open, 'open', 'no Chromium')
else {
  open('the start screen says what to do, in both colours and on a phone', async () => {
    for (const dark of [false, true]) {
      for (const [name, viewport] of [
        ['wide', undefined],
        ['phone', PHONE],
      ] as const) {
        const { page, complaints } = await site.open({ dark, viewport })
        await page.getByRole('button', { name: 'Try the demo' }).waitFor()
        assert.match(await page.innerText('.start'), /Nothing is uploaded/)
        await shot(page, `start-${name}${dark ? '-dark' : ''}`)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
        assert.not.ok(wide, 'nothing sticks out')
        assert.equal(complaints, [])
        await page.context().close()
      }
    }
  })

  open('an image is dropped', async () => {
    const { page, complaints } = await site.open()
    await drop(page, things.image)
    assert.equal(await treeRows(page), ['/', 'etc'])
    assert.equal(complaints, [])
    await page.context().close()
  })

  for (const name of ['objects', 'objects.zip', 'objects.tar', 'objects.tgz']) {
    open(`an image and its ${name}, dropped together, belong together`, async () => {
      const { page, complaints } = await site.open()
      await drop(page, things.image, join(temp, name))
      assert.equal(await openNames(page, 1), ['harbour.cfs'])
      await contents(page, '/etc/motd', 'whoever reads this')
      assert.equal(complaints, [])
      await page.context().close()
    })
  }

  open('objects that come later go to the image that is shown, which stays where it was', async () => {
    const { page, complaints } = await site.open()
    await page.setInputFiles(FILES, things.image)
    await treeRows(page)
    await goTo(page, '/etc/motd')
    await page.getByRole('tab', { name: 'Inspector' }).click()
    await drop(page, things.objects)
    assert.match(await message(page, /has got its objects/), /harbour\.cfs/)
    assert.is(await page.locator('.breadcrumbs [aria-current=page]').innerText(), 'motd')
    assert.is(await page.getByRole('tab', { selected: true }).innerText(), 'Inspector')
    await contents(page, '/etc/motd', 'whoever reads this')
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('objects for an image, by the menu: a folder, an archive, an address', async () => {
    const { page, complaints } = await site.open()
    await page.setInputFiles(FILES, things.image)
    await treeRows(page)
    await page.getByRole('button', { name: 'Open…' }).click()
    await page.getByRole('heading', { name: 'Objects for harbour.cfs' }).waitFor()
    await shot(page, 'open-menu')
    await page.setInputFiles('.objects-for .folder-input', things.objects)
    await message(page, /has got its objects/)
    await contents(page, '/etc/motd', 'whoever reads this')
    await page.getByRole('button', { name: 'Open…' }).click()
    await page.setInputFiles('.objects-for .file-button input', things.image)
    assert.match(await message(page, /no objects in/), /harbour\.cfs/)
    await page.getByRole('button', { name: 'Open…' }).click()
    await page.getByLabel('Address of objects').fill('demo/objects')
    await page.getByRole('button', { name: 'Use these objects' }).click()
    await message(page, /are looked for there/)
    assert.equal(await openNames(page, 1), ['harbour.cfs'])
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('a dump becomes an image', async () => {
    const { page, complaints } = await site.open()
    await page.setInputFiles(FILES, join(temp, 'harbour.dump'))
    assert.equal(await treeRows(page), ['/', 'note'])
    await contents(page, '/note', 'abc')
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('a folder becomes an image: dropped with its empty folders, picked without', async () => {
    const { page, complaints } = await site.open()
    await drop(page, things.tree)
    assert.equal(await treeRows(page), ['/', 'etc', 'nothing-in-it'])
    await contents(page, '/etc/motd', 'whoever reads this')
    await page.getByRole('button', { name: /^Close harbour/ }).click()
    await page.setInputFiles(FOLDER, things.tree)
    assert.equal(await treeRows(page), ['/', 'etc'])
    await contents(page, '/etc/hostname', 'harbour')
    await drop(page, join(temp, 'harbour.tar.gz'))
    assert.is((await openNames(page, 2)).length, 2)
    await contents(page, '/etc/motd', 'whoever reads this')
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('a folder with images and their objects opens all of them', async () => {
    const folder = join(temp, 'repo')
    mkdirSync(folder)
    cpSync(things.objects, join(folder, 'objects'), { recursive: true })
    cpSync(things.image, join(folder, 'one.cfs'))
    cpSync(fixture('small.cfs'), join(folder, 'two.cfs'))
    const { page, complaints } = await site.open()
    await drop(page, folder)
    assert.equal((await openNames(page, 2)).sort(), ['one.cfs', 'two.cfs'])
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('an image that has not the digest it must have is not opened', async () => {
    const { page, complaints } = await site.open()
    const withDigest = async (digest: string) => {
      await page.getByRole('button', { name: 'Open…' }).click()
      await page.getByLabel(/fs-verity digest the image must have/).fill(digest)
      // By a click, as people do: it is what lets the same file be picked again.
      const chooser = page.waitForEvent('filechooser')
      await page.locator('.open-menu .file-button.primary').click()
      await (await chooser).setFiles(things.image)
    }
    await withDigest('ab'.repeat(32))
    assert.match(await message(page, /harbour\.cfs/), /digest/i)
    await withDigest('12')
    assert.match(await message(page, /harbour\.cfs|digest/), /64 hex digits/)
    await withDigest(things.digest)
    assert.equal(await treeRows(page), ['/', 'etc'])
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('the demo opens two images', async () => {
    const { page, complaints } = await site.open({ withServiceWorker: true })
    await page.getByRole('button', { name: 'Try the demo' }).click()
    assert.equal(await openNames(page, 2), ['one.cfs', 'two.cfs'])
    await contents(page, '/etc/motd', 'High water')
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('a link opens an image at a path, is followed when it changes, and can be copied', async () => {
    const { page, complaints } = await site.open({ address: '?image=demo/two.cfs&store=demo/objects#/etc/motd' })
    await page.locator('.breadcrumbs [aria-current=page]', { hasText: 'motd' }).waitFor()
    await goTo(page, '/usr/bin')
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.waitForURL(/#\/usr\/bin$/)
    await page.getByRole('button', { name: 'Copy a link' }).click()
    await message(page, /link is copied/)
    const link = await page.evaluate(() => navigator.clipboard.readText())
    assert.is(link, page.url())
    const query = new URL(link).searchParams
    assert.equal(
      [query.get('image'), query.get('store'), new URL(link).hash],
      ['demo/two.cfs', 'demo/objects', '#/usr/bin'],
    )
    await page.getByRole('treeitem', { name: 'tmp,' }).click()
    await page.waitForURL(/#\/tmp$/)
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('a link with a digest opens what has it, and nothing else', async () => {
    const image = await openImage(readFileSync(join(site.dir, 'demo/two.cfs')))
    const digest = String(await image.digest())
    image.close()
    const { page, complaints } = await site.open({ address: `?image=demo/two.cfs&digest=${digest}#/etc` })
    await page.locator('.breadcrumbs [aria-current=page]', { hasText: 'etc' }).waitFor()
    await page.waitForURL(new RegExp(digest))
    await page.goto(`${site.url}?image=demo/two.cfs&digest=${'0'.repeat(64)}`)
    assert.match(await message(page, /two\.cfs/), /digest/i)
    assert.equal(complaints, [])
    await page.context().close()
  })

  open('stop', () => site.stop())
}
open.run()
