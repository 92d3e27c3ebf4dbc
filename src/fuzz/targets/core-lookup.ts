// Paths that someone might ask for: names of the image, changed. Invariants: those of CORE_INVARIANTS, and
// - in steps: what a path without links and dots leads to, its names lead to one by one
// - chain: the directories on the way to an answer are directories, the start first

import type { CoreImage } from '../../../wasm/core-image.js'
import { CONSTANTS, QUERY_FLAGS } from '../../format/structs.js'
import { CORE_INVARIANTS, CoreTarget } from '../core-target.js'
import { Random } from '../random.js'
import { Violation } from '../target.js'
import { type FoundInode, foundInodes } from './inodes.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
const INODES_MAX = 32
const PATHS = 6
const SLASH = 0x2f
const FLAGS = [0, QUERY_FLAGS.Q_FOLLOW, QUERY_FLAGS.Q_STOP_SYMLINK, QUERY_FLAGS.Q_FOLLOW | QUERY_FLAGS.Q_STOP_ABOVE]

/** A number that follows from an input. */
function sampled(input: Uint8Array): number {
  let sum = input.length
  for (let i = 0; i < input.length; i += 61) sum = (Math.imul(sum, 31) + input[i]) | 0
  return sum
}

export class CoreLookupTarget extends CoreTarget {
  readonly name = 'look-up'
  readonly invariants = [
    ...CORE_INVARIANTS,
    'in steps: a plain path leads where its names lead one by one',
    'chain: the way to an answer is made of directories, the start first',
  ]
  readonly #encoder = new TextEncoder()

  protected ask(image: CoreImage, input: Uint8Array): void {
    const root = this.rootOf(image)
    const found = this.asked('readdir', () => foundInodes(image, root, INODES_MAX))
    const random = new Random(sampled(input))
    for (let left = PATHS; left > 0; left--) {
      const names = this.#names(found, random)
      const path = this.#path(names, random)
      this.#resolve(image, root, path, random)
      this.#steps(image, root, names)
    }
  }

  /** Names on the way to an inode, or some of any. */
  #names(found: readonly FoundInode[], random: Random): Uint8Array[] {
    const names: Uint8Array[] = []
    let inode = random.pick(found)
    for (let left = 12; left > 0 && inode.name.length > 0; left--) {
      names.unshift(inode.name)
      inode = found.find(({ nid }) => nid === inode.dir) ?? found[0]
    }
    if (random.once(4)) names.push(random.pick(found).name)
    return names.filter(name => name.length > 0)
  }

  /** A path of the names with dots, slashes and bytes that were not there. */
  #path(names: readonly Uint8Array[], random: Random): Uint8Array {
    const parts = [...names]
    if (random.once(2))
      parts.splice(random.below(parts.length + 1), 0, this.#encoder.encode(random.pick(['.', '..', '', 'x'])))
    const bytes = parts.flatMap(part => [SLASH, ...part])
    if (random.once(4)) bytes.push(SLASH)
    if (random.once(8) && bytes.length > 0) bytes[random.below(bytes.length)] = random.next() & 0xff
    return Uint8Array.from(bytes)
  }

  #resolve(image: CoreImage, root: number, path: Uint8Array, random: Random): void {
    const flags = random.pick(FLAGS)
    this.answer(
      'statPath',
      this.asked('statPath', () => image.statPath(path, flags)),
    )
    const found = this.answer(
      'resolve',
      this.asked('resolve', () => image.resolve(root, path, flags)),
    )
    if (found < 0) return
    const chain = image.chain()
    if (chain.length > 0 && chain[0] !== root) throw new Violation('chain', `begins with ${chain[0]}`)
    for (const nid of chain) {
      const read = this.asked('stat', () => image.stat(nid))
      if (read < 0 || (image.mode() & S_IFMT) !== S_IFDIR) throw new Violation('chain', `${nid} is no directory`)
    }
  }

  #steps(image: CoreImage, root: number, names: readonly Uint8Array[]): void {
    const path = Uint8Array.from(names.flatMap(name => [SLASH, ...name]))
    const plain = names.length > 0 && path.length < CONSTANTS.PATH_MAX
    const whole = plain ? this.asked('statPath', () => image.statPath(path, QUERY_FLAGS.Q_STOP_SYMLINK)) : -1
    if (whole < 0 || image.atLink) return
    const wanted = image.nid()
    let dir = root
    for (const name of names) {
      const r = this.asked('lookup', () => image.lookup(dir, name, 0))
      if (r < 0) throw new Violation('in steps', `a name answers ${r}, the path was found`)
      dir = image.nid()
    }
    if (dir !== wanted) throw new Violation('in steps', `${dir}, the path leads to ${wanted}`)
  }
}
