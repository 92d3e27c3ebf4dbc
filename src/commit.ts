// A tree as it is now as a new image, with the objects that are new. Not here: writing images (src/writer) and taking a tree in
// (build.ts). What is installed has this with all that it needs in a file of its own, loaded when it is asked for: nothing that
// comes from the caller is an instance of a class here.

import { type BuildOptions, type Built, buildImage, type FsSource } from './build.js'
import type { Sha256 } from './format/hash.js'
import type { ObjectStore } from './store/object-store.js'

/** Options of a commit: those of a build, and where what is new goes. */
export interface CommitOptions extends Omit<BuildOptions, 'store'> {
  readonly store: ObjectStore
}

/** An image of a mounted tree. */
export interface Committed extends Built {
  /** Names of the objects that were put into `store`: of what no image below has. */
  readonly objects: readonly string[]
  /** The one given, that of the mount, or a new MemoryStore. */
  readonly store: ObjectStore
}

/**
 * Writes a tree as mkcomposefs would write it. Objects that the source knows are neither read nor put again. Rejects with the
 * Error of what can't be read, with a TreeError for what no image can hold.
 */
export async function commit(source: FsSource, options: CommitOptions, sha256: Sha256): Promise<Committed> {
  const { store } = options
  const objects = new Set<string>()
  const noted: ObjectStore = {
    label: store.label,
    open: name => store.open(name),
    stat: name => store.stat(name),
    list: () => store.list(),
    delete: name => store.delete(name),
    async put(name, data) {
      if (objects.has(name)) return
      await store.put(name, data)
      objects.add(name)
    },
  }
  const built = await buildImage(source, { ...options, store: noted }, sha256)
  return { ...built, objects: [...objects], store }
}
