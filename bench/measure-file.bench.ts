// Whole commands, process start included, everything warm: composefs-info measure-file of 1 GB, ours against the C tool.
// Time by interleaved runs; peak memory (VmHWM) in runs of its own, since it is read while they run.

import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, openSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { budget, type Contestant, interleave, printSamples, ratioBudget, skipped } from './measure.js'
import { BARE_NODE, output, printMemory, type Subject } from './processes.js'
import { cTool, ownCommand, scratch } from './subjects.js'

const OURS = 'composefs-wasm'
const C = 'C'
const SIZE = 2 ** 30
const CHUNK = 2 ** 26
const ROUNDS = 7
function writeFile(path: string): void {
  const fd = openSync(path, 'w')
  const chunk = new Uint8Array(CHUNK)
  for (let at = 0; at < SIZE; at += CHUNK) writeSync(fd, randomFillSync(chunk))
  closeSync(fd)
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
  const digests = new Set(subjects.map(output))
  budget('measure-file of 1 GB, one digest', '1', `${digests.size}`, digests.size === 1)
  const contestants: Contestant[] = subjects.map(subject => ({ name: subject.name, run: () => void output(subject) }))
  const samples = interleave(contestants, ROUNDS, 1)
  printSamples('composefs-info measure-file of 1 GB', samples, OURS)
  await printMemory([...subjects, BARE_NODE], C)
  ratioBudget('measure-file of 1 GB', samples, OURS, C, 1)
}

const directory = scratch()
const own = ownCommand('composefs-info')
const { bavail, bsize } = statfsSync(directory)
if (bavail * bsize < 2 * SIZE) skipped('measure-file of 1 GB', 'no room for the file in the temporary folder')
else if (own !== undefined) await compare(join(directory, 'file'), own)
