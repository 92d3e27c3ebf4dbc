// In which order the entries of a folder are shown: folders first, then by what was chosen, then by name. Not here: the folder.

import { Fault, Miss } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { type Layer, newAttr } from '../../overlay/layer.js'
import type { Sorting } from '../protocol.js'
import type { Folder } from './folder.js'
import type { Job } from './jobs.js'

export const DT_DIR = CONSTANTS.S_IFDIR >> 12

/** Places of the folder's list in the order in which they are shown; `valueOf` may leave others their turn meanwhile. */
export async function orderOf(layer: Layer, folder: Folder, sorting: Sorting, job: Job): Promise<Uint32Array> {
  const { types } = folder.list
  const order = foldersFirst(folder)
  const folders = order.findIndex(index => types[index] !== DT_DIR)
  const [first, rest] =
    folders < 0 ? [order, order.subarray(0, 0)] : [order.subarray(0, folders), order.subarray(folders)]
  const { key, descending } = sorting
  const sign = descending ? -1 : 1
  if (key === 'name') {
    if (descending) for (const part of [first, rest]) part.reverse()
    return order
  }
  if (key === 'type') {
    rest.sort((a, b) => sign * (types[a] - types[b]) || a - b)
    return order
  }
  const values = await valuesOf(layer, folder, key, job)
  for (const part of [first, rest]) part.sort((a, b) => sign * (values[a] - values[b]) || a - b)
  return order
}

/** The list's own order is that of names. */
function foldersFirst({ length, list: { types } }: Folder): Uint32Array {
  const order = new Uint32Array(length)
  let at = 0
  for (let index = 0; index < length; index++) if (types[index] === DT_DIR) order[at++] = index
  for (let index = 0; index < length; index++) if (types[index] !== DT_DIR) order[at++] = index
  return order
}

/** Sizes or times of all entries; 0 of those that can't be read. */
async function valuesOf(layer: Layer, folder: Folder, key: 'size' | 'mtime', job: Job): Promise<Float64Array> {
  const values = new Float64Array(folder.length)
  const attr = newAttr()
  for (let index = 0; index < folder.length; index++) {
    const read = (): Fault | undefined => {
      const node = layer.lookup(folder.node, folder.nameBytes(index))
      return node instanceof Fault ? node : layer.stat(node, attr)
    }
    let failed = read()
    while (failed instanceof Miss) {
      await failed.load()
      failed = read()
    }
    if (failed === undefined) values[index] = key === 'size' ? attr.size : attr.mtimeSec + attr.mtimeNsec / 1e9
    if (index % 128 === 0) await job.pause(index)
  }
  return values
}
