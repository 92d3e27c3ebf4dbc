// Open objects of an OpfsStore. The platform's snapshot of a file (File) fails once the file is removed or moved, so
// who deletes an object moves it aside while it is open here, and its readers go on from there. Not here: what is where
// (opfs.ts).

import { domError, domName } from './dom-errors.js'
import { objectError } from './errors.js'
import type { StoredObject } from './object-store.js'

/** What a snapshot says whose file was changed, removed or moved. */
const GONE = new Set(['NotFoundError', 'NotReadableError', 'InvalidStateError'])

export class OpfsObject implements StoredObject {
  readonly size: number
  /** Where the bytes are; a promise while they are being moved. */
  #file: File | Promise<File> | undefined
  #moved: Promise<File> | undefined
  #left: () => void = () => {}
  #reads = 0
  readonly #ended: (object: OpfsObject) => void

  constructor(
    readonly name: string,
    file: File,
    ended: (object: OpfsObject) => void,
  ) {
    this.size = file.size
    this.#file = file
    this.#ended = ended
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (this.#file === undefined) throw objectError('EBADF', this.name, 'is closed')
    const to = Math.min(offset + length, this.size)
    if (to <= offset) return new Uint8Array(0)
    this.#reads++
    try {
      return await this.#bytes(this.#file, offset, to)
    } finally {
      this.#reads--
      this.#end()
    }
  }

  close(): void {
    if (this.#file === undefined) return
    this.#file = undefined
    this.#end()
  }

  /** Says that the bytes are on their way to another place; `left` is called when nobody reads them there any more. */
  moving(to: Promise<File>, left: () => void): void {
    this.#moved = to
    this.#left = left
    if (this.#file !== undefined) this.#file = to
  }

  #end(): void {
    if (this.#file !== undefined || this.#reads > 0) return
    this.#ended(this)
    this.#left()
  }

  async #bytes(file: File | Promise<File>, from: number, to: number): Promise<Uint8Array> {
    try {
      const bytes = new Uint8Array(await (await file).slice(from, to).arrayBuffer())
      if (bytes.length === to - from) return bytes
    } catch (error) {
      const moved = this.#moved
      if (moved !== undefined && moved !== file) return this.#bytes(moved, from, to)
      if (!GONE.has(domName(error))) throw domError(error, this.name)
      throw objectError('ESTALE', this.name, 'was removed or replaced by someone else', error)
    }
    throw objectError('ESTALE', this.name, 'is shorter than it was')
  }
}

/** Objects that are open, by their names; what keeps opening and deleting one apart. */
export class OpenObjects {
  readonly #open = new Map<string, Set<OpfsObject>>()
  readonly #opening = new Map<string, Set<Promise<unknown>>>()
  readonly #deleting = new Map<string, Promise<unknown>>()

  /** Opens an object when no deletion of it is under way. */
  async open(name: string, find: () => Promise<File>): Promise<OpfsObject> {
    for (let other = this.#deleting.get(name); other !== undefined; other = this.#deleting.get(name)) await other
    const opening = find().then(file => {
      const object = new OpfsObject(name, file, ended => remove(this.#open, name, ended))
      add(this.#open, name, object)
      return object
    })
    const settled = opening.then(
      () => {},
      () => {},
    )
    add(this.#opening, name, settled)
    try {
      return await opening
    } finally {
      remove(this.#opening, name, settled)
    }
  }

  /** Deletes an object when no open of it is under way; `action` is given those that are open. */
  async delete(name: string, action: (open: readonly OpfsObject[]) => Promise<void>): Promise<void> {
    for (let other = this.#deleting.get(name); other !== undefined; other = this.#deleting.get(name)) await other
    const deleting = Promise.all(this.#opening.get(name) ?? []).then(() => action([...(this.#open.get(name) ?? [])]))
    const settled = deleting.then(
      () => {},
      () => {},
    )
    this.#deleting.set(name, settled)
    try {
      await deleting
    } finally {
      this.#deleting.delete(name)
    }
  }
}

function add<T>(map: Map<string, Set<T>>, name: string, value: T): void {
  const found = map.get(name)
  if (found === undefined) map.set(name, new Set([value]))
  else found.add(value)
}

function remove<T>(map: Map<string, Set<T>>, name: string, value: T): void {
  const found = map.get(name)
  if (found?.delete(value) && found.size === 0) map.delete(name)
}
