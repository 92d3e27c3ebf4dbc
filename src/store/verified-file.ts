// One open object of VerifiedObjects: the reads, with and without waiting. The rules stand in verified.ts.
// A read that must wait is a Miss; its load leaves the checked bytes in `#ready`, where the same read finds them.

import { Fault, Miss, type Outcome } from '../format/errno.js'
import type { Sha256 } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { VERITY_BLOCK, VERITY_HASH, VerityHasher } from '../format/verity.js'
import { sameBytes } from '../source/merkle-leaves.js'
import { loadError } from './errors.js'
import { keyBytes, type LeafCache, type Leaves, leafKey } from './leaf-cache.js'
import type { Expected, KeepCall, ObjectFile } from './object-file.js'
import type { StoredObject } from './object-store.js'
import { type Piece, ReadyPieces } from './ready-pieces.js'
import { ObjectBytes } from './verified-bytes.js'
import { type HeldObjects, heldKey } from './verified-held.js'
import { ObjectTree, type TreeShared } from './verified-tree.js'

/** What the files of one VerifiedObjects have in common. */
export interface Shared extends TreeShared {
  readonly sha256: Sha256
  readonly leaves: LeafCache
  /** Asynchronous first reads under way, by digest: they end when the leaves are there or the object was wrong. */
  readonly hashing: Map<string, Promise<void>>
  readonly held: HeldObjects
}

/** Bytes read and hashed at a time; a smaller object is read once, checked, and served from that very buffer. */
const PIECE = 2 ** 20
/** readAll's limit, as Node's readFile has it. */
const WHOLE_MAX = 2 ** 31 - 1
/** Bound of checked bytes that wait for their read to come back. */
const READY_BYTES = 8 * 2 ** 20

const NOTHING = new Uint8Array(0)

export class VerifiedFile implements ObjectFile {
  readonly size: number
  readonly #shared: Shared
  readonly #name: string
  readonly #bytes: ObjectBytes
  /** The digest as the leaf cache has it: a copy, since the image's own bytes may move or go. */
  readonly #key: string | undefined
  #leaves: Leaves | undefined
  /** The tree beside an object of more than a piece; of a smaller one it would cost a request more than it saves. */
  readonly #tree: ObjectTree | undefined
  /** Found wrong as a whole: every further read says so. */
  #wrong: Fault | undefined
  /** Undefined until something was waited for. */
  #ready: ReadyPieces | undefined
  /** The call for which all bytes were brought. */
  #keptFor: KeepCall | undefined
  #loads = 0
  #closed = false

  constructor(shared: Shared, name: string, object: StoredObject, { digest, size = object.size }: Expected) {
    this.size = size
    this.#shared = shared
    this.#name = name
    this.#bytes = new ObjectBytes(object, name, shared.store.label, size)
    this.#key = digest === undefined ? undefined : leafKey(digest)
    // Before anything is allocated by a size that an image names.
    this.#wrong = this.#bytes.wrongSize()
    if (digest !== undefined && size > PIECE) this.#tree = new ObjectTree(shared, name, size, new Uint8Array(digest))
  }

  read(into: Uint8Array, position: number, wait: boolean): Outcome<number> {
    const to = Math.min(position + into.length, this.size)
    const bad = this.#refusal()
    if (bad !== undefined) return this.#orMiss(bad, position, to)
    if (to <= position) return 0
    const ready = this.#ready?.take(position, to)
    if (ready !== undefined) {
      into.set(ready.bytes.subarray(position - ready.from, to - ready.from))
      return to - position
    }
    if (!this.#canSync(wait)) return this.#miss(position, to)
    const unheld = this.#unheld()
    const byTree = unheld ? this.#byTreeSync(into, position, to) : undefined
    if (byTree !== undefined) return byTree instanceof Fault ? this.#orMiss(byTree, position, to) : byTree
    const whole = unheld ? this.#verifySync() : undefined
    if (whole instanceof Fault) return this.#orMiss(whole, position, to)
    if (whole !== undefined) {
      into.set(whole.subarray(position, to))
      return to - position
    }
    for (let at = position; at < to; at += PIECE) {
      const piece = this.#rangeSync(at, Math.min(at + PIECE, to))
      if (piece instanceof Fault) return this.#orMiss(piece, position, to)
      into.set(piece, at - position)
    }
    return to - position
  }

  readAll(wait: boolean): Outcome<Uint8Array> {
    const { size } = this
    const bad = this.#refusal()
    if (bad !== undefined) return this.#orMiss(bad, 0, size)
    if (size === 0) return new Uint8Array(0)
    if (size > WHOLE_MAX) return new Fault('EFBIG', `object ${this.#name} has ${size} bytes`)
    const ready = this.#ready?.take(0, size)
    if (ready !== undefined) return ready.bytes
    if (!this.#canSync(wait)) return this.#miss(0, size)
    const data = this.#bytes.readSync(0, size)
    if (data instanceof Fault) return this.#orMiss(data, 0, size)
    const wrong = this.#unheld() ? this.#adoptWhole(data) : this.#checkBlocks(data, 0)
    return wrong === undefined ? data : this.#orMiss(wrong, 0, size)
  }

  keep(call: KeepCall): Fault | undefined {
    if (this.#closed) return this.#refusal()
    const { store } = this.#shared
    if (store.immediate === true || this.#keptFor === call) return undefined
    const here = this.#here()
    if (here === 'whole' || (here === 'parts' && call.checking)) return undefined
    return new Miss(`object ${this.#name} of ${store.label} is not here yet`, () =>
      this.#whileLoading(() => this.#bring(call)),
    )
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ready = undefined
    this.#release()
  }

  /** Gives back what is held, once the file is closed and no load uses it any more. */
  #release(): void {
    if (!this.#closed || this.#loads > 0) return
    if (this.#leaves !== undefined) this.#shared.leaves.release(this.#leaves)
    this.#leaves = undefined
    this.#tree?.close()
    this.#bytes.close()
  }

  #canSync(wait: boolean): boolean {
    return (wait || this.#shared.store.immediate === true) && this.#bytes.canSync
  }

  /** What every read says before it looks at bytes. */
  #refusal(): Fault | undefined {
    if (this.#closed) return new Fault('EBADF', `object ${this.#name} is closed`)
    if (this.size === 0 && this.#wrong === undefined) this.#wrong = this.#checkEmpty()
    return this.#wrong
  }

  #checkEmpty(): Fault | undefined {
    return this.#key === undefined ? undefined : this.#checkDigest(this.#key, this.#shared.blocks.digest(NOTHING, 0))
  }

  #checkDigest(key: string, actual: Uint8Array): Fault | undefined {
    return leafKey(actual) === key ? undefined : this.#bytes.mismatch('digest', toHex(keyBytes(key)), toHex(actual))
  }

  /** Does the object have a digest, and its leaf hashes are not at hand? Takes them from the shared ones if it can. */
  #unheld(): boolean {
    if (this.#key === undefined || this.#leaves !== undefined) return false
    this.#leaves = this.#shared.leaves.acquire(this.#key)
    return this.#leaves === undefined
  }

  /** The end of a first read: keeps the leaves if the digest that they give is right. */
  #adopt(leaves: Uint8Array, actual: Uint8Array): Fault | undefined {
    const key = this.#key as string
    this.#wrong = this.#checkDigest(key, actual)
    if (this.#wrong === undefined && this.#leaves === undefined) {
      this.#leaves = this.#shared.leaves.add(key, leaves, this.size)
    }
    return this.#wrong
  }

  /** A first read whose bytes came in one piece. */
  #adoptWhole(data: Uint8Array): Fault | undefined {
    const leaves = this.#shared.blocks.hashes(data)
    return this.#adopt(leaves, this.#shared.blocks.digest(leaves, data.length))
  }

  /** Checks bytes that begin at `from`, the begin of a block, and end with a block or with the object. */
  #checkBlocks(data: Uint8Array, from: number): Fault | undefined {
    const leaves = this.#leaves
    if (leaves === undefined) return undefined
    // Another object with this digest has another size: this one can't have the digest.
    if (leaves.size !== this.size) {
      this.#wrong = this.#bytes.mismatch('size for its digest', leaves.size, this.size)
      return this.#wrong
    }
    return this.#compare(data, from, leaves.hashes, (from / VERITY_BLOCK) * VERITY_HASH)
  }

  /** The hash of the first block stands at `leaf`. */
  #compare(data: Uint8Array, from: number, hashes: Uint8Array, leaf: number): Fault | undefined {
    for (let at = 0, expected = leaf; at < data.length; at += VERITY_BLOCK, expected += VERITY_HASH) {
      const hash = this.#shared.blocks.hashAt(data, at)
      if (!sameBytes(hashes, expected, hash)) {
        const wanted = toHex(hashes.subarray(expected, expected + VERITY_HASH))
        return this.#bytes.mismatch(`block at byte ${from + at}`, wanted, toHex(hash))
      }
    }
    return undefined
  }

  /** First read: hashes the whole object. Answers its bytes if they came in one piece. */
  #verifySync(): Outcome<Uint8Array> | undefined {
    if (this.size <= PIECE) {
      const data = this.#bytes.readSync(0, this.size)
      return data instanceof Fault ? data : (this.#adoptWhole(data) ?? data)
    }
    const hasher = new VerityHasher(this.#shared.sha256, Math.min(this.size, WHOLE_MAX))
    for (let at = 0; at < this.size; at += PIECE) {
      const data = this.#bytes.readSync(at, Math.min(at + PIECE, this.size))
      if (data instanceof Fault) return data
      hasher.update(data)
    }
    return this.#adopt(hasher.leaves(), hasher.digest())
  }

  /** Where the blocks that hold a byte range begin and end; just the range when there is nothing to check. */
  #blocks(from: number, to: number): [number, number] {
    if (this.#key === undefined) return [from, to]
    return [from - (from % VERITY_BLOCK), Math.min(Math.ceil(to / VERITY_BLOCK) * VERITY_BLOCK, this.size)]
  }

  #rangeSync(from: number, to: number): Outcome<Uint8Array> {
    const [begin, end] = this.#blocks(from, to)
    const data = this.#bytes.readSync(begin, end)
    if (data instanceof Fault) return data
    return this.#checkBlocks(data, begin) ?? data.subarray(from - begin, to - begin)
  }

  /** A read of the whole is checked by itself. */
  #treeFor(from: number, to: number): ObjectTree | undefined {
    const tree = this.#tree
    return tree === undefined || tree.isUseless || (to - from === this.size && !tree.isOpen) ? undefined : tree
  }

  /** A read that the tree checks; undefined where it can't. */
  #byTreeSync(into: Uint8Array, position: number, to: number): Outcome<number> | undefined {
    const tree = this.#treeFor(position, to)
    if (tree === undefined) return undefined
    for (let at = position; at < to; at += PIECE) {
      const end = Math.min(at + PIECE, to)
      const [begin, blocksEnd] = this.#blocks(at, end)
      const hashes = tree.hashesSync(begin, blocksEnd)
      if (hashes === undefined || hashes instanceof Fault) return hashes
      const data = this.#bytes.readSync(begin, blocksEnd)
      const wrong = data instanceof Fault ? data : this.#compare(data, begin, hashes, 0)
      if (wrong !== undefined) return wrong
      into.set((data as Uint8Array).subarray(at - begin, end - begin), at - position)
    }
    return to - position
  }

  async #byTree(tree: ObjectTree, from: number, to: number): Promise<Piece | undefined> {
    if (!(await tree.open())) return undefined
    const [begin, end] = this.#blocks(from, to)
    const [bytes, hashes] = await Promise.all([this.#bytes.read(begin, end), tree.hashes(begin, end)])
    if (hashes === undefined) return undefined
    this.#orThrow(this.#compare(bytes, begin, hashes, 0))
    return { from: begin, to: end, bytes }
  }

  #miss(from: number, to: number): Miss {
    const what = `object ${this.#name} of ${this.#shared.store.label}: bytes ${from} to ${to} are not here yet`
    return new Miss(what, () => this.#load(from, to))
  }

  /** What a read that did not wait says when it failed: a Miss, where waiting can help. */
  #orMiss(bad: Fault, from: number, to: number): Fault {
    if (this.#closed) return bad
    return this.#bytes.renewable || bad.code === 'EAGAIN' ? this.#miss(from, to) : bad
  }

  #orThrow(bad: Fault | undefined): void {
    if (bad !== undefined) throw loadError(bad)
  }

  #load(from: number, to: number): Promise<void> {
    return this.#whileLoading(async () => {
      const piece = await this.#fetchOrRenew(from, to)
      if (this.#closed) return
      this.#ready ??= new ReadyPieces(READY_BYTES)
      this.#ready.keep(piece)
    })
  }

  async #whileLoading(load: () => Promise<void>): Promise<void> {
    this.#loads++
    try {
      await load()
    } finally {
      this.#loads--
      this.#release()
    }
  }

  /** How much of the object can be opened and read without waiting; of a large one that is a copy it may be parts. */
  #here(): 'whole' | 'parts' | undefined {
    try {
      const object = this.#shared.store.openSync?.(this.#name)
      object?.close()
      if (object?.readSync === undefined) return undefined
      return object.renew === undefined || this.size <= PIECE ? 'whole' : 'parts'
    } catch {
      return undefined
    }
  }

  /** A store that has synchronous forms keeps what it has brought; for others the bytes are held. */
  async #bring(call: KeepCall): Promise<void> {
    if (this.#shared.store.openSync !== undefined) {
      for (let at = 0; at < this.size; at += PIECE) await this.#fetchOrRenew(at, Math.min(at + PIECE, this.size))
    }
    if (this.#here() === undefined) {
      const bring = async (): Promise<Uint8Array> => {
        this.#orThrow(this.#refusal())
        return this.size === 0 ? NOTHING : (await this.#fetchOrRenew(0, this.size)).bytes
      }
      await this.#shared.held.hold(heldKey(this.#name, this.#key), this.size, call, bring)
    }
    this.#keptFor = call
  }

  /** Once in a file's life bytes that are wrong, or can't be read, make the store bring the object anew. */
  async #fetchOrRenew(from: number, to: number): Promise<Piece> {
    const { current } = this.#bytes
    try {
      this.#orThrow(this.#refusal())
      return await this.#fetch(from, to)
    } catch (error) {
      if (!this.#closed) await this.#bytes.renew()
      if (this.#bytes.current === current) throw error
    }
    this.#wrong = this.#bytes.wrongSize()
    this.#orThrow(this.#refusal())
    return this.#fetch(from, to)
  }

  async #fetch(from: number, to: number): Promise<Piece> {
    while (this.#unheld()) {
      this.#orThrow(this.#wrong)
      const tree = this.#treeFor(from, to)
      if (tree !== undefined) {
        const piece = await this.#byTree(tree, from, to)
        if (piece !== undefined) return piece
        // It is useless then. Leaves may have come meanwhile.
        continue
      }
      const other = this.#shared.hashing.get(this.#key as string)
      if (other === undefined) {
        const whole = await this.#verify(to - from === this.size)
        if (whole !== undefined) return { from: 0, to: this.size, bytes: whole }
      } else {
        // Whose object was wrong says nothing of ours: look again.
        await other
      }
    }
    const [begin, end] = this.#blocks(from, to)
    const data = await this.#bytes.read(begin, end)
    this.#orThrow(this.#checkBlocks(data, begin))
    return { from: begin, to: end, bytes: data }
  }

  /** First read, waiting. Answers all bytes if they came in one piece, as they do when `all` of them are wanted. */
  async #verify(all: boolean): Promise<Uint8Array | undefined> {
    const key = this.#key as string
    let ended = (): void => {}
    this.#shared.hashing.set(key, new Promise(resolve => (ended = resolve)))
    try {
      if (all || this.size <= PIECE) {
        const data = await this.#bytes.read(0, this.size)
        this.#orThrow(this.#adoptWhole(data))
        return data
      }
      const hasher = new VerityHasher(this.#shared.sha256, Math.min(this.size, WHOLE_MAX))
      for (let at = 0; at < this.size; at += PIECE) {
        hasher.update(await this.#bytes.read(at, Math.min(at + PIECE, this.size)))
      }
      this.#orThrow(this.#adopt(hasher.leaves(), hasher.digest()))
      return undefined
    } finally {
      this.#shared.hashing.delete(key)
      ended()
    }
  }
}
