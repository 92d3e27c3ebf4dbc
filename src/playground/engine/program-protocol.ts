// What the worker of the engine and the one that a program runs in say to each other. Not here: either side (programs.ts,
// program-guest.ts).

import type { BridgePort } from '../../bridge/protocol.js'

/** What a program may write to one of its outputs, in bytes. */
export const WRITTEN_MAX = 16 << 20

/** Said first. */
export interface GuestOpening {
  readonly op: 'open'
  /** All of the image; without it, it is read over the bridge. */
  readonly image: Uint8Array | undefined
  /** The bridge to the engine, which has the image and all objects. */
  readonly port: BridgePort
}

export interface GuestRun {
  readonly op: 'run'
  readonly module: WebAssembly.Module
  readonly name: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: Uint8Array
  /** All that has been changed in the tree, and how much it may be; without it the program can only read. */
  readonly changes: { readonly snapshot: Uint8Array; readonly limit: number } | undefined
  /** Bring all files before: for a page whose threads can't wait for each other. */
  readonly prefetch: boolean
}

export type ToGuest = GuestOpening | GuestRun

/** How a program ended. */
export interface GuestEnd {
  readonly exitCode: number
  /** What it died of. */
  readonly trap?: string
  /** What it could not have, because nothing can be waited for here. */
  readonly lacked?: string
  /** It wrote more than is taken. */
  readonly flooded?: true
  /** All changes of the tree, where the program has changed something. */
  readonly snapshot?: Uint8Array
}

export type FromGuest =
  | { readonly op: 'output'; readonly fd: 1 | 2; readonly bytes: Uint8Array }
  | { readonly op: 'ended'; readonly end: GuestEnd }
  | { readonly op: 'failed'; readonly message: string }
