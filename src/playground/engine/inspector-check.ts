// Checks an object of a store: reads all of it and compares its fs-verity digest with the one that an image gives. Not here: reads
// through a mount, which check block by block.

import { toHex } from '../../format/hex.js'
import { IntegrityError } from '../../format/integrity.js'
import { VerityHasher } from '../../format/verity.js'
import type { ObjectStore, StoredObject } from '../../store/object-store.js'
import { wasmSha256 } from '../../store/wasm-sha256.js'
import type { CheckResult } from '../inspection.js'
import type { Job } from './jobs.js'

/** Bytes of one read. */
const PIECE = 1 << 18
const DIFFERS = 'The object does not match: its bytes have another digest. Fetch it again from a source you trust.'

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** What an error says of the object; undefined where it says nothing of it. */
function told(error: unknown, store: ObjectStore): CheckResult | undefined {
  if (codeOf(error) === 'ENOENT')
    return {
      state: 'missing',
      text: `The object is missing: ${store.label} does not have it. Give the store that does.`,
    }
  // A store that caches checks objects as they come, by their names.
  const cause = error instanceof Error ? error.cause : undefined
  if (!(cause instanceof IntegrityError)) return undefined
  const { actual } = cause
  return { state: 'differs', text: DIFFERS, actual: typeof actual === 'string' ? actual : undefined }
}

/** Throws what reading throws where that says nothing of the object. */
export async function checkObject(
  store: ObjectStore,
  name: string,
  digest: string | undefined,
  size: number,
  job: Job,
): Promise<CheckResult> {
  let object: StoredObject | undefined
  try {
    object = await store.open(name)
    const hasher = new VerityHasher(await wasmSha256())
    while (hasher.size < object.size) {
      const part = await object.read(hasher.size, PIECE)
      if (part.length === 0) break
      hasher.update(part)
      await job.pause(hasher.size, object.size)
    }
    return verdict(toHex(hasher.digest()), hasher.size, digest, size)
  } catch (error) {
    const result = told(error, store)
    if (result === undefined) throw error
    return result
  } finally {
    object?.close()
  }
}

function verdict(actual: string, length: number, digest: string | undefined, size: number): CheckResult {
  if (digest === undefined)
    return { state: 'unknown', actual, text: 'The object is there, but the image gives no digest to check it by.' }
  if (length !== size) {
    const text = `The object does not match: it has ${length} bytes, the image says ${size}. Fetch it again from a source you trust.`
    return { state: 'differs', actual, text }
  }
  if (actual === digest)
    return { state: 'matches', actual, text: 'The object matches: its digest is the one that the image gives.' }
  return { state: 'differs', actual, text: DIFFERS }
}
