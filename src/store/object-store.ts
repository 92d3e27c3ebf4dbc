// The contract of an object store: immutable byte strings by name, shared by any number of images.
// Not here: what an image is, nor any checking of digests (src/store/verified.ts does that over any store).
// Names are redirect paths without their leading slash: by custom `xx/yyyy…`, the fs-verity digest in hex cut after
// two digits (spec composefs-tools.md section 3), but any relative path may come out of an image.

import type { ByteSource } from '../source/byte-source.js'

/** One open object. */
export interface StoredObject extends ByteSource {
  /**
   * For who found its bytes to be wrong: forgets this copy and opens the object anew, from where the copy came from.
   * This one is still to be closed. Only objects that are copies have it.
   */
  renew?(): Promise<StoredObject>
}

/** What lies in a store. */
export interface StoredEntry {
  readonly name: string
  /** Bytes. */
  readonly size: number
}

export interface ObjectInfo {
  /** Bytes. */
  readonly size: number
}

/**
 * Every method rejects (the synchronous ones throw) with an Error whose `code` is an errno name: ENOENT for an object
 * that is not there or is not a regular file, ELOOP where a directory on its way is a symlink, ENOTDIR where it is
 * something else, EXDEV for a name that leaves the store, EINVAL for a malformed one, ENAMETOOLONG (object-name.ts),
 * EIO or what the host said for the rest. A synchronous form may say EAGAIN where only waiting can tell: ask the other.
 */
export interface ObjectStore {
  /** For messages: a path, a URL, `memory`. */
  readonly label: string
  /** The synchronous forms are there and never wait, not even for a disk: only what they say EAGAIN of is missed. */
  readonly immediate?: true
  open(name: string): Promise<StoredObject>
  openSync?(name: string): StoredObject
  stat(name: string): Promise<ObjectInfo>
  statSync?(name: string): ObjectInfo
  /** Stores an object, whole or not at all; one that is there already is left alone. */
  put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  /** Names of all objects, in no particular order. */
  list(): AsyncIterable<string>
  /**
   * For caches that keep more here than objects: all entries, those too whose names are no objects', from the one that
   * was put longest ago. Also clears away what writers that are gone have left behind.
   */
  inventory?(): AsyncIterable<StoredEntry>
  /** Removes an object; one that is not there is no error. */
  delete(name: string): Promise<void>
}
