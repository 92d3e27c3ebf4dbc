// A mounted tree: the `fs`, the images it came from, and its end. Not here: how images and stores are found (api.ts).

import { fault, faultError } from './format/errno.js'
import type { Image } from './image/image.js'
import type { Layer } from './overlay/layer.js'
import type { LayerNode } from './overlay/lower.js'
import type { VfsEnv } from './vfs/env.js'
import { closeFs, createFs, type MountedFs } from './vfs/mounted-fs.js'

export class Mount {
  /** The images, topmost first. */
  readonly images: readonly Image[]
  #layer: Layer | undefined
  readonly #env: VfsEnv
  /** Images that were opened for this mount and end with it. */
  readonly #owned: readonly Image[]
  readonly #ended: () => void
  #fs: MountedFs | undefined

  constructor(
    layer: Layer<LayerNode>,
    env: VfsEnv,
    images: readonly Image[],
    owned: readonly Image[],
    /** What is to be done when the mount ends. */
    ended: () => void = () => {},
  ) {
    this.#layer = layer as unknown as Layer
    this.#ended = ended
    this.#env = env
    this.images = images
    this.#owned = owned
  }

  /** The tree as Node's `fs`; drawn when it is first asked for. */
  get fs(): MountedFs {
    if (this.#fs === undefined) {
      if (this.#layer === undefined) throw faultError(fault('EINVAL'), 'unmounted')
      this.#fs = createFs(this.#layer, this.#env)
    }
    return this.#fs
  }

  /** The tree at inode level, for hosts other than `fs`. */
  get layer(): Layer {
    if (this.#layer === undefined) throw faultError(fault('EINVAL'), 'unmounted')
    return this.#layer
  }

  /** Ends the mount and closes the images that it opened itself. Calling it again changes nothing. */
  unmount(): void {
    const was = this.#layer
    this.#layer = undefined
    if (this.#fs !== undefined) closeFs(this.#fs)
    this.#fs = undefined
    if (was !== undefined) this.#ended()
    for (const image of this.#owned) image.close()
  }

  [Symbol.dispose](): void {
    this.unmount()
  }
}
