// What the network panel is told of: requests of an image that is read over the network, and what it had of them. Plain values, as
// protocol.ts has them. Not here: how they are counted (engine/network.ts).

export interface NetworkRequest {
  readonly number: number
  /** Milliseconds after the image was asked for. */
  readonly at: number
  readonly what: 'image' | 'tree' | 'object'
  readonly method: string
  /** Without what may be a secret. */
  readonly url: string
  /** First byte and the one behind the last, where a range was asked for. */
  readonly range?: readonly [number, number]
  /** undefined as long as there is no answer. */
  readonly status?: number
  /** Of the answer's body, as the server says. */
  readonly bytes?: number
  /** Milliseconds until the answer began. */
  readonly took?: number
  readonly failed?: string
}

export interface NetworkState {
  readonly requests: number
  readonly failed: number
  /** Of all bodies. */
  readonly bytes: number
  readonly imageBytes: number
  readonly objectBytes: number
  /** Times that an object was opened, and how many of them asked no server. */
  readonly opened: number
  readonly hits: number
  /** What the store that keeps objects here holds; undefined where nothing is kept. */
  readonly kept?: { readonly bytes: number; readonly entries: number }
  /** Bytes of a page of a lazy image, and a byte for each: 1 where it is here. */
  readonly pageSize?: number
  readonly pages?: Uint8Array
}
