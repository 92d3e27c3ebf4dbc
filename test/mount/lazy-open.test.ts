// Opening images from sources: what is no source or no option, sources that bring less than they say, what is closed, and
// what messages do not say.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Image } from '../../src/image/image.js'
import { openImage, openImageSync } from '../../src/node.js'
import type { ImageSource, OpenOptions } from '../../src/open-options.js'
import { RawErofs } from '../helpers/raw-erofs.js'

const ROOT = 40
const raw = new RawErofs(1, 12, ROOT)
raw.directory(ROOT, [
  ['.', ROOT, 2],
  ['..', ROOT, 2],
])
const BYTES = raw.bytes
const DIGEST = openImageSync(BYTES).digest()

const dir = mkdtempSync(join(tmpdir(), 'lazy-open-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const opening = suite('opening images from sources')

/** A source that counts how often it is closed. */
class Counted {
  size: number
  closes = 0
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.size = bytes.length
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#bytes.slice(offset, offset + length)
  }

  readSync?(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(offset, offset + length)
  }

  close(): void {
    this.closes++
  }
}

/** The codes with which an image is refused, asynchronously and not; both must be of a kind. */
async function refusal(source: unknown, options: unknown = {}): Promise<{ code?: string; message: string }> {
  const caught = (error: unknown) => error as { code?: string; message: string }
  const later = await openImage(source as ImageSource, options as OpenOptions).catch(caught)
  let now: unknown
  try {
    now = openImageSync(source as ImageSource, options as OpenOptions)
  } catch (error) {
    now = error
  }
  assert.is((now as { code?: string }).code, (later as { code?: string }).code)
  return later as { code?: string; message: string }
}

opening('what is no source is EINVAL', async () => {
  for (const size of [Number.NaN, -1, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, '4096', undefined]) {
    for (const lazy of [true, false]) {
      assert.is((await refusal(Object.assign(new Counted(BYTES), { size }), { lazy })).code, 'EINVAL', `${size}`)
    }
  }
  assert.is((await refusal({ size: 4096, read: 1, close: () => {} }, { lazy: true })).code, 'EINVAL')
  assert.is((await refusal({ size: 4096, read: async () => BYTES }, { lazy: true })).code, 'EINVAL')
})

opening('what is no option is EINVAL', async () => {
  for (const options of [
    { lazy: 'yes' },
    { lazy: 1 },
    { cacheBytes: '5' },
    { merkleTree: 42 },
    { merkleTree: new Uint8Array(4096), digest: undefined },
    { merkleTree: null },
    { merkleTree: new Blob(['']) },
    { merkleTree: Object.assign(new Counted(BYTES), { size: -1 }) },
  ]) {
    assert.is((await refusal(new Counted(BYTES), { lazy: true, digest: DIGEST, ...options })).code, 'EINVAL')
  }
})

opening('a source that brings less than it says is EIO, one that claims more than memory has EFBIG', async () => {
  for (const lazy of [true, false]) {
    const short = Object.assign(new Counted(BYTES.subarray(0, 4000)), { size: 4096 })
    assert.is((await refusal(short, { lazy })).code, 'EIO')
  }
  assert.is((await refusal(Object.assign(new Counted(BYTES), { size: 2 ** 40 }))).code, 'EFBIG')
})

opening('a file that is too large is EFBIG or ENOMEM', async () => {
  const path = join(dir, 'sparse')
  writeFileSync(path, BYTES)
  truncateSync(path, 2 ** 40)
  assert.is((await refusal(path)).code, 'ENOMEM')
  assert.is((await refusal(path, { lazy: true, digest: DIGEST })).code, 'EFBIG')
  const image = openImageSync(path, { lazy: true })
  assert.is(image.byteLength, 2 ** 40)
  image.close()
})

opening('image and tree are closed once, with an image of one block too', async () => {
  const options = { lazy: true, digest: DIGEST }
  for (const open of [openImage, openImageSync] as ((
    ...args: Parameters<typeof openImage>
  ) => Image | Promise<Image>)[]) {
    const data = new Counted(BYTES)
    const merkleTree = new Counted(new Uint8Array(0))
    const image = await open(data, { ...options, merkleTree })
    assert.ok(image.lazy)
    image.close()
    image.close()
    assert.equal([data.closes, merkleTree.closes], [1, 1])
  }
})

opening('an opening that fails closes what it was given, but for a source that can only wait', async () => {
  const options = { lazy: true, digest: '0'.repeat(64) }
  const missing = { ...options, merkleTree: join(dir, 'none') }
  for (const [given, code] of [
    [options, 'EIO'],
    [missing, 'ENOENT'],
  ] as const) {
    const later = new Counted(BYTES)
    assert.is((await openImage(later, given).catch(error => error)).code, code)
    const now = new Counted(BYTES)
    assert.throws(
      () => openImageSync(now, given),
      (error: { code?: string }) => error.code === code,
    )
    assert.equal([later.closes, now.closes], [1, 1])
  }
  const far = new Counted(BYTES)
  far.readSync = undefined
  assert.throws(
    () => openImageSync(far, { lazy: true }),
    (error: { code?: string }) => error.code === 'EAGAIN',
  )
  assert.is(far.closes, 0)
  const image = await openImage(far, { lazy: true })
  image.close()
  assert.is(far.closes, 1)
})

opening('URLs that are not read, and malformed ones, are named without what may be secret', async () => {
  for (const url of [
    'ftp://user:secret@host/x?sig=secret',
    'gs://secret@bucket/x',
    'http://user:secret@:/x?sig=secret',
  ]) {
    for (const options of [{}, { lazy: true }, { lazy: true, digest: DIGEST }]) {
      const error = (await openImage(url, options).catch(error => error)) as Error & { code?: string }
      assert.is(error.code, 'EINVAL', url)
      assert.not.match(JSON.stringify(error) + error.message, 'secret')
    }
  }
})

opening.run()
