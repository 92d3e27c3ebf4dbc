// A bridge to a thread of the package's own, which reads from the web: stores and files by URL, with synchronous forms. Where
// threads share no memory, in a browser's worker on a page that is not isolated, plain HTTP is read by the platform's own
// synchronous requests instead (src/source/http-sync.ts). Not here: how a host starts threads.

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'
import { httpTarget } from '../source/http-target.js'
import type { ObjectStore } from '../store/object-store.js'
import { parseS3Source, S3Place } from '../store/s3-options.js'
import { Bridge, type BridgeOptions } from './bridge.js'
import type { BridgePort } from './protocol.js'
import { type BridgeUrlOptions, S3_URL, type UrlWhat } from './url-serving.js'

/** What a serving worker is sent: a port to serve. */
export interface Hello {
  readonly composefsBridge: unknown
}

/** A thread, as the two platforms have it. */
export interface ServingThread {
  /** Sends it one end of a new channel, and answers the other. */
  connect(): BridgePort
  /** Calls back when it ends by itself, or can't be started. */
  onEnd(ended: (why: string) => void): void
  terminate(): void
}

/** Stores and files by URL, for synchronous use. */
export interface UrlBridge {
  /** A store at an http(s) or s3 URL. Throws EINVAL for what is none, ENOTSUP for what can't be had here. */
  store(url: string | URL, options?: BridgeUrlOptions): ObjectStore
  /** A file to be read by ranges: an image for `openImage`, its Merkle tree. */
  source(url: string | URL, options?: BridgeUrlOptions): Promise<ByteSource>
  /** The same at once. */
  sourceSync(url: string | URL, options?: BridgeUrlOptions): ByteSource
  /** Ends the thread: what is open can no longer be read. */
  close(): void
}

function labelOf(url: string, options: BridgeUrlOptions | undefined): string {
  if (S3_URL.test(url)) return new S3Place({ ...options, ...parseS3Source(url) }).label
  return httpTarget(url).label
}

export class ThreadBridge implements UrlBridge {
  readonly #bridge: Bridge
  readonly #thread: ServingThread
  readonly #s3: BridgeUrlOptions
  /** Those without options; two mounts of one then share what is verified. */
  readonly #stores = new Map<string, WeakRef<ObjectStore>>()

  /** `s3` says who asks buckets, where the options of a store do not. */
  constructor(thread: ServingThread, options: BridgeOptions, s3: BridgeUrlOptions = {}) {
    this.#thread = thread
    this.#s3 = s3
    try {
      this.#bridge = new Bridge(thread.connect(), options)
    } catch (error) {
      thread.terminate()
      throw error
    }
    thread.onEnd(why => this.#bridge.fail(why))
  }

  /** Resolves once the thread has started; rejects with EIO where it can't be. */
  async ready(): Promise<this> {
    await this.#bridge.ready()
    return this
  }

  store(url: string | URL, options?: BridgeUrlOptions): ObjectStore {
    const what = this.#what(url, options)
    const known = options === undefined ? this.#stores.get(what.url)?.deref() : undefined
    if (known !== undefined) return known
    const store = this.#bridge.store(what, labelOf(what.url, what.options))
    if (options === undefined) this.#stores.set(what.url, new WeakRef(store))
    return store
  }

  async source(url: string | URL, options?: BridgeUrlOptions): Promise<ByteSource> {
    return this.#bridge.source(this.#file(url, options))
  }

  sourceSync(url: string | URL, options?: BridgeUrlOptions): ByteSource {
    return this.#bridge.sourceSync(this.#file(url, options))
  }

  close(): void {
    this.#bridge.close()
    this.#thread.terminate()
  }

  #what(url: string | URL, options: BridgeUrlOptions | undefined): UrlWhat {
    const text = String(url)
    if (!S3_URL.test(text)) return { url: text, options }
    const all = { ...this.#s3, ...options }
    // A URL object is nothing that another thread can be sent.
    return { url: text, options: all.endpoint === undefined ? all : { ...all, endpoint: String(all.endpoint) } }
  }

  /** Throws EINVAL before the thread is asked. */
  #file(url: string | URL, options: BridgeUrlOptions | undefined): UrlWhat {
    httpTarget(url)
    return { url: String(url), options }
  }
}

/** What a host says where it has no thread to give. */
export function noThread(cause: unknown): Error {
  return faultError(new Fault('EIO', 'the serving thread can not be started', cause), 'bridge')
}
