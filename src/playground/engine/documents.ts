// The open images: opened from bytes, files and URLs, closed, and told of. Not here: archives, folders and dumps
// (intake.ts), what is shown of an image.

import { fault, faultError } from '../../format/errno.js'
import { mount, openImage } from '../../index.js'
import type { ImageSource, OpenOptions } from '../../open-image.js'
import type { ObjectStore } from '../../store/object-store.js'
import type { DocumentId, DocumentInfo } from '../protocol.js'
import { NetworkLog, ObjectCache, openRemote } from './network-log.js'
import { type DocumentParts, OpenDocument } from './open-document.js'
import { inPlainWords } from './plain-words.js'

/** An image from a file of this size on is read by ranges: it may not fit into memory. Bytes. */
const LAZY_FROM = 512 << 20

/** What is known of an image that is to be opened. */
export interface Opening extends Omit<DocumentParts, 'image' | 'mount'> {
  readonly bytes: ImageSource
  readonly options?: OpenOptions
}

export class Documents {
  readonly #open = new Map<DocumentId, OpenDocument>()
  readonly #base: string
  readonly #objects = new ObjectCache()
  #next = 1

  /** `base`: what relative URLs are relative to. */
  constructor(base: string) {
    this.#base = base
  }

  /** The document of a number. Throws ESTALE for one that is closed. */
  get(id: DocumentId): OpenDocument {
    const found = this.#open.get(id)
    if (found === undefined) throw faultError(fault('ESTALE'), 'document')
    return found
  }

  all(): OpenDocument[] {
    return [...this.#open.values()]
  }

  infos(): DocumentInfo[] {
    return this.all().map(one => one.info())
  }

  info(id: DocumentId): DocumentInfo {
    return this.get(id).info()
  }

  /** Opens an image; nothing is open where that fails. */
  async add(opening: Opening): Promise<DocumentInfo> {
    const { bytes, options, ...parts } = opening
    const image = await openImage(bytes, options)
    try {
      const mounted = await mount(image, { store: parts.store, verity: options?.verity, digest: undefined })
      const document = new OpenDocument(this.#next++, { ...parts, digest: options?.digest, image, mount: mounted })
      this.#open.set(document.id, document)
      return document.info()
    } catch (error) {
      image.close()
      throw error
    }
  }

  /** Opens a file that is an image. */
  openFile(file: Blob, name: string, store?: ObjectStore): Promise<DocumentInfo> {
    const lazy = file.size >= LAZY_FROM
    return inPlainWords(`${name} can’t be opened`, () =>
      this.add({ bytes: file, options: { lazy }, name, origin: 'file', source: file, store }),
    )
  }

  /** Opens what lies at a URL, relative ones from the page on; read by ranges where there is no digest to check all of it by. */
  openUrl(image: string, store?: string, digest?: string): Promise<DocumentInfo> {
    const name = decodeURIComponent(
      image
        .replace(/[?#].*$/s, '')
        .split('/')
        .at(-1) ?? image,
    )
    return inPlainWords(`${name} can’t be opened`, async () => {
      const network = new NetworkLog()
      const { bytes, options } = await openRemote(network, new URL(image, this.#base).href, digest)
      const objects =
        store === undefined ? undefined : await this.#objects.store(network, new URL(store, this.#base).href)
      return this.add({ bytes, options, name, origin: 'url', url: image, storeUrl: store, store: objects, network })
    })
  }

  close(id: DocumentId): void {
    const found = this.#open.get(id)
    this.#open.delete(id)
    found?.close()
  }
}
