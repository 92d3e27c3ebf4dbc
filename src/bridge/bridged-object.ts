// An object that is open in another thread. The bytes of a small one have come along, and are read without asking again.

import { objectError } from '../store/errors.js'
import type { StoredObject } from '../store/object-store.js'
import type { Asker } from './asker.js'
import type { Answer, Call } from './protocol.js'

/** Makes the call that opens something under a number. */
export type Opening = (object: number) => Call

export class BridgedObject implements StoredObject {
  readonly size: number
  /** There if the other thread's object has it. */
  readonly renew?: () => Promise<StoredObject>
  /** There if this thread may wait. */
  readonly readSync?: (offset: number, length: number) => Uint8Array
  readonly #asker: Asker
  readonly #number: number
  readonly #name: string
  /** All of a small object. */
  #bytes: Uint8Array | undefined
  /** Is there something to close in the other thread? */
  readonly #isThere: boolean
  #closed = false

  private constructor(asker: Asker, number: number, name: string, { size = 0, renewable, bytes }: Answer) {
    this.size = size
    this.#asker = asker
    this.#number = number
    this.#name = name
    this.#bytes = bytes
    this.#isThere = bytes === undefined || renewable === true
    if (asker.isSync) this.readSync = (offset, length) => this.#readSync(offset, length)
    if (renewable === true) {
      this.renew = () => BridgedObject.open(asker, renewed => ({ op: 'renew', object: number, renewed }), name)
    }
  }

  static async open(asker: Asker, opening: Opening, name: string): Promise<BridgedObject> {
    const object = asker.name()
    try {
      return new BridgedObject(asker, object, name, await asker.call(opening(object)))
    } catch (error) {
      throw given(asker, object, error)
    }
  }

  static openSync(asker: Asker, opening: Opening, name: string): BridgedObject {
    const object = asker.name()
    try {
      return new BridgedObject(asker, object, name, asker.callSync(opening(object)))
    } catch (error) {
      throw given(asker, object, error)
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const to = this.#endOf(offset, length)
    if (to <= offset) return new Uint8Array(0)
    if (this.#bytes !== undefined) return this.#bytes.slice(offset, to)
    const { bytes } = await this.#asker.call({ op: 'read', object: this.#number, offset, length: to - offset })
    return bytes ?? new Uint8Array(0)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#bytes = undefined
    if (this.#isThere) this.#asker.tell({ op: 'close', object: this.#number })
  }

  #readSync(offset: number, length: number): Uint8Array {
    const to = this.#endOf(offset, length)
    if (to <= offset) return new Uint8Array(0)
    return this.#bytes?.slice(offset, to) ?? this.#asker.readSync(this.#number, offset, to - offset)
  }

  #endOf(offset: number, length: number): number {
    if (this.#closed) throw objectError('EBADF', this.#name, 'is closed')
    return Math.min(offset + length, this.size)
  }
}

/** Did an answer not come in time? */
export function isLate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT'
}

/** The error of an opening that nobody waits for any more: what comes of it later is to be closed. */
function given(asker: Asker, object: number, error: unknown): unknown {
  if (isLate(error)) asker.tell({ op: 'close', object })
  return error
}
