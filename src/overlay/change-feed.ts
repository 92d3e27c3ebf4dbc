// Who is told of changes, and how a change is named. Not here: what is made of it (src/vfs/watch.ts).

import { pathText } from '../format/call-path.js'
import type { ChangeListener } from './layer.js'
import { type UpperInode, upperPath } from './upper-inode.js'

export class ChangeFeed {
  readonly #listeners = new Set<ChangeListener>()

  listen(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(kind: 'rename' | 'change', dir: UpperInode, name: string): void {
    if (this.#listeners.size === 0) return
    const path = pathText(`${upperPath(dir)}/${name}`)
    for (const listener of [...this.#listeners]) listener(kind, path)
  }

  /** Tells of a change of an inode by the name that it was given last, if it still has it. */
  tellOf(inode: UpperInode): void {
    const { parent, name } = inode
    if (this.#listeners.size > 0 && parent?.children?.get(name) === inode) this.tell('change', parent, name)
  }
}
