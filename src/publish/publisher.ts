// Publishes images: brings to a target the objects that it lacks, then the images that need them. The order makes it safe
// to be stopped at any point and run again: an object goes before its tree, everything before the image, and what is
// there is not brought again. Not here: what images need (a Wanted is somebody's word), kinds of targets.

import { Fault, faultError } from '../format/errno.js'
import type { HashAlgorithm } from '../format/hash.js'
import { merkleTreeLength } from '../format/merkle-tree.js'
import type { ByteSource } from '../source/byte-source.js'
import { isDigestName, treeName } from '../store/object-name.js'
import type { ObjectStore } from '../store/object-store.js'
import { type Expected, Outgoing } from './outgoing.js'
import type { Target } from './target.js'

export interface PublishedImage {
  /** Its name at the target. */
  readonly name: string
  readonly bytes: Uint8Array
  readonly tree: Uint8Array | undefined
}

export interface PublisherOptions {
  readonly sha256: HashAlgorithm
  readonly sha512: HashAlgorithm
  /** Objects brought at once. */
  readonly jobs: number
  /** Whether large objects get their Merkle trees. */
  readonly trees: boolean
  readonly dryRun: boolean
  /** There is this much more to bring, and this much of it has been brought. */
  readonly expect: (objects: number, bytes: number) => void
  readonly step: (objects: number, bytes: number) => void
  /** Is told of each object that was brought, or would be. */
  readonly brought: (name: string) => void
}

export interface Count {
  count: number
  bytes: number
}

export interface PublishReport {
  readonly uploaded: Count
  readonly present: Count
  readonly trees: Count
  readonly images: { readonly name: string; readonly bytes: number; readonly uploaded: boolean }[]
  /** What could not be brought; images are then left alone. */
  readonly failures: { readonly name: string; readonly error: unknown }[]
}

/** Objects of more bytes get a Merkle tree: of smaller ones readers do not ask for it. */
const TREE_FROM = 2 ** 20
/** Objects of no more bytes go in one piece. */
const WHOLE_MAX = 8 * 2 ** 20

/** What is to be done about one object. */
interface Job {
  readonly wanted: Expected
  readonly object: 'there' | 'missing' | 'wrong'
  readonly tree: 'no' | 'missing' | 'wrong'
}

export class Publisher {
  readonly report: PublishReport = {
    uploaded: { count: 0, bytes: 0 },
    present: { count: 0, bytes: 0 },
    trees: { count: 0, bytes: 0 },
    images: [],
    failures: [],
  }
  readonly #store: ObjectStore
  readonly #target: Target
  readonly #options: PublisherOptions

  constructor(store: ObjectStore, target: Target, options: PublisherOptions) {
    this.#store = store
    this.#target = target
    this.#options = options
  }

  /** Brings it all. Rejects where the target can't be asked at all; what is wrong with single objects is in the report. */
  async run(wanted: readonly Expected[], images: readonly PublishedImage[]): Promise<void> {
    const end = this.#options.dryRun ? undefined : await this.#target.begin()
    try {
      const jobs = await this.#plan(wanted)
      await this.#checkSources(jobs)
      if (this.report.failures.length > 0) return
      await this.#each(jobs, job => this.#object(job))
      if (this.report.failures.length > 0) return
      for (const image of images) await this.#image(image)
    } finally {
      await end?.()
    }
  }

  #wantsTree({ size, digest }: Expected): boolean {
    return this.#options.trees && size > TREE_FROM && digest?.length === SHA256_DIGITS
  }

  async #plan(wanted: readonly Expected[]): Promise<Job[]> {
    const names = wanted.flatMap(one => (this.#wantsTree(one) ? [one.name, treeName(one.name)] : [one.name]))
    const sizes = await this.#target.sizes(names, this.#options.jobs)
    const state = (name: string, size: number) => {
      const found = sizes.get(name)
      return found === undefined ? 'missing' : found === size ? 'there' : 'wrong'
    }
    const jobs = wanted.map((one): Job => {
      const tree = this.#wantsTree(one) ? state(treeName(one.name), merkleTreeLength(one.size, 32)) : 'there'
      return { wanted: one, object: state(one.name, one.size), tree: tree === 'there' ? 'no' : tree }
    })
    for (const { wanted: one, object } of jobs) if (object !== 'there') this.#options.expect(1, one.size)
    return jobs
  }

  /** Says of all that lack at once, where that costs next to nothing. */
  async #checkSources(jobs: readonly Job[]): Promise<void> {
    const { statSync } = this.#store
    if (statSync === undefined) return
    for (const { wanted, object } of jobs) {
      if (object === 'there') continue
      try {
        statSync.call(this.#store, wanted.name)
      } catch (error) {
        this.report.failures.push({ name: wanted.name, error })
      }
    }
  }

  /** Some at once; after a failure nothing more is begun, and what was begun ends. */
  async #each(jobs: readonly Job[], work: (job: Job) => Promise<void>): Promise<void> {
    const { failures } = this.report
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < jobs.length && failures.length === 0) {
        const job = jobs[next++]
        try {
          await work(job)
        } catch (error) {
          failures.push({ name: job.wanted.name, error })
        }
      }
    }
    await Promise.all(Array.from({ length: this.#options.jobs }, lane))
  }

  async #object(job: Job): Promise<void> {
    const { wanted, object, tree } = job
    const { dryRun } = this.#options
    const stays = object === 'there' && (dryRun || (await this.#target.touch(wanted.name)))
    if (stays) this.#count(this.report.present, wanted.size)
    if (stays && tree === 'no') return
    if (dryRun) {
      if (!stays) this.#brought(wanted)
      if (tree !== 'no') this.#count(this.report.trees, merkleTreeLength(wanted.size, 32))
      return
    }
    const source = await this.#store.open(wanted.name)
    try {
      const outgoing = this.#outgoing(source, wanted, bytes => {
        if (!stays) this.#options.step(0, bytes)
      })
      if (!stays) await this.#put(wanted, outgoing, object === 'wrong')
      if (tree !== 'no') await this.#putTree(wanted, await this.#treeOf(source, wanted, outgoing), tree === 'wrong')
    } finally {
      source.close()
    }
  }

  #outgoing(source: ByteSource, wanted: Expected, seen: (bytes: number) => void): Outgoing {
    return new Outgoing(source, wanted, this.#hashOf(wanted), seen)
  }

  /** What was there, or has come to be there meanwhile from another push, has not gone by as a whole. */
  async #treeOf(source: ByteSource, wanted: Expected, outgoing: Outgoing): Promise<Uint8Array> {
    if (outgoing.isWhole) return outgoing.tree()
    const again = this.#outgoing(source, wanted, () => {})
    for await (const _ of again.pieces());
    return again.tree()
  }

  async #put(wanted: Expected, outgoing: Outgoing, replace: boolean): Promise<void> {
    const data = wanted.size <= WHOLE_MAX ? await outgoing.whole() : outgoing.pieces()
    await this.#target.put(wanted.name, data, replace)
    this.#options.step(1, 0)
    this.#brought(wanted)
  }

  async #putTree(wanted: Expected, tree: Uint8Array, replace: boolean): Promise<void> {
    await this.#target.put(treeName(wanted.name), tree, replace)
    this.#count(this.report.trees, tree.length)
  }

  #brought({ name, size }: Expected): void {
    this.#count(this.report.uploaded, size)
    this.#options.brought(name)
  }

  #count(count: Count, bytes: number): void {
    count.count++
    count.bytes += bytes
  }

  #hashOf({ digest }: Expected): HashAlgorithm {
    return digest === undefined || digest.length === SHA256_DIGITS ? this.#options.sha256 : this.#options.sha512
  }

  async #image({ name, bytes, tree }: PublishedImage): Promise<void> {
    const treeAt = treeName(name)
    const isSame = (await this.#holds(name, bytes)) && (tree === undefined || (await this.#holds(treeAt, tree)))
    this.report.images.push({ name, bytes: bytes.length, uploaded: !isSame })
    if (isSame || this.#options.dryRun) return
    try {
      if (tree !== undefined) await this.#target.putImage(treeAt, tree)
      await this.#target.putImage(name, bytes)
    } catch (error) {
      this.report.images.pop()
      this.report.failures.push({ name, error })
    }
  }

  /** Is it there already, byte for byte? */
  async #holds(name: string, bytes: Uint8Array): Promise<boolean> {
    const there = await this.#target.openImage(name)
    if (there === undefined) return false
    try {
      if (there.size !== bytes.length) return false
      for (let at = 0; at < bytes.length; at += WHOLE_MAX) {
        const wanted = bytes.subarray(at, at + WHOLE_MAX)
        const found = await there.read(at, wanted.length)
        if (found.length !== wanted.length || found.some((byte, i) => byte !== wanted[i])) return false
      }
      return true
    } finally {
      there.close()
    }
  }
}

const SHA256_DIGITS = 64

/** What somebody says of an object, and the digest that its name is. */
export function expectedOf(name: string, claims: readonly { size: number; digest: string | undefined }[]): Expected {
  const [{ size }] = claims
  const digest = claims.find(claim => claim.digest !== undefined)?.digest
  for (const claim of claims) {
    const differs = claim.size !== size || (claim.digest !== undefined && claim.digest !== digest)
    if (differs) throw faultError(new Fault('EINVAL', 'images say different things of it'), `object ${name}`)
  }
  return { name, size, digest: digest ?? (isDigestName(name) ? name.replace('/', '') : undefined) }
}
