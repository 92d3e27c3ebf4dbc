// A new upper in memory. Not here: one that lasts (the host's).

import { orThrow } from '../format/errno.js'
import { Quota } from './body.js'
import { rootOver } from './copied-inode.js'
import type { Layer } from './layer.js'
import type { LayerNode } from './lower.js'
import { MemoryBodies } from './memory-body.js'
import { Upper } from './upper.js'

/** For layers, topmost first, with room for `limit` bytes. Throws the error of a closed image. */
export function memoryUpper(layers: readonly Layer<LayerNode>[], limit: number): Upper {
  const quota = new Quota(limit)
  return new Upper(orThrow(rootOver(layers), 'mount'), new MemoryBodies(quota), quota)
}
