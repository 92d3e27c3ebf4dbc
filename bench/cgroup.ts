// Whole processes with cold caches, each in a cgroup of its own: time, peak memory, and a limit of memory where one is
// asked for. Not here: what is run (cold.bench.ts, cold-overlay.bench.ts).
// The node process that measures goes on holding node's own text, which would otherwise be charged to a node that is run.
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { bytes, milliseconds, type Sample, sampleOf, skipped, table } from './measure.js'

/** Files of a memory cgroup. */
interface Version {
  readonly parent: string
  readonly peak: string
  readonly limit: string
}

/** Where cgroups with a memory peak can be made: version 2, else 1. */
function findVersion(): Version | undefined {
  const two = '/sys/fs/cgroup'
  if (
    existsSync(join(two, 'cgroup.controllers')) &&
    readFileSync(join(two, 'cgroup.controllers'), 'utf8').includes('memory')
  ) {
    try {
      writeFileSync(join(two, 'cgroup.subtree_control'), '+memory')
      return { parent: two, peak: 'memory.peak', limit: 'memory.max' }
    } catch {
      return undefined
    }
  }
  const one = '/sys/fs/cgroup/memory'
  return existsSync(join(one, 'memory.max_usage_in_bytes'))
    ? { parent: one, peak: 'memory.max_usage_in_bytes', limit: 'memory.limit_in_bytes' }
    : undefined
}

export function dropCaches(): void {
  spawnSync('sync')
  const file = openSync('/proc/sys/vm/drop_caches', 'w')
  writeSync(file, '3')
  closeSync(file)
}

export interface Run {
  /** Milliseconds. */
  readonly time: number
  /** Bytes; NaN where it can't be told. */
  readonly peak: number
  /** Whether it was killed for want of memory, or gave up for it itself (which V8 does by a signal). */
  readonly killed: boolean
}

export class Cgroups {
  readonly #version = findVersion()
  #next = 0

  constructor() {
    if (this.#version === undefined) skipped('peak memory', 'no cgroup with a memory controller')
  }

  /** Whether memory is measured and can be limited. */
  get present(): boolean {
    return this.#version !== undefined
  }

  /** Runs a command in a cgroup of its own; `limit` in bytes. Throws when it fails otherwise than by being killed. */
  run(command: readonly string[], cwd: string, limit?: number): Run {
    const version = this.#version
    const group = version && join(version.parent, `composefs-bench-${process.pid}-${this.#next++}`)
    if (version !== undefined && group !== undefined) {
      mkdirSync(group)
      if (limit !== undefined) writeFileSync(join(group, version.limit), String(limit))
    }
    const script = group === undefined ? 'exec "$@"' : `echo $$ > ${group}/cgroup.procs && exec "$@"`
    const started = performance.now()
    const { status, signal } = spawnSync('/bin/sh', ['-c', script, 'sh', ...command], {
      cwd,
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', limit === undefined ? 'inherit' : 'ignore'],
    })
    const time = performance.now() - started
    let peak = Number.NaN
    if (version !== undefined && group !== undefined) {
      peak = Number(readFileSync(join(group, version.peak), 'utf8'))
      rmdirSync(group)
    }
    const killed = signal !== null && limit !== undefined
    if (status !== 0 && !killed) throw new Error(`${command.join(' ')}: exit ${status ?? signal}`)
    return { time, peak, killed }
  }
}

/** What several runs of each took: best, median, ratio to `ours`, median peak. */
export class ColdRuns {
  readonly #all: Map<string, Run[]>

  constructor(names: readonly string[]) {
    this.#all = new Map(names.map(name => [name, []]))
  }

  add(name: string, run: Run): void {
    this.#all.get(name)?.push(run)
  }

  #samples(pick: (run: Run) => number): Map<string, Sample> {
    return new Map([...this.#all].map(([name, runs]) => [name, sampleOf(runs.map(pick))]))
  }

  get times(): Map<string, Sample> {
    return this.#samples(run => run.time)
  }

  /** Median peak, in bytes. */
  peak(name: string): number {
    return this.#samples(run => run.peak).get(name)?.median ?? Number.NaN
  }

  killed(name: string): number {
    return this.#all.get(name)?.filter(run => run.killed).length ?? 0
  }

  print(title: string, ours: string): void {
    const { times } = this
    const best = times.get(ours)?.best ?? Number.NaN
    console.log(title)
    const rows = [...times].map(([name, time]) => {
      const killed = this.killed(name)
      const ratio = killed > 0 ? `killed ${killed} of ${time.runs.length}` : `${(time.best / best).toFixed(2)}×`
      return [name, milliseconds(time.best), milliseconds(time.median), ratio, bytes(this.peak(name))]
    })
    table(['', 'best', 'median', '÷ ours', 'peak memory (median)'], rows)
  }
}
