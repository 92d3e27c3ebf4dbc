// The files of one document that are being looked at: a few stay open, so that looking further costs no second opening. Not here:
// what is read of them.

import type { OpenFile } from '../../overlay/layer.js'

/** So many stay open. */
const OPEN_MAX = 6

interface Held {
  readonly opening: Promise<OpenFile>
  users: number
  /** To be closed with the last user. */
  gone: boolean
}

export class OpenFiles {
  readonly #open: (path: string) => Promise<OpenFile>
  readonly #held = new Map<string, Held>()

  constructor(open: (path: string) => Promise<OpenFile>) {
    this.#open = open
  }

  /** Does something with the file at a path. */
  async use<T>(path: string, action: (file: OpenFile) => Promise<T>): Promise<T> {
    const held = this.#held.get(path) ?? { opening: this.#open(path), users: 0, gone: false }
    this.#held.delete(path)
    this.#held.set(path, held)
    held.users++
    this.#evict()
    try {
      return await action(await held.opening)
    } catch (error) {
      // Asking again is to try again.
      this.#drop(path, held)
      throw error
    } finally {
      held.users--
      if (held.gone && held.users === 0) closeSoon(held)
    }
  }

  close(): void {
    for (const [path, held] of this.#held) this.#drop(path, held)
  }

  #evict(): void {
    for (const [path, held] of this.#held) {
      if (this.#held.size <= OPEN_MAX) return
      if (held.users === 0) this.#drop(path, held)
    }
  }

  #drop(path: string, held: Held): void {
    if (held.gone) return
    held.gone = true
    if (this.#held.get(path) === held) this.#held.delete(path)
    if (held.users === 0) closeSoon(held)
  }
}

function closeSoon(held: Held): void {
  held.opening.then(
    file => file.close(),
    // What could not be opened needs no closing.
    () => undefined,
  )
}
