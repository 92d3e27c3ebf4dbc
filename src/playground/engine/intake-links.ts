// Names of one file in an archive: the one that comes first when the tree is walked in order becomes the file, the others links to it,
// as in a scan of a directory (src/tree/fs-links.ts), so that both give the same image. Not here: anything else of entries.

import { utf8Binary } from '../../format/call-path.js'
import type { Item } from './intake-items.js'
import { PlainError } from './plain-words.js'

/** Links to links. */
const STEPS_MAX = 40

/** Which of two paths a walk in order comes to first. */
function inOrder(a: string, b: string): number {
  const x = utf8Binary(a).split('/')
  const y = utf8Binary(b).split('/')
  for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i] < y[i] ? -1 : 1
  return x.length - y.length
}

/** The entry that a link is another name of. */
function fileOf(entries: ReadonlyMap<string, Item>, link: Item): Item {
  let item: Item | undefined = link
  for (let step = 0; step < STEPS_MAX && item?.type === 'link'; step++) item = entries.get(item.target ?? '')
  if (item !== undefined && item.type !== 'link' && item.type !== 'dir') return item
  throw new PlainError(
    'ENOENT',
    `${link.path} is a hard link to ${link.target}, which is not there. Pack it anew, with what it links to.`,
  )
}

/** Makes the first name of each file the file. */
export function arrangeLinks(entries: Map<string, Item>): void {
  const groups = new Map<Item, string[]>()
  for (const item of entries.values()) {
    if (item.type !== 'link') continue
    const file = fileOf(entries, item)
    const names = groups.get(file)
    if (names === undefined) groups.set(file, [file.path, item.path])
    else names.push(item.path)
  }
  for (const [file, names] of groups) {
    const first = names.reduce((best, name) => (inOrder(name, best) < 0 ? name : best))
    for (const path of names) {
      entries.set(path, path === first ? { ...file, path } : { path, type: 'link', target: first })
    }
  }
}
