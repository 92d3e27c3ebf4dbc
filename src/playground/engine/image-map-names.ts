// Which names the inodes of an image have: for each name the directory that it is in, eight bytes each. The name itself is looked
// up in that directory when somebody asks. Not here: the map of the image.
// Bounded whatever an image says: a directory counts once, and there is an end to the names that are looked at.

import { Records, readBatch } from '../../../wasm/records.js'

import { CONSTANTS, QUERY_FLAGS } from '../../format/structs.js'
import type { Image } from '../../image/image.js'
import { pathText } from '../path-text.js'
import type { Job } from './jobs.js'

const { S_IFMT, S_IFDIR } = CONSTANTS
/** Directories that can be told apart: a key is the nid times this, and the directory's place. */
const DIRECTORIES_MAX = 2 ** 21
const NID_MAX = 2 ** 32
const FIRST_ROOM = 1024
/** Names that are looked at at least. */
const LOOKS_LEAST = 1 << 20
const DEPTH_MAX = 4096

export class InodeNames {
  readonly #image: Image
  /** In order. */
  readonly #keys: Float64Array
  readonly #directories: readonly number[]
  readonly #paths = new Map<number, string>()

  private constructor(image: Image, keys: Float64Array, directories: readonly number[]) {
    this.#image = image
    this.#keys = keys
    this.#directories = directories
    this.#paths.set(image.rootNid, '/')
  }

  /** Looks at all names of an image that is in memory. */
  static async of(image: Image, job: Job): Promise<InodeNames> {
    const records = new Records(image.core)
    const directories = [image.rootNid]
    const seen = new Set(directories)
    let keys = new Float64Array(FIRST_ROOM)
    let count = 0
    const most = image.byteLength + LOOKS_LEAST
    // What the tree does not show is not to be led to.
    const flags = QUERY_FLAGS.Q_STAT | image.queryFlags
    for (let at = 0; at < directories.length && count < most; at++) {
      for (let cookie = 0; cookie >= 0; ) {
        if (image.closed) throw new Error('the image is closed')
        const batch = readBatch(image.core, directories[at], cookie, flags)
        cookie = batch.cookie
        // A directory that can't be read names nobody.
        if (batch.count < 0) break
        records.truncate(0)
        records.append(batch.count)
        for (let i = 0; i < records.length; i++) {
          const nid = records.nid(i)
          if (records.error(i) !== 0 || nid >= NID_MAX) continue
          if (count === keys.length) {
            const grown = new Float64Array(count * 2)
            grown.set(keys)
            keys = grown
          }
          keys[count++] = nid * DIRECTORIES_MAX + at
          if ((records.mode(i) & S_IFMT) !== S_IFDIR || seen.has(nid) || directories.length >= DIRECTORIES_MAX) continue
          seen.add(nid)
          directories.push(nid)
        }
        await job.pause(count)
      }
    }
    return new InodeNames(image, keys.slice(0, count).sort(), directories)
  }

  /** Places in `directories` of those that have a name of an inode, one for each name. */
  #placesOf(nid: number): Float64Array {
    const from = this.#firstFrom(nid * DIRECTORIES_MAX)
    return this.#keys.subarray(from, this.#firstFrom((nid + 1) * DIRECTORIES_MAX))
  }

  #firstFrom(key: number): number {
    let [low, high] = [0, this.#keys.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle] < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #directoryOf(nid: number, key: number): number {
    return this.#directories[key - nid * DIRECTORIES_MAX]
  }

  /** A path of each inode that has a name. */
  paths(nids: Iterable<number>): ReadonlyMap<number, string> {
    const found = new Map<number, string>()
    const wanted = new Map<number, Set<number>>()
    for (const nid of nids) {
      const known = this.#paths.get(nid)
      const key = this.#placesOf(nid)[0]
      if (known !== undefined) found.set(nid, known)
      else if (key !== undefined) {
        const directory = this.#directoryOf(nid, key)
        wanted.set(directory, (wanted.get(directory) ?? new Set()).add(nid))
      }
    }
    for (const [directory, inIt] of wanted) {
      const above = this.#pathOfDirectory(directory, 0)
      if (above === undefined) continue
      for (const [nid, names] of this.#namesIn(directory, inIt, 1)) found.set(nid, joined(above, names[0]))
    }
    return found
  }

  path(nid: number): string | undefined {
    return this.paths([nid]).get(nid)
  }

  /** All paths of an inode, `most` at most. */
  allPaths(nid: number, most: number): string[] {
    const directories = new Set(Array.from(this.#placesOf(nid), key => this.#directoryOf(nid, key)))
    const found: string[] = []
    for (const directory of directories) {
      if (found.length >= most) break
      const above = this.#pathOfDirectory(directory, 0)
      const names = this.#namesIn(directory, new Set([nid]), most - found.length).get(nid) ?? []
      if (above !== undefined) found.push(...names.map(name => joined(above, name)))
    }
    return found
  }

  #pathOfDirectory(nid: number, depth: number): string | undefined {
    const known = this.#paths.get(nid)
    if (known !== undefined || depth > DEPTH_MAX) return known
    const key = this.#placesOf(nid)[0]
    if (key === undefined) return undefined
    const directory = this.#directoryOf(nid, key)
    const above = this.#pathOfDirectory(directory, depth + 1)
    const name = this.#namesIn(directory, new Set([nid]), 1).get(nid)?.[0]
    if (above === undefined || name === undefined) return undefined
    const path = joined(above, name)
    this.#paths.set(nid, path)
    return path
  }

  /** Names of some inodes in a directory, `most` of each. */
  #namesIn(directory: number, wanted: ReadonlySet<number>, most: number): Map<number, string[]> {
    const { core } = this.#image
    const found = new Map<number, string[]>()
    let left = wanted.size
    for (let cookie = 0; cookie >= 0 && left > 0; ) {
      const batch = readBatch(core, directory, cookie, 0)
      cookie = batch.cookie
      for (let i = 0; i < batch.count && left > 0; i++) {
        const nid = core.nid(i)
        if (!wanted.has(nid)) continue
        const name = pathText(core.nameBytes(i))
        const names = found.get(nid) ?? []
        if (names.length >= most) continue
        found.set(nid, [...names, name])
        if (names.length + 1 === most) left--
      }
    }
    return found
  }
}

function joined(directory: string, name: string): string {
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}
