// Images made for tests of publishing: of objects from the pool, in a store of their own.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { command } from './command.js'
import { type PoolObject, write } from './object-pool.js'
import { noise, sha256 } from './store-hash.js'

/** An object of a size of its own. */
export function sizedObject(size: number, seed: number): PoolObject {
  const data = noise(size, seed)
  const digest = toHex(verityDigest(data, sha256))
  return { name: `${digest.slice(0, 2)}/${digest.slice(2)}`, digest, data }
}

/** Puts objects into the store `DIR/objects` and writes the image `DIR/NAME` that needs them; answers its path. */
export function imageOf(dir: string, name: string, objects: readonly PoolObject[]): string {
  for (const { name: object, data } of objects) write(join(dir, 'objects'), object, data)
  const lines = objects.map(
    ({ name: object, digest, data }, i) => `/f${i} ${data.length} 100644 1 0 0 0 0.0 ${object} - ${digest}`,
  )
  const dump = join(dir, `${name}.dump`)
  writeFileSync(dump, ['/ 0 40755 2 0 0 0 0.0 - - -', ...lines.sort(), ''].join('\n'))
  const image = join(dir, name)
  const { status, stderr } = command('composefs', 'build', dump, image)
  if (status !== 0) throw new Error(stderr)
  return image
}
