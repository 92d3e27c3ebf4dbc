// Whole commands, process start included: mkcomposefs of a directory, ours against the C tool with as many threads. A tree
// of large files (BENCH_GB gigabytes, 1 unless given) and one of 50,000 small ones; measured only, into a store that has
// all objects, and into an empty one. The images and the stores have to be the same. Sources are warm.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { muchNoise } from '../test/helpers/hashes.js'
import { budget, type Contestant, interleave, printSamples, ratioBudget } from './measure.js'
import { BARE_NODE, output, printMemory, type Subject } from './processes.js'
import { cTool, ownCommand, scratch, seeded } from './subjects.js'

const OURS = 'composefs-wasm'
const C = 'C'
const THREADS = [1, 2]
const SMALL_FILES = 50_000
const PER_DIRECTORY = 50
const SMALL_MAX = 200_000
const LARGE_SIZE = 64 << 20

const gigabytes = Number(process.env['BENCH_GB'] ?? '1')
const directory = scratch()

function largeFiles(path: string): void {
  const files = Math.max(1, Math.round((gigabytes * 2 ** 30) / LARGE_SIZE))
  mkdirSync(path)
  for (let i = 0; i < files; i++) writeFileSync(join(path, `file-${i}`), muchNoise(LARGE_SIZE, i + 1))
}

/** Sizes as in a distribution: half of them below 3 KiB, 8 KiB on the average. */
function smallFiles(path: string): void {
  const random = seeded(3)
  const bytes = muchNoise(SMALL_MAX * 2, 7)
  const view = new DataView(bytes.buffer)
  for (let i = 0; i < SMALL_FILES; i++) {
    const parent = join(path, `a-${Math.floor(i / 2000)}`, `directory-${Math.floor(i / PER_DIRECTORY)}`)
    if (i % PER_DIRECTORY === 0) mkdirSync(parent, { recursive: true })
    const from = Math.floor(random() * SMALL_MAX)
    const size = Math.min(SMALL_MAX, Math.floor(Math.exp(5 + 6 * random())))
    view.setUint32(from, i)
    writeFileSync(join(parent, `file-${i}`), bytes.subarray(from, from + Math.max(size, 4)))
  }
}

function subject(name: string, program: string, before: readonly string[], args: readonly string[]): Subject {
  return { name, program, args: [...before, ...args] }
}

function objectsOf(store: string): string {
  return readdirSync(store, { recursive: true, encoding: 'utf8' }).sort().join('\n')
}

async function compare(what: string, source: string, rounds: number, coldRounds: number): Promise<void> {
  const own = ownCommand('mkcomposefs')
  if (own === undefined) return
  const peer = cTool('mkcomposefs')
  let cold = 0
  for (const threads of THREADS) {
    const both = (args: (name: string) => readonly string[]): Subject[] => {
      const all = [subject(OURS, process.execPath, [own], args('ours'))]
      if (peer !== undefined) all.push(subject(C, peer, [], args('c')))
      return all
    }
    const run = (title: string, subjects: readonly Subject[], times: number) => {
      const contestants: Contestant[] = subjects.map(one => ({ name: one.name, run: () => void output(one) }))
      const samples = interleave(contestants, times, 1)
      printSamples(title, samples, OURS)
      ratioBudget(title, samples, OURS, C, 1)
    }
    const title = `${what}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
    const only = both(() => [`--threads=${threads}`, '--print-digest-only', source])
    const same = new Set(only.map(output)).size === 1
    budget(`${title}: the image`, 'the same', same ? 'the same' : 'another', same)
    run(`${title}, measured`, only, rounds)
    const store = (name: string) => join(directory, `store-${name}`)
    const image = (name: string) => join(directory, `${name}.cfs`)
    const warm = both(name => [`--threads=${threads}`, `--digest-store=${store(name)}`, source, image(name)])
    for (const one of warm) output(one)
    run(`${title}, into a store that has all`, warm, rounds)
    if (peer !== undefined) {
      const equal = objectsOf(store('ours')) === objectsOf(store('c'))
      budget(`${title}: the store`, 'the same', equal ? 'the same' : 'another', equal)
    }
    const [ours, theirs] = both(name => [`--threads=${threads}`, source, image(name)])
    const fresh = (one: Subject): Contestant => ({
      name: one.name,
      run: () => void output({ ...one, args: [...one.args, `--digest-store=${join(directory, `cold-${cold++}`)}`] }),
    })
    const contestants = (theirs === undefined ? [ours] : [ours, theirs]).map(fresh)
    const samples = interleave(contestants, coldRounds, 0)
    printSamples(`${title}, into an empty store`, samples, OURS)
    ratioBudget(`${title}, into an empty store`, samples, OURS, C, 1)
    for (let i = 0; i < cold; i++) rmSync(join(directory, `cold-${i}`), { recursive: true, force: true })
    await printMemory([...only, BARE_NODE], C)
    for (const name of ['ours', 'c']) rmSync(store(name), { recursive: true, force: true })
  }
}

const large = join(directory, 'large')
largeFiles(large)
await compare(`mkcomposefs of ${gigabytes} GB in files of 64 MiB`, large, 5, 2)
rmSync(large, { recursive: true })
const small = join(directory, 'small')
smallFiles(small)
await compare('mkcomposefs of 50,000 small files', small, 5, 2)
