// A file that a command writes: under a temporary name beside it until it is whole, so that after a failure nothing is
// there, and what was there before stays. Not here: standard output as text (standard-output.ts).

import fs from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CommandError, failure } from './failure.js'
import { writeAll } from './standard-output.js'

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_TRUNC } = fs.constants
const MODE = 0o666
const PERMISSIONS = 0o7777
/** Most symlinks that are followed one after another: the kernel's limit. */
const LINKS_MAX = 40

/** Where an image goes. Calls throw a CommandError. */
export interface Output {
  write(piece: Uint8Array): void
  /** It is whole: makes it appear. */
  finish(): void
  /** It never will be. */
  drop(): void
}

class StandardOutputFile implements Output {
  write(piece: Uint8Array): void {
    writeAll(piece)
  }
  finish(): void {}
  drop(): void {}
}

/** Something that is no regular file: a device, a fifo. It can only be written in place. */
class Special implements Output {
  readonly #path: string
  readonly #fd: number

  constructor(path: string) {
    this.#path = path
    this.#fd = fs.openSync(path, O_WRONLY | O_TRUNC)
  }

  write(piece: Uint8Array): void {
    writeWhole(this.#fd, piece, this.#path)
  }

  finish(): void {
    fs.closeSync(this.#fd)
  }

  drop(): void {
    fs.closeSync(this.#fd)
  }
}

class NewFile implements Output {
  readonly #path: string
  readonly #temporary: string
  #fd: number
  readonly #atExit = () => fs.rmSync(this.#temporary, { force: true })

  /** `mode`: of the file whose place it takes; as the umask says unless given. */
  constructor(path: string, mode: number | undefined) {
    this.#path = path
    const random = Math.floor(Math.random() * 36 ** 6).toString(36)
    this.#temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${random.padStart(6, '0')}`)
    this.#fd = fs.openSync(this.#temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, MODE)
    process.once('exit', this.#atExit)
    if (mode !== undefined) fs.fchmodSync(this.#fd, mode & PERMISSIONS)
  }

  write(piece: Uint8Array): void {
    writeWhole(this.#fd, piece, this.#path)
  }

  finish(): void {
    try {
      // What a crash may leave under the name is the old file or the whole new one.
      fs.fdatasyncSync(this.#fd)
      this.#close()
      fs.renameSync(this.#temporary, this.#path)
    } catch (error) {
      throw failure('write', this.#path, error)
    }
    process.removeListener('exit', this.#atExit)
  }

  drop(): void {
    this.#close()
    this.#atExit()
    process.removeListener('exit', this.#atExit)
  }

  #close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd)
    this.#fd = -1
  }
}

function writeWhole(fd: number, piece: Uint8Array, path: string): void {
  try {
    for (let done = 0; done < piece.length; ) done += fs.writeSync(fd, piece, done)
  } catch (error) {
    throw failure('write', path, error)
  }
}

/** No regular file, or a path that stands for a descriptor. */
function isSpecial(path: string, stat: fs.Stats): boolean {
  return !stat.isFile() || /^\/(dev(?!\/shm\/)|proc)\//.test(resolve(path))
}

/** Where a path leads, through symlinks: they stay, what they lead to is replaced. */
function destination(path: string): { path: string; stat: fs.Stats | undefined } {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  // What stands for a descriptor (a pipe has no path at all) is written in place.
  if (stat !== undefined && isSpecial(path, stat)) return { path, stat }
  if (stat !== undefined) return { path: fs.realpathSync(path), stat }
  // Symlinks that lead to nothing; a ring of them stat has refused.
  let at = path
  for (let links = 0; links < LINKS_MAX && fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink(); links++) {
    at = resolve(fs.realpathSync(dirname(at)), fs.readlinkSync(at))
  }
  return { path: at, stat }
}

/** Throws a CommandError early where an output could not be opened later: building what goes there can take long. */
export function checkOutput(path: string): void {
  if (path === '-') {
    if (process.stdout.isTTY) throw new CommandError('standard output is a terminal, which an image is nothing for')
    return
  }
  try {
    const found = destination(path)
    if (found.stat?.isDirectory()) throw new Error('is a directory')
    if (found.stat === undefined || !isSpecial(path, found.stat)) fs.accessSync(dirname(found.path), fs.constants.W_OK)
  } catch (error) {
    throw failure('open', path, error)
  }
}

/** Opens an output; `-` is standard output. */
export function openOutput(path: string): Output {
  if (path === '-') return new StandardOutputFile()
  try {
    const found = destination(path)
    if (found.stat !== undefined && isSpecial(path, found.stat)) return new Special(found.path)
    return new NewFile(found.path, found.stat?.mode)
  } catch (error) {
    throw failure('open', path, error)
  }
}

/** Writes all pieces, or nothing. */
export function writeOutput(path: string, pieces: Iterable<Uint8Array>, seen: (piece: Uint8Array) => void): void {
  const output = openOutput(path)
  try {
    for (const piece of pieces) {
      output.write(piece)
      seen(piece)
    }
    output.finish()
  } catch (error) {
    output.drop()
    throw error
  }
}
