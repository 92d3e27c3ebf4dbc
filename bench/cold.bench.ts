// A whole process with cold caches, as the composefs authors measured: `composefs ls -lR` of the image against
// `ls -lR` on a fresh kernel composefs mount of it. Time, and peak memory of a fresh cgroup that the process runs in.
// This node process goes on holding node's own text meanwhile, which would otherwise be charged to ours.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { KernelMounts, kernelReason } from '../test/helpers/kernel.js'
import { budget, bytes, milliseconds, ratioBudget, type Sample, sampleOf, skipped, table } from './measure.js'
import { largeImage, ownCommand, scratch } from './subjects.js'

const ROUNDS = 7
const OURS = 'composefs ls -lR'
const KERNEL = 'ls -lR, kernel mount'
const BARE = 'bare node'
const LS = ['ls', '-AlnR', '--time-style=full-iso', '.']

interface Cgroups {
  readonly parent: string
  readonly peak: string
}

/** Where cgroups with a memory peak can be made: version 2, else 1. */
function cgroups(): Cgroups | undefined {
  const two = '/sys/fs/cgroup'
  if (
    existsSync(join(two, 'cgroup.controllers')) &&
    readFileSync(join(two, 'cgroup.controllers'), 'utf8').includes('memory')
  ) {
    try {
      writeFileSync(join(two, 'cgroup.subtree_control'), '+memory')
      return { parent: two, peak: 'memory.peak' }
    } catch {
      return undefined
    }
  }
  const one = '/sys/fs/cgroup/memory'
  return existsSync(join(one, 'memory.max_usage_in_bytes'))
    ? { parent: one, peak: 'memory.max_usage_in_bytes' }
    : undefined
}

function dropCaches(): void {
  spawnSync('sync')
  const file = openSync('/proc/sys/vm/drop_caches', 'w')
  writeSync(file, '3')
  closeSync(file)
}

interface Run {
  readonly time: number
  readonly peak: number
}

/** Runs a command in a cgroup of its own. */
function measured(groups: Cgroups | undefined, index: number, command: readonly string[], cwd: string): Run {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  const group = groups && join(groups.parent, `composefs-bench-${process.pid}-${index}`)
  if (group !== undefined) mkdirSync(group)
  const script = group === undefined ? 'exec "$@"' : `echo $$ > ${group}/cgroup.procs && exec "$@"`
  const started = performance.now()
  const { status } = spawnSync('/bin/sh', ['-c', script, 'sh', ...command], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const time = performance.now() - started
  if (status !== 0) throw new Error(`${command.join(' ')}: exit ${status}`)
  let peak = Number.NaN
  if (groups !== undefined && group !== undefined) {
    peak = Number(readFileSync(join(group, groups.peak), 'utf8'))
    rmdirSync(group)
  }
  return { time, peak }
}

function compare(file: string, own: string, directory: string): void {
  const groups = cgroups()
  if (groups === undefined) skipped('peak memory', 'no cgroup with a memory controller')
  const objects = join(directory, 'no-objects')
  mkdirSync(objects)
  const mounts = new KernelMounts()
  const all = new Map<string, Run[]>([OURS, KERNEL, BARE].map(name => [name, []]))
  const mountTimes: number[] = []
  let index = 0
  for (let round = 0; round < ROUNDS; round++) {
    dropCaches()
    all.get(OURS)?.push(measured(groups, index++, [process.execPath, own, 'ls', '-lR', file], directory))
    dropCaches()
    const started = performance.now()
    const mount = mounts.composefs(file, objects)
    mountTimes.push(performance.now() - started)
    // The mount has read some of the image; ls starts from cold all the same.
    dropCaches()
    all.get(KERNEL)?.push(measured(groups, index++, LS, mount.path))
    mount.unmount()
    dropCaches()
    all.get(BARE)?.push(measured(groups, index++, [process.execPath, '-e', '0'], directory))
  }
  report(all, mountTimes)
}

function report(all: ReadonlyMap<string, readonly Run[]>, mountTimes: readonly number[]): void {
  const times = new Map<string, Sample>([...all].map(([name, runs]) => [name, sampleOf(runs.map(run => run.time))]))
  const peaks = new Map<string, Sample>([...all].map(([name, runs]) => [name, sampleOf(runs.map(run => run.peak))]))
  const best = times.get(OURS)?.best ?? Number.NaN
  console.log(`cold caches, whole process, cs9-developer (${ROUNDS} runs each)`)
  const rows = [...times].map(([name, time]) => {
    const peak = peaks.get(name)?.median ?? Number.NaN
    return [name, milliseconds(time.best), milliseconds(time.median), `${(time.best / best).toFixed(2)}×`, bytes(peak)]
  })
  table(['', 'best', 'median', '÷ ours', 'peak memory (median)'], rows)
  console.log(
    `  (mounting itself, not counted above: ${milliseconds(sampleOf(mountTimes).median)} for the kernel's two mounts)`,
  )
  ratioBudget('cold ls -lR', times, OURS, KERNEL, 8)
  const [ours, kernel, bare] = [OURS, KERNEL, BARE].map(name => peaks.get(name)?.median ?? Number.NaN)
  if (Number.isNaN(ours)) return
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
