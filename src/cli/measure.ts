// fs-verity digests of the host's files. A large file is hashed by several threads, a slice each at a time: hashing is
// all that this takes long for. Not here: the command (info-commands.ts), threads (worker-pool.ts).

import fs from 'node:fs'
import type { HashName } from '../format/hash.js'
import { sha256Algorithm, sha512Algorithm } from '../format/hash.js'
import { BlockHasher, leavesLength, VerityHasher, verityFromLeaves } from '../format/verity.js'
import { sha256, sha512 } from '../host/hash.js'
import { processors, type Task, WorkerPool } from '../host/worker-pool.js'

/** Bytes read at a time; a multiple of the block's. Small enough to stay in a processor's cache until it is hashed. */
const SLICE = 256 << 10
/** Bytes from which a file is worth threads, which cost some 30 ms: what one thread hashes 30 MB in. */
const LARGE = 64 << 20
/** More would be waiting for memory. */
const MOST_WORKERS = 7

const ALGORITHMS = { sha256: sha256Algorithm(sha256), sha512: sha512Algorithm(sha512) } as const

interface Slices {
  readonly fd: number
  /** Bytes of the file. */
  readonly size: number
  readonly algorithm: HashName
  /** Where the leaf hashes go: shared memory. */
  readonly leaves: Uint8Array
}

/** Reads until `into` is full. Throws the host's error, or one of a file that ends before. */
function readFully(fd: number, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length; ) {
    const n = fs.readSync(fd, into, done, into.length - done, position + done)
    if (n === 0) throw new Error('file became shorter while it was read')
    done += n
  }
}

/** Hashes slices of a file; job `i` is the slice at `i * SLICE`. For `serveTasks` of commands that measure. */
export const hashSlices: Task<Slices, void> = {
  name: 'hash-slices',
  run: ({ fd, size, algorithm, leaves }, next) => {
    const blocks = new BlockHasher(ALGORITHMS[algorithm])
    const buffer = new Uint8Array(SLICE)
    for (let job = next(); job !== -1; job = next()) {
      const from = job * SLICE
      const slice = size - from < SLICE ? buffer.subarray(0, size - from) : buffer
      readFully(fd, slice, from)
      blocks.hashesTo(slice, 0, slice.length, leaves, leavesLength(from, blocks.algorithm.digestSize))
    }
  },
}

/** Measures files, one after the other. Has threads once there was a large one, so it must be closed. */
export class Measurer {
  readonly #algorithm: HashName
  readonly #threads: number
  #pool: WorkerPool | undefined

  /** `threads`: for large files; more than one only in commands that serve `hashSlices`. */
  constructor(algorithm: HashName = 'sha256', threads = Math.min(processors(), MOST_WORKERS + 1)) {
    this.#algorithm = algorithm
    this.#threads = threads
  }

  /** fs-verity digest of what a file holds. Throws the host's error. */
  async measure(path: string): Promise<Uint8Array> {
    const fd = fs.openSync(path, fs.constants.O_RDONLY)
    try {
      const stat = fs.fstatSync(fd)
      if (!stat.isFile() || stat.size < LARGE) return this.#whole(fd)
      return this.#threads > 1 ? await this.#slices(fd, stat.size, this.#threads) : this.#whole(fd)
    } finally {
      fs.closeSync(fd)
    }
  }

  async close(): Promise<void> {
    await this.#pool?.close()
  }

  /** Whatever can be read from its begin to its end, a pipe too. */
  #whole(fd: number): Uint8Array {
    const buffer = new Uint8Array(SLICE)
    const hasher = new VerityHasher(ALGORITHMS[this.#algorithm])
    for (let n = fs.readSync(fd, buffer); n > 0; n = fs.readSync(fd, buffer)) hasher.update(buffer.subarray(0, n))
    return hasher.digest()
  }

  async #slices(fd: number, size: number, threads: number): Promise<Uint8Array> {
    const algorithm = ALGORITHMS[this.#algorithm]
    const leaves = new Uint8Array(new SharedArrayBuffer(leavesLength(size, algorithm.digestSize)))
    this.#pool ??= new WorkerPool(threads - 1)
    await this.#pool.run(hashSlices, { fd, size, algorithm: algorithm.name, leaves }, Math.ceil(size / SLICE))
    if (fs.readSync(fd, new Uint8Array(1), 0, 1, size) > 0) throw new Error('file became longer while it was read')
    return verityFromLeaves(leaves, size, algorithm)
  }
}
