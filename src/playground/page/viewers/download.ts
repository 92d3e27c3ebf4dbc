// Bytes on their way to the user's disk: by the browser's own dialog where there is one and they are many, else as a Blob. Not
// here: where they come from (the worker).

import type { Weight } from '../../contents-protocol.js'
import { baseName, shownText } from '../../path-text.js'
import type { DocumentInfo } from '../../protocol.js'
import type { Session } from '../session.js'
import { countText } from '../words.js'

/** From here on a file is written as it comes, where browsers can. Bytes. */
const DIRECT_FROM = 256 << 20
/** A Blob's URL is needed until the browser has begun to read it. Milliseconds. */
const URL_MS = 60_000

type Picker = (options: { suggestedName: string }) => Promise<FileSystemFileHandle>

/** Where it is to go. undefined: into a Blob; null: the user does not want it any more. */
async function placeFor(name: string, bytes: number): Promise<FileSystemFileHandle | undefined | null> {
  const { showSaveFilePicker } = globalThis as { showSaveFilePicker?: Picker }
  if (bytes < DIRECT_FROM || showSaveFilePicker === undefined) return undefined
  try {
    return await showSaveFilePicker({ suggestedName: name })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null
    // Not allowed here, or too long after the click.
    return undefined
  }
}

/** A name that every system takes. */
function safeName(name: string): string {
  const safe = shownText(name)
    .replace(/[/\\:*?"<>|]/g, '_')
    .replace(/^\.+$/, '_')
  return safe === '' ? 'root' : safe
}

export function handOver(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), URL_MS)
}

export async function downloadFile(session: Session, info: DocumentInfo, path: string, size: number): Promise<void> {
  const name = safeName(baseName(path))
  const place = await placeFor(name, size)
  if (place === null) return
  const blob = await session.work(`Reading ${name}`, (job, listener) =>
    session.engine.downloads.file(info.id, path, place, job, listener),
  )
  if (blob !== undefined) handOver(blob, name)
}

export async function downloadFolder(session: Session, info: DocumentInfo, path: string): Promise<void> {
  const name = `${safeName(baseName(path))}.tar`
  const weight: Weight | undefined = await session.work(`Counting what is in ${name.slice(0, -4)}`, (job, listener) =>
    session.engine.downloads.weigh(info.id, path, job, listener),
  )
  if (weight === undefined) return
  const place = await placeFor(name, weight.bytes)
  if (place === null) return
  const blob = await session.work(`Packing ${name}`, async (job, listener) => {
    const packed = await session.engine.downloads.folder(info.id, path, place, weight.bytes, job, listener)
    if (weight.sockets > 0)
      session.say(`${countText(weight.sockets)} sockets are not in ${name}: a tar can’t hold them.`)
    return packed
  })
  if (blob !== undefined) handOver(blob, name)
}
