// One open image in the worker: the image, its mount, the writable layer on top once there is one, and what has been made of
// it for views. Not here: how it was opened (documents.ts), what views show.

import type { Fault } from '../../format/errno.js'
import { faultError, orThrow } from '../../format/errno.js'
import type { Image } from '../../image/image.js'
import type { Mount } from '../../mount.js'
import type { Layer } from '../../overlay/layer.js'
import { answered } from '../../overlay/waiting.js'
import type { ObjectStore } from '../../store/object-store.js'
import { pathArgument, pathNames } from '../path-text.js'
import type { DocumentId, DocumentInfo, DocumentOrigin } from '../protocol.js'
import type { LateStore } from './late-store.js'
import type { NetworkLog } from './network-log.js'
import { closedMeanwhile } from './plain-words.js'

/** What a document is made of. */
export interface DocumentParts {
  readonly name: string
  readonly origin: DocumentOrigin
  readonly image: Image
  readonly mount: Mount
  /** Where its objects are; undefined as long as nobody has said. */
  readonly store?: ObjectStore
  /** All stores there are, and those that are given later: what mounts of the image are made over. */
  readonly objects: LateStore
  readonly url?: string
  readonly storeUrl?: string
  /** What has gone over the network for it. */
  readonly network?: NetworkLog
  /** fs-verity digest that it was opened with. */
  readonly digest?: string
  /** The very bytes that were opened, where they are in memory or a file. */
  readonly source?: Blob
}

export class OpenDocument {
  readonly id: DocumentId
  #parts: DocumentParts
  /** What views keep of it, by view; gone with it, and when something changes. */
  readonly kept = new Map<string, unknown>()
  #work: Mount | undefined
  #revision = 0
  readonly #ends: (() => void)[] = []

  constructor(id: DocumentId, parts: DocumentParts) {
    this.id = id
    this.#parts = parts
  }

  get parts(): DocumentParts {
    return this.#parts
  }

  /** From now on the image's objects are looked for here too. */
  giveStore(store: ObjectStore, known: Partial<Pick<DocumentParts, 'storeUrl' | 'network'>> = {}): void {
    const { objects } = this.#parts
    objects.give(store)
    this.#parts = { ...this.#parts, ...known, store: objects }
    this.changed()
  }

  get image(): Image {
    return this.parts.image
  }

  /** What is shown: the writable mount once there is one. Throws where the image was closed. */
  get mount(): Mount {
    if (this.image.closed) throw closedMeanwhile()
    return this.#work ?? this.parts.mount
  }

  get layer(): Layer {
    return this.mount.layer
  }

  /** The writable mount; undefined until `work` is called. */
  get working(): Mount | undefined {
    return this.#work
  }

  /** From now on this is shown; undefined: the image as it is. */
  work(mount: Mount | undefined): void {
    const was = this.#work
    this.#work = mount
    if (was !== mount) was?.unmount()
    this.changed()
  }

  /** Something in the tree is no longer what it was. */
  changed(): void {
    this.#revision++
    this.kept.clear()
  }

  get revision(): number {
    return this.#revision
  }

  /** What a view keeps of the document as it is now. */
  keep<T>(name: string, make: () => T): T {
    if (!this.kept.has(name)) this.kept.set(name, make())
    return this.kept.get(name) as T
  }

  info(): DocumentInfo {
    const { name, origin, url, storeUrl, digest, store } = this.parts
    const { format, version, byteLength, lazy } = this.image
    return {
      id: this.id,
      name,
      origin,
      url,
      storeUrl,
      format,
      version,
      size: byteLength,
      digest,
      lazy,
      store: store?.label,
      writable: this.#work !== undefined,
      revision: this.#revision,
    }
  }

  /** What lies at a path, symlinks not followed; of any depth. Throws the Error of a name that is not there. */
  async nodeAt(path: string): Promise<object> {
    const { layer } = this
    let node = layer.root
    for (const name of pathNames(path)) {
      const dir = node
      node = await this.ask(() => layer.lookup(dir, pathArgument(name)), path)
    }
    return node
  }

  /** An answer of the layer, waited for. */
  async ask<T>(question: () => T | Fault, what: string): Promise<T> {
    return orThrow(await answered(question), what)
  }

  /** The same of what answers nothing but a fault. */
  async done(question: () => Fault | undefined, what: string): Promise<void> {
    const failed = await answered<undefined>(question)
    if (failed !== undefined) throw faultError(failed, what)
  }

  /** What is to be done when it is closed. */
  atClose(end: () => void): void {
    this.#ends.push(end)
  }

  close(): void {
    for (const end of this.#ends.splice(0)) end()
    this.kept.clear()
    this.#work?.unmount()
    this.#work = undefined
    this.parts.mount.unmount()
    this.image.close()
  }
}
