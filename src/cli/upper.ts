// A stack of images under an upper that a directory keeps, as the commands that look at changes open it. Not here: what they do
// with it.

import { Fault } from '../format/errno.js'
import { type LimitOptions, limitsOf } from '../format/limits.js'
import { DirectoryUppers, holdsUpper, readDirectoryUpper } from '../host/upper-directory.js'
import type { Image } from '../image/image.js'
import type { Layer } from '../overlay/layer.js'
import { imageLayer } from '../overlay/limited-layer.js'
import type { LayerNode } from '../overlay/lower.js'
import type { OverlayOptions } from '../overlay/merged-entries.js'
import { MergedTree } from '../overlay/merged-tree.js'
import { failure, wrongUsage } from './failure.js'
import { openStore } from './layers.js'
import { ImageFiles } from './open.js'

/** As a mount has them unless told otherwise; what the other settings leave behind reads the same. */
export function overlayOptions(limits: LimitOptions): OverlayOptions {
  return { redirectDir: true, metacopy: true, maxSymlinks: limitsOf(limits).maxSymlinks }
}

export interface Changed {
  readonly tree: MergedTree
  readonly images: readonly Image[]
  /** Names that may be looked at where all is gone through. */
  readonly maxEntries: number
  /** Gives the directory back. */
  close(): void
}

interface Options {
  readonly upper: string | undefined
  readonly basedir?: string | undefined
  /** Leaves the directory alone, also where it is mounted at the time. */
  readonly look: boolean
  readonly limits: LimitOptions
}

/** Images topmost first. Throws a CommandError; EBUSY for an upper that is mounted, unless it is only looked at. */
export function openChanged(paths: readonly string[], options: Options, help: string): Changed {
  const { upper, basedir, look, limits } = options
  if (paths.length === 0) throw wrongUsage('no IMAGE given', help)
  if (upper === undefined) throw wrongUsage('--upper is needed', help)
  const files = new ImageFiles({ limits })
  const images = paths.map(path => files.open(path))
  const objects = openStore(basedir)
  const layers: Layer<LayerNode>[] = images.map(image => imageLayer(image, objects, 'on', image.limits))
  try {
    const { maxEntries } = limitsOf(limits)
    const overlay = overlayOptions(limits)
    if (look) {
      const tree = new MergedTree(layers, readDirectoryUpper(upper, layers), overlay)
      return { tree, images, maxEntries, close: () => {} }
    }
    if (!holdsUpper(upper)) throw new Fault('ENOENT', 'holds no upper')
    const { upper: kept, close } = new DirectoryUppers().open(upper, layers, Number.POSITIVE_INFINITY)
    return { tree: new MergedTree(layers, kept, overlay), images, maxEntries, close }
  } catch (error) {
    throw failure('open', upper, error)
  }
}
