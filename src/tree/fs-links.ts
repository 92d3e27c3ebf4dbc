// Names of one file, found by device and inode number while a directory is read. Part of fs-source.ts.
// The name that comes first when the tree is walked in order, directories before what follows them, becomes the file, as it
// is in a dump of the image; so a tree read back from its image or dump gives the same image.

import type { FileList } from './file-list.js'
import { NONE, ROOT, type Tree } from './tree.js'

export class HardLinks {
  readonly #tree: Tree
  /** Nodes by `dev:ino` of files that have further names; some of these may be outside of the tree. */
  readonly #groups = new Map<string, number[]>()

  constructor(tree: Tree) {
    this.#tree = tree
  }

  note(node: number, stat: { readonly dev: bigint; readonly ino: bigint; readonly nlink: bigint }): void {
    if (stat.nlink <= 1n) return
    const key = `${stat.dev}:${stat.ino}`
    const group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, [node])
    else group.push(node)
  }

  /** Makes all names but the first of each file links to it, and drops them from the files. */
  resolve(files: FileList): void {
    const tree = this.#tree
    let found = false
    for (const group of this.#groups.values()) {
      if (group.length === 1) continue
      found = true
      const first = group.reduce((best, node) => (this.#order(node, best) < 0 ? node : best))
      for (const node of group) if (node !== first) this.#link(node, first)
      tree.nlink[first] = group.length
    }
    if (found) files.keep(node => !tree.isLink(node))
  }

  /** A link has a name and a target, nothing else. */
  #link(node: number, first: number): void {
    const { xattrs } = this.#tree
    this.#tree.setLink(node, first)
    this.#tree.payloadAt[node] = NONE
    if (node < xattrs.count.length) xattrs.count[node] = 0
  }

  /** Which of two nodes comes first; neither lies in the other. */
  #order(a: number, b: number): number {
    const tree = this.#tree
    const { parent } = tree
    const aWay = this.#way(a)
    const bWay = this.#way(b)
    let i = aWay.length - 1
    let j = bWay.length - 1
    while (i > 0 && j > 0 && aWay[i] === bWay[j]) {
      i--
      j--
    }
    const x = aWay[i]
    const y = bWay[j]
    if (parent[x] !== parent[y]) throw new RangeError('nodes of different trees')
    return tree.compareNames(x, y)
  }

  /** A node and the directories that it lies in but the root, upwards. */
  #way(node: number): number[] {
    const way: number[] = []
    for (let at = node; at !== ROOT; at = this.#tree.parent[at]) way.push(at)
    return way
  }
}
