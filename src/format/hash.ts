// The one hash primitive that everything here is built on; a host supplies it (Node's crypto, a WebAssembly library).
// Not here: how it is computed; trees of hashes (verity-blocks.ts).

/** A hash of byte strings. Synchronous, since a read that has its bytes must not wait. */
export interface HashFunction {
  /** The hash of `data`, in a buffer that is the caller's. */
  (data: Uint8Array): Uint8Array
  /** Writes the hash of `data` to `into` at `at`. For hosts where that costs less than a new buffer for each hash. */
  readonly to?: (data: Uint8Array, into: Uint8Array, at: number) => void
}

/** SHA-256 of a byte string: 32 bytes. */
export type Sha256 = HashFunction

/** SHA-512 of a byte string: 64 bytes. */
export type Sha512 = HashFunction

export type HashName = 'sha256' | 'sha512'

/** A hash that fs-verity knows. */
export interface HashAlgorithm {
  readonly name: HashName
  /** Its number in fs-verity's descriptor, FS_VERITY_HASH_ALG_* of include/uapi/linux/fsverity.h. */
  readonly number: 1 | 2
  /** Bytes of a hash. */
  readonly digestSize: 32 | 64
  readonly hash: HashFunction
}

export function sha256Algorithm(hash: Sha256): HashAlgorithm {
  return { name: 'sha256', number: 1, digestSize: 32, hash }
}

export function sha512Algorithm(hash: Sha512): HashAlgorithm {
  return { name: 'sha512', number: 2, digestSize: 64, hash }
}

/** A bare function is SHA-256, composefs' own hash. */
export function algorithmOf(hash: Sha256 | HashAlgorithm): HashAlgorithm {
  return typeof hash === 'function' ? sha256Algorithm(hash) : hash
}

/**
 * A hash function of a host that can answer a hash as bytes and as a string with a character for each byte. In Node the
 * string costs an eighth of a block's hash less than a buffer does.
 */
export function hashOfStrings(
  bytes: (data: Uint8Array) => Uint8Array,
  text: (data: Uint8Array) => string,
): HashFunction {
  const to = (data: Uint8Array, into: Uint8Array, at: number): void => {
    const hash = text(data)
    for (let i = 0; i < hash.length; i++) into[at + i] = hash.charCodeAt(i)
  }
  return Object.assign((data: Uint8Array) => bytes(data), { to })
}
