// A `Layer` over a directory of the host, for tests only: it lets the `fs` surface be compared with node:fs on the very
// same files. Paths are resolved by the kernel, below a prefix; an absolute link leads out of it, so a test that has
// some takes the prefix ''.
import fs from 'node:fs'
import { Fault, fault, isErrnoName, Miss, type Outcome } from '../../src/format/errno'
import type { Attr, Bytes, DirList, FsInfo, Layer, OpenFile } from '../../src/overlay/layer'

export interface HostNode {
  readonly path: Buffer
}

/** What may be made to happen: every so manieth read answers a Miss when it may not wait. */
export interface HostLayerOptions {
  readonly missEvery?: number
}

function faultOf(error: unknown): Fault {
  const { code, message } = error as NodeJS.ErrnoException
  return isErrnoName(code) ? fault(code) : new Fault('EIO', message, error)
}

function attempt<T>(run: () => T): Outcome<T> {
  try {
    return run()
  } catch (error) {
    return faultOf(error)
  }
}

function fillAttr(stats: fs.BigIntStats, out: Attr): undefined {
  out.ino = Number(stats.ino)
  out.mode = Number(stats.mode)
  out.nlink = Number(stats.nlink)
  out.uid = Number(stats.uid)
  out.gid = Number(stats.gid)
  out.rdev = Number(stats.rdev)
  out.size = Number(stats.size)
  out.blocks = Number(stats.blocks)
  out.blksize = Number(stats.blksize)
  for (const name of ['atime', 'mtime', 'ctime', 'birthtime'] as const) {
    out[`${name}Sec`] = Number(stats[`${name}Ns`] / 1_000_000_000n)
    out[`${name}Nsec`] = Number(stats[`${name}Ns`] % 1_000_000_000n)
  }
}

export class HostLayer implements Layer<HostNode> {
  readonly root: HostNode
  readonly #prefix: Buffer
  readonly #missEvery: number
  #reads = 0
  /** How many Misses have been answered. */
  misses = 0

  constructor(prefix: string, options: HostLayerOptions = {}) {
    this.#prefix = Buffer.from(prefix)
    this.#missEvery = options.missEvery ?? 0
    this.root = { path: Buffer.from(`${prefix}/`) }
  }

  #at(path: Bytes): Buffer {
    return Buffer.concat([this.#prefix, Buffer.from('/'), typeof path === 'string' ? Buffer.from(path) : path])
  }

  resolve(path: Bytes, follow: boolean): Outcome<HostNode> {
    if (path.length === 0) return fault('ENOENT')
    const at = this.#at(path)
    return attempt(() => {
      if (follow) fs.statSync(at)
      else fs.lstatSync(at)
      return { path: follow ? (fs.realpathSync.native(at, 'buffer') as Buffer) : at }
    })
  }

  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    if (path.length === 0) return fault('ENOENT')
    const at = this.#at(path)
    return attempt(() => fillAttr(follow ? fs.statSync(at, { bigint: true }) : fs.lstatSync(at, { bigint: true }), out))
  }

  lookup(dir: HostNode, name: Bytes): Outcome<HostNode> {
    const at = Buffer.concat([dir.path, Buffer.from('/'), typeof name === 'string' ? Buffer.from(name) : name])
    return attempt(() => {
      fs.lstatSync(at)
      return { path: at }
    })
  }

  stat(node: HostNode, out: Attr): Fault | undefined {
    return attempt(() => fillAttr(fs.lstatSync(node.path, { bigint: true }), out))
  }

  namesAt(path: Bytes): Outcome<string[]> {
    const node = this.resolve(path, true)
    const list = node instanceof Fault ? node : this.readdir(node)
    return list instanceof Fault ? list : list.names
  }

  readdir(dir: HostNode): Outcome<DirList> {
    return attempt(() => {
      const raw = fs.readdirSync(dir.path, 'buffer')
      const odd = raw
        .map((name, index) => [index, name] as const)
        .filter(([, name]) => !Buffer.from(name.toString()).equals(name))
      const typeAt = (name: Buffer) => fs.lstatSync(Buffer.concat([dir.path, Buffer.from('/'), name])).mode >> 12
      return {
        names: raw.map(name => name.toString()),
        types: Uint8Array.from(raw, typeAt),
        raw: odd.length === 0 ? null : new Map(odd),
      }
    })
  }

  readlink(node: HostNode): Outcome<Uint8Array> {
    return attempt(() => fs.readlinkSync(node.path, 'buffer'))
  }

  listxattr(): Outcome<Uint8Array[]> {
    return [Buffer.from('user.one'), Buffer.from([0x75, 0x2e, 0xff])]
  }

  getxattr(_node: HostNode, name: Bytes): Outcome<Uint8Array> {
    return Buffer.from(name).toString() === 'user.one' ? new Uint8Array([1, 2, 3]) : fault('ENODATA')
  }

  open(node: HostNode): Outcome<OpenFile> {
    const data = attempt(() => {
      const stats = fs.statSync(node.path)
      if (!stats.isFile()) throw Object.assign(new Error(), { code: stats.isDirectory() ? 'EISDIR' : 'ENXIO' })
      return fs.readFileSync(node.path)
    })
    return data instanceof Fault ? data : this.#file(data)
  }

  #file(data: Uint8Array): OpenFile {
    const missing = (wait: boolean): Miss | undefined => {
      if (wait || this.#missEvery === 0 || ++this.#reads % this.#missEvery !== 0) return undefined
      this.misses++
      return new Miss('a block', () => Promise.resolve())
    }
    return {
      size: data.length,
      read: (into, position, wait) => {
        const miss = missing(wait)
        if (miss !== undefined) return miss
        const piece = data.subarray(position, position + into.length)
        into.set(piece)
        return piece.length
      },
      readAll: wait => missing(wait) ?? Uint8Array.from(data),
      close: () => {},
    }
  }

  statfs(): FsInfo {
    return fs.statfsSync(this.#at('/'))
  }
}
