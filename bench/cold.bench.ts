// A whole process with cold caches, as the composefs authors measured: `composefs ls -lR` of the image against
// `ls -lR` on a fresh kernel composefs mount of it. Time, and peak memory of a fresh cgroup that the process runs in.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { KernelMounts, kernelReason } from '../test/helpers/kernel.js'
import { Cgroups, ColdRuns, dropCaches } from './cgroup.js'
import { budget, bytes, milliseconds, ratioBudget, sampleOf, skipped } from './measure.js'
import { largeImage, ownCommand, scratch } from './subjects.js'

const ROUNDS = 7
const OURS = 'composefs ls -lR'
const KERNEL = 'ls -lR, kernel mount'
const BARE = 'bare node'
const LS = ['ls', '-AlnR', '--time-style=full-iso', '.']

function compare(file: string, own: string, directory: string): void {
  const groups = new Cgroups()
  const objects = join(directory, 'no-objects')
  mkdirSync(objects)
  const mounts = new KernelMounts()
  const runs = new ColdRuns([OURS, KERNEL, BARE])
  const mountTimes: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    dropCaches()
    runs.add(OURS, groups.run([process.execPath, own, 'ls', '-lR', file], directory))
    dropCaches()
    const started = performance.now()
    const mount = mounts.composefs(file, objects)
    mountTimes.push(performance.now() - started)
    // The mount has read some of the image; ls starts from cold all the same.
    dropCaches()
    runs.add(KERNEL, groups.run(LS, mount.path))
    mount.unmount()
    dropCaches()
    runs.add(BARE, groups.run([process.execPath, '-e', '0'], directory))
  }
  runs.print(`cold caches, whole process, cs9-developer (${ROUNDS} runs each)`, OURS)
  console.log(
    `  (mounting itself, not counted above: ${milliseconds(sampleOf(mountTimes).median)} for the kernel's two mounts)`,
  )
  ratioBudget('cold ls -lR', runs.times, OURS, KERNEL, 8)
  if (!groups.present) return
  const [ours, kernel, bare] = [OURS, KERNEL, BARE].map(name => runs.peak(name))
  const above = ours - bare
  const text = `${bytes(above)} above ${bytes(bare)}, kernel ${bytes(kernel)}: ${(above / kernel).toFixed(2)}`
  budget('cold ls -lR, memory above a bare node against the kernel', '≤ 0.33', text, above <= kernel / 3)
}

const directory = scratch()
const large = largeImage(directory)
const own = ownCommand('composefs')
const reason = kernelReason()
if (reason !== undefined) skipped('cold ls -lR', reason)
else if (large !== undefined && own !== undefined) compare(large.file, own, directory)
