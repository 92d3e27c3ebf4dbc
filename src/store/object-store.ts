// The contract of an object store: immutable byte strings by name, shared by any number of images.
// Not here: what an image is, nor any checking of digests (src/store/verified.ts does that over any store).
// Names are redirect paths without their leading slash: by custom `xx/yyyy…`, the fs-verity digest in hex cut after
// two digits (spec composefs-tools.md section 3), but any relative path may come out of an image.

import type { ByteSource } from '../source/byte-source.js'

/** One open object. */
export type StoredObject = ByteSource

export interface ObjectInfo {
  /** Bytes. */
  readonly size: number
}

/**
 * Every method rejects (the synchronous ones throw) with an Error whose `code` is an errno name: ENOENT for an object
 * that is not there or is not a regular file, ELOOP where a directory on its way is a symlink, ENOTDIR where it is
 * something else, EXDEV for a name that leaves the store, EINVAL for a malformed one, ENAMETOOLONG (object-name.ts),
 * EIO or what the host said for the rest.
 */
export interface ObjectStore {
  /** For messages: a path, a URL, `memory`. */
  readonly label: string
  /** The synchronous forms are there and never wait, not even for a disk: nothing here is ever missed. */
  readonly immediate?: true
  open(name: string): Promise<StoredObject>
  openSync?(name: string): StoredObject
  stat(name: string): Promise<ObjectInfo>
  statSync?(name: string): ObjectInfo
  /** Stores an object, whole or not at all; one that is there already is left alone. */
  put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  /** Names of all objects, in no particular order. */
  list(): AsyncIterable<string>
  /** Removes an object; one that is not there is no error. */
  delete(name: string): Promise<void>
}
