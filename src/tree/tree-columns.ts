// What a tree says of its nodes, in columns, a row a node. They lie in WebAssembly memory, which moves when it grows: so
// each is a view that is looked up anew whenever it is named, and none may be held across a call that changes the tree or
// plans an image of it. Not here: what may be put in (tree.ts).

import { BuildCore } from '../../wasm/build-core.js'
import { outOfMemory } from './reasons.js'
import { TreeBytes } from './tree-bytes.js'
import { XattrTable } from './xattr-table.js'

function newCore(): BuildCore {
  try {
    return new BuildCore()
  } catch (error) {
    throw outOfMemory(error)
  }
}

/** Columns are read by their owner's number. Writing to them is for sources, which keep to what the methods check. */
export class Columns {
  /** Memory and calls; for what writes images. */
  readonly core: BuildCore
  readonly arena: TreeBytes
  readonly xattrs: XattrTable

  /** `core`: one that holds no tree yet; the package's own unless given. Throws a TreeError (ENOMEM). */
  constructor(core: BuildCore = newCore()) {
    this.core = core
    this.arena = new TreeBytes(this.core)
    this.xattrs = new XattrTable(this.core)
  }

  /** Nodes, hard links included. */
  get count(): number {
    return this.core.exports.count.value
  }

  get mode(): Uint32Array {
    return this.core.columns.mode
  }

  /** As it was given; directories' are counted when an image is written. */
  get nlink(): Uint32Array {
    return this.core.columns.nlink
  }

  get uid(): Uint32Array {
    return this.core.columns.uid
  }

  get gid(): Uint32Array {
    return this.core.columns.gid
  }

  /** Low 32 bits of the user-space device number; devices only. */
  get rdev(): Uint32Array {
    return this.core.columns.rdev
  }

  /** Bytes, as low and high word: a dump may name any 64-bit number. */
  get sizeLow(): Uint32Array {
    return this.core.columns.sizeLow
  }

  get sizeHigh(): Uint32Array {
    return this.core.columns.sizeHigh
  }

  /** Seconds since the epoch, as low and signed high word. */
  get mtimeLow(): Uint32Array {
    return this.core.columns.mtimeLow
  }

  get mtimeHigh(): Int32Array {
    return this.core.columns.mtimeHigh
  }

  get mtimeNsec(): Uint32Array {
    return this.core.columns.mtimeNsec
  }

  /** The same of ctime, which only cfs v1 images hold; undefined where none was set. */
  get ctime(): { readonly low: Uint32Array; readonly high: Int32Array; readonly nsec: Uint32Array } | undefined {
    return this.core.ctime
  }

  get nameAt(): Int32Array {
    return this.core.columns.nameAt
  }

  get nameLength(): Uint8Array {
    return this.core.columns.nameLength
  }

  get parent(): Int32Array {
    return this.core.columns.parent
  }

  get firstChild(): Int32Array {
    return this.core.columns.firstChild
  }

  get nextSibling(): Int32Array {
    return this.core.columns.nextSibling
  }

  /** Backing file of a regular file, target of a symlink; NONE where it has none. */
  get payloadAt(): Int32Array {
    return this.core.columns.payloadAt
  }

  get payloadLength(): Uint16Array {
    return this.core.columns.payloadLength
  }

  get contentAt(): Int32Array {
    return this.core.columns.contentAt
  }

  get contentLength(): Uint16Array {
    return this.core.columns.contentLength
  }

  /** Where 32 bytes lie; NONE where there are none. */
  get digestAt(): Int32Array {
    return this.core.columns.digestAt
  }

  /** Target of a hard link, which may be one itself; NONE in what is none. */
  get link(): Int32Array {
    return this.core.columns.link
  }
}
