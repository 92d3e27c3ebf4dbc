// What bench/compressed measures: a tree of this machine's real files, an image of it for each algorithm, and processes run
// with their time and peak memory. Not here: the measuring (compressed.bench.ts), what reads (compressed-read.ts).
// BENCH_EROFS_DIR names a folder where tree and images stay, for the next run; BENCH_EROFS_MIB says how much (200);
// BENCH_EROFS has parts of names of the images wanted, with commas. MKFS_EROFS and FSCK_EROFS name the C tools.
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { peer } from '../test/helpers/command.js'
import { findMkfs, makeErofsImage } from '../test/helpers/erofs-images.js'
import { bytes, skipped } from './measure.js'
import { scratch } from './subjects.js'

const MIB = 1 << 20
/** Where files are taken from, and which part of the whole. */
const ROOTS: readonly (readonly [string, number])[] = [
  ['/usr/bin', 0.3],
  ['/usr/lib', 0.4],
  ['/usr/share', 0.3],
]
/** A larger file would be all of its part. */
const LARGEST = 24 * MIB
const LOOK = 5

export interface Algorithm {
  readonly name: string
  readonly args: readonly string[]
  /** How many times as long as the C tools reading may take. */
  readonly budget: number
}

const ALGORITHMS: readonly Algorithm[] = [
  { name: 'lz4', args: ['-zlz4'], budget: 1.5 },
  { name: 'lz4hc 64 KiB', args: ['-zlz4hc,9', '-C65536'], budget: 1.5 },
  { name: 'deflate 64 KiB', args: ['-zdeflate,level=6', '-C65536'], budget: 2 },
  { name: 'zstd 64 KiB', args: ['-zzstd,level=9', '-C65536'], budget: 2 },
  { name: 'lzma 64 KiB', args: ['-zlzma,level=6', '-C65536'], budget: 2 },
  { name: 'zstd all', args: ['-zzstd,level=9', '-C262144', '-Eall-fragments,dedupe,ztailpacking'], budget: 2 },
]

export function chosenAlgorithms(): Algorithm[] {
  const wanted = process.env['BENCH_EROFS']?.split(',')
  return ALGORITHMS.filter(({ name }) => wanted === undefined || wanted.some(part => name.includes(part)))
}

function* regularFiles(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* regularFiles(path)
    else if (entry.isFile()) yield path
  }
}

/** Copies files of `root` until there are `limit` bytes of them; answers how many. Spread over all of it: one file of `every`. */
function take(root: string, into: string, limit: number, every: number): number {
  let [taken, index] = [0, 0]
  for (const path of regularFiles(root)) {
    if (index++ % every !== 0) continue
    const { size } = lstatSync(path)
    if (size > LARGEST || taken + size > limit + LARGEST) continue
    const to = join(into, path)
    mkdirSync(dirname(to), { recursive: true })
    copyFileSync(path, to)
    taken += size
    if (taken >= limit) break
  }
  return taken
}

export interface Compressed {
  readonly source: string
  /** Makes the image, unless it is there; undefined, with a printed reason, where it can't be made. */
  image(algorithm: Algorithm): string | undefined
  readonly fsck: string | undefined
}

/** Undefined, with a printed reason, where there is no mkfs.erofs. */
export function compressedSubjects(): Compressed | undefined {
  const mkfs = findMkfs()
  if (mkfs === undefined) {
    skipped('compressed images', 'no mkfs.erofs on PATH; MKFS_EROFS may name one')
    return undefined
  }
  const directory = process.env['BENCH_EROFS_DIR'] ?? scratch()
  const limit = Number(process.env['BENCH_EROFS_MIB'] ?? 200) * MIB
  const source = join(directory, `source-${limit / MIB}`)
  if (!existsSync(source)) {
    const making = `${source}.new`
    rmSync(making, { recursive: true, force: true })
    let all = 0
    for (const [root, part] of ROOTS) all += take(root, making, limit * part, root === '/usr/bin' ? 2 : 3)
    // Where there is less than that.
    if (all < limit) all += take('/usr', join(making, 'more'), limit - all, 1)
    renameSync(making, source)
  }
  const fsck = peer('FSCK_EROFS', 'fsck.erofs')
  if (fsck === undefined) skipped('fsck.erofs', 'not on PATH; FSCK_EROFS may name one')
  const image = (algorithm: Algorithm) => {
    const path = join(directory, `${algorithm.name.replaceAll(' ', '-')}-${limit / MIB}-${mkfs.version}.erofs`)
    if (existsSync(path)) return path
    const made = makeErofsImage(mkfs, source, `${path}.new`, algorithm)
    if (typeof made === 'string') {
      skipped(algorithm.name, `mkfs.erofs ${mkfs.version} does not make it: ${made}`)
      return undefined
    }
    renameSync(made.path, path)
    return path
  }
  return { source, image, fsck }
}

export interface ProcessRun {
  /** Milliseconds, start included. */
  readonly time: number
  /** Bytes; 0 where it can't be told. */
  readonly peak: number
  readonly stdout: string
}

function peakOf(pid: number | undefined): number {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kib ?? 0) * 1024
  } catch {
    // It has ended, or there is no /proc.
    return 0
  }
}

/** Rejects with what it says where it fails. */
export function runProcess(program: string, args: readonly string[]): Promise<ProcessRun> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const end = () => child.kill('SIGKILL')
    process.on('exit', end)
    const out: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', text => {
      out.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      out.stderr += text
    })
    let peak = 0
    const timer = setInterval(() => {
      peak = Math.max(peak, peakOf(child.pid))
    }, LOOK)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const time = performance.now() - started
      clearInterval(timer)
      process.removeListener('exit', end)
      const said = `${out.stderr}${out.stdout}`.split('\n').find(line => /(?:^|\s)\w*Error: |<E>/.test(line))
      if (code === 0) resolve({ time, peak, stdout: out.stdout })
      else reject(new Error(`${signal ?? `exit ${code}`}: ${said?.trim().slice(0, 160) ?? 'it says nothing'}`))
    })
  })
}

/** How much an image saves, for a heading. */
export function sizes(image: string, total: number): string {
  const { size } = lstatSync(image)
  return `${bytes(total)} in ${bytes(size)} (${(total / size).toFixed(2)})`
}
