// One file of the host: read, hashed, put into a directory store where one is given (spec composefs-tools.md 1.4 and 3).
// Synchronous, for threads that do one file after the other. Not here: which files, and what an image says of them.
//
// The file has to be the one that lstat saw while the tree was read, the same in size and times, when its bytes have been
// read and again when they have been copied: a file that is written meanwhile ends the build. Two changes within one tick
// of the clock by which the file system marks them look like one, so a file that had changed just before lstat is left
// alone until that clock has moved on: what comes later then shows (git's index has the same care, "racy git").
// Writing through a mapping that was dirty before can go unseen; what is at most MEMORY bytes long is hashed and stored from
// the very same buffer, and of a longer object a reader would see that it is wrong.

import fs from 'node:fs'
import { openAnyLength, pathText } from '../format/call-path.js'
import { errnoText, isErrnoName } from '../format/errno.js'
import { FACT_CTIME, FACT_SIZE, FACT_WORDS, factHalves, sameFacts, writeFacts } from '../format/file-facts.js'
import type { Sha256 } from '../format/hash.js'
import { objectName } from '../format/hex.js'
import { BlockHasher, VERITY_BLOCK, VERITY_HASH } from '../format/verity.js'
import { ObjectWriter, ownDescriptors, type WriterOptions } from './directory-writer.js'

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_NOCTTY = 0 } = fs.constants
/** A fifo must not block, a terminal not become ours. */
const OPEN_FILE = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY

/** Blocks whose hashes are one block of the tree's next level; such runs are read and hashed at a time. */
const RUN = (VERITY_BLOCK / VERITY_HASH) * VERITY_BLOCK
/** Bytes up to which a file is read once, and stored from memory. */
const MEMORY = 2 * RUN
/** Bytes from which sharing blocks with the source is worth its calls. */
const CLONE_MIN = 64 << 10
/** File systems mark changes by a clock that ticks 100 to 1000 times a second. Twice the longest tick. */
const TICK_NS = 20_000_000n

/** The message is `what: path: why`. */
export class IngestError extends Error {
  override readonly name = 'IngestError'

  constructor(
    readonly code: string,
    readonly path: string,
    what: string,
    why: string,
    cause?: unknown,
  ) {
    super(`${what}: ${path}: ${why}`, cause === undefined ? undefined : { cause })
  }
}

export interface IngestOptions extends WriterOptions {
  readonly sha256: Sha256
  /** Directory of the store, which has to be there; without one files are only measured. */
  readonly store?: string
  /** Files of at most so many bytes are not hashed or stored: their bytes are the result. At most 64 KiB. */
  readonly inlineMax?: number
  /** Called when a file's bytes have been read, before the file is looked at again. For tests. */
  readonly onRead?: (path: string) => void
}

export type IngestState = 'inlined' | 'measured' | 'shared' | 'new'

export interface Ingested {
  /** Inlined: `bytes` are the file's. Measured: hashed only. Shared: the store had it. New: the store has it now. */
  readonly state: IngestState
  /** The digest, 32 bytes, or the content; good until the next call. */
  readonly bytes: Uint8Array
}

function allZero(buffer: Buffer): boolean {
  // Each byte equals the next, and the first is 0.
  return buffer[0] === 0 && buffer.compare(buffer, 1, buffer.length, 0, buffer.length - 1) === 0
}

export class Ingester {
  readonly #blocks: BlockHasher
  readonly #writer: ObjectWriter | undefined
  readonly #inlineMax: number
  readonly #onRead: ((path: string) => void) | undefined
  readonly #buffer = Buffer.allocUnsafeSlow(MEMORY)
  readonly #leaves = new Uint8Array((MEMORY / VERITY_BLOCK) * VERITY_HASH)
  readonly #now = new BigUint64Array(FACT_WORDS)
  readonly #nowHalves = factHalves(this.#now)
  /** The facts of the last call: usually those of the next one too. */
  #facts: BigUint64Array = this.#now
  #halves = this.#nowHalves
  readonly #descriptors = ownDescriptors()
  /** Devices from which blocks can't be shared. */
  readonly #unshared = new Set<bigint>()
  readonly #calls = {
    open: (path: string | Buffer, last: boolean) => fs.openSync(path, last ? OPEN_FILE : O_RDONLY | O_DIRECTORY),
    close: (fd: number) => fs.closeSync(fd),
  }

  constructor({ sha256, store, inlineMax = 0, onRead, ...writer }: IngestOptions) {
    this.#blocks = new BlockHasher(sha256)
    this.#writer = store === undefined ? undefined : new ObjectWriter(store, writer)
    this.#inlineMax = inlineMax
    this.#onRead = onRead
  }

  /** Names of the store's directories that need a sync, see syncDirectories. */
  get touched(): Iterable<string> {
    return this.#writer?.touched ?? []
  }

  /**
   * Takes one regular file; `path` has a character a byte, `facts` are what lstat said of it, from word `at` on (see
   * file-facts.ts). Throws an IngestError that names the file: ESTALE when it is not, or no more, the file of the facts,
   * else what the host said. A store has then nothing of it.
   */
  ingest(path: string, facts: BigUint64Array, at: number): Ingested {
    if (facts !== this.#facts) {
      this.#facts = facts
      this.#halves = factHalves(facts)
    }
    const file = { path, halves: this.#halves, at, size: Number(facts[at + FACT_SIZE]), device: facts[at] }
    settle(facts[at + FACT_CTIME])
    const fd = this.#guard('open', path, () => openAnyLength(path, this.#calls, this.#descriptors))
    try {
      return this.#take(fd, file)
    } finally {
      fs.closeSync(fd)
    }
  }

  #take(fd: number, file: SourceFile): Ingested {
    const { path, size } = file
    const whole = size <= MEMORY
    const digest = this.#guard('read', path, () => {
      try {
        if (!whole) return this.#hashRuns(fd, file)
        this.#read(fd, file, 0, size)
      } catch (error) {
        // What has come in its place, a fifo say, may have errors of its own.
        this.#check(fd, file)
        throw error
      }
      return size <= this.#inlineMax ? this.#buffer.subarray(0, size) : this.#hashWhole(size)
    })
    this.#onRead?.(path)
    this.#check(fd, file)
    if (size <= this.#inlineMax) return { state: 'inlined', bytes: digest }
    if (this.#writer === undefined) return { state: 'measured', bytes: digest }
    return { state: this.#store(this.#writer, fd, file, objectName(digest)), bytes: digest }
  }

  #guard<T>(what: string, path: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      if (error instanceof IngestError || !(error instanceof Error && 'code' in error)) throw error
      const code = String(error.code)
      const why = !('syscall' in error) ? error.message : isErrnoName(code) ? errnoText(code) : code
      throw new IngestError(code, pathText(path), what, why, error)
    }
  }

  /** Throws unless a descriptor's file is still the one of the facts. */
  #check(fd: number, file: SourceFile): void {
    this.#guard('stat', file.path, () => writeFacts(fs.fstatSync(fd, { bigint: true }), this.#now, 0))
    if (!sameFacts(this.#nowHalves, 0, file.halves, file.at)) throw changed(file)
  }

  /** Reads bytes to the front of the buffer. */
  #read(fd: number, file: SourceFile, from: number, length: number): void {
    for (let done = 0; done < length; ) {
      const n = fs.readSync(fd, this.#buffer, done, length - done, from + done)
      if (n === 0) throw changed(file)
      done += n
    }
  }

  /** Digest of what the buffer holds, of `size` bytes. */
  #hashWhole(size: number): Uint8Array {
    const end = this.#blocks.hashesTo(this.#buffer, 0, size, this.#leaves, 0)
    return this.#blocks.digest(this.#leaves.subarray(0, end), size)
  }

  /** Digest of a file of more than one run; of each run only its one hash in the level above the leaves is kept. */
  #hashRuns(fd: number, file: SourceFile): Uint8Array {
    const { size } = file
    let level: Uint8Array = new Uint8Array(Math.ceil(size / RUN) * VERITY_HASH)
    for (let from = 0, to = 0; from < size; from += RUN, to += VERITY_HASH) {
      const length = Math.min(RUN, size - from)
      this.#read(fd, file, from, length)
      const end = this.#blocks.hashesTo(this.#buffer, 0, length, this.#leaves, 0)
      this.#blocks.hashesTo(this.#leaves, 0, end, level, to)
    }
    while (level.length > VERITY_HASH) level = this.#blocks.hashes(level)
    return this.#blocks.digestOfRoot(level, size)
  }

  #store(writer: ObjectWriter, fd: number, file: SourceFile, name: string): IngestState {
    const { path, size, device } = file
    return this.#guard(`store object ${name}`, path, () => {
      if (writer.has(name)) return 'shared'
      const check = () => this.#check(fd, file)
      if (size >= CLONE_MIN && this.#descriptors !== undefined && !this.#unshared.has(device)) {
        if (writer.clone(name, `${this.#descriptors}/${fd}`, check)) return 'new'
        this.#unshared.add(device)
      }
      if (size <= MEMORY)
        writer.put(
          name,
          into => this.#write(into, size, 0),
          () => {},
        )
      else writer.put(name, into => this.#copy(fd, file, into), check)
      return 'new'
    })
  }

  /** Writes what the buffer holds. */
  #write(into: number, length: number, position: number): void {
    for (let done = 0; done < length; ) done += fs.writeSync(into, this.#buffer, done, length - done, position + done)
  }

  /** Leaves holes where there were any, about: runs of nothing but zeros are not written. */
  #copy(fd: number, file: SourceFile, into: number): void {
    const { size } = file
    for (let from = 0; from < size; from += RUN) {
      const length = Math.min(RUN, size - from)
      this.#read(fd, file, from, length)
      if (!allZero(this.#buffer.subarray(0, length))) this.#write(into, length, from)
    }
    fs.ftruncateSync(into, size)
  }
}

/** Waits until a change from now on gets another ctime than that one, in nanoseconds. */
function settle(ctime: bigint): void {
  const age = BigInt(Date.now()) * 1_000_000n - BigInt.asIntN(64, ctime)
  // To one in the future no change gets the same.
  if (age >= TICK_NS || age < -TICK_NS) return
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(TICK_NS - age) / 1e6)
}

/** A file that is being taken. */
interface SourceFile {
  readonly path: string
  readonly halves: Uint32Array
  readonly at: number
  /** Bytes. */
  readonly size: number
  readonly device: bigint
}

function changed({ path }: SourceFile): IngestError {
  return new IngestError('ESTALE', pathText(path), 'read', 'changed while being read')
}
