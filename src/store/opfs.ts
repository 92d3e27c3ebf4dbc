// Objects as files in the Origin Private File System: on a page's main thread and in workers. Digests lie as
// mkcomposefs lays them out (`xx/yyyy…`), other names in a spelling that every platform takes (plain-name.ts). A file
// is written under a name of its own in `_tmp` and moved to its object's when it is whole; who dies before leaves it
// there, and the next one's put clears it. Where files can't be moved (Chromium before 110) nothing can be put.
// Not here: checking of digests, eviction (it is no cache).
//
// An open object outlives its deletion by the same OpfsStore; one of another tab is ESTALE then.

import { domError, domName } from './dom-errors.js'
import { canonicalName, objectError } from './errors.js'
import { Leases } from './leases.js'
import { isDigestName } from './object-name.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'
import { type FileHandle, stored, writeFile } from './opfs-file.js'
import { OpenObjects, type OpfsObject } from './opfs-object.js'
import { nameOfPlain, namesAbove, plainName } from './plain-name.js'

const TEMPORARY = '_tmp'
const LEFTOVER = /^([0-9a-f]{24})-\d+/
/** Directories whose handles are kept: all the `xx`. */
const KEPT_MAX = 256

type Directory = FileSystemDirectoryHandle

/** Undefined where the platform says that there is none, or something else. */
async function orNone<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (domName(error) === 'NotFoundError' || domName(error) === 'TypeMismatchError') return undefined
    throw error
  }
}

async function openPlace(path: string): Promise<Directory> {
  if (typeof navigator !== 'object' || navigator.storage?.getDirectory === undefined)
    throw objectError('ENOTSUP', path, 'this browser, or an insecure origin, has no private files')
  let place = await navigator.storage.getDirectory()
  for (const part of path.split('/').filter(one => one !== '')) {
    try {
      place = await place.getDirectoryHandle(part, { create: true })
    } catch (error) {
      if (error instanceof TypeError) throw objectError('EINVAL', path, 'is no path of directories here', error)
      throw error
    }
  }
  return place
}

export class OpfsStore implements ObjectStore {
  readonly label: string
  readonly #place: Directory | string
  readonly #leases: Leases
  readonly #objects = new OpenObjects()
  readonly #kept = new Map<string, Directory>()
  #root: Promise<Directory> | undefined
  #swept: Promise<void> | undefined
  #files = 0

  /** A directory, or the path of one below the origin's root, which is made when it is first used. */
  constructor(place: FileSystemDirectoryHandle | string = 'composefs') {
    this.#place = place
    this.label = `opfs:${typeof place === 'string' ? place : place.name}`
    this.#leases = new Leases(`composefs ${this.label}`)
  }

  async open(name: string): Promise<StoredObject> {
    const known = canonicalName(name)
    return this.#objects.open(known, () => this.#find(known))
  }

  async stat(name: string): Promise<ObjectInfo> {
    return { size: (await this.#find(canonicalName(name))).size }
  }

  /** ENOTSUP where the browser can't move files, or writes them in workers only and this is none. */
  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = canonicalName(name)
    if (await stored(known, () => this.#has(known))) return
    this.#swept ??= this.#sweep()
    await this.#swept
    const release = await stored(known, () => this.#leases.take())
    try {
      await this.#putWhole(known, data)
    } finally {
      release()
    }
  }

  async *list(): AsyncGenerator<string> {
    const root = await stored('list', () => this.#opened())
    for await (const plain of this.#walk(root, '')) {
      const name = nameOfPlain(plain)
      if (name !== undefined) yield name
    }
  }

  async delete(name: string): Promise<void> {
    const known = canonicalName(name)
    const remove = (open: readonly OpfsObject[]) => this.#leases.alone(known, () => this.#remove(known, open))
    await this.#objects.delete(known, open => stored(known, () => remove(open)))
  }

  #opened(): Promise<Directory> {
    if (this.#root !== undefined) return this.#root
    const place = this.#place
    const root = typeof place === 'string' ? openPlace(place) : Promise.resolve(place)
    this.#root = root
    // Whoever comes next tries again.
    root.catch(() => {
      this.#root = undefined
    })
    return root
  }

  async #directory(parts: readonly string[], create: boolean): Promise<Directory | undefined> {
    let directory = await this.#opened()
    for (let at = 0; at < parts.length; at++) {
      const kept = at === 0 ? this.#kept.get(parts[0]) : undefined
      if (kept !== undefined) {
        directory = kept
        continue
      }
      const next = directory.getDirectoryHandle(parts[at], { create })
      const found = create ? await next : await orNone(next)
      if (found === undefined) return undefined
      directory = found
      if (at === 0 && this.#kept.size < KEPT_MAX) this.#kept.set(parts[0], directory)
    }
    return directory
  }

  async #handle(known: string): Promise<FileSystemFileHandle | undefined> {
    const parts = plainName(known).split('/')
    const directory = await this.#directory(parts.slice(0, -1), false)
    return directory === undefined ? undefined : orNone(directory.getFileHandle(parts[parts.length - 1]))
  }

  async #find(known: string): Promise<File> {
    try {
      const handle = await this.#handle(known)
      const file = handle === undefined ? undefined : await orNone(handle.getFile())
      if (file !== undefined) return file
      await this.#rejectBelowObject(known)
    } catch (error) {
      throw domError(error, known)
    }
    throw objectError('ENOENT', known, 'is not in the store')
  }

  async #has(known: string): Promise<boolean> {
    if ((await this.#handle(known)) !== undefined) return true
    if (!isDigestName(known)) await this.#rejectBelowObject(known)
    return false
  }

  async #rejectBelowObject(known: string): Promise<void> {
    for (const above of namesAbove(known)) {
      if ((await this.#handle(above)) !== undefined) throw objectError('ENOTDIR', known, `${above} is an object`)
    }
  }

  async #putWhole(known: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const [directory, leftover] = await stored(known, () => this.#leftover())
    const handle: FileHandle = await stored(known, () => directory.getFileHandle(leftover, { create: true }))
    let inPlace = false
    try {
      if (handle.move === undefined) throw objectError('ENOTSUP', known, 'this browser can not move files')
      await writeFile(handle, data, known)
      // Two tabs that put one object: who comes second must not pull the file from under the readers of the first's.
      inPlace = await stored(known, () => this.#leases.alone(known, () => this.#moveIn(handle, known)))
    } finally {
      // What can't be removed now has nobody when this page is gone.
      if (!inPlace) await directory.removeEntry(leftover).catch(() => {})
    }
  }

  /** Answers whether the file has the object's name now; not if there is one already. */
  async #moveIn(handle: FileHandle, known: string): Promise<boolean> {
    if ((await this.#handle(known)) !== undefined) return false
    const parts = plainName(known).split('/')
    const above = parts.slice(0, -1)
    for (let again = true; ; again = false) {
      const directory = (await this.#directory(above, true)) as Directory
      try {
        await handle.move?.(directory, parts[parts.length - 1])
        return true
      } catch (error) {
        // Someone removed the directory whose handle is kept.
        if (domName(error) !== 'NotFoundError' || !again) throw error
        this.#kept.clear()
      }
    }
  }

  async #remove(known: string, open: readonly OpfsObject[]): Promise<void> {
    const handle: FileHandle | undefined = await this.#handle(known)
    if (handle === undefined) return
    if (open.length > 0 && handle.move !== undefined) {
      await this.#moveAside(handle, open)
      return
    }
    const parts = plainName(known).split('/')
    const directory = await this.#directory(parts.slice(0, -1), false)
    if (directory !== undefined) await orNone(directory.removeEntry(parts[parts.length - 1]))
  }

  /** Leaves an object to those who have it open, until the last of them goes. */
  async #moveAside(handle: FileHandle, open: readonly OpfsObject[]): Promise<void> {
    const [directory, leftover] = await this.#leftover()
    const release = await this.#leases.take()
    const moving = handle.move?.(directory, leftover)
    // A handle goes with its file, or stays with it.
    const moved = Promise.resolve(moving).then(
      () => handle.getFile(),
      () => handle.getFile(),
    )
    moved.catch(() => {})
    let left = open.length
    for (const object of open) {
      object.moving(moved, () => {
        if (--left > 0) return
        directory
          .removeEntry(leftover)
          .catch(() => {})
          .finally(release)
      })
    }
    // Another tab may have removed it: its readers find that out.
    await orNone(Promise.resolve(moving))
    await orNone(moved)
  }

  async #leftover(): Promise<[Directory, string]> {
    const directory = (await this.#directory([TEMPORARY], true)) as Directory
    return [directory, `${this.#leases.id}-${this.#files++}`]
  }

  /** Paths of files, but for those in TEMPORARY. */
  async *#walk(directory: Directory, path: string): AsyncGenerator<string> {
    const entries: [string, FileSystemHandle][] = []
    try {
      for await (const entry of directory.entries()) entries.push(entry)
    } catch (error) {
      // Removed meanwhile.
      if (domName(error) === 'NotFoundError') return
      throw domError(error, 'list')
    }
    for (const [name, handle] of entries) {
      if (handle.kind === 'file') yield path + name
      else if (path !== '' || name !== TEMPORARY) yield* this.#walk(handle as Directory, `${path}${name}/`)
    }
  }

  /** Removes files that were never moved to their names. */
  async #sweep(): Promise<void> {
    try {
      const directory = await this.#directory([TEMPORARY], false)
      if (directory === undefined) return
      for await (const [name, handle] of directory.entries()) {
        const lease = LEFTOVER.exec(name)?.[1]
        if (lease === undefined || handle.kind !== 'file') continue
        const touched = async () => (await (handle as FileSystemFileHandle).getFile()).lastModified
        await this.#leases.clear(lease, touched, async () => {
          await orNone(directory.removeEntry(name))
        })
      }
    } catch {
      // The put itself says what is wrong.
    }
  }
}
