// Layers of OCI images, judged by umoci: what it unpacks from a base layer and ours is the merged tree of the mount. Needs root.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { peer } from '../helpers/command.js'
import { comparedTree, linkedBelow, writeTree } from '../helpers/disk-tree.js'
import { kernelTree } from '../helpers/kernel.js'
import { collected, tarOf, unpack } from '../helpers/oci-layout.js'
import { skip } from '../helpers/paths.js'
import { doAll, mountBefore, mountPlan, randomPlan } from '../helpers/random-mount.js'
import { compareTruth, type TruthFs } from '../helpers/truth.js'

const SEEDS = Number(process.env['SEEDS'] ?? 24)
const FIRST = Number(process.env['FIRST'] ?? 1)
/** Not compared: marks, which layers leave out, since whoever unpacks one may obey them; and empty values, which Go can't read. */
const without = (name: string, hex: string) => /^(trusted|user)\.overlay\./.test(name) || hex === ''

const unpacked = suite('umoci unpacks a layer to the merged tree')
const umoci = peer('UMOCI', 'umoci')
const python = peer('PYTHON3', 'python3')
if (umoci === undefined || python === undefined) skip(unpacked, 'all', 'no umoci (UMOCI may name it) or no python3')
else if (process.getuid?.() !== 0) skip(unpacked, 'all', 'not root')
else addRandom(umoci)

function addRandom(program: string): void {
  const temporary = mkdtempSync(join(tmpdir(), 'composefs-layer-'))
  process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    unpacked(`seed ${seed}`, async () => {
      const plan = await randomPlan(seed)
      const options = plan.options[seed % plan.options.length]
      const work = join(temporary, String(seed))
      mkdirSync(join(work, 'base'), { recursive: true })
      const before = mountBefore(plan)
      writeTree(before.fs as unknown as TruthFs, join(work, 'base'))
      const mount = mountPlan(plan, options)
      doAll(plan, mount, plan.ops)
      const layer = await collected(mount.exportLayer())
      const rootfs = unpack(program, work, [tarOf(join(work, 'base')), layer])
      const [ours, below] = [mount.fs, before.fs] as unknown as TruthFs[]
      const form = { without, sockets: false, loose: linkedBelow(below, ours) }
      const expected = comparedTree(ours, form)
      assert.equal(compareTruth(expected, comparedTree(kernelTree(rootfs), form)), [])
      before.unmount()
      mount.unmount()
      rmSync(work, { recursive: true, force: true })
    })
  }
}
unpacked.run()
