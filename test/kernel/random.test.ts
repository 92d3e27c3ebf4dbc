// Thousands of seeded random calls of `fs`, reads and writes, in all forms of arguments: a mount of ours against Node's
// own `fs` on the kernel's mount of the same image. Needs root.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { SHARED, skip } from '../helpers/paths.js'
import { compareCalls, tell } from '../helpers/random-calls.js'
import { knownImages } from './images.js'

const READS = 5000
const WRITES = 3000

const NAMES = [
  'fixtures/small.cfs',
  'fixtures/small-v1.cfs',
  'fixtures/erofs/plain',
  'fixtures/erofs/compact',
  'vectors/composefs/tree.cfs',
]

/** A mount of the kernel has a device number of its own. */
const IGNORE = ['dev']

// The empty path is the working directory to realpath; a mount's is its root.
process.chdir('/')

const random = suite('random calls equal those on the kernel’s mount')
const reason = kernelReason()
if (reason !== undefined) skip(random, 'all images', reason)
else addAll(new KernelMounts())

function addAll(mounts: KernelMounts): void {
  const temporary = fs.mkdtempSync(join(tmpdir(), 'composefs-random-'))
  process.on('exit', () => fs.rmSync(temporary, { recursive: true, force: true }))
  const images = knownImages().filter(({ name }) => NAMES.includes(name))
  if (SHARED === undefined) skip(random, NAMES.at(-1) ?? '', 'there are no shared vectors beside this checkout')
  assert.is(images.length, NAMES.length - (SHARED === undefined ? 1 : 0))
  images.forEach((image, index) => {
    const file = join(temporary, `${index}.img`)
    fs.writeFileSync(file, image.bytes())
    const objects = image.objects?.(temporary)
    for (const [what, count, writes] of [['reads', READS, false] as const, ['writes', WRITES, true] as const]) {
      random(`${image.name}: ${count} ${what}`, async () => {
        const mounted = objects === undefined ? mounts.erofs(file) : mounts.composefs(file, objects)
        const m = mountSync(file, objects === undefined ? {} : { store: objects })
        const ours = { fs: m.fs, root: '' }
        const theirs = { fs, root: mounted.path }
        const seed = 1000 + index * 2 + (writes ? 1 : 0)
        const differences = await compareCalls(ours, theirs, seed, count, { ignore: IGNORE, writes })
        m.unmount()
        mounted.unmount()
        assert.is(tell(differences), '')
      })
    }
  })
}
random.run()
