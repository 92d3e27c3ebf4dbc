// An upper in memory: new, or as a snapshot of another has it. Not here: one that lasts (the host's).

import { Fault, faultError, type Outcome } from '../format/errno.js'
import { Quota } from './body.js'
import { rootOver } from './copied-inode.js'
import type { Layer } from './layer.js'
import type { LayerNode } from './lower.js'
import { MemoryBodies } from './memory-body.js'
import { readSnapshot } from './snapshot.js'
import { Upper } from './upper.js'

/** For layers, topmost first, with room for `limit` bytes. Throws the error of a bad snapshot or a closed image. */
export function memoryUpper(layers: readonly Layer<LayerNode>[], limit: number, snapshot?: Uint8Array): Upper {
  const quota = new Quota(limit)
  const bodies = new MemoryBodies(quota)
  if (snapshot !== undefined) return orThrow(readSnapshot(snapshot, bodies, quota), 'snapshot')
  return new Upper(orThrow(rootOver(layers), 'mount'), bodies, quota)
}

function orThrow<T>(outcome: Outcome<T>, what: string): T {
  if (outcome instanceof Fault) throw faultError(outcome, what)
  return outcome
}
