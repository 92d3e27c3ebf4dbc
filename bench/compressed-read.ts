// What the processes of bench/compressed do, ours and those that read a directory alike: read all of a tree, hash it, or read
// 4 KiB at random places. It prints a line of JSON. Not here: who starts them (compressed.bench.ts).
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { mountSync } from '../src/node.js'
import { percentile } from './measure.js'
import { seeded } from './subjects.js'

const BUFFER = 256 << 10
const PAGE = 4096

export type Task = 'cat' | 'hash' | 'random'

/** Where a tree is read: a directory of the host, or an image by ours, whole in memory or lazily. */
export type Side = 'tree' | 'ours' | 'lazy'

export interface ReadResult {
  readonly bytes: number
  readonly files: number
  /** Milliseconds within the process, opening included. */
  readonly time: number
  readonly hash?: string
  /** Milliseconds of a random read. */
  readonly median?: number
  readonly p99?: number
}

type ReadFs = Pick<typeof fs, 'readdirSync' | 'openSync' | 'readSync' | 'closeSync' | 'lstatSync'>

function opened(side: Side, path: string): { from: ReadFs; root: string } {
  if (side === 'tree') return { from: fs, root: path }
  return { from: mountSync(path, { lazy: side === 'lazy' }).fs as unknown as ReadFs, root: '/' }
}

function* walk(from: ReadFs, directory: string): Generator<string> {
  const entries = from.readdirSync(directory, { withFileTypes: true })
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) yield* walk(from, path)
    else if (entry.isFile()) yield path
  }
}

function readAll(side: Side, path: string, take: (bytes: Uint8Array) => void): Pick<ReadResult, 'bytes' | 'files'> {
  const { from, root } = opened(side, path)
  const into = new Uint8Array(BUFFER)
  let [total, files] = [0, 0]
  for (const file of walk(from, root)) {
    const fd = from.openSync(file, 'r')
    for (let n = from.readSync(fd, into, 0, BUFFER, null); n > 0; n = from.readSync(fd, into, 0, BUFFER, null)) {
      take(into.subarray(0, n))
      total += n
    }
    from.closeSync(fd)
    files++
  }
  return { bytes: total, files }
}

/** Every read is of a file and a place of its own; the files' names are found before the clock runs. */
function readRandom(side: Side, path: string, count: number): ReadResult {
  const { from, root } = opened(side, path)
  const files = [...walk(from, root)].map(file => ({ file, size: from.lstatSync(file).size }))
  const large = files.filter(({ size }) => size >= PAGE)
  const random = seeded(9)
  const into = new Uint8Array(PAGE)
  const times: number[] = []
  let total = 0
  const began = performance.now()
  for (let i = 0; i < count; i++) {
    const { file, size } = large[Math.floor(random() * large.length)]
    const at = Math.floor(random() * (size - PAGE + 1))
    const started = performance.now()
    const fd = from.openSync(file, 'r')
    total += from.readSync(fd, into, 0, PAGE, at)
    from.closeSync(fd)
    times.push(performance.now() - started)
  }
  const time = performance.now() - began
  times.sort((a, b) => a - b)
  return { bytes: total, files: large.length, time, median: percentile(times, 0.5), p99: percentile(times, 0.99) }
}

export function readTask(task: Task, side: Side, path: string, count: number): ReadResult {
  if (task === 'random') return readRandom(side, path, count)
  const started = performance.now()
  if (task === 'cat') return { ...readAll(side, path, () => {}), time: performance.now() - started }
  const hash = createHash('sha256')
  const read = readAll(side, path, bytes => hash.update(bytes))
  return { ...read, time: performance.now() - started, hash: hash.digest('hex') }
}
