// What two threads say to each other over a bridge: calls that are answered, notices that are not. The asking side numbers
// stores, objects, lists and streams, so that it can take back what it has not heard of again. Answers come as messages, or
// in shared memory (shared-slots.ts) where who asked is not able to take messages. Not here: either side.

import type { Thrown } from './thrown.js'

/** A port of a MessageChannel: a browser's, or Node's. */
export interface BridgePort {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: string, listener: (event: MessageEvent) => void): void
  removeEventListener(type: string, listener: (event: MessageEvent) => void): void
  start(): void
  close(): void
  /** Node: whether the port keeps its process running. */
  ref?(): void
  unref?(): void
}

export type Call =
  | { readonly op: 'open'; readonly store: number; readonly name: string; readonly object: number }
  | { readonly op: 'source'; readonly what: unknown; readonly object: number }
  | { readonly op: 'read'; readonly object: number; readonly offset: number; readonly length: number }
  | { readonly op: 'renew'; readonly object: number; readonly renewed: number }
  | { readonly op: 'stat' | 'delete'; readonly store: number; readonly name: string }
  | { readonly op: 'put'; readonly store: number; readonly name: string; readonly data: Uint8Array }
  | { readonly op: 'stream'; readonly store: number; readonly name: string; readonly stream: number }
  /** A part of a stream; without `data` its end. Answered when more is wanted, or when the put has ended. */
  | { readonly op: 'chunk'; readonly stream: number; readonly data?: Uint8Array; readonly failed?: boolean }
  | { readonly op: 'list'; readonly store: number; readonly list: number }
  | { readonly op: 'names'; readonly list: number }
  | { readonly op: 'ping' }

export type Notice =
  /** Memory for answers, from now on. */
  | {
      readonly op: 'share'
      readonly beat: SharedArrayBuffer
      readonly slots: SharedArrayBuffer
      readonly count: number
    }
  | { readonly op: 'store'; readonly store: number; readonly what: unknown }
  | { readonly op: 'close'; readonly object: number }
  | { readonly op: 'endList'; readonly list: number }
  | { readonly op: 'end' }

/** `slot`: where in the shared memory the answer goes; it is a message without one. */
export type Message = { readonly id: number; readonly slot?: number; readonly call: Call } | { readonly notice: Notice }

/** What there is of it depends on the call. */
export interface Answer {
  /** Of an object. */
  readonly size?: number
  readonly renewable?: boolean
  /** What was read; of a small object that was opened, all of it. */
  readonly bytes?: Uint8Array
  readonly names?: readonly string[]
  /** Are there more names; is more of a stream wanted? */
  readonly more?: boolean
}

export interface Reply {
  readonly id: number
  readonly answer?: Answer
  readonly thrown?: Thrown
}

/** An object of so many bytes comes with the answer to its opening: who opens it wants to read it. */
export const SMALL_BYTES = 64 * 1024
