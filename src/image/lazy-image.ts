// Opens an image of which only what is asked for is in memory, from bytes that are read by ranges. Not here: where they are and
// how they are checked (src/open-image.ts), which pages are brought (pager.ts).

import { notOpened } from '../../wasm/not-read.js'
import { type PagedPool, retrying } from '../../wasm/paged-pool.js'
import { pageBits } from '../../wasm/pages.js'
import { errorDetail } from '../../wasm/pool.js'
import { errnoName, Fault, loadFault, Miss } from '../format/errno.js'
import type { Sha256 } from '../format/hash.js'
import type { Limits } from '../format/limits.js'
import { CONSTANTS, SUPERBLOCK } from '../format/structs.js'
import type { ByteSource } from '../source/byte-source.js'
import type { Place } from '../source/joined-source.js'
import { Image } from './image.js'
import { Pager } from './pager.js'

export interface LazyOptions {
  /** Bound of the image's bytes in memory; 16 MiB unless given. At least a MiB, or 64 blocks of the image. */
  readonly cacheBytes?: number
  /** The digest that `source` checks all bytes against, 64 hex digits; without one they are taken as they are. */
  readonly digest?: string
  /** Those of all images unless given. */
  readonly limits?: Limits
  /** Where in `source` the image and its further devices lie; it is the image alone unless given. */
  readonly places?: readonly Place[]
  /** For messages: a URL, a path. */
  readonly label: string
}

/** Bytes read first: superblock, and where mkcomposefs puts it the root directory as well. */
export const LAZY_HEAD = 16 * 1024
const CACHE_BYTES = 16 << 20
const CACHE_LEAST = 1 << 20
const PAGES_LEAST = 64
/** No file is larger, on Linux. */
const SIZE_MAX = 2 ** 53 - 1
const BLKSZBITS_AT = CONSTANTS.EROFS_SUPER_OFFSET + SUPERBLOCK.fields.blkszbits.offset

/** An image being opened. */
class Opening {
  readonly pager: Pager
  readonly #pool: PagedPool
  readonly #paged
  readonly #exports
  readonly #options: LazyOptions
  readonly #head: Uint8Array

  constructor(pool: PagedPool, source: ByteSource, head: Uint8Array, options: LazyOptions) {
    const { size } = source
    const bits = pageBits(head.length > BLKSZBITS_AT ? head[BLKSZBITS_AT] : 0)
    const { cacheBytes = CACHE_BYTES, label } = options
    const wanted = Math.max(Math.floor(cacheBytes / 2 ** bits), CACHE_LEAST / 2 ** bits, PAGES_LEAST)
    const frames = Math.max(1, Math.min(wanted, Math.ceil(size / 2 ** bits)))
    this.#pool = pool
    this.#paged = pool.place(size, frames, bits, options.places)
    this.#options = options
    this.#head = head
    this.pager = new Pager(this.#paged.pages, source, label)
    this.pager.begin(head)
    const fill = source.readSync === undefined ? undefined : () => this.pager.fillSync()
    this.#exports = retrying(this.#paged, fill)
  }

  /** The image, or why not: a Miss is one such reason. */
  open(sha256: Sha256): Image | Fault {
    const placed = this.#paged
    const r = this.#exports.open(placed.handle, placed.size)
    if (r === -CONSTANTS.EAGAIN) return this.pager.miss('open')
    if (r < 0) return new Fault(errnoName(-r), this.#why(r))
    const release = () => this.#pool.release(placed)
    const { digest, limits, places } = this.#options
    return new Image({ placed, release, pager: this.pager, exports: this.#exports, digest, limits, places }, sha256)
  }

  #why(answer: number): string {
    const { core } = this.#paged
    const unread = answer === -CONSTANTS.EOPNOTSUPP ? notOpened(core, this.#head, true) : undefined
    return unread ?? errorDetail(core)
  }

  /** The same for who can wait: nothing is read at once. */
  ask(sha256: Sha256): Image | Fault {
    const { patiently } = this.pager
    return patiently === undefined ? this.open(sha256) : patiently(() => this.open(sha256))
  }

  /** Ends it where nothing came of it. The source is the caller's again. */
  giveUp(): void {
    // What is read ahead may still come.
    this.pager.stop()
    this.#pool.release(this.#paged)
  }
}

function begin(pool: PagedPool, source: ByteSource, head: Uint8Array, options: LazyOptions): Opening | Fault {
  if (source.size > SIZE_MAX) return new Fault('EFBIG', `${source.size} bytes`)
  const wanted = Math.min(LAZY_HEAD, source.size)
  if (head.length !== wanted) return new Fault('EIO', `${head.length} bytes came, not ${wanted}`)
  try {
    return new Opening(pool, source, head, options)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return new Fault('ENOMEM', 'no memory for the pages of an image', error)
  }
}

/** Opens an EROFS image; `head` is its first LAZY_HEAD bytes. The source is the image's own from then on, unless it fails. */
export async function openLazyImage(
  pool: PagedPool,
  sha256: Sha256,
  source: ByteSource,
  head: Uint8Array,
  options: LazyOptions,
): Promise<Image | Fault> {
  const opening = begin(pool, source, head, options)
  if (opening instanceof Fault) return opening
  for (;;) {
    const image = opening.ask(sha256)
    if (!(image instanceof Fault)) return image
    try {
      if (!(image instanceof Miss)) throw image
      await image.load()
    } catch (error) {
      opening.giveUp()
      return error instanceof Fault ? error : loadFault(error)
    }
  }
}

/** The same at once, from a source that reads synchronously. */
export function openLazyImageSync(
  pool: PagedPool,
  sha256: Sha256,
  source: ByteSource,
  head: Uint8Array,
  options: LazyOptions,
): Image | Fault {
  const opening = begin(pool, source, head, options)
  if (opening instanceof Fault) return opening
  const image = opening.open(sha256)
  if (image instanceof Fault) opening.giveUp()
  return image
}
