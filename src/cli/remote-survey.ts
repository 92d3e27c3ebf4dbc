// Looks over a store at a URL, as src/store/directory-survey.ts does a directory: is every object what its name says, is there
// what images need, and what else lies there? A bucket is listed; a web server can't be, so that only what images need is
// looked at there. Changes nothing. Not here: who needs objects.

import { Fault, faultError } from '../format/errno.js'
import { sha256Algorithm, sha512Algorithm } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { merkleTreeLength } from '../format/merkle-tree.js'
import { VerityHasher } from '../format/verity.js'
import { sha256, sha512 } from '../host/hash.js'
import { isFreshMark, MARKS } from '../publish/s3-target.js'
import { readWhole } from '../source/whole.js'
import type { Claim, Problem } from '../store/directory-problem.js'
import { isDigestName, objectOfTree, treeName } from '../store/object-name.js'
import type { ObjectStore } from '../store/object-store.js'
import { S3Store } from '../store/s3.js'
import { reason } from './failure.js'
import { inLanes } from './lanes.js'
import { RemotePlaces } from './remote.js'

/** Objects read at once, and bytes of each that are. */
const AT_ONCE = 8
const PIECE = 4 << 20
const SHA256_DIGITS = 64
/** Of smaller objects nobody asks for a tree, so that none is looked for where there is no list. */
const TREE_FROM = 2 ** 20

export interface RemoteSurveyOptions {
  /** By canonical name; without them, no object is stray for want of one. */
  readonly claims: ReadonlyMap<string, readonly Claim[]> | undefined
  readonly report: (problem: Problem) => void
  readonly expect: (objects: number, bytes: number) => void
  readonly step: (objects: number, bytes: number) => void
}

interface Measured {
  readonly digest: string
  /** Bytes. */
  readonly size: number
  readonly tree: () => Uint8Array
}

function placeOf(digest: string): string {
  return `${digest.slice(0, 2)}/${digest.slice(2)}`
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

export class RemoteSurvey {
  readonly counts = { objects: 0, bytes: 0 }
  /** Marks of those who push. */
  underWay = 0
  /** Whether all that is in the store was looked at. */
  readonly listed: boolean
  readonly #store: ObjectStore
  readonly #options: RemoteSurveyOptions
  /** Bytes by name, of a store that is listed. */
  readonly #sizes = new Map<string, number>()
  readonly #wrong = new Set<string>()
  readonly #done = new Set<string>()

  /** Throws EINVAL for a store that can't be listed, where nobody says which objects there should be. */
  constructor(url: string, options: RemoteSurveyOptions) {
    this.#store = new RemotePlaces().store(url)
    this.#options = options
    this.listed = this.#store instanceof S3Store
    if (!this.listed && options.claims === undefined) {
      const why = "a web server can't be listed: give the IMAGEs whose objects are to be looked at"
      throw faultError(new Fault('EINVAL', why), this.#store.label)
    }
  }

  /** Reads it all. Rejects when the store can't be listed at all. */
  async run(): Promise<void> {
    const { claims, expect } = this.#options
    if (this.#store instanceof S3Store) {
      for await (const { name, size, modified } of this.#store.entries()) this.#note(name, size, modified)
    }
    const names = this.listed ? [...this.#sizes.keys()] : [...(claims?.keys() ?? [])]
    const objects = names.filter(name => isDigestName(name) || claims?.has(name) === true)
    for (const name of objects) expect(1, this.#sizes.get(name) ?? claims?.get(name)?.[0].size ?? 0)
    await inLanes(objects, AT_ONCE, name => this.#object(name))
    for (const name of names) this.#other(name)
    this.#checkClaims()
  }

  #note(name: string, size: number, modified: number): void {
    if (!name.startsWith(`${MARKS}/`)) this.#sizes.set(name, size)
    else if (isFreshMark(modified)) this.underWay++
    else this.#options.report({ kind: 'stray', object: name, why: 'the mark of a push that was broken off', size })
  }

  async #object(name: string): Promise<void> {
    const { claims } = this.#options
    const claimed = claims?.get(name)
    const digits = isDigestName(name) ? name.length - 1 : (claimed?.[0].digest?.length ?? SHA256_DIGITS)
    let measured: Measured
    try {
      measured = await this.#measure(name, digits)
    } catch (error) {
      // What went while it was looked at is no problem; if it is needed, that is said of what is missing.
      if (isMissing(error)) return
      this.#done.add(name)
      const why = reason(error)
      this.#options.report({ kind: 'unreadable', object: name, why, ...(claimed && { neededBy: claimed[0].by }) })
      return
    }
    this.counts.objects++
    this.counts.bytes += measured.size
    if (this.#judge(name, measured)) await this.#checkTree(name, measured)
  }

  async #measure(name: string, digits: number): Promise<Measured> {
    const hash = digits === SHA256_DIGITS ? sha256Algorithm(sha256) : sha512Algorithm(sha512)
    const hasher = new VerityHasher(hash)
    const source = await this.#store.open(name)
    try {
      while (hasher.size < source.size) {
        const piece = await source.read(hasher.size, PIECE)
        if (piece.length === 0) throw faultError(new Fault('EIO', `ends after ${hasher.size} bytes`), name)
        hasher.update(piece)
        this.#options.step(0, piece.length)
      }
    } finally {
      source.close()
    }
    this.#options.step(1, 0)
    return { digest: toHex(hasher.digest()), size: hasher.size, tree: () => hasher.tree() }
  }

  /** Holds an object against its name and what is said of it. Is it what its name says? */
  #judge(name: string, measured: Measured): boolean {
    const { claims, report } = this.#options
    const { digest, size } = measured
    const claimed = claims?.get(name)
    const belongs = placeOf(digest)
    if (isDigestName(name) && belongs !== name) {
      const isMeant = belongs.slice(3) === name.slice(3) || claims?.has(belongs) === true
      if (isMeant && this.listed && !this.#sizes.has(belongs)) {
        this.#wrong.add(name)
        report({ kind: 'misplaced', object: name, why: `belongs at ${belongs}`, digest, size, belongs })
        return false
      }
      this.#done.add(name)
      const neededBy = claimed?.[0].by
      report({ kind: 'altered', object: name, why: `digest is ${digest}`, digest, size, neededBy })
      return false
    }
    this.#done.add(name)
    if (claimed !== undefined) this.#compare(name, measured, claimed)
    else if (claims !== undefined) report({ kind: 'stray', object: name, why: 'nobody needs it', size })
    return true
  }

  #compare(name: string, { digest, size }: Measured, claims: readonly Claim[]): void {
    for (const claim of claims) {
      const { by: neededBy } = claim
      const found = { kind: 'altered', object: name, digest, size, neededBy } as const
      const { report } = this.#options
      if (claim.size !== size) report({ ...found, why: `has ${size} bytes, ${neededBy} says ${claim.size}` })
      else if (claim.digest !== undefined && claim.digest !== digest) {
        report({ ...found, why: `digest is ${digest}, ${neededBy} says ${claim.digest}` })
      }
    }
  }

  /** The Merkle tree beside an object, where there is one, has to be that of the object. */
  async #checkTree(object: string, measured: Measured): Promise<void> {
    const name = treeName(object)
    if (this.listed ? !this.#sizes.has(name) : measured.size <= TREE_FROM) return
    try {
      const source = await this.#store.open(name)
      try {
        const { size } = source
        const isRight =
          size === merkleTreeLength(measured.size, measured.digest.length === SHA256_DIGITS ? 32 : 64) &&
          Buffer.compare(await readWhole(source), measured.tree()) === 0
        if (isRight) return
        this.#options.report({ kind: 'altered', object: name, why: 'not the Merkle tree of its object', size })
      } finally {
        source.close()
      }
    } catch (error) {
      if (!isMissing(error)) this.#options.report({ kind: 'unreadable', object: name, why: reason(error) })
    }
  }

  /** What is no object. */
  #other(name: string): void {
    const { claims, report } = this.#options
    if (isDigestName(name) || claims?.has(name) === true) return
    const size = this.#sizes.get(name)
    const object = objectOfTree(name)
    if (object === undefined) report({ kind: 'stray', object: name, why: 'no object by its name', size })
    else if (!this.#sizes.has(object)) {
      report({ kind: 'stray', object: name, why: 'the Merkle tree of an object that is not there', size })
    }
  }

  #checkClaims(): void {
    for (const [object, claims] of this.#options.claims ?? []) {
      if (this.#done.has(object)) continue
      const neededBy = claims[0].by
      const why = this.#wrong.has(object) ? 'what lies there is another object' : 'is not in the store'
      this.#options.report({ kind: 'missing', object, why: `${why}, needed by ${neededBy}`, neededBy })
    }
  }
}
