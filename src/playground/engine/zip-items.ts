// The entries of a zip: its directory is read by ranges, an entry is unpacked when its bytes are asked for. Not here: what becomes
// of the entries, the format (a library's).

import type { Entry, FileEntry } from '@zip.js/zip.js'
import { type Body, checkCount, checkUnpacked, type Item, itemPath } from './intake-items.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

/** Unix type and permission bits of a zip made on Unix stand in the upper half of its external attributes. */
const S_IFMT = 0o170000
const S_IFLNK = 0o120000
/** Bytes of a symlink's target. */
const TARGET_MAX = 4095
/** So many unpacked entries are kept to be read again. */
const KEPT = 8

/** Unpacks entries, and keeps the latest of them. */
class Unpacker {
  readonly #name: string
  #kept: readonly { readonly entry: FileEntry; readonly blob: Promise<Blob> }[] = []

  constructor(name: string) {
    this.#name = name
  }

  body(entry: FileEntry): Body {
    return { size: entry.uncompressedSize, blob: () => this.#blob(entry) }
  }

  #blob(entry: FileEntry): Promise<Blob> {
    const kept = this.#kept.find(one => one.entry === entry)
    if (kept !== undefined) return kept.blob
    const blob = this.#unpack(entry)
    this.#kept = [{ entry, blob }, ...this.#kept.slice(0, KEPT - 1)]
    return blob
  }

  async #unpack(entry: FileEntry): Promise<Blob> {
    const limit = entry.uncompressedSize
    let size = 0
    const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (piece, controller) => {
        size += piece.length
        if (size > limit) throw new Error('it unpacks to more than it says')
        controller.enqueue(piece)
      },
    })
    const whole = new Response(counted.readable).blob()
    try {
      const [blob] = await Promise.all([whole, entry.getData(counted.writable, { checkSignature: true })])
      return blob
    } catch (error) {
      whole.catch(() => {})
      throw damaged(this.#name, error)
    }
  }
}

function damaged(name: string, error: unknown): PlainError {
  const why = error instanceof Error ? error.message : String(error)
  return new PlainError('EUCLEAN', `${name} is damaged or cut short. Fetch it again, or pack it anew. [${why}]`)
}

async function itemOf(entry: Entry, unpacker: Unpacker, name: string): Promise<Item> {
  const path = itemPath(entry.filename, name)
  const mtime = timeOf(entry.lastModDate)
  const unix = (entry.externalFileAttributes ?? 0) >>> 16
  const mode = unix === 0 ? undefined : unix & 0o7777
  if (entry.directory) return { path, type: 'dir', mode, mtime }
  if (entry.encrypted) {
    throw new PlainError('EACCES', `${name} is locked with a password. Unpack it yourself, and open the folder.`)
  }
  const body = unpacker.body(entry)
  if ((unix & S_IFMT) !== S_IFLNK) return { path, type: 'file', mode, mtime, body }
  if (body.size > TARGET_MAX) throw damaged(name, 'a symlink of more bytes than a path has')
  return { path, type: 'symlink', mtime, target: await (await body.blob()).text() }
}

function timeOf(date: Date | undefined): Item['mtime'] {
  const milliseconds = date?.getTime() ?? 0
  return { seconds: Number.isFinite(milliseconds) ? Math.floor(milliseconds / 1000) : 0, nsec: 0 }
}

/** All entries of a zip. Throws a PlainError for what is damaged, too large, or leads out of it. */
export async function zipItems(file: Blob, name: string, job: Job): Promise<Item[]> {
  const { BlobReader, ZipReader, configure } = await import('@zip.js/zip.js')
  configure({ useWebWorkers: false })
  const reader = new ZipReader(new BlobReader(file), { checkOverlappingEntry: true })
  const unpacker = new Unpacker(name)
  const items: Item[] = []
  let unpacked = 0
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      unpacked += entry.uncompressedSize
      checkCount(items.length + 1, name)
      checkUnpacked(unpacked, file.size, name)
      items.push(await itemOf(entry, unpacker, name))
      await job.pause(items.length, 0)
    }
    return items
  } catch (error) {
    throw error instanceof PlainError ? error : damaged(name, error)
  }
}
