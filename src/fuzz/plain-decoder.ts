// An EROFS decoder in plain TypeScript, as one would write it in an afternoon: DataView, objects, a Map of paths.
// Three jobs: the oracle `plain` of `composefs fuzz`, that of the tests, and what the bench measures the WebAssembly core against. So it is
// independent of src/ and asm/ on purpose (offsets are written out again), and honestly fast. Reads uncompressed,
// single-device images without metabox; trusts its input. Xattrs are in plain-xattrs.ts, sweeps in test/helpers/plain-sweep.ts.
// Follows spec erofs.md and composefs-image.md.

const utf8 = new TextDecoder()
const S_IFMT = 0o170000
const S_IFDIR = 0o040000
const S_IFLNK = 0o120000
const S_IFCHR = 0o020000
const S_IFBLK = 0o060000
const FT_CHR = 3
const HOLE = 0xffffffff
const MAX_LINKS = 40

/** A stat record, and where its data lies. Sizes in bytes; rdev as on disk (major 12 bits, minor 20). */
export class PlainInode {
  constructor(
    readonly nid: number,
    readonly mode: number,
    readonly nlink: number,
    readonly uid: number,
    readonly gid: number,
    readonly size: number,
    readonly mtimeSec: number,
    readonly mtimeNsec: number,
    /** i_u with its high half. */
    readonly unit: number,
    readonly layout: number,
    /** Byte offset of the xattr body. */
    readonly xattrs: number,
    /** Byte offset of what follows it: inline data, chunk table. */
    readonly end: number,
  ) {}

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR
  }

  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK
  }

  get isDevice(): boolean {
    return (this.mode & S_IFMT) === S_IFCHR || (this.mode & S_IFMT) === S_IFBLK
  }
}

export interface PlainEntry {
  readonly name: string
  /** The name's bytes as characters 0..255; the same string as `name` where it is ASCII. */
  readonly raw: string
  readonly nid: number
}

export interface PlainNode {
  readonly path: string
  readonly raw: string
  readonly inode: PlainInode
}

export class PlainDecoder {
  readonly root: number
  /** Carries the composefs header: served as its overlay mount shows it. */
  readonly composefs: boolean
  readonly buffer: Buffer
  readonly view: DataView
  private readonly blockBits: number
  readonly blockSize: number
  readonly metaBase: number
  readonly xattrBase: number
  readonly epoch: number
  readonly epochNsec: number
  private readonly incompat: number
  private readonly paths = new Map<string, PlainInode>()

  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (view.getUint32(1024, true) !== 0xe0f5e1e2) throw new Error('not an EROFS image')
    this.view = view
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.composefs = view.getUint32(0, true) === 0xd078629a
    this.blockBits = view.getUint8(1024 + 12)
    this.blockSize = 1 << this.blockBits
    this.incompat = view.getUint32(1024 + 80, true)
    const bigRoot = this.incompat & 0x80 ? Number(view.getBigUint64(1024 + 112, true)) : 0
    this.root = bigRoot === 0 ? view.getUint16(1024 + 14, true) : bigRoot
    this.epoch = Number(view.getBigInt64(1024 + 24, true))
    this.epochNsec = view.getUint32(1024 + 32, true)
    this.metaBase = view.getUint32(1024 + 40, true) * this.blockSize
    this.xattrBase = view.getUint32(1024 + 44, true) * this.blockSize
  }

  inode(nid: number): PlainInode {
    const view = this.view
    const at = this.metaBase + nid * 32
    const format = view.getUint16(at, true)
    const icount = view.getUint16(at + 2, true)
    const mode = view.getUint16(at + 4, true)
    const nb = view.getUint16(at + 6, true)
    const layout = (format >> 1) & 7
    const body = icount === 0 ? 0 : 12 + 4 * (icount - 1)
    if (format & 1) {
      const size = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32
      const seconds = view.getUint32(at + 32, true) + view.getInt32(at + 36, true) * 2 ** 32
      return new PlainInode(
        nid,
        mode,
        view.getUint32(at + 44, true),
        view.getUint32(at + 24, true),
        view.getUint32(at + 28, true),
        size,
        seconds,
        view.getUint32(at + 40, true),
        view.getUint32(at + 16, true) + nb * 2 ** 32,
        layout,
        at + 64,
        at + 64 + body,
      )
    }
    const one = (format & 0x10) !== 0 && (mode & S_IFMT) !== S_IFDIR
    return new PlainInode(
      nid,
      mode,
      one ? 1 : nb,
      view.getUint16(at + 24, true),
      view.getUint16(at + 26, true),
      view.getUint32(at + 8, true),
      this.epoch + view.getUint32(at + 12, true),
      this.epochNsec,
      view.getUint32(at + 16, true) + (one ? nb * 2 ** 32 : 0),
      layout,
      at + 32,
      at + 32 + body,
    )
  }

  /** [major, minor] of a device. */
  device(inode: PlainInode): [number, number] {
    const rdev = inode.unit % 2 ** 32
    return [(rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)]
  }

  /** Byte offset of a directory's block `index`. */
  blockAt(inode: PlainInode, index: number, blocks: number): number {
    if (inode.layout === 2 && index === blocks - 1) return inode.end
    if (inode.layout <= 2) return (inode.unit + index) * this.blockSize
    throw new Error(`directory of layout ${inode.layout}`)
  }

  /** All entries but `.`, `..` and what the mount hides. */
  readdir(dir: PlainInode): PlainEntry[] {
    const out: PlainEntry[] = []
    const blocks = Math.ceil(dir.size / this.blockSize)
    for (let index = 0; index < blocks; index++) {
      const length = Math.min(this.blockSize, dir.size - index * this.blockSize)
      this.readBlock(this.blockAt(dir, index, blocks), length, out)
    }
    return out
  }

  private readBlock(at: number, length: number, out: PlainEntry[]): void {
    const view = this.view
    const first = view.getUint16(at + 8, true)
    const count = first / 12
    // One decode of all names of the block, then substrings: several times faster than a decode per name.
    let names = this.buffer.toString('latin1', at + first, at + length)
    const nul = names.indexOf('\0')
    if (nul >= 0) names = names.substring(0, nul)
    const ascii = !/[\x80-\xff]/.test(names)
    let start = 0
    for (let k = 0; k < count; k++) {
      const record = at + 12 * k
      const end = k + 1 < count ? view.getUint16(record + 20, true) - first : names.length
      const raw = names.substring(start, end)
      const from = at + first + start
      start = end
      if (raw === '.' || raw === '..') continue
      const nid = this.nidAt(record)
      if (this.composefs && view.getUint8(record + 10) === FT_CHR && this.hidden(this.inode(nid))) continue
      const name = ascii ? raw : utf8.decode(this.buffer.subarray(from, at + first + end))
      out.push({ name, raw, nid })
    }
  }

  /** Binary search over blocks, then over the entries of one; `name` as characters 0..255. */
  lookup(dir: PlainInode, name: string): number {
    const blocks = Math.ceil(dir.size / this.blockSize)
    let low = 0
    let high = blocks - 1
    let found = -1
    while (low <= high) {
      const middle = (low + high) >> 1
      const at = this.blockAt(dir, middle, blocks)
      const order = this.compare(name, at, 0, Math.min(this.blockSize, dir.size - middle * this.blockSize))
      if (order === 0) return this.nidAt(at)
      if (order > 0) {
        found = middle
        low = middle + 1
      } else high = middle - 1
    }
    if (found < 0) return -1
    const at = this.blockAt(dir, found, blocks)
    const length = Math.min(this.blockSize, dir.size - found * this.blockSize)
    low = 1
    high = this.view.getUint16(at + 8, true) / 12 - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      const order = this.compare(name, at, middle, length)
      if (order === 0) return this.nidAt(at + 12 * middle)
      if (order > 0) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  private nidAt(record: number): number {
    return this.view.getUint32(record, true) + this.view.getUint32(record + 4, true) * 2 ** 32
  }

  private compare(name: string, block: number, index: number, length: number): number {
    const bytes = this.buffer
    const from = block + this.view.getUint16(block + 12 * index + 8, true)
    const last = 12 * (index + 1) >= this.view.getUint16(block + 8, true)
    const end = last ? block + length : block + this.view.getUint16(block + 12 * index + 20, true)
    for (let i = 0; i < name.length; i++) {
      if (from + i >= end) return 1
      const other = bytes[from + i]
      const difference = name.charCodeAt(i) - other
      if (difference !== 0) return difference
    }
    return from + name.length >= end || (last && bytes[from + name.length] === 0) ? 0 : -1
  }

  /** The inode at an absolute path (characters 0..255), directories cached by path; undefined if there is none. */
  resolve(path: string, follow: boolean): PlainInode | undefined {
    const slash = path.lastIndexOf('/')
    const parent = slash > 0 ? this.directory(path.substring(0, slash)) : this.rootInode()
    if (parent === undefined || !parent.isDirectory) return undefined
    const name = path.substring(slash + 1)
    if (name === '' || name === '.' || name === '..') return this.step(path, follow, 0)
    const nid = this.lookup(parent, name)
    if (nid < 0) return undefined
    const inode = this.inode(nid)
    if (this.hidden(inode)) return undefined
    return follow && inode.isSymlink ? this.step(path, follow, 0) : inode
  }

  private rootInode(): PlainInode {
    return this.directory('') as PlainInode
  }

  private directory(path: string): PlainInode | undefined {
    const cached = this.paths.get(path)
    if (cached !== undefined) return cached
    const inode = path === '' ? this.inode(this.root) : this.step(path, true, 0)
    if (inode?.isDirectory) this.paths.set(path, inode)
    return inode
  }

  /** Component by component, with a stack of directories for `..`. */
  private step(path: string, follow: boolean, links: number): PlainInode | undefined {
    const stack = [this.inode(this.root)]
    let rest = path.split('/').filter(part => part !== '' && part !== '.')
    for (let i = 0; i < rest.length; i++) {
      const here = stack[stack.length - 1]
      if (rest[i] === '..') {
        if (stack.length > 1) stack.pop()
        continue
      }
      const nid = here.isDirectory ? this.lookup(here, rest[i]) : -1
      if (nid < 0) return undefined
      const inode = this.inode(nid)
      if (this.hidden(inode)) return undefined
      if (!inode.isSymlink || (i === rest.length - 1 && !follow)) {
        stack.push(inode)
        continue
      }
      if (++links > MAX_LINKS) return undefined
      const target = this.readAll(inode).toString('latin1')
      if (target.startsWith('/')) stack.length = 1
      rest = [...target.split('/').filter(part => part !== '' && part !== '.'), ...rest.slice(i + 1)]
      i = -1
    }
    return stack[stack.length - 1]
  }

  /** In a composefs mount stored whiteouts are not there. */
  private hidden(inode: PlainInode): boolean {
    return this.composefs && (inode.mode & S_IFMT) === S_IFCHR && inode.unit === 0
  }

  /** Every entry of the image, depth first, the root ('/') first. */
  walk(): PlainNode[] {
    const out: PlainNode[] = [{ path: '/', raw: '/', inode: this.inode(this.root) }]
    this.walkBelow(out[0].inode, '', '', out)
    return out
  }

  private walkBelow(dir: PlainInode, path: string, raw: string, out: PlainNode[]): void {
    for (const entry of this.readdir(dir)) {
      const inode = this.inode(entry.nid)
      const childRaw = `${raw}/${entry.raw}`
      const childPath = entry.raw === entry.name && raw === path ? childRaw : `${path}/${entry.name}`
      out.push({ path: childPath, raw: childRaw, inode })
      if (inode.isDirectory) this.walkBelow(inode, childPath, childRaw, out)
    }
  }

  /** Content of a regular file or symlink that the image itself holds. */
  readAll(inode: PlainInode): Buffer {
    const { size, unit, layout } = inode
    const bs = this.blockSize
    const out = Buffer.alloc(size)
    if (layout === 4) return this.readChunks(inode, out)
    if (layout === 0)
      return unit % 2 ** 32 === HOLE ? out : Buffer.from(this.buffer.subarray(unit * bs, unit * bs + size))
    if (layout !== 2) throw new Error(`layout ${layout}`)
    const head = size === 0 ? 0 : (Math.ceil(size / bs) - 1) * bs
    if (head > 0) this.buffer.copy(out, 0, unit * bs, unit * bs + head)
    this.buffer.copy(out, head, inode.end, inode.end + size - head)
    return out
  }

  private readChunks(inode: PlainInode, out: Buffer): Buffer {
    const format = inode.unit & 0xffff
    const chunk = 2 ** (this.blockBits + (format & 31))
    const width = format & 0x20 ? 8 : 4
    const table = Math.ceil(inode.end / width) * width
    for (let at = 0, entry = table; at < inode.size; at += chunk, entry += width) {
      const low = this.view.getUint32(width === 8 ? entry + 4 : entry, true)
      const high = format & 0x40 ? this.view.getUint16(entry, true) : 0
      if (low === HOLE && (!(format & 0x40) || high === 0xffff)) continue
      const start = (low + high * 2 ** 32) * this.blockSize
      this.buffer.copy(out, at, start, start + Math.min(chunk, inode.size - at))
    }
    return out
  }
}
