// The tree of a layer as what an image can be built from: its `fs`, bytes that may have to be waited for, and the objects that are
// known without reading. Not here: building (build.ts).

import type { BuildFs, FsSource } from './build.js'
import { orThrow } from './format/errno.js'
import { binaryBytes } from './format/xattr-name.js'
import { filePieces, openWaiting } from './overlay/file-pieces.js'
import { knowsObjects, type Layer } from './overlay/layer.js'
import { createFs } from './vfs/mounted-fs.js'

/** Reading asks for none of it. */
const NOBODY = { uid: () => 0, gid: () => 0, umask: () => 0 }

/** Owners are those that the layer has, without the maps of a mount: an image of it is to be mounted the same way. */
export function layerSource<N extends object>(layer: Layer<N>): FsSource {
  const fs = createFs(layer, NOBODY) as unknown as BuildFs
  const nodeAt = (path: string) => orThrow(layer.resolve(binaryBytes(path), false), path)
  const source = { fs, skipMissing: true, read: (path: string) => pieces(layer, nodeAt(path), path) }
  if (!knowsObjects(layer)) return source
  return { ...source, objectOf: path => orThrow(layer.objectOf(nodeAt(path)), path) }
}

async function* pieces<N extends object>(layer: Layer<N>, node: N, path: string): AsyncGenerator<Uint8Array> {
  const file = await openWaiting(layer, node, path)
  try {
    yield* filePieces(file, path)
  } finally {
    file.close()
  }
}
