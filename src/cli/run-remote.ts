// Images and stores that URLs name, for programs: they read at once, so a thread brings what they ask for and they wait for it.
// Loaded only where a URL is given.

import { ThreadBridge, type UrlBridge } from '../bridge/start.js'
import { nodeThread } from '../host/bridge-thread.js'
import type { Image } from '../image/image.js'
import { isHttpUrl, isRemoteUrl, Remote } from '../remote.js'
import type { ByteSource } from '../source/byte-source.js'
import type { ObjectStore } from '../store/object-store.js'
import { s3OptionsFromEnv } from '../store/s3-options.js'
import { CommandError, failure } from './failure.js'
import { type OpenImageOptions, RemotePlaces, s3Store } from './remote.js'

/** What URLs name, with synchronous forms. */
class BridgedRemote extends Remote {
  // Beside the package's entries; this is in a whole bundle of commands.
  readonly #bridge: UrlBridge = new ThreadBridge(
    nodeThread(new URL('../../bridge-worker.js', import.meta.url)),
    {},
    s3OptionsFromEnv(process.env),
  )

  constructor() {
    super(s3Store)
  }

  override store(url: string): ObjectStore {
    return isRemoteUrl(url) ? this.#bridge.store(url) : super.store(url)
  }

  override async source(url: string, head?: number): Promise<ByteSource> {
    return isHttpUrl(url) ? this.#bridge.source(url, { head }) : super.source(url, head)
  }

  close(): void {
    this.#bridge.close()
  }
}

/** Both throw a CommandError. */
export class BridgedPlaces {
  readonly #remote = new BridgedRemote()
  readonly #places = new RemotePlaces(this.#remote)

  store(url: string): ObjectStore {
    try {
      return this.#remote.store(url)
    } catch (error) {
      throw failure('open', url, error)
    }
  }

  /** No more of it is brought than is asked for. */
  async image(name: string, options: Omit<OpenImageOptions, 'lazy'>): Promise<Image> {
    try {
      return await this.#places.image(name, { ...options, lazy: true })
    } catch (error) {
      throw error instanceof CommandError ? error : failure('open', name, error)
    }
  }

  /** Ends the thread. */
  close(): void {
    this.#remote.close()
  }
}
