// What a gzip file holds, as the browser unpacks it, with a limit. Not here: what it is.

import { checkUnpacked } from './intake-items.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

/** Bytes that are kept in memory before they become part of a Blob, which the browser may put elsewhere. */
const PART = 8 << 20

/** Throws a PlainError for what is damaged, or unpacks to absurdly much. */
export async function gunzip(file: Blob, name: string, job: Job): Promise<Blob> {
  const reader = file.stream().pipeThrough(new DecompressionStream('gzip')).getReader()
  const parts: Blob[] = []
  let pieces: Uint8Array<ArrayBuffer>[] = []
  let held = 0
  let size = 0
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      pieces.push(read.value)
      held += read.value.length
      size += read.value.length
      checkUnpacked(size, file.size, name)
      if (held >= PART) {
        parts.push(new Blob(pieces))
        pieces = []
        held = 0
      }
      await job.pause(size, 0)
    }
    return new Blob([...parts, ...pieces])
  } catch (error) {
    if (error instanceof PlainError) throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new PlainError('EUCLEAN', `${name} is damaged or cut short. Fetch it again, or pack it anew. [${why}]`)
  } finally {
    void reader.cancel().catch(() => {})
  }
}
