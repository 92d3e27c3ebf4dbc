// Is an object in the store, of the right size, with the digest that the image gives for it? Read to its end, a piece at a time, and
// nothing that was checked before counts. Not here: which objects there are (verify.ts).

import { isErrnoName } from '../../format/errno.js'
import type { Sha256 } from '../../format/hash.js'
import { toHex } from '../../format/hex.js'
import { IntegrityError } from '../../format/integrity.js'
import { VerityHasher } from '../../format/verity.js'
import type { WantedObject } from '../../overlay/image-check.js'
import type { ObjectStore, StoredObject } from '../../store/object-store.js'
import type { Finding } from '../reports.js'
import { CANCELLED } from './jobs.js'

/** Bytes of one read. */
const PIECE = 1 << 20

/** What is wrong with an object; undefined where nothing is. `read` is told of bytes that were hashed, and waited for. */
export async function checkObject(
  store: ObjectStore,
  name: string,
  { size, digest, path }: WantedObject,
  sha256: Sha256,
  read: (bytes: number) => Promise<void>,
): Promise<Finding | undefined> {
  const of = { path, object: name }
  let opened: StoredObject | undefined
  try {
    opened = await store.open(name)
    if (opened.size !== size) {
      const text = `The object has ${opened.size} bytes, not ${size}.`
      return { ...of, kind: 'size', text, expected: String(size), actual: String(opened.size) }
    }
    const hasher = new VerityHasher(sha256)
    for (let at = 0; at < size; at += PIECE) {
      const piece = await opened.read(at, Math.min(PIECE, size - at))
      if (piece.length === 0) return { ...of, kind: 'unreadable', text: `The object ends after ${at} bytes.` }
      hasher.update(piece)
      await read(piece.length)
    }
    const actual = toHex(hasher.digest())
    if (digest === undefined)
      return { ...of, kind: 'unchecked', text: 'The image gives no digest to check it by.', actual }
    const expected = toHex(digest)
    if (expected === actual) return undefined
    return { ...of, kind: 'digest', text: 'The object has another fs-verity digest.', expected, actual }
  } catch (error) {
    if (!(error instanceof Error) || error.name === CANCELLED) throw error
    const code = 'code' in error && isErrnoName(error.code) ? error.code : 'EIO'
    if (code === 'ENOENT') return { ...of, kind: 'missing', text: 'The object is not in the store.' }
    // A cache that checks what it fetches has found it before us.
    const { cause } = error
    if (cause instanceof IntegrityError && typeof cause.expected === 'string') {
      const [expected, actual] = [cause.expected, String(cause.actual)]
      return { ...of, kind: 'digest', text: 'The object has another fs-verity digest.', expected, actual }
    }
    return { ...of, kind: 'unreadable', text: `The object can’t be read: ${error.message}` }
  } finally {
    opened?.close()
  }
}
