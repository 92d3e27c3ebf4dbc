// Runs the operations of a scenario on the `fs` of an overlay, and records what came of them in the form of the recorded ones.
import { createHash } from 'node:crypto'
import { pathText } from '../../src/format/call-path.js'
import { Fault, fault } from '../../src/format/errno.js'
import { isDirectory } from '../../src/overlay/lower.js'
import type { OverlayNode } from '../../src/overlay/lower-node.js'
import type { MergedTree } from '../../src/overlay/merged-tree.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import type { UpperInode } from '../../src/overlay/upper-inode.js'
import { createFs, type MountedFs } from '../../src/vfs/mounted-fs.js'
import { contentBytes, type Entry, type Op, type Scenario } from './scenario.js'

/** What the runner needs of the world: how an overlay is mounted anew over what the upper holds. */
export interface Host {
  readonly tree: Overlay | MergedTree
  remount(): Overlay | MergedTree
}

type Stat = import('node:fs').BigIntStats
type AnyFs = MountedFs & Record<string, (...args: unknown[]) => unknown>

const FD_FIRST = 'close read write fstat ftruncate fchmod fchown futimes fsync fdatasync'.split(' ')
const RENAME_FLAGS: Readonly<Record<string, number>> = { noreplace: 1, exchange: 2, whiteout: 4 }
const NODE_TYPES: Readonly<Record<string, number>> = { fifo: 0o010000, sock: 0o140000, chr: 0o020000, blk: 0o060000 }

function typeOf(mode: number): string {
  const types: Readonly<Record<number, string>> = {
    4: 'dir',
    8: 'file',
    10: 'symlink',
    1: 'fifo',
    12: 'sock',
    2: 'chr',
  }
  return types[mode >>> 12] ?? 'blk'
}

function bodyOf(bytes: Uint8Array): object {
  const printable = bytes.length <= 80 && bytes.every(c => (c >= 32 && c < 127) || c === 10)
  if (printable) return { content: Buffer.from(bytes).toString('latin1') }
  return { sha256: createHash('sha256').update(bytes).digest('hex') }
}

function shownValue(bytes: Uint8Array): unknown {
  return 'content' in bodyOf(bytes)
    ? Buffer.from(bytes).toString('latin1')
    : { hex: Buffer.from(bytes).toString('hex') }
}

export class ScenarioRun {
  readonly #start = BigInt(Date.now()) * 1_000_000n - 2_000_000_000n
  #tree: Overlay | MergedTree
  #fs: AnyFs
  readonly #fds = new Map<string, number>()

  constructor(
    readonly host: Host,
    readonly scenario: Scenario,
  ) {
    this.#tree = host.tree
    this.#fs = this.#mount(host.tree)
  }

  #mount(tree: Overlay | MergedTree): AnyFs {
    const umask = Number.parseInt(this.scenario.setup.umask ?? '022', 8)
    return createFs(tree, { uid: () => 0, gid: () => 0, umask: () => umask, dev: 7 }) as unknown as AnyFs
  }

  #closeAll(): void {
    for (const fd of this.#fds.values()) this.#fs.closeSync(fd)
    this.#fds.clear()
  }

  results(): unknown[] {
    const results = this.scenario.ops.map(op => this.#result(op))
    this.#closeAll()
    return results
  }

  remount(): void {
    this.#closeAll()
    this.#tree = this.host.remount()
    this.#fs = this.#mount(this.#tree)
  }

  #result(op: Op): unknown {
    const args = (op.args ?? []).map(arg =>
      typeof arg === 'string' && arg.startsWith('$') && this.#fds.has(arg.slice(1)) ? this.#fds.get(arg.slice(1)) : arg,
    )
    if (FD_FIRST.includes(op.op) && typeof args[0] !== 'number') return { skipped: true }
    try {
      const value = op.op.startsWith('@') ? this.#special(op.op, args) : this.#plain(op, args)
      return { ok: this.canonical(value) }
    } catch (error) {
      const { code, syscall } = error as { code?: string; syscall?: string }
      if (code === undefined) throw error
      return syscall === undefined ? { err: code } : { err: code, syscall }
    }
  }

  #directory(path: string, syscall: string) {
    const node = this.#tree.resolve(path, true)
    this.#done(node, syscall)
    if (!isDirectory(node as OverlayNode)) this.#done(fault('ENOTDIR'), syscall)
    return node as OverlayNode
  }

  #done(failed: Fault | object | undefined, syscall: string): void {
    if (failed instanceof Fault) throw Object.assign(new Error(syscall), { code: failed.code, syscall })
  }

  #special(name: string, args: readonly unknown[]): unknown {
    const [path, second, third, fourth] = args as [string, string, string, [number, number]]
    const fs = this.#fs
    const syscall = name === '@mknod' ? 'mknod' : 'renameat2'
    const parentOf = (of: string) => this.#directory(of.slice(0, of.lastIndexOf('/')) || '/', syscall)
    const nameOf = (of: string) => of.slice(of.lastIndexOf('/') + 1)
    switch (name) {
      case '@remount':
        this.remount()
        return null
      case '@sameFile': {
        const [a, b] = [path, second].map(one => fs.lstatSync(one, { bigint: true }))
        return a.ino === b.ino && a.dev === b.dev
      }
      case '@mknod': {
        const [major, minor] = fourth ?? [0, 0]
        const mode = NODE_TYPES[second] | Number.parseInt(third ?? '0644', 8)
        const umask = Number.parseInt(this.scenario.setup.umask ?? '022', 8)
        const inode = { mode, umask, uid: 0, gid: 0, rdev: (major << 8) | minor }
        const dir = parentOf(path)
        if (!('create' in this.#tree)) {
          const isThere = !(this.#tree.lookup(dir, nameOf(path)) instanceof Fault)
          this.#done(fault(isThere ? 'EEXIST' : 'EROFS'), syscall)
        }
        this.#done((this.#tree as Overlay).create(dir, nameOf(path), inode, true), syscall)
        return null
      }
      case '@setxattr':
        fs.setxattrSync(path, second, Buffer.from(third), { follow: false })
        return null
      case '@getxattr':
        return fs.getxattrSync(path, second, { follow: false })
      case '@removexattr':
        fs.removexattrSync(path, second, { follow: false })
        return null
      case '@listxattr':
        // Images hold whiteouts twice, once for users without privileges.
        return (fs.listxattrSync(path, { follow: false }) as string[])
          .filter(one => !/^user\.overlay\./.test(one))
          .sort()
      default: {
        const tree = this.#tree as Overlay
        const [from, to] = [parentOf(path), parentOf(second)]
        if (!('rename' in this.#tree)) this.#done(fault('EROFS'), syscall)
        this.#done(tree.rename(from, nameOf(path), to, nameOf(second), RENAME_FLAGS[third], true), syscall)
        return null
      }
    }
  }

  #plain({ op, as }: Op, args: unknown[]): unknown {
    const fs = this.#fs
    const call = (...given: unknown[]) => fs[`${op}Sync`](...given)
    switch (op) {
      case 'read': {
        const into = Buffer.alloc(args[1] as number)
        return into.subarray(0, call(args[0], into, 0, args[1], args[2] ?? null) as number)
      }
      case 'readFile':
        return call(args[0])
      case 'write':
        return call(args[0], contentBytes(args[1]), 0, undefined, args[2] ?? null)
      case 'writeFile':
      case 'appendFile':
        return call(args[0], contentBytes(args[1]), args[2])
      case 'stat':
      case 'lstat':
      case 'fstat':
        return call(args[0], { bigint: true })
      case 'open': {
        const fd = call(...args) as number
        if (as === undefined) fs.closeSync(fd)
        else this.#fds.set(as, fd)
        return null
      }
      case 'close': {
        for (const [name, fd] of this.#fds) if (fd === args[0]) this.#fds.delete(name)
        return call(args[0])
      }
      default:
        return call(...args)
    }
  }

  canonical(value: unknown): unknown {
    if (value === undefined || value === null) return null
    if (value instanceof Uint8Array) return { size: value.length, ...bodyOf(value) }
    if (typeof value === 'object' && 'mtimeNs' in value) return this.#stat(value as Stat)
    if (!Array.isArray(value)) return value
    const names = value.map(one => (typeof one === 'string' ? one : [one.name, typeOf(direntMode(one))]))
    const key = (name: unknown) => Buffer.from(Array.isArray(name) ? name[0] : (name as string))
    return names.sort((a, b) => Buffer.compare(key(a), key(b)))
  }

  #time(ns: bigint): string {
    if (ns >= this.#start) return 'now'
    return `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`
  }

  #stat(stat: Stat): Record<string, unknown> {
    const type = typeOf(Number(stat.mode))
    const shown: Record<string, unknown> = {
      type,
      mode: `0${(Number(stat.mode) & 0o7777).toString(8).padStart(3, '0')}`,
      nlink: Number(stat.nlink),
    }
    if (type === 'file' || type === 'symlink') shown['size'] = Number(stat.size)
    if (type === 'chr' || type === 'blk') shown['rdev'] = [Number(stat.rdev >> 8n) & 0xfff, Number(stat.rdev & 0xffn)]
    return { ...shown, uid: Number(stat.uid), gid: Number(stat.gid), mtime: this.#time(stat.mtimeNs) }
  }

  /** The merged tree as it can be seen. */
  tree(): Entry[] {
    const fs = this.#fs
    const found: Entry[] = []
    const groups = new Map<bigint, string>()
    const visit = (dir: string): void => {
      for (const name of fs.readdirSync(dir === '' ? '/' : dir) as string[]) {
        const path = `${dir}/${name}`
        let stat: Stat
        try {
          stat = fs.lstatSync(path, { bigint: true }) as Stat
        } catch {
          continue
        }
        const entry: Record<string, unknown> = { path, ...this.#stat(stat) }
        const xattrs: Record<string, unknown> = {}
        for (const xattr of fs.listxattrSync(path, { follow: false }) as string[]) {
          if (/^(security\.|user\.overlay\.)/.test(xattr)) continue
          xattrs[xattr] = shownValue(fs.getxattrSync(path, xattr, { follow: false }))
        }
        if (Object.keys(xattrs).length > 0) entry['xattrs'] = xattrs
        if (stat.isFile()) Object.assign(entry, this.#readable(path))
        if (stat.isSymbolicLink()) entry['target'] = fs.readlinkSync(path)
        if (!stat.isDirectory() && stat.nlink > 1n) {
          if (!groups.has(stat.ino)) groups.set(stat.ino, path)
          entry['group'] = groups.get(stat.ino)
        }
        found.push(entry as Entry)
        if (stat.isDirectory()) visit(path)
      }
    }
    visit('')
    return found
  }

  #readable(path: string): object {
    try {
      return bodyOf(this.#fs.readFileSync(path))
    } catch (error) {
      return { readErr: (error as { code: string }).code }
    }
  }

  /** The upper as a kernel's would show itself: marks are among what is known of an entry. */
  upper(): Entry[] {
    const found: Entry[] = []
    const groups = new Map<UpperInode, string>()
    const visit = (dir: UpperInode, at: string): void => {
      const names = [...(dir.children?.keys() ?? [])].sort()
      for (const name of names) {
        const path = `${at}/${pathText(name)}`
        const inode = dir.children?.get(name)
        if (inode === undefined) continue
        if (inode === null) {
          found.push({ path, type: 'whiteout' })
          continue
        }
        found.push({ path, ...this.#upperEntry(inode, path, groups) })
        if (inode.isDirectory) visit(inode, path)
      }
    }
    visit(this.#tree.upper.root, '')
    return found
  }

  #upperEntry(inode: UpperInode, path: string, groups: Map<UpperInode, string>): Record<string, unknown> {
    const ns = BigInt(inode.mtimeSec) * 1_000_000_000n + BigInt(inode.mtimeNsec)
    const big = (value: number) => BigInt(value)
    const size = inode.body?.size ?? inode.target?.length ?? inode.size
    const { mode, nlink, uid, gid, rdev } = inode
    const stat = { mode: big(mode), nlink: big(nlink), size: big(size), rdev: big(rdev), uid: big(uid), gid: big(gid) }
    const entry = this.#stat({ ...stat, mtimeNs: ns } as unknown as Stat)
    const marks: Record<string, unknown> = {}
    for (const [name, value] of inode.xattrs ?? []) {
      if (/^(security\.|user\.overlay\.)/.test(name)) continue
      const stored = name.startsWith('trusted.overlay.') ? name.replace('trusted.overlay.', '') : undefined
      if (stored !== undefined) {
        const markers = (marks['markers'] ?? {}) as Record<string, unknown>
        marks['markers'] = { ...markers, [`overlay.${stored}`]: Buffer.from(value).toString('hex') }
      } else marks['xattrs'] = { ...((marks['xattrs'] ?? {}) as object), [name]: shownValue(value) }
    }
    if (inode.metacopy !== undefined)
      marks['metacopy'] = inode.metacopy.length === 0 || Buffer.from(inode.metacopy).toString('hex')
    if (inode.opaque !== '') marks['opaque'] = inode.opaque
    if (inode.redirect !== undefined) marks['redirect'] = pathText(inode.redirect)
    if (inode.whiteout) Object.assign(entry, { type: 'xwhiteout', content: '' })
    if (inode.body !== undefined) {
      const bytes = new Uint8Array(inode.body.size)
      inode.body.read(bytes, 0)
      Object.assign(marks, bodyOf(bytes))
    }
    if (inode.target !== undefined) marks['target'] = Buffer.from(inode.target).toString()
    if (!inode.isDirectory && nlink > 1) {
      if (!groups.has(inode)) groups.set(inode, path)
      marks['group'] = groups.get(inode)
    }
    return { ...entry, ...marks }
  }
}

function direntMode(entry: {
  isDirectory(): boolean
  isFile(): boolean
  isSymbolicLink(): boolean
  isFIFO(): boolean
  isSocket(): boolean
  isCharacterDevice(): boolean
}): number {
  const is: [boolean, number][] = [
    [entry.isDirectory(), 4],
    [entry.isFile(), 8],
    [entry.isSymbolicLink(), 10],
    [entry.isFIFO(), 1],
    [entry.isSocket(), 12],
    [entry.isCharacterDevice(), 2],
  ]
  return (is.find(([yes]) => yes)?.[1] ?? 6) << 12
}
