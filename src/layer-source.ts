// The tree of a layer as what an image can be built from: its `fs`, and the objects that are known without reading. Not here:
// building (build.ts).

import type { BuildFs, FsSource } from './build.js'
import { Fault, faultError } from './format/errno.js'
import { binaryBytes } from './format/xattr-name.js'
import { knowsObjects, type Layer } from './overlay/layer.js'
import { createFs } from './vfs/mounted-fs.js'

/** Reading asks for none of it. */
const NOBODY = { uid: () => 0, gid: () => 0, umask: () => 0 }

/** Owners are those that the layer has, without the maps of a mount: an image of it is to be mounted the same way. */
export function layerSource<N extends object>(layer: Layer<N>): FsSource {
  const fs = createFs(layer, NOBODY) as unknown as BuildFs
  if (!knowsObjects(layer)) return { fs, skipMissing: true }
  const objectOf = (path: string) => {
    const node = layer.resolve(binaryBytes(path), false)
    const known = node instanceof Fault ? node : layer.objectOf(node)
    if (known instanceof Fault) throw faultError(known, path)
    return known
  }
  return { fs, skipMissing: true, objectOf }
}
