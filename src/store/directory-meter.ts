// Reads objects of a directory store to learn their digests, and how many there are. Part of directory-survey.ts.

import fs from 'node:fs'
import { type HashAlgorithm, type Sha256, type Sha512, sha256Algorithm, sha512Algorithm } from '../format/hash.js'
import { toHex } from '../format/hex.js'
import { VerityHasher } from '../format/verity.js'
import type { DirectoryStore } from './directory.js'
import { namesIn } from './directory-names.js'
import { leave, type Place, walkOf } from './directory-walk.js'
import { isDigestName } from './object-name.js'

export const SHA256_DIGITS = 64

const FIRST_PART = /^[0-9a-f]{2}$/
/** Bytes read at a time. */
const PIECE = 1 << 20

export interface MeterOptions {
  readonly sha256: Sha256
  readonly sha512: Sha512
  /** Is told how much has been read. */
  readonly step?: (objects: number, bytes: number) => void
}

export interface Measured {
  /** In hex. */
  readonly digest: string
  /** Bytes. */
  readonly size: number
}

export class ObjectMeter {
  readonly #store: DirectoryStore
  readonly #short: HashAlgorithm
  readonly #long: HashAlgorithm
  readonly #step: MeterOptions['step']

  constructor(store: DirectoryStore, { sha256, sha512, step }: MeterOptions) {
    this.#store = store
    this.#short = sha256Algorithm(sha256)
    this.#long = sha512Algorithm(sha512)
    this.#step = step
  }

  /** The fs-verity digest, of `digits` hex digits, of the regular file at a name. Throws a store's error. */
  measure(name: string, digits: number): Measured {
    const hasher = new VerityHasher(digits === SHA256_DIGITS ? this.#short : this.#long)
    const object = this.#store.openSync(name)
    try {
      while (hasher.size < object.size) {
        const piece = object.readSync(hasher.size, PIECE)
        if (piece.length === 0) break
        hasher.update(piece)
        this.#step?.(0, piece.length)
      }
    } finally {
      object.close()
    }
    this.#step?.(1, 0)
    return { digest: toHex(hasher.digest()), size: hasher.size }
  }

  /** Is a regular file at a name? */
  isThere(name: string): boolean {
    try {
      this.#store.statSync(name)
      return true
    } catch {
      return false
    }
  }
}

/** Objects, and bytes in them. */
export interface Counts {
  objects: number
  bytes: number
}

/** How much there is to measure. Throws the host's error when the store can't be read; what in it can't is left out. */
export function countObjects(root: string): Counts {
  const counts: Counts = { objects: 0, bytes: 0 }
  const walk = walkOf(false)
  const top = walk.stepSync({ path: root, fd: -1 }, '.')
  try {
    for (const first of namesIn(top.path)) {
      if (!FIRST_PART.test(first)) continue
      try {
        const place = walk.stepSync(top, first)
        try {
          countIn(place, first, counts)
        } finally {
          leave(place)
        }
      } catch {
        // No directory, or none of ours.
      }
    }
    return counts
  } finally {
    leave(top)
  }
}

function countIn(place: Place, first: string, counts: Counts): void {
  for (const name of namesIn(place.path)) {
    if (!isDigestName(`${first}/${name}`)) continue
    const stat = fs.lstatSync(`${place.path}/${name}`, { throwIfNoEntry: false })
    if (stat?.isFile() !== true) continue
    counts.objects++
    counts.bytes += stat.size
  }
}
