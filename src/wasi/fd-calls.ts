// The calls on descriptors: reading, writing, seeking, what they are and may be used for. Not here: directories (dir-calls.ts), paths
// (path-calls.ts). Follows the witx of preview1; where that is silent, what Linux and Node's own WASI do.

import { Fault, fault, type Outcome } from '../format/errno.js'
import { isWritable, type WritableFile } from '../overlay/layer.js'
import {
  ADVICE_LAST,
  FDFLAGS_ALL,
  FDFLAGS_APPEND,
  FDSTAT,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SOCKET_STREAM,
  RIGHTS,
  WHENCE_CUR,
  WHENCE_END,
  WHENCE_SET,
} from './abi.js'
import type { Descriptor, OpenRegularFile } from './descriptors.js'
import { WASI } from './errno.js'
import type { Answer, Guest, Snapshot } from './guest.js'
import { timesOf } from './times.js'

const SIZE_MAX = Number.MAX_SAFE_INTEGER

function filetype({ kind, ...descriptor }: Descriptor): number {
  if (kind === 'file') return FILETYPE_REGULAR_FILE
  if (kind === 'directory') return FILETYPE_DIRECTORY
  return 'terminal' in descriptor && descriptor.terminal ? FILETYPE_CHARACTER_DEVICE : FILETYPE_SOCKET_STREAM
}

/** A signed 64-bit offset as a number; undefined for what no file reaches. */
function offsetOf(offset: bigint): number | undefined {
  return offset < 0n || offset > BigInt(SIZE_MAX) ? undefined : Number(offset)
}

export class FdCalls {
  readonly #guest: Guest

  constructor(guest: Guest) {
    this.#guest = guest
  }

  close(fd: number): Answer {
    return this.#guest.open.close(fd) ? WASI.SUCCESS : WASI.EBADF
  }

  renumber(from: number, to: number): Answer {
    return this.#guest.open.renumber(from, to) ? WASI.SUCCESS : WASI.EBADF
  }

  advise(fd: number, length: bigint, advice: number): Answer {
    if (advice >>> 0 > ADVICE_LAST) return WASI.EINVAL
    const found = this.#guest.descriptor(fd, RIGHTS.FD_ADVISE)
    if (typeof found === 'number') return found
    if (found.kind === 'directory') return WASI.EBADF
    return length < 0n ? WASI.EINVAL : WASI.SUCCESS
  }

  sync(fd: number, rights: number): Answer {
    const found = this.#guest.descriptor(fd, rights)
    if (typeof found === 'number') return found
    if (found.kind === 'stream') return WASI.EINVAL
    const { layer } = found.tree
    return (isWritable(layer) ? layer.sync(found.node) : undefined) ?? WASI.SUCCESS
  }

  fdstatGet(fd: number, out: number): Answer {
    const found = this.#guest.descriptor(fd, 0)
    if (typeof found === 'number') return found
    const { memory } = this.#guest
    const { fields, size } = FDSTAT
    memory.bytes(out, size).fill(0)
    memory.putU8(out + fields.fs_filetype.offset, filetype(found))
    memory.putU16(out + fields.fs_flags.offset, found.flags)
    memory.putU64(out + fields.fs_rights_base.offset, found.base)
    memory.putU64(out + fields.fs_rights_inheriting.offset, found.inheriting)
    return WASI.SUCCESS
  }

  fdstatSetFlags(fd: number, flags: number): Answer {
    const found = this.#guest.descriptor(fd, RIGHTS.FD_FDSTAT_SET_FLAGS)
    if (typeof found === 'number') return found
    if ((flags & ~FDFLAGS_ALL) !== 0) return WASI.EINVAL
    found.flags = flags
    return WASI.SUCCESS
  }

  /** Rights can be given up, not taken. */
  fdstatSetRights(fd: number, base: bigint, inheriting: bigint): Answer {
    const found = this.#guest.descriptor(fd, 0)
    if (typeof found === 'number') return found
    if ((base & ~BigInt(found.base)) !== 0n || (inheriting & ~BigInt(found.inheriting)) !== 0n) return WASI.ENOTCAPABLE
    found.base = Number(base)
    found.inheriting = Number(inheriting)
    return WASI.SUCCESS
  }

  filestatGet(fd: number, out: number, snapshot: Snapshot): Answer {
    const found = this.#guest.descriptor(fd, RIGHTS.FD_FILESTAT_GET)
    if (typeof found === 'number') return found
    const { attr } = this.#guest
    if (found.kind === 'stream') {
      const empty = Object.fromEntries(Object.keys(attr).map(key => [key, 0])) as unknown as typeof attr
      this.#guest.putFilestat(out, { ...empty, mode: found.terminal ? 0o020000 : 0o010000, nlink: 1 }, 0, snapshot)
      return WASI.SUCCESS
    }
    const failed = found.tree.layer.stat(found.node, attr)
    if (failed !== undefined) return failed
    this.#guest.putFilestat(out, attr, found.tree.dev, snapshot)
    return WASI.SUCCESS
  }

  filestatSetTimes(fd: number, atim: bigint, mtim: bigint, flags: number): Answer {
    const times = timesOf(atim, mtim, flags)
    if (times === undefined) return WASI.EINVAL
    const found = this.#guest.descriptor(fd, RIGHTS.FD_FILESTAT_SET_TIMES)
    if (typeof found === 'number') return found
    if (found.kind === 'stream') return WASI.EINVAL
    const { layer } = found.tree
    return isWritable(layer) ? (layer.setAttr(found.node, times, true) ?? WASI.SUCCESS) : WASI.EROFS
  }

  #file(fd: number, rights: number): OpenRegularFile | number {
    const found = this.#guest.descriptor(fd, rights)
    if (typeof found === 'number') return found
    return found.kind === 'file' ? found : found.kind === 'directory' ? WASI.EISDIR : WASI.ESPIPE
  }

  filestatSetSize(fd: number, size: bigint): Answer {
    const found = this.#file(fd, RIGHTS.FD_FILESTAT_SET_SIZE)
    if (typeof found === 'number') return found
    const to = offsetOf(size)
    if (!found.writable || size < 0n) return WASI.EINVAL
    return to === undefined ? WASI.EFBIG : ((found.file as WritableFile).truncate(to) ?? WASI.SUCCESS)
  }

  /** Makes a file as long as that, as posix_fallocate does; no shorter. */
  allocate(fd: number, offset: bigint, length: bigint): Answer {
    const found = this.#file(fd, RIGHTS.FD_ALLOCATE)
    if (typeof found === 'number') return found
    if (offset < 0n || length <= 0n) return WASI.EINVAL
    const end = offsetOf(offset + length)
    if (end === undefined) return WASI.EFBIG
    if (!found.writable) return WASI.EBADF
    if (end <= found.file.size) return WASI.SUCCESS
    return (found.file as WritableFile).truncate(end) ?? WASI.SUCCESS
  }

  seek(fd: number, offset: bigint, whence: number, out: number): Answer {
    const asks = offset === 0n && whence === WHENCE_CUR
    const found = asks ? this.#asked(fd) : this.#file(fd, RIGHTS.FD_SEEK)
    if (typeof found === 'number') return found
    this.#guest.memory.check(out, 8)
    const { file, cursor } = found
    const bases: Readonly<Record<number, number>> = { [WHENCE_SET]: 0, [WHENCE_CUR]: cursor, [WHENCE_END]: file.size }
    const base = bases[whence]
    const to = base === undefined ? undefined : offsetOf(BigInt(base) + offset)
    if (to === undefined) return WASI.EINVAL
    found.cursor = to
    this.#guest.memory.putU64(out, to)
    return WASI.SUCCESS
  }

  /** A file whose place a program only asks for: the right to be told of it is enough, and that to change it implies it. */
  #asked(fd: number): OpenRegularFile | number {
    const found = this.#file(fd, RIGHTS.FD_TELL)
    return found === WASI.ENOTCAPABLE ? this.#file(fd, RIGHTS.FD_SEEK) : found
  }

  tell(fd: number, out: number): Answer {
    const found = this.#asked(fd)
    if (typeof found === 'number') return found
    this.#guest.memory.putU64(out, found.cursor)
    return WASI.SUCCESS
  }

  /** Moves what iovecs name, and says at `out` how many bytes it was. All of them are checked before. */
  #moved(iovs: number, count: number, out: number, move: (pieces: Uint8Array[]) => Outcome<number>): Answer {
    const { memory } = this.#guest
    memory.check(out, 4)
    const done = move(memory.pieces(iovs, count))
    if (done instanceof Fault) return done
    memory.putU32(out, done)
    return WASI.SUCCESS
  }

  read(fd: number, iovs: number, count: number, out: number): Answer {
    const found = this.#guest.descriptor(fd, RIGHTS.FD_READ)
    if (typeof found === 'number') return found
    if (found.kind === 'directory') return WASI.EISDIR
    return this.#moved(iovs, count, out, pieces => {
      if (found.kind === 'file') {
        const done = fill(pieces, (into, before) => found.file.read(into, found.cursor + before, true))
        if (!(done instanceof Fault)) found.cursor += done
        return done
      }
      if (found.input === undefined) return fault('EBADF')
      // What is there is answered: a program that is typed to does not wait until its buffer is full.
      const into = pieces.find(piece => piece.length > 0)
      return into === undefined ? 0 : found.input.read(into)
    })
  }

  pread(fd: number, iovs: number, count: number, offset: bigint, out: number): Answer {
    if (offset < 0n) return WASI.EINVAL
    const found = this.#file(fd, RIGHTS.FD_READ | RIGHTS.FD_SEEK)
    if (typeof found === 'number') return found
    return this.#moved(iovs, count, out, pieces => {
      const at = offsetOf(offset)
      if (at === undefined) return fault('EINVAL')
      return fill(pieces, (into, before) => found.file.read(into, at + before, true))
    })
  }

  write(fd: number, iovs: number, count: number, out: number): Answer {
    const found = this.#guest.descriptor(fd, RIGHTS.FD_WRITE)
    if (typeof found === 'number') return found
    if (found.kind === 'directory') return WASI.EISDIR
    return this.#moved(iovs, count, out, pieces => {
      if (found.kind === 'file') {
        const appends = (found.flags & FDFLAGS_APPEND) !== 0
        const done = drain(pieces, (from, before) => this.#put(found, from, found.cursor + before))
        if (!(done instanceof Fault)) found.cursor = appends && done > 0 ? found.file.size : found.cursor + done
        return done
      }
      const { output } = found
      return output === undefined ? fault('EBADF') : drain(pieces, from => output.write(from))
    })
  }

  pwrite(fd: number, iovs: number, count: number, offset: bigint, out: number): Answer {
    if (offset < 0n) return WASI.EINVAL
    const found = this.#file(fd, RIGHTS.FD_WRITE | RIGHTS.FD_SEEK)
    if (typeof found === 'number') return found
    return this.#moved(iovs, count, out, pieces => {
      const at = offsetOf(offset)
      if (at === undefined) return fault('EINVAL')
      return drain(pieces, (from, before) => this.#put(found, from, at + before))
    })
  }

  /** As Linux: what was opened to append does so whatever the position. */
  #put({ file, writable, flags, tree }: OpenRegularFile, from: Uint8Array, position: number): Outcome<number> {
    if (!writable) return new Fault('EBADF')
    const at = (flags & FDFLAGS_APPEND) !== 0 ? null : position
    const failed = (file as WritableFile).write(from, at, tree.uid !== 0)
    return failed ?? from.length
  }
}

/** Reads into one piece after the other until one is not filled. A Fault counts only where nothing has been read. */
function fill(
  pieces: readonly Uint8Array[],
  read: (into: Uint8Array, before: number) => Outcome<number>,
): Outcome<number> {
  let done = 0
  for (const piece of pieces) {
    if (piece.length === 0) continue
    const count = read(piece, done)
    if (count instanceof Fault) return done > 0 ? done : count
    done += count
    if (count < piece.length) break
  }
  return done
}

function drain(
  pieces: readonly Uint8Array[],
  write: (from: Uint8Array, before: number) => Outcome<number>,
): Outcome<number> {
  let done = 0
  for (const piece of pieces) {
    if (piece.length === 0) continue
    const count = write(piece, done)
    if (count instanceof Fault) return done > 0 ? done : count
    done += count
  }
  return done
}
