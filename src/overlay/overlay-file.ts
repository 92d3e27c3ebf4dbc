// An open regular file of an overlay. What was opened below goes on in the upper as soon as there is a copy, whoever caused
// it (spec overlayfs.md 6.5). Not here: copying up.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Body } from './body.js'
import type { OpenFile } from './layer.js'
import type { LowerPart } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import type { Upper } from './upper.js'
import type { UpperInode } from './upper-inode.js'

/** No buffer of this many bytes or more is made (Node's own limit of readFile). */
const MAX_WHOLE = 2 ** 31 - 1

/** What an open file needs of the tree that it is in. */
export interface FileHome {
  readonly upper: Upper
  readonly opened: Set<LowerNode>
}

/** The lower file that holds the data of a node without a body. */
export function dataBelow(node: OverlayNode): LowerPart {
  const upper = upperOf(node)
  if (upper === undefined) return (node as LowerNode).data
  const below = upper.below as readonly LowerPart[]
  return below[below.length - 1]
}

export class OverlayFile implements OpenFile {
  readonly #home: FileHome
  readonly #node: OverlayNode
  readonly #lower: OpenFile | undefined
  /** The upper inode that is held open. */
  #held: UpperInode | undefined
  #closed = false

  constructor(home: FileHome, node: OverlayNode, lower: OpenFile | undefined) {
    this.#home = home
    this.#node = node
    this.#lower = lower
    if (node instanceof LowerNode) home.opened.add(node)
    this.hold()
  }

  /** Opens a regular file for reading; ENOENT, EIO and a Miss are the lower layer's. */
  static open(home: FileHome, node: OverlayNode, wait: boolean): Outcome<OpenFile> {
    if (upperOf(node)?.body !== undefined) return new OverlayFile(home, node, undefined)
    const { lower, node: data } = dataBelow(node)
    const file = lower.layer.open(data, wait)
    return file instanceof Fault ? file : new OverlayFile(home, node, file)
  }

  /** The upper inode, held from now on; undefined while there is none. */
  protected hold(): UpperInode | undefined {
    if (this.#held === undefined && !this.#closed) {
      this.#held = upperOf(this.#node)
      if (this.#held !== undefined) this.#held.opened++
    }
    return this.#held
  }

  protected get home(): FileHome {
    return this.#home
  }

  protected get body(): Body | undefined {
    return this.hold()?.body
  }

  get size(): number {
    return this.body?.size ?? this.hold()?.size ?? this.#lower?.size ?? 0
  }

  read(into: Uint8Array, position: number, wait: boolean): Outcome<number> {
    const body = this.body
    if (body !== undefined) return body.read(into, position)
    return this.#lower?.read(into, position, wait) ?? fault('EBADF')
  }

  readAll(wait: boolean): Outcome<Uint8Array> {
    const body = this.body
    if (body === undefined) return this.#lower?.readAll(wait) ?? fault('EBADF')
    if (body.size > MAX_WHOLE) return new Fault('EFBIG', `${body.size} bytes`)
    const content = new Uint8Array(body.size)
    const count = body.read(content, 0)
    return count instanceof Fault ? count : content.subarray(0, count)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#node instanceof LowerNode) this.#home.opened.delete(this.#node)
    this.#lower?.close()
    const held = this.#held
    if (held === undefined) return
    held.opened--
    this.#home.upper.release(held)
  }
}
