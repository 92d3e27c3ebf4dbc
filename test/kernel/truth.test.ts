// A mount of ours equals what the kernel shows, entry by entry: type, mode, owner, size, mtime to the nanosecond,
// nlink, rdev, target, content hash, xattrs. Once against truth files (any host), once, as root, against a live
// kernel mount of the same bytes. test/kernel/oracle.test.ts checks the oracles themselves.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync, openImageSync } from '../../src/node.js'
import { KernelMounts, kernelReason, kernelTree } from '../helpers/kernel.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { compareTruth, type TruthFs, walkTruth } from '../helpers/truth.js'
import { type KnownImage, knownImages } from './images.js'

const DEVELOPER = 'composefs/cs9-x86_64-developer.cfs.gz'
const images = knownImages()
const temporary = mkdtempSync(join(tmpdir(), 'composefs-truth-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

function withMount<T>(bytes: Uint8Array, store: string | undefined, use: (fs: TruthFs) => T): T {
  const m = mountSync(openImageSync(bytes), store === undefined ? {} : { store })
  try {
    return use(m.fs as unknown as TruthFs)
  } finally {
    m.unmount()
  }
}

const truths = suite('a mount equals its truth file')
for (const image of images) {
  truths(image.name, () => {
    const actual = withMount(image.bytes(), image.objects?.(temporary), walkTruth)
    assert.equal(compareTruth(image.truth(), actual), [])
  })
}
if (SHARED === undefined) skip(truths, 'the shared vectors', 'there are none beside this checkout')
truths.run()

const live = suite('a mount equals a live kernel mount')
const reason = kernelReason()
if (reason !== undefined) skip(live, 'all images', reason)
else addLive(new KernelMounts())

function addLive(mounts: KernelMounts): void {
  const compare = (image: Pick<KnownImage, 'name' | 'bytes'>, objects: string | undefined, content: boolean) => {
    const bytes = image.bytes()
    const file = join(temporary, 'live.img')
    writeFileSync(file, bytes)
    const mount = objects === undefined ? mounts.erofs(file) : mounts.composefs(file, objects)
    const tree = kernelTree(mount.path)
    const xattrs = tree.listxattrSync !== undefined
    if (!xattrs) console.log(`note: ${image.name}: xattrs not compared: no python3 to read the kernel's`)
    const expected = walkTruth(tree, { content })
    mount.unmount()
    const actual = withMount(bytes, objects, fs => walkTruth(fs, { content }))
    assert.ok(expected.length > 1)
    assert.equal(compareTruth(expected, actual, { xattrs }), [])
  }
  for (const image of images) live(image.name, () => compare(image, image.objects?.(temporary), true))
  if (SHARED === undefined) {
    skip(live, 'cs9-developer', 'there are no shared vectors beside this checkout')
    return
  }
  // Its objects are at hand nowhere: all but contents.
  live('cs9-developer, 64,245 entries', () => {
    const objects = join(temporary, 'no-objects')
    mkdirSync(objects, { recursive: true })
    compare({ name: 'cs9-developer', bytes: () => gunzipSync(readFileSync(vector(DEVELOPER))) }, objects, false)
  })
}
live.run()
