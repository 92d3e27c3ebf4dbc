// Lazy images against the kernel's mount: one whose files are in it, and one that lies beyond what WebAssembly memory can
// address. Memory is measured.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import fs, {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CONSTANTS, type Field, FULL_CORE_PAGES, INODE_COMPACT, SUPERBLOCK } from '../../src/format/structs.js'
import { type ByteSource, mount, mountSync } from '../../src/node.js'
import { loaded, newPool } from '../helpers/core.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { fixture, skip } from '../helpers/paths.js'

const lazy = suite('lazy images and the kernel')
const directory = mkdtempSync(join(tmpdir(), 'composefs-lazy-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const reason =
  kernelReason() ??
  (spawnSync('mkfs.erofs', ['--help'], { stdio: 'ignore' }).error ? 'there is no mkfs.erofs' : undefined)

type Fs = Pick<typeof fs, 'readdirSync' | 'lstatSync' | 'readlinkSync' | 'readFileSync'>

/** Names that are UTF-8, in one order. (Others are asked for by their bytes, elsewhere.) */
const shown = (names: string[]) => names.filter(name => !name.includes('\ufffd')).sort()

/** Everything below a directory as text, contents as hashes. */
function facts(from: Fs, root: string, dir = '', into: string[] = []): string[] {
  for (const name of shown(from.readdirSync(`${root}${dir}` || '/') as string[])) {
    const path = `${dir}/${name}`
    const stats = from.lstatSync(root + path)
    let more = ''
    if (stats.isSymbolicLink()) more = String(from.readlinkSync(root + path))
    if (stats.isFile())
      more = createHash('sha256')
        .update(from.readFileSync(root + path))
        .digest('hex')
    into.push(
      `${path} ${stats.mode} ${stats.ino} ${stats.nlink} ${stats.isFile() ? stats.size : ''} ${stats.mtimeMs} ${more}`,
    )
    if (stats.isDirectory()) facts(from, root, path, into)
  }
  return into
}

/** The same through promises. */
async function factsLater(from: (typeof fs)['promises'], dir = '', into: string[] = []): Promise<string[]> {
  for (const name of shown(await from.readdir(dir || '/'))) {
    const path = `${dir}/${name}`
    const stats = await from.lstat(path)
    let more = ''
    if (stats.isSymbolicLink()) more = await from.readlink(path)
    if (stats.isFile())
      more = createHash('sha256')
        .update(await from.readFile(path))
        .digest('hex')
    into.push(
      `${path} ${stats.mode} ${stats.ino} ${stats.nlink} ${stats.isFile() ? stats.size : ''} ${stats.mtimeMs} ${more}`,
    )
    if (stats.isDirectory()) await factsLater(from, path, into)
  }
  return into
}

/** A file that is read later only, with what was read counted. */
function later(path: string): ByteSource & { bytes: number } {
  const fd = openSync(path, 'r')
  const { size } = fs.fstatSync(fd)
  const source = {
    size,
    bytes: 0,
    async read(offset: number, length: number) {
      await new Promise(resolve => setImmediate(resolve))
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
      const n = fs.readSync(fd, buffer, 0, buffer.length, offset)
      source.bytes += n
      return buffer.subarray(0, n)
    },
    close: () => closeSync(fd),
  }
  return source
}

function withData(): string {
  const tree = join(directory, 'tree')
  mkdirSync(join(tree, 'dir/below'), { recursive: true })
  for (let i = 0; i < 300; i++) writeFileSync(join(tree, 'dir', `f${i}`), randomBytes(i * 37))
  writeFileSync(join(tree, 'dir/below/large'), randomBytes(24 << 20))
  writeFileSync(join(tree, 'even'), randomBytes(1 << 20))
  fs.symlinkSync('dir/below', join(tree, 'link'))
  const image = join(directory, 'data.erofs')
  execFileSync('mkfs.erofs', ['-x0', image, tree], { stdio: 'ignore' })
  return image
}

function add(bytes: Uint8Array, at: number, { offset, width }: Field, more: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  if (width !== 4) throw new Error('a field of four bytes')
  view.setUint32(at + offset, view.getUint32(at + offset, true) + more, true)
}

/** An image of which all but the superblock lies `blocks` blocks further back. */
function farAway(bytes: Uint8Array, blocks: number, path: string): void {
  const moved = new Uint8Array(bytes)
  const image = loaded(newPool(), bytes)
  const none = 0xffffffff
  const seen = new Set<number>()
  for (const batch of image.batches()) {
    for (let i = 0; i < batch.length; i++) {
      const at = image.core.position(i)
      const layout = image.core.flags(i) & 7
      if (seen.has(at) || layout > 2) continue
      seen.add(at)
      const type = batch.mode(i) & CONSTANTS.S_IFMT
      const hasData = type === CONSTANTS.S_IFREG || type === CONSTANTS.S_IFDIR || type === CONSTANTS.S_IFLNK
      const start = new DataView(moved.buffer).getUint32(at + INODE_COMPACT.fields.i_u.offset, true)
      if (hasData && start !== none) add(moved, at, INODE_COMPACT.fields.i_u, blocks)
    }
  }
  const { superblock } = image
  image.close()
  const at = CONSTANTS.EROFS_SUPER_OFFSET
  const { meta_blkaddr, xattr_blkaddr, blocks_lo, feature_compat } = SUPERBLOCK.fields
  for (const field of [meta_blkaddr, xattr_blkaddr, blocks_lo]) add(moved, at, field, blocks)
  add(moved, at, feature_compat, -(superblock.featureCompat & CONSTANTS.EROFS_FEATURE_COMPAT_SB_CHKSUM))
  const fd = openSync(path, 'w')
  ftruncateSync(fd, blocks * 4096)
  writeSync(fd, moved.subarray(0, 4096), 0, 4096, 0)
  writeSync(fd, moved, 0, moved.length, blocks * 4096)
  closeSync(fd)
}

if (reason !== undefined) skip(lazy, "the kernel's answers", reason)
else {
  const mounts = new KernelMounts()

  lazy('files in the image: all of it as the kernel shows it, in a MiB', async () => {
    const image = withData()
    const kernel = mounts.erofs(image)
    const expected = facts(fs, kernel.path)
    assert.equal(facts(mountSync(image, { lazy: true, cacheBytes: 0 }).fs as unknown as Fs, ''), expected)
    const source = later(image)
    const m = await mount(source, { lazy: true, cacheBytes: 0 })
    const { core } = m.images[0].core
    const held = core.bytes
    assert.equal(await factsLater(m.fs.promises as unknown as (typeof fs)['promises']), expected)
    assert.is(core.bytes, held, 'the memory has grown')
    // Besides the core's own areas, which are reserved and not touched where nothing is decoded.
    const own = FULL_CORE_PAGES * 65536
    assert.ok(held - own < 3 << 20, `${held} bytes, ${own} of them the core's own`)
    const file = await m.fs.promises.open('/dir/below/large')
    const handle = openSync(join(kernel.path, 'dir/below/large'), 'r')
    source.bytes = 0
    for (let i = 0; i < 200; i++) {
      const position = Math.floor(Math.random() * (24 << 20))
      const [ours, theirs] = [Buffer.alloc(4096), Buffer.alloc(4096)]
      const { bytesRead } = await file.read(ours, 0, 4096, position)
      assert.is(bytesRead, fs.readSync(handle, theirs, 0, 4096, position))
      assert.ok(ours.equals(theirs), `at ${position}`)
    }
    // A read and the window that begins with it.
    assert.ok(source.bytes <= 200 * 64 * 1024, `${source.bytes} bytes for 200 reads`)
    await file.close()
    closeSync(handle)
    m.unmount()
    kernel.unmount()
  })

  for (const name of ['plain', 'compact', 'extended', 'xattr-shared']) {
    lazy(`${name}, 8 GiB further back: more than memory can hold`, async () => {
      const path = join(directory, `${name}.erofs`)
      farAway(gunzipSync(readFileSync(fixture('erofs', `${name}.erofs.gz`))), 2 ** 21, path)
      const kernel = mounts.erofs(path)
      const expected = facts(fs, kernel.path)
      kernel.unmount()
      assert.ok(expected.length > 10)
      const near = mountSync(path, { lazy: true })
      assert.equal(facts(near.fs as unknown as Fs, ''), expected)
      near.unmount()
      const m = await mount(later(path), { lazy: true })
      assert.equal(await factsLater(m.fs.promises as unknown as (typeof fs)['promises']), expected)
      m.unmount()
      rmSync(path)
    })
  }
}

lazy.run()
