// Objects that are files of the user's, or parts of an archive: read where they lie, not copied. Not here: which files are objects
// (intake-heap.ts).

import { blobSource } from '../../source/bytes-source.js'
import { canonicalName, objectError } from '../../store/errors.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../store/object-store.js'
import type { Body } from './intake-items.js'

export class FileStore implements ObjectStore {
  readonly label: string
  readonly #bodies: ReadonlyMap<string, Body>

  /** `label`: for people. The bodies by their object's name. */
  constructor(label: string, bodies: ReadonlyMap<string, Body>) {
    this.label = label
    this.#bodies = bodies
  }

  get size(): number {
    return this.#bodies.size
  }

  async open(name: string): Promise<StoredObject> {
    const body = this.#find(name)
    try {
      return blobSource(await body.blob())
    } catch (error) {
      throw objectError('EIO', name, 'the file can no longer be read', error)
    }
  }

  async stat(name: string): Promise<ObjectInfo> {
    return { size: this.#find(name).size }
  }

  async put(name: string): Promise<void> {
    throw objectError('EROFS', canonicalName(name), `${this.label} is read-only`)
  }

  async *list(): AsyncGenerator<string> {
    yield* this.#bodies.keys()
  }

  async delete(name: string): Promise<void> {
    throw objectError('EROFS', canonicalName(name), `${this.label} is read-only`)
  }

  #find(name: string): Body {
    const body = this.#bodies.get(canonicalName(name))
    if (body === undefined) throw objectError('ENOENT', name, `is not in ${this.label}`)
    return body
  }
}
