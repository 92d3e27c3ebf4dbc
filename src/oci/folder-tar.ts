// A folder of a layer with all that is in it as a tar, made as it is read. Not here: how an inode is packed (tar-entries.ts).

import { pathText } from '../format/call-path.js'
import { Fault, faultError, orThrow } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { type DirList, type Layer, newAttr } from '../overlay/layer.js'
import { binaryName } from '../overlay/listing.js'
import { answered } from '../overlay/waiting.js'
import { TarEntries } from './tar-entries.js'

const DT_DIR = CONSTANTS.S_IFDIR >> 12

/** A folder that is being packed. */
interface Begun<N> {
  readonly name: string
  readonly node: N
}

/**
 * `name`: what the folder is called in the tar, a binary string; '' for one whose entries stand at the tar's top. Xattrs
 * go along as the layer shows them; sockets have no form in a tar and are left out.
 */
export function folderTar<N extends object>(layer: Layer<N>, node: N, name: string): ReadableStream<Uint8Array> {
  const tar = new TarEntries(layer, () => true)
  tar.end(pack(layer, tar, { name, node }))
  return tar.stream
}

/** Depth first, as tar itself does: who unpacks sets a folder's times when the next one begins. */
async function pack<N extends object>(layer: Layer<N>, tar: TarEntries<N>, start: Begun<N>): Promise<void> {
  await tar.entry(start.name, start.node)
  const folders = new Set<number>()
  const begun = [{ ...start, list: await listOf(layer, start), next: 0 }]
  for (let dir = begun.at(-1); dir !== undefined; dir = begun.at(-1)) {
    const { node, name, list } = dir
    const i = dir.next++
    if (i >= list.names.length) {
      begun.pop()
      continue
    }
    const own = binaryName(list, i)
    const path = name === '' ? own : `${name}/${own}`
    const child = await answered(() => layer.lookup(node, list.raw?.get(i) ?? list.names[i]))
    // A whiteout that is listed.
    if (child instanceof Fault && child.code === 'ENOENT') continue
    if (child instanceof Fault) throw faultError(child, pathText(path))
    await tar.entry(path, child)
    if (list.types[i] !== DT_DIR) continue
    const below = { name: path, node: child }
    await once(layer, below, folders)
    begun.push({ ...below, list: await listOf(layer, below), next: 0 })
  }
}

/** Throws EUCLEAN for a folder that has been packed: one of two names makes a tree without end of a damaged image. */
async function once<N extends object>(layer: Layer<N>, { node, name }: Begun<N>, folders: Set<number>): Promise<void> {
  const attr = newAttr()
  const failed = await answered<undefined>(() => layer.stat(node, attr))
  if (failed !== undefined) throw faultError(failed, pathText(name))
  if (folders.has(attr.ino)) throw faultError(new Fault('EUCLEAN', 'directory has two names'), pathText(name))
  folders.add(attr.ino)
}

async function listOf<N extends object>(layer: Layer<N>, { node, name }: Begun<N>): Promise<DirList> {
  return orThrow(await answered(() => layer.readdir(node)), pathText(name))
}
