// Whole commands, process start included, everything warm: mkcomposefs --from-file of the cs9-developer dump and of one with
// a million entries, ours against the C tool. The images have to be the same.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { SHARED, vector } from '../test/helpers/paths.js'
import { budget, type Contestant, interleave, printSamples, ratioBudget, skipped } from './measure.js'
import { BARE_NODE, output, printMemory, type Subject } from './processes.js'
import { cTool, ownCommand, scratch, seeded } from './subjects.js'

const OURS = 'composefs-wasm'
const C = 'C'
const DUMP = 'composefs/cs9-x86_64-developer.dump.gz'
const DIRECTORIES = 1000
const FILES = 999

function hex(random: () => number, digits: number): string {
  let text = ''
  while (text.length < digits)
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return text.slice(0, digits)
}

/** A million entries as an image of a distribution has them: objects, a label shared by many, times that differ. */
function millionEntries(): string {
  const random = seeded(1)
  const label = 'security.selinux=system_u:object_r:usr_t:s0\\x00'
  const lines = [`/ 4096 40755 2 0 0 0 1700000000.0 - - - ${label}`]
  for (let d = 0; d < DIRECTORIES; d++) {
    const directory = `/directory-${String(d).padStart(4, '0')}`
    lines.push(`${directory} 4096 40755 2 0 0 0 1700000000.0 - - - ${label}`)
    for (let f = 0; f < FILES; f++) {
      const digest = hex(random, 64)
      const time = `${1_700_000_000 - Math.floor(random() * 1e7)}.${Math.floor(random() * 1e9)}`
      const size = 65 + Math.floor(random() * 1e6)
      const name = `${directory}/file-${String(f).padStart(3, '0')}`
      lines.push(`${name} ${size} 100644 1 0 0 0 ${time} ${digest.slice(0, 2)}/${digest.slice(2)} - ${digest} ${label}`)
    }
  }
  return `${lines.join('\n')}\n`
}

async function compare(what: string, dump: string, rounds: number): Promise<void> {
  const own = ownCommand('mkcomposefs')
  if (own === undefined) return
  const image = (name: string) => join(directory, `${name}.cfs`)
  const args = (name: string) => ['--from-file', dump, image(name)]
  const subjects: Subject[] = [{ name: OURS, program: process.execPath, args: [own, ...args('ours')] }]
  const peer = cTool('mkcomposefs')
  if (peer !== undefined) subjects.push({ name: C, program: peer, args: args('c') })
  for (const subject of subjects) output(subject)
  if (peer !== undefined) {
    const same = readFileSync(image('ours')).equals(readFileSync(image('c')))
    budget(`${what}: the image`, 'the same', same ? 'the same' : 'another', same)
  }
  const contestants: Contestant[] = subjects.map(subject => ({ name: subject.name, run: () => void output(subject) }))
  const samples = interleave(contestants, rounds, 1)
  printSamples(what, samples, OURS)
  await printMemory([...subjects, BARE_NODE], C)
  ratioBudget(what, samples, OURS, C, 1)
}

const directory = scratch()
if (SHARED === undefined || !existsSync(vector(DUMP))) {
  skipped('mkcomposefs --from-file of cs9-developer', 'the shared vectors are not beside this checkout')
} else {
  const dump = join(directory, 'cs9-developer.dump')
  writeFileSync(dump, gunzipSync(readFileSync(vector(DUMP))))
  await compare('mkcomposefs --from-file of cs9-developer', dump, 15)
}
const million = join(directory, 'million.dump')
writeFileSync(million, millionEntries())
await compare('mkcomposefs --from-file of 1,000,000 entries', million, 3)
