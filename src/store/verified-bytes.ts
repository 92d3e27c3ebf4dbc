// The bytes of one open object as its store gives them: all that were asked for, or the Fault for it. Not here: whether
// they are the right ones (verified-file.ts).

import { Fault, type Outcome } from '../format/errno.js'
import { IntegrityError, loadError, objectFault } from './errors.js'
import type { StoredObject } from './object-store.js'

const NOTHING = new Uint8Array(0)

export class ObjectBytes {
  /** Bytes that there should be. */
  readonly size: number
  readonly #name: string
  readonly #label: string
  #object: StoredObject
  /** The one time that the store was asked for the object anew. */
  #renewal: Promise<void> | undefined

  constructor(object: StoredObject, name: string, label: string, size: number) {
    this.#object = object
    this.#name = name
    this.#label = label
    this.size = size
  }

  get canSync(): boolean {
    return this.#object.readSync !== undefined
  }

  /** Whether the store can still be asked for the object anew. */
  get renewable(): boolean {
    return this.#renewal === undefined && this.#object.renew !== undefined
  }

  mismatch(what: string, expected: string | number, actual: string | number): Fault {
    const cause = new IntegrityError(`object ${this.#name} in ${this.#label}: wrong ${what}`, expected, actual)
    return new Fault('EIO', cause.message, cause)
  }

  wrongSize(): Fault | undefined {
    const { size } = this.#object
    return size === this.size ? undefined : this.mismatch('size', this.size, size)
  }

  readSync(from: number, to: number): Outcome<Uint8Array> {
    try {
      return this.#complete(this.#object.readSync?.(from, to - from) ?? NOTHING, from, to)
    } catch (error) {
      return objectFault(error, this.#name, this.#label)
    }
  }

  /** Rejects as a load does. */
  async read(from: number, to: number): Promise<Uint8Array> {
    let data: Outcome<Uint8Array>
    try {
      data = this.#complete(await this.#object.read(from, to - from), from, to)
    } catch (error) {
      data = objectFault(error, this.#name, this.#label)
    }
    if (data instanceof Fault) throw loadError(data)
    return data
  }

  /** The object as it is open now; another one once it was renewed. */
  get current(): StoredObject {
    return this.#object
  }

  /** Has the store bring the object anew, the first time; leaves all as it is when there is nowhere to bring it from. */
  renew(): Promise<void> {
    this.#renewal ??= this.#renew()
    return this.#renewal
  }

  close(): void {
    this.#object.close()
  }

  async #renew(): Promise<void> {
    const old = this.#object
    const renewed = await old.renew?.().catch(() => undefined)
    if (renewed === undefined) return
    this.#object = renewed
    old.close()
  }

  /** EIO unless the store gave all the bytes that it has by its own word. */
  #complete(data: Uint8Array, from: number, to: number): Outcome<Uint8Array> {
    if (data.length === to - from) return data
    return this.mismatch('size', this.size, data.length < to - from ? from + data.length : `more than ${to}`)
  }
}
