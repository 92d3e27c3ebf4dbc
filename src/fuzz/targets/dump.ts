// Dump text read into a tree, written as an image, and dumped again. Invariants:
// - no trap: neither the parser and the writer nor the core that reads what was written ends in a trap
// - no hang: the parser and the writer end in as many turns of loops as the text lets expect; so does the reader
// - memory: a tree takes no more than its first room and some bytes for each of the text, whatever the text says
// - no throw: what can't be read or written is a TreeError with a code
// - opens: what was written opens, and can be dumped
// - fixed point: the dump of that image, read and written, has the same dump; and the same bytes in that version

import { Fault } from '../../format/errno.js'
import { binaryString } from '../../format/xattr-name.js'
import { type DumpOptions, DumpText } from '../../tree/dump-source.js'
import type { Tree } from '../../tree/tree.js'
import { TreeError } from '../../tree/tree-error.js'
import { BuildRoom } from '../build-room.js'
import type { CoreTargetOptions, FuzzModule } from '../core-target.js'
import { dumpOf } from '../dump-of.js'
import { guarded, ImageRoom } from '../image-room.js'
import { imageBytes } from '../random-composefs.js'
import { compareBytes } from '../random-tree.js'
import { type Mutator, type Target, Violation } from '../target.js'
import { firstDifference } from './rewrite.js'

const READ_STEPS = 1 << 26
/** Turns of loops of the build core for each byte of the text, and for none. */
const STEPS_PER_BYTE = 4096
const STEPS_LEAST = 1 << 20
/** Of 64 KiB: what a tree takes at most. */
const PAGES = 256
const IMAGE_BYTES = 1 << 22
/** High word of the first size that is no exact number here. */
const SIZE_HIGH = 2 ** 21
/** As for rewrite.ts. */
const UNSEEN = / (?:user\.|trusted\.|security\.|lustre\.|system\.posix_acl_access|system\.posix_acl_default)=(?: |$)/m
/**
 * A further name of a whiteout. As for libcomposefs it is none for the directory that it is in, but it may come first in the dump, and
 * be the whiteout from then on: then that directory gets marks that it had not.
 */
const LINKED_WHITEOUT = /^\S+ \d+ @2\d{4} \d+ \d+ \d+ 0 /m

interface Written {
  readonly bytes: Uint8Array
  readonly dump: Uint8Array
  readonly version: number
}

export class DumpTarget implements Target {
  readonly name = 'dump'
  readonly invariants = [
    'no trap: neither parser nor writer ends in a WebAssembly trap',
    'no hang: no run takes more than 2^20 turns of loops of the build core, and 2^12 for each byte of the text, nor 2^26 of the other',
    'memory: no tree takes more than 16 MiB',
    'no throw: what can not be read or written is a TreeError with a code',
    'opens: what was written opens, and can be dumped',
    'fixed point: that dump, read and written again, has the same dump and the same image',
  ]
  readonly seeds: readonly Uint8Array[]
  readonly mutators: readonly Mutator[]
  readonly maxBytes: number
  readonly counters: Uint8Array
  readonly #room: ImageRoom
  readonly #trees: BuildRoom

  /** `module` reads images, `build` makes them. */
  constructor(module: FuzzModule, build: FuzzModule, { seeds, mutators, maxBytes }: CoreTargetOptions) {
    this.seeds = seeds
    this.mutators = mutators
    this.maxBytes = maxBytes
    this.#room = new ImageRoom(module, IMAGE_BYTES)
    this.#trees = new BuildRoom(build, PAGES)
    this.counters = this.#trees.counters
  }

  run(input: Uint8Array): boolean {
    this.#room.begin(READ_STEPS)
    this.#trees.begin(STEPS_LEAST + input.length * STEPS_PER_BYTE)
    try {
      return guarded([this.#room, this.#trees], 'dump', () => this.#run(input))
    } finally {
      this.#trees.collect()
    }
  }

  #run(input: Uint8Array): boolean {
    // Both ways to read by turns: by the length, so that one input is always read in the same way.
    const first = this.#write(input, { strict: input.length % 4 === 0 }, 0)
    if (first === undefined) return false
    const again = this.#write(first.dump, { strict: true }, first.version)
    if (UNSEEN.test(binaryString(first.dump))) return true
    if (again === undefined) throw new Violation('fixed point', 'its own dump is refused')
    const settled = !LINKED_WHITEOUT.test(binaryString(first.dump))
    if (settled && compareBytes(first.dump, again.dump) !== 0) {
      throw new Violation('fixed point', firstDifference(binaryString(first.dump), binaryString(again.dump)))
    }
    const third = this.#write(again.dump, { strict: true }, first.version)
    const same = third !== undefined && compareBytes(third.dump, again.dump) === 0
    if (!same || (settled && compareBytes(third.bytes, again.bytes) !== 0)) throw new Violation('fixed point', 'bytes')
    return true
  }

  /** undefined for what is refused, or too large to be looked at here. */
  #write(text: Uint8Array, options: DumpOptions, minVersion: number): Written | undefined {
    let bytes: Uint8Array
    try {
      const dump = new DumpText(this.#trees.core())
      dump.room(text.length).set(text)
      const tree = dump.tree(text.length, options)
      if (!readable(tree)) return undefined
      bytes = imageBytes(tree, { minVersion })
    } catch (error) {
      if (!(error instanceof TreeError)) throw error
      if (error.code === 'ENOMEM') throw new Violation('memory', error.message)
      return undefined
    }
    if (bytes.length > IMAGE_BYTES) return undefined
    const image = this.#room.open(bytes)
    if (image === undefined) throw new Violation('opens', 'what was written is refused')
    try {
      const dump = dumpOf(image)
      if (dump instanceof Fault) throw new Violation('opens', `its dump: ${dump.code} ${dump.detail}`)
      return { bytes, dump, version: image.version ?? 0 }
    } finally {
      image.close()
    }
  }
}

/** A size of 2^53 or more is written as mkcomposefs writes it, and no reader here takes it. */
function readable(tree: Tree): boolean {
  const { sizeHigh, count } = tree
  for (let node = 0; node < count; node++) if (sizeHigh[node] >= SIZE_HIGH) return false
  return true
}
