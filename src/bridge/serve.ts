// The side of a bridge whose event loop runs: it answers another thread from any stores that this thread has, those too
// that can only be read asynchronously. Not here: the asking side (bridge.ts), where stores come from.

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'
import { objectError } from '../store/errors.js'
import type { ObjectStore, StoredObject } from '../store/object-store.js'
import { IncomingStream } from './incoming-stream.js'
import {
  type Answer,
  type BridgePort,
  type Call,
  type Message,
  type Notice,
  type Reply,
  SMALL_BYTES,
} from './protocol.js'
import { Beat, SharedSlots } from './shared-slots.js'
import { thrownOf } from './thrown.js'

/** What the other side may read. */
export interface BridgeServing {
  /**
   * One store, stores by the names that the other side has for them, or what makes a store of what the other side says. It
   * throws for what there is none of.
   */
  readonly stores?: ObjectStore | Readonly<Record<string, ObjectStore>> | ((what: unknown) => ObjectStore)
  /** Opens what is no object of a store: images, by what the other side says. */
  readonly source?: (what: unknown) => ByteSource | Promise<ByteSource>
}

export interface BridgeServer {
  /** Ends it: objects that are open are closed, and whoever still asks hears nothing. */
  close(): void
}

/** Milliseconds between signs of life while something is under way. */
const BEAT_MS = 200
/** Names in one answer of a list. */
const NAMES_MAX = 1000

type Lister = AsyncIterator<string>

function isStore(stores: object): stores is ObjectStore {
  return 'open' in stores && typeof stores.open === 'function'
}

function storeOf({ stores }: BridgeServing, what: unknown): ObjectStore {
  if (typeof stores === 'function') return stores(what)
  if (stores !== undefined && isStore(stores)) return stores
  if (stores !== undefined && typeof what === 'string' && Object.hasOwn(stores, what)) return stores[what]
  throw faultError(new Fault('ENODEV', 'no such store is served'), 'bridge')
}

class Server implements BridgeServer {
  readonly #port: BridgePort
  readonly #serving: BridgeServing
  readonly #stores = new Map<number, ObjectStore | { readonly error: unknown }>()
  readonly #objects = new Map<number, Promise<StoredObject>>()
  readonly #lists = new Map<number, Lister>()
  readonly #streams = new Map<number, IncomingStream>()
  #slots: SharedSlots | undefined
  #beat: Beat | undefined
  #busy = 0
  #timer: ReturnType<typeof setInterval> | undefined
  #closed = false

  constructor(port: BridgePort, serving: BridgeServing) {
    this.#port = port
    this.#serving = serving
    port.addEventListener('message', this.#onMessage)
    port.addEventListener('close', this.#onClose)
    port.start()
    // Who asks keeps the process running, if anyone does.
    port.unref?.()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    this.#port.removeEventListener('message', this.#onMessage)
    this.#port.removeEventListener('close', this.#onClose)
    this.#port.close()
    for (const object of [...this.#objects.keys()]) this.#closeObject(object)
    for (const list of [...this.#lists.keys()]) this.#endList(list)
    for (const stream of this.#streams.values()) stream.fail()
    this.#streams.clear()
    this.#slots = undefined
  }

  readonly #onClose = (): void => this.close()

  readonly #onMessage = (event: MessageEvent): void => {
    const message = event.data as Message | null | undefined
    // Who was given the port may send anything.
    if (typeof message !== 'object' || message === null) return
    this.#beat?.give()
    if (!('notice' in message)) {
      this.#call(message.id, message.slot, message.call).catch(() => {})
      return
    }
    try {
      this.#notice(message.notice)
    } catch {
      // It made no sense.
    }
  }

  #notice(notice: Notice): void {
    switch (notice.op) {
      case 'share': {
        const beat = new Beat(notice.beat)
        beat.give()
        this.#slots = new SharedSlots(notice.slots, notice.count)
        this.#beat = beat
        return
      }
      case 'store':
        try {
          this.#stores.set(notice.store, storeOf(this.#serving, notice.what))
        } catch (error) {
          // For who asks it for something.
          this.#stores.set(notice.store, { error })
        }
        return
      case 'close':
        this.#closeObject(notice.object)
        return
      case 'endList':
        this.#endList(notice.list)
        return
      case 'end':
        this.close()
    }
  }

  /** The memory is that of when it was asked: where the other side did not wait to the end, it has got another since. */
  async #call(id: number, slot: number | undefined, call: Call): Promise<void> {
    const slots = slot === undefined ? undefined : this.#slots
    if (this.#busy++ === 0) this.#startBeating()
    try {
      const answer = await this.#answer(call)
      if (slots === undefined || slot === undefined) this.#reply({ id, answer })
      else slots.answer(slot, id, answer)
    } catch (error) {
      const thrown = thrownOf(error)
      if (slots === undefined || slot === undefined) this.#reply({ id, thrown })
      else slots.fail(slot, id, thrown)
    } finally {
      this.#beat?.give()
      if (--this.#busy === 0) clearInterval(this.#timer)
    }
  }

  #reply(reply: Reply): void {
    if (this.#closed) return
    const buffer = reply.answer?.bytes?.buffer
    // What is a part of something larger, of a pool for one, is copied; the rest is handed over.
    const isAll = buffer instanceof ArrayBuffer && buffer.byteLength === reply.answer?.bytes?.length
    this.#port.postMessage(reply, isAll && buffer.byteLength > 0 ? [buffer] : [])
  }

  #startBeating(): void {
    if (this.#closed || this.#beat === undefined) return
    clearInterval(this.#timer)
    this.#timer = setInterval(() => this.#beat?.give(), BEAT_MS)
    const { unref } = this.#timer as { unref?: () => void }
    unref?.call(this.#timer)
  }

  async #answer(call: Call): Promise<Answer> {
    switch (call.op) {
      case 'open':
        return this.#open(call.object, async () => this.#store(call.store).open(call.name))
      case 'source':
        return this.#open(call.object, async () => this.#source(call.what))
      case 'renew':
        return this.#open(call.renewed, () => this.#renewed(call.object))
      case 'read':
        return { bytes: await this.#read(call.object, call.offset, call.length) }
      case 'stat':
        return { size: (await this.#store(call.store).stat(call.name)).size }
      case 'delete':
        await this.#store(call.store).delete(call.name)
        return {}
      case 'put':
        await this.#store(call.store).put(call.name, call.data)
        return {}
      case 'stream':
        this.#streams.set(call.stream, new IncomingStream(this.#store(call.store), call.name))
        return { more: true }
      case 'chunk':
        return this.#chunk(call.stream, call.data, call.failed === true)
      case 'list':
        this.#lists.set(call.list, this.#store(call.store).list()[Symbol.asyncIterator]())
        return {}
      case 'names':
        return this.#names(call.list)
      case 'ping':
        return {}
    }
  }

  #store(number: number): ObjectStore {
    const store = this.#stores.get(number)
    if (store === undefined) throw faultError(new Fault('EBADF', 'no such store'), 'bridge')
    if ('error' in store) throw store.error
    return store
  }

  #source(what: unknown): ByteSource | Promise<ByteSource> {
    const { source } = this.#serving
    if (source === undefined) throw faultError(new Fault('ENOTSUP', 'only objects of stores are served'), 'bridge')
    return source(what)
  }

  async #open(number: number, open: () => Promise<StoredObject>): Promise<Answer> {
    const opening = open()
    this.#objects.set(number, opening)
    let object: StoredObject
    try {
      object = await opening
    } catch (error) {
      this.#objects.delete(number)
      throw error
    }
    const { size } = object
    const renewable = object.renew !== undefined
    if (!(size <= SMALL_BYTES)) return { size, renewable }
    // What can't be read says so when it is read.
    const bytes = await object.read(0, size).catch(() => undefined)
    if (bytes?.length !== size) return { size, renewable }
    if (!renewable) this.#closeObject(number)
    return { size, renewable, bytes }
  }

  #object(number: number): Promise<StoredObject> {
    const object = this.#objects.get(number)
    if (object === undefined) throw objectError('EBADF', String(number), 'is closed')
    return object
  }

  async #renewed(number: number): Promise<StoredObject> {
    const object = await this.#object(number)
    if (object.renew === undefined) throw objectError('ENOTSUP', String(number), 'is no copy')
    return object.renew()
  }

  async #read(number: number, offset: number, length: number): Promise<Uint8Array> {
    // In one step, so that a notice to close that comes next finds the read begun.
    const bytes = await this.#object(number).then(object => object.read(offset, length))
    if (bytes.length > length) throw objectError('EIO', String(number), 'gave more bytes than were asked for')
    return bytes
  }

  /** Also of one that is still being opened: it ends when it is there. */
  #closeObject(number: number): void {
    const object = this.#objects.get(number)
    this.#objects.delete(number)
    object?.then(one => one.close()).catch(() => {})
  }

  async #chunk(number: number, data: Uint8Array | undefined, failed: boolean): Promise<Answer> {
    const stream = this.#streams.get(number)
    if (stream === undefined) throw faultError(new Fault('EBADF', 'no such stream'), 'bridge')
    if (data !== undefined) return { more: await stream.take(data) }
    this.#streams.delete(number)
    await (failed ? stream.fail() : stream.end())
    return {}
  }

  async #names(number: number): Promise<Answer> {
    const list = this.#lists.get(number)
    if (list === undefined) throw faultError(new Fault('EBADF', 'no such list'), 'bridge')
    const names: string[] = []
    while (names.length < NAMES_MAX) {
      const next = await list.next()
      if (next.done === true) {
        this.#lists.delete(number)
        return { names, more: false }
      }
      names.push(next.value)
    }
    return { names, more: true }
  }

  #endList(number: number): void {
    const list = this.#lists.get(number)
    this.#lists.delete(number)
    list?.return?.().catch(() => {})
  }
}

/**
 * Lets the thread at the other end of a port read from stores of this one, by a `Bridge`. This thread's event loop has to run:
 * where it is kept busy, the other one waits. The port is the server's own from then on.
 */
export function serveBridge(port: BridgePort, serving: BridgeServing): BridgeServer {
  return new Server(port, serving)
}
