// What the page is told of the network: counts, pages of a lazy image, and requests one by one. Not here: how they are counted
// (network-log.ts).

import type { NetworkRequest, NetworkState } from '../network.js'
import type { DocumentId } from '../protocol.js'
import type { Documents } from './documents.js'
import { inPlainWords } from './plain-words.js'

export class Network {
  readonly #documents: Documents

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** What has gone over the network for an image; undefined for one that came otherwise. */
  state(id: DocumentId): Promise<NetworkState | undefined> {
    return inPlainWords('The requests can’t be shown', async () => {
      const { parts, image } = this.#documents.get(id)
      const state = await parts.network?.state()
      if (state === undefined || image.pager === undefined) return state
      return { ...state, pageSize: image.pager.pageSize, pages: image.pager.presentPages() }
    })
  }

  /** Requests from the newest on. */
  requests(id: DocumentId, start: number, length: number): NetworkRequest[] {
    return this.#documents.get(id).parts.network?.requests(start, length) ?? []
  }
}
