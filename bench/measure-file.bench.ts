// Whole commands, process start included, everything warm: composefs-info measure-file of 1 GB, ours against the C tool.
// Time by interleaved runs; peak memory (VmHWM) in runs of its own, since it is read while they run.

import { spawn, spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, readFileSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { budget, bytes, type Contestant, interleave, printSamples, ratioBudget, skipped, table } from './measure.js'
import { cTool, ownCommand, scratch } from './subjects.js'

const OURS = 'composefs-wasm'
const C = 'C'
const SIZE = 2 ** 30
const CHUNK = 2 ** 26
const ROUNDS = 7
/** Milliseconds between looks at a process's peak: it only ever grows, so the last look is short of it at worst by little. */
const LOOK = 5

interface Subject {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
}

function writeFile(path: string): void {
  const fd = openSync(path, 'w')
  const chunk = new Uint8Array(CHUNK)
  for (let at = 0; at < SIZE; at += CHUNK) writeSync(fd, randomFillSync(chunk))
  closeSync(fd)
}

/** The digest that a subject prints, or nothing. Throws when it fails. */
function run({ name, program, args }: Subject): string {
  const { status, stdout } = spawnSync(program, args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
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

async function memory(subjects: readonly Subject[]): Promise<void> {
  if (process.platform !== 'linux') {
    skipped('peak memory', 'no /proc')
    return
  }
  const peaks = new Map<string, number>()
  for (const subject of subjects) {
    let peak = 0
    for (let i = 0; i < 3; i++) peak = Math.max(peak, await peakOf(subject))
    peaks.set(subject.name, peak)
  }
  const c = peaks.get(C)
  const rows = [...peaks].map(([name, peak]) => [name, bytes(peak), c === undefined ? '' : `${(peak / c).toFixed(1)}×`])
  table(['', 'peak memory', '÷ C'], rows)
}

function subjectsOf(file: string, own: string): Subject[] {
  const subjects: Subject[] = [{ name: OURS, program: process.execPath, args: [own, 'measure-file', file] }]
  const pinned = ['-c', '0', process.execPath, own, 'measure-file', file]
  if (spawnSync('taskset', ['-c', '0', 'true'], { stdio: 'ignore' }).status === 0) {
    subjects.push({ name: `${OURS}, one processor`, program: 'taskset', args: pinned })
  } else skipped('measure-file on one processor', 'no taskset')
  const peer = cTool('composefs-info')
  if (peer !== undefined) subjects.push({ name: C, program: peer, args: ['measure-file', file] })
  return subjects
}

async function compare(file: string, own: string): Promise<void> {
  writeFile(file)
  const subjects = subjectsOf(file, own)
  const digests = new Set(subjects.map(run))
  budget('measure-file of 1 GB, one digest', '1', `${digests.size}`, digests.size === 1)
  const bare: Subject = { name: 'bare node', program: process.execPath, args: ['-e', 'setTimeout(() => 0, 50)'] }
  const contestants: Contestant[] = subjects.map(subject => ({ name: subject.name, run: () => void run(subject) }))
  const samples = interleave(contestants, ROUNDS, 1)
  printSamples('composefs-info measure-file of 1 GB', samples, OURS)
  await memory([...subjects, bare])
  ratioBudget('measure-file of 1 GB', samples, OURS, C, 1)
}

const directory = scratch()
const own = ownCommand('composefs-info')
const { bavail, bsize } = statfsSync(directory)
if (bavail * bsize < 2 * SIZE) skipped('measure-file of 1 GB', 'no room for the file in the temporary folder')
else if (own !== undefined) await compare(join(directory, 'file'), own)
