// Cost against size, 500 to a million entries: open, one look-up, walk. Look-ups have to grow with the logarithm of the
// directory, walks linearly. The images are made on the spot by the C mkcomposefs.
import { execFileSync } from 'node:child_process'
import { createWriteStream, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { mountSync, openImageSync } from '../src/node.js'
import { budget, interleave, milliseconds, table } from './measure.js'
import { cTool, scratch, seeded } from './subjects.js'

const SIZES = [500, 1000, 10_000, 100_000, 1_000_000]
const LOOKUPS = 20_000

function leaf(index: number): string {
  return `file-${String(index).padStart(8, '0')}`
}

/** A dump of one flat directory beside a tree of directories of 100, half the entries each. */
async function writeDump(file: string, entries: number): Promise<void> {
  const out = createWriteStream(file)
  const dir = '0 40755 2 0 0 0 1700000000.0 - - -'
  const empty = '0 100644 1 0 0 0 1700000000.0 - - -'
  let text = `/ ${dir}\n/flat ${dir}\n/tree ${dir}\n`
  const put = (line: string) => {
    text += line
    if (text.length > 1 << 20) {
      out.write(text)
      text = ''
    }
  }
  for (let i = 0; i < entries / 2; i++) put(`/flat/${leaf(i)} ${empty}\n`)
  for (let i = 0; i < entries / 2; i++) {
    if (i % 100 === 0) put(`/tree/d${i / 100} ${dir}\n`)
    put(`/tree/d${Math.floor(i / 100)}/${leaf(i)} ${empty}\n`)
  }
  out.end(text)
  await finished(out)
}

interface Measured {
  readonly open: number
  readonly flat: number
  readonly tree: number
  readonly walk: number
}

function measure(image: Buffer, entries: number): Measured {
  const started = performance.now()
  const opened = openImageSync(image)
  const open = performance.now() - started
  const m = mountSync(opened)
  const random = seeded(2)
  const half = Math.floor(entries / 2)
  const pick = () => Math.floor(random() * half)
  const flat = Array.from({ length: LOOKUPS }, () => `/flat/${leaf(pick())}`)
  const tree = Array.from({ length: LOOKUPS }, pick).map(i => `/tree/d${Math.floor(i / 100)}/${leaf(i)}`)
  const look = (paths: readonly string[]) => () => {
    for (const path of paths) m.fs.lstatSync(path)
  }
  const walk = () => {
    const stack = ['']
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      for (const name of m.fs.readdirSync(at === '' ? '/' : at) as string[]) {
        const path = `${at}/${name}`
        if (m.fs.lstatSync(path).isDirectory()) stack.push(path)
      }
    }
  }
  const samples = interleave(
    [
      { name: 'flat', run: look(flat) },
      { name: 'tree', run: look(tree) },
      { name: 'walk', run: walk },
    ],
    entries > 100_000 ? 3 : 7,
    2,
  )
  m.unmount()
  opened.close()
  const best = (name: string) => samples.get(name)?.best ?? Number.NaN
  return { open, flat: best('flat') / LOOKUPS, tree: best('tree') / LOOKUPS, walk: best('walk') / entries }
}

async function run(mkcomposefs: string): Promise<void> {
  const directory = scratch()
  const results: Measured[] = []
  for (const entries of SIZES) {
    const [dump, file] = [join(directory, 'dump'), join(directory, 'image')]
    await writeDump(dump, entries)
    execFileSync(mkcomposefs, ['--from-file', dump, file])
    results.push(measure(readFileSync(file), entries))
    rmSync(file)
  }
  console.log('cost against size')
  table(
    ['entries', 'open', 'lstatSync, one big directory', 'lstatSync, small directories', 'walk, an entry'],
    results.map((r, i) => [String(SIZES[i]), ...[r.open, r.flat, r.tree, r.walk].map(milliseconds)]),
  )
  // From 1 k to 1 M entries the binary search takes 20 steps for 10, and memory stops fitting any cache.
  const [small, large] = [results[1], results[results.length - 1]]
  const grown = large.flat / small.flat
  budget('look-up in a directory 1000 times as large', '≤ 8×', `${grown.toFixed(2)}×`, grown <= 8)
  const walked = large.walk / results[2].walk
  budget('walk of an entry, 1 M against 10 k entries', '≤ 3×', `${walked.toFixed(2)}×`, walked <= 3)
}

const mkcomposefs = cTool('mkcomposefs')
if (mkcomposefs !== undefined) await run(mkcomposefs)
