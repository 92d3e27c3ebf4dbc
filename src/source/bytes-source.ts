// Bytes in memory, and those of a Blob, as a ByteSource.

import { Fault, faultError } from '../format/errno.js'
import type { ByteSource } from './byte-source.js'

function closedError(): Error {
  return faultError(new Fault('EBADF', 'is closed'), 'bytes')
}

/** The bytes are not copied: who hands them over leaves them as they are. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  let closed = false
  const readSync = (offset: number, length: number): Uint8Array => {
    if (closed) throw closedError()
    return new Uint8Array(bytes.subarray(offset, offset + length))
  }
  return {
    size: bytes.length,
    read: async (offset, length) => readSync(offset, length),
    readSync,
    close: () => {
      closed = true
    },
  }
}

/** Reads reject with EIO where the file behind the Blob is no longer what it was. */
export function blobSource(blob: Blob): ByteSource {
  let closed = false
  return {
    size: blob.size,
    async read(offset, length) {
      if (closed) throw closedError()
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
      } catch (error) {
        throw faultError(new Fault('EIO', 'the file can no longer be read', error), 'blob')
      }
    },
    close: () => {
      closed = true
    },
  }
}
