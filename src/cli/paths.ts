// Paths inside an image as arguments name them. Not here: paths of the host.

import { errnoName, Fault, fault, type Outcome } from '../format/errno.js'
import { QUERY_FLAGS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { depthOf, imageLayer, limitsPaths } from '../overlay/limited-layer.js'

export interface Found {
  readonly nid: number
  readonly mode: number
  /** Names of the path by which it was found; 0 where no limit asks. */
  readonly depth: number
}

/** Name by name, within the image's limits. */
function findWithin(image: Image, path: string, follow: boolean): Outcome<Found> {
  const node = imageLayer(image, undefined, 'off', image.limits).resolve(path, follow)
  if (node instanceof Fault) return node
  const { core } = image
  const r = core.stat(node.nid)
  return r < 0 ? image.fault(r, path) : { nid: core.nid(), mode: core.mode(), depth: depthOf(node) }
}

/** What a path leads to in the mount's view, from the root; the record is the first of the core's table. */
export function find(image: Image, path: string, follow: boolean): Outcome<Found> {
  if (path === '') return fault('ENOENT')
  if (limitsPaths(image.limits)) return findWithin(image, path, follow)
  const { core } = image
  const flags = image.queryFlags | (follow ? QUERY_FLAGS.Q_FOLLOW : 0)
  const r = core.resolve(image.rootNid, path, flags)
  if (r < 0) {
    if (image.lazy) return image.fault(r, path)
    const detail = core.errorDetail()
    return detail === '' ? fault(errnoName(-r)) : new Fault(errnoName(-r), detail)
  }
  return { nid: core.nid(), mode: core.mode(), depth: 0 }
}
