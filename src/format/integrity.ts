// What is said of bytes that are not those that were asked for. Not here: who compares them.

/** Bytes that are not those that an image, or a digest, asked for: the `cause` of an EIO. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError'

  constructor(
    message: string,
    /** Digest or hash in hex, or size in bytes, that there should be. */
    readonly expected: string | number,
    /** The one that there is. */
    readonly actual: string | number,
  ) {
    super(`${message}: expected ${expected}, got ${actual}`)
  }
}
