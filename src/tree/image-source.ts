// A tree from an image, as libcomposefs reads one back (spec composefs-image.md section 9): what the image says of its
// source, with the marks of the overlay taken off again. Not here: reading the image (src/image/tree-entries.ts).

import type { XattrSpan } from '../format/dump-text.js'
import { errnoText, Fault } from '../format/errno.js'
import type { Image } from '../image/image.js'
import { TreeEntries, type TreeOptions } from '../image/tree-entries.js'
import { NONE, ROOT, Tree } from './tree.js'
import { TreeError } from './tree-error.js'
import { XATTR_SPACE_MAX_READ } from './xattr-table.js'

const SLASH = 0x2f

function treeError(fault: Fault): TreeError {
  return new TreeError(fault.code, fault.detail === '' ? errnoText(fault.code) : fault.detail, { cause: fault.cause })
}

/** Reads an image into a tree. Throws a TreeError (EUCLEAN, EINVAL …) that names what is wrong. */
export function treeFromImage(image: Image, options: TreeOptions = {}): Tree {
  const entries = TreeEntries.open(image, options)
  if (entries instanceof Fault) throw treeError(entries)
  return new ImageSource(entries, image.format === 'cfs-v1').read()
}

class ImageSource {
  readonly #entries: TreeEntries
  /** Whether the image has ctimes. */
  readonly #ctime: boolean
  readonly #tree = new Tree()
  /** Nodes of the directories above the entry at hand. */
  readonly #above: number[] = []
  #scratch = new Uint8Array(1 << 12)

  constructor(entries: TreeEntries, ctime: boolean) {
    this.#entries = entries
    this.#ctime = ctime
  }

  read(): Tree {
    const entries = this.#entries
    for (;;) {
      const more = entries.next()
      if (more instanceof Fault) throw treeError(more)
      if (!more) return this.#tree
      const node = this.#place()
      this.#above[entries.depth] = node
      if (entries.hardLink) this.#link(node)
      else this.#fill(node)
    }
  }

  #place(): number {
    const { path, pathLength, depth, mode } = this.#entries
    if (depth === 0) return this.#tree.addRoot(mode)
    let slash = pathLength - 1
    while (path[slash] !== SLASH) slash--
    return this.#tree.add(this.#above[depth - 1], path, slash + 1, pathLength, mode)
  }

  /** The first name of its inode has been met: entries come in the order that decides which is the first. */
  #link(node: number): void {
    const { bytes, from, to } = this.#entries.payload
    const target = this.#tree.lookup(bytes, from, to)
    if (target === NONE || target === ROOT) throw new TreeError('EUCLEAN', 'a hard link to nothing', { node })
    this.#tree.setLink(node, target)
  }

  #fill(node: number): void {
    const tree = this.#tree
    const entries = this.#entries
    tree.nlink[node] = entries.nlink
    tree.uid[node] = entries.uid
    tree.gid[node] = entries.gid
    tree.rdev[node] = entries.rdev
    tree.mtimeLow[node] = entries.mtimeLow
    tree.mtimeHigh[node] = entries.mtimeHigh
    tree.mtimeNsec[node] = entries.mtimeNsec
    if (this.#ctime) tree.setCtime(node, entries.ctimeLow, entries.ctimeHigh, entries.ctimeNsec)
    tree.setSize(node, entries.size)
    const { payload, content, digest } = entries
    if (content.from >= 0) tree.setContent(node, content.bytes, content.from, content.to)
    // A symlink's own size is its target's length in one format, and what the image says in the other.
    if (payload.from >= 0) {
      tree.setPayload(node, payload.bytes, payload.from, payload.to)
      if (this.#ctime) tree.setSize(node, entries.size)
    }
    if (digest.from >= 0) tree.setDigest(node, digest.bytes, digest.from)
    for (let i = 0; i < entries.xattrCount; i++) this.#xattr(node, entries.xattrs[i])
  }

  #xattr(node: number, { prefix, name, value }: XattrSpan): void {
    const key = prefix.length + name.to - name.from
    const length = key + value.to - value.from
    if (length > this.#scratch.length) this.#scratch = new Uint8Array(2 * length)
    const scratch = this.#scratch
    scratch.set(prefix)
    scratch.set(name.bytes.subarray(name.from, name.to), prefix.length)
    scratch.set(value.bytes.subarray(value.from, value.to), key)
    this.#tree.setXattr(node, scratch, { from: 0, to: key }, { from: key, to: length }, XATTR_SPACE_MAX_READ)
  }
}
