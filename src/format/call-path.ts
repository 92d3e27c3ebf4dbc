// Paths as byte strings with a character a byte, and how system calls take them: names on disk need not be UTF-8, and a
// path can be longer than a call takes. Not here: what is done with a path.

import { binaryBytes, binaryString } from './xattr-name.js'

/** Linux takes 4095 bytes as one path; half of that leaves room for what is put in front. */
const PIECE_MAX = 2048
// biome-ignore lint/suspicious/noControlCharactersInRegex: any character that is a byte of its own in UTF-8
const ASCII = /^[\x00-\x7f]*$/

/** Text's UTF-8 bytes. */
export function utf8Binary(text: string): string {
  return ASCII.test(text) ? text : binaryString(new TextEncoder().encode(text))
}

/** A path, given as text or as bytes. */
export function binaryPath(path: string | Uint8Array): string {
  return typeof path === 'string' ? utf8Binary(path) : binaryString(path)
}

/** For people: as UTF-8, an invalid sequence as U+FFFD. */
export function pathText(path: string): string {
  return ASCII.test(path) ? path : new TextDecoder().decode(binaryBytes(path))
}

/** As a call of an `fs` takes it: as text where that is the same. */
export function callPath(path: string): string | Buffer {
  if (ASCII.test(path)) return path
  const bytes = binaryBytes(path)
  // memfs takes any other Uint8Array for a list of numbers; a host without Buffer has an fs that needs none.
  return typeof Buffer === 'undefined' ? (bytes as Buffer) : Buffer.from(bytes.buffer)
}

/**
 * Cuts a path behind slashes into pieces of at most `max` bytes (more where a single name is longer). All but the last
 * end in a slash, and none but the first begins with one.
 */
export function pathPieces(path: string, max = PIECE_MAX): string[] {
  const pieces: string[] = []
  let from = 0
  while (path.length - from > max) {
    let to = path.lastIndexOf('/', from + max - 1)
    if (to <= from) to = path.indexOf('/', from + 1)
    if (to < 0) break
    while (path[to + 1] === '/') to++
    pieces.push(path.slice(from, to + 1))
    from = to + 1
  }
  if (from < path.length || pieces.length === 0) pieces.push(path.slice(from))
  return pieces
}

export interface Opening {
  /** Opens a path, the last of several or the only one, or a directory on the way to it. Answers a descriptor. */
  open(path: string | Buffer, last: boolean): number
  close(fd: number): void
}

/**
 * Opens a path of any length: where it is too long by pieces, each below the one before it. `descriptors` is where the host
 * shows open descriptors as directories (Linux: /proc/self/fd); undefined where it does not.
 */
export function openAnyLength(path: string, { open, close }: Opening, descriptors: string | undefined): number {
  if (path.length <= PIECE_MAX || descriptors === undefined) return open(callPath(path), true)
  const pieces = pathPieces(path)
  let fd = -1
  for (const [i, piece] of pieces.entries()) {
    const above = fd
    try {
      fd = open(callPath(above < 0 ? piece : `${descriptors}/${above}/${piece}`), i === pieces.length - 1)
    } finally {
      if (above >= 0) close(above)
    }
  }
  return fd
}
