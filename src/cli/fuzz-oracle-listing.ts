// What an image holds as one reader sees it, path by path, and how two such listings differ: what oracles are compared by. Ours is
// made here, through the layer that a plain EROFS mount of the image has. Not here: anyone else's (fuzz-oracle-kernel.ts).

import { createHash } from 'node:crypto'
import type { CorePool } from '../../wasm/pool.js'
import { Fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import { sha256 } from '../host/hash.js'
import { loadImage } from '../image/image.js'
import { ImageLayer, type ImageNode } from '../overlay/image-layer.js'
import { newAttr } from '../overlay/layer.js'
import { LISTING_BOUNDS } from './fuzz-listing-bounds.js'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = CONSTANTS

/** What is known of one path; `!ERRNO` in the place of what can't be read, and behind a space what more is said of it. */
export type Facts = Readonly<Record<string, string>>

export interface Listing {
  /** The errno with which opening fails, and what is said of it. */
  readonly refused?: string
  /** By path, a character a byte; '' for the root. */
  readonly entries: Readonly<Record<string, Facts>>
  /** Whether it ended at a bound. */
  readonly cut: boolean
}

export interface Difference {
  readonly kind: 'we refuse' | 'they refuse' | 'different' | 'other errno'
  readonly path: string
  /** `open`, or what of an entry. */
  readonly field: string
  readonly ours: string
  readonly theirs: string
}

function refusal(fault: Fault): string {
  return `!${fault.code}${fault.detail === '' ? '' : ` ${fault.detail}`}`
}

class Lister {
  readonly entries: Record<string, Facts> = {}
  cut = false
  readonly #layer: ImageLayer
  readonly #attr = newAttr()
  #count = 0

  constructor(layer: ImageLayer) {
    this.#layer = layer
  }

  /** Takes an entry in, and what is below it. */
  visit(path: string, node: ImageNode | Fault, depth: number): void {
    if (this.#count++ >= LISTING_BOUNDS.entries) {
      this.cut = true
      return
    }
    if (node instanceof Fault) {
      this.entries[path] = { stat: refusal(node) }
      return
    }
    const a = this.#attr
    const failed = this.#layer.stat(node, a)
    if (failed !== undefined) {
      this.entries[path] = { stat: refusal(failed) }
      return
    }
    const numbers = { mode: a.mode, nlink: a.nlink, uid: a.uid, gid: a.gid, rdev: a.rdev, size: a.size }
    const facts: Record<string, string> = {
      stat: 'ok',
      mtime: String(BigInt(a.mtimeSec) * 1_000_000_000n + BigInt(a.mtimeNsec)),
    }
    for (const [name, value] of Object.entries(numbers)) facts[name] = String(value)
    const type = a.mode & S_IFMT
    facts['xattrs'] = this.#xattrs(node, type === S_IFDIR || type === S_IFREG)
    this.entries[path] = facts
    if (type === S_IFLNK) facts['target'] = this.#target(node)
    if (type === S_IFREG && a.size <= LISTING_BOUNDS.fileBytes) facts['content'] = this.#content(node)
    if (type === S_IFDIR) this.#directory(path, node, depth, facts)
  }

  #target(node: ImageNode): string {
    const target = this.#layer.readlink(node)
    return target instanceof Fault ? refusal(target) : binaryString(target)
  }

  #content(node: ImageNode): string {
    const file = this.#layer.open(node, true)
    const bytes = file instanceof Fault ? file : file.readAll(true)
    return bytes instanceof Fault ? refusal(bytes) : createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  }

  #xattrs(node: ImageNode, hasUser: boolean): string {
    const names = this.#layer.listxattr(node)
    if (names instanceof Fault) return refusal(names)
    const found = names.map(name => {
      // The kernel lists those of `user` of what is neither file nor directory, but does not read them (xattr_permission).
      const hidden = !hasUser && binaryString(name).startsWith('user.')
      const value = hidden ? new Fault('ENODATA') : this.#layer.getxattr(node, name)
      // Of capabilities the kernel itself makes what it shows.
      if (binaryString(name) === 'security.capability') return 'security.capability'
      return `${binaryString(name)}=${value instanceof Fault ? refusal(value) : Buffer.from(value).toString('hex')}`
    })
    return found.sort().join(' ')
  }

  #directory(path: string, node: ImageNode, depth: number, facts: Record<string, string>): void {
    const list = this.#layer.readdir(node)
    if (list instanceof Fault) {
      facts['names'] = refusal(list)
      return
    }
    // What has the number 0 readdir(3) takes for an empty place.
    const names = list.names
      .map((name, i) => binaryString(list.raw?.get(i) ?? new TextEncoder().encode(name)))
      .filter((_name, i) => list.inos?.[i] !== 0)
      .sort()
    facts['names'] = names.join('/')
    if (depth >= LISTING_BOUNDS.depth) return
    for (const name of names) {
      this.visit(`${path}/${name}`, this.#layer.lookup(node, binaryBytes(name)), depth + 1)
    }
  }
}

/** Ours, of an image as plain EROFS: what a composefs image says of its files is shown as the xattrs that it is. */
export function ourListing(pool: CorePool, bytes: Uint8Array): Listing {
  const image = loadImage(pool, sha256, bytes.length, into => into.set(bytes), {})
  if (image instanceof Fault) return { refused: refusal(image), entries: {}, cut: false }
  try {
    const layer = new ImageLayer(image, undefined, 'off')
    const lister = new Lister(layer)
    lister.visit('', layer.root, 0)
    const { entries, cut } = lister
    return { entries, cut }
  } finally {
    image.close()
  }
}

/** Beyond 2^53 ours are the nearest that a double has. */
const NUMBERS: ReadonlySet<string> = new Set(['size', 'mtime'])

/**
 * Ids that an ACL has no use for the kernel leaves out; of one that it can not read it answers an errno. What an image has twice, not all
 * show twice.
 */
function withoutAcls(xattrs: string): string {
  return [...new Set(xattrs.split(' '))].join(' ').replace(/(system\.posix_acl_\w+)=[0-9a-f]+/g, '$1')
}

/** What a fact begins with where it is a refusal. */
export function errnoIn(text: string): string | undefined {
  return /^!(E[A-Z0-9]+|MOUNT)(?= |$)/.exec(text)?.[1]
}

function differ(path: string, field: string, ours: string, theirs: string): Difference | undefined {
  const mine = errnoIn(ours)
  const other = errnoIn(theirs)
  if (mine === other && (mine !== undefined || ours === theirs)) return undefined
  if (field === 'xattrs' && withoutAcls(ours) === withoutAcls(theirs)) return undefined
  if (NUMBERS.has(field) && Math.abs(Number(ours) - Number(theirs)) <= Number.EPSILON * Math.abs(Number(theirs)))
    return undefined
  const kind =
    mine !== undefined && other !== undefined
      ? 'other errno'
      : mine !== undefined
        ? 'we refuse'
        : other !== undefined
          ? 'they refuse'
          : 'different'
  return { kind, path, field, ours, theirs }
}

/** All that two listings say differently of what both of them have. */
export function differences(ours: Listing, theirs: Listing): Difference[] {
  const opened = differ('', 'open', ours.refused ?? 'ok', theirs.refused ?? 'ok')
  if (opened !== undefined) return [opened]
  const found: Difference[] = []
  for (const [path, mine] of Object.entries(ours.entries)) {
    const other = theirs.entries[path]
    if (other === undefined) continue
    for (const field of new Set([...Object.keys(mine), ...Object.keys(other)])) {
      const [a, b] = [mine[field], other[field]]
      const difference = a === undefined || b === undefined ? undefined : differ(path, field, a, b)
      const kind = difference?.kind
      const asksAcl = kind === 'they refuse' ? field !== 'stat' : field === 'xattrs'
      const broken = difference !== undefined && asksAcl && /=?!/.test(`${mine['xattrs']} ${other['xattrs']}`)
      if (difference !== undefined)
        found.push(broken ? { ...difference, field: `${field}, xattrs broken` } : difference)
    }
  }
  return found
}
