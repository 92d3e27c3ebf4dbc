// Objects for the tests of store care: content by number, its name, and stores furnished with them.
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { sha512Algorithm } from '../../src/format/hash.js'
import { toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { noise, sha256 } from './store-hash.js'

export interface PoolObject {
  /** `xx/yyyy…`. */
  readonly name: string
  readonly digest: string
  readonly data: Uint8Array
}

export const sha512 = (data: Uint8Array): Uint8Array => createHash('sha512').update(data).digest()

function named(digest: string, data: Uint8Array): PoolObject {
  return { name: `${digest.slice(0, 2)}/${digest.slice(2)}`, digest, data }
}

/** The object of a number, always the same: 1 byte to some blocks. */
export function poolObject(number: number): PoolObject {
  const data = noise(1 + ((number * 2741) % 20_000), number + 1)
  return named(toHex(verityDigest(data, sha256)), data)
}

/** The same under its SHA-512 digest, as composefs-rs stores it. */
export function longObject(number: number): PoolObject {
  const { data } = poolObject(number)
  return named(toHex(verityDigest(data, sha512Algorithm(sha512))), data)
}

/** Writes a file below a store, as anyone might. */
export function write(root: string, name: string, data: Uint8Array | string): void {
  fs.mkdirSync(dirname(join(root, name)), { recursive: true })
  fs.writeFileSync(join(root, name), data)
}

/** Every path below a directory, sorted. Symlinks are not followed, as a recursive readdir would. */
export function pathsIn(root: string, below = ''): string[] {
  const found: string[] = []
  for (const entry of fs.readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`
    found.push(path)
    if (entry.isDirectory()) found.push(...pathsIn(root, path))
  }
  return found.sort()
}

/** Waits until the clock of files has ticked: what is changed now is younger than all before. */
export async function tick(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, 25))
}
