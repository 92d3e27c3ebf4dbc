// Room that an upper in a directory keeps for its log: on a disk that has become full, what frees space (and what was begun) can
// still be noted. Not here: the log (upper-log.ts).

import fs from 'node:fs'

const SPARE = 1 << 16
const MODE = 0o600

/** A file of zeros that goes when its room is needed. */
export class Spare {
  readonly #path: string
  #isThere: boolean

  constructor(path: string) {
    this.#path = path
    this.#isThere = fs.lstatSync(path, { throwIfNoEntry: false })?.size === SPARE
  }

  /** Whether there is room; made where it can be. */
  ready(): boolean {
    if (this.#isThere) return true
    try {
      fs.rmSync(this.#path, { force: true })
      fs.writeFileSync(this.#path, Buffer.alloc(SPARE), { flag: 'wx', mode: MODE })
      this.#isThere = true
    } catch {
      fs.rmSync(this.#path, { force: true })
    }
    return this.#isThere
  }

  /** Gives the room away; whether there was any. */
  release(): boolean {
    const was = this.#isThere
    this.#isThere = false
    fs.rmSync(this.#path, { force: true })
    return was
  }
}
