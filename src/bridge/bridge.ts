// The side of a bridge that asks: stores and files of another thread, as if they were of this one. Where this thread may wait
// (all of Node, workers of a browser on a page that is isolated) they have synchronous forms, which block it; the others never
// do. Not here: the side that answers (serve.ts), threads and where they come from (start.ts).

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'
import { BridgedObject } from './bridged-object.js'
import { BridgedStore } from './bridged-store.js'
import type { Answer, BridgePort, Call, Message, Notice, Reply } from './protocol.js'
import { SharedCalls } from './shared-calls.js'
import { canWait } from './shared-slots.js'
import { errorOf } from './thrown.js'

export interface BridgeOptions {
  /** Milliseconds that one call over the bridge may take: 300,000 unless given, so that the stores' own limits come first. */
  readonly timeout?: number
  /** Milliseconds without a sign of life from the serving thread after which a call that waits gives it up; 15,000 unless given. */
  readonly silence?: number
  /** Bytes of shared memory: a large read is under way in four pieces of a quarter each. 4 MiB unless given. */
  readonly bufferBytes?: number
}

const TIMEOUT_MS = 300_000
const SILENCE_MS = 15_000
const BUFFER_BYTES = 4 * 2 ** 20
/** What a small object that comes with its opening, or the text of an error, must have room in. */
const BUFFER_LEAST = 512 * 1024
const TIMER_MAX = 2 ** 31 - 1

interface Waiting {
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
  readonly timer: ReturnType<typeof setTimeout>
}

function checked(name: string, value: number, least: number): number {
  if (typeof value === 'number' && value >= least && value <= TIMER_MAX) return value
  throw faultError(new Fault('EINVAL', `${name} must be a number from ${least} to ${TIMER_MAX}`), 'bridge')
}

export class Bridge {
  readonly #port: BridgePort
  readonly #timeout: number
  readonly #silence: number
  readonly #shared: SharedCalls | undefined
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0
  #names = 0
  #ended: Error | undefined

  /** The port is the bridge's own from then on; at its other end is a `serveBridge`. Throws EINVAL. */
  constructor(port: BridgePort, options: BridgeOptions = {}) {
    const { timeout = TIMEOUT_MS, silence = SILENCE_MS, bufferBytes = BUFFER_BYTES } = options
    this.#port = port
    this.#timeout = checked('timeout', timeout, 1)
    this.#silence = checked('silence', silence, 1)
    const bytes = checked('bufferBytes', bufferBytes, BUFFER_LEAST)
    if (canWait()) this.#shared = new SharedCalls(message => this.#post(message), { timeout, silence }, bytes)
    port.addEventListener('message', event => this.#settle((event.data ?? {}) as Reply))
    port.addEventListener('close', () => this.fail('the serving thread has ended'))
    port.start()
    // As long as nobody waits for an answer; who blocks is there anyway.
    port.unref?.()
  }

  /** May this thread wait for answers: are there synchronous forms? */
  get isSync(): boolean {
    return this.#shared !== undefined
  }

  /** A store of the other thread: what it is served as. `label` is for messages. */
  store(what: unknown = '', label: string = typeof what === 'string' && what !== '' ? what : 'bridge'): BridgedStore {
    const store = this.name()
    this.tell({ op: 'store', store, what })
    return new BridgedStore(this, store, label)
  }

  /** Something that the other thread serves as no object of a store, such as an image, opened to be read by ranges. */
  async source(what: unknown): Promise<ByteSource> {
    return BridgedObject.open(this, object => ({ op: 'source', what, object }), 'source')
  }

  /** The same at once. Throws ENOTSUP where this thread may not wait. */
  sourceSync(what: unknown): ByteSource {
    return BridgedObject.openSync(this, object => ({ op: 'source', what, object }), 'source')
  }

  /** Ends it: what is under way rejects with EBADF, and the other thread closes what was open. */
  close(): void {
    if (this.#ended !== undefined) return
    this.tell({ op: 'end' })
    this.#end(faultError(new Fault('EBADF', 'is closed'), 'bridge'))
  }

  /** The other thread is gone, for who knows that: what is under way and what follows fails with EIO. */
  fail(why: string): void {
    this.#end(faultError(new Fault('EIO', why), 'bridge'))
  }

  /** Resolves when the other thread answers; rejects with ETIMEDOUT when it is silent. */
  async ready(): Promise<void> {
    await this.call({ op: 'ping' }, this.#silence)
  }

  /** A number that nothing else of this bridge has. */
  name(): number {
    return ++this.#names
  }

  call(call: Call, timeout = this.#timeout): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) throw this.#ended
      const id = ++this.#calls
      this.#post({ id, call })
      const late = (): void => {
        this.#take(id)?.reject(faultError(new Fault('ETIMEDOUT', `no answer within ${timeout} ms`), 'bridge'))
      }
      if (this.#waiting.size === 0) this.#port.ref?.()
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, timeout) })
    })
  }

  callSync(call: Call): Answer {
    return this.#sync().call(call)
  }

  readSync(object: number, offset: number, length: number): Uint8Array {
    return this.#sync().read(object, offset, length)
  }

  tell(notice: Notice): void {
    if (this.#ended === undefined) this.#post({ notice })
  }

  #sync(): SharedCalls {
    if (this.#ended !== undefined) throw this.#ended
    if (this.#shared !== undefined) return this.#shared
    const why = 'this thread may not wait: SharedArrayBuffer needs a worker, on a page that is cross-origin isolated'
    throw faultError(new Fault('ENOTSUP', why), 'bridge')
  }

  /** Throws EINVAL for what can't be sent to another thread. */
  #post(message: Message): void {
    try {
      this.#port.postMessage(message, [])
    } catch (cause) {
      throw faultError(new Fault('EINVAL', 'something is given that no other thread can have', cause), 'bridge')
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return undefined
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    if (this.#waiting.size === 0) this.#port.unref?.()
    return waiting
  }

  #settle({ id, answer, thrown }: Reply): void {
    const waiting = this.#take(id)
    if (thrown !== undefined) waiting?.reject(errorOf(thrown))
    else waiting?.resolve(answer ?? {})
  }

  #end(reason: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(reason)
    this.#port.close()
    this.#shared?.forget()
  }
}
