// The data of inodes, whole and in pieces. Invariants: those of CORE_INVARIANTS, and
// - bounds: a piece of data lies within the image, is not empty, and goes no further than the file
// - ranges: a part read by itself is that part of the whole, where it is not compressed (core-compressed.ts)
// - link: a target is as long as the inode says, and has no NUL

import type { CoreImage } from '../../../wasm/core-image.js'
import { BOX_BASE } from '../../../wasm/core-pieces.js'
import { CONSTANTS, RECORD_FLAGS } from '../../format/structs.js'
import { isCfsV1 } from '../../image/image.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { Random } from '../random.js'
import { Violation } from '../target.js'
import { FileReads } from './file-reads.js'
import { type FoundInode, foundInodes } from './inodes.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
const INODES_MAX = 48
const PIECES_MAX = 64
/** Bytes of a file that are read: its size is what an image says. */
const READ_MAX = 1 << 16

export class CoreReadTarget extends CoreTarget {
  readonly name = 'read'
  readonly invariants = [
    ...CORE_INVARIANTS,
    'bounds: a piece of data lies within the image and within the file, and is not empty',
    'ranges: a part read by itself is that part of the whole, where it is not compressed',
    'link: a target is as long as the inode says, and has no NUL',
  ]
  readonly #reads = new FileReads(READ_MAX)

  protected ask(image: CoreImage, input: Uint8Array): void {
    const root = this.rootOf(image)
    const found = this.asked('readdir', () => foundInodes(image, root, INODES_MAX))
    const random = new Random(input.length * 31 + found.length)
    for (const inode of found) {
      const type = inode.mode & S_IFMT
      if (type === S_IFREG) this.#file(image, inode, random)
      else if (type === S_IFLNK) this.#link(image, inode, isCfsV1(input))
    }
  }

  #link(image: CoreImage, { nid, size }: FoundInode, cfs: boolean): void {
    const target = this.asked('readlink', () => image.readlink(nid))
    if (typeof target === 'number') this.answer('readlink', target)
    // A size is apart from the target in cfs v1.
    else if ((target.length !== size && !cfs) || target.includes(0))
      throw new Violation('link', `${target.length} bytes of ${size}`)
  }

  #file(image: CoreImage, { nid, size }: FoundInode, random: Random): void {
    this.#extents(image, nid, size)
    const read = (into: Uint8Array, position: number) => this.asked('map', () => image.read(nid, into, position))
    const most = this.answer('map', this.#reads.begin(nid, size, read))
    // Of indexes that lie a part may be refused that the whole, extent by extent, passes over: core-compressed.ts.
    if (most <= 0 || this.#isCompressed(image, nid)) return
    const at = random.below(most)
    this.#reads.compare(nid, at, random, read)
  }

  #isCompressed(image: CoreImage, nid: number): boolean {
    this.asked('stat', () => image.stat(nid))
    const layout = image.flags() & RECORD_FLAGS.RF_LAYOUT_MASK
    return layout === CONSTANTS.EROFS_INODE_COMPRESSED_FULL || layout === CONSTANTS.EROFS_INODE_COMPRESSED_COMPACT
  }

  #extents(image: CoreImage, nid: number, size: number): void {
    for (let at = 0, left = PIECES_MAX; left > 0; left--) {
      const extent = this.asked('extent', () => image.extent(nid, at))
      if (typeof extent === 'number') {
        this.answer('extent', extent)
        if (extent === 1 && at < size) throw new Violation('bounds', `inode ${nid} ends at ${at} of ${size}`)
        return
      }
      const { offset, length, stored } = extent
      // What is compressed is shorter than what it decodes to, and may lie in the metabox.
      const end = offset < BOX_BASE ? image.size : BOX_BASE + image.boxSize
      const outside = offset !== -1 && (offset < 0 || offset + (stored?.bytes ?? length) > end)
      // Of sizes beyond 2^53 sums are rounded.
      const beyond = at + length > size && size <= Number.MAX_SAFE_INTEGER
      if (!(length > 0) || beyond || outside) {
        throw new Violation('bounds', `inode ${nid}: ${length} bytes at ${offset}, for byte ${at} of ${size}`)
      }
      at += length
    }
  }
}
