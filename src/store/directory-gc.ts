// Collects garbage in a directory store: removes objects that nobody needs, safe beside builds that go on, without locks.
// The Merkle tree of an object (`xx/yyyy….verity`) stays and goes with it.
// What is not in the objects' layout (`xx/yyyy…`, SHA-256 or SHA-512) is never touched, nor what the name of a register,
// a temporary file or a parked object does not fit. Not here: which objects are needed, and who says so.
//
// The rules. Times are the file system's own, read off files: clocks of hosts that share a store differ.
//   build  B1  registers (directory-builds.ts) before it looks at the store; ends that when its image is in its place
//          B2  writes an object to a temporary file and renames it
//          B3  relies on an object that it finds only after it freshened it: set its mtime, then seen it stand there
//              still (directory-keep.ts). When that fails it goes by B2
//   gc     G1  takes as cut-off its own start, or that of the oldest build that is registered, then only learns which
//              objects are needed, then only reads the store (the caller asks between `begin` and `collect`)
//          G2  leaves what is needed, and what was changed at the cut-off or later by its ctime, which B2 and B3 set and
//              no copying tool sets back
//          G3  parks any other object: renames it to `.gc-DIGITS-XXXXXXXXXX` in the store's top directory
//          G4  looks again: if what it parked is not what it looked at in G2 (inode or mtime), or can't be told, it puts
//              it back by link(), which leaves a copy alone that has come meanwhile; else it unlinks it
//
// Why a build finds at its end what it relies on:
//   - Its register is seen in G1: all it put or freshened is younger than the cut-off, so G2 keeps it.
//   - It registered after G1 looked: so did it all else, and G2 keeps what it put or freshened before G2 looked. Freshened
//     between G2 and G3: G4 sees the mtime. Freshened after G3: the object is not there, so it puts its own. Looked up
//     before G3, its time set after G4: it does not stand there any more, which is why B3 looks again. Put in place
//     between G2 and G3: G4 sees another inode. Put after G3: the link in G4 fails, its copy stays.
//   - Its register was gone before G1 looked: its image was in its place by then, and the caller reads images after G1.
//     (An image whose very name the caller learned before, and did not have then, is not among those. A list of images
//     has to be complete when gc is started.)
//   - Two gc at once: the second finds nothing to rename, or what came meanwhile, and looks again as above. What one has
//     parked the other treats by G2, so that it goes back if a build may rely on it, and otherwise to where it was going.
//   - A gc that is killed after G3 leaves an object parked. It is put back, if needed or younger than the cut-off, by the
//     next gc, and in any case by the end of the next build; nothing of it is lost. Only for a build that ends between
//     that kill and these can it be missing so long, and fsck says so.
// Between G3 and G4 a reader can find an object missing that a build has just freshened: for some microseconds.
// It takes for granted that the file system's clock does not go back while a build runs, and that who looks sees what
// others did before, as on local file systems (on NFS: mounted with `noac`).
// mkcomposefs of the C project neither registers nor freshens: beside it gc is safe for objects that it writes after G1
// (its temporary files are left for a day), not for those that it writes before and those that it re-uses.

import fs from 'node:fs'
import { join } from 'node:path'
import { type Builds, isLeftBehind, readBuilds } from './directory-builds.js'
import { unpark } from './directory-keep.js'
import { codeOf, namesIn, parkedName, temporaryName, topKind } from './directory-names.js'
import { leave, type Place, type Walk, walkOf } from './directory-walk.js'
import { isDigestName, objectOfTree } from './object-name.js'

const FIRST_PART = /^[0-9a-f]{2}$/
const NS_PER_MS = 1_000_000n

export interface GcOptions {
  /** Changes nothing, not even for a moment: the time is then this host's. */
  readonly dryRun?: boolean
  /** Is told of each object that was removed, or would be. */
  readonly removed?: (name: string, size: number) => void
  /** Is told after each of the store's 256 directories at most. */
  readonly step?: () => void
}

export interface GcReport {
  /** Objects, and bytes in them. */
  removed: number
  removedBytes: number
  /** Merkle trees of objects that are not there (any more), removed; their bytes count. */
  trees: number
  /** Kept since they are needed. */
  needed: number
  /** Kept since a build that goes on, or went on meanwhile, may rely on them. */
  fresh: number
  /** Temporary files, registers and parked objects that nobody has any more, removed. */
  leftovers: number
  leftoverBytes: number
  /** Objects that a gc which was killed had parked, put back. */
  restored: number
  /** What could not be looked at or removed. */
  readonly failures: { readonly name: string; readonly error: unknown }[]
}

/** What tells that a file is another, or was freshened. */
interface Looked {
  readonly dev: bigint
  readonly ino: bigint
  readonly mtimeNs: bigint
  readonly size: bigint
}

function look(path: string): fs.BigIntStats | undefined {
  return fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
}

/** The time of a file system: that of a file which is made for this. Throws the host's error. */
function fileSystemTime(root: string): bigint {
  for (;;) {
    const path = join(root, temporaryName())
    let fd: number
    try {
      fd = fs.openSync(path, 'wx')
    } catch (error) {
      if (codeOf(error) === 'EEXIST') continue
      throw error
    }
    try {
      return fs.fstatSync(fd, { bigint: true }).ctimeNs
    } finally {
      fs.closeSync(fd)
      fs.rmSync(path, { force: true })
    }
  }
}

export class GarbageCollector {
  /** Builds that went on at `begin`. */
  readonly builds: Builds
  readonly #walk: Walk
  readonly #root: Place
  readonly #options: GcOptions
  readonly #now: bigint
  readonly #cutOff: bigint
  readonly #report: GcReport = {
    removed: 0,
    removedBytes: 0,
    trees: 0,
    needed: 0,
    fresh: 0,
    leftovers: 0,
    leftoverBytes: 0,
    restored: 0,
    failures: [],
  }

  private constructor(walk: Walk, root: Place, now: bigint, options: GcOptions) {
    this.#walk = walk
    this.#root = root
    this.#options = options
    this.#now = now
    this.builds = readBuilds(root.path, now)
    const { since } = this.builds
    this.#cutOff = since !== undefined && since < now ? since : now
  }

  /** Takes the cut-off. Read the images that need objects only after this. Throws the host's error. */
  static begin(root: string, options: GcOptions = {}): GarbageCollector {
    const walk = walkOf(false)
    const place = walk.stepSync({ path: root, fd: -1 }, '.')
    try {
      const now = options.dryRun === true ? BigInt(Date.now()) * NS_PER_MS : fileSystemTime(place.path)
      return new GarbageCollector(walk, place, now, options)
    } catch (error) {
      leave(place)
      throw error
    }
  }

  /** Gives back the directory. */
  close(): void {
    leave(this.#root)
  }

  /**
   * Removes the objects that are not in `needed`, save what builds may rely on, and what was left behind. One that can't
   * be removed is in the report, and the others go on. Throws the host's error when the store can't be read at all.
   */
  collect(needed: ReadonlySet<string>): GcReport {
    this.#eachName('', this.#root, name => this.#topEntry(name, needed))
    this.#eachName('', this.#root, name => {
      if (FIRST_PART.test(name)) this.#directory(name, needed)
    })
    return this.#report
  }

  /** One name's failure does not end the others; what is gone when it is looked at is none. */
  #eachName(prefix: string, place: Place, visit: (name: string) => void): void {
    for (const name of namesIn(place.path)) {
      this.#guarded(prefix + name, () => visit(name))
    }
  }

  #guarded(name: string, visit: () => void): void {
    try {
      visit()
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#report.failures.push({ name, error })
    }
  }

  #topEntry(name: string, needed: ReadonlySet<string>): void {
    const top = topKind(name)
    if (top === undefined) return
    const stat = look(`${this.#root.path}/${name}`)
    if (stat === undefined || !stat.isFile()) return
    if (top.kind === 'parked') {
      if (needed.has(top.object) || stat.ctimeNs >= this.#cutOff) this.#restore(name, top.object)
      else this.#dropLeftover(name, stat.size)
    } else if (top.kind === 'register') {
      if (this.builds.stale.has(name)) this.#dropLeftover(name, stat.size)
    } else if (isLeftBehind(stat.mtimeNs, this.builds, this.#now)) this.#dropLeftover(name, stat.size)
  }

  #restore(name: string, object: string): void {
    if (this.#options.dryRun === true || unpark(this.#walk, this.#root, name, object)) this.#report.restored++
  }

  #dropLeftover(name: string, size: bigint): void {
    if (this.#options.dryRun !== true) fs.rmSync(`${this.#root.path}/${name}`, { force: true })
    this.#report.leftovers++
    this.#report.leftoverBytes += Number(size)
  }

  #directory(first: string, needed: ReadonlySet<string>): void {
    const stat = look(`${this.#root.path}/${first}`)
    if (stat === undefined || !stat.isDirectory()) return
    const place = this.#walk.stepSync(this.#root, first)
    try {
      const trees: string[] = []
      const gone = new Set<string>()
      this.#eachName(`${first}/`, place, second => {
        const name = `${first}/${second}`
        const treeOf = objectOfTree(name)
        if (treeOf !== undefined && !needed.has(treeOf)) trees.push(second)
        if (isDigestName(name) && this.#object(name, `${place.path}/${second}`, needed)) gone.add(name)
      })
      for (const second of trees) this.#guarded(`${first}/${second}`, () => this.#tree(place, first, second, gone))
    } finally {
      leave(place)
    }
    this.#options.step?.()
  }

  /** True when it was removed, or would be. */
  #object(name: string, path: string, needed: ReadonlySet<string>): boolean {
    if (needed.has(name)) {
      this.#report.needed++
      return false
    }
    const stat = look(path)
    if (stat === undefined || !stat.isFile()) return false
    if (stat.ctimeNs >= this.#cutOff) {
      this.#report.fresh++
      return false
    }
    if (this.#options.dryRun !== true && !this.#remove(name, path, stat)) return false
    this.#report.removed++
    this.#count(name, stat.size)
    return true
  }

  #count(name: string, size: bigint): void {
    this.#report.removedBytes += Number(size)
    this.#options.removed?.(name, Number(size))
  }

  /**
   * A Merkle tree stays while its object does, or when it is as young as what is kept. Nobody relies on it: should it go
   * in the moment in which its object comes, then reads of that cost more.
   */
  #tree(place: Place, first: string, second: string, gone: ReadonlySet<string>): void {
    const name = `${first}/${second}`
    const object = objectOfTree(name) as string
    const isGone = look(`${place.path}/${object.slice(first.length + 1)}`) === undefined
    if (!isGone && !(this.#options.dryRun === true && gone.has(object))) return
    const path = `${place.path}/${second}`
    const stat = look(path)
    if (stat === undefined || !stat.isFile() || stat.ctimeNs >= this.#cutOff) return
    if (this.#options.dryRun !== true) fs.unlinkSync(path)
    this.#report.trees++
    this.#count(name, stat.size)
  }

  /** G3 and G4; true when it is gone by our doing. */
  #remove(name: string, path: string, seen: Looked): boolean {
    const parked = parkedName(name)
    const parkedPath = `${this.#root.path}/${parked}`
    try {
      fs.renameSync(path, parkedPath)
    } catch (error) {
      // Another gc has it.
      if (codeOf(error) === 'ENOENT') return false
      throw error
    }
    let same = false
    try {
      const now = look(parkedPath)
      if (now === undefined) return false
      same = now.dev === seen.dev && now.ino === seen.ino && now.mtimeNs === seen.mtimeNs
    } finally {
      if (!same && unpark(this.#walk, this.#root, parked, name)) this.#report.fresh++
    }
    if (same) fs.rmSync(parkedPath, { force: true })
    return same
  }
}
