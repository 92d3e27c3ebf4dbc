// Calls of WASI preview1, as a hostile program makes them, on an image that may lie, under an overlay that can be written to. The input is
// the image and the calls. Invariants:
// - no trap, no hang: as for overlays
// - no throw: a call answers, whatever it is given; nothing else comes out of it
// - errno: the answer is one of preview1's, 0 to 76
// - within: no store is asked for a name that leaves it
// Not here: poll_oneoff, which may be asked to wait.

import { ImageLayer } from '../../overlay/image-layer.js'
import type { LayerNode } from '../../overlay/lower.js'
import { VerifiedObjects } from '../../store/verified.js'
import { WasiFs } from '../../wasi/wasi-fs.js'
import type { CoreTargetOptions, FuzzModule } from '../core-target.js'
import { guarded, ImageRoom } from '../image-room.js'
import { ODD_NUMBERS } from '../mutate-bytes.js'
import { splitParts } from '../parts.js'
import { standInHash } from '../stand-in-hash.js'
import { type Mutator, type Target, Violation } from '../target.js'
import { Asked } from './asked-layer.js'
import { HostileStore } from './hostile-store.js'
import { overlayOf } from './overlay.js'

const PARTS = 2
const STEPS = 1 << 26
const QUESTIONS_MAX = 50_000
const CALLS_MAX = 64
const ERRNO_MAX = 76
/** Where in the program's memory is what. */
const PATHS_AT = 0x1000
const PATH_ROOM = 64
const PATHS_MAX = 32
const PIECES_AT = 0x4000
const OUT_AT = 0x8000
const WILD = [0, 0xfff8, 0xfffc, 0xffff, 0x1_0000, 0x7fff_ffff, -1, -8]

/**
 * What each call takes: f a descriptor, p a path and its length, o a place for what it answers, v pieces and their number, b a buffer and
 * its length, l 64 bits, n a small number.
 */
export const WASI_CALLS: Readonly<Record<string, string>> = {
  fd_advise: 'flln',
  fd_allocate: 'fll',
  fd_close: 'f',
  fd_datasync: 'f',
  fd_fdstat_get: 'fo',
  fd_fdstat_set_flags: 'fn',
  fd_fdstat_set_rights: 'fll',
  fd_filestat_get: 'fo',
  fd_filestat_set_size: 'fl',
  fd_filestat_set_times: 'flln',
  fd_pread: 'fvlo',
  fd_prestat_dir_name: 'fb',
  fd_prestat_get: 'fo',
  fd_pwrite: 'fvlo',
  fd_read: 'fvo',
  fd_readdir: 'fblo',
  fd_renumber: 'ff',
  fd_seek: 'flno',
  fd_sync: 'f',
  fd_tell: 'fo',
  fd_write: 'fvo',
  path_create_directory: 'fp',
  path_filestat_get: 'fnpo',
  path_filestat_set_times: 'fnplln',
  path_link: 'fnpfp',
  path_open: 'fnpnllno',
  path_readlink: 'fpbo',
  path_remove_directory: 'fp',
  path_rename: 'fpfp',
  path_symlink: 'pfp',
  path_unlink_file: 'fp',
  sock_shutdown: 'fn',
}
const NAMES = Object.keys(WASI_CALLS)
const PATHS = ['.', '..', '', '/', 'new', 'new/x', '../..', 'a/../b', './a', 'a//', '\0', 'x'.repeat(60)]
/** path_open with all rights, so that what follows has something to be about. */
const ALL_RIGHTS = 2n ** 30n - 1n

/** Arguments out of the bytes of an input; zeros behind their end. */
class Arguments {
  #at = 0

  constructor(
    readonly bytes: Uint8Array,
    readonly paths: readonly number[],
  ) {}

  get ended(): boolean {
    return this.#at >= this.bytes.length
  }

  byte(): number {
    return this.bytes[this.#at++] ?? 0
  }

  of(kind: string): (number | bigint)[] {
    const byte = this.byte()
    const wild = byte >= 248 ? WILD[byte % WILD.length] : undefined
    if (kind === 'f') return [byte < 250 ? byte % 8 : byte]
    if (kind === 'p') {
      const path = byte % this.paths.length
      return [wild ?? PATHS_AT + path * PATH_ROOM, this.paths[path]]
    }
    if (kind === 'o') return [wild ?? OUT_AT + byte]
    if (kind === 'v') return [wild ?? PIECES_AT + (byte % 8) * 8, byte % 5]
    if (kind === 'b') return [wild ?? OUT_AT, byte * 4]
    if (kind === 'n') return [wild ?? byte % 32]
    if (byte < 64) return [ALL_RIGHTS]
    if (byte < 160) return [BigInt(byte - 64)]
    const odd = BigInt(ODD_NUMBERS[byte % ODD_NUMBERS.length])
    // As a program hands 64 bits over: with a sign.
    return [BigInt.asIntN(64, byte % 2 === 0 ? odd << 32n : odd)]
  }
}

export class WasiTarget implements Target {
  readonly name = 'wasi'
  readonly invariants = [
    'no trap: no call ends in a WebAssembly trap',
    'no hang: no run takes more than 2^26 turns of loops of the core, or asks layers more than 50,000 times',
    'no throw: a call answers, whatever it is given',
    'errno: the answer is 0 to 76',
    'within: no store is asked for a name that leaves it',
  ]
  readonly seeds: readonly Uint8Array[]
  readonly mutators: readonly Mutator[]
  readonly maxBytes: number
  readonly counters: Uint8Array
  readonly #room: ImageRoom
  readonly #memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  readonly #encoder = new TextEncoder()
  readonly #hash = standInHash(32)

  constructor(module: FuzzModule, { seeds, mutators, maxBytes }: CoreTargetOptions) {
    this.seeds = seeds
    this.mutators = mutators
    this.maxBytes = maxBytes
    this.#room = new ImageRoom(module, maxBytes)
    this.counters = this.#room.counters
  }

  run(input: Uint8Array): boolean {
    this.#room.begin(STEPS)
    const [bytes, calls] = splitParts(input, PARTS)
    const image = this.#room.open(bytes)
    if (image === undefined) return false
    const objects = new VerifiedObjects(new HostileStore([], []), this.#hash)
    try {
      const layer = new Asked(QUESTIONS_MAX).layer<LayerNode>(new ImageLayer(image, objects, 'on'))
      guarded([this.#room], 'wasi', () => {
        const tree = overlayOf([layer])
        if (tree === undefined) return
        const names = tree.namesAt('/')
        const wasi = new WasiFs({ preopens: { '/': tree } })
        wasi.attach(this.#memory)
        this.#call(wasi, new Arguments(calls, this.#fill(Array.isArray(names) ? names : [])))
        wasi.close()
      })
    } finally {
      image.close()
      objects.close()
    }
    return true
  }

  /** Puts paths and pieces into the program's memory; answers how long the paths are. */
  #fill(names: readonly string[]): number[] {
    const memory = new Uint8Array(this.#memory.buffer).fill(0)
    const view = new DataView(this.#memory.buffer)
    const paths = [...names.slice(0, PATHS_MAX - PATHS.length), ...PATHS]
    for (let i = 0; i < 16; i++) {
      view.setUint32(PIECES_AT + i * 8, OUT_AT + 256 * i, true)
      view.setUint32(PIECES_AT + i * 8 + 4, i === 7 ? 0xffff_ffff : i * 37, true)
    }
    return paths.map((path, i) => {
      const at = PATHS_AT + i * PATH_ROOM
      return this.#encoder.encodeInto(path, memory.subarray(at, at + PATH_ROOM)).written
    })
  }

  #call(wasi: WasiFs, given: Arguments): void {
    const imports = wasi.imports() as unknown as Record<string, (...args: (number | bigint)[]) => unknown>
    for (let left = CALLS_MAX; left > 0 && !given.ended; left--) {
      const name = NAMES[given.byte() % NAMES.length]
      const args = [...WASI_CALLS[name]].flatMap(kind => given.of(kind))
      const answer = imports[name](...args)
      if (!Number.isInteger(answer) || (answer as number) < 0 || (answer as number) > ERRNO_MAX) {
        throw new Violation('errno', `${name} answered ${String(answer)}`)
      }
    }
  }
}
