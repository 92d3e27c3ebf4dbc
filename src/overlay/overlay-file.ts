// An open regular file of an overlay. What was opened below goes on in the upper as soon as there is a copy, whoever caused
// it (spec overlayfs.md 6.5). Not here: copying up.

import { Fault, fault, type Outcome } from '../format/errno.js'
import type { Body } from './body.js'
import type { KeepCall, OpenFile } from './layer.js'
import type { LowerPart } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import { now, type Upper } from './upper.js'
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

/** Holds what a handle stands for: it follows its entry, and lasts when that has no name any more. Answers what ends it. */
export function holdOpen({ opened, upper }: FileHome, node: OverlayNode): () => void {
  const handle = node instanceof LowerNode ? node : undefined
  const held = upperOf(node)
  if (held !== undefined) held.opened++
  if (handle !== undefined) {
    handle.openers++
    opened.add(handle)
  }
  return () => {
    if (handle !== undefined && --handle.openers === 0) opened.delete(handle)
    const inode = handle === undefined ? (node as UpperInode) : handle.upper
    if (inode === undefined) return
    inode.opened--
    upper.release(inode)
    upper.ended(undefined)
  }
}

export class OverlayFile implements OpenFile {
  readonly #home: FileHome
  readonly #node: OverlayNode
  readonly #lower: OpenFile | undefined
  #release: (() => void) | undefined

  constructor(home: FileHome, node: OverlayNode, lower: OpenFile | undefined) {
    this.#home = home
    this.#node = node
    this.#lower = lower
    this.#release = holdOpen(home, node)
  }

  /** Opens a regular file for reading; ENOENT, EIO and a Miss are the lower layer's. */
  static open(home: FileHome, node: OverlayNode, wait: boolean): Outcome<OpenFile> {
    if (upperOf(node)?.body !== undefined) return new OverlayFile(home, node, undefined)
    const { lower, node: data } = dataBelow(node)
    const file = lower.layer.open(data, wait)
    return file instanceof Fault ? file : new OverlayFile(home, node, file)
  }

  protected get home(): FileHome {
    return this.#home
  }

  protected get body(): Body | undefined {
    return upperOf(this.#node)?.body
  }

  get size(): number {
    return this.body?.size ?? upperOf(this.#node)?.size ?? this.#lower?.size ?? 0
  }

  read(into: Uint8Array, position: number, wait: boolean): Outcome<number> {
    const body = this.body
    const count = body?.read(into, position) ?? this.#lower?.read(into, position, wait) ?? fault('EBADF')
    if (!(count instanceof Fault)) this.#accessed()
    return count
  }

  /** Only what is in the upper has an access time of its own. */
  #accessed(): void {
    const inode = upperOf(this.#node)
    if (inode?.accessed(now())) this.#home.upper.touched(inode)
  }

  readAll(wait: boolean): Outcome<Uint8Array> {
    const body = this.body
    if (body === undefined) {
      const whole = this.#lower?.readAll(wait) ?? fault('EBADF')
      if (!(whole instanceof Fault)) this.#accessed()
      return whole
    }
    if (body.size > MAX_WHOLE) return new Fault('EFBIG', `${body.size} bytes`)
    const content = new Uint8Array(body.size)
    const count = this.read(content, 0, wait)
    return count instanceof Fault ? count : content.subarray(0, count)
  }

  /** What is in the upper is at hand. */
  keep(call: KeepCall): Fault | undefined {
    return this.body === undefined ? this.#lower?.keep?.(call) : undefined
  }

  close(): void {
    const release = this.#release
    if (release === undefined) return
    this.#release = undefined
    this.#lower?.close()
    release()
  }
}
