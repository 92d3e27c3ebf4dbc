// What is made of the changes: a layer of an OCI image, and a new image of all that there is now, with the objects that are new. Not
// here: the changes (changes.ts), how layers and images are written.

import type { FsSource } from '../../build.js'
import { layerSource } from '../../layer-source.js'
import type { SoonFs } from '../../tree/fs-soon.js'
import type { MountedFs } from '../../vfs/mounted-fs.js'
import type { CommittedImage } from '../changing.js'
import type { DocumentId, DocumentInfo, JobId, ProgressListener } from '../protocol.js'
import { NewObjects } from './changes-objects.js'
import type { Documents } from './documents.js'
import { piecesOf, poured, sinkOf } from './downloads.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, PlainError } from './plain-words.js'

interface Commit {
  readonly image: CommittedImage
  readonly objects: NewObjects
}

export class ChangesExport {
  readonly #documents: Documents
  readonly #jobs: Jobs
  /** The newest of each document. */
  readonly #commits = new WeakMap<OpenDocument, Commit>()

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
  }

  /** The changes as a layer of an OCI image, a tar. */
  layer(id: DocumentId, jobId?: JobId, listener?: ProgressListener): Promise<Blob> {
    return inPlainWords('The layer can’t be made', async () => {
      const { working } = this.#documents.get(id)
      if (working === undefined)
        throw new PlainError('EROFS', 'Nothing has been changed, so there is no layer to export.')
      const job = this.#jobs.begin(jobId, { what: 'Packing the layer', done: 0, total: 0, unit: 'bytes' }, listener)
      const packed = await poured(piecesOf(working.exportLayer()), await sinkOf(undefined), job, 0)
      return packed as Blob
    })
  }

  /** A new image of the tree as it is now, bit for bit what `mkcomposefs` would make of it. */
  commit(id: DocumentId, jobId?: JobId, listener?: ProgressListener): Promise<CommittedImage> {
    return inPlainWords('The image can’t be made', async () => {
      const document = this.#documents.get(id)
      const { revision, parts, layer } = document
      const name = newName(parts.name)
      const job = this.#jobs.begin(jobId, { what: `Making ${name}`, done: 0, total: 0, unit: 'entries' }, listener)
      const objects = new NewObjects(`new objects of ${name}`, job)
      const pieces: BlobPart[] = []
      const sink = async (piece: Uint8Array) => {
        pieces.push(piece as Uint8Array<ArrayBuffer>)
        await job.pause(0)
      }
      // What a mount's own `commit` does, in slices, so that the worker answers others meanwhile.
      // Loaded when it is asked for, with the core that writes.
      const { buildImage } = await import('../../any-build.js')
      const { digest } = await buildImage(slicedSource(layerSource(layer), job), { store: objects, sink })
      if (document.revision !== revision)
        throw new PlainError('ESTALE', 'Something was changed while the image was made. Commit again.')
      const image = {
        name,
        digest,
        image: new Blob(pieces),
        objects: objects.count,
        objectBytes: objects.bytes,
        revision,
      }
      this.#commits.set(document, { image, objects })
      return image
    })
  }

  /** The newest commit; undefined where there is none, or something has been changed since. */
  committed(id: DocumentId): CommittedImage | undefined {
    const document = this.#documents.get(id)
    const image = this.#commits.get(document)?.image
    return image?.revision === document.revision ? image : undefined
  }

  /** The new objects of the newest commit as a tar, named as in a store's folder. */
  objects(id: DocumentId, jobId?: JobId, listener?: ProgressListener): Promise<Blob> {
    return inPlainWords('The objects can’t be packed', async () => {
      const { objects } = this.#commitOf(id)
      const total = objects.bytes
      const job = this.#jobs.begin(jobId, { what: 'Packing the objects', done: 0, total, unit: 'bytes' }, listener)
      return (await poured(piecesOf(objects.tar()), await sinkOf(undefined), job, total)) as Blob
    })
  }

  /** Opens the newest commit beside what it was made of; it has the same stores, and what is new. */
  open(id: DocumentId): Promise<DocumentInfo> {
    return inPlainWords('The new image can’t be opened', () => {
      const { image, objects } = this.#commitOf(id)
      const { objects: old } = this.#documents.get(id).parts
      const stores = [...(old.isEmpty ? [] : [old]), ...(objects.count === 0 ? [] : [objects])]
      const { name, digest } = image
      return this.#documents.openBlob({ file: image.image, name, origin: 'commit', stores, digest })
    })
  }

  #commitOf(id: DocumentId): Commit {
    const commit = this.#commits.get(this.#documents.get(id))
    if (commit === undefined) throw new PlainError('ENOENT', 'There is no new image yet. Commit first.')
    return commit
  }
}

/** `host.cfs` becomes `host-changed.cfs`. */
function newName(name: string): string {
  const at = name.lastIndexOf('.')
  const cut = at > 0 ? at : name.length
  return `${name.slice(0, cut).replace(/-changed$/, '')}-changed${name.slice(cut) || '.cfs'}`
}

/** A source that lets others have their turn with each entry. */
function slicedSource(source: FsSource, job: Job): FsSource {
  const soon = source.soon ?? ((source.fs as unknown as MountedFs).promises as unknown as SoonFs)
  let entries = 0
  const sliced: SoonFs = {
    lstat: async (path, options) => {
      await job.pause(++entries)
      return soon.lstat(path, options)
    },
    readdir: (path, options) => soon.readdir(path, options),
    readlink: (path, options) => soon.readlink(path, options),
    listxattr: (path, options) => soon.listxattr(path, options),
    getxattr: (path, name, options) => soon.getxattr(path, name, options),
  }
  const { read, objectOf } = source
  return {
    ...source,
    soon: sliced,
    ...(read === undefined ? {} : { read: path => slicedPieces(read(path), job) }),
    ...(objectOf === undefined
      ? {}
      : {
          objectOf: async path => {
            await job.pause(entries)
            return objectOf(path)
          },
        }),
  }
}

async function* slicedPieces(pieces: AsyncIterable<Uint8Array>, job: Job): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece
    await job.pause(0)
  }
}
