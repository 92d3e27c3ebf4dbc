// What lstat says about a file, kept while a tree is read and built, to see whether the file is still the same one when its
// bytes are read. Numbers only, so that they lie in memory that threads share and are compared without a BigInt each.
// Not here: what a change means.
//
//   a file's facts:  | dev | ino | size | mtime | ctime |      64-bit words each; times in nanoseconds

/** 64-bit words that a file's facts take. */
export const FACT_WORDS = 5
/** Words from a file's first to the one that is meant. */
export const FACT_SIZE = 2
export const FACT_MTIME = 3
export const FACT_CTIME = 4

/** The numbers of Node's Stats with `bigint`, nanoseconds since 1970 included. */
export interface FactStats {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** Writes a file's facts at a word; what is negative as its two's complement. */
export function writeFacts(stat: FactStats, into: BigUint64Array, at: number): void {
  into[at] = stat.dev
  into[at + 1] = stat.ino
  into[at + FACT_SIZE] = stat.size
  into[at + FACT_MTIME] = stat.mtimeNs
  into[at + FACT_CTIME] = stat.ctimeNs
}

/** The same words seen by halves; in what order the halves lie is the host's. */
export function factHalves(facts: BigUint64Array): Uint32Array {
  return new Uint32Array(facts.buffer, facts.byteOffset, 2 * facts.length)
}

/** Are two files' facts, given by halves and by the word at which each begins, the same? */
export function sameFacts(a: Uint32Array, at: number, b: Uint32Array, bAt: number): boolean {
  for (let i = 0; i < 2 * FACT_WORDS; i++) if (a[2 * at + i] !== b[2 * bAt + i]) return false
  return true
}
