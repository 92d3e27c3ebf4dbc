// Bad input of the playground: each is told in a plain sentence that says what to do, and leaves what was open as it was.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packTar } from 'modern-tar'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, mountSync, TreeBuilder } from '../../src/node.js'
import { CHROMIUM } from '../browser/chromium.js'
import { fixture, skip } from '../helpers/paths.js'
import { drop, message, openNames, putAllAway, treeRows } from './dropping.js'
import { type OpenPage, Site } from './site.js'
import { becomes } from './waiting.js'

const bad = suite('playground: bad input')
const site = CHROMIUM === undefined ? undefined : await Site.start()
const temp = mkdtempSync(join(tmpdir(), 'composefs-bad-'))
process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
const FILES = '.start input[type=file]'
const GOOD = fixture('small.cfs')
const image = readFileSync(GOOD)
/** Of the tree as it is shown first: the root, and what is in it. */
const ROWS = 1 + (mountSync(GOOD).fs.readdirSync('/') as string[]).length

function made(name: string, bytes: Uint8Array | string): string {
  const path = join(temp, name)
  writeFileSync(path, bytes)
  return path
}

/** A byte of the superblock's checksummed part is another; so is one of the root directory. */
function flipped(at: number): Uint8Array {
  const bytes = new Uint8Array(image)
  bytes[at] ^= 0xff
  return bytes
}

function tarWith(name: string): Promise<Uint8Array> {
  return packTar([{ header: { name, size: 1, type: 'file' }, body: 'x' }])
}

const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const ext4 = Buffer.concat([Buffer.alloc(1080), Buffer.from([0x53, 0xef]), Buffer.alloc(8192)])
const absurd = await tarWith('absurd')
absurd.set(Buffer.from('77777777777'), 124)
absurd.fill(0x20, 148, 156)
absurd.set(
  Buffer.from(
    `${absurd
      .subarray(0, 512)
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
  ),
  148,
)

/** What is dropped, and what is said of it. */
const DROPPED: readonly (readonly [string, string, RegExp])[] = [
  ['a picture', made('photo.cfs', png), /photo\.cfs is a PNG picture\. What can be opened:/],
  ['a text', made('letter.img', 'Dear diary,\n'), /is a text that is no dump\. What can be opened:/],
  ['an empty file', made('empty.cfs', ''), /empty\.cfs is empty\. What can be opened:/],
  ['another file system', made('disk.erofs', ext4), /is an ext2, ext3 or ext4 image\. What can be opened:/],
  [
    'an image cut in its superblock',
    made('short.cfs', image.subarray(0, 1100)),
    /short\.cfs can’t be opened: The image is damaged/,
  ],
  ['an image with a changed superblock', made('super.cfs', flipped(1024 + 12)), /super\.cfs can’t be opened: /],
  [
    'a dump with a bad line',
    made('bad.dump', '/ 0 40755 2 0 0 0 0.0 - - -\n/a x 100644 1 0 0 0 0.0 - - -\n'),
    /bad\.dump is no proper dump: line 2: SIZE: .*Correct it/,
  ],
  ['a tar that leads out', made('out.tar', await tarWith('../../etc/passwd')), /leads out of it .*source you trust/],
  ['a tar of absurd sizes', made('absurd.tar', absurd), /absurd\.tar is cut short, or no proper tar/],
  [
    'a gzip bomb',
    made('bomb.gz', gzipSync(Buffer.alloc(300 << 20), { level: 9 })),
    /claims to unpack to .*Unpack it yourself/,
  ],
]

interface Answer {
  readonly status: number
  readonly type?: string
  readonly body: Uint8Array | string
  readonly cors?: boolean
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  '/gone.cfs': { status: 404, body: 'no', cors: true },
  '/secret.cfs': { status: 403, body: 'no', cors: true },
  '/page.cfs': { status: 200, type: 'text/html', body: '<!doctype html><title>Sign in</title>', cors: true },
  '/alone.cfs': { status: 200, body: image },
  '/whole.cfs': { status: 200, body: image, cors: true },
  '/broken.cfs': { status: 200, body: flipped(1024 + 12), cors: true },
}

/** A server of another origin, which has no ranges. */
async function otherOrigin(): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const { status, type = 'application/octet-stream', body, cors } = ANSWERS[request.url ?? ''] ?? ANSWERS['/gone.cfs']
    response.writeHead(status, {
      'content-type': type,
      ...(cors === true ? { 'access-control-allow-origin': '*' } : {}),
    })
    response.end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const other = await otherOrigin()
const REFUSED = 'http://127.0.0.1:9'
const LINKS: readonly (readonly [string, string, RegExp])[] = [
  ['nothing there', `${other.url}/gone.cfs`, /There is nothing at .*\(404\)\. Check the address/],
  ['not to be read', `${other.url}/secret.cfs`, /does not let you read .*\(403\)/],
  ['a page', `${other.url}/page.cfs`, /is an HTML page\. Check the address/],
  [
    'a server that does not allow it',
    `${other.url}/alone.cfs`,
    /does not allow it.*its owner has to allow .*Access-Control-Allow-Origin/,
  ],
  ['no server', `${REFUSED}/x.cfs`, /can’t be reached.*Check the address/],
  ['a broken image', `${other.url}/broken.cfs`, /broken\.cfs can’t be opened: /],
  ['no web address', 'file:///etc/passwd', /is no web address.*https:/],
]

/** What the browser itself says of failed requests. */
const OF_THE_BROWSER = [/Failed to load resource/, /blocked by CORS policy/, /net::ERR_/]

if (site === undefined) skip(bad, 'bad input', 'no Chromium')
else {
  const state: { opened?: OpenPage } = {}
  const page = async () => {
    state.opened ??= await site.open({ expected: OF_THE_BROWSER })
    return state.opened.page
  }
  /** What is open is what was: the same image at the same place. */
  const unchanged = async () => {
    assert.equal(await openNames(await page(), 1), ['small.cfs'])
    await becomes(() => state.opened?.page.locator('[role=treeitem]').count() ?? Promise.resolve(0), ROWS)
    assert.equal(state.opened?.complaints, [])
  }

  bad('a good image is open first', async () => {
    await (await page()).setInputFiles(FILES, GOOD)
    await treeRows(await page())
    await unchanged()
  })

  for (const [name, path, expected] of DROPPED) {
    bad(`dropped: ${name}`, async () => {
      await drop(await page(), path)
      await message(await page(), expected)
      await unchanged()
    })
  }

  for (const [name, url, expected] of LINKS) {
    bad(`linked: ${name}`, async () => {
      await (await page()).getByRole('button', { name: 'Open…' }).click()
      await (await page()).getByLabel('Address of an image').fill(url)
      await (await page()).getByRole('button', { name: 'Open the address' }).click()
      await message(await page(), expected)
      await unchanged()
    })
  }

  bad('what is left of an image that was cut can be looked at, which is told', async () => {
    const here = await page()
    await drop(here, made('half.cfs', image.subarray(0, image.length >> 1)))
    await message(here, /half\.cfs is cut short: .*fetch it again/)
    await here.getByRole('button', { name: 'Close half.cfs' }).click()
    await unchanged()
  })

  bad('a mutated image opens or is refused, and the page goes on', async () => {
    for (let at = 1100; at < image.length; at += Math.ceil(image.length / 12)) {
      await drop(await page(), made(`mutated-${at}.cfs`, flipped(at)))
      const here = await page()
      const tab = here.getByRole('button', { name: `Close mutated-${at}.cfs` })
      const notice = here.locator('.notice:not(.job)').first()
      const refused = here.locator('.notice.error', { hasText: `mutated-${at}.cfs can’t be opened` })
      await tab.or(refused).first().waitFor()
      if ((await tab.count()) > 0) {
        await here.locator('.document-tab.chosen', { hasText: `mutated-${at}.cfs` }).waitFor()
        await here.getByRole('treeitem').or(notice).first().waitFor()
        await tab.click()
        await tab.waitFor({ state: 'detached' })
      }
      await putAllAway(here)
    }
    await drop(await page(), GOOD)
    await openNames(await page(), 2)
    await (await page()).getByRole('button', { name: 'Close small.cfs' }).last().click()
    await unchanged()
  })

  bad('a file whose object is missing says so, and where to give objects', async () => {
    const builder = new TreeBuilder()
    builder.addFile('lost', 'x'.repeat(1000))
    const { image: lost } = await buildImage(builder)
    const { page: own } = await site.open()
    await own.setInputFiles(FILES, made('lost.cfs', lost))
    await treeRows(own)
    await own.getByRole('treeitem', { name: 'lost,' }).click()
    await own.locator('.view', { hasText: /objects/ }).waitFor()
    await own.context().close()
  })

  bad('objects without an image say so; an empty folder too', async () => {
    const { page: own, complaints } = await site.open()
    const store = join(temp, 'only/objects/ab')
    mkdirSync(store, { recursive: true })
    mkdirSync(join(temp, 'vacant'))
    writeFileSync(join(store, 'c'.repeat(62)), 'x')
    await drop(own, join(temp, 'only/objects'))
    await message(own, /objects holds objects, but no image .*Open the image first/)
    await drop(own, join(temp, 'vacant'))
    await message(own, /There is nothing in vacant/)
    assert.ok(await own.locator('.start').isVisible())
    assert.equal(complaints, [])
    await own.context().close()
  })

  bad('a server without ranges gives all of it', async () => {
    const { page: own, complaints } = await site.open({
      address: `?image=${encodeURIComponent(`${other.url}/whole.cfs`)}`,
    })
    await treeRows(own)
    assert.equal(complaints, [])
    await own.context().close()
  })

  bad('where there is no room to keep objects, they are shown nevertheless', async () => {
    const { page: own } = await site.open()
    const session = await own.context().newCDPSession(own)
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(site.url).origin, quotaSize: 1 })
    await own.goto(`${site.url}?image=demo/two.cfs&store=demo/objects#/etc/motd`)
    await own.locator('.view', { hasText: 'High water' }).waitFor()
    await own.context().close()
  })

  bad('a folder of many files keeps nobody waiting, and can be given up', async () => {
    const { page: own, complaints } = await site.open()
    const folder = join(temp, 'many')
    mkdirSync(folder)
    for (let i = 0; i < 6000; i++) writeFileSync(join(folder, `f${i}`), `file ${i} `.repeat(20))
    await drop(own, folder)
    await own.getByRole('button', { name: 'Cancel' }).click()
    await own.locator('.notice.job').waitFor({ state: 'detached' })
    assert.ok(await own.locator('.start').isVisible())
    await drop(own, folder)
    await own.getByRole('treeitem', { name: 'f1,' }).waitFor()
    assert.equal(complaints, [])
    await own.context().close()
  })

  bad('stop', () => {
    other.server.close()
    return site.stop()
  })
}
bad.run()
