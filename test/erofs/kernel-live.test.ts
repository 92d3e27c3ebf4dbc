// Images that mkfs.erofs makes now, with many combinations of its options, against a live kernel mount of each: every entry,
// every byte, random ranges. What the kernel does not mount (large blocks, features it is too old for), and all of it where it
// can't be asked, is held against the tree that the image was made of.
// COMPOSEFS_WASM_EROFS_ALL=1 takes every named combination and some by seed, =N as many by seed (COMPOSEFS_WASM_EROFS_SEED is
// the first seed); else a handful. COMPOSEFS_WASM_EROFS_ONLY=PART takes those whose name has it: a part of `seed`, for one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type MountOptions, mountSync } from '../../src/node.js'
import { type ErofsImage, findMkfs, type Mkfs, makeErofsImage } from '../helpers/erofs-images.js'
import { type ErofsOptions, HANDFUL, NAMED_OPTIONS, randomOptions } from '../helpers/erofs-options.js'
import { compareRanges, filesOf, hostRanges, OpenRanges, type RangeFs } from '../helpers/erofs-ranges.js'
import { makeErofsSource } from '../helpers/erofs-source.js'
import { type KernelMount, KernelMounts, kernelReason, kernelTree } from '../helpers/kernel.js'
import { LoopDevices } from '../helpers/loop-devices.js'
import { skip } from '../helpers/paths.js'
import { compareTruth, type TruthEntry, type TruthFs, walkTruth } from '../helpers/truth.js'

const ALL = Number(process.env['COMPOSEFS_WASM_EROFS_ALL'] ?? 0)
const SEED = Number(process.env['COMPOSEFS_WASM_EROFS_SEED'] ?? 1)
const ONLY = process.env['COMPOSEFS_WASM_EROFS_ONLY']
const BY_SEED = 40
const EUCLEAN = 117
const RANGES = ALL > 0 ? 2000 : 1000

const temporary = mkdtempSync(join(tmpdir(), 'composefs-erofs-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

function chosen(): ErofsOptions[] {
  const bySeed = Array.from({ length: ALL > 1 ? ALL : BY_SEED }, (_, i) => randomOptions(SEED + i))
  const named = NAMED_OPTIONS.filter(options => ALL > 0 || HANDFUL.includes(options.name))
  const all = ALL > 0 ? [...named, ...bySeed] : named
  return ONLY === undefined ? all : all.filter(options => options.name.includes(ONLY))
}

/** What an image keeps of its source whatever the options: names, types, contents, targets. */
function kept(entries: readonly TruthEntry[]): TruthEntry[] {
  return entries
    .filter(entry => !entry.mode.startsWith('140'))
    .map(({ path, mode, size, target, sha256 }) => ({
      ...{ path, mode, nlink: 0, uid: 0, gid: 0, mtime: '', target, sha256 },
      ...(mode.startsWith('100') ? { size } : {}),
    }))
}

const live = suite('an image of mkfs.erofs equals what the kernel shows')
const mkfs = findMkfs()
if (mkfs === undefined) skip(live, 'all images', 'no mkfs.erofs on PATH; MKFS_EROFS may name one')
else addLive(mkfs)

/** What the kernel reads; undefined for an image that mkfs.erofs has made badly. */
function readable(tree: TruthFs, name: string): TruthEntry[] | undefined {
  try {
    return walkTruth(tree)
  } catch (error) {
    // 1.9.3 does so where directories are in a metabox (--MZ=id with -m), and where it deduplicates files of several algorithms:
    // its own fsck.erofs says so too.
    if ((error as NodeJS.ErrnoException).errno !== -EUCLEAN) throw error
    console.log(`skip: ${name}: the kernel finds the image to be corrupt`)
    return undefined
  }
}

interface Oracle {
  readonly tree: TruthFs
  readonly root: string
  /** The kernel; else the source. */
  readonly kernel: boolean
  done(): void
}

function addLive(mkfs: Mkfs): void {
  const source = makeErofsSource(join(temporary, 'source'), SEED, {
    longestName: mkfs.longestName,
    megabytes: ALL > 0 ? 2 : 0.5,
  })
  for (const line of source.missing) console.log(`note: the source has less in it: ${line}`)
  const reason = kernelReason()
  if (reason !== undefined) console.log(`note: compared with the source's contents alone, not the kernel: ${reason}`)
  const mounts = reason === undefined ? new KernelMounts() : undefined
  const loops = new LoopDevices()

  const oracle = (image: ErofsImage, name: string): Oracle => {
    const fromSource = { tree: kernelTree(source.path), root: source.path, kernel: false, done: () => {} }
    if (mounts === undefined) return fromSource
    const devices = image.devices.map(path => loops.attach(path))
    const detach = () => {
      for (const device of devices) loops.detach(device)
    }
    let mount: KernelMount
    try {
      mount = mounts.erofs(
        image.path,
        devices.map(device => `device=${device}`),
      )
    } catch (error) {
      detach()
      const said = error instanceof Error ? error.message.split('\n').at(1) : String(error)
      console.log(`note: ${name}: compared with the source: the kernel does not mount it: ${said}`)
      return fromSource
    }
    const done = () => {
      mount.unmount()
      detach()
    }
    return { tree: kernelTree(mount.path), root: mount.path, kernel: true, done }
  }

  const compare = (image: ErofsImage, name: string) => {
    const other = oracle(image, name)
    const m = mountSync(image.path, image.devices.length > 0 ? ({ devices: image.devices } as MountOptions) : {})
    try {
      const fs = m.fs as unknown as TruthFs & RangeFs
      const expected = other.kernel ? readable(other.tree, name) : walkTruth(other.tree)
      if (expected === undefined) return
      const actual = walkTruth(fs)
      assert.ok(expected.length > 800)
      const xattrs = other.kernel && other.tree.listxattrSync !== undefined
      if (other.kernel) assert.equal(compareTruth(expected, actual, { xattrs }), [])
      else assert.equal(compareTruth(kept(expected), kept(actual), { xattrs: false }), [])
      const files = filesOf(other.tree)
      const [theirs, ours] = [hostRanges(other.root, files), new OpenRanges(fs, files)]
      assert.equal(compareRanges(files, theirs.read, ours.read, { count: RANGES, seed: SEED }), [])
      for (const ranges of [theirs, ours]) ranges.close()
    } finally {
      m.unmount()
      other.done()
    }
  }

  let made = 0
  for (const options of chosen()) {
    const path = join(temporary, 'image')
    live(options.name, () => {
      const image = makeErofsImage(mkfs, source.path, path, options)
      if (typeof image === 'string') {
        console.log(`skip: ${options.name}: mkfs.erofs ${mkfs.version} does not make it: ${image}`)
        return
      }
      made++
      compare(image, options.name)
    })
  }
  if (ONLY === undefined) live('some image was made', () => assert.ok(made >= HANDFUL.length / 2, `${made} images`))
}
live.run()
