// What stands for a bridge where no thread can be waited for: stores and files by URL, read by this thread itself. In a
// browser's worker plain HTTP has synchronous forms even so (src/source/http-sync.ts); on a page nothing has any.

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from '../source/byte-source.js'
import { HttpClient } from '../source/http-client.js'
import { HttpSource } from '../source/http-source.js'
import { httpTarget } from '../source/http-target.js'
import { HttpStore } from '../store/http.js'
import type { ObjectStore } from '../store/object-store.js'
import { S3Store } from '../store/s3.js'
import type { UrlBridge } from './start.js'
import { type BridgeUrlOptions, S3_URL } from './url-serving.js'

const MISSING =
  'synchronous reads of it need a worker and SharedArrayBuffer, which a browser has on pages that are cross-origin isolated: ' +
  'served with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp'

export class DirectBridge implements UrlBridge {
  readonly #client = new HttpClient()
  /** Those without options; two mounts of one then share what is verified. */
  readonly #stores = new Map<string, WeakRef<ObjectStore>>()

  store(url: string | URL, options?: BridgeUrlOptions): ObjectStore {
    const name = String(url)
    const known = options === undefined ? this.#stores.get(name)?.deref() : undefined
    if (known !== undefined) return known
    const store = S3_URL.test(name)
      ? new S3Store(name, options)
      : new HttpStore(name, { client: this.#clientFor(options), head: options?.head })
    if (options === undefined) this.#stores.set(name, new WeakRef(store))
    return store
  }

  source(url: string | URL, options?: BridgeUrlOptions): Promise<ByteSource> {
    return HttpSource.open(this.#clientFor(options), url, { head: options?.head })
  }

  sourceSync(url: string | URL, options?: BridgeUrlOptions): ByteSource {
    const source = HttpSource.openSync(this.#clientFor(options), url, options?.head)
    if (source === undefined) throw faultError(new Fault('ENOTSUP', MISSING), httpTarget(url).label)
    return source
  }

  close(): void {}

  #clientFor(options: BridgeUrlOptions | undefined): HttpClient {
    return options === undefined ? this.#client : new HttpClient(options)
  }
}
