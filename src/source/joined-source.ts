// Several sources as one, one behind the other, each beginning where a page of an image may: what is between them reads as zeros.
// Not here: what they are (the devices of an image).

import type { ByteSource } from './byte-source.js'

/** No page of an image is larger; bytes. */
const ALIGN = 1 << 16

/** Where the bytes of a source lie among those of all. */
export interface Place {
  readonly start: number
  readonly size: number
}

interface Part extends Place {
  readonly source: ByteSource
}

export interface Joined {
  readonly source: ByteSource
  /** In the order of the sources. */
  readonly places: readonly Place[]
}

/** It takes the sources over. */
export function joinSources(sources: readonly ByteSource[]): Joined {
  const parts: Part[] = []
  let size = 0
  for (const source of sources) {
    const start = Math.ceil(size / ALIGN) * ALIGN
    parts.push({ source, start, size: source.size })
    size = start + source.size
  }
  const within = (offset: number, length: number) => {
    const end = Math.min(offset + length, size)
    return { end, touched: parts.filter(part => part.start < end && part.start + part.size > offset) }
  }
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    const { end, touched } = within(offset, length)
    const bytes = new Uint8Array(Math.max(0, end - offset))
    await Promise.all(
      touched.map(async ({ source, start, size }) => {
        const from = Math.max(offset, start)
        bytes.set(
          whole(await source.read(from - start, Math.min(end, start + size) - from), from, start, size, end),
          from - offset,
        )
      }),
    )
    return bytes
  }
  const readSync = (offset: number, length: number): Uint8Array => {
    const { end, touched } = within(offset, length)
    const bytes = new Uint8Array(Math.max(0, end - offset))
    for (const { source, start, size } of touched) {
      const from = Math.max(offset, start)
      const got = source.readSync?.(from - start, Math.min(end, start + size) - from)
      bytes.set(whole(got, from, start, size, end), from - offset)
    }
    return bytes
  }
  const close = () => {
    for (const { source } of parts) source.close()
  }
  const atOnce = sources.every(source => source.readSync !== undefined)
  return { source: { size, read, ...(atOnce ? { readSync } : {}), close }, places: parts }
}

/** A short answer must not leave zeros in its place. */
function whole(bytes: Uint8Array | undefined, from: number, start: number, size: number, end: number): Uint8Array {
  const wanted = Math.min(end, start + size) - from
  if (bytes?.length === wanted) return bytes
  throw Object.assign(new Error(`${bytes?.length} bytes came, not ${wanted}`), { code: 'EIO', errno: -5 })
}
