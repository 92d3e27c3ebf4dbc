// What an upper has changed as a layer of an OCI image: a tar of what is new or different, with whiteouts for what is gone. Not
// here: what has changed (src/overlay/differences.ts). Follows the OCI image specification, layer.md. Nor how
// an inode is packed (tar-entries.ts).
//
//   .wh.NAME       NAME of the layers below is gone
//   .wh..wh..opq   nothing of the layers below is in this directory

import { pathText } from '../format/call-path.js'
import { Fault, faultError, type Outcome } from '../format/errno.js'
import { OVERLAY_PREFIX } from '../format/xattr-name.js'
import { type Changed, differences } from '../overlay/differences.js'
import { binaryName } from '../overlay/listing.js'
import { isDirectory, type LowerPart } from '../overlay/lower.js'
import { LowerFacts } from '../overlay/lower-facts.js'
import type { OverlayNode } from '../overlay/lower-node.js'
import type { MergedTree } from '../overlay/merged-tree.js'
import { answered } from '../overlay/waiting.js'
import { hasTarForm, TarEntries } from './tar-entries.js'

/** Names of xattrs that overlays obey, those of users without privileges too. */
const MARKS = [OVERLAY_PREFIX, 'user.overlay.']

/**
 * The changes of a tree's upper as a tar, made as it is read. Sockets are left out, and the overlay's own xattrs, which whoever
 * unpacks it would obey. A file below of which one name has moved with its directory is packed as a file of its own: a layer can't
 * link to another's names everywhere. Empty xattrs are there, but Go's readers pass over them. The stream fails with the Error of
 * what can't be read, EINVAL for a name that would be a whiteout, EFBIG for a file of 8 GiB or more.
 */
export function layerTar(tree: MergedTree): ReadableStream<Uint8Array> {
  const tar = new TarEntries(tree, xattr => !MARKS.some(prefix => xattr.startsWith(prefix)))
  tar.end(new LayerTar(tree, tar).run())
  return tar.stream
}

class LayerTar {
  readonly #tree: MergedTree
  readonly #tar: TarEntries<OverlayNode>
  /** What is gone from where it was, by path; and the paths of those where something else is now. */
  readonly #gone = new Map<string, LowerPart | undefined>()
  readonly #replaced = new Set<string>()

  constructor(tree: MergedTree, tar: TarEntries<OverlayNode>) {
    this.#tree = tree
    this.#tar = tar
  }

  async run(): Promise<void> {
    const facts = new LowerFacts()
    const found = await answered(() => differences(this.#tree, facts))
    if (found instanceof Fault) throw faultError(found, 'exportLayer')
    for (const { path, inode, before } of found) if (inode === undefined) this.#gone.set(path, before)
    for (const { path, inode } of found) if (inode !== undefined && this.#gone.has(path)) this.#replaced.add(path)
    /** A directory that is packed with all that is in it. */
    let whole = '\0'
    for (const changed of found) {
      if (changed.path.startsWith(whole)) continue
      if (await this.#changed(changed)) whole = `${changed.path}/`
    }
  }

  /** Packs one; whether with all that is in it. */
  async #changed({ path, inode, before, from }: Changed): Promise<boolean> {
    const name = path.slice(1)
    // What stands there now takes its place.
    if (inode === undefined && this.#replaced.has(path)) return false
    if (inode === undefined || !hasTarForm(inode.mode)) {
      if (before !== undefined) await this.#whiteout(name)
      return false
    }
    if (inode.metacopy !== undefined && inode.below === undefined) await this.#find(path)
    await this.#entry(name, inode)
    if (!inode.isDirectory) return false
    const below = await answered(() => this.#tree.below(inode))
    if (below instanceof Fault) throw faultError(below, pathText(path))
    const merges = below.length > 0 && from === undefined
    if (merges || path === '/') return false
    const was = from === undefined ? before : this.#gone.get(path)
    if (was !== undefined && isDirectory(was.node)) await this.#tar.marker(`${name}/.wh..wh..opq`)
    await this.#contents(name, inode)
    return true
  }

  /** Has the tree look for the data of a file that nobody has asked for yet, as after a snapshot's return. */
  async #find(path: string): Promise<void> {
    let node: OverlayNode = this.#tree.root
    for (const name of path.slice(1).split('/')) {
      const dir: OverlayNode = node
      const found: Outcome<OverlayNode> = await answered(() => this.#tree.lookupBinary(dir, name))
      if (found instanceof Fault) throw faultError(found, pathText(path))
      node = found
    }
  }

  async #contents(dir: string, node: OverlayNode): Promise<void> {
    const list = await answered(() => this.#tree.readdir(node))
    if (list instanceof Fault) throw faultError(list, pathText(dir))
    for (let i = 0; i < list.names.length; i++) {
      const name = binaryName(list, i)
      const child = await answered(() => this.#tree.lookupBinary(node, name))
      // A whiteout that is listed.
      if (child instanceof Fault && child.code === 'ENOENT') continue
      if (child instanceof Fault) throw faultError(child, pathText(`${dir}/${name}`))
      await this.#entry(`${dir}/${name}`, child)
      if (isDirectory(child)) await this.#contents(`${dir}/${name}`, child)
    }
  }

  #whiteout(name: string): Promise<void> {
    const cut = name.lastIndexOf('/') + 1
    return this.#tar.marker(`${name.slice(0, cut)}.wh.${name.slice(cut)}`)
  }

  async #entry(name: string, node: OverlayNode): Promise<void> {
    if (/(?:^|\/)\.wh\.[^/]*$/.test(name)) {
      throw faultError(new Fault('EINVAL', 'a name in a layer can not begin with .wh.'), pathText(name))
    }
    return this.#tar.entry(name, node)
  }
}
