// The calls on open directories: what they hold, and what a preopen is called. Not here: paths (path-calls.ts).
//
//   one entry of fd_readdir:  d_next u64 (the cookie behind it) | d_ino u64 | d_namlen u32 | d_type u8 | 3 bytes | name
//
// A listing is read whole when it begins (cookie 0) and kept until it begins again, as overlayfs does; so a cookie is a place in it
// and stays right whatever happens to the directory meanwhile. Only where a program lists more at once than can be kept, what it began
// first is read again when it goes on. The last entry may be cut by the end of the buffer.

import { Fault, fault, isUnread } from '../format/errno.js'
import { isWritable } from '../overlay/layer.js'
import { DIRENT, PRESTAT, RIGHTS } from './abi.js'
import type { Listing, OpenDirectory } from './descriptors.js'
import { WASI } from './errno.js'
import { filetypeOf } from './filetype.js'
import type { Answer, Guest } from './guest.js'

const DOTS: readonly string[] = ['.', '..']
/** A name's bytes at most: a code unit of text is three. */
const NAME_ROOM = 255 * 3
const TWO_32 = 2 ** 32
/** Entries of all listings that are kept at once: about 100 MB. */
export const KEPT_ENTRIES = 2 ** 20

export class DirCalls {
  readonly #guest: Guest
  readonly #encoder = new TextEncoder()
  readonly #record = new Uint8Array(DIRENT.size + NAME_ROOM)
  readonly #view = new DataView(this.#record.buffer)
  /** Directories whose listings are kept, and others; that which was begun first in front. */
  #listed: OpenDirectory[] = []

  constructor(guest: Guest) {
    this.#guest = guest
  }

  prestatGet(fd: number, out: number): Answer {
    const found = this.#guest.descriptor(fd, 0)
    if (typeof found === 'number') return found
    if (found.kind !== 'directory' || found.preopen === undefined) return WASI.EINVAL
    const { memory } = this.#guest
    memory.bytes(out, PRESTAT.size).fill(0)
    memory.putU32(out + PRESTAT.fields.name_len.offset, this.#encoder.encode(found.preopen).length)
    return WASI.SUCCESS
  }

  prestatDirName(fd: number, path: number, length: number): Answer {
    const found = this.#guest.descriptor(fd, 0)
    if (typeof found === 'number') return found
    if (found.kind !== 'directory' || found.preopen === undefined) return WASI.EBADF
    const into = this.#guest.memory.bytes(path, length)
    const name = this.#encoder.encode(found.preopen)
    if (name.length > into.length) return WASI.ENAMETOOLONG
    into.set(name)
    return WASI.SUCCESS
  }

  readdir(fd: number, buffer: number, length: number, cookie: bigint, out: number): Answer {
    const found = this.#guest.directory(fd, RIGHTS.FD_READDIR)
    if (typeof found === 'number') return found
    const { memory } = this.#guest
    memory.check(out, 4)
    const into = memory.bytes(buffer, length)
    const listing = this.#listing(found, cookie)
    if (listing instanceof Fault) return listing
    let used = 0
    // A cookie has no sign, though programs hand it over with one.
    for (
      let i = Number(BigInt.asUintN(64, cookie));
      i < listing.names.length + DOTS.length && used < into.length;
      i++
    ) {
      const size = this.#fill(found, listing, i)
      if (size instanceof Fault && used > 0) break
      if (size instanceof Fault) return size
      const count = Math.min(size, into.length - used)
      into.set(this.#record.subarray(0, count), used)
      used += count
    }
    memory.putU32(out, used)
    return WASI.SUCCESS
  }

  /** What was removed has no entries to tell of (ENOENT), as the kernel has it. */
  #listing(dir: OpenDirectory, cookie: bigint): Listing | Fault {
    if (isWritable(dir.tree.layer)) {
      const { attr } = this.#guest
      const failed = dir.tree.layer.stat(dir.node, attr)
      if (failed !== undefined) return failed
      if (attr.nlink === 0) return fault('ENOENT')
    }
    if (cookie !== 0n && dir.listing !== undefined) return dir.listing
    const list = dir.tree.layer.readdir(dir.node)
    if (list instanceof Fault) return list
    const { raw, types, inos } = list
    const names = raw === null ? list.names : list.names.map((name, i) => raw.get(i) ?? name)
    const listing = { names, types, inos }
    this.#keep(dir, listing)
    return listing
  }

  #keep(dir: OpenDirectory, listing: Listing): void {
    dir.listing = listing
    const others = this.#listed.filter(one => one !== dir && one.listing !== undefined)
    let sum = others.reduce((entries, { listing: kept }) => entries + (kept?.names.length ?? 0), listing.names.length)
    for (const one of others) {
      if (sum <= KEPT_ENTRIES) break
      sum -= one.listing?.names.length ?? 0
      one.listing = undefined
    }
    this.#listed = [...others, dir]
  }

  /** Makes the record of an entry and answers its length. What has gone meanwhile has no number and no type. */
  #fill(dir: OpenDirectory, { names, types, inos }: Listing, index: number): number | Fault {
    const { fields } = DIRENT
    const at = index - DOTS.length
    const name = at < 0 ? DOTS[index] : names[at]
    let ino = inos?.[at]
    let type = types[at] << 12
    if (ino === undefined) {
      const { attr } = this.#guest
      const failed = this.#stat(dir, name)
      if (failed !== undefined && isUnread(failed)) return failed
      ino = failed === undefined ? attr.ino : 0
      type = failed === undefined ? attr.mode : type
    }
    const view = this.#view
    view.setUint32(fields.d_next.offset, index + 1, true)
    view.setUint32(fields.d_ino.offset, ino % TWO_32, true)
    view.setUint32(fields.d_ino.offset + 4, Math.floor(ino / TWO_32), true)
    view.setUint8(fields.d_type.offset, filetypeOf(type))
    const count = this.#putName(name)
    view.setUint32(fields.d_namlen.offset, count, true)
    return DIRENT.size + count
  }

  /** Most names are ASCII: writing them by hand is faster than asking for it. */
  #putName(name: string | Uint8Array): number {
    const record = this.#record
    if (typeof name !== 'string') {
      record.set(name, DIRENT.size)
      return name.length
    }
    const { length } = name
    for (let i = 0; i < length; i++) {
      const code = name.charCodeAt(i)
      if (code >= 0x80) return this.#encoder.encodeInto(name, record.subarray(DIRENT.size)).written
      record[DIRENT.size + i] = code
    }
    return length
  }

  /** What is above the root of what a program sees is that itself. */
  #stat(dir: OpenDirectory, name: string | Uint8Array): Fault | undefined {
    const { layer } = dir.tree
    const node = name === '.' || (name === '..' && dir.preopen !== undefined) ? dir.node : layer.lookup(dir.node, name)
    return node instanceof Fault ? node : layer.stat(node, this.#guest.attr)
  }
}
