// Sizes of everything in a tree, by folder, from one walk that others may interrupt: numbers only, since a layer knows the names.
// An inode counts at the first of its names, an object at the first file that has it, so that sums are true at every folder. Not
// here: which folders are shown (treemap.ts).

import { Fault, Miss } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { type Attr, type Layer, newAttr } from '../../overlay/layer.js'
import { answered } from '../../overlay/waiting.js'
import type { FileKind } from '../reports.js'
import type { Job } from './jobs.js'
import { objectNameOf } from './sharing-object.js'
import { KINDS, kindOf } from './treemap-kinds.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFLNK } = CONSTANTS
const FIRST_ROOM = 4096

/** A growing list of numbers. */
class Numbers {
  length = 0
  #values = new Float64Array(FIRST_ROOM)

  push(value: number): void {
    if (this.length === this.#values.length) {
      const grown = new Float64Array(this.length * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.length++] = value
  }

  at(index: number): number {
    return this.#values[index]
  }

  set(index: number, value: number): void {
    this.#values[index] = value
  }

  add(index: number, value: number): void {
    this.#values[index] += value
  }
}

export class Census {
  /** Of each entry, those of a folder together and in the layer's order. */
  readonly bytes = new Numbers()
  readonly objects = new Numbers()
  /** Index of the folder, -1 of what is none. */
  readonly folder = new Numbers()
  readonly kind = new Numbers()
  /** Of each folder, the root first: its first entry, and what is in it and below. */
  readonly first = new Numbers()
  readonly folderBytes = new Numbers()
  readonly folderObjects = new Numbers()
  readonly folderEntries = new Numbers()
  /** Bytes below each folder, by kind. */
  readonly #kinds = new Numbers()
  readonly #above = new Numbers()
  broken = 0
  /** What was counted. */
  readonly layer: Layer

  constructor(layer: Layer) {
    this.layer = layer
  }

  /** What most bytes of a folder are. */
  folderKind(folder: number): FileKind {
    let best = 0
    for (let kind = 1; kind < KINDS.length; kind++) {
      if (this.#kinds.at(folder * KINDS.length + kind) > this.#kinds.at(folder * KINDS.length + best)) best = kind
    }
    return KINDS[best]
  }

  addFolder(above: number): number {
    this.#above.push(above)
    this.first.push(0)
    this.folderBytes.push(0)
    this.folderObjects.push(0)
    this.folderEntries.push(1)
    for (let i = 0; i < KINDS.length; i++) this.#kinds.push(0)
    return this.#above.length - 1
  }

  addEntry(folder: number, bytes: number, objects: number, kind: number, child: number): void {
    this.bytes.push(bytes)
    this.objects.push(objects)
    this.kind.push(kind)
    this.folder.push(child)
    this.folderBytes.add(folder, bytes)
    this.folderObjects.add(folder, objects)
    this.#kinds.add(folder * KINDS.length + kind, bytes)
    if (child < 0) this.folderEntries.add(folder, 1)
  }

  /** Adds up. A folder stands behind the one that it is in. */
  sum(): void {
    for (let folder = this.#above.length - 1; folder > 0; folder--) {
      const above = this.#above.at(folder)
      this.folderBytes.add(above, this.folderBytes.at(folder))
      this.folderObjects.add(above, this.folderObjects.at(folder))
      this.folderEntries.add(above, this.folderEntries.at(folder))
      for (let kind = 0; kind < KINDS.length; kind++) {
        this.#kinds.add(above * KINDS.length + kind, this.#kinds.at(folder * KINDS.length + kind))
      }
    }
  }
}

/** What has been counted already. */
class Met {
  /** A folder has one name; only a damaged image leads to it again, and would have no end. */
  readonly folders = new Set<number>()
  readonly inodes = new Set<number>()
  readonly objects = new Set<string>()
}

interface Waiting {
  readonly node: object
  readonly index: number
}

/** Walks the tree of a layer. */
export async function takeCensus(layer: Layer, job: Job): Promise<Census> {
  const census = new Census(layer)
  const met = new Met()
  const attr = newAttr()
  const waiting: Waiting[] = [{ node: layer.root, index: census.addFolder(-1) }]
  let done = 0
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    const { node, index } = dir
    census.first.set(index, census.bytes.length)
    const list = await answered(() => layer.readdir(node))
    if (list instanceof Fault) {
      census.broken++
      continue
    }
    const found: Waiting[] = []
    for (let i = 0; i < list.names.length; i++) {
      await job.pause(++done)
      const name = list.raw?.get(i) ?? list.names[i]
      const look = () => layer.lookup(node, name)
      let child = look()
      if (child instanceof Miss) child = await answered(look)
      if (child instanceof Fault) {
        census.broken++
        census.addEntry(index, 0, 0, KINDS.indexOf('special'), -1)
        continue
      }
      const type = await typeOf(layer, child, attr)
      if (type === S_IFDIR && met.folders.has(attr.ino)) {
        census.broken++
        census.addEntry(index, 0, 0, 0, -1)
      } else if (type === S_IFDIR) {
        met.folders.add(attr.ino)
        const below = census.addFolder(index)
        census.addEntry(index, 0, 0, 0, below)
        found.push({ node: child, index: below })
      } else await addFile(census, met, layer, index, child, attr, list.names[i])
    }
    while (found.length > 0) waiting.push(found.pop() as Waiting)
  }
  census.sum()
  return census
}

/** Fills `attr`; the type, 0 of what can't be read. */
async function typeOf(layer: Layer, node: object, attr: Attr): Promise<number> {
  const look = () => layer.stat(node, attr)
  let failed = look()
  if (failed instanceof Miss) failed = (await answered<undefined>(look)) as Fault | undefined
  return failed === undefined ? attr.mode & S_IFMT : 0
}

async function addFile(
  census: Census,
  met: Met,
  layer: Layer,
  folder: number,
  node: object,
  attr: Attr,
  name: string,
): Promise<void> {
  const { mode, size, nlink, ino } = attr
  const type = mode & S_IFMT
  const again = nlink > 1 && met.inodes.has(ino)
  if (nlink > 1) met.inodes.add(ino)
  const counts = !again && (type === S_IFREG || type === S_IFLNK)
  let objects = 0
  if (counts && type === S_IFREG && size > 0) {
    const look = () => objectNameOf(layer, node)
    let object = look()
    if (object instanceof Miss) object = await answered(look)
    if (typeof object === 'string' && !met.objects.has(object)) {
      met.objects.add(object)
      objects = size
    }
  }
  census.addEntry(folder, counts ? size : 0, objects, KINDS.indexOf(kindOf(name, mode)), -1)
}
