// Images opened without the package's entries: for tests of the rooms below them.
import * as crypto from 'node:crypto'
import { Fault } from '../../src/format/errno.js'
import { type Image, loadImage } from '../../src/image/image.js'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { CorePool } from '../../wasm/pool.js'

export const sha256 = (data: Uint8Array): Uint8Array => crypto.hash('sha256', data, 'buffer')

export function newPool(): CorePool {
  return new CorePool(compileSync(new Uint8Array(Buffer.from(CORE_BASE64, 'base64'))), () =>
    compileSync(new Uint8Array(Buffer.from(FULL_CORE_BASE64, 'base64'))),
  )
}

export function load(pool: CorePool, bytes: Uint8Array): Image | Fault {
  return loadImage(pool, sha256, bytes.length, into => into.set(bytes), {})
}

export function loaded(pool: CorePool, bytes: Uint8Array): Image {
  const image = load(pool, bytes)
  if (image instanceof Fault) throw new Error(`${image.code} ${image.detail}`)
  return image
}
