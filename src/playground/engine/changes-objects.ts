// The objects that a commit has made: kept as Blobs, which the browser may put on disk. A store for the image that needs them, and a
// tar for people. Not here: committing (changes-export.ts).

import { createTarPacker } from 'modern-tar'
import { blobSource } from '../../source/bytes-source.js'
import { canonicalName, objectError } from '../../store/errors.js'
import type { ObjectInfo, ObjectStore, StoredObject } from '../../store/object-store.js'
import type { Job } from './jobs.js'

export class NewObjects implements ObjectStore {
  readonly label: string
  readonly #blobs = new Map<string, Blob>()
  readonly #job: Job
  #bytes = 0

  /** `job`: paused while objects come in. */
  constructor(label: string, job: Job) {
    this.label = label
    this.#job = job
  }

  get count(): number {
    return this.#blobs.size
  }

  get bytes(): number {
    return this.#bytes
  }

  async open(name: string): Promise<StoredObject> {
    return blobSource(this.#find(name))
  }

  async stat(name: string): Promise<ObjectInfo> {
    return { size: this.#find(name).size }
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = canonicalName(name)
    if (this.#blobs.has(known)) return
    const pieces: BlobPart[] = []
    if (data instanceof Uint8Array) pieces.push(data.slice())
    else {
      for await (const piece of data) {
        pieces.push(new Blob([piece as Uint8Array<ArrayBuffer>]))
        await this.#job.pause(this.#bytes)
      }
    }
    const blob = new Blob(pieces)
    this.#blobs.set(known, blob)
    this.#bytes += blob.size
  }

  async *list(): AsyncGenerator<string> {
    yield* [...this.#blobs.keys()]
  }

  async delete(name: string): Promise<void> {
    throw objectError('EROFS', canonicalName(name), `${this.label} is read-only`)
  }

  /** As a tar of a store's folder. */
  tar(): ReadableStream<Uint8Array> {
    const { readable, controller } = createTarPacker()
    const pack = async () => {
      const mtime = new Date(0)
      for (const [name, blob] of this.#blobs) {
        const into = controller.add({ name, size: blob.size, mode: 0o644, mtime, type: 'file' })
        await blob.stream().pipeTo(into)
      }
      controller.finalize()
    }
    pack().catch(error => controller.error(error))
    return readable
  }

  #find(name: string): Blob {
    const blob = this.#blobs.get(canonicalName(name))
    if (blob === undefined) throw objectError('ENOENT', name, `is not in ${this.label}`)
    return blob
  }
}
