// A mounted tree: the `fs`, the images it came from, what has been changed in it, and its end. Not here: how images and stores are
// found (api.ts).

import type { FsSource } from './build.js'
import type { CommitOptions, Committed } from './commit.js'
import { fault, faultError, orThrow } from './format/errno.js'
import type { Image } from './image/image.js'
import { layerSource } from './layer-source.js'
import { type Change, changesOf } from './overlay/changes.js'
import { isWritable, type Layer } from './overlay/layer.js'
import type { LayerNode } from './overlay/lower.js'
import { LowerFacts } from './overlay/lower-facts.js'
import { MergedTree } from './overlay/merged-tree.js'
import { restoreSnapshot } from './overlay/restore.js'
import { writeSnapshot } from './overlay/snapshot.js'
import { answered } from './overlay/waiting.js'
import { type PrefetchOptions, type PrefetchPath, prefetch } from './prefetch.js'
import type { ObjectStore } from './store/object-store.js'
import type { VfsEnv } from './vfs/env.js'
import { closeFs, createFs, type MountedFs } from './vfs/mounted-fs.js'

/** What a mount asks of the host that made it. */
export interface MountHost {
  /** Entries that `changes` goes through at most; no limit unless given. */
  readonly maxEntries?: number
  /** Writes a tree as an image; `store` says where its new objects go, else they go to that of the mount. */
  commit(source: FsSource, options: MountCommitOptions): Promise<Committed>
  /** What is to be done when the mount ends. */
  ended?(): void
}

/** As for `buildImage`; a store can be named as for a mount. */
export interface MountCommitOptions extends Omit<CommitOptions, 'store'> {
  readonly store?: ObjectStore | string | URL
}

export class Mount {
  /** The images, topmost first. */
  readonly images: readonly Image[]
  #layer: Layer | undefined
  /** Whose process it is for: the owner and umask of what is made. */
  readonly env: VfsEnv
  /** Images that were opened for this mount and end with it. */
  readonly #owned: readonly Image[]
  readonly #host: MountHost
  #fs: MountedFs | undefined

  constructor(
    layer: Layer<LayerNode>,
    env: VfsEnv,
    images: readonly Image[],
    owned: readonly Image[],
    host: MountHost,
  ) {
    this.#layer = layer as unknown as Layer
    this.env = env
    this.images = images
    this.#owned = owned
    this.#host = host
  }

  /** The tree as Node's `fs`; drawn when it is first asked for. Throws EINVAL after the end, as all that follows does. */
  get fs(): MountedFs {
    if (this.#fs === undefined) this.#fs = createFs(this.layer, this.env)
    return this.#fs
  }

  /** The tree at inode level, for hosts other than `fs`. */
  get layer(): Layer {
    if (this.#layer === undefined) throw faultError(fault('EINVAL'), 'unmounted')
    return this.#layer
  }

  /** The overlay; undefined where the tree is a single image's. */
  get #merged(): MergedTree | undefined {
    const { layer } = this as { layer: unknown }
    return layer instanceof MergedTree ? layer : undefined
  }

  /** The overlay that can be written to. Throws EROFS where there is none. */
  #writable(call: string): MergedTree {
    const tree = this.#merged
    if (tree === undefined || !isWritable(tree)) throw faultError(fault('EROFS'), call)
    return tree
  }

  /**
   * What has been changed since the images were mounted: added, modified and in what, deleted, renamed. Nothing in a tree that
   * can't be written to. Throws the Error of an image that lies; EAGAIN where a lazy image would have to be waited for.
   */
  changes(): Change[] {
    const tree = this.#merged
    return tree === undefined ? [] : orThrow(changesOf(tree, new LowerFacts(), this.#host.maxEntries), 'changes')
  }

  /** The same, over lazy images too. */
  async changesAsync(): Promise<Change[]> {
    const tree = this.#merged
    const facts = new LowerFacts()
    return tree === undefined
      ? []
      : orThrow(await answered(() => changesOf(tree, facts, this.#host.maxEntries)), 'changes')
  }

  /**
   * The changes as the layer of an OCI image: an uncompressed tar with whiteouts, made while it is read; the tree should stay as
   * it is until then. Throws EROFS; the stream fails with the Error of what can't be read.
   */
  exportLayer(): ReadableStream<Uint8Array> {
    const tree = this.#writable('exportLayer')
    const started: { reader?: ReadableStreamDefaultReader<Uint8Array> } = {}
    // Loaded when it is asked for: a page that only mounts need not carry it.
    return new ReadableStream({
      start: async () => {
        started.reader = (await import('./oci/layer-tar.js')).layerTar(tree).getReader()
      },
      async pull(controller) {
        const next = await started.reader?.read()
        if (next === undefined || next.done) controller.close()
        else controller.enqueue(next.value)
      },
      cancel: reason => started.reader?.cancel(reason),
    })
  }

  /**
   * Writes the whole tree as a new image, bit for bit what mkcomposefs makes of it, and puts the objects of what is new into
   * `store`, or else that of the (topmost) image; where there is neither into a MemoryStore, which is answered. The mount stays
   * what it is.
   */
  commit(options: MountCommitOptions = {}): Promise<Committed> {
    return this.#host.commit(layerSource(this.layer), options)
  }

  /** All changes, for `restore` or another mount of the same images. Throws EROFS, EIO. */
  snapshot(): Uint8Array {
    return orThrow(writeSnapshot(this.#writable('snapshot').upper), 'snapshot')
  }

  /**
   * Makes the changes those of a snapshot, and no others. What is open stays open, as a file without a name. Throws EINVAL for
   * what is no snapshot, EUCLEAN for a damaged one, ENOSPC, EROFS: nothing has changed then.
   */
  restore(snapshot: Uint8Array): void {
    const failed = restoreSnapshot(this.#writable('restore'), snapshot)
    if (failed !== undefined) throw faultError(failed, 'restore')
  }

  /**
   * Brings what lies at some paths, so that synchronous calls on them have what they need afterwards: metadata, and the bytes
   * of files, all checked. Symlinks are followed; of a directory it is the names, or with `recursive` all below it. Bytes
   * from a store without synchronous forms are held in memory, up to `prefetchBytes` for all mounts of the store: rejects with
   * ENOSPC where they do not fit, else with the Error of the first path that fails.
   */
  async prefetch(paths: PrefetchPath | readonly PrefetchPath[], options?: PrefetchOptions): Promise<void> {
    return prefetch(this.layer, paths, options)
  }

  /**
   * Ends the mount and closes the images that it opened itself. Calling it again changes nothing. Throws where an `upper` could not
   * write all down (ENOSPC, EIO): it has ended nevertheless.
   */
  unmount(): void {
    const was = this.#layer
    this.#layer = undefined
    if (this.#fs !== undefined) closeFs(this.#fs)
    this.#fs = undefined
    try {
      if (was !== undefined) this.#host.ended?.()
    } finally {
      for (const image of this.#owned) image.close()
    }
  }

  [Symbol.dispose](): void {
    this.unmount()
  }
}
