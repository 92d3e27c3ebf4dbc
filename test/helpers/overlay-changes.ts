// Every operation that changes an overlay, on entries that are only below, copied and new: each is to happen whole or not at all.
import { Fault, type Outcome } from '../../src/format/errno.js'
import { RENAME_EXCHANGE } from '../../src/overlay/layer.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import { at, ok } from './overlay-world.js'

export interface Change {
  readonly name: string
  /** What has happened before. */
  readonly before?: (tree: Overlay) => void
  readonly run: (tree: Overlay, wait: boolean) => Outcome<unknown>
}

const ids = { umask: 0o022, uid: 1, gid: 2 }
const FILE = { ...ids, mode: 0o100666 }
const DIR = { ...ids, mode: 0o040777 }
const LINK = { ...ids, mode: 0o120777, target: Buffer.from('somewhere') }
const done = (failed: Fault | undefined) => {
  if (failed !== undefined) throw new Error(failed.code)
}

function write(tree: Overlay, path: string, bytes: number, position: number, wait: boolean): Fault | undefined {
  const file = tree.openWritable(at(tree, path), false, wait)
  if (file instanceof Fault) return file
  const failed = file.write(Buffer.alloc(bytes, 'w'), position, false)
  file.close()
  return failed
}

const copied = (tree: Overlay) => done(tree.setAttr(at(tree, '/d/sub/deep'), { mode: 0o600 }, true))
const written = (tree: Overlay) => done(write(tree, '/d/f', 10, 0, true))
const removed = (tree: Overlay) => done(tree.rmdir(tree.root, 'gone'))
const made = (tree: Overlay) => {
  ok(tree.create(tree.root, 'new', DIR, true))
  ok(tree.create(at(tree, '/new'), 'file', FILE, true))
}
const move =
  (from: string, name: string, to: string, newName: string, flags = 0) =>
  (tree: Overlay, wait: boolean) =>
    tree.rename(at(tree, from), name, at(tree, to), newName, flags, wait)
const deep = (tree: Overlay) => at(tree, '/d/sub/deep')

export const CHANGES: readonly Change[] = [
  { name: 'create in a lower directory', run: (tree, wait) => tree.create(at(tree, '/d/sub'), 'n', FILE, wait) },
  { name: 'mkdir in a lower directory', run: (tree, wait) => tree.create(at(tree, '/d/sub'), 'n', DIR, wait) },
  { name: 'symlink in a lower directory', run: (tree, wait) => tree.create(at(tree, '/d/sub'), 'n', LINK, wait) },
  { name: 'mkdir over a whiteout', before: removed, run: (tree, wait) => tree.create(tree.root, 'gone', DIR, wait) },
  { name: 'link of a lower file', run: (tree, wait) => tree.link(deep(tree), at(tree, '/e'), 'n', wait) },
  { name: 'link of a symlink', run: (tree, wait) => tree.link(at(tree, '/l'), at(tree, '/d/sub'), 'n', wait) },
  {
    name: 'link of a copied file',
    before: copied,
    run: (tree, wait) => tree.link(deep(tree), at(tree, '/e'), 'n', wait),
  },
  { name: 'unlink below', run: tree => tree.unlink(at(tree, '/d/sub'), 'deep') },
  { name: 'unlink of a copy', before: copied, run: tree => tree.unlink(at(tree, '/d/sub'), 'deep') },
  { name: 'rmdir below', run: tree => tree.rmdir(at(tree, '/e'), 'into') },
  { name: 'rename of a lower file', run: move('/d/sub', 'deep', '/e', 'g') },
  { name: 'rename of a lower link', run: move('/e', 'h', '/d/sub', 'h') },
  { name: 'rename of a directory of its own', before: made, run: move('/', 'new', '/d/sub', 'new') },
  { name: 'rename of a lower directory', run: move('/d', 'sub', '/e', 'into') },
  { name: 'exchange of a file and a directory', run: move('/d', 'f', '/e', 'into', RENAME_EXCHANGE) },
  { name: 'exchange of files', run: move('/d/sub', 'deep', '/e', 'g', RENAME_EXCHANGE) },
  { name: 'chmod', run: (tree, wait) => tree.setAttr(deep(tree), { mode: 0o600 }, wait) },
  { name: 'chown of a directory', run: (tree, wait) => tree.setAttr(at(tree, '/d/sub'), { uid: 3 }, wait) },
  {
    name: 'utimes of a symlink',
    run: (tree, wait) => tree.setAttr(at(tree, '/l'), { mtime: { sec: 1, nsec: 2 } }, wait),
  },
  { name: 'setxattr', run: (tree, wait) => tree.setxattr(deep(tree), 'user.x', Buffer.alloc(500), 0, wait) },
  {
    name: 'setxattr that makes one longer',
    run: (tree, wait) => tree.setxattr(deep(tree), 'user.note', Buffer.alloc(900), 0, wait),
  },
  {
    name: 'setxattr of a copy',
    before: copied,
    run: (tree, wait) => tree.setxattr(deep(tree), 'user.x', Buffer.alloc(500), 0, wait),
  },
  { name: 'removexattr', run: (tree, wait) => tree.removexattr(deep(tree), 'user.note', wait) },
  { name: 'write', run: (tree, wait) => write(tree, '/d/sub/deep', 10, 2, wait) },
  { name: 'open for writing', run: (tree, wait) => tree.openWritable(deep(tree), false, wait) },
  { name: 'open of a big file', run: (tree, wait) => tree.openWritable(at(tree, '/big'), false, wait) },
  { name: 'open of a metacopy file', before: copied, run: (tree, wait) => tree.openWritable(deep(tree), false, wait) },
  { name: 'open that empties', run: (tree, wait) => tree.openWritable(deep(tree), true, wait) },
  { name: 'open that empties a copy', before: copied, run: (tree, wait) => tree.openWritable(deep(tree), true, wait) },
  {
    name: 'a write far behind the end',
    before: written,
    run: (tree, wait) => write(tree, '/d/f', 3 * 2 ** 18, 2 ** 20, wait),
  },
  {
    name: 'a write that makes a file grow',
    before: written,
    run: (tree, wait) => write(tree, '/d/f', 5000, 100, wait),
  },
]
