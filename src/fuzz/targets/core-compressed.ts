// Images with compressed files: all of their inodes read, looked up, asked for xattrs. Invariants: those of CORE_INVARIANTS, but for turns
// of loops, and
// - no hang: no question takes more than 2^27 of them, which is what the largest extents take to be decoded
// - bounds: where an extent lies is in the image or its metabox, no pcluster is of more than 1 MiB and no extent of more than 12 MiB
// - ranges: read from where a piece begins, a file has the same bytes as when it is read from its begin
// - link: a target is as long as the inode says, and has no NUL
// - look-up: a listed name leads to the inode that the listing has
// - xattrs: the list of an inode is the same again

import type { CoreImage } from '../../../wasm/core-image.js'
import { COMPRESSION_CONSTANTS, CONSTANTS } from '../../format/structs.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { Random } from '../random.js'
import { Violation } from '../target.js'
import { FileReads } from './file-reads.js'
import { type FoundInode, foundInodes } from './inodes.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
const { Z_EROFS_PCLUSTER_MAX_SIZE, Z_EROFS_PCLUSTER_MAX_DSIZE } = COMPRESSION_CONSTANTS
const INODES_MAX = 24
const PIECES_MAX = 24
const STEPS = 2 ** 27
/** Bytes of a file that are read: its size is what an image says. */
const READ_MAX = 1 << 13
/** Where the metabox's data begins, as an offset in the image. */
const BOX_BASE = 2 ** 52

export class CoreCompressedTarget extends CoreTarget {
  readonly name = 'compressed'
  readonly invariants = [
    ...CORE_INVARIANTS.filter(invariant => !invariant.startsWith('no hang')),
    'no hang: no question takes more turns of loops than 2^27',
    'bounds: an extent lies in the image or its metabox, and is no larger than the format allows',
    'ranges: read from where a piece begins, a file has the same bytes',
    'link: a target is as long as the inode says, and has no NUL',
    'look-up: a listed name leads to the inode that the listing has',
    'xattrs: the list of an inode is the same again',
  ]
  /** Where pieces of the file asked last begin. */
  readonly #begins: number[] = []
  readonly #reads = new FileReads(READ_MAX)

  protected ask(image: CoreImage, input: Uint8Array): void {
    const root = this.rootOf(image)
    const found = this.asked('readdir', () => foundInodes(image, root, INODES_MAX))
    const random = new Random(input.length * 31 + found.length)
    for (const inode of found) {
      const type = inode.mode & S_IFMT
      if (type === S_IFREG) this.#file(image, inode, random)
      else if (type === S_IFLNK) this.#link(image, inode)
      if (inode.name.length > 0) this.#lookUp(image, inode)
      this.#xattrs(image, inode)
    }
  }

  protected override asked<T>(what: string, question: () => T): T {
    this.allow(STEPS)
    return super.asked(what, question)
  }

  #link(image: CoreImage, { nid, size }: FoundInode): void {
    const target = this.asked('readlink', () => image.readlink(nid))
    if (typeof target === 'number') this.answer('readlink', target)
    else if (target.length !== size || target.includes(0)) throw new Violation('link', `${target.length} of ${size}`)
  }

  #lookUp(image: CoreImage, { dir, name, nid }: FoundInode): void {
    const answer = this.answer(
      'lookup',
      this.asked('lookup', () => image.lookup(dir, name, 0)),
    )
    if (answer >= 0 && image.nid() !== nid) throw new Violation('look-up', `${image.nid()}, listed as ${nid}`)
  }

  #xattrs(image: CoreImage, { nid }: FoundInode): void {
    const listed = () => {
      const answer = this.asked('listxattr', () => image.xattrs(nid))
      if (typeof answer === 'number') return this.answer('listxattr', answer)
      return answer.map(({ value }) => value.length).join()
    }
    const first = listed()
    if (listed() !== first) throw new Violation('xattrs', `inode ${nid}`)
  }

  #file(image: CoreImage, { nid, size }: FoundInode, random: Random): void {
    this.#extents(image, nid, size)
    const read = (into: Uint8Array, position: number) => this.asked('map', () => image.read(nid, into, position))
    const most = this.answer('map', this.#reads.begin(nid, size, read))
    if (most <= 0) return
    // Indexes may lie, to who comes from elsewhere more than to others.
    const at = random.pick(this.#begins.filter(begin => begin < most))
    this.#reads.compare(nid, at, random, read)
  }

  #extents(image: CoreImage, nid: number, size: number): void {
    this.#begins.length = 0
    for (let at = 0, left = PIECES_MAX; left > 0; left--) {
      this.#begins.push(at)
      const extent = this.asked('extent', () => image.extent(nid, at))
      if (typeof extent === 'number') {
        this.answer('extent', extent)
        if (extent === 1 && at < size) throw new Violation('bounds', `inode ${nid} ends at ${at} of ${size}`)
        return
      }
      const { offset, length, stored } = extent
      const taken = stored?.bytes ?? length
      const inImage = offset === -1 || (offset >= 0 && offset + taken <= image.size) || offset >= BOX_BASE
      const fits = stored === undefined || (taken <= Z_EROFS_PCLUSTER_MAX_SIZE && length <= Z_EROFS_PCLUSTER_MAX_DSIZE)
      // Sums of what is larger are rounded.
      const beyond = Number.isSafeInteger(size) && at + length > size
      if (!(length > 0) || beyond || !inImage || !fits) {
        throw new Violation('bounds', `inode ${nid}: ${length} bytes in ${taken} at ${offset}, byte ${at} of ${size}`)
      }
      at += length
    }
  }
}
