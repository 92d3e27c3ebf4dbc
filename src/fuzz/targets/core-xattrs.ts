// Extended attributes. Invariants: those of CORE_INVARIANTS, and
// - asked for: an attribute that is listed is found by its name, with the first value that is listed under that; unless the image has name
//   filters, which may deny it, to the kernel too
// - bounds: names have at most 255 bytes behind a prefix, which has at most 65534, values at most 65535

import type { CoreImage, StoredXattr } from '../../../wasm/core-image.js'
import { CONSTANTS, SUPERBLOCK } from '../../format/structs.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { readField } from '../erofs-places.js'
import { compareBytes } from '../random-tree.js'
import { Violation } from '../target.js'
import { foundInodes } from './inodes.js'

const INODES_MAX = 48
const XATTRS_MAX = 64
const VALUE_MAX = 65535
/** A long prefix says its length in 16 bits, one of which is its base's. */
const INFIX_MAX = 65534

export class CoreXattrsTarget extends CoreTarget {
  readonly name = 'xattrs'
  readonly invariants = [
    ...CORE_INVARIANTS,
    'asked for: a listed attribute is found by its name, with its value',
    'bounds: no name or value is longer than the format can say',
  ]
  #filters = false

  protected ask(image: CoreImage, input: Uint8Array): void {
    const compat = readField(input, CONSTANTS.EROFS_SUPER_OFFSET, SUPERBLOCK.fields.feature_compat)
    this.#filters = (compat & CONSTANTS.EROFS_FEATURE_COMPAT_XATTR_FILTER) !== 0
    const root = this.rootOf(image)
    for (const { nid } of this.asked('readdir', () => foundInodes(image, root, INODES_MAX))) {
      const xattrs = this.asked('listxattr', () => image.xattrs(nid))
      if (typeof xattrs === 'number') this.answer('listxattr', xattrs)
      else for (const xattr of xattrs.slice(0, XATTRS_MAX)) this.#check(image, nid, xattr, xattrs)
    }
  }

  #check(image: CoreImage, nid: number, { index, rest, value }: StoredXattr, all: readonly StoredXattr[]): void {
    if (value.length > VALUE_MAX || rest.length > INFIX_MAX + CONSTANTS.EROFS_NAME_LEN)
      throw new Violation('bounds', `inode ${nid}`)
    // A long prefix and a name behind it may be longer than a question can ask for.
    if (rest.length > CONSTANTS.EROFS_NAME_LEN) return
    const found = this.asked('getxattr', () => image.xattr(nid, index, rest))
    if (found === -CONSTANTS.ENODATA && !this.#filters) {
      throw new Violation('asked for', `inode ${nid}: an attribute is not found`)
    }
    if (typeof found === 'number') {
      this.answer('getxattr', found)
      return
    }
    const first = all.find(other => other.index === index && compareBytes(other.rest, rest) === 0)
    if (first === undefined || compareBytes(first.value, found) !== 0) throw new Violation('asked for', `inode ${nid}`)
  }
}
