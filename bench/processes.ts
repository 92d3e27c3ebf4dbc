// Whole processes as contestants: what they print, and how much memory they had at most. Not here: timing (measure.ts).

import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { bytes, skipped, table } from './measure.js'

/** Milliseconds between looks at a process's peak: it only ever grows, so the last look is short of it at worst by little. */
const LOOK = 5
const MEMORY_RUNS = 3
const MAX_OUTPUT = 1 << 28

export interface Subject {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
}

/** Node itself, long enough to be looked at. */
export const BARE_NODE: Subject = {
  name: 'bare node',
  program: process.execPath,
  args: ['-e', 'setTimeout(() => 0, 50)'],
}

/** What a subject prints. Throws when it fails. */
export function output({ name, program, args }: Subject): string {
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit']
  const { status, stdout } = spawnSync(program, args, { stdio, encoding: 'utf8', maxBuffer: MAX_OUTPUT })
  if (status !== 0) throw new Error(`${name}: exit ${status}`)
  return stdout
}

/** Bytes of memory that a process had at most. */
function peakOf({ program, args }: Subject): Promise<number> {
  return new Promise(resolve => {
    let peak = 0
    const child = spawn(program, args, { stdio: 'ignore' })
    const look = () => {
      try {
        const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1'))?.[1]
        peak = Math.max(peak, Number(kib ?? 0) * 1024)
      } catch {
        // It has ended.
      }
    }
    const timer = setInterval(look, LOOK)
    child.on('close', () => {
      clearInterval(timer)
      resolve(peak)
    })
  })
}

/** Prints the peak memory of each, and its ratio to that of the one called `base`. */
export async function printMemory(subjects: readonly Subject[], base: string): Promise<void> {
  if (process.platform !== 'linux') {
    skipped('peak memory', 'no /proc')
    return
  }
  const peaks = new Map<string, number>()
  for (const subject of subjects) {
    let peak = 0
    for (let i = 0; i < MEMORY_RUNS; i++) peak = Math.max(peak, await peakOf(subject))
    peaks.set(subject.name, peak)
  }
  const other = peaks.get(base)
  const ratio = (peak: number) => (other === undefined ? '' : `${(peak / other).toFixed(2)}×`)
  table(
    ['', 'peak memory', `÷ ${base}`],
    [...peaks].map(([name, peak]) => [name, bytes(peak), ratio(peak)]),
  )
}
