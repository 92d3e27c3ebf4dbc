// Images whose data lies on further devices: what these are given as, what is said of those that do not fit, and that each is
// closed once. The image is one of mkfs.erofs with its data on a second device; the shared one is read where it is.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVICE_SLOT } from '../../src/format/structs.js'
import type { Image } from '../../src/image/image.js'
import { merkleTree, mount, mountSync, openImage, openImageSync } from '../../src/node.js'
import type { DeviceSource, ImageSource, OpenOptions } from '../../src/open-options.js'
import type { ByteSource } from '../../src/source/byte-source.js'
import { compressedImage, compressedTruth, devicesOf } from '../helpers/compressed-images.js'
import { sha256 } from '../helpers/core.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { compareTruth, readTruth, type TruthFs, walkTruth } from '../helpers/truth.js'

const IMAGE = compressedImage('devices')
const [DEVICE] = devicesOf('devices')
const truth = compressedTruth()
const DIGEST = openImageSync(IMAGE).digest()
const ALIGN = 1 << 16

const dir = mkdtempSync(join(tmpdir(), 'devices-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))
const imagePath = join(dir, 'image')
const devicePath = join(dir, 'device')
writeFileSync(imagePath, IMAGE)
writeFileSync(devicePath, DEVICE)

/** Bytes that count how often they are closed, and say what they are told to. */
class Counted implements ByteSource {
  readonly size: number
  closes = 0
  /** What is read besides the first block. */
  reads = 0
  failure: Error | undefined
  readSync?: (offset: number, length: number) => Uint8Array
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array, { sync = true, size = bytes.length } = {}) {
    this.#bytes = bytes
    this.size = size
    if (sync) this.readSync = (offset, length) => this.#give(offset, length)
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#give(offset, length)
  }

  #give(offset: number, length: number): Uint8Array {
    assert.is(this.closes, 0, 'read after it was closed')
    if (this.failure !== undefined) throw this.failure
    this.reads++
    return this.#bytes.slice(offset, offset + length)
  }

  close(): void {
    this.closes++
  }
}

function differences(image: Image): string[] {
  const m = mountSync(image)
  try {
    return compareTruth(truth, walkTruth(m.fs as unknown as TruthFs))
  } finally {
    m.unmount()
  }
}

/** The code with which an opening is refused, at once and by promises, which must be one. */
async function refusal(open: () => readonly [ImageSource, OpenOptions]): Promise<string> {
  const later = await openImage(...open()).then(
    () => 'opened',
    error => error.code,
  )
  let now = 'opened'
  try {
    openImageSync(...open())
  } catch (error) {
    now = (error as { code: string }).code
  }
  assert.is(now, later)
  return now
}

const given = suite('further devices: what they are given as')

given('bytes, buffers, sources, paths and URLs of files, at once and by promises', async () => {
  const forms: (() => DeviceSource)[] = [
    () => DEVICE,
    () => DEVICE.buffer,
    () => new Counted(DEVICE),
    () => devicePath,
    () => pathToFileURL(devicePath),
  ]
  for (const form of forms) {
    for (const image of [IMAGE, imagePath, IMAGE.buffer]) {
      const now = openImageSync(image, { devices: [form()] })
      assert.ok(now.lazy)
      assert.equal(differences(now), [])
      now.close()
      const later = await openImage(image, { devices: [form()], lazy: false })
      assert.equal(differences(later), [])
      later.close()
    }
  }
})

given('Blobs and what can only be waited for, by promises', async () => {
  for (const device of [new Blob([DEVICE]), new Counted(DEVICE, { sync: false })]) {
    const m = await mount(new Blob([IMAGE]), { devices: [device] })
    for (const { path, size } of truth) {
      if (size === undefined || path.includes('\\') || path.includes('link')) continue
      assert.is((await m.fs.promises.readFile(path)).length, size)
    }
    assert.equal(await m.fs.promises.readFile('/text'), mountedText())
    m.unmount()
  }
})

function mountedText(): Uint8Array {
  const m = mountSync(IMAGE, { devices: [DEVICE] })
  const text = m.fs.readFileSync('/text')
  m.unmount()
  return text
}

given('what can only be waited for stays with the caller, who is told EAGAIN at once', async () => {
  const [image, device] = [new Counted(IMAGE), new Counted(DEVICE, { sync: false })]
  assert.throws(
    () => openImageSync(image, { devices: [device] }),
    (error: { code?: string }) => error.code === 'EAGAIN',
  )
  assert.equal([image.closes, device.closes], [0, 0])
  const later = await openImage(image, { devices: [device] })
  later.close()
  assert.equal([image.closes, device.closes], [1, 1])
})

given('in one with the image, where its device table says', async () => {
  // All devices in one file: mkfs.erofs leaves it to whoever joins them to say where each begins.
  const start = Math.ceil(IMAGE.length / ALIGN) * ALIGN
  const joined = new Uint8Array(start + DEVICE.length)
  joined.set(IMAGE)
  joined.set(DEVICE, start)
  const table = deviceTable(joined)
  const view = new DataView(joined.buffer)
  // Its checksum is that of the first block, where the table is.
  view.setUint32(1024 + 8, view.getUint32(1024 + 8, true) & ~1, true)
  view.setUint32(table + DEVICE_SLOT.fields.uniaddr_lo.offset, start / 4096, true)
  for (const options of [{}, { lazy: true }]) {
    const image = await openImage(new Blob([joined]), options)
    const m = await mount(image)
    assert.equal(await m.fs.promises.readFile('/text'), mountedText())
    m.unmount()
    image.close()
  }
})

/** Where the device table lies in an image. */
function deviceTable(bytes: Uint8Array<ArrayBuffer>): number {
  return new DataView(bytes.buffer).getUint16(1024 + 88, true) * DEVICE_SLOT.size
}

given('without them what lies there is EIO, all else is there', () => {
  const m = mountSync(IMAGE)
  assert.is(m.fs.readFileSync('/dir/deep/../../empty').length, 0)
  assert.equal(m.fs.readdirSync('/').sort().includes('text'), true)
  assert.throws(
    () => m.fs.readFileSync('/text'),
    (error: { code?: string }) => error.code === 'EIO',
  )
  m.unmount()
})
given.run()

const wrong = suite('further devices: those that do not fit')

wrong('too many, or for an image that has none, are EINVAL', async () => {
  const plain = compressedImage('lz4')
  assert.is(await refusal(() => [IMAGE, { devices: [DEVICE, DEVICE] }]), 'EINVAL')
  assert.is(await refusal(() => [plain, { devices: [DEVICE] }]), 'EINVAL')
})

wrong('what is no device is EINVAL', async () => {
  for (const devices of [DEVICE, [1], [null], [{ size: -1, read: () => {}, close: () => {} }], 'device']) {
    assert.is(await refusal(() => [IMAGE, { devices } as unknown as OpenOptions]), 'EINVAL')
  }
})

wrong('one that is too short is EIO where it is read, and nowhere else', () => {
  for (const device of [DEVICE.subarray(0, 4096), new Counted(DEVICE.subarray(0, 4096), { size: DEVICE.length })]) {
    const m = mountSync(IMAGE, { devices: [device] })
    assert.is(m.fs.readdirSync('/names').length, truth.filter(({ path }) => path.startsWith('/names/')).length)
    assert.throws(
      () => m.fs.readFileSync('/text'),
      (error: { code?: string }) => error.code === 'EIO',
    )
    m.unmount()
  }
})

wrong('one that fails is EIO where it is read, with the reason', async () => {
  const device = new Counted(DEVICE, { sync: false })
  const m = await mount(IMAGE, { devices: [device] })
  device.failure = new Error('the cable is out')
  const error = await m.fs.promises.readFile('/text').catch(reason => reason)
  assert.is(error.code, 'EIO')
  assert.is(error.cause, device.failure)
  device.failure = undefined
  assert.equal(await m.fs.promises.readFile('/text'), mountedText())
  m.unmount()
  assert.is(device.closes, 1)
})

wrong('one that is not there has its own error, and all that was opened is closed', async () => {
  const missing = join(dir, 'missing')
  assert.is(await refusal(() => [IMAGE, { devices: [missing] }]), 'ENOENT')
  const [image, device] = [new Counted(IMAGE), new Counted(DEVICE)]
  await openImage(image, { devices: [device, missing] }).then(
    () => assert.unreachable(),
    () => {},
  )
  const [imageNow, deviceNow] = [new Counted(IMAGE), new Counted(DEVICE)]
  assert.throws(() => openImageSync(imageNow, { devices: [deviceNow, missing] }))
  assert.equal([image.closes, device.closes, imageNow.closes, deviceNow.closes], [1, 1, 1, 1])
})

wrong('what is opened is closed once, when it closes or is refused', async () => {
  const sources = () => [new Counted(IMAGE), new Counted(DEVICE)] as const
  const closes = (all: readonly Counted[]) => all.map(one => one.closes)
  const later = sources()
  const image = await openImage(later[0], { devices: [later[1]] })
  assert.equal(closes(later), [0, 0])
  image.close()
  image.close()
  assert.equal(closes(later), [1, 1])
  const now = sources()
  mountSync(now[0], { devices: [now[1]] }).unmount()
  assert.equal(closes(now), [1, 1])
  for (const options of [{ digest: '0'.repeat(64) }, {}] as OpenOptions[]) {
    const refused = [...sources(), new Counted(DEVICE)]
    const devices = options.digest === undefined ? refused.slice(1) : refused.slice(1, 2)
    await openImage(refused[0], { ...options, devices }).then(
      () => assert.unreachable(),
      () => {},
    )
    const opened = options.digest === undefined ? 3 : 1
    assert.equal(closes(refused).slice(0, opened), Array(opened).fill(1))
    if (options.digest !== undefined) assert.is(refused[1].reads, 0)
  }
})
wrong.run()

const vouched = suite('further devices: what a digest vouches for')

const TREE = merkleTree(IMAGE, sha256)
const altered = IMAGE.slice()
altered[IMAGE.length - 20] ^= 1

for (const [name, options] of [
  ['with a Merkle tree', { merkleTree: TREE }],
  ['without one', {}],
] as const) {
  vouched(`the image alone, ${name}`, async () => {
    for (const lazy of [true, false]) {
      const all = { ...options, lazy, digest: DIGEST }
      const changed = DEVICE.slice()
      changed.fill(0x20, 0, DEVICE.length)
      for (const image of [
        openImageSync(IMAGE, { ...all, devices: [DEVICE] }),
        await openImage(IMAGE, { ...all, devices: [DEVICE] }),
      ]) {
        assert.is(image.digest(), DIGEST)
        assert.equal(differences(image), [])
        image.close()
      }
      const other = mountSync(IMAGE, { ...all, devices: [changed] })
      assert.is(other.fs.readFileSync('/text').indexOf('line'), -1)
      other.unmount()
    }
  })

  vouched(`an altered image is refused, ${name}`, async () => {
    const devices = [DEVICE]
    const open = () => openImage(altered, { ...options, digest: DIGEST, devices })
    const code = await open().then(
      image => {
        const m = mountSync(image)
        try {
          walkTruth(m.fs as unknown as TruthFs)
          return 'read'
        } catch (error) {
          return (error as { code?: string }).code
        } finally {
          m.unmount()
        }
      },
      error => error.code,
    )
    assert.is(code, 'EIO')
    assert.is(await refusal(() => [IMAGE, { ...options, digest: '1'.repeat(64), devices }]), 'EIO')
  })
}
vouched.run()

const shared = suite('further devices: the shared image')
const [image, blob] = ['two-devices.erofs.gz', 'two-devices.blob.gz'].map(name => vector('erofs', name))
if (SHARED === undefined || !existsSync(blob))
  skip(shared, 'two-devices', 'there are no shared vectors beside this checkout')
else {
  shared('equals its truth, its device being a source', () => {
    const device = new Counted(gunzipSync(readFileSync(blob)))
    const m = mountSync(gunzipSync(readFileSync(image)), { devices: [device] })
    const expected = readTruth(vector('erofs', 'tree.truth.jsonl.gz'))
    assert.equal(compareTruth(expected, walkTruth(m.fs as unknown as TruthFs)), [])
    m.unmount()
    assert.is(device.closes, 1)
  })
}
shared.run()
