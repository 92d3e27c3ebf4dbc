// What an image is opened from and how, and whether it is such. Not here: opening (open-image.ts).

import { Fault, faultError } from './format/errno.js'
import { limitsOf, tooBig } from './format/limits.js'
import type { Image, ImageOptions } from './image/image.js'
import type { Verity } from './overlay/image-layer.js'
import type { ByteSource } from './source/byte-source.js'
import { type ImageBytes, imageBytes } from './source/image-bytes.js'

/**
 * What an image can be opened from: a path (Node) or URL, bytes, something that is read by ranges (an object that a store
 * has opened, for one), or an Image. Opened lazily, what is read by ranges is the image's own, which closes it, as does an
 * opening that fails (but for EINVAL and EAGAIN, said at once); otherwise it stays the caller's.
 */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | Blob | ByteSource | Image

export interface OpenOptions extends ImageOptions {
  /**
   * Keep only what was asked for in memory, and fetch it when it is asked for. With a `digest` every block is checked by the
   * Merkle tree beside the image; where there is none, the image is fetched whole and checked, unless `verity` is `off`.
   */
  readonly lazy?: boolean
  /**
   * Lazy: bound of the image's bytes in memory; 16 MiB unless given, a MiB at least. What needs more at once (a directory block
   * whose inodes lie far apart, a path of thousands of directories) is ENOMEM.
   */
  readonly cacheBytes?: number
  /**
   * Lazy: the image's Merkle tree, as `fsverity digest --out-merkle-tree` writes it, or where it is: the image's name with
   * `.verity` behind it unless given.
   */
  readonly merkleTree?: string | URL | Uint8Array | ByteSource
  /**
   * What the further devices of the image are read from, in the order of its device table: such an image is opened lazily. Without
   * them, what the devices hold is looked for behind the image's own bytes. A digest vouches for the image alone.
   */
  readonly devices?: readonly DeviceSource[]
  /**
   * Check objects against the digests in the image: `on` unless said otherwise; `require` refuses files without one. `off`
   * also opens a lazy image unchecked.
   */
  readonly verity?: Verity
}

/** What a further device is read from. */
export type DeviceSource = string | URL | Uint8Array | ArrayBuffer | Blob | ByteSource

export function wantsTree({ digest, verity }: OpenOptions): boolean {
  return digest !== undefined && verity !== 'off'
}

/** Throws EFBIG, before anything of that size is read or made. */
export function checkSize(size: number, options: OpenOptions, label: string): void {
  const { maxImageBytes } = limitsOf(options)
  if (size > maxImageBytes) throw faultError(tooBig('an image', size, 'maxImageBytes', maxImageBytes), label)
}

/** 0 of what is none of these, which is found out later. */
export function sizeOf(source: Uint8Array | ArrayBuffer | Blob | ByteSource): number {
  if (source instanceof Blob || isSource(source)) return source.size
  return source instanceof Uint8Array || isBuffer(source) ? source.byteLength : 0
}

export function isImage(source: unknown): source is Image {
  return typeof source === 'object' && source !== null && 'rootNid' in source
}

export function isName(source: unknown): source is string | URL {
  return typeof source === 'string' || source instanceof URL
}

export function isSource(source: unknown): source is ByteSource {
  return typeof source === 'object' && source !== null && 'read' in source && 'size' in source
}

/** Throws EINVAL for what looks like a source and is none. */
export function checkSource(source: unknown): void {
  if (!isSource(source)) return
  const { size, read, close } = source as { readonly [key in keyof ByteSource]: unknown }
  if (Number.isSafeInteger(size) && (size as number) >= 0 && typeof read === 'function' && typeof close === 'function')
    return
  throw faultError(new Fault('EINVAL', 'a source has a size in bytes, read and close'), 'open')
}

/** Is it something else than bytes in memory? */
export function isApart<T>(source: T): source is Extract<T, string | URL | Blob | ByteSource> {
  return isName(source) || source instanceof Blob || isSource(source)
}

export function checkOptions(options: OpenOptions): void {
  const { digest, lazy, cacheBytes, merkleTree, devices, verity } = options
  if (lazy !== undefined && typeof lazy !== 'boolean')
    throw faultError(new Fault('EINVAL', 'lazy is true or false'), 'open')
  const named = merkleTree === undefined || merkleTree instanceof Uint8Array || isName(merkleTree)
  if (!named && !isSource(merkleTree)) {
    throw faultError(new Fault('EINVAL', 'merkleTree is a path, a URL, bytes or a source'), 'open')
  }
  checkSource(merkleTree)
  if (merkleTree !== undefined && digest === undefined) {
    throw faultError(new Fault('EINVAL', 'without a digest a Merkle tree vouches for nothing'), 'open')
  }
  if (digest !== undefined && (typeof digest !== 'string' || !/^[0-9a-f]{64}$/i.test(digest))) {
    throw faultError(new Fault('EINVAL', 'digest must be 64 hex digits'), 'open')
  }
  if (cacheBytes !== undefined && !(typeof cacheBytes === 'number' && cacheBytes >= 0)) {
    throw faultError(new Fault('EINVAL', 'cacheBytes is a number of bytes'), 'open')
  }
  if (devices !== undefined && !(Array.isArray(devices) && devices.every(one => isApart(one) || isBytes(one)))) {
    throw faultError(new Fault('EINVAL', 'devices is a list of paths, URLs, bytes or sources'), 'open')
  }
  for (const device of devices ?? []) checkSource(device)
  verityOf(verity)
  limitsOf(options)
}

/** Throws EINVAL for what is none. */
export function verityOf(verity: unknown): Verity {
  if (verity === undefined) return 'on'
  if (verity === 'off' || verity === 'on' || verity === 'require') return verity
  throw faultError(new Fault('EINVAL', `verity must be 'off', 'on' or 'require'`), 'mount')
}

export function bytesOf(source: Uint8Array | ArrayBuffer): ImageBytes {
  const bytes = source instanceof Uint8Array ? source : isBuffer(source) ? new Uint8Array(source) : undefined
  if (bytes === undefined) throw faultError(new Fault('EINVAL', 'an image is a path, a URL, bytes or an Image'), 'open')
  return imageBytes(bytes)
}

/** Is it bytes in memory? */
export function isBytes(source: unknown): source is Uint8Array | ArrayBuffer {
  return source instanceof Uint8Array || isBuffer(source)
}

function isBuffer(source: unknown): source is ArrayBuffer {
  const tag = Object.prototype.toString.call(source)
  return tag === '[object ArrayBuffer]' || tag === '[object SharedArrayBuffer]'
}
