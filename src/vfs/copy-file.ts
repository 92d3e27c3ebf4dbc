// copyFile. Not here: cp, which copies trees (copy.ts). Follows uv__fs_copyfile of libuv 1.46: the destination keeps its inode
// and owner and takes the source's mode; a file copied onto itself is left alone; what fails half-way is removed.

import { Fault, fault, Miss, type Outcome } from '../format/errno.js'
import { type Attr, type Bytes, newAttr, type OpenFile, type WritableFile } from '../overlay/layer.js'
import { constants } from './constants.js'
import type { Core } from './core.js'
import type { Description } from './fd-table.js'
import { removeName } from './make-ops.js'
import { openPath } from './open.js'
import { checkPath } from './path-arg.js'
import { checkSmallMode } from './stat-ops.js'
import { type Operation, Task } from './task.js'

const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } = constants
/** Bytes copied at a time. */
const PIECE = 1 << 20
/** How often the removal of what was begun may have to wait for something. */
const REMOVE_TRIES = 16

/** A copy under way; it goes on where it was when its step is called again. */
export class FileCopy {
  #source: Description | undefined
  #target: Description | undefined
  #done = 0
  #isCopied = false
  /** The source's first bytes: they are brought before anything is made, which is where most that lacks shows. */
  #first: Uint8Array | undefined

  constructor(
    readonly core: Core,
    readonly from: Bytes,
    readonly to: Bytes,
    readonly mode: number,
  ) {}

  /** Once it has been successful it is so again. After a failure the copy is to be given up. */
  step(wait: boolean): Outcome<undefined> {
    if (this.#isCopied) return undefined
    const done = this.#run(wait)
    if (done instanceof Fault) return done
    this.#isCopied = true
    this.#close()
    return done
  }

  /** Removes what has been made of the copy; ignores whether that works, as an error has happened already. */
  giveUp(): Promise<void> | undefined {
    const begun = this.#target !== undefined
    this.#close()
    return begun ? this.#remove(REMOVE_TRIES) : undefined
  }

  #remove(tries: number): Promise<void> | undefined {
    const left = removeName(this.core, this.to)
    if (!(left instanceof Miss) || tries === 0) return undefined
    return left.load().then(
      () => this.#remove(tries - 1),
      () => this.#remove(tries - 1),
    )
  }

  #close(): void {
    this.#source?.file?.close()
    this.#target?.file?.close()
    this.#source = undefined
    this.#target = undefined
  }

  #run(wait: boolean): Outcome<undefined> {
    const { core } = this
    if (this.#source === undefined) {
      const source = openPath(core, this.from, O_RDONLY, wait)
      if (source instanceof Fault) return source
      this.#source = source
    }
    const attr = newAttr()
    const failed = core.layer.stat(this.#source.node, attr)
    if (failed !== undefined) return failed
    const lacks = this.#target === undefined ? this.#readFirst(wait) : undefined
    if (lacks !== undefined) return lacks
    if (this.#target === undefined) {
      const begun = this.#begin(attr, wait)
      if (begun !== undefined) return begun === 'same' ? undefined : begun
    }
    const { file } = this.#source
    if (file === null) return fault('EISDIR')
    if ((this.mode & COPYFILE_FICLONE_FORCE) !== 0) return fault('ENOTSUP')
    return this.#copy(file, (this.#target as unknown as Description).file as WritableFile, wait)
  }

  /** A Miss, or nothing: what is wrong with the source is told of after what is wrong with the destination. */
  #readFirst(wait: boolean): Miss | undefined {
    const file = this.#source?.file
    if (!file || this.#first !== undefined) return undefined
    const buffer = new Uint8Array(Math.min(PIECE, file.size))
    const count = file.read(buffer, 0, wait)
    if (count instanceof Miss) return count
    if (!(count instanceof Fault)) this.#first = buffer.subarray(0, count)
    return undefined
  }

  /** Opens the destination, unless it is the source. */
  #begin(source: Attr, wait: boolean): Fault | 'same' | undefined {
    const { core } = this
    const flags = O_WRONLY | O_CREAT | ((this.mode & COPYFILE_EXCL) !== 0 ? O_EXCL : 0)
    const target = openPath(core, this.to, flags, wait, source.mode & 0o7777)
    if (target instanceof Fault) return target
    const attr = newAttr()
    const failed = core.layer.stat(target.node, attr)
    if (failed !== undefined || attr.ino === source.ino) {
      target.file?.close()
      return failed ?? 'same'
    }
    this.#target = target
    const emptied = (target.file as WritableFile).truncate(0)
    return emptied ?? core.writable?.setAttr(target.node, { mode: source.mode & 0o7777 }, wait)
  }

  #copy(file: OpenFile, into: WritableFile, wait: boolean): Outcome<undefined> {
    const first = this.#first
    const buffer = first?.length === file.size ? first : new Uint8Array(Math.min(PIECE, Math.max(1, file.size)))
    if (first !== undefined && first.length > 0 && this.#done === 0) {
      const failed = into.write(first, 0, false)
      if (failed !== undefined) return failed
      this.#done = first.length
    }
    for (;;) {
      if (this.#done >= file.size) return undefined
      const count = file.read(buffer, this.#done, wait)
      if (count instanceof Fault) return count
      if (count === 0) return undefined
      const failed = into.write(buffer.subarray(0, count), this.#done, false)
      if (failed !== undefined) return failed
      this.#done += count
    }
  }
}

export const copyFile: Operation<undefined> = (core, [fromArg, toArg, modeArg]) => {
  const from = checkPath(fromArg, 'src')
  const to = checkPath(toArg, 'dest')
  const copy = new FileCopy(core, from, to, checkSmallMode(modeArg))
  return new Task<undefined>(
    'copyfile',
    from,
    (_task, wait) => copy.step(wait),
    to,
    undefined,
    () => copy.giveUp(),
  )
}
