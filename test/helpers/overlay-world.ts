// A small image and overlays over it, for tests of what stays as it was when an operation fails: all that an overlay holds, as one
// value that can be compared. Not here: what fails.
import { buildImage } from '../../src/build.js'
import { Fault, type Outcome } from '../../src/format/errno.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import type { OverlayNode } from '../../src/overlay/lower-node.js'
import { memoryUpper } from '../../src/overlay/memory-upper.js'
import { Overlay } from '../../src/overlay/overlay.js'
import type { UpperInode } from '../../src/overlay/upper-inode.js'
import { MemoryStore } from '../../src/store/memory.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { TreeBuilder } from '../../src/tree/tree-builder.js'
import { loaded, newPool, sha256 } from './core.js'

/** More than is copied at a time. */
const BIG = 3 * 2 ** 20 + 17

export function ok<T>(outcome: Outcome<T>): T {
  if (outcome instanceof Fault) throw new Error(`${outcome.code} ${outcome.detail}`)
  return outcome
}

export const codeOf = (outcome: unknown): string => (outcome instanceof Fault ? outcome.code : 'ok')

export interface World {
  readonly store: MemoryStore
  overlay(options: { limit?: number; variant?: 'on' | 'off'; store?: ObjectStore }): Overlay
}

export async function newWorld(): Promise<World> {
  const builder = new TreeBuilder({ mode: 0o755 })
  builder.addDirectory('/d', { xattrs: { 'user.dir': Buffer.alloc(100, 'd') } })
  builder.addDirectory('/d/sub', { mode: 0o2775, gid: 5 })
  builder.addFile('/d/sub/deep', Buffer.alloc(5000, 'deep'), { xattrs: { 'user.note': Buffer.alloc(300, 'n') } })
  builder.addFile('/d/f', Buffer.alloc(200, 'f'))
  builder.addFile('/big', Buffer.alloc(BIG, 'big'))
  builder.addDirectory('/e')
  builder.addDirectory('/e/into')
  builder.addFile('/e/g', Buffer.alloc(300, 'g'))
  builder.addHardLink('/e/h', '/e/g')
  builder.addSymlink('/l', 'd/f')
  builder.addDirectory('/gone')
  const store = new MemoryStore()
  const built = await buildImage(builder, { store }, sha256)
  const image = loaded(newPool(), built.image)
  return {
    store,
    overlay: ({ limit = Number.POSITIVE_INFINITY, variant = 'on', store: other = store }) => {
      const layer = new ImageLayer(image, new VerifiedObjects(other, sha256), 'on')
      const options = { redirectDir: variant === 'on', metacopy: variant === 'on' }
      return new Overlay([layer], memoryUpper([layer], limit), options)
    },
  }
}

/** What is found under a path. */
export function at(tree: Overlay, path: string): OverlayNode {
  return ok(tree.resolve(path, false))
}

function upperState(dir: UpperInode, path: string, out: string[]): void {
  for (const [name, entry] of [...(dir.children ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const child = `${path}/${name}`
    if (entry === null) {
      out.push(`${child} whiteout`)
      continue
    }
    const { ino, mode, uid, gid, nlink, opaque, redirect, metacopy, opened, charged, body, mtimeSec, mtimeNsec } = entry
    const facts = { ino, mode, uid, gid, nlink, opaque, redirect, metacopy: metacopy?.length, opened, charged }
    out.push(`${child} ${JSON.stringify({ ...facts, size: body?.size, blocks: body?.blocks, mtimeSec, mtimeNsec })}`)
    if (entry.isDirectory) upperState(entry, child, out)
  }
}

/** The merged tree: names, what stat says, xattrs; the content of what is not too big. */
function treeState(tree: Overlay, path: string, out: string[]): void {
  for (const name of ok(tree.readdir(at(tree, path === '' ? '/' : path))).names) {
    const child = `${path}/${name}`
    const node = at(tree, child)
    const attr = newAttr()
    const failed = tree.stat(node, attr)
    const xattrs = ok(tree.listxattr(node)).map(one => `${Buffer.from(one)}=${ok(tree.getxattr(node, one)).length}`)
    out.push(`${child} ${failed?.code ?? JSON.stringify(attr)} ${xattrs}`)
    if ((attr.mode & 0o170000) === 0o040000) treeState(tree, child, out)
  }
}

/** All that an overlay holds, in lines; with `quota` what it has taken too. */
export function stateOf(tree: Overlay, quota = true): string[] {
  const out = [quota ? `quota ${tree.upper.quota.used}` : '', `open ${tree.opened.size}`]
  treeState(tree, '', out)
  upperState(tree.root, '(upper)', out)
  return out
}

/** What a file holds, by its hash. */
export function contentOf(tree: Overlay, path: string): string {
  const file = ok(tree.open(at(tree, path), true))
  const hash = Buffer.from(sha256(ok(file.readAll(true)))).toString('hex')
  file.close()
  return hash
}
