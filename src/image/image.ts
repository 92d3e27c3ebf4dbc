// An opened image: what it is, its digest, and its inodes as the core answers them. Immutable, and shared by any number
// of mounts. Not here: the bytes of external files (src/overlay/image-layer.ts), paths of the host (src/node.ts).

import type { CoreExports } from '../../wasm/core.js'
import { CoreImage } from '../../wasm/core-image.js'
import { errorAt, notRead } from '../../wasm/not-read.js'
import type { CorePool, Placed } from '../../wasm/pool.js'
import type { SuperblockFacts } from '../../wasm/superblock-facts.js'
import { errnoName, Fault, fault, faultError } from '../format/errno.js'
import type { Sha256 } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { DEFAULT_LIMITS, type LimitOptions, type Limits, limitsOf, tooBig } from '../format/limits.js'
import {
  CFS_V1_SUPERBLOCK,
  COMPOSEFS_HEADER,
  CONSTANTS,
  QUERY_FLAGS,
  SUPERBLOCK,
  XATTR_ENTRY,
} from '../format/structs.js'
import { verityDigest } from '../format/verity.js'
import { XATTR_INDEX_TRUSTED } from '../format/xattr-name.js'
import type { Place } from '../source/joined-source.js'
import { searchBytes } from './marks.js'
import type { Pager } from './pager.js'
import { type Batch, type ScannedEntry, scanBatches, scanEntries } from './scan.js'
import { CFS_V1_VIEW, COMPOSEFS_VIEW, EROFS_VIEW, TREE_VIEW, type View } from './view.js'

export interface ImageOptions extends LimitOptions {
  /** fs-verity SHA-256 digest that the image must have, 64 hex digits. */
  readonly digest?: string
}

/** What an Image is made of; it takes them over. */
export interface ImageParts {
  readonly placed: Placed
  /** Gives the memory back. */
  release(): void
  /** Of a lazy image: what brings its pages, the core's functions over these, and the digest that all is checked against. */
  readonly pager?: Pager
  readonly exports?: CoreExports
  readonly places?: readonly Place[]
  readonly digest?: string
  /** Those of all images unless given. */
  readonly limits?: Limits
}

/** What only compressed files have. */
const OF_COMPRESSED: ReadonlySet<string> = new Set(['compression index', 'compressed data'])

export class Image {
  /** `composefs` for EROFS with the composefs header, `erofs` without; `cfs-v1` for composefs' own first format. */
  readonly format: 'composefs' | 'erofs' | 'cfs-v1'
  /** composefs_version of the header; undefined where there is no such header (erofs, cfs-v1). */
  readonly version: number | undefined
  readonly superblock: SuperblockFacts
  /** What it may ask of who reads it. */
  readonly limits: Limits
  /** Bytes of the image file. */
  readonly byteLength: number
  /** Where the image and its further devices lie in one space of offsets, the image first; empty where there are none. */
  readonly places: readonly Place[]
  /** The image in the core. */
  readonly core: CoreImage
  /** Brings the pages of a lazy image; undefined where all of it is in memory. */
  readonly pager: Pager | undefined
  readonly #release: () => void
  readonly #sha256: Sha256
  #digest: string | undefined
  #mayHoldMarks: boolean | undefined
  #open = true

  constructor(
    { placed, release, pager, exports, digest, places = [], limits = DEFAULT_LIMITS }: ImageParts,
    sha256: Sha256,
  ) {
    this.#release = release
    this.#sha256 = sha256
    this.#digest = digest
    this.pager = pager
    this.limits = limits
    this.places = places
    this.byteLength = placed.size
    this.core = new CoreImage(placed, exports)
    this.superblock = this.core.facts()
    this.version = this.superblock.composefsVersion
    this.format = this.version === undefined ? this.superblock.format : 'composefs'
  }

  /** nid of the root directory. */
  get rootNid(): number {
    return this.superblock.rootNid
  }

  /** What a mount of this image shows. */
  get view(): View {
    if (this.format === 'cfs-v1') return CFS_V1_VIEW
    return this.format === 'composefs' ? COMPOSEFS_VIEW : EROFS_VIEW
  }

  /** How dumps, diffs and writers see this image; undefined for plain EROFS, which stands for no such tree. */
  get treeView(): View | undefined {
    if (this.format === 'cfs-v1') return CFS_V1_VIEW
    return this.format === 'composefs' ? TREE_VIEW : undefined
  }

  /** What the core has to be told so that it answers in that view. */
  get queryFlags(): number {
    return this.view.hideDev0 ? QUERY_FLAGS.Q_HIDE_DEV0 : 0
  }

  /**
   * Whether a mount of this image may show whiteouts, redirects or the like to an overlay above it. False where no name of
   * such an xattr stands anywhere in the image; looked for at the first call.
   */
  get mayHoldMarks(): boolean {
    // Looking would bring all of it.
    if (this.lazy) return true
    // A mount of a composefs image shows those that are escaped.
    const name = this.format === 'composefs' ? 'overlay.overlay.' : 'overlay.'
    const bytes = this.core.bytes()
    // Names of files have `overlay.` in them as well; an xattr's follows the number of its prefix.
    const before = XATTR_ENTRY.size - XATTR_ENTRY.fields.e_name_index.offset
    const isXattr = (at: number) => this.format === 'cfs-v1' || bytes[at - before] === XATTR_INDEX_TRUSTED
    this.#mayHoldMarks ??= this.#cutsNames || searchBytes(bytes, name, isXattr) !== -1
    return this.#mayHoldMarks
  }

  /** Whether xattr names may stand in two pieces in the image: it has a table of long prefixes. */
  get #cutsNames(): boolean {
    const at = CONSTANTS.EROFS_SUPER_OFFSET + SUPERBLOCK.fields.xattr_prefix_count.offset
    return this.format !== 'cfs-v1' && this.core.bytes()[at] !== 0
  }

  /** Whether only what was asked for is in memory. */
  get lazy(): boolean {
    return this.pager !== undefined
  }

  get closed(): boolean {
    return !this.#open
  }

  /**
   * fs-verity SHA-256 digest of the image file, 64 hex digits; computed at the first call. ENOTSUP for a lazy image that was
   * opened without one.
   */
  digest(): string {
    this.#digest ??= toHex(verityDigest(this.#whole('digest'), this.#sha256))
    return this.#digest
  }

  #whole(what: string): Uint8Array {
    if (this.lazy) throw faultError(new Fault('ENOTSUP', 'the image is opened lazily, not whole'), what)
    return this.core.bytes()
  }

  /**
   * Everything in the image as its mount shows it, in batches: the fast way. A batch is good until the next one. Of a lazy
   * image this throws EAGAIN where something has to be waited for; of any, E2BIG and ENAMETOOLONG where it goes beyond its limits.
   */
  batches(): Generator<Batch> {
    return scanBatches(this)
  }

  /** Every entry with its path and stat numbers, directories before what is in them. */
  entries(): Generator<ScannedEntry> {
    return scanEntries(this)
  }

  /** A copy of the image's bytes. ENOTSUP for a lazy one. */
  bytes(): Uint8Array {
    return this.#whole('bytes').slice()
  }

  /** A negative answer of the core as a Fault, with what it noted. */
  fault(answer: number, what: string): Fault {
    if (!this.#open) return fault('ESTALE')
    if (this.pager !== undefined) {
      if (answer === -CONSTANTS.EAGAIN) return this.pager.miss(what)
      if (answer === -CONSTANTS.ENOMEM)
        return new Fault('ENOMEM', `${what}: more is needed at once than cacheBytes holds`)
    }
    const detail = this.#detail(answer)
    return new Fault(errnoName(-answer), detail === '' ? '' : `${what}: ${detail}`)
  }

  /**
   * The same about a file's bytes: EIO, which is what the kernel's page cache makes of corruption below it. Of what is compressed it
   * is EUCLEAN, there as here; what is not read stays ENOTSUP.
   */
  dataFault(answer: number): Fault {
    if (!this.#open) return fault('ESTALE')
    if (answer === -CONSTANTS.EOPNOTSUPP) return new Fault('ENOTSUP', this.#detail(answer))
    const compressed = answer === -CONSTANTS.EUCLEAN && OF_COMPRESSED.has(errorAt(this.core.core).where)
    return new Fault(compressed ? 'EUCLEAN' : 'EIO', this.#detail(answer))
  }

  #detail(answer: number): string {
    const detail = this.core.errorDetail()
    return (answer === -CONSTANTS.EOPNOTSUPP ? notRead(this.core) : undefined) ?? detail
  }

  /**
   * Gives the memory back when no one else has the same bytes open. What is asked of it, or of a mount of it, afterwards
   * is ESTALE.
   */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.core.retire()
    this.pager?.close()
    this.#release()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Takes `size` bytes that `fill` writes as an image; with its `head` at hand (CORE_HEAD bytes) they are put where they belong at once.
 * Answers a Fault for a bad one; throws what `fill` throws.
 */
export function loadImage(
  pool: CorePool,
  sha256: Sha256,
  size: number,
  fill: (into: Uint8Array) => void,
  options: ImageOptions,
  head?: Uint8Array,
): Image | Fault {
  const limits = limitsOf(options)
  if (size > limits.maxImageBytes) return tooBig('an image', size, 'maxImageBytes', limits.maxImageBytes)
  const loaded = pool.load(size, fill, head)
  if ('errno' in loaded) return new Fault(errnoName(loaded.errno), loaded.detail)
  const image = new Image({ placed: loaded, release: () => pool.unload(loaded), limits }, sha256)
  const other = options.digest === undefined ? undefined : otherDigest(image, options.digest)
  if (other === undefined) return image
  image.close()
  return other
}

/** EIO, with both digests, unless the image has the one that is wanted. */
export function otherDigest(image: Image, digest: string): Fault | undefined {
  const expected = digest.toLowerCase()
  const actual = image.digest()
  if (actual === expected) return undefined
  const cause = Object.assign(new Error(`image digest is ${actual}, not ${expected}`), { expected, actual })
  return new Fault('EIO', 'image has another fs-verity digest', cause)
}

/** Bytes that `beginsAsImage` looks at. */
export const IMAGE_HEAD = 8

/** Does a file begin as an image of cfs v1? */
export function isCfsV1(head: Uint8Array): boolean {
  if (head.length < IMAGE_HEAD) return false
  const view = new DataView(head.buffer, head.byteOffset, IMAGE_HEAD)
  return view.getUint32(CFS_V1_SUPERBLOCK.fields.magic.offset, true) === CONSTANTS.CFS_V1_MAGIC
}

/** Does a file begin as a composefs image, of either format? Plain EROFS shows only later. */
export function beginsAsImage(head: Uint8Array): boolean {
  if (head.length < IMAGE_HEAD) return false
  const view = new DataView(head.buffer, head.byteOffset, IMAGE_HEAD)
  const { magic } = COMPOSEFS_HEADER.fields
  return view.getUint32(magic.offset, true) === CONSTANTS.LCFS_EROFS_MAGIC || isCfsV1(head)
}
