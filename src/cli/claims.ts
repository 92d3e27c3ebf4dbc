// Which objects images need, and what they say of them: the claims that `fsck` holds a store against and `gc` keeps.
// Not here: the store.

import { Fault } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { type LimitOptions, tooBig } from '../format/limits.js'
import { CONSTANTS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { TreeEntries } from '../image/tree-entries.js'
import type { Claim } from '../store/directory-problem.js'
import { canonicalObjectName } from '../store/object-name.js'
import { failure } from './failure.js'
import { ImageFiles } from './open.js'
import { shown } from './url.js'

const { S_IFMT, S_IFREG } = CONSTANTS

/** A name that no store can have an object under. */
export interface BadName {
  readonly name: string
  readonly why: Fault
  readonly by: string
}

export interface Claims {
  /** By canonical name. */
  readonly byName: Map<string, Claim[]>
  /** By the name as the image has it. */
  readonly bad: Map<string, BadName>
}

function add(claims: Claims, raw: string, claim: Claim): void {
  const name = canonicalObjectName(raw)
  if (name instanceof Fault) {
    if (!claims.bad.has(raw)) claims.bad.set(raw, { name: raw, why: name, by: claim.by })
    // No mount reads it; gc keeps what it may mean all the same.
    const meant = canonicalObjectName(raw.replace(/\/+/g, '/').replace(/^\//, ''))
    if (!(meant instanceof Fault) && meant !== raw) add(claims, meant, claim)
    return
  }
  const known = claims.byName.get(name)
  if (known === undefined) claims.byName.set(name, [claim])
  else if (!known.some(other => other.size === claim.size && other.digest === claim.digest)) known.push(claim)
}

/** What an image needs, added to what others do. Throws a CommandError for one without a composefs header. */
export function addImage(claims: Claims, image: Image, path: string): void {
  const by = shown(path)
  const entries = TreeEntries.open(image)
  if (entries instanceof Fault) throw failure('load', by, entries)
  const { maxObjectBytes } = image.limits
  const decoder = new TextDecoder()
  for (;;) {
    const more = entries.next()
    if (more instanceof Fault) throw failure('load', by, more)
    if (!more) return
    const { payload, digest, hardLink, mode, size } = entries
    if (hardLink || payload.from < 0 || (mode & S_IFMT) !== S_IFREG) continue
    if (size > maxObjectBytes) throw failure('load', by, tooBig('an object', size, 'maxObjectBytes', maxObjectBytes))
    const stored = decoder.decode(payload.bytes.subarray(payload.from, payload.to))
    const name = image.format === 'cfs-v1' ? stored.replace(/^\/+/, '') : stored
    const hex = digest.from < 0 ? undefined : toHex(digest.bytes.subarray(digest.from, digest.to))
    add(claims, name, { size, digest: hex, by })
  }
}

export function noClaims(): Claims {
  return { byName: new Map(), bad: new Map() }
}

/** Reads all of the images. Rejects with a CommandError at the first that is wrong, or is none with a composefs header. */
export async function claimsOf(images: readonly string[], limits: LimitOptions): Promise<Claims> {
  const claims = noClaims()
  const files = new ImageFiles({ limits })
  for (const path of images) {
    const image = await files.openAny(path)
    try {
      addImage(claims, image, path)
    } finally {
      image.close()
    }
  }
  return claims
}
