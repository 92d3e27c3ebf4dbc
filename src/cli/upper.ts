// A stack of images under an upper that a directory keeps, as the commands that look at changes open it. Not here: what they do
// with it.

import { Fault } from '../format/errno.js'
import { DirectoryUppers, holdsUpper, readDirectoryUpper } from '../host/upper-directory.js'
import type { Image } from '../image/image.js'
import { ImageLayer } from '../overlay/image-layer.js'
import type { Layer } from '../overlay/layer.js'
import type { LayerNode } from '../overlay/lower.js'
import { MergedTree } from '../overlay/merged-tree.js'
import { failure, wrongUsage } from './failure.js'
import { openStore } from './layers.js'
import { ImageFiles } from './open.js'

/** As a mount has them unless told otherwise; what the other settings leave behind reads the same. */
export const OVERLAY_OPTIONS = { redirectDir: true, metacopy: true }

export interface Changed {
  readonly tree: MergedTree
  readonly images: readonly Image[]
  /** Gives the directory back. */
  close(): void
}

interface Options {
  readonly upper: string | undefined
  readonly basedir?: string | undefined
  /** Leaves the directory alone, also where it is mounted at the time. */
  readonly look: boolean
}

/** Images topmost first. Throws a CommandError; EBUSY for an upper that is mounted, unless it is only looked at. */
export function openChanged(paths: readonly string[], { upper, basedir, look }: Options, help: string): Changed {
  if (paths.length === 0) throw wrongUsage('no IMAGE given', help)
  if (upper === undefined) throw wrongUsage('--upper is needed', help)
  const files = new ImageFiles()
  const images = paths.map(path => files.open(path))
  const objects = openStore(basedir)
  const layers: Layer<LayerNode>[] = images.map(image => new ImageLayer(image, objects, 'on'))
  try {
    if (look)
      return {
        tree: new MergedTree(layers, readDirectoryUpper(upper, layers), OVERLAY_OPTIONS),
        images,
        close: () => {},
      }
    if (!holdsUpper(upper)) throw new Fault('ENOENT', 'holds no upper')
    const { upper: kept, close } = new DirectoryUppers().open(upper, layers, Number.POSITIVE_INFINITY)
    return { tree: new MergedTree(layers, kept, OVERLAY_OPTIONS), images, close }
  } catch (error) {
    throw failure('open', upper, error)
  }
}
