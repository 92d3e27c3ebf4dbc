// Files of a tree read, hashed and stored by several threads. All that they need and answer lies in shared memory, a row a
// file, so nothing is copied and the result is in the order of the files, whoever did which.
// Not here: one file (src/store/directory-ingest.ts), threads (worker-pool.ts).

import { FACT_SIZE, FACT_WORDS } from '../format/file-facts.js'
import { Ingester, type IngestState } from '../store/directory-ingest.js'
import type { Scanned } from '../tree/fs-source.js'
import { ROOT } from '../tree/tree.js'
import { sha256 } from './hash.js'
import { veritySealer } from './libc.js'
import type { NextJob, Task } from './worker-pool.js'

/** Bytes of a row's result: a digest, or the bytes of a file that is inlined. */
export const RESULT_ROOM = 64
/** A file from which on it is begun before smaller ones, so that no thread is left alone with it at the end. */
const LARGE = 8 << 20
/** A job is a run of files of so many bytes or so many files, whichever is reached first. */
const JOB_BYTES = 4 << 20
const JOB_FILES = 64

const STATES: readonly IngestState[] = ['inlined', 'measured', 'shared', 'new']

/** What threads share. */
export interface IngestRows {
  readonly count: number
  /** FACT_WORDS a file. */
  readonly facts: BigUint64Array
  /** Paths of directories, back to back, and per file where that of its directory begins and ends. */
  readonly paths: Uint8Array
  readonly directory: Int32Array
  /** Names, back to back, and per file, and after the last, where they begin. */
  readonly names: Uint8Array
  readonly nameAt: Int32Array
  /** Files in the order in which they are begun, and per job, and after the last, where it begins in that. */
  readonly order: Int32Array
  readonly jobs: Int32Array
  /** Per file: what it came to, by its place in STATES. */
  readonly states: Uint8Array
  /** RESULT_ROOM bytes a file. */
  readonly results: Uint8Array
}

export interface IngestData {
  readonly rows: IngestRows
  /** Files and bytes that are done, counted up with each job. */
  readonly done: BigInt64Array
  readonly store: string | undefined
  /** See WriterOptions. */
  readonly unwritable: boolean
  readonly inlineMax: number
}

export function stateOf(rows: IngestRows, file: number): IngestState {
  return STATES[rows.states[file]]
}

/** Paths of files, a character a byte; files of one directory come one after the other. */
class FilePaths {
  readonly #rows: IngestRows
  readonly #paths: Buffer
  readonly #names: Buffer
  #from = -1
  #directory = ''

  constructor(rows: IngestRows) {
    this.#rows = rows
    this.#paths = Buffer.from(rows.paths.buffer)
    this.#names = Buffer.from(rows.names.buffer)
  }

  path(file: number): string {
    const { directory, nameAt } = this.#rows
    const from = directory[2 * file]
    if (from !== this.#from) {
      this.#from = from
      this.#directory = `${this.#paths.toString('latin1', from, directory[2 * file + 1])}/`
    }
    return this.#directory + this.#names.toString('latin1', nameAt[file], nameAt[file + 1])
  }
}

/** Takes files, a job being a run of them; answers the store's directories that have to be synced. For `serveTasks`. */
export const ingestFiles: Task<IngestData, string[]> = {
  name: 'ingest-files',
  run: ({ rows, done, store, unwritable, inlineMax }, next: NextJob) => {
    const ingester = new Ingester({
      sha256,
      store,
      unwritable,
      inlineMax,
      seal: store === undefined ? undefined : veritySealer(),
    })
    const { facts, order, jobs, states, results } = rows
    const paths = new FilePaths(rows)
    for (let job = next(); job !== -1; job = next()) {
      let bytes = 0n
      for (let i = jobs[job]; i < jobs[job + 1]; i++) {
        const file = order[i]
        const ingested = ingester.ingest(paths.path(file), facts, file * FACT_WORDS)
        results.set(ingested.bytes, file * RESULT_ROOM)
        states[file] = STATES.indexOf(ingested.state)
        bytes += facts[file * FACT_WORDS + FACT_SIZE]
      }
      Atomics.add(done, 0, BigInt(jobs[job + 1] - jobs[job]))
      Atomics.add(done, 1, bytes)
    }
    return [...ingester.touched]
  },
}

function shared<T>(bytes: number, make: (buffer: SharedArrayBuffer) => T): T {
  return make(new SharedArrayBuffer(bytes))
}

/** The rows for a tree's files, and how many bytes they are. */
export function ingestRows({ tree, files, root }: Scanned): { rows: IngestRows; bytes: number } {
  const { count } = files
  const directoryPaths = new DirectoryPaths(tree.parent, node => tree.path(node), root)
  const directory = shared(8 * count, buffer => new Int32Array(buffer))
  const nameAt = shared(4 * (count + 1), buffer => new Int32Array(buffer))
  let nameBytes = 0
  for (let i = 0; i < count; i++) {
    const node = files.node[i]
    const place = directoryPaths.place(tree.parent[node])
    directory[2 * i] = place.from
    directory[2 * i + 1] = place.to
    nameAt[i] = nameBytes
    nameBytes += tree.nameLength[node]
  }
  nameAt[count] = nameBytes
  const names = shared(nameBytes, buffer => new Uint8Array(buffer))
  for (let i = 0; i < count; i++) {
    const node = files.node[i]
    names.set(tree.arena.view(tree.nameAt[node], tree.nameLength[node]), nameAt[i])
  }
  const facts = shared(8 * FACT_WORDS * count, buffer => new BigUint64Array(buffer))
  facts.set(files.facts.subarray(0, FACT_WORDS * count))
  const paths = directoryPaths.bytes()
  const states = shared(count, buffer => new Uint8Array(buffer))
  const results = shared(RESULT_ROOM * count, buffer => new Uint8Array(buffer))
  const { order, jobs, bytes } = plan(facts, count)
  return { rows: { count, facts, paths, directory, names, nameAt, order, jobs, states, results }, bytes }
}

/** Paths of directories, each once. */
class DirectoryPaths {
  readonly #parts: string[] = []
  readonly #places = new Map<number, { from: number; to: number }>()
  #length = 0

  constructor(
    readonly parents: Int32Array,
    readonly pathOf: (node: number) => string,
    readonly root: string,
  ) {}

  place(node: number): { from: number; to: number } {
    const known = this.#places.get(node)
    if (known !== undefined) return known
    const path = node === ROOT ? this.root : this.root + this.pathOf(node)
    const place = { from: this.#length, to: this.#length + path.length }
    this.#parts.push(path)
    this.#length += path.length
    this.#places.set(node, place)
    return place
  }

  bytes(): Uint8Array {
    const bytes = Buffer.from(new SharedArrayBuffer(this.#length))
    let at = 0
    for (const part of this.#parts) at += bytes.write(part, at, 'latin1')
    return new Uint8Array(bytes.buffer)
  }
}

/** Large files first, by size, each a job of its own; the others as they come. */
function plan(facts: BigUint64Array, count: number): { order: Int32Array; jobs: Int32Array; bytes: number } {
  const size = (file: number) => Number(facts[file * FACT_WORDS + FACT_SIZE])
  const order = shared(4 * count, buffer => new Int32Array(buffer))
  const large: number[] = []
  let bytes = 0
  for (let i = 0; i < count; i++) {
    bytes += size(i)
    if (size(i) >= LARGE) large.push(i)
  }
  large.sort((a, b) => size(b) - size(a))
  order.set(large)
  const starts = large.map((_, i) => i)
  let at = large.length
  let filled = 0
  let inJob = 0
  for (let i = 0; i < count; i++) {
    const length = size(i)
    if (length >= LARGE) continue
    if (inJob === 0) starts.push(at)
    order[at++] = i
    filled += length
    if (++inJob < JOB_FILES && filled < JOB_BYTES) continue
    inJob = filled = 0
  }
  const jobs = shared(4 * (starts.length + 1), buffer => new Int32Array(buffer))
  jobs.set(starts)
  jobs[starts.length] = count
  return { order, jobs, bytes }
}
