// What a dump means, read by rules of its own (regular expressions, maps), and what its image must show therefore: mounted,
// and as a tree again. The oracle of tests of what writes images, so it shares nothing with src/. For dumps without
// oddities: those of src/fuzz/random-dump.ts, and those that are printed. Follows spec composefs-dump.md, composefs-image.md 3, 9.
import { escapeBytes, splitDevice, type TruthEntry } from './truth.js'

const TYPE = 0o170000
const DIR = 0o040000
const CHR = 0o020000
const BLK = 0o060000
const REG = 0o100000
const LNK = 0o120000
const HAS_SIZE = [REG, LNK, DIR]
/** Names that reading an image back as a tree drops. */
const DERIVED = ['trusted.overlay.whiteouts', 'user.overlay.whiteout', 'user.overlay.whiteouts']
/** Prefixes of names that the kernel lists. */
const LISTED = /^(?:user|trusted|security)\.|^system\.posix_acl_(?:access|default)/

/** An inode; its further names share it. Strings are of characters that are bytes. */
export interface ModelEntry {
  readonly mode: number
  readonly size: bigint
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  readonly mtime: readonly [seconds: bigint, nanoseconds: number]
  readonly payload?: string
  readonly content?: string
  readonly digest?: string
  readonly xattrs: ReadonlyMap<string, string>
}

export interface Model {
  /** In the dump's order. */
  readonly entries: ReadonlyMap<string, ModelEntry>
  /** Paths that are hard links there, and the path that the line names. */
  readonly links: ReadonlyMap<string, string>
}

const LETTERS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '\\': '\\' }

function plain(field: string): string {
  return field.replace(/\\(?:x(..)|(.))/gs, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? LETTERS[letter] : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

const optional = (field: string) => (field === '-' ? undefined : plain(field))

function entryOf(fields: readonly string[]): ModelEntry {
  const [size, mode, nlink, uid, gid, rdev, mtime, payload, content, digest, ...xattrs] = fields
  const [seconds, nanoseconds] = mtime.split('.')
  const type = Number.parseInt(mode, 8) & TYPE
  return {
    mode: Number.parseInt(mode, 8),
    size: type === LNK ? BigInt(plain(payload).length) : BigInt(size),
    nlink: Number(nlink),
    uid: Number(uid),
    gid: Number(gid),
    rdev: type === CHR || type === BLK ? Number(rdev) : 0,
    mtime: [BigInt(seconds), Number(nanoseconds)],
    payload: optional(payload),
    content: optional(content),
    digest: optional(digest)?.toLowerCase(),
    xattrs: new Map(
      xattrs.map(text => {
        const at = text.indexOf('=')
        return [plain(text.slice(0, at)), plain(text.slice(at + 1))]
      }),
    ),
  }
}

/** Reads a dump. */
export function modelOf(dump: Uint8Array): Model {
  const entries = new Map<string, ModelEntry | undefined>()
  const links = new Map<string, string>()
  for (const line of Buffer.from(dump).toString('latin1').replace(/\n$/, '').split('\n')) {
    const [path, ...fields] = line.split(' ')
    const link = fields[1].startsWith('@')
    if (link) links.set(plain(path), plain(fields[7]))
    // Holds the place until all targets are there.
    entries.set(plain(path), link ? undefined : entryOf(fields))
  }
  const resolved = (path: string): ModelEntry => {
    const found = entries.get(path) ?? resolved(links.get(path) ?? '')
    entries.set(path, found)
    return found
  }
  for (const path of entries.keys()) resolved(path)
  return { entries: entries as ReadonlyMap<string, ModelEntry>, links }
}

const typeOf = (entry: ModelEntry) => entry.mode & TYPE
const isWhiteout = (entry: ModelEntry) => typeOf(entry) === CHR && entry.rdev === 0
const isExternal = (entry: ModelEntry) => typeOf(entry) === REG && entry.size > 0n && !entry.content
const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'

/** Depth first, names in byte order. */
export function pathsOf({ entries }: Model): string[] {
  // A slash is less than any byte of a name then.
  const key = (path: string) => (path === '/' ? '' : path.replaceAll('/', '\0'))
  return [...entries.keys()].sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** composefs_version of its image, for a lowest and highest version. */
export function versionOf({ entries }: Model, min: number, max: number): number {
  return min === 0 && max === 1 && [...entries.values()].some(isWhiteout) ? 1 : min
}

/** Directories that hold a whiteout; the further names of one do not count. */
function whiteoutParents({ entries, links }: Model): Set<string> {
  const found = new Set<string>()
  for (const [path, entry] of entries) if (isWhiteout(entry) && !links.has(path)) found.add(parentOf(path))
  return found
}

/** Sub-directories of every directory. */
function subdirectories({ entries }: Model): Map<string, number> {
  const found = new Map<string, number>()
  for (const [path, entry] of entries) {
    if (path !== '/' && typeOf(entry) === DIR) found.set(parentOf(path), (found.get(parentOf(path)) ?? 0) + 1)
  }
  return found
}

/** The kernel, and so a mount, shows an id that no one can have as the overflow id. */
const owner = (id: number) => (id === 0xffffffff ? 65534 : id)

/** Seconds are a double in a mount. */
const shownTime = ([seconds, nanoseconds]: ModelEntry['mtime']) =>
  `${BigInt(Number(seconds))}.${String(nanoseconds).padStart(9, '0')}`

/** Does the kernel let an attribute that is listed be read? (xattr_permission and xattr_resolve_name of fs/xattr.c) */
function isRead(mode: number, name: string): boolean {
  const type = mode & 0o170000
  if (name.startsWith('system.')) return /^system\.posix_acl_(?:access|default)$/.test(name) && type !== LNK
  if (/^(?:user|trusted|security|trusted\.overlay)\.$/.test(name)) return false
  return type === REG || type === DIR || !name.startsWith('user.')
}

/** What a mount must show. Contents are not hashed. */
export function mountTruth(model: Model, version: number): TruthEntry[] {
  const below = subdirectories(model)
  const marked = whiteoutParents(model)
  return [...model.entries].map(([path, entry]) => {
    const type = typeOf(entry)
    const xattrs = new Map([...entry.xattrs].filter(([name]) => LISTED.test(name)))
    if (isWhiteout(entry)) for (const base of ['trusted', 'user']) xattrs.set(`${base}.overlay.whiteout`, '')
    if (marked.has(path)) {
      for (const base of ['trusted', 'user']) {
        xattrs.set(`${base}.overlay.whiteouts`, '')
        if (version > 0) xattrs.set(`${base}.overlay.opaque`, 'x')
      }
    }
    const mode = isWhiteout(entry) ? REG | (entry.mode & 0o7777) : entry.mode & 0xffff
    const found: TruthEntry = {
      path: escapeBytes(Buffer.from(path, 'latin1')),
      mode: mode.toString(8),
      nlink: type === DIR ? 2 + (below.get(path) ?? 0) : entry.nlink,
      uid: owner(entry.uid),
      gid: owner(entry.gid),
      mtime: shownTime(entry.mtime),
    }
    if (type !== DIR) found.size = type === REG || type === LNK ? Number(entry.size) : 0
    if ((type === CHR || type === BLK) && !isWhiteout(entry)) found.rdev = splitDevice(BigInt(entry.rdev))
    if (type === LNK) found.target = escapeBytes(Buffer.from(entry.payload ?? '', 'latin1'))
    const hex = [...xattrs]
      .filter(([name]) => isRead(mode, name))
      .map(([name, value]) => [name, Buffer.from(value, 'latin1').toString('hex')])
    if (hex.length > 0) found.xattrs = Object.fromEntries(hex)
    return found
  })
}

/** The model that reading an image back must give, save the xattrs that are not seen: `unseen` has a path's. */
export function readBack(model: Model, version: number, unseen: ReadonlyMap<string, string>): Model {
  const below = subdirectories(model)
  const marked = whiteoutParents(model)
  const changed = new Map<ModelEntry, ModelEntry>()
  const entries = new Map<string, ModelEntry>()
  const links = new Map<string, string>()
  const firstNames = new Map<ModelEntry, string>()
  for (const path of pathsOf(model)) {
    const entry = model.entries.get(path) as ModelEntry
    const first = firstNames.get(entry)
    if (first !== undefined) links.set(path, first)
    else {
      firstNames.set(entry, path)
      changed.set(entry, seen(entry, path))
    }
    entries.set(path, changed.get(entry) as ModelEntry)
  }
  return { entries, links }

  function seen(entry: ModelEntry, path: string): ModelEntry {
    const type = typeOf(entry)
    const xattrs = new Map([...entry.xattrs].filter(([name]) => !DERIVED.includes(name)))
    if (marked.has(path) && version > 0) {
      for (const base of ['trusted', 'user']) xattrs.set(`${base}.overlay.opaque`, 'x')
    }
    xattrs.delete(unseen.get(path) ?? '')
    const external = isExternal(entry)
    return {
      ...entry,
      mode: entry.mode & 0xffff,
      nlink: type === DIR ? 2 + (below.get(path) ?? 0) : entry.nlink,
      // A directory's is the image's own affair.
      size: type === REG || type === LNK ? entry.size : 0n,
      payload: type === LNK || external ? entry.payload || undefined : undefined,
      content: type === REG ? entry.content || undefined : undefined,
      digest: external ? entry.digest : undefined,
      xattrs: new Map([...xattrs].sort(([a], [b]) => (a < b ? -1 : 1))),
    }
  }
}

/** A model with what is read back in no order of its own put in one: attributes by name, no size of directories. */
export function comparable({ entries, links }: Model): Model {
  const order = (entry: ModelEntry): ModelEntry => ({
    ...entry,
    size: typeOf(entry) === DIR ? 0n : entry.size,
    xattrs: new Map([...entry.xattrs].sort(([a], [b]) => (a < b ? -1 : 1))),
  })
  return { entries: new Map([...entries].map(([path, entry]) => [path, order(entry)])), links }
}

/**
 * Does writing, reading and writing lose or renumber nothing? What a tree view drops is lost, and the size of what has no
 * data, which can make its inode an extended one; a hard link that comes before its target changes places with it.
 */
export function isLossless(model: Model): boolean {
  const first = new Set<ModelEntry>()
  for (const path of pathsOf(model)) {
    const entry = model.entries.get(path) as ModelEntry
    if (!first.has(entry) && model.links.has(path)) return false
    first.add(entry)
    if (DERIVED.some(name => entry.xattrs.has(name))) return false
    if (!HAS_SIZE.includes(typeOf(entry)) && entry.size > 0xffffffffn) return false
  }
  return true
}
