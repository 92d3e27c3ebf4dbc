// An image built from the entries of a folder or archive: every file is hashed where it lies, in pieces, and is then an object of
// the image. Not here: where the entries come from, the image's format (a writer's).

import { buildImage } from '../../any-build.js'
import { hashAlgorithm } from '../../any-host.js'
import type { Built } from '../../build.js'
import type { HashAlgorithm } from '../../format/hash.js'
import { objectName } from '../../format/hex.js'
import { VerityHasher } from '../../format/verity.js'
import { TreeBuilder } from '../../tree/tree-builder.js'
import { FileStore } from './file-store.js'
import { type Body, checkCount, type Item, type Time } from './intake-items.js'
import { arrangeLinks } from './intake-links.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

/** Bytes up to which an image holds a file itself, as with mkcomposefs. */
const INLINE_MAX = 64
/** Bytes that are hashed at a time. */
const PIECE = 1 << 20
/** Files whose bytes are asked for before it is their turn, and bytes of such a file at most. */
const AHEAD = 16
const AHEAD_BYTES = 1 << 18

export interface BuiltTree {
  readonly built: Built
  readonly objects: FileStore
}

function attributes(item: Item) {
  const { mode, uid, gid, mtime, xattrs } = item
  return { mode, uid, gid, mtime, xattrs }
}

function changed(path: string, error?: unknown): PlainError {
  const why = error instanceof Error ? ` [${error.message}]` : ''
  return new PlainError(
    'ESTALE',
    `${path} can’t be read, or changed meanwhile. Try it again, or without that file.${why}`,
  )
}

/** The entries by path, folders that no entry names put in; of two of one path the later counts, as with an unpacked tar. */
function byPath(items: readonly Item[], label: string): Map<string, Item> {
  const found = new Map<string, Item>()
  const newest = new Map<string, Time>()
  for (const item of items) {
    found.delete(item.path)
    found.set(item.path, item)
    for (let path = item.path; path !== ''; ) {
      path = path.slice(0, Math.max(path.lastIndexOf('/'), 0))
      const known = newest.get(path)
      if (item.mtime !== undefined && (known === undefined || known.seconds < item.mtime.seconds))
        newest.set(path, item.mtime)
      else if (known !== undefined) break
      else newest.set(path, { seconds: 0, nsec: 0 })
    }
    // A short archive can name very many folders by paths alone.
    checkCount(newest.size, label)
  }
  // A folder that nobody says the time of is as old as the newest in it.
  for (const [path, mtime] of newest) {
    const item = found.get(path)
    if (item === undefined) found.set(path, { path, type: 'dir', mtime })
    else if (item.type === 'dir' && item.mtime === undefined) found.set(path, { ...item, mtime })
  }
  return found
}

/** Parents come before what is in them. */
function inOrder(paths: Iterable<string>): string[] {
  return [...paths].sort((a, b) => depthOf(a) - depthOf(b))
}

function depthOf(path: string): number {
  let depth = path === '' ? 0 : 1
  for (let at = path.indexOf('/'); at >= 0; at = path.indexOf('/', at + 1)) depth++
  return depth
}

class Building {
  readonly #job: Job
  readonly #hash: HashAlgorithm
  readonly #total: number
  readonly #builder: TreeBuilder
  readonly #objects = new Map<string, Body>()
  readonly #soon = new Map<Item, Promise<ArrayBuffer>>()
  #done = 0

  constructor(root: Item | undefined, job: Job, hash: HashAlgorithm, total: number) {
    this.#job = job
    this.#hash = hash
    this.#total = total
    this.#builder = new TreeBuilder(root === undefined ? {} : attributes(root))
  }

  async build(items: readonly Item[], label: string): Promise<BuiltTree> {
    for (const [index, item] of items.entries()) {
      for (let ahead = index; ahead < index + AHEAD && ahead < items.length; ahead++) this.#ask(items[ahead])
      await this.#add(item)
      await this.#job.pause(this.#done, this.#total)
    }
    for (const { path, target = '' } of items.filter(item => item.type === 'link'))
      this.#builder.addHardLink(path, target)
    return { built: await buildImage(this.#builder), objects: new FileStore(label, this.#objects) }
  }

  /** Asks for the bytes of a small file. */
  #ask(item: Item): void {
    const { body } = item
    if (body === undefined || body.size === 0 || body.size > AHEAD_BYTES || this.#soon.has(item)) return
    const bytes = body.blob().then(blob => blob.arrayBuffer())
    bytes.catch(() => {})
    this.#soon.set(item, bytes)
  }

  async #add(item: Item): Promise<void> {
    const { path, type, target = '', major = 0, minor = 0 } = item
    const builder = this.#builder
    if (type === 'dir') builder.addDirectory(path, attributes(item))
    else if (type === 'symlink') builder.addSymlink(path, target, attributes(item))
    else if (type === 'fifo') builder.addFifo(path, attributes(item))
    else if (type === 'chr') builder.addDevice(path, { type: 'character', major, minor }, attributes(item))
    else if (type === 'blk') builder.addDevice(path, { type: 'block', major, minor }, attributes(item))
    else if (type === 'file') await this.#addFile(item, item.body)
  }

  async #addFile(item: Item, body: Body | undefined): Promise<void> {
    const { path } = item
    const size = body?.size ?? 0
    if (body === undefined || size === 0) {
      this.#builder.addFile(path, '', attributes(item))
      return
    }
    const hasher = new VerityHasher(this.#hash, size)
    let inline: Uint8Array | undefined
    for await (const piece of this.#pieces(item, body)) {
      if (size <= INLINE_MAX) inline = piece
      else hasher.update(piece)
    }
    if (inline !== undefined) {
      this.#builder.addFile(path, inline, attributes(item))
      return
    }
    const digest = hasher.digest()
    const name = objectName(digest)
    if (!this.#objects.has(name)) this.#objects.set(name, body)
    this.#builder.addFile(path, { size, digest }, attributes(item))
  }

  /** All bytes of a file, which has to be what it was when it was found. */
  async *#pieces(item: Item, body: Body): AsyncGenerator<Uint8Array> {
    const { size } = body
    const whole = this.#soon.get(item)
    this.#soon.delete(item)
    try {
      if (whole !== undefined) {
        const bytes = new Uint8Array(await whole)
        if (bytes.length !== size) throw changed(item.path)
        this.#done += size
        yield bytes
        return
      }
      const blob = await body.blob()
      for (let at = 0; at < size; at += PIECE) {
        const bytes = new Uint8Array(await blob.slice(at, Math.min(at + PIECE, size)).arrayBuffer())
        if (bytes.length !== Math.min(PIECE, size - at)) throw changed(item.path)
        yield bytes
        this.#done += bytes.length
        await this.#job.pause(this.#done, this.#total)
      }
    } catch (error) {
      throw error instanceof PlainError ? error : changed(item.path, error)
    }
  }
}

/** Builds the image. Throws a PlainError, or a TreeError for what no image can hold. */
export async function buildFrom(items: readonly Item[], label: string, job: Job): Promise<BuiltTree> {
  const entries = byPath(items, label)
  const root = entries.get('')
  entries.delete('')
  arrangeLinks(entries)
  const total = items.reduce((sum, item) => sum + (item.body?.size ?? 0), 0)
  const hash = await hashAlgorithm('sha256')
  const ordered = inOrder(entries.keys()).map(path => entries.get(path) as Item)
  return new Building(root, job, hash, total).build(ordered, label)
}
