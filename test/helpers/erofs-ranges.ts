// Whether files read at seeded random ranges give the same bytes from two sides; whole trees are truth.ts' matter.
import fs from 'node:fs'
import { type Random, seeded } from './cfs-v1-trees.js'
import type { TruthFs } from './truth.js'

/** What reads ranges of files; Node's own `fs` and a mount's are such. */
export interface RangeFs {
  openSync(path: Buffer, flags: 'r'): number
  readSync(fd: number, into: Uint8Array, at: number, length: number, position: number): number
  closeSync(fd: number): void
}

/** Answers the bytes of a file in a range, fewer at its end. */
export type RangeReader = (file: number, position: number, length: number) => Uint8Array

export interface RangeFile {
  readonly path: Buffer
  readonly size: number
}

/** Lengths that a caller asks for: mostly short, some of pages, few of hundreds of clusters. */
function lengthOf(next: Random): number {
  const kind = next(40)
  if (kind < 16) return 1 + next(200)
  if (kind < 28) return 4096
  if (kind < 39) return 1 + next(40_000)
  return 1 + next(700_000)
}

/** Where it begins: anywhere, around a power of two's multiple, at the end or beyond. */
function positionOf(next: Random, size: number): number {
  const kind = next(10)
  if (kind < 5) return next(size)
  const step = 512 << next(9)
  if (kind < 8) return Math.max(0, next(Math.ceil(size / step) + 1) * step + next(3) - 1)
  return Math.max(0, size - next(300) + (kind === 9 ? next(300) : 0))
}

/** Regular files of a tree with anything in them; a file of several names is there once for each. */
export function filesOf(tree: TruthFs): RangeFile[] {
  const found: RangeFile[] = []
  const queue: Buffer[] = [Buffer.from('/')]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const { mode, size } = tree.lstatSync(path, { bigint: true })
    const type = Number(mode) & 0o170000
    if (type === 0o100000 && size > 0n) found.push({ path, size: Number(size) })
    if (type !== 0o040000) continue
    const prefix = path.length === 1 ? path : Buffer.concat([path, Buffer.from('/')])
    for (const name of tree.readdirSync(path, { encoding: 'buffer' })) queue.push(Buffer.concat([prefix, name]))
  }
  return found.sort((a, b) => Buffer.compare(a.path, b.path))
}

/** Reads through open files, all at once, so that a cache is shared by many of them. */
export class OpenRanges {
  readonly #fs: RangeFs
  readonly #fds = new Map<number, number>()
  readonly #files: readonly RangeFile[]
  readonly #root: string

  /** Below `root`, where the fs has the tree there. */
  constructor(from: RangeFs, files: readonly RangeFile[], root = '') {
    this.#fs = from
    this.#files = files
    this.#root = root
  }

  readonly read: RangeReader = (file, position, length) => {
    let fd = this.#fds.get(file)
    if (fd === undefined) {
      fd = this.#fs.openSync(Buffer.concat([Buffer.from(this.#root), this.#files[file].path]), 'r')
      this.#fds.set(file, fd)
    }
    const into = new Uint8Array(length)
    let done = 0
    while (done < length) {
      const n = this.#fs.readSync(fd, into, done, length - done, position + done)
      if (n === 0) break
      done += n
    }
    return into.subarray(0, done)
  }

  close(): void {
    for (const fd of this.#fds.values()) this.#fs.closeSync(fd)
    this.#fds.clear()
  }
}

/** The host's own files below a directory. */
export function hostRanges(root: string, files: readonly RangeFile[]): OpenRanges {
  return new OpenRanges(fs as unknown as RangeFs, files, root)
}

/** The first few ranges that differ or fail, a line each; empty when all are the same. */
export function compareRanges(
  files: readonly RangeFile[],
  expected: RangeReader,
  actual: RangeReader,
  { count, seed, limit = 5 }: { count: number; seed: number; limit?: number },
): string[] {
  const next = seeded(seed * 2 + 1)
  const out: string[] = []
  // Half of the ranges fall into the largest files: most of the others are within a cluster.
  const large = files.map((_, i) => i).sort((a, b) => files[b].size - files[a].size || a - b)
  for (let i = 0; i < count && out.length < limit; i++) {
    const file = next(2) === 0 ? next(files.length) : large[next(Math.min(24, files.length))]
    const { path, size } = files[file]
    const position = positionOf(next, size)
    const length = lengthOf(next)
    const what = `${path.toString('latin1')} [${position}, +${length})`
    const want = expected(file, position, length)
    try {
      const have = actual(file, position, length)
      if (Buffer.compare(want, have) === 0) continue
      const first = want.findIndex((byte, at) => byte !== have[at])
      out.push(`${what}: ${have.length} bytes for ${want.length}, first difference at ${first}`)
    } catch (error) {
      out.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return out
}
