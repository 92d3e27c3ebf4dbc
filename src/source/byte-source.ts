// Bytes of known number that are read by ranges, wherever they are: a file on a web server, an object of a store, an
// image that is opened lazily. Not here: any kind of them, and what the bytes mean.

export interface ByteSource {
  /** Bytes. */
  readonly size: number
  /**
   * Up to `length` bytes from `offset`; fewer only at the end. The bytes are the caller's from then on: no view of
   * what is kept. Rejects with an Error that has a `code`.
   */
  read(offset: number, length: number): Promise<Uint8Array>
  /** The same without waiting for others, where that can be done: it may block. */
  readSync?(offset: number, length: number): Uint8Array
  /** Gives back what is held, once reads under way have ended; reading afterwards is an error (EBADF). */
  close(): void
}
