// A tree from a directory of any `fs` of Node's shape: node:fs, memfs, a mount's own (spec composefs-tools.md 1.4; the rest
// of a directory's facts for cfs-v1.md 2.1). Only what lstat, readdir, readlink and xattrs say: regular files' bytes are
// read later, by whoever knows where they go, and what lstat said of each is kept to see whether it is still the same file.
// Nothing of the host is imported here.
//
// Where the host shows open descriptors as directories (Linux: /proc/self/fd), each directory is opened without following
// a symlink, has to be the one that lstat saw, and its entries are looked at below the descriptor, as with openat: so no
// directory that is swapped for a symlink meanwhile leads out of the source, and no path is too long. That costs a third
// of an lstat more per entry. Elsewhere entries are looked at by their whole path.

import { binaryPath, callPath, openAnyLength, utf8Binary } from '../format/call-path.js'
import { FACT_CTIME, FACT_MTIME, FACT_WORDS, factHalves, writeFacts } from '../format/file-facts.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { FileList } from './file-list.js'
import { HardLinks } from './fs-links.js'
import { AskedBefore, type SoonFs } from './fs-soon.js'
import { SourceError, sourceError } from './source-error.js'
import type { DescriptorFs, SourceFs, SourceStats, XattrSource } from './source-fs.js'
import { ROOT, Tree } from './tree.js'
import { TreeError } from './tree-error.js'

export type { DescriptorFs, SourceFs, SourceStats, XattrSource } from './source-fs.js'

const { S_IFMT, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK } = CONSTANTS
const NS = 1_000_000_000
const NAME_ROOM = 256
const VALUE_ROOM = 65536
const HIGH_HALF = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0
const WHILE_READ = 'changed while the tree was read'

export interface ScanOptions {
  /** All times 0. */
  readonly useEpoch?: boolean
  /** Leave out character and block devices, whiteouts included. */
  readonly skipDevices?: boolean
  /** Which xattrs are read, by `xattrSource`; none unless said so. `user`: those whose name begins with `user.`. */
  readonly xattrs?: 'none' | 'user' | 'all'
  readonly xattrSource?: XattrSource
  /** Find names of one file; otherwise, as with mkcomposefs, each name is a file of its own. */
  readonly hardLinks?: boolean
  /** Leave out names that lead to nothing: an overlay lists whiteouts of a layer that nothing is merged with. */
  readonly skipMissing?: boolean
  /** Names, the root too. No limit unless given. */
  readonly maxEntries?: number
  /** Keep ctime. */
  readonly ctime?: boolean
  /** Where descriptors are shown as directories, and the calls for that. */
  readonly descriptors?: { readonly fs: DescriptorFs; readonly path: string }
}

export interface Scanned {
  readonly tree: Tree
  /** The regular files that hold bytes, in no particular order. */
  readonly files: FileList
  /** The root's path, a character a byte, without slashes at its end. */
  readonly root: string
}

/** A name or target as the fs gave it: bytes, or text that stands for its UTF-8 (memfs knows no other names). */
function binaryOf(name: unknown): string {
  return name instanceof Uint8Array ? binaryString(name) : utf8Binary(String(name))
}

/**
 * Reads the tree below `root`, a path as text or bytes. The root itself is not followed when it is a symlink; mount points
 * are crossed. Throws a SourceError: ENOTDIR for a root that is no directory, ESTALE for a directory that was replaced
 * while the tree was read, what the fs said otherwise (ENOENT for an entry that vanished between readdir and lstat), or a
 * limit of the format (ERANGE for too many xattrs, ENAMETOOLONG), E2BIG for more entries than `maxEntries`.
 */
export function scanFs(fs: SourceFs, root: string | Uint8Array, options: ScanOptions = {}): Scanned {
  return new Scan(fs, binaryPath(root), options).run()
}

/** The same of an `fs` whose answers may have to be waited for; xattrs are its own. */
export async function scanFsSoon(fs: SoonFs, root: string | Uint8Array, options: ScanOptions = {}): Promise<Scanned> {
  const { xattrs = 'none' } = options
  const asked = new AskedBefore(fs, xattrs !== 'none')
  return new Scan(asked, binaryPath(root), { ...options, xattrSource: asked, descriptors: undefined }).runSoon(asked)
}

/** A directory that is still to be read. */
interface Pending {
  readonly node: number
  readonly path: string
  readonly dev: bigint
  readonly ino: bigint
}

class Scan {
  readonly #fs: SourceFs
  readonly #root: string
  readonly #options: ScanOptions
  readonly #tree = new Tree()
  readonly #files = new FileList()
  readonly #links: HardLinks | undefined
  readonly #pending: Pending[] = []
  readonly #maxEntries: number
  #count = 1
  readonly #facts = new BigUint64Array(FACT_WORDS)
  readonly #halves = factHalves(this.#facts)
  readonly #scratch = new Uint8Array(NAME_ROOM + VALUE_ROOM)

  constructor(fs: SourceFs, root: string, options: ScanOptions) {
    this.#fs = fs
    this.#root = root
    this.#options = options
    this.#maxEntries = options.maxEntries ?? Number.POSITIVE_INFINITY
    this.#links = options.hardLinks ? new HardLinks(this.#tree) : undefined
  }

  run(): Scanned {
    this.#begin()
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) this.#directory(next)
    return this.#done()
  }

  async runSoon(asked: AskedBefore): Promise<Scanned> {
    await asked.ask(this.#root)
    this.#begin()
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      const { node, path } = next
      const prefix = path.endsWith('/') ? path : `${path}/`
      await asked.askNames(prefix)
      for (const name of this.#names(prefix, prefix)) {
        await asked.ask(prefix + name)
        this.#entry(node, name, prefix + name, prefix + name)
      }
    }
    return this.#done()
  }

  #begin(): void {
    const stat = this.#lstat(this.#root, this.#root)
    if ((Number(stat.mode) & S_IFMT) !== S_IFDIR) throw new SourceError('ENOTDIR', 'open', this.#root)
    this.#tree.addRoot(Number(stat.mode))
    this.#describe(ROOT, stat, this.#root, this.#root)
    // With its slash at the end where there was one: then a symlink is followed.
    this.#pending.push({ node: ROOT, path: this.#root, dev: stat.dev, ino: stat.ino })
  }

  #done(): Scanned {
    this.#links?.resolve(this.#files)
    const root = this.#root.replace(/(?<=[^/])\/+$|^\/+$/, '')
    return { tree: this.#tree, files: this.#files, root }
  }

  #lstat(at: string, path: string): SourceStats {
    try {
      return this.#fs.lstatSync(callPath(at), { bigint: true })
    } catch (error) {
      throw sourceError(error, 'lstat', path)
    }
  }

  #entryStat(at: string, path: string): SourceStats | undefined {
    try {
      return this.#lstat(at, path)
    } catch (error) {
      if (this.#options.skipMissing && error instanceof SourceError && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  #directory(pending: Pending): void {
    const { descriptors } = this.#options
    const prefix = pending.path.endsWith('/') ? pending.path : `${pending.path}/`
    if (descriptors === undefined) {
      this.#entries(pending.node, prefix, prefix)
      return
    }
    const fd = this.#enter(pending, descriptors.fs, descriptors.path)
    try {
      this.#entries(pending.node, `${descriptors.path}/${fd}/`, prefix)
    } finally {
      descriptors.fs.closeSync(fd)
    }
  }

  /** Opens a directory, which has to be the one that was seen. */
  #enter({ path, dev, ino }: Pending, fs: DescriptorFs, descriptors: string): number {
    const flags = fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW
    const calls = { open: (at: string | Buffer) => fs.openSync(at, flags), close: (at: number) => fs.closeSync(at) }
    let fd = -1
    try {
      fd = openAnyLength(path, calls, descriptors)
      const stat = fs.fstatSync(fd, { bigint: true })
      if (stat.dev === dev && stat.ino === ino) return fd
    } catch (error) {
      throw sourceError(error, 'open', path)
    }
    fs.closeSync(fd)
    throw new SourceError('ESTALE', 'open', path, WHILE_READ)
  }

  /** Reads a directory that the fs finds at `base`, with a slash at its end, and people at `prefix`. */
  #entries(parent: number, base: string, prefix: string): void {
    for (const name of this.#names(base, prefix)) this.#entry(parent, name, base + name, prefix + name)
  }

  /** Names in a directory, a character a byte. */
  *#names(base: string, prefix: string): Generator<string> {
    let names: readonly unknown[]
    try {
      // Such a host's fs has bytes as characters too, which spares a buffer for each name.
      const encoding = this.#options.descriptors === undefined ? 'buffer' : 'latin1'
      names = this.#fs.readdirSync(callPath(base), { encoding })
    } catch (error) {
      throw sourceError(error, 'readdir', prefix)
    }
    for (const raw of names) {
      yield typeof raw === 'string' && this.#options.descriptors !== undefined ? raw : binaryOf(raw)
    }
  }

  #entry(parent: number, name: string, at: string, path: string): void {
    const stat = this.#entryStat(at, path)
    if (stat === undefined) return
    const mode = Number(stat.mode)
    const type = mode & S_IFMT
    if (this.#options.skipDevices && (type === S_IFCHR || type === S_IFBLK)) return
    if (++this.#count > this.#maxEntries) throw new SourceError('E2BIG', 'readdir', path)
    const node = this.#add(parent, name, mode, path)
    this.#describe(node, stat, at, path)
    if (type === S_IFDIR) this.#pending.push({ node, path, dev: stat.dev, ino: stat.ino })
    else this.#links?.note(node, stat)
  }

  #add(parent: number, name: string, mode: number, path: string): number {
    const scratch = this.#scratch
    if (name.length >= NAME_ROOM) throw new SourceError('ENAMETOOLONG', 'readdir', path)
    for (let i = 0; i < name.length; i++) scratch[i] = name.charCodeAt(i)
    try {
      return this.#tree.add(parent, scratch, 0, name.length, mode)
    } catch (error) {
      throw sourceError(error, 'readdir', path)
    }
  }

  #describe(node: number, stat: SourceStats, at: string, path: string): void {
    const tree = this.#tree
    const type = tree.mode[node] & S_IFMT
    tree.uid[node] = Number(stat.uid)
    tree.gid[node] = Number(stat.gid)
    if (type === S_IFCHR || type === S_IFBLK) tree.rdev[node] = Number(BigInt.asUintN(32, stat.rdev))
    tree.setSize(node, Number(stat.size))
    writeFacts(stat, this.#facts, 0)
    this.#times(node)
    try {
      if (type === S_IFREG && stat.size > 0n) this.#files.add(node, this.#facts)
      else if (type === S_IFLNK) this.#target(node, at)
      const { xattrs = 'none', xattrSource } = this.#options
      if (xattrs !== 'none' && xattrSource !== undefined) this.#xattrs(node, at, xattrSource, xattrs)
    } catch (error) {
      throw sourceError(error, type === S_IFLNK && error instanceof TreeError ? 'readlink' : callOf(error), path)
    }
  }

  #times(node: number): void {
    const tree = this.#tree
    if (this.#options.useEpoch) {
      if (this.#options.ctime) tree.setCtime(node, 0, 0, 0)
      return
    }
    const mtime = this.#nanoseconds(FACT_MTIME)
    tree.setMtime(node, mtime, this.#nsec(FACT_MTIME, mtime))
    if (!this.#options.ctime) return
    const ctime = this.#nanoseconds(FACT_CTIME)
    tree.setCtime(node, ctime, Math.floor(ctime / 2 ** 32), this.#nsec(FACT_CTIME, ctime))
  }

  /** Whole seconds of a time among the facts, rounded down. Without BigInts, of which each step would make one. */
  #nanoseconds(word: number): number {
    const high = this.#halves[2 * word + HIGH_HALF] | 0
    const low = this.#halves[2 * word + 1 - HIGH_HALF]
    // Off by one at most; what is left over tells, and fits 32 bits.
    const seconds = Math.floor((high * 2 ** 32 + low) / NS)
    const rest = (low - Math.imul(seconds, NS)) | 0
    return rest < 0 ? seconds - 1 : rest >= NS ? seconds + 1 : seconds
  }

  #nsec(word: number, seconds: number): number {
    return (this.#halves[2 * word + 1 - HIGH_HALF] - Math.imul(seconds, NS)) | 0
  }

  #target(node: number, at: string): void {
    const target = this.#fs.readlinkSync(callPath(at), { encoding: 'buffer' })
    const bytes = target instanceof Uint8Array ? target : new TextEncoder().encode(String(target))
    this.#tree.setPayload(node, bytes, 0, bytes.length)
  }

  #xattrs(node: number, at: string, source: XattrSource, wanted: 'user' | 'all'): void {
    for (const name of source.list(at)) {
      if (wanted === 'user' && !name.startsWith('user.')) continue
      const value = readable(source, at, name)
      if (value === undefined) continue
      const scratch = this.#scratch
      if (name.length >= NAME_ROOM || value.length > VALUE_ROOM)
        throw new TreeError('ERANGE', `xattr ${name} is too long`)
      for (let i = 0; i < name.length; i++) scratch[i] = name.charCodeAt(i)
      const end = name.length + value.length
      scratch.set(value, name.length)
      this.#tree.setXattr(node, scratch, { from: 0, to: name.length }, { from: name.length, to: end })
    }
  }
}

/** A value; undefined where a name is listed that nobody can read, as those of `user` of a symlink in an image are. */
function readable(source: XattrSource, at: string, name: string): Uint8Array | undefined {
  try {
    return source.get(at, name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENODATA') return undefined
    throw error
  }
}

/** The call by which an error came, as its error says. */
function callOf(error: unknown): string {
  return error instanceof Error && 'syscall' in error ? String(error.syscall) : 'xattrs'
}
