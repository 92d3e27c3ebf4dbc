// Layers whose every answer has to be waited for, by question: what was brought stays until, by a seed, it is taken away
// again, between any two steps. Harder than a lazy image with a small cache, whose pages go in an order and together. Not
// here: what is done with them (lazy-run.ts).
import { Fault, loadError, Miss, type Outcome } from '../../src/format/errno.js'
import type { ImageLayer, ImageNode } from '../../src/overlay/image-layer.js'
import type { Attr, Bytes, DirList, Layer, ObjectLayer, OpenFile } from '../../src/overlay/layer.js'
import type { Random } from './random-calls.js'

/** How often what was brought is all taken away when something else comes. */
const CLEARS = 0.06

/** What is here of some layers. */
export class Nearness {
  readonly #random: Random
  readonly #here = new Set<string>()
  /** Share of loads that fail. */
  failing = 0
  /** Questions that had to wait, and loads that failed. */
  misses = 0
  failures = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** The answer, or a Miss. */
  ask<T>(key: string, answer: () => T): T | Miss {
    if (this.#here.has(key)) return answer()
    return new Miss(key, () => this.#load(key))
  }

  async #load(key: string): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    this.misses++
    if (this.#random() < this.failing) {
      this.failures++
      throw loadError(new Fault('EIO', 'the source has failed', new Error('the source has failed')))
    }
    if (this.#random() < CLEARS) this.#here.clear()
    this.#here.add(key)
  }

  clear(): void {
    this.#here.clear()
  }
}

const text = (path: Bytes) => (typeof path === 'string' ? path : Buffer.from(path).toString('latin1'))

class FarFile implements OpenFile {
  readonly #file: OpenFile
  readonly #near: Nearness
  readonly #key: string

  constructor(file: OpenFile, near: Nearness, key: string) {
    this.#file = file
    this.#near = near
    this.#key = key
  }

  get size(): number {
    return this.#file.size
  }

  read(into: Uint8Array, position: number): Outcome<number> {
    return this.#near.ask(`${this.#key} read ${position} ${into.length}`, () => this.#file.read(into, position, true))
  }

  readAll(): Outcome<Uint8Array> {
    return this.#near.ask(`${this.#key} readAll`, () => this.#file.readAll(true))
  }

  close(): void {
    this.#file.close()
  }
}

/** A layer that is far. Shows the same as the one it is made of. */
export class FarLayer implements Layer<ImageNode>, ObjectLayer<ImageNode> {
  readonly root: ImageNode
  readonly waits = true
  readonly #layer: ImageLayer
  readonly #near: Nearness
  readonly #id: number

  constructor(layer: ImageLayer, near: Nearness, id: number) {
    this.#layer = layer
    this.#near = near
    this.#id = id
    this.root = layer.root
  }

  #ask<T>(question: string, answer: () => T): T | Miss {
    return this.#near.ask(`${this.#id} ${question}`, answer)
  }

  resolve(path: Bytes, follow: boolean): Outcome<ImageNode> {
    return this.#ask(`path ${text(path)} ${follow}`, () => this.#layer.resolve(path, follow))
  }

  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    return this.#ask(`path ${text(path)} ${follow}`, () => this.#layer.statPath(path, follow, out))
  }

  lookup(dir: ImageNode, name: Bytes): Outcome<ImageNode> {
    return this.#ask(`lookup ${dir.nid} ${text(name)}`, () => this.#layer.lookup(dir, name))
  }

  stat(node: ImageNode, out: Attr): Fault | undefined {
    return this.#ask(`stat ${node.nid}`, () => this.#layer.stat(node, out))
  }

  readdir(dir: ImageNode): Outcome<DirList> {
    return this.#ask(`readdir ${dir.nid}`, () => this.#layer.readdir(dir))
  }

  namesAt(path: Bytes): Outcome<string[]> {
    return this.#ask(`names ${text(path)}`, () => this.#layer.namesAt(path))
  }

  readlink(node: ImageNode): Outcome<Uint8Array> {
    return this.#ask(`readlink ${node.nid}`, () => this.#layer.readlink(node))
  }

  listxattr(node: ImageNode): Outcome<Uint8Array[]> {
    return this.#ask(`listxattr ${node.nid}`, () => this.#layer.listxattr(node))
  }

  getxattr(node: ImageNode, name: Bytes): Outcome<Uint8Array> {
    return this.#ask(`getxattr ${node.nid} ${text(name)}`, () => this.#layer.getxattr(node, name))
  }

  open(node: ImageNode): Outcome<OpenFile> {
    const key = `open ${node.nid}`
    const file = this.#ask(key, () => this.#layer.open(node, true))
    return file instanceof Fault ? file : new FarFile(file, this.#near, `${this.#id} ${key}`)
  }

  objectOf(node: ImageNode) {
    return this.#ask(`objectOf ${node.nid}`, () => this.#layer.objectOf(node))
  }

  dataFault(node: ImageNode): Fault | undefined {
    return this.#ask(`dataFault ${node.nid}`, () => this.#layer.dataFault(node))
  }

  statfs() {
    return this.#layer.statfs()
  }
}
