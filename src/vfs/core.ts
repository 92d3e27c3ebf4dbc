// What the faces of one mount share: the layer, the open files, and the few questions that are asked without any
// ceremony (the hot paths). Not here: forms of arguments beyond the plain ones, or error shapes.

import { Fault, fault, isUnread, type Outcome } from '../format/errno.js'
import {
  type Attr,
  type Bytes,
  isWritable,
  type Layer,
  newAttr,
  type OpenFile,
  type WritableLayer,
} from '../overlay/layer.js'
import { shownId, type VfsEnv } from './env.js'
import { FdTable } from './fd-table.js'
import { BigIntStats, Stats } from './stats.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000

export class Core {
  readonly #attr: Attr = newAttr()
  readonly fds = new FdTable()
  /** What is to be told when the mount ends; undefined when it has. */
  ends: Set<() => void> | undefined = new Set()
  readonly dev: number
  /** The layer, if it can be changed. */
  readonly writable: WritableLayer | undefined

  constructor(
    readonly layer: Layer,
    readonly env: VfsEnv,
  ) {
    this.dev = env.dev ?? 0
    this.writable = isWritable(layer) ? layer : undefined
  }

  /** Ends what hangs on the mount, and closes what is open. */
  end(): void {
    const ends = this.ends ?? []
    this.ends = undefined
    for (const end of ends) end()
    this.fds.closeAll()
  }

  /** The record that the next stat overwrites. */
  get scratch(): Attr {
    return this.#attr
  }

  #stats(attr: Attr, bigint: boolean): Stats | BigIntStats {
    const { idmap } = this.env
    const uid = idmap === undefined ? attr.uid : shownId(idmap.uid, attr.uid)
    const gid = idmap === undefined ? attr.gid : shownId(idmap.gid, attr.gid)
    return bigint ? new BigIntStats(attr, this.dev, uid, gid) : new Stats(attr, this.dev, uid, gid)
  }

  /** The hot path of stat and lstat: a plain look-up and a plain answer. */
  plainStat(path: Bytes, follow: boolean): Stats | Fault {
    const attr = this.#attr
    const failed = this.layer.statPath(path, follow, attr)
    if (failed !== undefined) return failed
    const { idmap } = this.env
    if (idmap === undefined) return new Stats(attr, this.dev, attr.uid, attr.gid)
    return this.#stats(attr, false) as Stats
  }

  statPath(path: Bytes, follow: boolean, bigint: boolean): Stats | BigIntStats | Fault {
    const failed = this.layer.statPath(path, follow, this.#attr)
    return failed ?? this.#stats(this.#attr, bigint)
  }

  statNode(node: object, bigint: boolean): Stats | BigIntStats | Fault {
    const failed = this.layer.stat(node, this.#attr)
    return failed ?? this.#stats(this.#attr, bigint)
  }

  /** The mode of an inode: type and permission bits. */
  modeOf(node: object): Outcome<number> {
    return this.layer.stat(node, this.#attr) ?? this.#attr.mode
  }

  /** Whether a path leads to a directory; false for whatever fails, as far as that can be told. */
  isDirectory(path: Bytes): Outcome<boolean> {
    const failed = this.layer.statPath(path, true, this.#attr)
    if (failed !== undefined) return isUnread(failed) ? failed : false
    return (this.#attr.mode & S_IFMT) === S_IFDIR
  }

  /** Names of a directory, in an array that the caller owns. */
  names(path: Bytes): string[] | Fault {
    return this.layer.namesAt(path)
  }

  /** Opens what a path leads to for reading. A directory is the Fault EISDIR. */
  openFile(path: Bytes, wait: boolean): Outcome<OpenFile> {
    const node = this.layer.resolve(path, true)
    return node instanceof Fault ? node : this.layer.open(node, wait)
  }

  /** openFile for whoever closes the file before anything else is asked of the mount. */
  openBriefly(path: Bytes, wait: boolean): Outcome<OpenFile> {
    return this.layer.openBriefly?.(path, wait) ?? this.openFile(path, wait)
  }

  /** The directory that a path leads to. */
  directory(path: Bytes): Outcome<object> {
    const node = path.length === 0 ? this.layer.root : this.layer.resolve(path, true)
    if (node instanceof Fault) return node
    const mode = this.modeOf(node)
    if (mode instanceof Fault) return mode
    return (mode & S_IFMT) === S_IFDIR ? node : fault('ENOTDIR')
  }
}
