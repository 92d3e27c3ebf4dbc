// The names of everything in an open image, as the search takes them: a walk in slices, which is the same for images at hand, lazy
// ones and changed ones. A folder that can't be read is passed over. Not here: the search (search-index.ts).

import { CONSTANTS } from '../../format/structs.js'
import { newAttr } from '../../overlay/layer.js'
import { pathText } from '../path-text.js'
import type { Job } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import type { NameChunk } from './search-index.js'

const DT_DIR = CONSTANTS.S_IFDIR >> 12
/** Names that are given at a time, at least. */
const CHUNK = 8192
/** Names that are walked over: damaged images may hold themselves. */
const NAMES_MAX = 20_000_000

interface Waiting {
  /** Path text; '' for the root. */
  readonly path: string
  readonly above: object | undefined
  readonly name: string | Uint8Array
}

/** What has been gathered and not yet given. */
class Gathered {
  readonly #give: (chunk: NameChunk) => void
  #dirs: string[] = []
  #counts: number[] = []
  #names: string[] = []

  constructor(give: (chunk: NameChunk) => void) {
    this.#give = give
  }

  add(dir: string, names: readonly string[]): void {
    this.#dirs.push(dir)
    this.#counts.push(names.length)
    for (const name of names) this.#names.push(name)
    if (this.#names.length >= CHUNK) this.flush()
  }

  flush(): void {
    if (this.#names.length === 0) return
    const chunk = { dirs: this.#dirs, counts: this.#counts, names: `${this.#names.join('\0')}\0` }
    this.#dirs = []
    this.#counts = []
    this.#names = []
    this.#give(chunk)
  }
}

/** Gives all names, depth first in the order of names. Answers how many folders can't be read. */
export async function walkNames(document: OpenDocument, job: Job, give: (chunk: NameChunk) => void): Promise<number> {
  const { layer } = document
  const gathered = new Gathered(give)
  const attr = newAttr()
  const seen = new Set<number>()
  const waiting: Waiting[] = [{ path: '', above: undefined, name: '' }]
  let unread = 0
  let count = 0
  for (let next = waiting.pop(); next !== undefined && count < NAMES_MAX; next = waiting.pop()) {
    const { path, above, name } = next
    try {
      const node = above === undefined ? layer.root : await document.ask(() => layer.lookup(above, name), path)
      await document.done(() => layer.stat(node, attr), path)
      // A folder has one name; only a damaged image leads back to it.
      if (seen.has(attr.ino)) continue
      seen.add(attr.ino)
      const { names, types, raw } = await document.ask(() => layer.readdir(node), path)
      const texts = raw === null ? names : names.map((one, i) => textOf(raw.get(i), one))
      gathered.add(path, texts)
      count += names.length
      for (let i = names.length - 1; i >= 0; i--) {
        if (types[i] === DT_DIR)
          waiting.push({ path: `${path}/${texts[i]}`, above: node, name: raw?.get(i) ?? names[i] })
      }
    } catch (error) {
      if (document.image.closed) throw error
      unread++
    }
    await job.pause(count)
  }
  gathered.flush()
  return unread
}

function textOf(raw: Uint8Array | undefined, name: string): string {
  return raw === undefined ? name : pathText(raw)
}
