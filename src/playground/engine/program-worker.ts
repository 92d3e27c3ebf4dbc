// The engine's end of the worker that programs run in: gives it the image and the objects by a bridge, has it run one program at a time,
// and ends it. Not here: the program's side (program-guest.ts), which program is run and what becomes of it (programs.ts).

import { type BridgeServer, serveBridge } from '../../bridge/serve.js'
import type { Image } from '../../image/image.js'
import type { ByteSource } from '../../source/byte-source.js'
import { CANCELLED } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { PlainError } from './plain-words.js'
import type { FromGuest, GuestEnd, GuestRun, ToGuest } from './program-protocol.js'

/** An image of fewer bytes is given to the worker, which then need not ask for its parts. */
const WHOLE_BELOW = 64 << 20

/** Takes what a program writes. */
export type Output = (fd: 1 | 2, bytes: Uint8Array) => void

/** A worker, as far as it is used here. */
export type GuestThread = Pick<Worker, 'postMessage' | 'addEventListener' | 'terminate'>

/** The image's bytes, by ranges: those of the worker's own memory, or where a lazy one has them from. It stays the engine's. */
function imageSource(image: Image): ByteSource {
  const { pager, byteLength } = image
  return {
    size: byteLength,
    read: async (offset, length) =>
      pager === undefined ? image.core.bytes().slice(offset, offset + length) : pager.source.read(offset, length),
    close: () => undefined,
  }
}

interface Running {
  readonly output: Output
  readonly resolve: (end: GuestEnd) => void
  readonly reject: (error: Error) => void
}

export class GuestWorker {
  readonly #thread: GuestThread
  readonly #server: BridgeServer
  #running: Running | undefined
  #ended = false

  /** `waits`: may threads wait for each other here? */
  constructor(thread: GuestThread, document: OpenDocument, waits: boolean) {
    this.#thread = thread
    const { port1, port2 } = new MessageChannel()
    const { image } = document
    this.#server = serveBridge(port1, { stores: () => document.parts.objects, source: () => imageSource(image) })
    thread.addEventListener('message', event => this.#hear((event as MessageEvent).data as FromGuest))
    thread.addEventListener('error', () => {
      this.#fail(new PlainError('EIO', 'its worker can’t be started or has failed. Reload the page.'))
    })
    const isGiven = !image.lazy && (!waits || image.byteLength < WHOLE_BELOW)
    this.#say({ op: 'open', image: isGiven ? image.bytes() : undefined, port: port2 }, [port2])
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Runs a program to its end; one at a time. Rejects with an AbortError when the signal ends it, and the worker with it. */
  async run(program: Omit<GuestRun, 'op'>, output: Output, signal: AbortSignal): Promise<GuestEnd> {
    const interrupted = () => this.#fail(new PlainError(CANCELLED, 'Interrupted.'))
    signal.addEventListener('abort', interrupted, { once: true })
    try {
      return await new Promise((resolve, reject) => {
        this.#running = { output, resolve, reject }
        if (signal.aborted) interrupted()
        else this.#say({ op: 'run', ...program })
      })
    } finally {
      signal.removeEventListener('abort', interrupted)
      this.#running = undefined
    }
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#thread.terminate()
    this.#server.close()
  }

  #say(message: ToGuest, transfer: Transferable[] = []): void {
    this.#thread.postMessage(message, transfer)
  }

  #hear(message: FromGuest): void {
    if (this.#ended) return
    if (message.op === 'output') this.#running?.output(message.fd, message.bytes)
    else if (message.op === 'ended') this.#running?.resolve(message.end)
    else this.#running?.reject(new Error(message.message))
  }

  #fail(error: Error): void {
    this.end()
    this.#running?.reject(error)
  }
}
