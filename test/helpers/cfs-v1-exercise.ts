// Asks everything of everything that can be reached in an image, as those would who list, read, dump and format it.

import { Fault } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import type { Image } from '../../src/image/image.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { LongLines } from '../../wasm/long-lines.js'

const QUESTIONS_AT_MOST = 20_000

function ask(layer: ImageLayer, path: string | Uint8Array): number | undefined {
  const attr = newAttr()
  layer.statPath(path, true, attr)
  const node = layer.resolve(path, false)
  if (node instanceof Fault) return undefined
  layer.lookup(layer.root, path)
  layer.readlink(node)
  const xattrs = layer.listxattr(node)
  if (!(xattrs instanceof Fault)) for (const one of xattrs) layer.getxattr(node, one)
  const file = layer.open(node, true)
  if (!(file instanceof Fault)) file.readAll(true)
  return node.mode
}

function byPath(layer: ImageLayer): number {
  let asked = 0
  const waiting: string[] = ['']
  for (let dir = waiting.pop(); dir !== undefined && asked < QUESTIONS_AT_MOST; dir = waiting.pop()) {
    const opened = layer.resolve(dir === '' ? '/' : dir, true)
    layer.namesAt(dir === '' ? '/' : dir)
    const list = opened instanceof Fault ? opened : layer.readdir(opened)
    if (list instanceof Fault) continue
    for (const [i, name] of list.names.entries()) {
      asked++
      const raw = list.raw?.get(i)
      const mode = ask(layer, raw === undefined ? `${dir}/${name}` : Buffer.concat([Buffer.from(`${dir}/`), raw]))
      const isDirectory = mode !== undefined && (mode & CONSTANTS.S_IFMT) === CONSTANTS.S_IFDIR
      if (isDirectory && raw === undefined) waiting.push(`${dir}/${name}`)
    }
  }
  return asked
}

/** Entries of the tree; the Fault that ended it. */
export function readTree(image: Image): number | Fault {
  const entries = TreeEntries.open(image)
  if (entries instanceof Fault) return entries
  for (let n = 0; ; n++) {
    const more = entries.next()
    if (more instanceof Fault) return more
    if (!more) return n
  }
}

/** Records of the sweep; the code of the error that ended it. */
export function sweep(image: Image): number | string {
  const lines = new LongLines(image.core, true)
  let n = 0
  try {
    for (const batch of image.batches()) {
      n += batch.names.length
      lines.whole(0, batch.length, () => {})
    }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return code
  }
  return n
}

/** The number of questions; throws for what is neither an answer nor an errno. */
export function exercise(image: Image): number {
  const asked = byPath(new ImageLayer(image, undefined, 'on'))
  readTree(image)
  sweep(image)
  return asked
}
