// Truth files: what the kernel shows of a tree, one JSON object a line, and the same read off any `fs`.
// Format: vectors/README.md and tools/truth.py (type, mode, owner, nlink, size, rdev, mtime, target, content, xattrs).
// Not here: mounting (kernel.ts).
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

export interface TruthStats {
  mode: bigint
  nlink: bigint
  uid: bigint
  gid: bigint
  size: bigint
  rdev: bigint
  mtimeNs: bigint
}

/** The part of Node's `fs`, with xattrs beside it, that a truth needs. Paths are bytes. */
export interface TruthFs {
  lstatSync(path: Buffer, options: { bigint: true }): TruthStats
  readdirSync(path: Buffer, options: { encoding: 'buffer' }): Uint8Array[]
  readlinkSync(path: Buffer, options: { encoding: 'buffer' }): Uint8Array
  readFileSync(path: Buffer): Uint8Array
  listxattrSync?(path: Buffer, options: { follow: false }): string[]
  getxattrSync?(path: Buffer, name: string, options: { follow: false }): Uint8Array
}

export interface TruthEntry {
  path: string
  /** Octal, with type. */
  mode: string
  nlink: number
  uid: number
  gid: number
  /** Bytes; not for directories. */
  size?: number
  /** `seconds.nanoseconds`. */
  mtime: string
  /** `major:minor` of devices. */
  rdev?: string
  target?: string
  sha256?: string
  /** Name to value in hex, sorted by name. */
  xattrs?: Record<string, string>
}

/** Bytes as a truth file writes them: `!`…`~` but the backslash as they are, others as \xHH. */
export function escapeBytes(bytes: Uint8Array): string {
  let out = ''
  for (const byte of bytes) {
    out +=
      byte > 32 && byte < 127 && byte !== 92 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return out
}

/** Major and minor of a device number as glibc packs it in st_rdev. */
export function splitDevice(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n)
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n)
  return `${major}:${minor}`
}

function mtimeText(ns: bigint): string {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return `${(ns - nsec) / 1_000_000_000n}.${nsec.toString().padStart(9, '0')}`
}

function readXattrs(fs: TruthFs, path: Buffer): Record<string, string> | undefined {
  if (fs.listxattrSync === undefined || fs.getxattrSync === undefined) return undefined
  const names = fs.listxattrSync(path, { follow: false }).sort()
  if (names.length === 0) return undefined
  const out: Record<string, string> = {}
  for (const name of names) {
    try {
      out[name] = Buffer.from(fs.getxattrSync(path, name, { follow: false })).toString('hex')
    } catch (error) {
      // Listed and not read, by the kernel's rules of who may have which name.
      if (!['ENODATA', 'ENOTSUP', 'EINVAL'].includes((error as { code?: string }).code ?? '')) throw error
    }
  }
  return Object.keys(out).length === 0 ? undefined : out
}

export interface WalkOptions {
  /** Hash the content of regular files; true unless said otherwise (an image's objects may not be at hand). */
  content?: boolean
}

/** One entry of a tree as an `fs` shows it. */
export function truthOf(fs: TruthFs, path: Buffer, { content = true }: WalkOptions = {}): TruthEntry {
  const s = fs.lstatSync(path, { bigint: true })
  const mode = Number(s.mode)
  const entry: TruthEntry = {
    path: escapeBytes(path),
    mode: mode.toString(8),
    nlink: Number(s.nlink),
    uid: Number(s.uid),
    gid: Number(s.gid),
    mtime: mtimeText(s.mtimeNs),
  }
  const type = mode & 0o170000
  if (type !== 0o040000) entry.size = Number(s.size)
  if (type === 0o020000 || type === 0o060000) entry.rdev = splitDevice(s.rdev)
  if (type === 0o120000) entry.target = escapeBytes(fs.readlinkSync(path, { encoding: 'buffer' }))
  if (type === 0o100000 && content) entry.sha256 = createHash('sha256').update(fs.readFileSync(path)).digest('hex')
  const xattrs = readXattrs(fs, path)
  if (xattrs !== undefined) entry.xattrs = xattrs
  return entry
}

/** The whole tree below `/` of an `fs`, sorted by path bytes. */
export function walkTruth(fs: TruthFs, options: WalkOptions = {}): TruthEntry[] {
  const found: { path: Buffer; entry: TruthEntry }[] = []
  const queue: Buffer[] = [Buffer.from('/')]
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const entry = truthOf(fs, path, options)
    found.push({ path, entry })
    if ((Number.parseInt(entry.mode, 8) & 0o170000) !== 0o040000) continue
    const prefix = path.length === 1 ? path : Buffer.concat([path, Buffer.from('/')])
    for (const name of fs.readdirSync(path, { encoding: 'buffer' })) queue.push(Buffer.concat([prefix, name]))
  }
  return found.sort((a, b) => Buffer.compare(a.path, b.path)).map(item => item.entry)
}

/** A truth file, gzipped or not. */
export function readTruth(path: string): TruthEntry[] {
  const bytes = readFileSync(path)
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as TruthEntry)
}

/** A truth file's text. */
export function formatTruth(entries: readonly TruthEntry[]): string {
  return entries.map(entry => `${JSON.stringify(entry)}\n`).join('')
}

const FIELDS = ['mode', 'nlink', 'uid', 'gid', 'size', 'mtime', 'rdev', 'target', 'sha256'] as const

function compareXattrs(expected: Record<string, string>, actual: Record<string, string>): string[] {
  const out: string[] = []
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    if (expected[name] !== actual[name]) {
      out.push(`xattr ${name}: expected ${expected[name] ?? 'none'}, got ${actual[name] ?? 'none'}`)
    }
  }
  return out
}

export interface CompareOptions {
  /** Compare xattrs too; true unless said otherwise. */
  xattrs?: boolean
  /** Differences reported at most. */
  limit?: number
}

/** What differs, one readable line each (`path: field: expected A, got B`), the first few only; empty when equal. */
export function compareTruth(
  expected: readonly TruthEntry[],
  actual: readonly TruthEntry[],
  { xattrs = true, limit = 10 }: CompareOptions = {},
): string[] {
  const out: string[] = []
  const rest = new Map(actual.map(entry => [entry.path, entry]))
  if (rest.size !== actual.length) out.push('a path is listed twice')
  for (const want of expected) {
    const have = rest.get(want.path)
    rest.delete(want.path)
    if (have === undefined) {
      out.push(`${want.path}: missing`)
      continue
    }
    for (const field of FIELDS) {
      if (want[field] !== have[field]) out.push(`${want.path}: ${field}: expected ${want[field]}, got ${have[field]}`)
    }
    if (xattrs)
      for (const line of compareXattrs(want.xattrs ?? {}, have.xattrs ?? {})) out.push(`${want.path}: ${line}`)
  }
  for (const path of rest.keys()) out.push(`${path}: not expected`)
  return out.length > limit ? [...out.slice(0, limit), `… and ${out.length - limit} more differences`] : out
}
