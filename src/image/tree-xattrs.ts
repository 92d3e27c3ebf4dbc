// What the xattrs of one inode say of it in the tree view: payload, digest, whiteout, and the xattrs that are left. In a
// cfs v1 image they say nothing but themselves.
// Follows spec composefs-image.md section 9, step 9 (libcomposefs' reader), by the table of view.ts; the reader's defect
// with redirects whose length is odd is not copied. Not here: the walk over the inodes (tree-entries.ts).

import { type Records, XattrRecords } from '../../wasm/records.js'
import type { XattrSpan } from '../format/dump-text.js'
import type { Fault } from '../format/errno.js'
import { tooManyXattrBytes } from '../format/limits.js'
import { RECORD_FLAGS } from '../format/structs.js'
import { binaryBytes, binaryString, splitXattrName, XATTR_INDEX_TRUSTED, XATTR_PREFIXES } from '../format/xattr-name.js'
import type { Image } from './image.js'
import { ESCAPED_WHITEOUT, fullXattrName, METACOPY, REDIRECT, TREE_VIEW } from './view.js'

const SLASH = 0x2f
const METACOPY_SIZE = 36
const METACOPY_DIGEST = 4
/** Every marked name has this behind its base prefix. */
const MARK = binaryBytes('overlay.')
const PREFIX_BYTES = XATTR_PREFIXES.map(binaryBytes)
// The two marks that nearly every file has are told by their bytes; a string for each would take half of the walk's time.
const REDIRECT_REST = binaryBytes(splitXattrName(REDIRECT).rest)
const METACOPY_REST = binaryBytes(splitXattrName(METACOPY).rest)

/** A range of the records' bytes; absent where `from` is negative. */
export interface Range {
  from: number
  to: number
}

export class TreeXattrs {
  readonly payload: Range = { from: -1, to: -1 }
  readonly digest: Range = { from: -1, to: -1 }
  whiteout = false
  readonly list: XattrSpan[] = []
  count = 0
  readonly #image: Image
  readonly #stored: XattrRecords

  constructor(image: Image) {
    this.#image = image
    this.#stored = new XattrRecords(image.core)
  }

  clear(): void {
    this.payload.from = this.payload.to = this.digest.from = this.digest.to = -1
    this.whiteout = false
    this.count = 0
  }

  /** Reads those of record `i`, which is a regular file or not. A Fault for broken ones. */
  load(records: Records, i: number, regular: boolean): Fault | undefined {
    this.clear()
    if ((records.flags(i) & RECORD_FLAGS.RF_XATTRS) === 0) return undefined
    const stored = this.#stored
    const n = stored.load(records.nid(i))
    if (n < 0) return this.#image.fault(n, 'xattrs')
    const { maxXattrBytes } = this.#image.limits
    let sum = 0
    for (let k = 0; k < n; k++) sum += this.#length(k)
    if (sum > maxXattrBytes) return tooManyXattrBytes(maxXattrBytes)
    const { bytes } = records
    if (this.#image.format === 'cfs-v1') {
      for (let k = 0; k < n; k++) this.#plain(bytes, k)
      return undefined
    }
    const slot = records.slot(i)
    const flags = records.flags(i)
    for (let k = 0; k < n; k++) if (!stored.isUnseen(k, slot, flags)) this.#one(bytes, k, regular)
    return undefined
  }

  /** Bytes of an xattr, its name as a whole and its value. */
  #length(k: number): number {
    const stored = this.#stored
    const name = (PREFIX_BYTES[stored.index(k)]?.length ?? 0) + stored.infixLength(k) + stored.nameLength(k)
    return name + stored.valueLength(k)
  }

  #plain(bytes: Uint8Array, k: number): void {
    const from = this.#stored.nameFrom(k)
    this.#add(bytes, k, PREFIX_BYTES[this.#stored.index(k)], from, from + this.#stored.nameLength(k))
  }

  #one(bytes: Uint8Array, k: number, regular: boolean): void {
    const stored = this.#stored
    const from = stored.nameFrom(k)
    const to = from + stored.nameLength(k)
    const infix = stored.infixLength(k)
    const index = stored.index(k)
    if (infix === 0) {
      if (!startsWith(bytes, from, to, MARK)) {
        this.#plain(bytes, k)
        return
      }
      if (index === XATTR_INDEX_TRUSTED && isName(bytes, from, to, REDIRECT_REST)) {
        if (regular && !this.whiteout) this.#redirect(bytes, k)
        return
      }
      if (index === XATTR_INDEX_TRUSTED && isName(bytes, from, to, METACOPY_REST)) {
        if (regular && !this.whiteout) this.#metacopy(k)
        return
      }
    }
    this.#marked(bytes, k, regular)
  }

  #marked(bytes: Uint8Array, k: number, regular: boolean): void {
    const stored = this.#stored
    const index = stored.index(k)
    const from = stored.nameFrom(k)
    const infixFrom = stored.infixFrom(k)
    const infix = binaryString(bytes.subarray(infixFrom, infixFrom + stored.infixLength(k)))
    const name = fullXattrName(index, infix + binaryString(bytes.subarray(from, from + stored.nameLength(k))))
    if (name === ESCAPED_WHITEOUT && regular && !this.whiteout) {
      this.whiteout = true
      return
    }
    const shown = TREE_VIEW.xattrName(index, name)
    if (shown !== undefined) this.#add(bytes, k, binaryBytes(shown), 0, 0)
  }

  #add(bytes: Uint8Array, k: number, prefix: Uint8Array, from: number, to: number): void {
    const valueFrom = this.#stored.valueFrom(k)
    const valueTo = valueFrom + this.#stored.valueLength(k)
    const known = this.list[this.count++]
    if (known === undefined) {
      this.list.push({ prefix, name: { bytes, from, to }, value: { bytes, from: valueFrom, to: valueTo } })
      return
    }
    known.prefix = prefix
    Object.assign(known.name, { bytes, from, to })
    Object.assign(known.value, { bytes, from: valueFrom, to: valueTo })
  }

  /** The value without its first slash, up to a NUL. */
  #redirect(bytes: Uint8Array, k: number): void {
    let from = this.#stored.valueFrom(k)
    const end = from + this.#stored.valueLength(k)
    if (end - from > 1 && bytes[from] === SLASH) from++
    let to = from
    while (to < end && bytes[to] !== 0) to++
    this.payload.from = from
    this.payload.to = to
  }

  #metacopy(k: number): void {
    if (this.#stored.valueLength(k) !== METACOPY_SIZE) return
    this.digest.from = this.#stored.valueFrom(k) + METACOPY_DIGEST
    this.digest.to = this.#stored.valueFrom(k) + METACOPY_SIZE
  }
}

function startsWith(bytes: Uint8Array, from: number, to: number, start: Uint8Array): boolean {
  if (to - from < start.length) return false
  for (let i = 0; i < start.length; i++) if (bytes[from + i] !== start[i]) return false
  return true
}

function isName(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  return to - from === name.length && startsWith(bytes, from, to, name)
}
