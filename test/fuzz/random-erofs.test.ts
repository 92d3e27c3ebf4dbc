// Random EROFS images in all plain layouts: a mount shows the tree that each was made of, and so does the kernel's where it can be asked.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random, randomErofs, type TreeInode } from '../../src/fuzz.js'
import { mountSync } from '../../src/node.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { skip } from '../helpers/paths.js'

const SEEDS = 200
const KERNEL_SEEDS = 10
const TYPE = 0o170000
/** The kernel shows the id of no one as this one, and so do we. */
const NO_ID = 0xffffffff
const OVERFLOW_ID = 65534

const images = suite('random EROFS images')

interface ReadFs {
  lstatSync(path: Buffer, options: { bigint: true }): fs.BigIntStats
  readFileSync(path: Buffer): Uint8Array
  readlinkSync(path: Buffer, encoding: 'buffer'): unknown
  readdirSync(path: Buffer, encoding: 'buffer'): unknown[]
}

const shownId = (id: number) => (id === NO_ID ? OVERFLOW_ID : id)

/** Holds what is below a path to the tree; the number of entries. */
function compare(shown: ReadFs, path: Buffer, inode: TreeInode): number {
  const stats = shown.lstatSync(path, { bigint: true })
  const found = [Number(stats.mode), Number(stats.uid), Number(stats.gid), stats.mtimeNs]
  const mtime = BigInt(inode.sec) * 1_000_000_000n + BigInt(inode.nsec)
  assert.equal(found, [inode.mode, shownId(inode.uid), shownId(inode.gid), mtime], String(path))
  const type = inode.mode & TYPE
  const data = Buffer.from(inode.data)
  if (type === 0o100000) assert.is(Buffer.compare(shown.readFileSync(path), data), 0, String(path))
  if (type === 0o120000) assert.equal(Buffer.from(shown.readlinkSync(path, 'buffer') as Uint8Array), data, String(path))
  if (type !== 0o040000) return 1
  const names = shown.readdirSync(path, 'buffer').map(name => Buffer.from(name as Uint8Array))
  const wanted = inode.entries.map(({ name }) => Buffer.from(name))
  assert.equal(names.sort(Buffer.compare), wanted, String(path))
  let entries = 1
  for (const entry of inode.entries) {
    entries += compare(shown, Buffer.concat([path, Buffer.from('/'), entry.name]), entry.inode)
  }
  return entries
}

images(`${SEEDS} of them: a mount shows the tree`, () => {
  let entries = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { bytes, root } = randomErofs(new Random(seed), { inodes: 20 })
    const mounted = mountSync(bytes)
    entries += compare(mounted.fs as unknown as ReadFs, Buffer.from('/.'), root)
    mounted.unmount()
  }
  assert.ok(entries > SEEDS * 5, `${entries} entries`)
})

const reason = kernelReason()
if (reason !== undefined) skip(images, 'the kernel shows the tree', reason)
else addKernel(new KernelMounts())

function addKernel(mounts: KernelMounts): void {
  images(`${KERNEL_SEEDS} of them: the kernel shows the tree`, () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'composefs-random-erofs-'))
    try {
      const image = join(folder, 'image')
      for (let seed = 1; seed <= KERNEL_SEEDS; seed++) {
        const { bytes, root } = randomErofs(new Random(seed), { inodes: 20 })
        fs.writeFileSync(image, bytes)
        const mount = mounts.erofs(image)
        try {
          compare(fs as unknown as ReadFs, Buffer.from(mount.path), root)
        } finally {
          mount.unmount()
        }
      }
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
}

images.run()
