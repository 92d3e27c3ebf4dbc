// Whatever is changed in a cfs v1 image, field by field or at random, the answer is a value or an errno.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  CFS_V1_DIR_HEADER,
  CFS_V1_DIRENT,
  CFS_V1_SUPERBLOCK,
  CFS_V1_XATTR,
  CFS_V1_XATTR_HEADER,
} from '../../src/format/cfs-v1-structs.js'
import { Fault } from '../../src/format/errno.js'
import type { Struct } from '../../src/format/structs.js'
import { encodeCfs, INODE, putField } from '../helpers/cfs-v1-encoder.js'
import { exercise } from '../helpers/cfs-v1-exercise.js'
import { linkedTree, randomTree, seeded } from '../helpers/cfs-v1-trees.js'
import { load, newPool } from '../helpers/core.js'

const ROUNDS = 3000
const SECONDS_AT_MOST = 60

const mutations = suite('cfs v1 images with something changed')
const pool = newPool()
const whole = encodeCfs(linkedTree())
const entries = whole.vdata + CFS_V1_DIR_HEADER.size
const xattrs = whole.bytes.indexOf('user.k') - CFS_V1_XATTR_HEADER.size - CFS_V1_XATTR.size

/** Every struct of the vector's image. */
const structs: readonly [Struct, number][] = [
  [CFS_V1_SUPERBLOCK, 0],
  ...whole.nodes.map(node => [INODE, whole.inodeAt(node)] as [Struct, number]),
  [CFS_V1_DIR_HEADER, whole.vdata],
  ...[0, 1, 2, 3, 4].map(k => [CFS_V1_DIRENT, entries + CFS_V1_DIRENT.size * k] as [Struct, number]),
  [CFS_V1_XATTR_HEADER, xattrs],
  [CFS_V1_XATTR, xattrs + CFS_V1_XATTR_HEADER.size],
]
const INTERESTING = [0, 1, 2, 3, 5, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff]
const WIDE = [1n << 32n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 1n << 53n]

mutations('every field of every struct, with every number that looks like trouble', () => {
  let asked = 0
  let refused = 0
  let told = 0
  const open = pool.size
  for (const [struct, place] of structs) {
    for (const field of Object.values(struct.fields)) {
      for (const value of [...INTERESTING, ...WIDE]) {
        const bytes = Buffer.from(whole.bytes)
        putField(bytes, place, field, value)
        const image = load(pool, bytes)
        told++
        if (image instanceof Fault) {
          assert.ok(['EUCLEAN', 'EINVAL'].includes(image.code), image.code)
          refused++
          continue
        }
        asked += exercise(image)
        image.close()
      }
    }
  }
  assert.ok(told > 2000 && refused > 50 && refused < told / 4, `${told} lies, ${refused} refused`)
  assert.ok(asked > told, `${asked} questions`)
  assert.is(pool.size, open)
})

/** Changes some bytes, mostly such as are offsets, lengths and numbers. */
function mutate(bytes: Buffer, inodes: number, next: (below: number) => number): void {
  for (let n = 1 + next(4); n > 0; n--) {
    const fields = Object.values(INODE.fields)
    const kind = next(4)
    const value = next(3) === 0 ? INTERESTING[next(INTERESTING.length)] : next(bytes.length)
    if (kind === 0) bytes[next(bytes.length)] = next(256)
    else if (kind === 1) putField(bytes, 128 + 96 * next(inodes), fields[next(fields.length)], value)
    else
      putField(bytes, 128 + 96 * inodes + next(bytes.length - 128 - 96 * inodes), CFS_V1_DIRENT.fields.name_len, value)
  }
}

mutations(`${ROUNDS} random images changed at random`, () => {
  const until = performance.now() + SECONDS_AT_MOST * 1000
  let asked = 0
  for (let seed = 1; seed <= ROUNDS; seed++) {
    const next = seeded(seed * 2654435761)
    const { bytes, nodes } = encodeCfs(randomTree(1 + next(40), next))
    mutate(bytes, nodes.length, next)
    const image = load(pool, bytes)
    if (image instanceof Fault) continue
    try {
      asked += exercise(image)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
    image.close()
    assert.ok(performance.now() < until, `seed ${seed}: too slow`)
  }
  assert.ok(asked > ROUNDS, `${asked} questions`)
})

mutations.run()
