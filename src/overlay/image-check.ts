// Checks everything in an image that can be read of it: every directory, inode, name, xattr, symlink and inline byte, as a mount
// shows them and as the tree that it stands for has them. Gathers the objects that it names. Not here: the objects' own bytes.

import type { CoreImage } from '../../wasm/core-image.js'
import { Fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { TreeEntries } from '../image/tree-entries.js'
import { ImageLayer } from './image-layer.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS

export interface WantedObject {
  /** Bytes. */
  readonly size: number
  /** undefined where the image gives none. */
  readonly digest: Uint8Array | undefined
  /** The first path that needs it, for messages. */
  readonly path: string
}

/** Can every byte of an inode's data be had, those too that have to be decoded? 0 or -errno. */
function decodes(core: CoreImage, nid: number): number {
  const byte = new Uint8Array(1)
  for (let at = 0; ; ) {
    const found = core.extent(nid, at)
    if (typeof found === 'number') return Math.min(found, 0)
    if (found.stored !== undefined) {
      const r = core.read(nid, byte, at)
      if (r < 0) return r
    }
    at += found.length
  }
}

export class ImageCheck {
  entries = 0
  readonly objects = new Map<string, WantedObject>()
  readonly #image: Image
  readonly #problem: (path: string, why: Fault) => void
  #problems = 0

  /** `problem` is told of all that is wrong. */
  constructor(image: Image, problem: (path: string, why: Fault) => void) {
    this.#image = image
    this.#problem = (path, why) => {
      this.#problems++
      problem(path, why)
    }
  }

  /** Both views; yields where the image may be asked other things. Throws where the tree is none. */
  *run(): Generator<void> {
    yield* this.#mount()
    if (this.#image.treeView !== undefined && this.#problems === 0) yield* this.#tree()
  }

  /** Every entry as the mount shows it: whatever can be read of it is read, but for bytes in a store. */
  *#mount(): Generator<void> {
    const image = this.#image
    const layer = new ImageLayer(image, undefined, 'on')
    const composefs = image.treeView !== undefined
    for (const { path, ino, mode } of image.entries()) {
      yield
      if (!composefs) this.entries++
      const nid = image.core.nidOf(ino)
      const node = { nid, mode, way: path }
      const xattrs = layer.listxattr(node)
      if (xattrs instanceof Fault) this.#problem(path, xattrs)
      if ((mode & S_IFMT) === S_IFLNK) {
        const target = layer.readlink(node)
        if (target instanceof Fault) this.#problem(path, target)
      }
      if (composefs || (mode & S_IFMT) !== S_IFREG) continue
      const r = decodes(image.core, nid)
      if (r < 0) this.#problem(path, image.fault(r, 'data'))
    }
  }

  /** A composefs image, by the tree that it stands for. */
  *#tree(): Generator<void> {
    const image = this.#image
    const entries = TreeEntries.open(image)
    if (entries instanceof Fault) {
      this.#problem('/', entries)
      return
    }
    const decoder = new TextDecoder()
    for (;;) {
      yield
      const more = entries.next()
      if (more instanceof Fault) {
        this.#problem('/', more)
        return
      }
      if (!more) return
      this.entries++
      const { payload, digest, hardLink, mode } = entries
      if (hardLink || payload.from < 0 || (mode & S_IFMT) !== S_IFREG) continue
      const stored = decoder.decode(payload.bytes.subarray(payload.from, payload.to))
      // A cfs v1 image names files by their absolute path, too.
      const name = image.format === 'cfs-v1' ? stored.replace(/^\/+/, '') : stored
      if (this.objects.has(name)) continue
      this.objects.set(name, {
        size: entries.size,
        digest: digest.from < 0 ? undefined : digest.bytes.slice(digest.from, digest.to),
        path: decoder.decode(entries.path.subarray(0, entries.pathLength)),
      })
    }
  }
}
