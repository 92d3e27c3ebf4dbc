// Which object the bytes of a file are in, of images that are in memory or fetched as they are asked. Not here: the objects
// themselves.

import { CfsDetails } from '../../../wasm/cfs-details.js'
import type { Outcome } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { binaryBytes, XATTR_INDEX_TRUSTED } from '../../format/xattr-name.js'
import { ImageLayer, type ImageNode } from '../../overlay/image-layer.js'
import { knowsObjects, type Layer } from '../../overlay/layer.js'

const REDIRECT = binaryBytes('overlay.redirect')
const NUL = 0

/** Its name as the image gives it; undefined where the bytes are elsewhere. */
export function objectNameOf(layer: Layer, node: object): Outcome<string | undefined> {
  if (layer instanceof ImageLayer) return imageObject(layer, node as ImageNode)
  if (!knowsObjects(layer)) return undefined
  const known = layer.objectOf(node)
  return known !== undefined && 'name' in known ? known.name : (known as Outcome<undefined>)
}

function imageObject({ image }: ImageLayer, { nid, mode }: ImageNode): Outcome<string | undefined> {
  if ((mode & CONSTANTS.S_IFMT) !== CONSTANTS.S_IFREG) return undefined
  if (image.format === 'cfs-v1') {
    const details = new CfsDetails()
    const r = details.load(image.core, nid)
    if (r < 0) return image.fault(r, 'inode')
    const { from, to } = details.payload
    return from < 0 ? undefined : nameText(image.core.core.copy(from, to - from))
  }
  if (image.format !== 'composefs') return undefined
  const redirect = image.core.xattr(nid, XATTR_INDEX_TRUSTED, REDIRECT)
  if (redirect === -CONSTANTS.ENODATA) return undefined
  return typeof redirect === 'number' ? image.fault(redirect, 'redirect') : nameText(redirect)
}

function nameText(bytes: Uint8Array): string {
  const end = bytes.indexOf(NUL)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)).replace(/^\/+/, '')
}
