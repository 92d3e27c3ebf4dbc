// Images changed at random, by a seed: bytes, and fields of the structures that stand there.
import {
  DIRENT,
  type Field,
  INODE_COMPACT,
  INODE_EXTENDED,
  type Struct,
  SUPERBLOCK,
  XATTR_ENTRY,
  XATTR_IBODY,
} from '../../src/format/structs.js'
import type { Image } from '../../src/image/image.js'

/** Small, fast, seeded (xorshift32). */
export function random(seed: number): (below: number) => number {
  let x = seed | 1
  return below => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % below
  }
}

const STRUCTS: readonly Struct[] = [SUPERBLOCK, INODE_COMPACT, INODE_EXTENDED, DIRENT, XATTR_IBODY, XATTR_ENTRY]
const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]

/** Where structs of each kind stand in an image, as far as a sweep tells. */
export function places(image: Image): number[] {
  const { core } = image
  const found: number[] = []
  for (const batch of image.batches()) for (let i = 0; i < batch.length; i++) found.push(core.position(i))
  return found
}

function put(bytes: Uint8Array, at: number, { offset, width }: Field, value: number): void {
  for (let i = 0; i < width && at + offset + i < bytes.length; i++) bytes[at + offset + i] = (value / 256 ** i) & 0xff
}

export function mutate(bytes: Uint8Array, inodes: readonly number[], next: (below: number) => number): void {
  for (let n = 1 + next(4); n > 0; n--) {
    const kind = next(4)
    if (kind === 0) {
      bytes[next(bytes.length)] = next(256)
    } else if (kind === 1) {
      // Behind inodes are xattrs, directory blocks and chunk tables.
      bytes[Math.min(inodes[next(inodes.length)] + next(600), bytes.length - 1)] = next(256)
    } else {
      const struct = STRUCTS[next(STRUCTS.length)]
      const fields = Object.values(struct.fields)
      const at = struct === SUPERBLOCK ? 1024 : inodes[next(inodes.length)] + (kind === 3 ? next(64) : 0)
      put(bytes, at, fields[next(fields.length)], INTERESTING[next(INTERESTING.length)])
    }
  }
}
