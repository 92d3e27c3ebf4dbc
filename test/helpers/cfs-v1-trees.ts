// Trees for cfs v1 images: the two of the spec, and random ones.
import { CONSTANTS } from '../../src/format/structs.js'
import { type CfsNode, cfsNode, isDirectory } from './cfs-v1-encoder.js'

const { S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK } = CONSTANTS

const text = (value: string) => Buffer.from(value, 'latin1')

/** The tree of vector 1 of the spec, section 3. */
export function vectorTree(): CfsNode {
  const xattrs: [Buffer, Buffer][] = [[text('user.k'), text('v')]]
  const digest = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
  return cfsNode(S_IFDIR | 0o755, {
    size: 4096,
    children: [
      [text('a'), cfsNode(S_IFREG | 0o644, { size: 5, payload: text('objs/x'), digest, xattrs })],
      [text('b'), cfsNode(S_IFLNK | 0o777, { size: 6, payload: text('objs/x') })],
      [text('d'), cfsNode(S_IFDIR | 0o700, { size: 4096, xattrs })],
      [text('e'), cfsNode(S_IFREG | 0o600, { payload: text('objs/empty') })],
      [text('w'), cfsNode(S_IFCHR | 0o644)],
    ],
  })
}

export function childOf(node: CfsNode, name: string): CfsNode {
  const found = node.children.find(([bytes]) => bytes.toString('latin1') === name)
  if (found === undefined) throw new Error(`no ${name}`)
  return found[1]
}

/** The tree of vector 2: a hard link /d/hl to /a. */
export function linkedTree(): CfsNode {
  const root = vectorTree()
  childOf(root, 'd').children.push([text('hl'), childOf(root, 'a')])
  return root
}

/** Answers numbers from 0 up to, but not, `below`. */
export type Random = (below: number) => number

/** Small, fast, seeded (xorshift32). */
export function seeded(seed: number): Random {
  let x = seed | 1
  return below => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % below
  }
}

function randomBytes(next: Random, length: number): Buffer {
  const out = Buffer.alloc(length)
  for (let i = 0; i < length; i++) out[i] = next(256)
  return out
}

/** Mostly short, some of 255 bytes, some not UTF-8, many with a prefix in common. */
function randomName(next: Random): Buffer {
  const kind = next(10)
  const length = kind === 0 ? 255 : 1 + next(kind < 4 ? 30 : 6)
  const name = kind < 3 ? randomBytes(next, length) : text(next(36).toString(36).repeat(length))
  for (let i = kind < 3 ? 0 : length >> 1; i < length; i++) {
    if (kind >= 3) name[i] = 0x61 + next(26)
    else if (name[i] === 0 || name[i] === 0x2f || name[i] === 0x2e) name[i] = 0x5f
  }
  return name
}

function randomXattrs(next: Random): [Buffer, Buffer][] {
  const found = new Map<string, [Buffer, Buffer]>()
  for (let n = next(3) === 0 ? 1 + next(8) : 0; n > 0; n--) {
    const prefixes = [
      'user.',
      'trusted.',
      'security.',
      'trusted.overlay.',
      'trusted.overlay.overlay.',
      'user.overlay.',
      '',
    ]
    const key = text(
      prefixes[next(prefixes.length)] +
        next(1000)
          .toString(36)
          .repeat(1 + next(40)),
    )
    found.set(key.toString('latin1'), [key, randomBytes(next, next(10) === 0 ? next(3000) : next(20))])
  }
  return [...found.values()]
}

function randomMode(next: Random): number {
  const types = [S_IFREG, S_IFREG, S_IFREG, S_IFDIR, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK]
  return types[next(types.length)] | next(0o10000)
}

function randomNode(next: Random): CfsNode {
  const mode = randomMode(next)
  const type = mode & CONSTANTS.S_IFMT
  const seconds = [0n, 1n, -1n, 1_700_000_000n, 253_402_300_800n, -62_135_596_801n]
  const node = cfsNode(mode, {
    uid: next(3) * 0x7fff_ffff,
    gid: next(70_000),
    mtime: [seconds[next(seconds.length)] + BigInt(next(1000)), next(1_000_000_000)],
    ctime: [seconds[next(seconds.length)], next(1_000_000_000)],
    xattrs: randomXattrs(next),
  })
  if (type === S_IFCHR || type === S_IFBLK) node.rdev = next(4) === 0 ? 0 : next(2 ** 31)
  if (type === S_IFDIR) node.size = next(5000)
  if (type === S_IFREG) {
    node.size = next(4) === 0 ? 0 : 1 + next(2 ** 31) * (next(2) === 0 ? 1 : 1000)
    if (node.size > 0) node.payload = text(next(3) === 0 ? 'x/y' : `${next(256)}/${next(2 ** 31)}`)
    if (node.size > 0 && next(3) > 0) node.digest = randomBytes(next, 32)
  }
  if (type === S_IFLNK) {
    node.payload = text(next(3) === 0 ? '../x' : 't'.repeat(1 + next(next(20) === 0 ? 4095 : 60)))
    node.size = node.payload.length
  }
  return node
}

/** A tree of about `count` entries, hard links among them. */
export function randomTree(count: number, next: Random): CfsNode {
  const root = cfsNode(S_IFDIR | 0o755, { size: 4096 })
  const directories = [root]
  const files: CfsNode[] = []
  const names = new Map<CfsNode, Set<string>>()
  // A few directories get most of the entries.
  const wide = 1 + next(4)
  for (let i = 0; i < count; i++) {
    const parent = directories[next(3) === 0 ? next(directories.length) : Math.min(next(wide), directories.length - 1)]
    const name = randomName(next)
    const taken = names.get(parent) ?? new Set()
    names.set(parent, taken)
    if (taken.has(name.toString('latin1'))) continue
    taken.add(name.toString('latin1'))
    const node = files.length > 0 && next(20) === 0 ? files[next(files.length)] : randomNode(next)
    parent.children.push([name, node])
    if (isDirectory(node)) directories.push(node)
    else files.push(node)
  }
  return root
}

/** Every path of a tree with its node, depth first in byte order of names, the root (`/`) first. */
export function pathsOf(root: CfsNode): [Buffer, CfsNode][] {
  const found: [Buffer, CfsNode][] = [[text('/'), root]]
  const visit = (node: CfsNode, above: Buffer): void => {
    for (const [name, child] of [...node.children].sort(([a], [b]) => Buffer.compare(a, b))) {
      const path = Buffer.concat([above, text('/'), name])
      found.push([path, child])
      visit(child, path)
    }
  }
  visit(root, text(''))
  return found
}
