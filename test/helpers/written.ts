// Images written from dump text in this process and by the C tool, read back, and why one was refused. Tests of what
// writes images ask here, so that they know the writer by its public names alone. Not here: the dumps
// (src/fuzz/random-dump.ts), what they mean (dump-model.ts).
import { spawnSync } from 'node:child_process'
import { writeDumpFields, writeEscaped } from '../../src/format/dump-text.js'
import { Fault } from '../../src/format/errno.js'
import { TextBuffer } from '../../src/format/text-buffer.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import { treeFromDump } from '../../src/tree/dump-source.js'
import { treeFromImage } from '../../src/tree/image-source.js'
import type { Tree } from '../../src/tree/tree.js'
import { TreeError } from '../../src/tree/tree-error.js'
import { type ImageFormat, imageOf } from '../../src/writer/image-format.js'
import type { CorePool } from '../../wasm/pool.js'
import { peer } from './command.js'
import { loaded } from './core.js'

/** Lowest and highest version that a dump is written with. */
export const VERSIONS = [
  [0, 0],
  [0, 1],
  [1, 1],
] as const
const C_TIMEOUT_MS = 10_000
const MAX_OUTPUT = 256 << 20

export interface DumpFormat extends ImageFormat {
  readonly strict?: boolean
}

/** Dump text of characters that are bytes. */
export function bytesOf(dump: string | Uint8Array): Uint8Array {
  return typeof dump === 'string' ? Buffer.from(dump, 'latin1') : dump
}

/** The image of a tree; throws when it is not of the length that was promised. */
export function imageOfTree(tree: Tree, format: ImageFormat = {}): Buffer {
  const planned = imageOf(tree, format)
  const pieces: Buffer[] = []
  // A piece is good until the next one only.
  for (const piece of planned.pieces()) pieces.push(Buffer.from(piece))
  const bytes = Buffer.concat(pieces)
  if (bytes.length !== planned.size) throw new Error(`${bytes.length} bytes where ${planned.size} were promised`)
  return bytes
}

/** The image of a dump. Throws a TreeError. */
export function imageOfDump(dump: string | Uint8Array, { strict, ...format }: DumpFormat = {}): Buffer {
  return imageOfTree(treeFromDump(bytesOf(dump), { strict }), format)
}

/** What is wrong with a dump; undefined when it can be written. Any other error is thrown. */
export function refusal(dump: string | Uint8Array, options: DumpFormat = {}): TreeError | undefined {
  try {
    imageOfDump(dump, options)
    return undefined
  } catch (error) {
    if (error instanceof TreeError) return error
    throw error
  }
}

/** An image read back and written again, as its own version. */
export function rewritten(pool: CorePool, bytes: Uint8Array): Buffer {
  const image = loaded(pool, bytes)
  try {
    const { version, format } = image
    if (format === 'erofs') throw new Error('no composefs image')
    return imageOfTree(treeFromImage(image), { format, minVersion: version, maxVersion: version })
  } finally {
    image.close()
  }
}

/** The dump text of an image. */
export function dumpOfImage(pool: CorePool, bytes: Uint8Array): Buffer {
  const image = loaded(pool, bytes)
  try {
    const entries = TreeEntries.open(image)
    if (entries instanceof Fault) throw new Error(`${entries.code} ${entries.detail}`)
    const out = new TextBuffer()
    for (;;) {
      const more = entries.next()
      if (more instanceof Fault) throw new Error(`${more.code} ${more.detail}`)
      if (!more) return Buffer.from(out.content())
      writeEscaped(out, entries.path, 0, entries.pathLength)
      writeDumpFields(out, entries)
    }
  } finally {
    image.close()
  }
}

/** The C tool, where MKCOMPOSEFS names it or PATH has it. */
export const C_MAKE = peer('MKCOMPOSEFS', 'mkcomposefs')
export const NO_C_MAKE = 'no mkcomposefs on PATH (MKCOMPOSEFS may name it)'

/** What the C tool makes of a dump; its complaint, as a string, where it refuses. */
export function imageByC(
  tool: string,
  dump: string | Uint8Array,
  { strict = false, minVersion = 0, maxVersion = 1 }: DumpFormat = {},
): Buffer | string {
  const { CFS_PARSE_STRICT: _, ...env } = process.env
  const args = ['--from-file', `--min-version=${minVersion}`, `--max-version=${maxVersion}`, '-', '-']
  const run = spawnSync(tool, args, {
    input: bytesOf(dump),
    env: strict ? { ...env, CFS_PARSE_STRICT: '1' } : env,
    maxBuffer: MAX_OUTPUT,
    timeout: C_TIMEOUT_MS,
  })
  if (run.status === 0) return run.stdout
  return run.stderr.toString().trim() || `ended by ${run.signal ?? `status ${run.status}`}`
}

/** Where two images differ first, for a message; undefined when they are equal. */
export function difference(ours: Uint8Array, theirs: Uint8Array): string | undefined {
  if (Buffer.compare(ours, theirs) === 0) return undefined
  if (ours.length !== theirs.length) return `${ours.length} bytes, not ${theirs.length}`
  const at = ours.findIndex((byte, i) => byte !== theirs[i])
  const part = (bytes: Uint8Array) => Buffer.from(bytes.subarray(at, at + 16)).toString('hex')
  return `byte ${at}: ${part(ours)}, not ${part(theirs)}`
}
