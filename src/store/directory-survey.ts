// Looks over a directory store: is every object what its name says, is there what is needed, and what else lies there?
// Changes nothing, follows no symlink. Builds and gc may go on meanwhile: what goes while it is looked at is no problem.
// Not here: who needs objects (a Claim is somebody's word about one), removing anything (directory-gc.ts).

import fs from 'node:fs'
import { sha256Algorithm, sha512Algorithm } from '../format/hash.js'
import { DirectoryStore } from './directory.js'
import { type Builds, isLeftBehind, readBuilds } from './directory-builds.js'
import { type Counts, type Measured, type MeterOptions, ObjectMeter, SHA256_DIGITS } from './directory-meter.js'
import { codeOf, namesIn, topKind } from './directory-names.js'
import type { Claim, Problem } from './directory-problem.js'
import { treeFault } from './directory-trees.js'
import { leave, type Place, type Walk, walkOf } from './directory-walk.js'
import { isDigestName, objectOfTree, treeName } from './object-name.js'

const FIRST_PART = /^[0-9a-f]{2}$/
/** A whole digest in hex, of SHA-256 or SHA-512, or one without its first two digits. */
const DIGITS = /(?<![0-9a-f])(?:[0-9a-f]{128}|[0-9a-f]{126}|[0-9a-f]{64}|[0-9a-f]{62})(?![0-9a-f])/
/** How deep directories that are no part of a store are searched for objects. */
const FOREIGN_DEPTH = 4
const NS_PER_MS = 1_000_000n

export interface SurveyOptions extends MeterOptions {
  /** By canonical name, and all there are: an object without one is stray. Without `claims`, none is for that. */
  readonly claims?: ReadonlyMap<string, readonly Claim[]>
  readonly report: (problem: Problem) => void
}

/** An entry of a directory: where that is, the entry's name in it, and its path below the store's root. */
interface Entry {
  readonly at: Place
  readonly part: string
  readonly name: string
}

function look({ at, part }: Entry): fs.BigIntStats | undefined {
  return fs.lstatSync(`${at.path}/${part}`, { bigint: true, throwIfNoEntry: false })
}

/** The place of an object. */
function placeOf(digest: string): string {
  return `${digest.slice(0, 2)}/${digest.slice(2)}`
}

function typeOf(stat: fs.BigIntStats): string {
  if (stat.isDirectory()) return 'a directory that is no part of a store'
  if (stat.isSymbolicLink()) return 'a symlink'
  if (stat.isFIFO()) return 'a fifo'
  return stat.isSocket() ? 'a socket' : 'a device'
}

/** What an error says, without paths of the host, which lead through /proc. */
function whyOf(error: unknown, name: string): string {
  if (!(error instanceof Error)) return String(error)
  const code = codeOf(error)
  if ('syscall' in error) return `${error.syscall} failed (${code})`
  const known = `${code}: object ${name}: `
  return error.message.startsWith(known) ? `${error.message.slice(known.length)} (${code})` : error.message
}

/** The digits of a digest that a path spells, in whole or in its last part. */
function digitsIn(name: string): string | undefined {
  const text = name.toLowerCase()
  return (DIGITS.exec(text.replaceAll('/', '')) ?? DIGITS.exec(text.slice(text.lastIndexOf('/') + 1)))?.[0]
}

export class DirectorySurvey {
  /** What was read of objects. */
  readonly counts: Counts = { objects: 0, bytes: 0 }
  /** Registers and temporary files of builds that go on, or may. */
  underWay = 0
  readonly #root: string
  readonly #walk: Walk = walkOf(false)
  readonly #store: DirectoryStore
  readonly #meter: ObjectMeter
  readonly #hashes: MeterOptions
  readonly #claims: SurveyOptions['claims']
  readonly #report: SurveyOptions['report']
  /** Claimed names about which all is said. */
  readonly #done = new Set<string>()
  /** Directories that lead to claimed names out of the layout. */
  readonly #ways = new Set<string>()
  /** Names at which another object's content lies. */
  readonly #wrong = new Set<string>()
  /** Objects of the directory that is looked at whose bytes are not those of their names. */
  readonly #unsound = new Set<string>()
  /** Objects whose trees lie in the directory that is looked at. */
  readonly #treesOf: string[] = []
  /** What gc moved aside, by the object's name. */
  readonly #parked = new Map<string, string>()

  constructor(root: string, options: SurveyOptions) {
    this.#root = root
    this.#store = new DirectoryStore(root)
    this.#meter = new ObjectMeter(this.#store, options)
    this.#hashes = options
    this.#claims = options.claims
    this.#report = options.report
    for (const name of options.claims?.keys() ?? []) {
      if (isDigestName(name)) continue
      for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) this.#ways.add(name.slice(0, at))
    }
  }

  /** Reads the whole store and reports what is wrong with it. Throws the host's error when it can't be read at all. */
  run(): void {
    const at = this.#walk.stepSync({ path: this.#root, fd: -1 }, '.')
    const now = BigInt(Date.now()) * NS_PER_MS
    try {
      const builds = readBuilds(at.path, now)
      for (const part of namesIn(at.path)) {
        this.#guarded(part, () => this.#topEntry({ at, part, name: part }, builds, now))
      }
    } finally {
      leave(at)
    }
    this.#checkClaims()
  }

  /** What can't be looked at is a problem, what is gone is none. */
  #guarded(object: string, visit: () => void): void {
    try {
      visit()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return
      this.#done.add(object)
      this.#report({ kind: 'unreadable', object, why: whyOf(error, object) })
    }
  }

  /** Calls back for each entry of a directory. */
  #inside({ at, part, name }: Entry, visit: (entry: Entry) => void): void {
    const below = this.#walk.stepSync(at, part)
    try {
      for (const inner of namesIn(below.path)) {
        const entry = { at: below, part: inner, name: `${name}/${inner}` }
        this.#guarded(entry.name, () => visit(entry))
      }
    } finally {
      leave(below)
    }
  }

  #topEntry(entry: Entry, builds: Builds, now: bigint): void {
    const { name } = entry
    const stat = look(entry)
    if (stat === undefined) return
    if (FIRST_PART.test(name) && stat.isDirectory()) {
      this.#inside(entry, inner => this.#objectEntry(inner))
      this.#checkTrees()
      return
    }
    const top = stat.isFile() ? topKind(name) : undefined
    if (top === undefined) {
      this.#foreign(entry, stat, 1, false)
      return
    }
    if (top.kind === 'parked') this.#parked.set(top.object, name)
    const left = {
      parked: () => true,
      register: () => builds.stale.has(name),
      temporary: () => isLeftBehind(stat.mtimeNs, builds, now),
    }[top.kind]()
    if (!left) {
      this.underWay++
      return
    }
    const why = {
      parked: 'an object that a gc moved aside; the next one puts it back or removes it',
      register: 'the register of a build that is gone',
      temporary: 'a temporary file that was left behind',
    }[top.kind]
    this.#report({ kind: 'stray', object: name, why, size: Number(stat.size) })
  }

  #objectEntry(entry: Entry): void {
    const stat = look(entry)
    if (stat === undefined) return
    const treeOf = stat.isFile() && this.#claims?.has(entry.name) !== true ? objectOfTree(entry.name) : undefined
    if (isDigestName(entry.name) && stat.isFile()) this.#object(entry.name)
    else if (treeOf !== undefined) this.#treesOf.push(treeOf)
    else this.#foreign(entry, stat, 2, false)
  }

  /** Trees beside objects that were looked at: what those say of themselves comes first. */
  #checkTrees(): void {
    for (const object of this.#treesOf) {
      const name = treeName(object)
      this.#guarded(name, () => {
        if (!this.#meter.isThere(object)) {
          this.#report({ kind: 'stray', object: name, why: 'the Merkle tree of an object that is not there' })
        } else if (!this.#unsound.has(object)) {
          const { sha256, sha512 } = this.#hashes
          const hash = object.length > SHA256_DIGITS + 1 ? sha512Algorithm(sha512) : sha256Algorithm(sha256)
          const wrong = treeFault(this.#store, object, hash)
          if (wrong !== undefined) {
            this.#report({ kind: 'altered', object: name, why: `not the Merkle tree of its object: ${wrong}` })
          }
        }
      })
    }
    this.#treesOf.length = 0
    this.#unsound.clear()
  }

  #object(name: string): void {
    const measured = this.#measureObject(name, name.length - 1)
    const { digest, size } = measured
    const belongs = placeOf(digest)
    const claims = this.#claims?.get(name)
    if (belongs === name) {
      this.#done.add(name)
      if (claims !== undefined) this.#compare(name, measured, claims)
      else if (this.#claims !== undefined) this.#report({ kind: 'stray', object: name, why: 'nobody needs it', size })
      return
    }
    this.#unsound.add(name)
    const isMeant = belongs.slice(3) === name.slice(3) || this.#claims?.has(belongs) === true
    if (isMeant && !this.#meter.isThere(belongs)) {
      this.#wrong.add(name)
      this.#report({ kind: 'misplaced', object: name, why: `belongs at ${belongs}`, digest, size, belongs })
      return
    }
    this.#done.add(name)
    this.#report({ kind: 'altered', object: name, why: `digest is ${digest}`, digest, size, neededBy: claims?.[0].by })
  }

  #measureObject(name: string, digits: number): Measured {
    const measured = this.#meter.measure(name, digits)
    this.counts.objects++
    this.counts.bytes += measured.size
    return measured
  }

  /** What is no object by its place. In a directory that was reported only misplaced objects are of interest still. */
  #foreign(entry: Entry, stat: fs.BigIntStats, depth: number, reported: boolean): void {
    const { name } = entry
    if (stat.isFile()) {
      if (this.#claims?.has(name) !== true) this.#foreignFile(name, stat, reported)
      return
    }
    const isWay = stat.isDirectory() && this.#ways.has(name)
    if (!reported && !isWay) this.#report({ kind: 'stray', object: name, why: typeOf(stat) })
    if (!stat.isDirectory() || (!isWay && depth >= FOREIGN_DEPTH)) return
    this.#inside(entry, inner => {
      const innerStat = look(inner)
      if (innerStat !== undefined) this.#foreign(inner, innerStat, depth + 1, reported || !isWay)
    })
  }

  #foreignFile(name: string, stat: fs.BigIntStats, reported: boolean): void {
    const digits = digitsIn(name)
    if (digits !== undefined) {
      const whole = digits.length % SHA256_DIGITS === 0 ? digits.length : digits.length + 2
      const { digest, size } = this.#meter.measure(name, whole)
      const belongs = placeOf(digest)
      if (digest.endsWith(digits) && !this.#meter.isThere(belongs)) {
        this.#report({ kind: 'misplaced', object: name, why: `belongs at ${belongs}`, digest, size, belongs })
        return
      }
    }
    if (!reported) this.#report({ kind: 'stray', object: name, why: 'no object by its name', size: Number(stat.size) })
  }

  /** Holds what lies at a name against what is said of it. */
  #compare(name: string, { digest, size }: Measured, claims: readonly Claim[]): void {
    for (const claim of claims) {
      const { by: neededBy } = claim
      const found = { kind: 'altered', object: name, digest, size, neededBy } as const
      if (claim.size !== size) this.#report({ ...found, why: `has ${size} bytes, ${neededBy} says ${claim.size}` })
      else if (claim.digest !== undefined && claim.digest !== digest) {
        this.#report({ ...found, why: `digest is ${digest}, ${neededBy} says ${claim.digest}` })
      }
    }
  }

  /** Those not met in the walk: missing, out of the layout, or put there meanwhile. */
  #checkClaims(): void {
    for (const [object, claims] of this.#claims ?? []) {
      if (this.#done.has(object)) continue
      const neededBy = claims[0].by
      const missing = (why: string) =>
        this.#report({ kind: 'missing', object, why: `${why}, needed by ${neededBy}`, neededBy })
      if (this.#wrong.has(object)) {
        missing('what lies there is another object')
        continue
      }
      const digits = claims.find(claim => claim.digest !== undefined)?.digest?.length ?? SHA256_DIGITS
      try {
        if (isDigestName(object)) this.#object(object)
        else this.#compare(object, this.#measureObject(object, digits), claims)
      } catch (error) {
        const parked = this.#parked.get(object)
        if (parked !== undefined) missing(`a gc moved it aside to ${parked}`)
        else if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) missing(whyOf(error, object))
        else this.#report({ kind: 'unreadable', object, why: whyOf(error, object), neededBy })
      }
    }
  }
}
