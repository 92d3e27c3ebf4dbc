// Compressed images as a program opens them: by bytes and by ranges, at once and by promises, with and without the decoders at
// hand, and what is said of one that has something that is not read.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import type { Image } from '../../src/image/image.js'
import { loadDecoders, mount, mountSync, openImage, openImageSync } from '../../src/node.js'
import { type ImageHost, ImageOpener } from '../../src/open-image.js'
import type { ByteSource } from '../../src/source/byte-source.js'
import { bytesSource } from '../../src/source/bytes-source.js'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { PAGED_CORE_BASE64 } from '../../wasm/paged-core-bytes.js'
import {
  compressedImage,
  compressedNames,
  compressedTruth,
  devicesOf,
  withMapHeader,
  withSuperblock,
} from '../helpers/compressed-images.js'
import { sha256 } from '../helpers/core.js'
import { compareTruth, type TruthFs, walkTruth } from '../helpers/truth.js'

const truth = compressedTruth()

function withoutSync(bytes: Uint8Array): ByteSource {
  const { size, read, close } = bytesSource(bytes)
  return { size, read, close }
}

const ways = suite('compressed images: every way to open one')

for (const name of compressedNames()) {
  const bytes = compressedImage(name)
  const devices = devicesOf(name)
  const more = devices.length > 0 ? { devices } : {}

  ways(`${name}: whole and lazily, at once`, () => {
    for (const options of [more, { ...more, lazy: true }]) {
      const source = 'lazy' in options ? bytesSource(bytes) : bytes
      const m = mountSync(source, options)
      assert.is(m.images[0].lazy, 'lazy' in options || devices.length > 0)
      assert.equal(compareTruth(truth, walkTruth(m.fs as unknown as TruthFs)), [])
      m.unmount()
    }
  })

  ways(`${name}: by promises, from what can only be waited for`, async () => {
    for (const source of [withoutSync(bytes), new Blob([bytes])]) {
      const m = await mount(source, { ...more, lazy: true })
      for (const { path, sha256: hash } of truth) {
        if (hash === undefined || path.includes('\\')) continue
        assert.is(toHex(sha256(await m.fs.promises.readFile(path))), hash, path)
      }
      m.unmount()
    }
  })

  ways(`${name}: below a writable mount`, () => {
    const m = mountSync(bytes, { ...more, writable: true })
    const before = m.fs.readFileSync('/text')
    m.fs.appendFileSync('/text', 'and more')
    m.fs.renameSync('/dir', '/moved')
    const after = m.fs.readFileSync('/text')
    assert.is(after.length, before.length + 8)
    assert.equal(after.subarray(0, before.length), before)
    const hash = truth.find(({ path }) => path === '/dir/deep/tail')?.sha256
    assert.is(toHex(sha256(m.fs.readFileSync('/moved/deep/tail'))), hash)
    m.unmount()
  })
}

ways.run()

const decoders = suite('compressed images: where the decoders are brought later')

const compiled = (base64: string) => compileSync(Uint8Array.from(atob(base64), c => c.charCodeAt(0)))
const core = compiled(CORE_BASE64)

/** A host as a browser is: what is not the small core can be had by promises alone. */
class Host implements ImageHost {
  readonly sha256 = sha256
  readonly module = core
  /** What was brought. */
  readonly brought: string[] = []

  async fullModule(): Promise<WebAssembly.Module> {
    this.brought.push('full')
    return compiled(FULL_CORE_BASE64)
  }

  async pagedModule(): Promise<WebAssembly.Module> {
    this.brought.push('paged')
    return compiled(PAGED_CORE_BASE64)
  }

  open(): never {
    throw new Error('nothing has a name here')
  }

  source(): never {
    throw new Error('nothing has a name here')
  }
}

function newOpener() {
  const host = new Host()
  return { opener: new ImageOpener(host), brought: host.brought }
}

/** The error that a call throws, and its message. */
function thrown(run: () => unknown): { code?: string; message: string } {
  try {
    run()
  } catch (error) {
    return error as Error & { code?: string }
  }
  return { message: 'nothing was thrown' }
}

function readAll(image: Image): string[] {
  const m = mountSync(image)
  try {
    return compareTruth(truth, walkTruth(m.fs as unknown as TruthFs))
  } finally {
    m.unmount()
  }
}

const SAID = {
  lz4: 'compressed by LZ4: await loadDecoders\\(\\)',
  lz4hc: 'compressed by LZ4: await loadDecoders\\(\\)',
  lzma: 'compressed by MicroLZMA: await loadDecoders\\(\\)',
  deflate: 'compressed by DEFLATE: await loadDecoders\\(\\)',
  zstd: 'compressed: await loadDecoders\\(\\)',
  records: 'compressed: await loadDecoders\\(\\)',
}

for (const [name, said] of Object.entries(SAID)) {
  decoders(`${name}: without them its tree is there, its compressed files are ENOTSUP`, () => {
    const { opener, brought } = newOpener()
    const image = opener.openSync(compressedImage(name))
    const m = mountSync(image)
    assert.equal(
      m.fs.readdirSync('/').sort(),
      truth.filter(({ path }) => /^\/[^/]+$/.test(path)).map(({ path }) => path.slice(1)),
    )
    assert.is(m.fs.statSync('/dir/link').size, truth.find(({ path }) => path === '/dir/deep/tail')?.size)
    const whole = thrown(() => m.fs.readFileSync('/text'))
    const fd = m.fs.openSync('/text', 'r')
    const part = thrown(() => m.fs.readSync(fd, new Uint8Array(10), 0, 10, 3000))
    m.fs.closeSync(fd)
    for (const { code, message } of [whole, part]) {
      assert.is(code, 'ENOTSUP')
      assert.match(message, new RegExp(said))
    }
    assert.equal(brought, [])
    m.unmount()
    image.close()
  })
}

decoders('loadDecoders makes an opening at once one of all, of the same bytes too', async () => {
  const { opener, brought } = newOpener()
  const bytes = compressedImage('lz4')
  const early = opener.openSync(bytes)
  await opener.loadDecoders()
  await opener.loadDecoders()
  assert.equal(brought, ['full', 'paged'])
  const late = opener.openSync(bytes)
  assert.equal(readAll(late), [])
  const lazy = opener.openSync(bytesSource(bytes), { lazy: true })
  assert.ok(lazy.lazy)
  assert.equal(readAll(lazy), [])
  const m = mountSync(early)
  assert.is(thrown(() => m.fs.readFileSync('/text')).code, 'ENOTSUP')
  m.unmount()
  for (const image of [early, late, lazy]) image.close()
})

decoders('by promises they come by themselves, and only where they are wanted', async () => {
  const { opener, brought } = newOpener()
  const image = await opener.open(compressedImage('deflate'))
  assert.equal(readAll(image), [])
  assert.equal(brought, ['full'])
  const lazy = await opener.open(new Blob([compressedImage('zstd')]), { lazy: true })
  assert.equal(brought, ['full', 'paged'])
  image.close()
  lazy.close()
})

decoders('a metabox and further devices want them to be opened', async () => {
  const { opener } = newOpener()
  const box = thrown(() => opener.openSync(compressedImage('metabox')))
  assert.is(box.code, 'ENOTSUP')
  assert.match(box.message, /metabox: await loadDecoders/)
  const flat = thrown(() => opener.openSync(compressedImage('devices')))
  assert.is(flat.code, 'ENOTSUP')
  assert.match(flat.message, /further devices: await loadDecoders/)
  const given = () => opener.openSync(compressedImage('devices'), { devices: devicesOf('devices') })
  assert.is(thrown(given).code, 'EAGAIN')
  await opener.loadDecoders()
  for (const image of [opener.openSync(compressedImage('metabox')), given()]) {
    assert.equal(readAll(image), [])
    image.close()
  }
})

decoders('under Node they are at hand', async () => {
  await loadDecoders()
  assert.is(await loadDecoders(), undefined)
})
decoders.run()

const unread = suite('compressed images: what is not read')

const FILE = '/text'
const OTHERS = truth.filter(({ path }) => path !== FILE)

/** A file that can't be read leaves the tree to be looked through, and all others to be read. */
function onlyRefuses(image: Image, said: RegExp): void {
  const m = mountSync(image)
  const fs = m.fs as unknown as TruthFs
  const names = m.fs.readdirSync('/').sort()
  const found = walkTruth({
    ...pick(fs),
    readFileSync: path => (path.toString() === FILE ? new Uint8Array(0) : fs.readFileSync(path)),
  }).filter(({ path }) => path !== FILE)
  assert.equal(compareTruth(OTHERS, found), [])
  assert.ok(names.includes('text'))
  assert.is(m.fs.statSync(FILE).size, truth.find(({ path }) => path === FILE)?.size)
  const { code, message } = thrown(() => m.fs.readFileSync(FILE))
  assert.is(code, 'ENOTSUP')
  assert.match(message, said)
  m.unmount()
}

function pick(fs: TruthFs): TruthFs {
  return {
    lstatSync: (path, options) => fs.lstatSync(path, options),
    readdirSync: (path, options) => fs.readdirSync(path, options),
    readlinkSync: (path, options) => fs.readlinkSync(path, options),
    readFileSync: path => fs.readFileSync(path),
    listxattrSync: (path, options) => fs.listxattrSync?.(path, options) ?? [],
    getxattrSync: (path, name, options) => fs.getxattrSync?.(path, name, options) ?? new Uint8Array(0),
  }
}

function nidOf(bytes: Uint8Array, path: string): number {
  const m = mountSync(bytes)
  const { ino } = m.fs.statSync(path)
  m.unmount()
  return Number(ino)
}

for (const [field, value, said] of [
  ['h_algorithmtype', 0x05, /compressed by algorithm 5, which is not read/],
  ['h_algorithmtype', 0x40, /compressed by algorithm 4, which is not read/],
  ['h_clusterbits', 0x0f, /clusters of 2\^15 blocks/],
] as const) {
  unread(`${field} ${value}: reads are ENOTSUP and name it`, async () => {
    const bytes = compressedImage('lz4')
    const spoilt = withMapHeader(bytes, nidOf(bytes, FILE), field, value)
    const image = openImageSync(spoilt)
    onlyRefuses(image, said)
    image.close()
    const lazy = openImageSync(bytesSource(spoilt), { lazy: true })
    onlyRefuses(lazy, said)
    lazy.close()
    const m = await mount(withoutSync(spoilt), { lazy: true })
    const error = await m.fs.promises.readFile(FILE).catch(reason => reason)
    assert.is(error.code, 'ENOTSUP')
    assert.match(error.message, said)
    m.unmount()
  })
}

unread('an algorithm among those of the image, of which no file is, is no matter', () => {
  const image = openImageSync(withSuperblock(compressedImage('lz4'), { available_compr_algs: old => old | 0x30 }))
  assert.equal(readAll(image), [])
  image.close()
})

unread('an algorithm that the image does not list is corrupt', () => {
  const image = openImageSync(withSuperblock(compressedImage('lzma'), { available_compr_algs: () => 0 }))
  const m = mountSync(image)
  const { code } = thrown(() => m.fs.readFileSync(FILE))
  assert.is(code, 'EUCLEAN')
  m.unmount()
  image.close()
})

unread('an unknown feature of incompat is ENOTSUP at open, which names it', async () => {
  const bytes = withSuperblock(compressedImage('lz4'), { feature_incompat: old => old | 0x40000200 })
  const errors = [
    thrown(() => openImageSync(bytes)),
    thrown(() => openImageSync(bytesSource(bytes), { lazy: true })),
    await openImage(bytes).catch(error => error),
    await openImage(withoutSync(bytes), { lazy: true }).catch(error => error),
  ]
  for (const { code, message } of errors) {
    assert.is(code, 'ENOTSUP')
    assert.match(message, /feature_incompat has 0x40000200, which is not read/)
  }
})
unread.run()
