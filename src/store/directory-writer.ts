// Objects written into a directory store synchronously, by threads that build an image; the layout and the ways are those
// of src/store/directory.ts and mkcomposefs (spec composefs-tools.md section 3). Not here: where bytes come from.
//
// An object's bytes are on the disk before it gets its name, so a name never stands for half an object, whenever power or
// process end. That the name itself is on the disk is seen to once for all objects, by `syncDirectories`, before anything
// that needs them is written: a sync of each object's directory would double what a build waits for.

import fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { freshen } from './directory-keep.js'
import { codeOf, temporaryName } from './directory-names.js'
import { leave, type Place, type Walk, walkOf } from './directory-walk.js'

const {
  O_RDONLY,
  O_RDWR,
  O_CREAT,
  O_EXCL,
  O_DIRECTORY = 0,
  O_NOFOLLOW = 0,
  COPYFILE_EXCL,
  COPYFILE_FICLONE_FORCE,
} = fs.constants
const OWN_FDS = '/proc/self/fd'
const OBJECT_MODE = 0o644
const DIRECTORY_MODE = 0o755
const TEMPORARY_TRIES = 100
/** The store's top directory, among those that need a sync. */
const TOP = '.'
/** Errors that another way to get the bytes would meet too. */
const FINAL = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ENOENT', 'EMFILE', 'ENFILE'])

export interface WriterOptions {
  /**
   * Turns on fs-verity for the file behind a descriptor that is open for reading alone, where the host can. False when
   * that can't work here at all, so that it is not tried again.
   */
  readonly seal?: (fd: number) => boolean
  /** The store can't be written to: an object that is there counts, though nothing marks it as used. */
  readonly unwritable?: boolean
  /** Look at directories as on hosts without /proc. For tests of that way. */
  readonly portable?: boolean
}

export class ObjectWriter {
  readonly #root: Place
  readonly #walk: Walk
  readonly #unwritable: boolean
  #seal: ((fd: number) => boolean) | undefined
  /** Directories `xx` that were seen to be directories; gc may take an empty one away again. */
  readonly #known = new Set<string>()
  /** Directories that have got entries, by name; see syncDirectories. */
  readonly touched = new Set<string>()

  /** `root` has to be there. Nothing stays open between calls. */
  constructor(root: string, { seal, unwritable = false, portable = false }: WriterOptions = {}) {
    this.#unwritable = unwritable
    this.#root = { path: resolve(root), fd: -1 }
    this.#walk = walkOf(portable)
    this.#seal = seal
  }

  /** Is the object there? It is marked as used, see directory-keep.ts. Throws what the host or the walk does. */
  has(name: string): boolean {
    const dir = name.slice(0, 2)
    if (!this.#known.has(dir)) {
      try {
        this.#enter(dir)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw error
      }
    }
    const path = `${this.#root.path}/${name}`
    if (this.#unwritable) return fs.lstatSync(path, { throwIfNoEntry: false })?.isFile() === true
    return freshen(path, name)
  }

  /**
   * Writes an object: `fill` is given a descriptor of an empty file, and `check` is called when all is written, before
   * the object gets its name. After a throw of theirs or of the host's nothing of it is left.
   */
  put(name: string, fill: (fd: number) => void, check: () => void): void {
    const [path, fd] = this.#temporary(at => fs.openSync(at, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600))
    this.#finish(name, path, fd, () => {
      fill(fd)
      check()
    })
  }

  /**
   * Makes an object that shares the blocks of the file at `source`, which has to be the descriptor's own path. False,
   * and nothing done, where the file system can't do that.
   */
  clone(name: string, source: string, check: () => void): boolean {
    const flags = COPYFILE_EXCL | COPYFILE_FICLONE_FORCE
    let path: string
    try {
      path = this.#temporary(at => fs.copyFileSync(source, at, flags))[0]
    } catch (error) {
      if (FINAL.has(codeOf(error))) throw error
      return false
    }
    this.#finish(name, path, this.#opened(path), check)
    return true
  }

  #opened(path: string): number {
    try {
      return fs.openSync(path, O_RDONLY | O_NOFOLLOW)
    } catch (error) {
      fs.rmSync(path, { force: true })
      throw error
    }
  }

  /** Makes a file `.tmpXXXXXX` in the store's top directory, as mkcomposefs has them; answers its path and the call's word. */
  #temporary<T>(make: (path: string) => T): [string, T] {
    for (let tries = 1; ; tries++) {
      const path = join(this.#root.path, temporaryName())
      try {
        return [path, make(path)]
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || tries === TEMPORARY_TRIES) throw error
      }
    }
  }

  #finish(name: string, path: string, fd: number, write: () => void): void {
    let open = true
    try {
      write()
      fs.fchmodSync(fd, OBJECT_MODE)
      fs.fsyncSync(fd)
      open = false
      fs.closeSync(fd)
      this.#trySeal(path)
      this.#name(path, name)
    } catch (error) {
      if (open) fs.closeSync(fd)
      fs.rmSync(path, { force: true })
      throw error
    }
  }

  /** The kernel wants no descriptor open for writing. What goes wrong here takes nothing from the object. */
  #trySeal(path: string): void {
    if (this.#seal === undefined) return
    const fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW)
    try {
      if (!this.#seal(fd)) this.#seal = undefined
    } finally {
      fs.closeSync(fd)
    }
  }

  #name(path: string, name: string): void {
    const dir = name.slice(0, 2)
    const to = `${this.#root.path}/${name}`
    this.#make(dir)
    try {
      fs.renameSync(path, to)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      // Empty directories may be taken away at any time.
      this.#known.delete(dir)
      this.#make(dir)
      fs.renameSync(path, to)
    }
    this.touched.add(dir)
  }

  /** Once a directory and writer: who can put a symlink there later can write objects of any name anyway. */
  #enter(dir: string): void {
    leave(this.#walk.stepSync(this.#root, dir))
    this.#known.add(dir)
  }

  #make(dir: string): void {
    if (this.#known.has(dir)) return
    try {
      fs.mkdirSync(`${this.#root.path}/${dir}`, { mode: DIRECTORY_MODE })
      this.touched.add(TOP)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    this.#enter(dir)
  }
}

/** Where this process finds what its descriptors stand for, as directories too; undefined where that can't be had. */
export function ownDescriptors(): string | undefined {
  return process.platform === 'linux' && fs.existsSync(`${OWN_FDS}/.`) ? OWN_FDS : undefined
}

/** The directories that will have to be made for `root` to be there, and the one that they are in; the deepest first. */
export function missingDirectories(root: string): string[] {
  const missing: string[] = []
  let at = resolve(root)
  for (; fs.statSync(at, { throwIfNoEntry: false }) === undefined && dirname(at) !== at; at = dirname(at))
    missing.push(at)
  return missing.length === 0 ? [] : [...missing, at]
}

/** Sees to it that what directories have got is on the disk: those that writers touched, and `above` by their paths. */
export function syncDirectories(root: string, touched: Iterable<string>, above: readonly string[] = []): void {
  // Windows has no such thing.
  if (process.platform === 'win32') return
  for (const path of [...Array.from(touched, dir => join(resolve(root), dir)), ...above]) {
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY)
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  }
}
