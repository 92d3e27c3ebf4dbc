// What the upper of a tree makes different from what is below it, name by name. Not here: what is made of it (changes.ts, and the
// layers of src/oci).
//
// Names are looked at where they are now. A directory that was moved is compared with the one that it was, so that its
// contents differ only where they were changed.

import { Fault, type Outcome } from '../format/errno.js'
import { tooManyEntries } from '../format/limits.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { type Attr, newAttr } from './layer.js'
import { binaryName, type Names } from './listing.js'
import { isDirectory, type LowerPart } from './lower.js'
import { LowerFacts } from './lower-facts.js'
import type { MergedTree } from './merged-tree.js'
import { statUpper } from './upper-attr.js'
import type { UpperInode } from './upper-inode.js'

const { S_IFMT, S_IFREG } = CONSTANTS
/** Directories that may stand below one another: their paths grow with the square, and a path can name 2048 at most. */
const DEPTH_MAX = 1500
const PERMISSIONS = 0o7777

/** What can be different of an entry that was there before. */
export type Difference = 'type' | 'content' | 'target' | 'device' | 'mode' | 'owner' | 'mtime' | 'xattrs' | 'links'

/** A name that stands for something else than before, or is gone. Paths have a character a byte. */
export interface Changed {
  readonly path: string
  /** What it stands for now; undefined for nothing. */
  readonly inode: UpperInode | undefined
  /** The path under which it was before anything was moved. */
  readonly origin: string
  /** What it stood for; undefined for nothing. Of a directory the topmost of those that it merged. */
  readonly before: LowerPart | undefined
  /** Where the directory was that stands there now, if that is elsewhere. */
  readonly from: string | undefined
  /** What is different of what was there, or of what was moved there. */
  readonly what: readonly Difference[]
  /** Of a directory: whether names in it came or went, which has changed its mtime. */
  readonly moves: boolean
}

/** All that is different, sorted name by name, so that what is in a directory stands right behind it. EIO, EUCLEAN of what is below. */
export function differences(
  tree: MergedTree,
  facts: LowerFacts = new LowerFacts(),
  maxEntries = Number.POSITIVE_INFINITY,
): Outcome<Changed[]> {
  const walk = new Differences(tree, facts, maxEntries)
  const failed = walk.run()
  const key = ({ path }: Changed) => path.replaceAll('/', '\0')
  return failed ?? walk.found.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0))
}

/** What two paths or more have in common on the way down. */
interface Place {
  readonly inode: UpperInode
  readonly path: string
  /** The path below where what is under `path` was. */
  readonly origin: string
  /** The directories that were there before. */
  readonly before: readonly LowerPart[]
  /** Whether names that the upper does not have are gone. */
  readonly replaced: boolean
  /** Directories above it. */
  readonly depth: number
}

/** A directory to be looked into. */
interface Waiting {
  readonly place: Place
  /** What it is compared with; undefined for one that is new, which has been told of. */
  readonly was: LowerPart | undefined
  /** Where it was moved from. */
  readonly from: string | undefined
}

class Differences {
  readonly #tree: MergedTree
  readonly #attr: Attr = newAttr()
  readonly #facts: LowerFacts
  readonly #maxEntries: number
  #entries = 0
  readonly found: Changed[] = []
  /** Here and not on the stack: a browser's worker has too little of it for as many as may stand below one another. */
  readonly #waiting: Waiting[] = []

  constructor(tree: MergedTree, facts: LowerFacts, maxEntries: number) {
    this.#tree = tree
    this.#maxEntries = maxEntries
    this.#facts = facts
  }

  run(): Fault | undefined {
    const inode = this.#tree.root
    const before = this.#tree.below(inode)
    if (before instanceof Fault) return before
    const place = { inode, path: '', origin: '', before, replaced: false, depth: 0 }
    this.#waiting.push({ place, was: before[0], from: undefined })
    for (let next = this.#waiting.pop(); next !== undefined; next = this.#waiting.pop()) {
      const failed = this.#directory(next)
      if (failed !== undefined) return failed
    }
    return undefined
  }

  /** A directory and its names. */
  #directory({ place, was, from }: Waiting): Fault | undefined {
    const { inode, path, depth } = place
    if (depth >= DEPTH_MAX) return new Fault('ENAMETOOLONG', 'directories stand too deep')
    const moves = this.#names(place)
    if (moves instanceof Fault || was === undefined) return moves instanceof Fault ? moves : undefined
    const what = this.#compare(inode, was)
    if (what instanceof Fault) return what
    if (what.length > 0 || from !== undefined || place.replaced) {
      this.found.push({ path: path === '' ? '/' : path, origin: place.origin, inode, before: was, from, what, moves })
    }
    return undefined
  }

  /** What is in a directory; whether a name came or went. */
  #names(place: Place): Outcome<boolean> {
    let moves = false
    for (const [name, entry] of place.inode.children ?? []) {
      if (++this.#entries > this.#maxEntries) return tooManyEntries(this.#maxEntries)
      const before = this.#facts.search(this.#tree, place.before, name)
      if (before instanceof Fault) return before
      const path = `${place.path}/${name}`
      if (before.length > 0 !== (entry !== null && !entry.whiteout)) moves = true
      if (entry === null || entry.whiteout) {
        if (before.length > 0) this.#gone(path, `${place.origin}/${name}`, before[0])
        continue
      }
      const failed = this.#entry(place, name, entry, before)
      if (failed !== undefined) return failed
    }
    return place.replaced ? (this.#missing(place) ?? true) : moves
  }

  #gone(path: string, origin: string, before: LowerPart): void {
    this.found.push({ path, origin, inode: undefined, before, from: undefined, what: [], moves: false })
  }

  /** Names that were in a directory which another has taken the place of. */
  #missing({ inode, path, origin, before }: Place): Fault | undefined {
    const names: Names = new Map()
    for (const { lower, node } of before) {
      const list = lower.layer.readdir(node)
      if (list instanceof Fault) return list
      for (let i = 0; i < list.names.length; i++) names.set(binaryName(list, i), 0)
    }
    for (const name of names.keys()) {
      if (inode.children?.has(name)) continue
      const was = this.#facts.search(this.#tree, before, name)
      if (was instanceof Fault) return was
      if (was.length > 0) this.#gone(`${path}/${name}`, `${origin}/${name}`, was[0])
    }
    return undefined
  }

  #entry(place: Place, name: string, inode: UpperInode, before: readonly LowerPart[]): Fault | undefined {
    const path = `${place.path}/${name}`
    const here = `${place.origin}/${name}`
    const was: LowerPart | undefined = before[0]
    const plain = { path, origin: here, inode, before: was, from: undefined, moves: false }
    if (!inode.isDirectory) return this.#single({ ...plain, what: [] })
    const merged = this.#tree.below(inode)
    if (merged instanceof Fault) return merged
    const depth = place.depth + 1
    if (merged.length > 0) {
      this.#merged({ inode, path, origin: here, before: merged, replaced: false, depth }, place, was)
      return undefined
    }
    const replaced = was !== undefined && isDirectory(was.node)
    const inside = { inode, path, origin: here, before: replaced ? before : [], replaced, depth }
    this.#waiting.push({ place: inside, was: replaced ? was : undefined, from: undefined })
    if (!replaced) this.found.push({ ...plain, what: was === undefined ? [] : ['type'] })
    return undefined
  }

  /** A directory that is merged with one below, there or elsewhere. */
  #merged(inside: Place, { origin }: Place, was: LowerPart | undefined): void {
    const { inode, path } = inside
    const { redirect } = inode
    const from = redirect === undefined ? inside.origin : redirect.startsWith('/') ? redirect : `${origin}/${redirect}`
    const isMoved = from !== inside.origin
    if (isMoved && was !== undefined) this.#gone(path, inside.origin, was)
    const place = { ...inside, origin: from }
    this.#waiting.push({ place, was: inside.before[0], from: isMoved ? from : undefined })
  }

  /** What is no directory: there if it is new, or different from what was under the name. */
  #single(changed: Changed): Fault | undefined {
    const { inode, before } = changed
    if (inode === undefined || before === undefined) {
      this.found.push(changed)
      return undefined
    }
    const what = this.#compare(inode, before)
    if (what instanceof Fault) return what
    if (what.length > 0) this.found.push({ ...changed, what })
    return undefined
  }

  #compare(inode: UpperInode, was: LowerPart): Outcome<Difference[]> {
    return compareInode(inode, was, this.#attr, this.#facts)
  }
}

/** What is different of an inode from what is below. The record is overwritten. */
export function compareInode(inode: UpperInode, was: LowerPart, now: Attr, facts: LowerFacts): Outcome<Difference[]> {
  statUpper(inode, now)
  const before = facts.attr(was)
  if (before instanceof Fault) return before
  if ((now.mode & S_IFMT) !== (before.mode & S_IFMT)) return ['type']
  const isDir = inode.isDirectory
  const what: Difference[] = []
  if ((now.mode & S_IFMT) === S_IFREG && contentDiffers(inode, now, before)) what.push('content')
  if (inode.target !== undefined) {
    const target = facts.target(was)
    if (target instanceof Fault) return target
    if (binaryString(target) !== binaryString(inode.target)) what.push('target')
  }
  if (now.rdev !== before.rdev) what.push('device')
  if ((now.mode & PERMISSIONS) !== (before.mode & PERMISSIONS)) what.push('mode')
  if (now.uid !== before.uid || now.gid !== before.gid) what.push('owner')
  if (now.mtimeSec !== before.mtimeSec || now.mtimeNsec !== before.mtimeNsec) what.push('mtime')
  if (!isDir && linksDiffer(now, before)) what.push('links')
  const xattrs = xattrsDiffer(inode, was, facts)
  if (xattrs instanceof Fault) return xattrs
  if (xattrs) what.push('xattrs')
  return what
}

/** Bytes are not compared: a file that was written to counts as changed, as does another file. */
function contentDiffers(inode: UpperInode, now: Attr, before: Readonly<Attr>): boolean {
  return now.size !== before.size || inode.written || inode.origin !== before.ino
}

/** A copy of one of several names is no longer one of those, however many it has by now. */
function linksDiffer(now: Attr, before: Readonly<Attr>): boolean {
  return now.nlink !== before.nlink || (before.nlink > 1 && now.ino !== before.ino)
}

function xattrsDiffer(inode: UpperInode, part: LowerPart, facts: LowerFacts): Outcome<boolean> {
  const was = facts.xattrs(part)
  if (was instanceof Fault) return was
  if ((was?.size ?? 0) !== (inode.xattrs?.size ?? 0)) return true
  for (const [name, value] of inode.xattrs ?? []) {
    const other = was?.get(name)
    if (other === undefined || other.length !== value.length || other.some((byte, i) => byte !== value[i])) return true
  }
  return false
}
