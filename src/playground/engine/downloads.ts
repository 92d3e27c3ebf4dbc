// Files and folders on their way out of the page: a file as it is, a folder as a tar; into a Blob, or into a file that the user has
// chosen, piece by piece. Not here: how a tar is made (src/oci/folder-tar.ts).

import { Fault } from '../../format/errno.js'
import { CONSTANTS } from '../../format/structs.js'
import { binaryString } from '../../format/xattr-name.js'
import { folderTar } from '../../oci/folder-tar.js'
import { filePieces } from '../../overlay/file-pieces.js'
import { newAttr } from '../../overlay/layer.js'
import type { Weight } from '../contents-protocol.js'
import { baseName, pathBytes, shownText } from '../path-text.js'
import type { DocumentId, JobId, ProgressListener } from '../protocol.js'
import type { Documents } from './documents.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords } from './plain-words.js'

const { S_IFMT, S_IFDIR, S_IFREG, S_IFSOCK } = CONSTANTS
/** Bytes that are gathered before they become a Blob, which the browser may put on disk. */
const GATHERED = 8 << 20

/** What is written piece by piece. */
interface Sink {
  write(piece: Uint8Array<ArrayBuffer>): Promise<void> | void
  close(): Promise<Blob | undefined>
  abort(): Promise<void> | void
}

export class Downloads {
  readonly #documents: Documents
  readonly #jobs: Jobs

  constructor(documents: Documents, jobs: Jobs) {
    this.#documents = documents
    this.#jobs = jobs
  }

  /** What a file or folder will take. */
  weigh(id: DocumentId, path: string, job?: JobId, listener?: ProgressListener): Promise<Weight> {
    return inPlainWords(`${shownText(path)} can’t be read`, async () => {
      const document = this.#documents.get(id)
      const work = this.#jobs.begin(job, { what: 'Counting', done: 0, total: 0, unit: 'entries' }, listener)
      return weightOf(document, await document.nodeAt(path), path, work)
    })
  }

  /** A file. Answers it as a Blob unless it went to `to`. */
  file(
    id: DocumentId,
    path: string,
    to: FileSystemFileHandle | undefined,
    job?: JobId,
    listener?: ProgressListener,
  ): Promise<Blob | undefined> {
    return inPlainWords(`${shownText(path)} can’t be downloaded`, async () => {
      const document = this.#documents.get(id)
      const { layer } = document
      const node = await document.nodeAt(path)
      const file = await document.ask(() => layer.open(node, false), path)
      const total = file.size
      const work = this.#jobs.begin(
        job,
        { what: `Reading ${shownText(baseName(path))}`, done: 0, total, unit: 'bytes' },
        listener,
      )
      try {
        return await poured(filePieces(file, path), await sinkOf(to), work, total)
      } finally {
        file.close()
      }
    })
  }

  /** A folder, as a tar in which it stands by its name. Answers it as a Blob unless it went to `to`. */
  folder(
    id: DocumentId,
    path: string,
    to: FileSystemFileHandle | undefined,
    total: number,
    job?: JobId,
    listener?: ProgressListener,
  ): Promise<Blob | undefined> {
    return inPlainWords(`${shownText(path)} can’t be packed`, async () => {
      const document = this.#documents.get(id)
      const { layer } = document
      const node = await document.nodeAt(path)
      const work = this.#jobs.begin(
        job,
        { what: `Packing ${shownText(baseName(path) || '/')}`, done: 0, total, unit: 'bytes' },
        listener,
      )
      const name = binaryString(pathBytes(baseName(path)))
      const stream = folderTar(layer, node, name)
      return poured(piecesOf(stream), await sinkOf(to), work, total)
    })
  }
}

/** All of it, into the sink; nothing stays there where that fails or is cancelled. */
export async function poured(
  pieces: AsyncIterable<Uint8Array>,
  sink: Sink,
  job: Job,
  total: number,
): Promise<Blob | undefined> {
  let done = 0
  try {
    for await (const piece of pieces) {
      await sink.write(piece as Uint8Array<ArrayBuffer>)
      done += piece.length
      await job.pause(done, Math.max(total, done))
    }
  } catch (error) {
    await sink.abort()
    throw error
  }
  return sink.close()
}

/** As an AsyncIterable, which not every browser's streams are; whoever stops early stops the stream. */
export async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

export async function sinkOf(to: FileSystemFileHandle | undefined): Promise<Sink> {
  return to === undefined ? new BlobSink() : new FileSink(await to.createWritable())
}

class FileSink implements Sink {
  readonly #stream: FileSystemWritableFileStream

  constructor(stream: FileSystemWritableFileStream) {
    this.#stream = stream
  }

  write(piece: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.#stream.write(piece)
  }

  async close(): Promise<undefined> {
    await this.#stream.close()
  }

  abort(): Promise<void> {
    return this.#stream.abort()
  }
}

class BlobSink implements Sink {
  readonly #blobs: Blob[] = []
  #pieces: Uint8Array<ArrayBuffer>[] = []
  #length = 0

  write(piece: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(piece)
    this.#length += piece.length
    if (this.#length < GATHERED) return
    this.#blobs.push(new Blob(this.#pieces))
    this.#pieces = []
    this.#length = 0
  }

  async close(): Promise<Blob> {
    return new Blob([...this.#blobs, ...this.#pieces], { type: 'application/octet-stream' })
  }

  abort(): void {
    this.#blobs.length = 0
    this.#pieces = []
  }
}

async function weightOf(document: OpenDocument, start: object, path: string, job: Job): Promise<Weight> {
  const { layer } = document
  const attr = newAttr()
  const weight = { entries: 0, bytes: 0, sockets: 0 }
  const waiting: object[] = [start]
  const counted = new Set<number>()
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const one = node
    await document.done(() => layer.stat(one, attr), path)
    const type = attr.mode & S_IFMT
    weight.entries++
    if (type === S_IFSOCK) weight.sockets++
    if (type === S_IFREG && (attr.nlink === 1 || !counted.has(attr.ino))) weight.bytes += attr.size
    if (type === S_IFREG && attr.nlink > 1) counted.add(attr.ino)
    await job.pause(weight.entries)
    if (type !== S_IFDIR) continue
    // Only a damaged image leads to a folder again; the tar says so.
    if (counted.has(attr.ino)) continue
    counted.add(attr.ino)
    const list = await document.ask(() => layer.readdir(one), path)
    for (let i = 0; i < list.names.length; i++) {
      const child = await document.ask(() => {
        const found = layer.lookup(one, list.raw?.get(i) ?? list.names[i])
        return found instanceof Fault && found.code === 'ENOENT' ? undefined : found
      }, path)
      if (child !== undefined) waiting.push(child)
    }
  }
  return weight
}
