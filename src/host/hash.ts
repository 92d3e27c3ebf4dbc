// The hashes of Node's own crypto. Not here: trees of them (src/format).

import { type HashFunction, type HashName, hashOfStrings, type Sha256, type Sha512 } from '../format/hash.js'

/** A hash of the platform; loaded when it is first used, which most commands never do. */
function platformHash(name: HashName): HashFunction {
  let crypto: typeof import('node:crypto') | undefined
  const load = () => {
    crypto ??= process.getBuiltinModule('node:crypto')
    return crypto
  }
  return hashOfStrings(
    data => (crypto ?? load()).hash(name, data, 'buffer'),
    data => (crypto ?? load()).hash(name, data, 'binary'),
  )
}

export const sha256: Sha256 = platformHash('sha256')
export const sha512: Sha512 = platformHash('sha512')
