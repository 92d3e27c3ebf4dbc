// The one hash primitive that everything here is built on; a host supplies it (Node's crypto, a WebAssembly library).

/** SHA-256 of a byte string: 32 bytes. Synchronous, since a read that has its bytes must not wait. */
export type Sha256 = (data: Uint8Array) => Uint8Array
