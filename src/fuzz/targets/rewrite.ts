// Images read back into a tree and written again, as composefs-dump does it. Invariants:
// - no trap, no hang: as for targets of the core, over all that is asked
// - errors: what can't be read back or written is a TreeError or a Fault
// - opens: what was written opens, and can be read back
// - same: its dump is that of the image it was made of (but for link counts of directories and sizes of what has none)
// - identity: written once more it is the same, byte for byte; so it is by way of its dump text

import { Fault } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { binaryString } from '../../format/xattr-name.js'
import type { Image } from '../../image/image.js'
import { treeFromDump } from '../../tree/dump-source.js'
import { treeFromImage } from '../../tree/image-source.js'
import { TreeError } from '../../tree/tree-error.js'
import type { ImageFormat } from '../../writer/image-format.js'
import type { CoreTargetOptions, FuzzModule } from '../core-target.js'
import { dumpOf } from '../dump-of.js'
import { guarded, ImageRoom } from '../image-room.js'
import { imageBytes } from '../random-composefs.js'
import { compareBytes } from '../random-tree.js'
import { type Mutator, type Target, Violation } from '../target.js'

const STEPS = 1 << 26
const { S_IFMT: TYPE, S_IFDIR: DIRECTORY, S_IFREG: REGULAR, S_IFLNK: SYMLINK } = CONSTANTS
/** An attribute without a name behind its prefix and without a value may not be seen again where it comes last (spec composefs-image.md 9.1). */
const UNSEEN = / (?:user\.|trusted\.|security\.|lustre\.|system\.posix_acl_access|system\.posix_acl_default)=(?: |$)/m

const PAYLOAD = 8
const CONTENT = 9
const DIGEST = 10
/** First of an entry's fields that is an attribute. */
const XATTRS = 11

/** Lines without what a writer sets itself (links of directories, sizes of what has no data), and with attributes in one order. */
export function comparableDump(dump: Uint8Array): string {
  return binaryString(dump)
    .split('\n')
    .map(line => {
      const fields = line.split(' ')
      const type = Number.parseInt(fields[2], 8) & TYPE
      const size = type === REGULAR || type === SYMLINK ? fields[1] : '-'
      // An object without a name (a redirect to `/`) is none when it is written.
      if (fields[PAYLOAD] === '') fields[PAYLOAD] = '-'
      // Nor is that of a file whose bytes are in the image.
      if (type === REGULAR && fields[CONTENT] !== '-') fields[PAYLOAD] = fields[DIGEST] = '-'
      // Nor that of a file without bytes.
      if (type === REGULAR && fields[1] === '0') fields.splice(PAYLOAD, 3, '-', '-', '-')
      const numbers = [size, fields[2], type === DIRECTORY ? '-' : fields[3]]
      return [fields[0], ...numbers, ...fields.slice(4, XATTRS), ...fields.slice(XATTRS).sort()].join(' ')
    })
    .join('\n')
}

export class RewriteTarget implements Target {
  readonly name = 'rewrite'
  readonly invariants = [
    'no trap: nothing that is asked ends in a WebAssembly trap',
    'no hang: no run takes more than 2^26 turns of loops of the core',
    'no throw: what can not be read back or written is a TreeError or a Fault',
    'opens: what was written opens, and can be read back',
    'same: its dump is that of the image it was made of, but for link counts of directories and sizes of what has none',
    'identity: written once more, from the image or from its dump, it is the same bytes',
  ]
  readonly seeds: readonly Uint8Array[]
  readonly mutators: readonly Mutator[]
  readonly maxBytes: number
  readonly counters: Uint8Array
  readonly #room: ImageRoom
  /** What is written may be larger than what it was made of. */
  readonly #written: ImageRoom

  constructor(module: FuzzModule, { seeds, mutators, maxBytes }: CoreTargetOptions) {
    this.seeds = seeds
    this.mutators = mutators
    this.maxBytes = maxBytes
    this.#room = new ImageRoom(module, maxBytes)
    this.#written = new ImageRoom(module, 1 << 22)
    this.counters = this.#room.counters
  }

  run(input: Uint8Array): boolean {
    this.#room.begin(STEPS)
    this.#written.begin(STEPS)
    return guarded([this.#room, this.#written], 'rewrite', () => this.#run(input))
  }

  #run(input: Uint8Array): boolean {
    const image = this.#room.open(input)
    if (image === undefined) return false
    const { version, format } = image
    try {
      const dump = dumpOf(image)
      if (dump instanceof Fault || format === 'erofs') return true
      const wanted = { format, minVersion: version, maxVersion: version }
      const bytes = written(image, wanted)
      if (bytes !== undefined && bytes.length <= 1 << 22) this.#again(bytes, dump, wanted)
    } finally {
      image.close()
    }
    return true
  }

  #again(bytes: Uint8Array, dump: Uint8Array, format: ImageFormat): void {
    const image = this.#written.open(bytes)
    if (image === undefined) throw new Violation('opens', 'what was written is refused')
    try {
      const again = dumpOf(image)
      if (again instanceof Fault) throw new Violation('opens', `its dump: ${again.code} ${again.detail}`)
      const unseen = UNSEEN.test(binaryString(dump))
      if (!unseen && comparableDump(again) !== comparableDump(dump)) {
        throw new Violation('same', firstDifference(comparableDump(dump), comparableDump(again)))
      }
      if (unseen) return
      const twice = written(image, format)
      if (twice === undefined || compareBytes(twice, bytes) !== 0) throw new Violation('identity', 'from the image')
      // The text has no ctime, which images of cfs v1 keep.
      if (image.format === 'cfs-v1') return
      const byText = imageBytes(treeFromDump(again), format)
      if (compareBytes(byText, bytes) !== 0) throw new Violation('identity', 'from the dump')
    } finally {
      image.close()
    }
  }
}

/** undefined where the tree can't be read back or written. */
function written(image: Image, format: ImageFormat): Uint8Array | undefined {
  try {
    return imageBytes(treeFromImage(image), format)
  } catch (error) {
    if (error instanceof TreeError) return undefined
    throw error
  }
}

export function firstDifference(one: string, other: string): string {
  const [a, b] = [one.split('\n'), other.split('\n')]
  const at = a.findIndex((line, i) => line !== b[i])
  return `${a[at]?.slice(0, 300)} became ${b[at]?.slice(0, 300)}`
}
