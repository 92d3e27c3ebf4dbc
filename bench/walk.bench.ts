// The walk that programs do: readdirSync of each directory, lstatSync of each entry, by path; and lstatSync of random
// paths. Ours against Node's fs on a warm kernel mount, memfs, ZenFS and the plain decoder; on the large image and on
// a small one.
import { lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { PlainDecoder } from '../src/fuzz/plain-decoder.js'
import { mountSync, openImageSync } from '../src/node.js'
import { fixture } from '../test/helpers/paths.js'
import { type Contestant, interleave, ownCopy, printSamples, ratioBudget, table } from './measure.js'
import { allPaths, inMemfs, inZenfs, kernelMount, largeImage, scratch, seeded, type WalkFs } from './subjects.js'

const OURS = 'composefs-wasm'
const KERNEL = 'Node fs, kernel mount'
const RANDOM_CALLS = 50_000

function walk(fs: WalkFs, top: string): number {
  const stack = [top]
  let entries = 0
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const name of fs.readdirSync(at === '' ? '/' : at)) {
      const path = `${at}/${name}`
      entries++
      if (fs.lstatSync(path).isDirectory()) stack.push(path)
    }
  }
  return entries
}

function lookAll(fs: WalkFs, paths: readonly string[]): void {
  for (const path of paths) fs.lstatSync(path)
}

function plainWalk(decoder: PlainDecoder): number {
  const stack = ['']
  let entries = 0
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const dir = decoder.resolve(at === '' ? '/' : at, false)
    if (dir === undefined) throw new Error(`the plain decoder does not find ${at}`)
    for (const { raw } of decoder.readdir(dir)) {
      const path = `${at}/${raw}`
      entries++
      if (decoder.resolve(path, false)?.isDirectory) stack.push(path)
    }
  }
  return entries
}

interface Subject {
  readonly name: string
  readonly fs: WalkFs
  /** Before each path; the kernel's mount is the working directory, so that it resolves no more than we do. */
  readonly top: '' | '.'
}

async function subjectsOf(bytes: Buffer, kernel: string | undefined): Promise<Subject[]> {
  const subjects: Subject[] = [{ name: OURS, fs: mountSync(openImageSync(bytes)).fs as unknown as WalkFs, top: '' }]
  if (kernel !== undefined) {
    process.chdir(kernel)
    subjects.push({ name: KERNEL, fs: { readdirSync, lstatSync } as unknown as WalkFs, top: '.' })
  }
  subjects.push({ name: 'memfs', fs: inMemfs(bytes), top: '' })
  const zenfs = await inZenfs(bytes)
  if (zenfs !== undefined) subjects.push({ name: 'ZenFS InMemory', fs: zenfs, top: '' })
  return subjects
}

function walkers(subjects: readonly Subject[], bytes: Buffer, entries: number): Contestant[] {
  const check = (name: string, got: number) => {
    if (got !== entries) throw new Error(`${name} walks ${got} entries, not ${entries}`)
  }
  const out = subjects.map(({ name, fs, top }) => {
    const own = ownCopy(walk)
    return { name, run: () => check(name, own(fs, top)) }
  })
  const decoder = new PlainDecoder(bytes)
  out.push({ name: 'plain decoder', run: () => check('plain decoder', plainWalk(decoder)) })
  return out
}

function lookers(subjects: readonly Subject[], bytes: Buffer, picked: readonly string[]): Contestant[] {
  const out: Contestant[] = subjects.map(({ name, fs, top }) => {
    const own = ownCopy(lookAll)
    const paths = picked.map(path => top + path)
    return { name, run: () => own(fs, paths) }
  })
  const decoder = new PlainDecoder(bytes)
  const run = () => {
    for (const path of picked) decoder.resolve(path, false)
  }
  out.push({ name: 'plain decoder', run })
  return out
}

async function onLarge(): Promise<void> {
  const directory = scratch()
  const large = largeImage(directory)
  if (large === undefined) return
  const paths = allPaths(large.bytes)
  const subjects = await subjectsOf(large.bytes, kernelMount(directory, large.file))
  const walked = interleave(walkers(subjects, large.bytes, paths.length), 9, 3)
  printSamples(`walk of cs9-developer, ${paths.length} entries, readdirSync + lstatSync by path`, walked, OURS)
  const random = seeded(1)
  // ZenFS has no names with a backslash.
  const plain = paths.filter(path => !path.includes('\\'))
  const picked = Array.from({ length: RANDOM_CALLS }, () => plain[Math.floor(random() * plain.length)])
  const looked = interleave(lookers(subjects, large.bytes, picked), 9, 2)
  printSamples(
    `lstatSync of random paths of cs9-developer (${RANDOM_CALLS} calls)`,
    looked,
    OURS,
    RANDOM_CALLS,
    ' a call',
  )
  ratioBudget('walk by path', walked, OURS, KERNEL, 8)
  ratioBudget('walk by path', walked, OURS, 'memfs', 8)
  ratioBudget('random lstatSync', looked, OURS, KERNEL, 5)
}

/** Many walks a run: one takes less than the clock's grain. */
async function onSmall(): Promise<void> {
  const directory = scratch()
  const bytes = gunzipSync(readFileSync(fixture('bench-500.cfs.gz')))
  const file = join(directory, 'bench-500.cfs')
  writeFileSync(file, bytes)
  const entries = allPaths(bytes).length
  const times = 50
  const repeated = walkers(await subjectsOf(bytes, kernelMount(directory, file)), bytes, entries).map(one => ({
    name: one.name,
    run: () => {
      for (let i = 0; i < times; i++) one.run()
    },
  }))
  const samples = interleave(repeated, 9, 3)
  printSamples(`walk of a small image, ${entries} entries`, samples, OURS, times)
  return table(
    ['  (per entry)', ''],
    [...samples].map(([name, s]) => [name, `${((s.best / times / entries) * 1e6).toFixed(0)} ns`]),
  )
}

await onLarge()
await onSmall()
process.chdir('/')
