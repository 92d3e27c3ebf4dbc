// A mount against memfs: the same tree in both, the same seeded random read-side calls, the same result or error code.
// Where the two disagree, Node on a kernel mount is right: as root, the mount answers the same calls as it does. What
// memfs does otherwise is a list of known classes (test/helpers/memfs-deviations.ts); a disagreement in none fails.
import fs from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { DEVIATIONS, disagreements, shownNames } from '../helpers/memfs-deviations.js'
import { copyToMemfs } from '../helpers/memfs-tree.js'
import { fixture, skip } from '../helpers/paths.js'
import { compareCalls, type Difference, tell, walkPaths } from '../helpers/random-calls.js'

const CALLS = 6000
const SEEDS = [11, 12, 13]

/** Of what memfs has no record: its clock is its own, and it has no blocks. */
const NO_RECORD = ['dev', 'ino', 'blocks', 'blksize', 'atime', 'ctime', 'birthtime']
/** memfs makes these numbers up. */
const WITHOUT = ['statfs']

// The empty path is the working directory to some calls; a mount's is its root.
process.chdir('/')
const image = fixture('small.cfs')
const m = mountSync(image, { store: fixture('objects') })
const { memory, omitted } = copyToMemfs(m.fs as unknown as typeof fs)
const names = shownNames(omitted)
const ours = { fs: m.fs, root: '' }
const theirs = { fs: memory, root: '' }
// Calls are told by their words, in which a path is cut at 80 characters.
const paths = walkPaths(theirs).filter(path => path.length < 70)
const counts = new Map<string, number>()
const all: Difference[] = []
for (const seed of SEEDS) {
  all.push(...(await compareCalls(ours, theirs, seed, CALLS, { paths, ignore: NO_RECORD, without: WITHOUT })))
}
const unknown: Difference[] = []
for (const difference of all) {
  for (const one of disagreements(difference)) {
    const known = DEVIATIONS.find(({ is }) => is(one, names))
    if (known === undefined) unknown.push({ call: one.call, a: one.ours, b: one.theirs })
    else counts.set(known.reason, (counts.get(known.reason) ?? 0) + 1)
  }
}
for (const [reason, count] of counts) console.log(`note: ${count} times: ${reason}`)

const memfs = suite('vfs: random reads, against memfs')
memfs('the tree in memfs is the mount\u2019s, but for devices and names that are not UTF-8', () => {
  assert.equal(omitted.map(name => name.toString('latin1')).sort(), [
    'blk',
    'bytes',
    'chr',
    'fifo',
    'not-utf8-\xff\xfe',
  ])
  assert.is(walkPaths(theirs).length + omitted.length, walkPaths(ours).length)
})
memfs(`${CALLS * SEEDS.length} calls disagree in no other way than is known`, () => {
  assert.is(tell(unknown), '')
})
memfs('every known way is met', () => {
  const unmet = DEVIATIONS.filter(({ reason }) => !counts.has(reason))
  assert.equal(
    unmet.map(({ reason }) => reason),
    [],
  )
})
memfs.run()

const judged = suite('vfs: the same calls, against Node on the kernel\u2019s mount')
const reason = kernelReason()
if (reason !== undefined) skip(judged, 'the judge of the disagreements', reason)
else {
  judged('the mount is right', async () => {
    const mounts = new KernelMounts()
    const kernel = { fs, root: mounts.composefs(image, fixture('objects')).path }
    const differences: Difference[] = []
    for (const seed of SEEDS) {
      differences.push(...(await compareCalls(ours, kernel, seed, CALLS, { paths, ignore: ['dev'], without: WITHOUT })))
    }
    mounts.dispose()
    assert.is(tell(differences), '')
  })
}
judged.run()
