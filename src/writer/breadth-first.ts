// The order in which images number their inodes: breadth first, the children of a directory in byte order of their names,
// hard links left out (spec composefs-image.md 4.1, cfs-v1.md 2). What the two formats add differs, so the walk asks.

import { CONSTANTS } from '../format/structs.js'
import { ROOT, type Tree } from '../tree/tree.js'

const { S_IFMT, S_IFDIR } = CONSTANTS

/** A list of numbers that grows. */
export class NumberList {
  values: Int32Array
  length = 0

  constructor(capacity: number) {
    this.values = new Int32Array(Math.max(capacity, 16))
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const wider = new Int32Array(2 * this.length)
      wider.set(this.values)
      this.values = wider
    }
    this.values[this.length++] = value
  }
}

/** Entries of the directories as an image lists them, and the inodes in their order. */
export interface Order {
  /** Node of each inode; negative for one that the image adds (see its writer). */
  readonly nodes: NumberList
  /** Inode number of each node; -1 for hard links. */
  readonly inodes: Int32Array
  /** Entries of all directories, one after the other: nodes, hard links included, or what the image adds. */
  readonly entries: NumberList
  /** Per inode: where its entries begin, and how many there are; none for what is no directory. */
  readonly entriesAt: NumberList
  readonly entryCount: NumberList
}

/**
 * Walks a tree. `list` gets a directory's inode, and its node's children in order in the first `count` places of a scratch
 * array, and pushes the entries that the image has for it; those below zero that are to be inodes get one when `isInode`.
 */
export function breadthFirst(
  tree: Tree,
  list: (entries: NumberList, directory: number, children: Int32Array, count: number) => void,
  isInode: (entry: number) => boolean,
): Order {
  const nodes = new NumberList(tree.count + 256)
  const entries = new NumberList(tree.count + 1024)
  const entriesAt = new NumberList(tree.count + 256)
  const entryCount = new NumberList(tree.count + 256)
  const inodes = new Int32Array(tree.count).fill(-1)
  const children = new Int32Array(tree.count)
  nodes.push(ROOT)
  for (let ino = 0; ino < nodes.length; ino++) {
    const node = nodes.values[ino]
    entriesAt.push(entries.length)
    if (node >= 0) inodes[node] = ino
    if (node >= 0 && (tree.mode[node] & S_IFMT) === S_IFDIR) {
      const count = tree.sortedChildren(node, children)
      const from = entries.length
      list(entries, node, children, count)
      for (let i = from; i < entries.length; i++) {
        const entry = entries.values[i]
        if (entry >= 0 ? !tree.isLink(entry) : isInode(entry)) nodes.push(entry)
      }
    }
    entryCount.push(entries.length - entriesAt.values[ino])
  }
  return { nodes, inodes, entries, entriesAt, entryCount }
}
