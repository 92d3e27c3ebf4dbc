// Sizes of files about 2^53, the largest that mkcomposefs writes: what is written is read and written again as it is; what is larger is
// EFBIG where it is written, and where it is read as a tree of an image that no tool has made. A mount shows the nearest number.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { CFS_V1_INODE, CFS_V1_SUPERBLOCK, type Field, INODE_EXTENDED } from '../../src/format/structs.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import { buildImage, mountSync, openImage, openImageSync } from '../../src/node.js'

const sizes = suite('sizes')
const FORMATS = ['composefs', 'cfs-v1'] as const
type Format = (typeof FORMATS)[number]

const MOST = 2n ** 53n
const WRITTEN = [1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 43n + 1n, MOST - 1n, MOST]
/** Up to those from which on the sums of libcomposefs 1.0.8 wrap. */
const TOO_LARGE = [
  MOST + 1n,
  MOST + 2n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 2n ** 43n + 1n,
  2n ** 64n - 1n,
]

const dumpOf = (size: bigint, mode: string, payload: string) =>
  `/ 0 40755 1 0 0 0 0.0 - - -\n/f ${size} ${mode} 1 0 0 0 0.0 ${payload} - -\n`
const build = async (size: bigint, format: Format, mode = '100644', payload = 'aa/bb') =>
  (await buildImage({ dump: dumpOf(size, mode, payload) }, { format })).image

const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => 'ok',
    error => error.code,
  )

/** Gives `/f` another size, in an image in which it has 2^53. */
function withSize(image: Uint8Array, format: Format, size: bigint): Uint8Array {
  const nid = [...openImageSync(image).entries()][1].ino
  const cfs = CFS_V1_SUPERBLOCK.size + CFS_V1_INODE.size * nid
  const [at, field]: [number, Field] =
    format === 'cfs-v1' ? [cfs, CFS_V1_INODE.fields.st_size] : [nid * 32, INODE_EXTENDED.fields.i_size]
  const changed = Uint8Array.from(image)
  const view = new DataView(changed.buffer)
  assert.is(view.getBigUint64(at + field.offset, true), MOST)
  view.setBigUint64(at + field.offset, size, true)
  return changed
}

for (const format of FORMATS) {
  sizes(`${format}: up to 2^53 they are read, and written again as they are`, async () => {
    for (const size of WRITTEN) {
      const image = await build(size, format)
      const m = mountSync(image)
      assert.is(m.fs.statSync('/f', { bigint: true }).size, size)
      assert.is(m.fs.statSync('/f').size, Number(size))
      m.unmount()
      const again = await buildImage(await openImage(image), { format })
      assert.is(Buffer.compare(again.image, image), 0, `${size}`)
    }
  })

  sizes(`${format}: larger ones are not written`, async () => {
    for (const size of TOO_LARGE) assert.is(await codeOf(build(size, format)), 'EFBIG', `${size}`)
  })

  sizes(`${format}: of an image that has a larger one there is no tree`, async () => {
    const image = await build(MOST, format)
    for (const size of [MOST + 1n, MOST + 2n, 2n ** 63n - 1n]) {
      const odd = withSize(image, format, size)
      const m = mountSync(odd)
      assert.is(m.fs.statSync('/f').size, Number(size))
      m.unmount()
      const entries = TreeEntries.open(openImageSync(odd))
      assert.ok(entries instanceof TreeEntries)
      assert.is(entries.next(), true)
      const fault = entries.next()
      assert.ok(fault instanceof Fault && fault.code === 'EFBIG' && fault.detail.includes('/f'), `${size}`)
      assert.is(await codeOf(buildImage(await openImage(odd), { format })), 'EFBIG')
    }
    // Below zero to the kernel, which refuses the inode.
    for (const size of [2n ** 63n, 2n ** 64n - 1n]) {
      const m = mountSync(withSize(image, format, size))
      assert.throws(() => m.fs.statSync('/f'), /EUCLEAN/)
      m.unmount()
    }
  })
}

sizes('cfs v1 keeps the size of what has no bytes, too, up to 2^53; EROFS has none', async () => {
  for (const mode of ['10644', '20644', '140644']) {
    const image = await build(MOST, 'cfs-v1', mode, '-')
    const again = await buildImage(await openImage(image), { format: 'cfs-v1' })
    assert.is(Buffer.compare(again.image, image), 0)
    for (const size of TOO_LARGE) {
      assert.is(await codeOf(build(size, 'cfs-v1', mode, '-')), 'EFBIG')
      const m = mountSync(await build(size, 'composefs', mode, '-'))
      assert.is(m.fs.statSync('/f').size, 0)
      m.unmount()
    }
  }
})

sizes.run()
