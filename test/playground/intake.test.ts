// What comes into the playground, without a browser: files told by their bytes, entries of tars and zips, images built of them.
// That an image built from a tar is the one that a scan of the very directory gives shows that nothing of the entries is lost.
import { execFileSync } from 'node:child_process'
import * as nodeFs from 'node:fs'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { BlobWriter, configure, TextReader, Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js'
import { packTar } from 'modern-tar'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage } from '../../src/index.js'
import { gunzip } from '../../src/playground/engine/gunzip.js'
import { contentsOf } from '../../src/playground/engine/intake-heap.js'
import type { Item } from '../../src/playground/engine/intake-items.js'
import { recognise } from '../../src/playground/engine/intake-recognise.js'
import { buildFrom } from '../../src/playground/engine/intake-tree.js'
import { Jobs } from '../../src/playground/engine/jobs.js'
import { tarItems } from '../../src/playground/engine/tar-items.js'
import { zipItems } from '../../src/playground/engine/zip-items.js'
import { fragmentToPath, pathBytes, pathText, pathToFragment } from '../../src/playground/path-text.js'
import { fixture } from '../helpers/paths.js'

const intake = suite('playground: intake')
const temp = mkdtempSync(join(tmpdir(), 'composefs-intake-'))
process.once('exit', () => rmSync(temp, { recursive: true, force: true }))
configure({ useWebWorkers: false })

function job() {
  return new Jobs().begin(undefined, { what: '', done: 0, total: 0, unit: 'bytes' })
}

function blob(bytes: Uint8Array | string): Blob {
  return new Blob([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)])
}

/** A tree with all that a tar of an ordinary user can hold. */
function makeTree(): string {
  const dir = join(temp, 'tree')
  mkdirSync(join(dir, 'sub/deep'), { recursive: true })
  writeFileSync(join(dir, 'a.txt'), 'hello\n')
  writeFileSync(join(dir, 'empty'), '')
  writeFileSync(join(dir, 'sub/big.bin'), Buffer.alloc(300_000, 'tide'))
  writeFileSync(
    join(dir, 'sub/deep/run.sh'),
    '#!/bin/sh\necho of more than sixty-four bytes, so that it becomes an object of its own\n',
  )
  writeFileSync(join(dir, `sub/${'long-name-'.repeat(15)}`), 'x'.repeat(100))
  linkSync(join(dir, 'a.txt'), join(dir, 'sub/other-name'))
  symlinkSync('../a.txt', join(dir, 'sub/link'))
  execFileSync('mkfifo', [join(dir, 'pipe')])
  chmodSync(join(dir, 'sub/deep/run.sh'), 0o4755)
  chmodSync(join(dir, 'sub/deep'), 0o700)
  for (const [index, path] of [
    'a.txt',
    'empty',
    'sub/big.bin',
    'sub/deep/run.sh',
    'pipe',
    'sub/deep',
    'sub',
    '',
  ].entries()) {
    utimesSync(join(dir, path), 1e9, 1e9 + index)
  }
  return dir
}

const tree = makeTree()

for (const format of ['pax', 'gnu']) {
  intake(`an image of a ${format} tar is that of the directory`, async () => {
    // Times of symlinks and links are whole seconds in a GNU tar, as they are here.
    execFileSync('touch', [
      '-h',
      '-d',
      '2001-02-03T04:05:06Z',
      join(tree, 'sub/link'),
      join(tree, `sub/${'long-name-'.repeat(15)}`),
    ])
    utimesSync(join(tree, 'sub'), 1e9, 1e9 + 6)
    const expected = await buildImage({ fs: nodeFs as never, path: tree }, { hardLinks: true })
    const tar = execFileSync('tar', [`--format=${format}`, '-C', tree, '-c', '.'], { maxBuffer: 1 << 24 })
    const items = await tarItems(blob(tar), 'tree.tar', job())
    const { built, objects } = await buildFrom(items, 'tree', job())
    assert.is(built.digest, expected.digest)
    assert.is(objects.size, 3)
  })
}

intake('bytes of a tar are read where they lie', async () => {
  const tar = execFileSync('tar', ['-C', tree, '-c', 'sub/big.bin'], { maxBuffer: 1 << 24 })
  const items = await tarItems(blob(tar), 'x.tar', job())
  const big = items.find(item => item.path === 'sub/big.bin')
  assert.equal(
    new Uint8Array((await (await big?.body?.blob())?.arrayBuffer()) ?? []),
    new Uint8Array(readFileSync(join(tree, 'sub/big.bin'))),
  )
})

intake('xattrs and devices of a tar are what they were, byte for byte', async () => {
  const tar = await packTar([
    { header: { name: 'caps', size: 1, type: 'file', pax: { 'SCHILY.xattr.security.capability': 'ABCD' } }, body: 'x' },
    { header: { name: 'null', size: 0, type: 'character-device', mode: 0o666 } },
  ])
  tar.set([0xff, 0x00, 0x3d, 0x0a], Buffer.from(tar).indexOf('=ABCD') + 1)
  const device = Buffer.from(tar).indexOf('null\0')
  tar.set(Buffer.from('0000001\0'), device + 329)
  tar.set(Buffer.from('0000003\0'), device + 337)
  tar.fill(0x20, device + 148, device + 156)
  const sum = tar.subarray(device, device + 512).reduce((total, byte) => total + byte, 0)
  tar.set(Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `), device + 148)
  const [caps, node] = await tarItems(blob(tar), 'x.tar', job())
  assert.equal(caps.xattrs?.['security.capability'], Uint8Array.of(0xff, 0x00, 0x3d, 0x0a))
  assert.equal([node.type, node.major, node.minor], ['chr', 1, 3])
})

async function zipOf(entries: Readonly<Record<string, string | Uint8Array>>): Promise<Blob> {
  const writer = new ZipWriter(new BlobWriter())
  for (const [name, data] of Object.entries(entries)) {
    await writer.add(name, typeof data === 'string' ? new TextReader(data) : new Uint8ArrayReader(data))
  }
  return writer.close()
}

intake('a zip is unpacked entry by entry', async () => {
  const big = Buffer.alloc(200_000, 'wave')
  const items = await zipItems(await zipOf({ 'a/b.txt': 'text of b', 'c.bin': big }), 'x.zip', job())
  assert.equal(
    items.map(item => [item.path, item.type, item.body?.size]),
    [
      ['a/b.txt', 'file', 9],
      ['c.bin', 'file', 200_000],
    ],
  )
  assert.is(await (await items[0].body?.blob())?.text(), 'text of b')
  const { built } = await buildFrom(items, 'x', job())
  assert.match(built.digest, /^[0-9a-f]{64}$/)
})

const HOSTILE: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
  [
    'a tar that leads out',
    async () =>
      tarItems(
        blob(await packTar([{ header: { name: '../etc/passwd', size: 1, type: 'file' }, body: 'x' }])),
        'x.tar',
        job(),
      ),
    /leads out/,
  ],
  [
    'a link of a tar that leads out',
    async () =>
      tarItems(
        blob(await packTar([{ header: { name: 'a', size: 0, type: 'link', linkname: '../../x' } }])),
        'x.tar',
        job(),
      ),
    /leads out/,
  ],
  [
    'a tar that claims more than there is',
    async () =>
      tarItems(
        blob(
          (
            await packTar([{ header: { name: 'a', size: 100_000, type: 'file' }, body: new Uint8Array(100_000) }])
          ).subarray(0, 50_000),
        ),
        'x.tar',
        job(),
      ),
    /cut short/,
  ],
  [
    'a tar with a wrong checksum',
    async () => {
      const tar = await packTar([{ header: { name: 'a', size: 1, type: 'file' }, body: 'x' }])
      tar[3] ^= 1
      return tarItems(blob(tar), 'x.tar', job())
    },
    /cut short, or no proper tar/,
  ],
  ['a zip that leads out', async () => zipItems(await zipOf({ '../x': 'y' }), 'x.zip', job()), /leads out|damaged/],
  [
    'a zip that is cut short',
    async () => zipItems((await zipOf({ x: 'y'.repeat(1000) })).slice(0, 60), 'x.zip', job()),
    /damaged/,
  ],
  [
    'a zip bomb',
    async () => zipItems(await zipOf({ x: new Uint8Array(300 << 20) }), 'x.zip', job()),
    /claims to unpack to 300 MiB/,
  ],
  [
    'a gzip bomb',
    () => gunzip(blob(gzipSync(Buffer.alloc(300 << 20), { level: 9 })), 'x.gz', job()),
    /claims to unpack/,
  ],
  [
    'a gzip file that is cut short',
    () => gunzip(blob(gzipSync(Buffer.alloc(5000, 'abc')).subarray(0, 30)), 'x.gz', job()),
    /damaged or cut short/,
  ],
  [
    'a file below a file',
    () =>
      buildFrom(
        [
          { path: 'a', type: 'file' },
          { path: 'a/b', type: 'file' },
        ],
        'x',
        job(),
      ),
    /director/,
  ],
  ['a hard link to nothing', () => buildFrom([{ path: 'a', type: 'link', target: 'b' }], 'x', job()), /link/],
]
for (const [name, run, expected] of HOSTILE) {
  intake(`${name} is refused`, async () => {
    const message = await run().then(
      () => 'nothing',
      error => String(error.message),
    )
    assert.match(message, expected)
  })
}

const KINDS: readonly (readonly [string, Uint8Array | string, string | undefined, RegExp])[] = [
  ['composefs', readFileSync(fixture('small.cfs')), 'image', /image/],
  ['dump', '/ 0 40755 2 0 0 0 0.0 - - -\n', 'dump', /dump/],
  ['png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), undefined, /PNG/],
  ['text', 'Dear diary,\n', undefined, /text/],
  ['html', '<!DOCTYPE html><p>', undefined, /HTML/],
  ['empty', '', undefined, /empty/],
  ['ext4', Buffer.concat([Buffer.alloc(1080), Buffer.from([0x53, 0xef]), Buffer.alloc(4096)]), undefined, /ext4/],
  ['btrfs', Buffer.concat([Buffer.alloc(65_600), Buffer.from('_BHRfS_M'), Buffer.alloc(4096)]), undefined, /btrfs/],
  ['xz', Buffer.from('fd377a585a0000', 'hex'), undefined, /xz/],
  ['random', Buffer.from([200, 3, 7, 250, 1]), undefined, /not known/],
]
for (const [name, bytes, kind, what] of KINDS) {
  intake(`recognised: ${name}`, async () => {
    const found = await recognise(blob(bytes))
    assert.is(found.kind, kind)
    assert.match(found.what, what)
  })
}

intake('objects are told from files of a tree', async () => {
  const body = (bytes: Uint8Array | string) => ({ size: bytes.length, blob: async () => blob(bytes) })
  const object = `ab/${'c'.repeat(62)}`
  const file = (path: string, bytes: Uint8Array | string = 'x'): Item => ({ path, type: 'file', body: body(bytes) })
  const image = readFileSync(fixture('small.cfs'))
  const store = await contentsOf([file(`repo/objects/${object}`), file(`repo/objects/${object}.verity`)], 's')
  assert.is(store.is === 'objects' && store.store.size, 2)
  if (store.is === 'objects') assert.is((await store.store.stat(object)).size, 1)
  const both = await contentsOf(
    [file(`objects/${object}`), file('one.cfs', image), file('two.cfs', image), file('README')],
    's',
  )
  assert.equal(both.is === 'objects' && both.beside.map(one => one.name), ['one.cfs', 'two.cfs'])
  assert.is(
    (await contentsOf([file(`cache/${object}`), ...Array.from({ length: 9 }, (_, i) => file(`src/${i}.c`))], 's')).is,
    'tree',
  )
  assert.is((await contentsOf([{ path: '', type: 'dir' }], 's')).is, 'nothing')
})

intake('a folder that is named and one that is not are the same', async () => {
  const items: Item[] = [{ path: 'b/c', type: 'file', mode: 0o644, body: { size: 3, blob: async () => blob('abc') } }]
  const again: Item[] = [{ path: 'b', type: 'dir' }, ...items]
  assert.is((await buildFrom(items, 'x', job())).built.digest, (await buildFrom(again, 'x', job())).built.digest)
})

intake('paths that no system could unpack are refused, and folders that are only in paths have an end', async () => {
  const deep = Array(40_000).fill('a').join('/')
  const tar = blob(await packTar([{ header: { name: deep, size: 2, type: 'file' }, body: 'hi' }]))
  const said = await tarItems(tar, 'deep.tar', job()).then(
    () => '',
    (error: Error) => error.message,
  )
  assert.match(said, /^deep\.tar has an entry whose path has 79999 characters/)
  const many: Item[] = Array.from({ length: 700 }, (_, i) => ({
    path: `${i}/${Array(2000).fill('b').join('/')}`,
    type: 'file',
  }))
  const refused = await buildFrom(many, 'many.tar', job()).then(
    () => '',
    (error: Error) => error.message,
  )
  assert.match(refused, /^many\.tar has more than 1,000,000 entries/)
})

intake('paths of any length and any bytes are text and bytes again', () => {
  const bytes = Uint8Array.from(
    { length: 600_000 },
    (_, i) => [0x61, 0xff, 0xc3, 0xa9, 0xed, 0xb2, 0x80][i % 7] as number,
  )
  const text = pathText(bytes)
  assert.ok(Buffer.from(pathBytes(text)).equals(bytes))
  assert.is(fragmentToPath(pathToFragment(text)), text)
  const plain = `/${'é'.repeat(300_000)}`
  assert.is(fragmentToPath(plain), plain)
})

intake('work that is cancelled ends', async () => {
  const jobs = new Jobs()
  const cancelled = jobs.begin(7, { what: '', done: 0, total: 0, unit: 'bytes' })
  jobs.cancel(7)
  const items: Item[] = Array.from({ length: 5000 }, (_, i) => ({
    path: `f${i}`,
    type: 'file',
    body: { size: 4096, blob: async () => blob(new Uint8Array(4096)) },
  }))
  const name = await buildFrom(items, 'x', cancelled).then(
    () => 'done',
    error => error.name,
  )
  assert.is(name, 'AbortError')
})
intake.run()
