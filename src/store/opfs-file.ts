// How a file of the Origin Private File System is written. Not here: under which name (opfs.ts).

import { domError } from './dom-errors.js'
import { objectError } from './errors.js'
import { pieces } from './pieces.js'

/** What dedicated workers have: a file's bytes without waiting, for one at a time. */
interface AccessHandle {
  write(bytes: Uint8Array<ArrayBuffer>, options: { at: number }): number
  flush(): void
  close(): void
}

/** A handle with the methods that not every browser, or not every thread of it, has. */
export type FileHandle = Omit<FileSystemFileHandle, 'createWritable'> & {
  createWritable?: FileSystemFileHandle['createWritable']
  createSyncAccessHandle?(): Promise<AccessHandle>
  move?(directory: FileSystemDirectoryHandle, name: string): Promise<void>
}

const PIECE = 2 ** 20

/** Writes a new file. What the source of the bytes throws comes through as it is. */
export async function writeFile(
  handle: FileHandle,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  object: string,
): Promise<void> {
  const sink = await stored(object, () => sinkOf(handle, object))
  try {
    for await (const piece of pieces(data, PIECE)) await stored(object, () => sink.write(piece))
  } catch (error) {
    await sink.abort().catch(() => {})
    throw error
  }
  await stored(object, () => sink.close())
}

/** Does something with the platform's files; its errors become the store's. */
export async function stored<T>(object: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action()
  } catch (error) {
    throw domError(error, object)
  }
}

interface Sink {
  write(piece: Uint8Array<ArrayBuffer>): Promise<void>
  close(): Promise<void>
  abort(): Promise<void>
}

async function sinkOf(handle: FileHandle, object: string): Promise<Sink> {
  // The faster of the two, and the only one in Safari before 26.
  if (handle.createSyncAccessHandle !== undefined) return accessSink(await handle.createSyncAccessHandle(), object)
  if (handle.createWritable === undefined)
    throw objectError('ENOTSUP', object, 'this browser writes its private files in workers only')
  const writable = await handle.createWritable()
  return {
    write: piece => writable.write(piece),
    close: () => writable.close(),
    abort: () => writable.abort(),
  }
}

function accessSink(access: AccessHandle, object: string): Sink {
  let at = 0
  return {
    write: async piece => {
      const written = access.write(piece, { at })
      if (written !== piece.length) throw objectError('ENOSPC', object, `only ${at + written} bytes were written`)
      at += written
    },
    close: async () => {
      try {
        access.flush()
      } finally {
        access.close()
      }
    },
    abort: async () => access.close(),
  }
}
