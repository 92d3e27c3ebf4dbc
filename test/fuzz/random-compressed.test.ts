// Random EROFS images with compressed files: a mount shows the tree that each was made of, whole and in ranges, and so does the kernel's
// where it can be asked. Between them the images have all of the format that they are said to have.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random, type RandomCompressedErofs, randomCompressedErofs } from '../../src/fuzz.js'
import { type MountOptions, mountSync } from '../../src/node.js'
import { filesOf, OpenRanges, type RangeFs } from '../helpers/erofs-ranges.js'
import { KernelMounts, kernelReason, kernelTree } from '../helpers/kernel.js'
import { LoopDevices } from '../helpers/loop-devices.js'
import { skip } from '../helpers/paths.js'
import { compareTree } from '../helpers/tree-shown.js'
import type { TruthFs } from '../helpers/truth.js'

const SEEDS = 120
const KERNEL_SEEDS = 20
const RANGES = 40

const FEATURES = [
  ...['LZ4', 'MicroLZMA', 'DEFLATE', 'Zstandard', 'padding', 'no padding', 'no configurations'],
  ...['blocks of 512', 'blocks of 1024', 'blocks of 2048', 'blocks of 4096'],
  ...['metabox', 'shared xattrs in the metabox', 'flat devices', 'further devices', 'xattr with a long prefix'],
  ...['prefixes: device', 'prefixes: metabox', 'prefixes: packed'],
  ...[
    'full',
    'compact',
    'compact, narrow',
    'full, big pclusters',
    'compact, big pclusters',
    'two algorithms in a file',
  ],
  ...['full, inline tail', 'compact, inline tail', 'full, fragment tail', 'compact, fragment tail', 'whole-fragment'],
  ...['full, interlaced', 'compact, interlaced', 'interlaced records', 'compressed directory'],
  ...['records', 'records of 4', 'records of 8', 'records of 16', 'records of 32', 'fragment behind records'],
  ...['plain', 'inline', 'chunks'],
]

const images = suite('random compressed EROFS images')
const made = (seed: number) => randomCompressedErofs(new Random(seed), { inodes: 20 })

function withMount<T>({ bytes, devices }: RandomCompressedErofs, use: (shown: TruthFs & RangeFs) => T): T {
  const mounted = mountSync(bytes, devices.length > 0 ? ({ devices } as MountOptions) : {})
  try {
    return use(mounted.fs as unknown as TruthFs & RangeFs)
  } finally {
    mounted.unmount()
  }
}

images('the seed alone decides', () => {
  assert.equal(made(5).bytes, made(5).bytes)
  assert.not.equal(made(5).bytes, made(6).bytes)
})

images(`${SEEDS} of them: a mount shows the tree`, () => {
  let entries = 0
  const features = new Set<string>()
  for (let seed = 1; seed <= SEEDS; seed++) {
    const image = made(seed)
    for (const feature of image.features) features.add(feature)
    entries += withMount(image, shown => compareTree(shown, Buffer.from('/'), image.root))
  }
  assert.ok(entries > SEEDS * 5, `${entries} entries`)
  assert.equal([...features].sort(), [...FEATURES].sort())
})

images('ranges of files are those of the whole', () => {
  let ranges = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed)
    withMount(made(seed), shown => {
      const files = filesOf(shown)
      const whole = files.map(({ path }) => shown.readFileSync(path))
      const open = new OpenRanges(shown, files)
      for (let left = files.length > 0 ? RANGES : 0; left > 0; left--, ranges++) {
        const file = random.below(files.length)
        const at = random.below(files[file].size)
        const length = 1 + random.below(random.once(2) ? 40 : 3000)
        const want = whole[file].subarray(at, at + length)
        assert.is(Buffer.compare(open.read(file, at, length), want), 0, `seed ${seed}: ${files[file].path} at ${at}`)
      }
      open.close()
    })
  }
  assert.ok(ranges > SEEDS * 10)
})

const reason = kernelReason()
if (reason !== undefined) skip(images, 'the kernel shows the tree', reason)
else addKernel(new KernelMounts(), new LoopDevices())

function addKernel(mounts: KernelMounts, loops: LoopDevices): void {
  images(`${KERNEL_SEEDS} of them: the kernel shows the tree`, () => {
    const folder = fs.mkdtempSync(join(tmpdir(), 'composefs-random-compressed-'))
    let entries = 0
    try {
      for (let seed = 1; seed <= KERNEL_SEEDS; seed++) entries += kernelCompares(mounts, loops, folder, made(seed))
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
    assert.ok(entries > KERNEL_SEEDS * 5, `${entries} entries`)
  })
}

function kernelCompares(
  mounts: KernelMounts,
  loops: LoopDevices,
  folder: string,
  { bytes, devices, root }: RandomCompressedErofs,
): number {
  const image = join(folder, 'image')
  fs.writeFileSync(image, bytes)
  const attached = devices.map((device, i) => {
    fs.writeFileSync(join(folder, `device-${i}`), device)
    return loops.attach(join(folder, `device-${i}`))
  })
  try {
    const mount = mounts.erofs(
      image,
      attached.map(device => `device=${device}`),
    )
    try {
      return compareTree(kernelTree(mount.path), Buffer.from('/'), root)
    } finally {
      mount.unmount()
    }
  } finally {
    for (const device of attached) loops.detach(device)
  }
}

images.run()
