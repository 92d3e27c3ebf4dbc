// What is in a folder or archive that came in: objects, images, or files of a tree, told by their names' form and their bytes. Not
// here: opening any of it.

import { treeName } from '../../store/object-name.js'
import { FileStore } from './file-store.js'
import type { Body, Item } from './intake-items.js'
import { type Kind, recognise } from './intake-recognise.js'

/** Beside its objects a folder may have so many other files, which are looked at. */
const BESIDE_MAX = 200
/** Names of objects, SHA-256 or SHA-512, and of their Merkle trees. */
const OBJECT = /(?:^|\/)([0-9a-f]{2}\/(?:[0-9a-f]{62}|[0-9a-f]{126}))(\.verity)?$/

/** Something that can be opened. */
export interface Opening {
  readonly name: string
  readonly kind: Kind
  readonly file: Blob
}

/** What a folder or archive is. */
export type Contents =
  | { readonly is: 'tree' }
  | { readonly is: 'nothing' }
  | { readonly is: 'objects'; readonly store: FileStore; readonly beside: readonly Opening[] }

function objectsOf(items: readonly Item[], label: string): { store: FileStore; others: readonly Item[] } {
  const bodies = new Map<string, Body>()
  const others: Item[] = []
  for (const item of items) {
    const match = item.body === undefined ? null : OBJECT.exec(item.path)
    if (match === null || item.body === undefined) others.push(item)
    else bodies.set(match[2] === undefined ? match[1] : treeName(match[1]), item.body)
  }
  return { store: new FileStore(label, bodies), others: others.filter(item => item.type !== 'dir') }
}

/** Tells what has come in. `name` is the folder's or the archive's. */
export async function contentsOf(items: readonly Item[], name: string): Promise<Contents> {
  if (items.every(item => item.path === '')) return { is: 'nothing' }
  const { store, others } = objectsOf(items, name)
  if (store.size === 0) return { is: 'tree' }
  const beside: Opening[] = []
  for (const { path, body } of others.slice(0, BESIDE_MAX)) {
    if (body === undefined) continue
    const file = await body.blob()
    const { kind } = await recognise(file)
    if (kind === 'image' || kind === 'dump') beside.push({ name: path.slice(path.lastIndexOf('/') + 1), kind, file })
  }
  // A tree may have a store in it, as one of many things.
  return beside.length > 0 || store.size > others.length ? { is: 'objects', store, beside } : { is: 'tree' }
}
