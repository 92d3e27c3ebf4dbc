// Two images that lie, one above the other, under an overlay that can be written to. Invariants:
// - no trap, no hang: turns of loops of the cores are bounded, and so is how often the overlay asks its layers
// - no throw: whatever the images hold is answered by values or Faults
// - same answer: a listed name is found by look-up, with the type and number that the listing has, or a Fault (ENOENT for what may be a whiteout alone); by its
//   path it is the same inode
// - change: what a change made is there afterwards, what it removed is not, and what failed changed no listing
// - within: no store is asked for a name that leaves it

import { Fault, Miss, type Outcome } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { binaryBytes, binaryString } from '../../format/xattr-name.js'
import type { Image } from '../../image/image.js'
import { ImageLayer } from '../../overlay/image-layer.js'
import { type Layer, newAttr, RENAME_EXCHANGE, type WritableLayer } from '../../overlay/layer.js'
import type { LayerNode } from '../../overlay/lower.js'
import { memoryUpper } from '../../overlay/memory-upper.js'
import { Overlay } from '../../overlay/overlay.js'
import { VerifiedObjects } from '../../store/verified.js'
import type { CoreTargetOptions, FuzzModule } from '../core-target.js'
import { guarded, ImageRoom } from '../image-room.js'
import { splitParts } from '../parts.js'
import { Random } from '../random.js'
import { compareBytes } from '../random-tree.js'
import { standInHash } from '../stand-in-hash.js'
import { type Mutator, type Target, Violation } from '../target.js'
import { Asked } from './asked-layer.js'
import { HostileStore } from './hostile-store.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFCHR } = CONSTANTS
const FILTER = CONSTANTS.EROFS_FEATURE_COMPAT_XATTR_FILTER
const DT_CHR = S_IFCHR >>> 12
const DT_REG = S_IFREG >>> 12
const PARTS = 2
const STEPS = 1 << 26
const ENTRIES_MAX = 48
const CHANGES = 8
const READ_MAX = 8192
const UPPER_BYTES = 1 << 20
/** What a layer may be asked in one run: some of it for each entry and change. */
const QUESTIONS_MAX = 50_000

type Node = object

/** An inode that a listing has led to. */
interface Seen {
  readonly dir: Node
  readonly name: Uint8Array
  readonly path: Uint8Array
  readonly node: Node
  readonly mode: number
}

export class OverlayTarget implements Target {
  readonly name = 'overlay'
  readonly invariants = [
    'no trap: nothing that is asked ends in a WebAssembly trap',
    'no hang: no run takes more than 2^26 turns of loops of a core, or asks layers more than 50,000 times',
    'no throw: whatever images hold is answered by values or Faults',
    'same answer: a listed name is found by look-up and by path, with the type and number of the listing; or there is a Fault',
    'change: what a change made is there, what it removed is not, what failed changed no listing',
    'within: no store is asked for a name that leaves it',
  ]
  readonly seeds: readonly Uint8Array[]
  readonly mutators: readonly Mutator[]
  readonly maxBytes: number
  readonly counters: Uint8Array
  readonly #rooms: readonly ImageRoom[]
  readonly #hash = standInHash(32)
  readonly #attr = newAttr()
  /** Name filters of an image may deny an attribute that it lists, to the kernel too. */
  #filters = false

  constructor(module: FuzzModule, { seeds, mutators, maxBytes }: CoreTargetOptions) {
    this.seeds = seeds
    this.mutators = mutators
    this.maxBytes = maxBytes
    this.#rooms = [new ImageRoom(module, maxBytes), new ImageRoom(module, maxBytes)]
    this.counters = new Uint8Array(this.#rooms[0].counters.length)
  }

  run(input: Uint8Array): boolean {
    for (const room of this.#rooms) room.begin(STEPS)
    const images = splitParts(input, PARTS).flatMap((bytes, i) => this.#rooms[i].open(bytes) ?? [])
    try {
      return guarded(this.#rooms, 'overlay', () => this.#run(images, input))
    } finally {
      for (const image of images) image.close()
      const [one, other] = this.#rooms
      for (let i = 0; i < this.counters.length; i++)
        this.counters[i] = Math.min(one.counters[i] + other.counters[i], 255)
    }
  }

  #run(images: readonly Image[], input: Uint8Array): boolean {
    if (images.length === 0) return false
    this.#filters = images.some(({ superblock: { featureCompat } }) => (featureCompat & FILTER) !== 0)
    const asked = new Asked(QUESTIONS_MAX)
    const objects = new VerifiedObjects(new HostileStore([], []), this.#hash)
    const layers = images.map(image => asked.layer<LayerNode>(new ImageLayer(image, objects, 'on')))
    const tree = overlayOf(layers)
    if (tree === undefined) return true
    const random = new Random(input.length * 31 + input[input.length - 1])
    const seen = this.#walk(tree)
    for (const one of seen) this.#ask(tree, one)
    // A handle is good beyond a rename of what is above it only where it is held.
    const held = seen.map(({ node }) => tree.hold?.(node))
    for (let left = CHANGES; left > 0 && seen.length > 0; left--) this.#change(tree, random.pick(seen), random)
    for (const release of held) release?.()
    this.#walk(tree)
    objects.close()
    return images.length === PARTS
  }

  #walk(tree: WritableLayer): Seen[] {
    const root: Seen = {
      dir: tree.root,
      name: new Uint8Array(0),
      path: new Uint8Array(0),
      node: tree.root,
      mode: S_IFDIR,
    }
    const seen = [root]
    for (let at = 0; at < seen.length && seen.length < ENTRIES_MAX; at++) {
      if ((seen[at].mode & S_IFMT) === S_IFDIR) seen.push(...this.#list(tree, seen[at], ENTRIES_MAX - seen.length))
    }
    return seen
  }

  #list(tree: WritableLayer, above: Seen, most: number): Seen[] {
    const list = tree.readdir(above.node)
    if (known('readdir', list)) return []
    const found: Seen[] = []
    const attr = this.#attr
    for (let i = 0; i < Math.min(list.names.length, most); i++) {
      const name = list.raw?.get(i) ?? new TextEncoder().encode(list.names[i])
      const node = tree.lookup(above.node, name)
      if (known('lookup', node)) {
        // As in the kernel: a directory that one layer alone has is listed as that lists it, with its whiteouts.
        const whiteout = [0, DT_CHR, DT_REG].includes(list.types[i])
        if (node.code === 'ENOENT' && !whiteout) {
          throw new Violation('same answer', `a listed name is not there: ${list.names[i]}`)
        }
        continue
      }
      const failed = tree.stat(node, attr)
      if (known('stat', failed)) continue
      const type = list.types[i]
      if (type !== 0 && type !== (attr.mode & S_IFMT) >>> 12) {
        throw new Violation('same answer', `${list.names[i]} is of type ${type} in the listing, ${attr.mode} by stat`)
      }
      const ino = list.inos?.[i]
      if (ino !== undefined && ino !== 0 && ino !== attr.ino) {
        throw new Violation('same answer', `${list.names[i]} is number ${ino} in the listing, ${attr.ino} by stat`)
      }
      const path = Uint8Array.from([...above.path, 0x2f, ...name])
      found.push({ dir: above.node, name, path, node, mode: attr.mode })
      this.#byPath(tree, path, attr.ino)
    }
    return found
  }

  #byPath(tree: WritableLayer, path: Uint8Array, ino: number): void {
    const attr = newAttr()
    const failed = tree.statPath(path, false, attr)
    if (known('statPath', failed)) {
      if (failed.code === 'ENOENT') throw new Violation('same answer', 'what look-up finds is not there by its path')
      return
    }
    if (attr.ino !== ino) throw new Violation('same answer', `number ${attr.ino} by path, ${ino} by look-up`)
  }

  #ask(tree: WritableLayer, { node, mode, path }: Seen): void {
    const type = mode & S_IFMT
    known('readlink', tree.readlink(node))
    known('statPath', tree.statPath(path, true, this.#attr))
    const names = tree.listxattr(node)
    if (!known('listxattr', names)) {
      for (const name of names.slice(0, 16)) {
        const value = tree.getxattr(node, name)
        // As in the kernel: user attributes of what holds no data are listed, and not read.
        const hidden = this.#filters || (binaryString(name).startsWith('user.') && type !== S_IFREG && type !== S_IFDIR)
        if (known('getxattr', value) && value.code === 'ENODATA' && !hidden) {
          throw new Violation('same answer', `${binaryString(name)} is listed, and not there`)
        }
      }
    }
    if (type !== S_IFREG) return
    const file = tree.open(node, true)
    if (known('open', file)) return
    const read = file.read(new Uint8Array(READ_MAX), 0, true)
    if (!known('read', read) && read !== Math.min(file.size, READ_MAX)) {
      throw new Violation('same answer', `${read} bytes of ${file.size}`)
    }
    file.close()
  }

  #change(tree: WritableLayer, at: Seen, random: Random): void {
    const dir = (at.mode & S_IFMT) === S_IFDIR ? at.node : at.dir
    const before = listed(tree, dir)
    const name = binaryBytes(random.pick(['a', 'b', 'new', 'z', '.hidden']))
    const failed = this.#make(tree, dir, name, at, random)
    if (failed === undefined) return
    const after = listed(tree, dir)
    if (before !== undefined && after !== undefined && before !== after) {
      throw new Violation('change', `${failed.code}, and yet the directory is another`)
    }
  }

  /** A change of some kind; its Fault if it failed. */
  #make(tree: WritableLayer, dir: Node, name: Uint8Array, at: Seen, random: Random): Fault | undefined {
    const wanted = { mode: random.pick([S_IFREG, S_IFDIR]) | 0o644, umask: 0o022, uid: 0, gid: 0 }
    switch (random.below(8)) {
      case 0: {
        const made = tree.create(dir, name, wanted, true)
        return known('create', made) ? made : this.#there(tree, dir, name)
      }
      case 1:
        return this.#gone(tree, at, tree.unlink(at.dir, at.name))
      case 2:
        return this.#gone(tree, at, tree.rmdir(at.dir, at.name))
      case 3: {
        if (at.name.length === 0) return undefined
        return this.#rename(tree, at, dir, name, random.pick([0, 0, 1, 2]))
      }
      case 4: {
        const linked = tree.link(at.node, dir, name, true)
        return known('link', linked) ? linked : this.#there(tree, dir, name)
      }
      case 5: {
        const set = tree.setxattr(at.node, 'user.k', binaryBytes('v'), 0, true)
        if (known('setxattr', set)) return set
        const value = tree.getxattr(at.node, 'user.k')
        if (known('getxattr', value) || compareBytes(value, binaryBytes('v')) !== 0)
          throw new Violation(
            'change',
            `user.k of a file of mode ${at.mode}: ${value instanceof Fault ? value.code : value.length}`,
          )
        return undefined
      }
      case 6:
        return told('setAttr', tree.setAttr(at.node, { mode: 0o600, mtime: { sec: 1, nsec: 2 } }, true))
      default:
        return this.#write(tree, at.node)
    }
  }

  #rename(tree: WritableLayer, at: Seen, dir: Node, name: Uint8Array, flags: number): Fault | undefined {
    const had = inoOf(tree, at.dir, at.name)
    const moved = tree.rename(at.dir, at.name, dir, name, flags, true)
    if (known('rename', moved)) return moved
    this.#there(tree, dir, name)
    if (flags === RENAME_EXCHANGE) return undefined
    // Of two names of one inode both stay.
    const left = inoOf(tree, at.dir, at.name)
    if (left !== undefined && (left !== had || left !== inoOf(tree, dir, name)))
      throw new Violation('change', 'what was moved is still where it was')
    return undefined
  }

  #write(tree: WritableLayer, node: Node): Fault | undefined {
    const file = tree.openWritable(node, false, true)
    if (known('openWritable', file)) return file
    const failed = file.write(binaryBytes('written'), 3, false)
    if (!known('write', failed)) {
      const into = new Uint8Array(7)
      const read = file.read(into, 3, true)
      if (known('read', read) || compareBytes(into, binaryBytes('written')) !== 0)
        throw new Violation('change', 'written')
    }
    file.close()
    return failed
  }

  #there(tree: WritableLayer, dir: Node, name: Uint8Array): undefined {
    const found = tree.lookup(dir, name)
    if (known('lookup', found) && found.code === 'ENOENT') throw new Violation('change', 'what was made is not there')
  }

  #gone(tree: WritableLayer, { dir, name }: Seen, failed: Fault | undefined): Fault | undefined {
    if (known('remove', failed)) return failed
    const found = tree.lookup(dir, name)
    if (!known('lookup', found) || found.code !== 'ENOENT') throw new Violation('change', 'what was removed is there')
    return undefined
  }
}

/** undefined where even the root can't be had. */
export function overlayOf(layers: readonly Layer<LayerNode>[]): WritableLayer | undefined {
  try {
    const upper = memoryUpper(layers, UPPER_BYTES)
    return new Overlay(layers, upper, { redirectDir: true, metacopy: true }) as unknown as WritableLayer
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

/** Is it a Fault? Everything is here, so nothing is to be waited for. */
function known<T>(what: string, answer: Outcome<T> | Fault | undefined): answer is Fault {
  if (answer instanceof Miss) throw new Violation('no throw', `${what} has to be waited for: ${answer.detail}`)
  return answer instanceof Fault
}

function told(what: string, answer: Fault | undefined): Fault | undefined {
  return known(what, answer) ? answer : undefined
}

/** The number of what has a name; undefined where nothing can be found out. */
function inoOf(tree: WritableLayer, dir: Node, name: Uint8Array): number | undefined {
  const node = tree.lookup(dir, name)
  const attr = newAttr()
  return node instanceof Fault || tree.stat(node, attr) instanceof Fault ? undefined : attr.ino
}

/** Names of a directory, to be compared. */
function listed(tree: WritableLayer, dir: Node): string | undefined {
  const list = tree.readdir(dir)
  return list instanceof Fault ? undefined : list.names.join('/')
}
