// The open images: opened from bytes, files and URLs, closed, and told of. Not here: archives, folders and dumps
// (intake.ts), what is shown of an image.

import { mount, openImage } from '../../any-host.js'
import { Fault, faultError } from '../../format/errno.js'
import type { ImageSource, OpenOptions } from '../../open-options.js'
import type { ObjectStore } from '../../store/object-store.js'
import type { DocumentId, DocumentInfo, DocumentOrigin, JobId, ProgressListener, UrlWish } from '../protocol.js'
import { imageOfDump } from './intake-dump.js'
import type { Jobs } from './jobs.js'
import { LateStore } from './late-store.js'
import { NetworkLog, ObjectCache } from './network-log.js'
import { type DocumentParts, OpenDocument } from './open-document.js'
import { closedMeanwhile, inPlainWords, PlainError } from './plain-words.js'
import { addressOf, UrlOpening } from './url-opening.js'

/** An image from a file of this size on is read by ranges: it may not fit into memory. Bytes. */
const LAZY_FROM = 512 << 20

/** What is known of an image that is to be opened. */
export interface Opening extends Omit<DocumentParts, 'image' | 'mount' | 'objects'> {
  readonly bytes: ImageSource
  readonly options?: OpenOptions
}

/** A file that is an image, and where its objects are. */
export interface OpeningBlob {
  readonly file: Blob
  readonly name: string
  readonly origin: DocumentOrigin
  readonly stores: readonly ObjectStore[]
  readonly digest?: string
}

/** What was typed as a digest; undefined for nothing. Throws for what is none. */
function digestOf(text: string | undefined): string | undefined {
  const digest = text?.trim().replace(/^sha256:/i, '') ?? ''
  if (digest === '') return undefined
  if (/^[0-9a-f]{64}$/i.test(digest)) return digest.toLowerCase()
  throw new PlainError(
    'EINVAL',
    'The digest is not 64 hex digits. Give the fs-verity digest that `composefs-info measure-file` prints, or none.',
  )
}

/** As the kernel the core says EINVAL of a superblock that is none; here nothing but the image can be wrong. */
function asDamage(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'EINVAL') return error
  return faultError(new Fault('EUCLEAN', error.message.replace(/^EINVAL: /, ''), error), 'open')
}

/** For people: the last part of a URL. */
function nameOf(url: string): string {
  const last =
    url
      .replace(/[?#].*$/s, '')
      .split('/')
      .at(-1) || url
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

export class Documents {
  readonly #open = new Map<DocumentId, OpenDocument>()
  readonly #base: string
  readonly #jobs: Jobs
  readonly #objects = new ObjectCache()
  #next = 1

  /** `base`: what relative URLs are relative to. */
  constructor(base: string, jobs: Jobs) {
    this.#base = base
    this.#jobs = jobs
  }

  /** The document of a number. Throws for one that is closed. */
  get(id: DocumentId): OpenDocument {
    const found = this.#open.get(id)
    if (found === undefined) throw closedMeanwhile()
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
    const image = await openImage(bytes, options).catch(error => {
      throw asDamage(error)
    })
    try {
      const objects = new LateStore(parts.store)
      const mounted = await mount(image, { store: objects, verity: options?.verity, digest: undefined })
      const digest = options?.digest
      const document = new OpenDocument(this.#next++, { ...parts, objects, digest, image, mount: mounted })
      this.#open.set(document.id, document)
      return document.info()
    } catch (error) {
      image.close()
      throw error
    }
  }

  /** Opens a file that is an image. */
  async openBlob({ file, name, origin, stores, digest }: OpeningBlob): Promise<DocumentInfo> {
    const lazy = file.size >= LAZY_FROM
    return inPlainWords(`${name} can’t be opened`, async () => {
      const options = { lazy, digest: digestOf(digest) }
      const info = await this.add({ bytes: file, options, name, origin, source: file })
      const document = this.get(info.id)
      for (const store of stores) document.giveStore(store)
      return document.info()
    })
  }

  /** Opens what lies at a URL, relative ones from the page on. */
  openUrl(wish: UrlWish, id?: JobId, listener?: ProgressListener): Promise<DocumentInfo> {
    const { image, store } = wish
    const name = nameOf(image)
    return inPlainWords(`${name} can’t be opened`, async () => {
      const digest = digestOf(wish.digest)
      const url = addressOf(image, this.#base)
      const network = new NetworkLog()
      const objects = store === undefined ? undefined : await this.#objects.store(network, addressOf(store, this.#base))
      const job = this.#jobs.begin(id, { what: `Fetching ${name}`, done: 0, total: 0, unit: 'bytes' }, listener)
      const { bytes, recognised, merkleTree } = await new UrlOpening(url, name, job, network).find(digest)
      const parts = { name, origin: 'url', url: image, storeUrl: store, store: objects, network } as const
      if (!(bytes instanceof Blob)) return this.add({ bytes, options: { lazy: true, digest, merkleTree }, ...parts })
      const source = recognised.kind === 'dump' ? await imageOfDump(bytes, name) : bytes
      return this.add({ bytes: source, options: { digest }, source, ...parts })
    })
  }

  /** From now on a document's objects are looked for at a URL too. */
  giveUrl(id: DocumentId, store: string): Promise<void> {
    return inPlainWords('The objects can’t be used', async () => {
      const document = this.get(id)
      const network = document.parts.network ?? new NetworkLog()
      document.giveStore(await this.#objects.store(network, addressOf(store, this.#base)), { storeUrl: store, network })
    })
  }

  close(id: DocumentId): void {
    const found = this.#open.get(id)
    this.#open.delete(id)
    found?.close()
  }
}
