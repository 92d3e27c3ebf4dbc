// The contract of a place that images are published to: objects by name, and images beside them, of which one is there
// only when all that it needs is. Layout at every target:
//
//   objects/xx/yyyy…          the objects
//   objects/xx/yyyy….verity   Merkle trees of large ones, as `fsverity digest --out-merkle-tree` writes them
//   NAME, NAME.verity         an image and its tree
//
// Not here: what is published and in which order (publisher.ts), any kind of target.

import type { ByteSource } from '../source/byte-source.js'

export const OBJECTS = 'objects'

export interface Target {
  /** For messages: a path, a URL. */
  readonly label: string
  /**
   * Makes known that a publication goes on, so that nobody removes what it finds, until the function that this answers
   * is called.
   */
  begin(): Promise<() => Promise<void>>
  /** Bytes of those of the named objects that are there; `most` requests at once. */
  sizes(names: readonly string[], most: number): Promise<Map<string, number>>
  /** Marks an object that was found as needed. False when it has gone meanwhile. */
  touch(name: string): Promise<boolean>
  /** Puts an object, whole or not at all. With `replace`, what has its name goes first. */
  put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>, replace: boolean): Promise<void>
  /** An image, or a tree beside one, that is there. */
  openImage(name: string): Promise<ByteSource | undefined>
  /** Puts an image, or a tree beside one, in place of what has its name: at every moment one of the two is there. */
  putImage(name: string, bytes: Uint8Array): Promise<void>
}
