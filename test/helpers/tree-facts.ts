// A Tree as plain facts by path, to be compared: with another tree, or with what lstat says of a directory.
import type { Tree } from '../../src/tree/tree.js'

const S_IFMT = 0o170000
const S_IFDIR = 0o040000

export interface NodeFacts {
  mode: number
  uid: number
  gid: number
  rdev: number
  /** -1 for directories: an image has its own. */
  size: number
  mtime: string
  payload: string | undefined
  content: string | undefined
  digest: string | undefined
  xattrs: Record<string, string>
  /** Path of the first name, for a further one. */
  link: string | undefined
}

const TWO_32 = 2 ** 32

function bytesAt(tree: Tree, at: number, length: number, encoding: 'latin1' | 'hex'): string | undefined {
  return at < 0 ? undefined : Buffer.from(tree.arena.view(at, length)).toString(encoding)
}

function xattrsOf(tree: Tree, node: number): Record<string, string> {
  const table = tree.xattrs
  const pairs: [string, string][] = []
  for (let i = 0; i < (table.count[node] ?? 0); i++) {
    const pair = table.list[table.start[node] + i]
    const value = Buffer.from(tree.arena.view(table.valueAt[pair], table.valueLength[pair])).toString('latin1')
    pairs.push([table.keyName(table.pairKey[pair]), value])
  }
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function nodeFacts(tree: Tree, node: number): NodeFacts {
  const link = tree.isLink(node)
  const directory = (tree.mode[node] & S_IFMT) === S_IFDIR
  return {
    mode: tree.mode[node],
    uid: tree.uid[node],
    gid: tree.gid[node],
    rdev: tree.rdev[node],
    size: directory ? -1 : tree.size(node),
    mtime: `${tree.mtimeHigh[node] * TWO_32 + tree.mtimeLow[node]}.${String(tree.mtimeNsec[node]).padStart(9, '0')}`,
    payload: bytesAt(tree, tree.payloadAt[node], tree.payloadLength[node], 'latin1'),
    content: bytesAt(tree, tree.contentAt[node], tree.contentLength[node], 'hex'),
    digest: bytesAt(tree, tree.digestAt[node], 32, 'hex'),
    xattrs: xattrsOf(tree, node),
    link: link ? tree.path(tree.resolved(node)) : undefined,
  }
}

/** All nodes by absolute path, a character a byte, in order of the paths; of a hard link's further names just that. */
export function treeFacts(tree: Tree): Map<string, NodeFacts | string> {
  const all: [string, NodeFacts | string][] = []
  for (let node = 0; node < tree.count; node++) {
    const facts = nodeFacts(tree, node)
    all.push([tree.path(node), facts.link === undefined ? facts : `link to ${facts.link}`])
  }
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)))
}
