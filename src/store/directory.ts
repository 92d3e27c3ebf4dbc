// Objects in a directory of the host, in mkcomposefs' layout `xx/yyyy…` (spec composefs-tools.md section 3), though any
// relative path can be read. Never leaves its root and follows no symlink below it, whatever is swapped behind our back.
// Not here: checking of digests; enabling fs-verity on objects, for which Node has no call.
//
// On Linux a name is resolved as openat2(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS) would: each directory is opened by
// O_PATH|O_DIRECTORY|O_NOFOLLOW below the one before it, as /proc/self/fd/N/NAME, so no step can be turned aside after
// it was looked at. For `xx/yyyy…` these are an open and a close more than by path, 1.6 times the bare open, fstat,
// read and close of 2 KiB together. Keeping the directories open would save half of that, but would pin up to 256
// descriptors a store, and serve from a directory that has been moved away. Elsewhere: `ByPath` in directory-walk.ts.

import fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { isErrnoName } from '../format/errno.js'
import { makeDirectories } from './directory-builds.js'
import { entriesByAge, occupy } from './directory-inventory.js'
import { freshen } from './directory-keep.js'
import { codeOf, temporaryName } from './directory-names.js'
import { DirectoryObject } from './directory-object.js'
import { leave, type Place, type Walk, walkOf } from './directory-walk.js'
import { canonicalName, objectError } from './errors.js'
import { isDigestName } from './object-name.js'
import type { ObjectInfo, ObjectStore, StoredEntry } from './object-store.js'

const {
  O_RDONLY,
  O_WRONLY,
  O_CREAT,
  O_EXCL,
  O_DIRECTORY = 0,
  O_NOFOLLOW = 0,
  O_NONBLOCK = 0,
  O_NOCTTY = 0,
} = fs.constants
/** A fifo must not block, a terminal not become ours. */
const OPEN_OBJECT = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY

const OBJECT_MODE = 0o644
const DIRECTORY_MODE = 0o755
const TEMPORARY_TRIES = 100
const FIRST_PART = /^[0-9a-f]{2}$/

const openAsync = promisify(fs.open)

/** What the host said about an object, in the store's words: its paths lead through /proc. */
function failed(error: unknown, name: string): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error
  const code = codeOf(error)
  if (code === 'ENOENT') return objectError('ENOENT', name, 'is not in the store')
  return objectError(isErrnoName(code) ? code : 'EIO', name, `${error.syscall} failed`, error)
}

/** The same of the open of the object itself: a symlink in last place (EMLINK on BSDs), a socket, a dead device. */
function notOpened(error: unknown, name: string): unknown {
  const code = error instanceof Error && 'syscall' in error ? codeOf(error) : ''
  if (code !== 'ELOOP' && code !== 'EMLINK' && code !== 'ENXIO') return error
  return objectError('ENOENT', name, 'is not a regular file')
}

export interface DirectoryOptions {
  /** Resolve names as on hosts without /proc. For tests of that way. */
  readonly portable?: boolean
}

export class DirectoryStore implements ObjectStore {
  readonly label: string
  readonly #root: Place
  readonly #walk: Walk
  /** Whether a cache that this process keeps here has been made known. */
  #occupied = false

  /** `root` may be a symlink, and may be missing until something is put. Nothing stays open between calls. */
  constructor(root: string, { portable = false }: DirectoryOptions = {}) {
    this.label = root
    this.#root = { path: resolve(root), fd: -1 }
    this.#walk = walkOf(portable)
  }

  openSync(name: string): DirectoryObject {
    const known = this.#canonical(name)
    try {
      const place = this.#parentSync(known)
      try {
        return this.#opened(known, fs.openSync(this.#at(place, known), OPEN_OBJECT))
      } catch (error) {
        throw notOpened(error, known)
      } finally {
        leave(place)
      }
    } catch (error) {
      throw failed(error, known)
    }
  }

  async open(name: string): Promise<DirectoryObject> {
    const known = this.#canonical(name)
    try {
      const place = await this.#parent(known)
      try {
        return this.#opened(known, await openAsync(this.#at(place, known), OPEN_OBJECT))
      } catch (error) {
        throw notOpened(error, known)
      } finally {
        leave(place)
      }
    } catch (error) {
      throw failed(error, known)
    }
  }

  statSync(name: string): ObjectInfo {
    const known = this.#canonical(name)
    try {
      const place = this.#parentSync(known)
      try {
        return this.#info(fs.lstatSync(this.#at(place, known)), known)
      } finally {
        leave(place)
      }
    } catch (error) {
      throw failed(error, known)
    }
  }

  async stat(name: string): Promise<ObjectInfo> {
    const known = this.#canonical(name)
    try {
      const place = await this.#parent(known)
      try {
        return this.#info(await fs.promises.lstat(this.#at(place, known)), known)
      } finally {
        leave(place)
      }
    } catch (error) {
      throw failed(error, known)
    }
  }

  /**
   * EEXIST when something that is no object has the name. A failed put may leave an empty `xx` behind, no more.
   * An object that is there is left alone but for its times: gc (directory-gc.ts) sees by them that it is in use. Where
   * that can't be said, since the object is another user's, a copy of ours takes its place. Who puts many objects before
   * an image needs them, registers first (directory-builds.ts).
   */
  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = this.#canonical(name)
    if (await this.#freshen(known)) return
    const made: string[] = []
    let temporary: string | undefined
    try {
      made.push(...makeDirectories(this.#root.path))
      temporary = await this.#writeTemporary(data)
      await this.#moveIn(temporary, known)
      for (const path of made) await this.#syncDirectory(dirname(path))
    } catch (error) {
      if (temporary !== undefined) await fs.promises.rm(temporary, { force: true })
      // Those that someone else has begun to use stay.
      for (const path of made) await fs.promises.rmdir(path).catch(() => {})
      throw failed(error, known)
    }
  }

  /** Only names of mkcomposefs' layout: what else lies here may be anyone's. */
  async *list(): AsyncGenerator<string> {
    for (const first of await this.#entries(this.#root)) {
      if (!first.isDirectory() || !FIRST_PART.test(first.name)) continue
      let place: Place
      try {
        place = await this.#walk.step(this.#root, first.name)
      } catch (error) {
        // Removed, or no directory any more.
        if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') continue
        throw failed(error, first.name)
      }
      const entries = await this.#entries(place).finally(() => leave(place))
      for (const second of entries) {
        const name = `${first.name}/${second.name}`
        if (second.isFile() && isDigestName(name)) yield name
      }
    }
  }

  /** Makes the directory if it is missing. All files at any depth to four parts, whatever their names. */
  async *inventory(): AsyncGenerator<StoredEntry> {
    if (!this.#occupied) this.#occupied = occupy(this.#root.path)
    yield* entriesByAge(this.#walk, this.#root)
  }

  async delete(name: string): Promise<void> {
    const known = this.#canonical(name)
    let place: Place | undefined
    try {
      place = await this.#parent(known)
      const path = this.#at(place, known)
      if ((await fs.promises.lstat(path)).isFile()) await fs.promises.unlink(path)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw failed(error, known)
    } finally {
      if (place !== undefined) leave(place)
    }
  }

  #canonical(name: string): string {
    const known = canonicalName(name)
    // There these are part of the path's syntax.
    if (process.platform === 'win32' && /[\\:]/.test(known)) throw objectError('EINVAL', name, 'no name on this host')
    return known
  }

  #at(place: Place, known: string): string {
    return `${place.path}/${known.slice(known.lastIndexOf('/') + 1)}`
  }

  #parentSync(known: string): Place {
    let place = this.#root
    for (let from = 0, to = known.indexOf('/'); to !== -1; from = to + 1, to = known.indexOf('/', from)) {
      const above = place
      try {
        place = this.#walk.stepSync(above, known.slice(from, to))
      } finally {
        leave(above)
      }
    }
    return place
  }

  async #parent(known: string): Promise<Place> {
    let place = this.#root
    for (let from = 0, to = known.indexOf('/'); to !== -1; from = to + 1, to = known.indexOf('/', from)) {
      const above = place
      try {
        place = await this.#walk.step(above, known.slice(from, to))
      } finally {
        leave(above)
      }
    }
    return place
  }

  #opened(known: string, fd: number): DirectoryObject {
    try {
      const stat = fs.fstatSync(fd)
      if (!stat.isFile()) throw objectError('ENOENT', known, 'is not a regular file')
      this.#walk.confirm(this.#root.path, known, stat)
      return new DirectoryObject(known, fd, stat.size)
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  #info(stat: fs.Stats, name: string): ObjectInfo {
    if (!stat.isFile()) throw objectError('ENOENT', name, 'is not a regular file')
    return { size: stat.size }
  }

  async #freshen(known: string): Promise<boolean> {
    let place: Place | undefined
    try {
      place = await this.#parent(known)
      return freshen(this.#at(place, known), known)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false
      throw failed(error, known)
    } finally {
      if (place !== undefined) leave(place)
    }
  }

  /** A synced file `.tmpXXXXXX` in the store's top directory, as mkcomposefs has them; answers its path. */
  async #writeTemporary(data: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
    const [path, file] = await this.#createTemporary()
    try {
      if (data instanceof Uint8Array) await file.writeFile(data)
      else for await (const chunk of data) await file.appendFile(chunk)
      await file.chmod(OBJECT_MODE)
      await file.sync()
    } catch (error) {
      await file.close()
      await fs.promises.rm(path, { force: true })
      throw error
    }
    await file.close()
    return path
  }

  async #createTemporary(): Promise<[string, fs.promises.FileHandle]> {
    for (let tries = 1; ; tries++) {
      const path = join(this.#root.path, temporaryName())
      try {
        return [path, await fs.promises.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)]
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || tries === TEMPORARY_TRIES) throw error
      }
    }
  }

  /** Renames a temporary file to its object's name, making the directories that lack. */
  async #moveIn(temporary: string, known: string): Promise<void> {
    let place = this.#root
    for (let from = 0, to = known.indexOf('/'); to !== -1; from = to + 1, to = known.indexOf('/', from)) {
      const above = place
      const part = known.slice(from, to)
      try {
        await this.#makeDirectory(above, part)
        place = await this.#walk.step(above, part)
      } finally {
        leave(above)
      }
    }
    try {
      await fs.promises.rename(temporary, this.#at(place, known))
      await this.#syncDirectory(place.path)
    } finally {
      leave(place)
    }
  }

  async #makeDirectory(above: Place, part: string): Promise<void> {
    try {
      await fs.promises.mkdir(`${above.path}/${part}`, DIRECTORY_MODE)
      await this.#syncDirectory(above.path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }

  async #syncDirectory(path: string): Promise<void> {
    // Windows has no such thing.
    if (process.platform === 'win32') return
    const handle = await fs.promises.open(path, O_RDONLY | O_DIRECTORY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  async #entries(place: Place): Promise<fs.Dirent[]> {
    try {
      return await fs.promises.readdir(place.path, { withFileTypes: true })
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw error
    }
  }
}
