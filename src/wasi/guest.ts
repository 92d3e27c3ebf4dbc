// What the calls of one program share: its memory, what it has open, and how they answer. Not here: any call.

import type { Fault } from '../format/errno.js'
import { type Attr, newAttr } from '../overlay/layer.js'
import { DIRECTORY_INHERITING, DIRECTORY_RIGHTS, FILESTAT, FILESTAT_0 } from './abi.js'
import { type Descriptor, Descriptors, type GuestTree, type OpenDirectory } from './descriptors.js'
import { WASI } from './errno.js'
import { filetypeOf } from './filetype.js'
import { GuestMemory } from './guest-memory.js'

/** What a call answers: an errno of WASI, or the Fault that it comes of (which may be a Miss, and is waited for where that can be). */
export type Answer = number | Fault

/** The two forms of structs and numbers: preview1's, and those of wasi_unstable before it. */
export type Snapshot = 0 | 1

/** As long as a path may be, in bytes. */
const PATH_MAX = 4096

export class Guest {
  readonly memory = new GuestMemory()
  readonly open: Descriptors
  /** The record that the next stat overwrites. */
  readonly attr: Attr = newAttr()

  constructor(limit: number) {
    this.open = new Descriptors(limit)
  }

  addPreopen(name: string, tree: GuestTree, node: object): void {
    const release = tree.layer.hold?.(node)
    const rights = { base: DIRECTORY_RIGHTS, inheriting: DIRECTORY_INHERITING }
    this.open.add({ kind: 'directory', tree, node, preopen: name, flags: 0, listing: undefined, release, ...rights })
  }

  /** What is open by a number and may be used so; else the errno. */
  descriptor(fd: number, rights: number): Descriptor | number {
    const found = this.open.get(fd)
    if (found === undefined) return WASI.EBADF
    return (found.base & rights) === rights ? found : WASI.ENOTCAPABLE
  }

  directory(fd: number, rights: number): OpenDirectory | number {
    const found = this.descriptor(fd, rights)
    if (typeof found === 'number') return found
    return found.kind === 'directory' ? found : WASI.ENOTDIR
  }

  /** A path that a program gives, as bytes of our own, or the errno. */
  path(pointer: number, length: number): Uint8Array | number {
    const bytes = this.memory.bytes(pointer, length)
    if (bytes.length >= PATH_MAX) return WASI.ENAMETOOLONG
    if (bytes.includes(0)) return WASI.EINVAL
    return bytes.slice()
  }

  putFilestat(pointer: number, attr: Attr, dev: number, snapshot: Snapshot): void {
    const { memory } = this
    const { size, fields } = snapshot === 1 ? FILESTAT : FILESTAT_0
    const at = memory.check(pointer, size)
    memory.bytes(at, size).fill(0)
    memory.putU64(at + fields.dev.offset, dev)
    memory.putU64(at + fields.ino.offset, attr.ino)
    memory.putU8(at + fields.filetype.offset, filetypeOf(attr.mode))
    if (snapshot === 1) memory.putU64(at + fields.nlink.offset, attr.nlink)
    else memory.putU32(at + fields.nlink.offset, attr.nlink)
    memory.putU64(at + fields.size.offset, attr.size)
    memory.putTime(at + fields.atim.offset, attr.atimeSec, attr.atimeNsec)
    memory.putTime(at + fields.mtim.offset, attr.mtimeSec, attr.mtimeNsec)
    memory.putTime(at + fields.ctim.offset, attr.ctimeSec, attr.ctimeNsec)
  }
}
