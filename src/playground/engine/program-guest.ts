// The side of a program: its worker mounts the image once more, over the engine's stores, and runs one program after the other. While
// one runs this thread does nothing else; where it may wait for the engine's, everything is read when the program asks for it. Not
// here: which file is a program, and what becomes of its changes (programs.ts).

import { mount, openImage } from '../../any-host.js'
import { Bridge } from '../../bridge/bridge.js'
import type { Image } from '../../image/image.js'
import type { Mount } from '../../mount.js'
import { runWasi } from '../../run-wasi.js'
import type { ObjectStore } from '../../store/object-store.js'
import {
  type FromGuest,
  type GuestEnd,
  type GuestOpening,
  type GuestRun,
  type ToGuest,
  WRITTEN_MAX,
} from './program-protocol.js'

/** Bytes of an image that is read by ranges which are kept. */
const CACHE_BYTES = 64 << 20
/** Output from so many bytes on is sent at once. */
const PIECE_BYTES = 4096
/** So many pieces are sent however small they are, */
const SMALL_PIECES = 1000
/** and more of them when so long has passed since the last one. Milliseconds. */
const PIECE_MS = 50

type Say = (message: FromGuest, transfer: ArrayBuffer[]) => void

/** A program wrote more than is taken. Thrown through it. */
class Flooded extends Error {}

/** One of a program's outputs, on its way to the engine: neither late nor in a million messages. */
class Outlet {
  readonly #fd: 1 | 2
  readonly #say: Say
  readonly #held = new Uint8Array(PIECE_BYTES)
  #length = 0
  #written = 0
  #pieces = 0
  #sent = 0

  constructor(fd: 1 | 2, say: Say) {
    this.#fd = fd
    this.#say = say
  }

  readonly take = (bytes: Uint8Array): void => {
    const room = Math.min(bytes.length, WRITTEN_MAX - this.#written)
    this.#written += room
    this.#add(bytes.subarray(0, room))
    if (room < bytes.length) throw new Flooded()
    if (this.#pieces < SMALL_PIECES || performance.now() - this.#sent > PIECE_MS) this.flush()
  }

  #add(bytes: Uint8Array): void {
    if (this.#length + bytes.length > PIECE_BYTES) this.flush()
    if (bytes.length >= PIECE_BYTES) {
      this.#send(bytes.slice())
      return
    }
    this.#held.set(bytes, this.#length)
    this.#length += bytes.length
  }

  flush(): void {
    if (this.#length > 0) this.#send(this.#held.slice(0, this.#length))
    this.#length = 0
  }

  #send(bytes: Uint8Array): void {
    this.#pieces++
    this.#sent = performance.now()
    this.#say({ op: 'output', fd: this.#fd, bytes }, [bytes.buffer as ArrayBuffer])
  }
}

/** What the image and its objects are in this thread. */
interface Opened {
  readonly image: Image
  readonly store: ObjectStore
}

async function opened({ image, port }: GuestOpening): Promise<Opened> {
  const bridge = new Bridge(port)
  const store = bridge.store('', 'the objects')
  if (image !== undefined) return { image: await openImage(image), store }
  return { image: await openImage(await bridge.source('image'), { lazy: true, cacheBytes: CACHE_BYTES }), store }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

export class ProgramGuest {
  readonly #say: Say
  #opened: Promise<Opened> | undefined

  constructor(say: Say) {
    this.#say = say
  }

  async take(message: ToGuest): Promise<void> {
    if (message.op === 'open') {
      this.#opened = opened(message)
      // Told of to who wants to run something.
      this.#opened.catch(() => undefined)
      return
    }
    try {
      const end = await this.#run(message)
      const { snapshot } = end
      this.#say({ op: 'ended', end }, snapshot === undefined ? [] : [snapshot.buffer as ArrayBuffer])
    } catch (error) {
      this.#say({ op: 'failed', message: error instanceof Error ? error.message : String(error) }, [])
    }
  }

  async #run({ changes, prefetch, ...program }: GuestRun): Promise<GuestEnd> {
    if (this.#opened === undefined) throw new Error('there is no image')
    const { image, store } = await this.#opened
    const upper = changes === undefined ? {} : { snapshot: changes.snapshot, upperSize: changes.limit }
    const mounted = await mount(image, { store, ...upper })
    try {
      if (prefetch) await mounted.prefetch('/', { recursive: true })
      const before = changes === undefined ? undefined : mounted.snapshot()
      const end = await this.#runOn(mounted, program)
      if (before === undefined) return end
      const after = mounted.snapshot()
      return isSame(before, after) ? end : { ...end, snapshot: after }
    } finally {
      mounted.unmount()
    }
  }

  async #runOn(tree: Mount, program: Pick<GuestRun, 'module' | 'name' | 'args' | 'env' | 'stdin'>): Promise<GuestEnd> {
    const { module, ...options } = program
    const [stdout, stderr] = [new Outlet(1, this.#say), new Outlet(2, this.#say)]
    try {
      const { exitCode, trap, lacked } = await runWasi(module, {
        ...options,
        mount: tree,
        stdout: stdout.take,
        stderr: stderr.take,
      })
      return { exitCode, trap: trap?.message, lacked }
    } catch (error) {
      // As of who writes into a pipe that nobody reads: 128 + SIGPIPE.
      if (error instanceof Flooded) return { exitCode: 141, flooded: true }
      throw error
    } finally {
      stdout.flush()
      stderr.flush()
    }
  }
}
