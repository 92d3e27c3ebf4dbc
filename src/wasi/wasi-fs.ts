// The filesystem half of WASI preview1 over Layers: every fd_*, path_* and sock_* call, and poll_oneoff, as functions to import. Any host
// that has the other half takes them (Node's node:wasi, @wasmer/wasi, @bjorn3/browser_wasi_shim): spread over its own. Not here: that
// other half (args, environment, clocks, exit), and running a program (run.ts).

import { Fault, Miss, orThrow } from '../format/errno.js'
import type { Layer } from '../overlay/layer.js'
import { LOOKUPFLAGS_SYMLINK_FOLLOW, RIGHTS, STREAM_RIGHTS } from './abi.js'
import type { GuestTree } from './descriptors.js'
import { DirCalls } from './dir-calls.js'
import { WASI, wasiErrno } from './errno.js'
import { FdCalls } from './fd-calls.js'
import { type Answer, Guest, type Snapshot } from './guest.js'
import { BadCount, BadPointer, type GuestMemory } from './guest-memory.js'
import { PathCalls } from './path-calls.js'
import { pathOpen } from './path-open.js'
import { PollCall } from './poll-call.js'
import {
  type GuestInput,
  type GuestOutput,
  guestInput,
  KeptOutput,
  type OutputFunction,
  type StdinOption,
  TakenOutput,
} from './streams.js'
import { OUTSIDE } from './walk.js'

/** What a program may have open at once, unless told otherwise. */
const MAX_OPEN = 1024

/** Bits of RIGHTS, in 64. */
const KNOWN_RIGHTS = (1n << 30n) - 1n

/** What a mount is to a program: a tree at inode level, and who owns what is made in it. */
export interface MountedTree {
  readonly layer: Layer
  readonly env?: { uid(): number; gid(): number; umask(): number }
}

/** A mount, or a tree at inode level by itself. */
export type WasiTree = Layer | MountedTree

/** A directory that a program finds open. */
export interface Preopen {
  readonly tree: WasiTree
  /** Where in the tree; its root unless given. */
  readonly path?: string
}

export interface WasiFsOptions {
  /** By the names that the program has for them, in this order from descriptor 3 on; each a tree, or a directory in one. */
  readonly preopens: Readonly<Record<string, WasiTree | Preopen>>
  /** All of it, or what gives it piece by piece; nothing unless given. */
  readonly stdin?: StdinOption
  /** Take what is written. Without them it is kept for `output`. */
  readonly stdout?: OutputFunction
  readonly stderr?: OutputFunction
  /** Which of 0, 1 and 2 the program should take for a terminal. */
  readonly terminals?: readonly number[]
  /** Owner of what is made, and the bits it is made without. Those of the mount unless given, or 0, 0 and 0o022. */
  readonly uid?: number
  readonly gid?: number
  readonly umask?: number
  /** Descriptors that may be open at once; 1024 unless given. */
  readonly maxOpen?: number
}

/** Names of the two forms that a program may import. */
export type WasiNamespace = 'wasi_snapshot_preview1' | 'wasi_unstable'

export type WasiImports = Readonly<Record<string, (...args: never[]) => number>>

type Calls = Record<string, (...args: never[]) => Answer>

function isPreopen(given: WasiTree | Preopen): given is Preopen {
  return 'tree' in given
}

function layerOf(tree: WasiTree): Layer {
  return 'layer' in tree ? tree.layer : tree
}

export class WasiFs {
  readonly #guest: Guest
  readonly #fd: FdCalls
  readonly #dir: DirCalls
  readonly #path: PathCalls
  readonly #poll: PollCall
  readonly #outputs: readonly GuestOutput[]
  #lacked: Miss | undefined

  /** Throws ENOENT, ENOTDIR for a preopen that is no directory; EAGAIN where that would have to be waited for. */
  constructor(options: WasiFsOptions) {
    const { maxOpen = MAX_OPEN, stdout, stderr, terminals = [] } = options
    const guest = new Guest(maxOpen)
    this.#guest = guest
    this.#fd = new FdCalls(guest)
    this.#dir = new DirCalls(guest)
    this.#path = new PathCalls(guest)
    this.#poll = new PollCall(guest)
    this.#outputs = [stdout, stderr].map(take => (take === undefined ? new KeptOutput() : new TakenOutput(take)))
    const streams: [GuestInput | undefined, GuestOutput | undefined][] = [
      [guestInput(options.stdin), undefined],
      [undefined, this.#outputs[0]],
      [undefined, this.#outputs[1]],
    ]
    for (const [fd, [input, output]] of streams.entries()) {
      const terminal = terminals.includes(fd)
      guest.open.add({ kind: 'stream', input, output, terminal, flags: 0, base: STREAM_RIGHTS, inheriting: 0 })
    }
    try {
      this.#preopen(options)
    } catch (error) {
      // Those before it are held.
      this.close()
      throw error
    }
  }

  #preopen({ preopens, ...owner }: WasiFsOptions): void {
    const trees = new Map<Layer, GuestTree>()
    for (const [name, given] of Object.entries(preopens)) {
      const { tree: from, path = '/' } = isPreopen(given) ? given : { tree: given }
      const layer = layerOf(from)
      const env = 'layer' in from ? from.env : undefined
      const uid = owner.uid ?? env?.uid() ?? 0
      const gid = owner.gid ?? env?.gid() ?? 0
      const umask = owner.umask ?? env?.umask() ?? 0o022
      const tree = trees.get(layer) ?? { layer, dev: trees.size + 1, uid, gid, umask }
      trees.set(layer, tree)
      const node = path === '/' ? layer.root : orThrow(layer.resolve(`${path}/`, true), path)
      this.#guest.addPreopen(name, tree, node)
    }
  }

  /** The program's memory: to be given once it is instantiated, before it runs. */
  attach(memory: WebAssembly.Memory): void {
    this.#guest.memory.attach(memory)
  }

  /** The memory, for the calls of a host's other half. What it throws for a wild pointer, `checked` answers for. */
  get memory(): GuestMemory {
    return this.#guest.memory
  }

  /** What the program has written to 1 or 2, where nothing took it. */
  output(fd: 1 | 2): Uint8Array {
    const output = this.#outputs[fd - 1]
    return output instanceof KeptOutput ? output.content() : new Uint8Array(0)
  }

  /** What a call first lacked that could not be waited for, in words; the program was told EAGAIN. */
  get lacked(): string | undefined {
    return this.#lacked?.detail
  }

  /** Closes all that is open. The calls answer EBADF from then on. */
  close(): void {
    this.#guest.open.closeAll()
  }

  /** The functions, to be imported under that name. */
  imports(namespace: WasiNamespace = 'wasi_snapshot_preview1'): WasiImports {
    const snapshot = namespace === 'wasi_unstable' ? 0 : 1
    const calls: Calls = { ...this.#fdCalls(snapshot), ...this.#pathCalls(snapshot), ...this.#socketCalls() }
    return Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, this.checked(call)]))
  }

  /** A call as a function that can be imported: its answer as an errno, EFAULT for a wild pointer. */
  checked<A extends never[]>(call: (...args: A) => Answer): (...args: A) => number {
    return (...args) => {
      try {
        const answer = call(...args)
        if (!(answer instanceof Fault)) return answer
        if (answer === OUTSIDE) return WASI.ENOTCAPABLE
        if (answer instanceof Miss) this.#lacked ??= answer
        return wasiErrno(answer)
      } catch (error) {
        if (error instanceof BadPointer) return WASI.EFAULT
        if (error instanceof BadCount) return WASI.EINVAL
        throw error
      }
    }
  }

  #fdCalls(snapshot: Snapshot): Calls {
    const fd = this.#fd
    const dir = this.#dir
    const poll = this.#poll
    return {
      fd_advise: (n: number, _offset: bigint, length: bigint, advice: number) => fd.advise(n, length, advice),
      fd_allocate: (n: number, offset: bigint, length: bigint) => fd.allocate(n, offset, length),
      fd_close: (n: number) => fd.close(n),
      fd_datasync: (n: number) => fd.sync(n, RIGHTS.FD_DATASYNC),
      fd_sync: (n: number) => fd.sync(n, RIGHTS.FD_SYNC),
      fd_fdstat_get: (n: number, out: number) => fd.fdstatGet(n, out),
      fd_fdstat_set_flags: (n: number, flags: number) => fd.fdstatSetFlags(n, flags),
      fd_fdstat_set_rights: (n: number, base: bigint, inheriting: bigint) => fd.fdstatSetRights(n, base, inheriting),
      fd_filestat_get: (n: number, out: number) => fd.filestatGet(n, out, snapshot),
      fd_filestat_set_size: (n: number, size: bigint) => fd.filestatSetSize(n, size),
      fd_filestat_set_times: (n: number, atim: bigint, mtim: bigint, flags: number) =>
        fd.filestatSetTimes(n, atim, mtim, flags),
      fd_pread: (n: number, iovs: number, count: number, offset: bigint, out: number) =>
        fd.pread(n, iovs, count, offset, out),
      fd_pwrite: (n: number, iovs: number, count: number, offset: bigint, out: number) =>
        fd.pwrite(n, iovs, count, offset, out),
      fd_read: (n: number, iovs: number, count: number, out: number) => fd.read(n, iovs, count, out),
      fd_write: (n: number, iovs: number, count: number, out: number) => fd.write(n, iovs, count, out),
      fd_prestat_get: (n: number, out: number) => dir.prestatGet(n, out),
      fd_prestat_dir_name: (n: number, path: number, length: number) => dir.prestatDirName(n, path, length),
      fd_readdir: (n: number, buffer: number, length: number, cookie: bigint, out: number) =>
        dir.readdir(n, buffer, length, cookie, out),
      fd_renumber: (from: number, to: number) => fd.renumber(from, to),
      // wasi_unstable counts them from where one is.
      fd_seek: (n: number, offset: bigint, whence: number, out: number) =>
        fd.seek(n, offset, snapshot === 1 || whence >>> 0 > 2 ? whence : (whence + 1) % 3, out),
      fd_tell: (n: number, out: number) => fd.tell(n, out),
      poll_oneoff: (subscriptions: number, events: number, count: number, out: number) =>
        poll.oneoff(subscriptions, events, count, out, snapshot),
    }
  }

  #pathCalls(snapshot: Snapshot): Calls {
    const path = this.#path
    return {
      path_create_directory: (fd: number, at: number, length: number) => path.createDirectory(fd, at, length),
      path_filestat_get: (fd: number, flags: number, at: number, length: number, out: number) =>
        path.filestatGet(fd, flags, at, length, out, snapshot),
      path_filestat_set_times: (
        fd: number,
        flags: number,
        at: number,
        length: number,
        atim: bigint,
        mtim: bigint,
        fstflags: number,
      ) => path.filestatSetTimes(fd, flags, at, length, atim, mtim, fstflags),
      path_link: (
        fd: number,
        flags: number,
        at: number,
        length: number,
        newFd: number,
        newAt: number,
        newLength: number,
      ) => path.link(fd, flags, at, length, newFd, newAt, newLength),
      path_open: (
        fd: number,
        flags: number,
        at: number,
        length: number,
        oflags: number,
        base: bigint,
        inheriting: bigint,
        fdflags: number,
        out: number,
      ) => this.#open(fd, at, length, { flags, oflags, base, inheriting, fdflags }, out),
      path_readlink: (fd: number, at: number, length: number, buffer: number, room: number, out: number) =>
        path.readlink(fd, at, length, buffer, room, out),
      path_remove_directory: (fd: number, at: number, length: number) => path.removeDirectory(fd, at, length),
      path_rename: (fd: number, at: number, length: number, newFd: number, newAt: number, newLength: number) =>
        path.rename(fd, at, length, newFd, newAt, newLength),
      path_symlink: (target: number, targetLength: number, fd: number, at: number, length: number) =>
        path.symlink(target, targetLength, fd, at, length),
      path_unlink_file: (fd: number, at: number, length: number) => path.unlinkFile(fd, at, length),
    }
  }

  #open(
    fd: number,
    at: number,
    length: number,
    asked: { flags: number; oflags: number; base: bigint; inheriting: bigint; fdflags: number },
    out: number,
  ): Answer {
    const request = {
      at,
      length,
      unknownRights: ((asked.base | asked.inheriting) & ~KNOWN_RIGHTS) !== 0n,
      follow: (asked.flags & LOOKUPFLAGS_SYMLINK_FOLLOW) !== 0,
      oflags: asked.oflags,
      base: Number(asked.base),
      inheriting: Number(asked.inheriting),
      fdflags: asked.fdflags,
    }
    return pathOpen(this.#guest, fd, request, out)
  }

  /** There are none: what is open is no socket. */
  #socketCalls(): Calls {
    const none = (fd: number) => (this.#guest.open.get(fd) === undefined ? WASI.EBADF : WASI.ENOTSOCK)
    return { sock_accept: none, sock_recv: none, sock_send: none, sock_shutdown: none }
  }
}
