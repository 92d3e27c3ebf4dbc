// WASI programs on an image: how soon a small one and CPython print their first byte over an open image, against node:wasi on a
// directory with the same files and against @wasmer/wasi 1.x, which copies files in (BENCH_PEERS names where that is installed); a
// thousand runs one after the other, a hundred under way at once over one image; a guest's ls -lR of cs9-developer against
// the same program and `ls -lR` on the kernel's mount. Guests: C where clang is there, CPython where `npm test` has fetched it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildImage, MemoryStore, type Mount, mount, mountSync, openImageSync, runWasi } from '../src/node.js'
import { WasiFs } from '../src/wasi/wasi-fs.js'
import { ProgramExit, wasmerHost } from '../src/wasi/wasmer.js'
import { Compiler } from '../test/wasi/compiled.js'
import { guestModule, PYTHON_ENV, pythonTree, runUnderNode } from '../test/wasi/npm-guests.js'
import { bytes, heldBytes, milliseconds, printSamples, type Sample, sampleOf, skipped, table } from './measure.js'
import { kernelMount, largeImage, scratch } from './subjects.js'

const ROUNDS = 15
const PYTHON_ROUNDS = 5
const RUNS = 1000
const SMALL_FILES = 40
const AT_ONCE = 100
const LIST_ROUNDS = 7

const directory = scratch()
const compiler = new Compiler()

interface Started {
  readonly module: WebAssembly.Module
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A directory with the files, and the mount of an image of them. */
  readonly files: string
  readonly mounted: Mount
}

/** Milliseconds from the call to the first byte that a program writes. */
async function ours({ module, name, args, env, mounted }: Started): Promise<number> {
  let first = Number.NaN
  const started = performance.now()
  const stdout = () => {
    if (Number.isNaN(first)) first = performance.now() - started
  }
  const { exitCode, stderr } = await runWasi(module, { mount: mounted, name, args, env, stdout })
  if (exitCode !== 0) throw new Error(Buffer.from(stderr).toString())
  return first
}

function nodes({ module, name, args, env, files }: Started): number {
  const { exitCode, stderr, first } = runUnderNode(module, { preopens: { '/': files }, name, args, env })
  if (exitCode !== 0) throw new Error(stderr)
  return first
}

type CopyIn = (started: Started) => number

/** @wasmer/wasi 1.x: its own files in memory, filled before each program; undefined where it is not installed. */
async function copyingIn(): Promise<CopyIn | undefined> {
  try {
    const require = createRequire(join(process.env['BENCH_PEERS'] ?? '', 'package.json'))
    const wasmer = await import(pathToFileURL(require.resolve('@wasmer/wasi')).href)
    const { init, WASI } = wasmer.default ?? wasmer
    await init()
    return ({ module, name, args, env = {}, files }) => {
      const started = performance.now()
      const wasi = new WASI({ env, args: [name, ...args], preopens: { '/': '/' } })
      for (const entry of readdirSync(files, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        const inside = `/${relative(files, path)}`
        if (entry.isDirectory()) wasi.fs.createDir(inside)
        else if (entry.isFile()) {
          const file = wasi.fs.open(inside, { read: true, write: true, create: true })
          file.write(readFileSync(path))
          file.free()
        }
      }
      // It lacks a call that CPython imports, and takes nothing that is not asked for.
      const lacks = WebAssembly.Module.imports(module).some(({ name: call }) => call === 'sock_accept')
      wasi.instantiate(module, lacks ? { wasi_snapshot_preview1: { sock_accept: () => 52 } } : {})
      wasi.start()
      if (wasi.getStdoutString() === '') throw new Error(wasi.getStderrString())
      // It says all at its end: what it takes to the end of a program that only says one thing.
      return performance.now() - started
    }
  } catch (error) {
    skipped('@wasmer/wasi 1.x', `can't be used; BENCH_PEERS=DIR names where it is (${String(error).split('\n')[0]})`)
    return undefined
  }
}

/** Each in turn. */
async function startUps(what: string, started: Started, rounds: number, copyIn: CopyIn | undefined): Promise<void> {
  const runs = new Map<string, number[]>([
    ['runWasi', []],
    ['node:wasi', []],
  ])
  for (let round = -1; round < rounds; round++) {
    const [a, b] = [await ours(started), nodes(started)]
    if (round < 0) continue
    runs.get('runWasi')?.push(a)
    runs.get('node:wasi')?.push(b)
  }
  if (copyIn !== undefined) {
    try {
      runs.set(
        '@wasmer/wasi 1.x, files copied in',
        Array.from({ length: rounds }, () => copyIn(started)),
      )
    } catch (error) {
      skipped(`${what} under @wasmer/wasi 1.x`, String(error).split('\n')[0])
    }
  }
  const samples = new Map<string, Sample>([...runs].map(([name, all]) => [name, sampleOf(all)]))
  printSamples(`${what}: from the call to the first byte`, samples, 'runWasi')
}

async function imageOf(files: string): Promise<Mount> {
  const store = new MemoryStore()
  const { image } = await buildImage(files, { store })
  return mount(image, { store })
}

async function small(module: WebAssembly.Module, copyIn: CopyIn | undefined): Promise<void> {
  const files = join(directory, 'small')
  mkdirSync(join(files, 'etc'), { recursive: true })
  for (let i = 0; i < SMALL_FILES; i++) writeFileSync(join(files, 'etc', `f${i}`), `${i}\n`)
  const mounted = await imageOf(files)
  const started = { module, name: 'list', args: ['/etc'], files, mounted }
  await startUps('a small C program (list of 40 files)', started, ROUNDS, copyIn)
  await manyRuns(started)
  atOnce(started)
}

async function manyRuns(started: Started): Promise<void> {
  const rows: string[][] = []
  await ours(started)
  const before = await heldBytes()
  for (const pass of ['first', 'second']) {
    const times: number[] = []
    for (let i = 0; i < RUNS; i++) {
      const begun = performance.now()
      await ours(started)
      times.push(performance.now() - begun)
    }
    const { best, median, runs } = sampleOf(times)
    rows.push([pass, milliseconds(best), milliseconds(median), milliseconds(runs[Math.floor(RUNS * 0.99)])])
  }
  const held = await heldBytes()
  table([`${RUNS} runs one after the other`, 'best', 'median', 'p99'], rows)
  console.log(`  held more afterwards: ${bytes(held - before)}, ${bytes((held - before) / (2 * RUNS))} a run`)
}

/** What each program writes starts the next one, within it: all are under way when the last one runs. */
function atOnce({ module, mounted }: Started): void {
  const before = process.memoryUsage().rss
  let [deepest, rss] = [0, before]
  const run = (depth: number): void => {
    let begun = false
    const stdout = () => {
      deepest = Math.max(deepest, depth)
      rss = Math.max(rss, process.memoryUsage().rss)
      if (begun || depth === AT_ONCE) return
      begun = true
      run(depth + 1)
    }
    const files = new WasiFs({ preopens: { '/': mounted }, stdout })
    const host = wasmerHost(files, 'wasi_snapshot_preview1', { args: ['list', '/etc'], env: {} })
    const instance = new WebAssembly.Instance(module, { wasi_snapshot_preview1: host.imports })
    host.attach(instance.exports['memory'] as WebAssembly.Memory)
    const start = instance.exports['_start'] as () => void
    try {
      start()
    } catch (error) {
      if (!(error instanceof ProgramExit)) throw error
    }
    files.close()
  }
  const begun = performance.now()
  run(1)
  const took = performance.now() - begun
  const each = `${milliseconds(took / deepest)} and ${bytes((rss - before) / deepest)} of resident memory`
  console.log(`  ${deepest} under way at once, each started by the one before: ${each} each`)
}

async function python(copyIn: CopyIn | undefined): Promise<void> {
  const module = guestModule('python')
  const files = pythonTree()
  if (module === undefined || files === undefined) {
    skipped('CPython', 'npm test has not fetched it')
    return
  }
  const mounted = await imageOf(files)
  const args = ['-c', 'print(1)']
  await startUps(
    'CPython 3.11',
    { module, name: 'python', args, env: PYTHON_ENV, files, mounted },
    PYTHON_ROUNDS,
    copyIn,
  )
}

/** The whole of a large image listed by the same C program here and on the kernel's mount, beside coreutils' ls. */
async function listing(module: WebAssembly.Module): Promise<void> {
  const image = largeImage(directory)
  const native = compiler.native('list')
  if (image === undefined) return
  const mounted = mountSync(openImageSync(image.bytes))
  const dir = kernelMount(directory, image.file)
  const contestants: (readonly [string, () => unknown])[] = [
    ['guest, runWasi', () => runWasi(module, { mount: mounted, name: 'list', args: ['/'], stdout: () => {} })],
  ]
  const quiet = { stdio: ['ignore', 'ignore', 'ignore'] as ('ignore' | 'pipe')[] }
  if (dir !== undefined) {
    if (native !== undefined) contestants.push(['the same program, native', () => spawnSync(native, [dir], quiet)])
    contestants.push(['ls -lR', () => spawnSync('ls', ['-lR', dir], quiet)])
    contestants.push([
      'guest, node:wasi',
      () => runUnderNode(module, { preopens: { '/': dir }, name: 'list', args: ['/'] }),
    ])
  }
  const runs = new Map<string, number[]>(contestants.map(([name]) => [name, []]))
  for (let round = -1; round < LIST_ROUNDS; round++) {
    for (const [name, run] of contestants) {
      const begun = performance.now()
      await run()
      if (round >= 0) runs.get(name)?.push(performance.now() - begun)
    }
  }
  const samples = new Map([...runs].map(([name, all]) => [name, sampleOf(all)]))
  printSamples('everything in cs9-developer listed with lstat, warm', samples, 'guest, runWasi')
}

const copyIn = await copyingIn()
if (compiler.reason === undefined) {
  const module = await compiler.module('list')
  await small(module, copyIn)
  await listing(module)
} else skipped('C programs', compiler.reason)
await python(copyIn)
