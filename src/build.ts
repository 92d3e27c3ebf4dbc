// Building images from whatever says what a tree looks like: the part of the package that every host has. What a host adds
// (paths of Node) is in its entry. Not here: sources (src/tree), formats (src/writer).

import { callPath } from './format/call-path.js'
import { Fault, faultError } from './format/errno.js'
import { FACT_SIZE, FACT_WORDS, writeFacts } from './format/file-facts.js'
import type { Sha256 } from './format/hash.js'
import { objectName, toHex } from './format/hex.js'
import { VerityHasher, verityDigest } from './format/verity.js'
import { binaryBytes, binaryString } from './format/xattr-name.js'
import { Image } from './image/image.js'
import type { KnownObject } from './overlay/layer.js'
import type { ObjectStore } from './store/object-store.js'
import { treeFromDump } from './tree/dump-source.js'
import type { SoonFs } from './tree/fs-soon.js'
import {
  type Scanned,
  type ScanOptions,
  type SourceFs,
  type SourceStats,
  scanFs,
  scanFsSoon,
  type XattrSource,
} from './tree/fs-source.js'
import { treeFromImage } from './tree/image-source.js'
import { NONE, Tree } from './tree/tree.js'
import { TreeBuilder } from './tree/tree-builder.js'
import { type ImageFormat, imageOf } from './writer/image-format.js'

/** Bytes up to which an image holds a file itself, as with mkcomposefs. */
const INLINE_MAX = 64
/** Bytes read of a file at a time. */
const PIECE = 1 << 20

/** What is read of Node's `fs` when a tree is built from it: memfs has it, a mount has it. */
export interface BuildFs extends SourceFs {
  openSync(path: string | Buffer, flags: string): number
  fstatSync(fd: number, options: { bigint: true }): SourceStats
  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  closeSync(fd: number): void
  listxattrSync?(path: string | Buffer, options: { follow: false; encoding: 'buffer' }): readonly unknown[]
  getxattrSync?(path: string | Buffer, name: string | Buffer, options: { follow: false }): Uint8Array
}

/** A directory of an `fs`. */
export interface FsSource {
  readonly fs: BuildFs
  /** The root of the tree; `/` unless given. */
  readonly path?: string
  /** How xattrs are read, where the `fs` has no calls for them. */
  readonly xattrSource?: XattrSource
  /** Names that are listed and lead to nothing are left out, as an overlay has them for whiteouts. */
  readonly skipMissing?: boolean
  /** Names of the tree, its root too; E2BIG for more. No limit unless given. */
  readonly maxEntries?: number
  /** A regular file's bytes, where they may have to be waited for. Paths have a character a byte. */
  readonly read?: (path: string) => AsyncIterable<Uint8Array>
  /** The object that is known to hold a file's bytes, which are not read then. Paths have a character a byte. */
  readonly objectOf?: (path: string) => KnownObject | undefined | Promise<KnownObject | undefined>
  /** Asked in place of the calls of `fs`, where metadata may have to be waited for too. */
  readonly soon?: SoonFs
}

/** What an image can be built from: calls, a tree, an image (in another format, say), dump text, a directory of an `fs`. */
export type BuildSource =
  | TreeBuilder
  | Tree
  | Image
  | { readonly dump: string | Uint8Array; readonly strict?: boolean }
  | FsSource

export interface BuildOptions
  extends ImageFormat,
    Pick<ScanOptions, 'useEpoch' | 'skipDevices' | 'hardLinks' | 'xattrs'> {
  /** Where the bytes of files go; without one they are measured only. */
  readonly store?: ObjectStore
  /** Takes the image piece by piece, and is waited for. `image` is empty then. */
  readonly sink?: (piece: Uint8Array) => void | Promise<void>
}

/** An image that was built. */
export interface Built {
  /** Its bytes. */
  readonly image: Uint8Array
  /** Bytes of the image. */
  readonly size: number
  /** Its fs-verity SHA-256 digest, 64 hex digits. */
  readonly digest: string
}

/**
 * Builds an image. Rejects with a TreeError (`code`, and `line` and `field` of a dump) for what no image can hold, with the
 * error of the `fs` or store.
 */
export async function buildImage(source: BuildSource, options: BuildOptions, sha256: Sha256): Promise<Built> {
  const tree = await treeOf(source, options, sha256)
  if (options.format === 'cfs-v1') await storeContent(tree, options.store, sha256)
  return writeTree(tree, options, sha256)
}

/** Gives files that the image would hold itself an object: cfs v1 holds none. */
export async function storeContent(tree: Tree, store: ObjectStore | undefined, sha256: Sha256): Promise<void> {
  for (let node = 0; node < tree.count; node++) {
    if (tree.contentAt[node] === NONE || tree.payloadAt[node] !== NONE || tree.isLink(node)) continue
    const bytes = tree.arena.view(tree.contentAt[node], tree.contentLength[node]).slice()
    const name = setObject(tree, node, verityDigest(bytes, sha256))
    await store?.put(name, bytes)
  }
}

/** Writes a tree as an image. */
export async function writeTree(tree: Tree, { sink, ...format }: BuildOptions, sha256: Sha256): Promise<Built> {
  const planned = imageOf(tree, format)
  const hasher = new VerityHasher(sha256, planned.size)
  const image = new Uint8Array(sink === undefined ? planned.size : 0)
  let size = 0
  for (const piece of planned.pieces()) {
    hasher.update(piece)
    if (sink === undefined) image.set(piece, size)
    size += piece.length
    // A copy: while it is awaited, another image of the same tree may move what pieces lie in.
    if (sink !== undefined) await sink(piece.slice())
  }
  return { image, size, digest: toHex(hasher.digest()) }
}

async function treeOf(source: BuildSource, options: BuildOptions, sha256: Sha256): Promise<Tree> {
  if (source instanceof Tree) return source
  if (source instanceof Image) return treeFromImage(source)
  if (source instanceof TreeBuilder) return builtTree(source, options, sha256)
  if (typeof source === 'object' && source !== null) {
    if ('dump' in source && (typeof source.dump === 'string' || source.dump instanceof Uint8Array)) {
      return treeFromDump(source.dump, { strict: source.strict })
    }
    if ('fs' in source) return fsTree(source, options, sha256)
  }
  throw faultError(new Fault('EINVAL', 'nothing that an image can be built from'), 'buildImage')
}

function inlineMax({ format }: BuildOptions): number {
  return format === 'cfs-v1' ? 0 : INLINE_MAX
}

function setObject(tree: Tree, node: number, digest: Uint8Array): string {
  const name = objectName(digest)
  // Built before, for another image.
  if (tree.digestAt[node] !== NONE && tree.payloadAt[node] !== NONE) return name
  tree.setDigest(node, digest, 0)
  const payload = binaryBytes(name)
  tree.setPayload(node, payload, 0, payload.length)
  return name
}

/** The bytes that a builder was given find their place. Can be done again, for another image of the same tree. */
async function builtTree({ tree, data }: TreeBuilder, options: BuildOptions, sha256: Sha256): Promise<Tree> {
  for (const [node, bytes] of data) {
    if (bytes.length <= inlineMax(options)) {
      if (tree.contentAt[node] === NONE) tree.setContent(node, bytes, 0, bytes.length)
    } else {
      const name = setObject(tree, node, verityDigest(bytes, sha256))
      await options.store?.put(name, bytes)
    }
  }
  return tree
}

/** The calls of a mount's `fs`. */
function ownXattrs(fs: BuildFs): XattrSource | undefined {
  const { listxattrSync, getxattrSync } = fs
  if (listxattrSync === undefined || getxattrSync === undefined) return undefined
  return {
    list: at =>
      listxattrSync
        .call(fs, callPath(at), { follow: false, encoding: 'buffer' })
        .map(name => binaryString(name as Uint8Array)),
    get: (at, name) => getxattrSync.call(fs, callPath(at), callPath(name), { follow: false }),
  }
}

async function fsTree(source: FsSource, options: BuildOptions, sha256: Sha256): Promise<Tree> {
  const { fs, path = '/', xattrSource = ownXattrs(fs) } = source
  const { useEpoch, skipDevices, hardLinks, format } = options
  const xattrs = options.xattrs ?? (xattrSource === undefined ? 'none' : 'all')
  if (!['none', 'user', 'all'].includes(xattrs)) {
    throw faultError(new Fault('EINVAL', `xattrs must be 'none', 'user' or 'all'`), 'buildImage')
  }
  if (xattrs !== 'none' && xattrSource === undefined)
    throw faultError(new Fault('ENOTSUP', 'this fs has no xattrs'), 'buildImage')
  const scan: ScanOptions = {
    useEpoch,
    skipDevices,
    hardLinks,
    skipMissing: source.skipMissing,
    maxEntries: source.maxEntries,
    xattrs,
    ctime: format === 'cfs-v1',
    xattrSource,
  }
  const scanned = source.soon === undefined ? scanFs(fs, path, scan) : await scanFsSoon(source.soon, path, scan)
  for (let i = 0; i < scanned.files.count; i++) await new FsFile(source, scanned, i).take(options, sha256)
  return scanned.tree
}

/** A regular file of an `fs`, read in pieces. */
class FsFile {
  readonly #source: FsSource
  readonly #scanned: Scanned
  readonly #file: number
  readonly #path: string
  readonly #size: number
  readonly #facts = new BigUint64Array(FACT_WORDS)

  constructor(source: FsSource, scanned: Scanned, file: number) {
    this.#source = source
    this.#scanned = scanned
    this.#file = file
    this.#path = scanned.root + scanned.tree.path(scanned.files.node[file])
    this.#size = scanned.files.size(file)
  }

  async take(options: BuildOptions, sha256: Sha256): Promise<void> {
    const { tree, files } = this.#scanned
    const node = files.node[this.#file]
    if (this.#size <= inlineMax(options)) {
      const bytes = new Uint8Array(this.#size)
      let at = 0
      for await (const piece of this.#pieces()) {
        bytes.set(piece, at)
        at += piece.length
      }
      tree.setContent(node, bytes, 0, bytes.length)
      return
    }
    const known = await this.#source.objectOf?.(this.#path)
    if (known !== undefined) {
      setObject(tree, node, known.digest)
      return
    }
    const hasher = new VerityHasher(sha256, this.#size)
    for await (const piece of this.#pieces()) hasher.update(piece)
    const name = setObject(tree, node, hasher.digest())
    // A store takes it only if the file is still the one that was hashed.
    await options.store?.put(name, this.#pieces())
  }

  /** All bytes; ESTALE, before the last or behind it, for a file that is no longer as it was seen. */
  async *#pieces(): AsyncGenerator<Uint8Array> {
    const { fs, read, soon } = this.#source
    let left = this.#size
    for await (const piece of read?.(this.#path) ?? this.#opened()) {
      if (piece.length > left) throw this.#changed()
      left -= piece.length
      yield piece
    }
    if (left > 0) throw this.#changed()
    if (read === undefined) return
    const path = callPath(this.#path)
    this.#check(await (soon === undefined ? fs.lstatSync(path, { bigint: true }) : soon.lstat(path, { bigint: true })))
  }

  *#opened(): Generator<Uint8Array> {
    const { fs } = this.#source
    const fd = fs.openSync(callPath(this.#path), 'r')
    try {
      for (let at = 0; at < this.#size; ) {
        const bytes = new Uint8Array(Math.min(PIECE, this.#size - at))
        const count = fs.readSync(fd, bytes, 0, bytes.length, at)
        if (count === 0) throw this.#changed()
        yield bytes.subarray(0, count)
        at += count
      }
      this.#check(fs.fstatSync(fd, { bigint: true }))
    } finally {
      fs.closeSync(fd)
    }
  }

  #check(stat: SourceStats): void {
    const now = this.#facts
    writeFacts(stat, now, 0)
    const { facts } = this.#scanned.files
    for (let i = FACT_SIZE; i < FACT_WORDS; i++) {
      if (now[i] !== facts[this.#file * FACT_WORDS + i]) throw this.#changed()
    }
  }

  #changed(): Error {
    return faultError(new Fault('ESTALE', 'changed while it was read'), this.#path)
  }
}
