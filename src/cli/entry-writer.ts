// How `composefs ls` writes what it finds: as GNU ls does, or as JSON. Not here: what is found, and in which order.

import { linkTarget, type Records } from '../../wasm/records.js'
import { errnoName, errnoText } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { entryJson } from './entry-json.js'
import { complain, printable } from './failure.js'
import { LongFormat } from './long-format.js'
import type { StandardOutput } from './standard-output.js'

const { S_IFMT, S_IFLNK } = CONSTANTS
const NEWLINE = 0x0a
const COLON = 0x3a
const SLASH = 0x2f
/** What stands for the numbers of an entry whose inode can't be read. */
const UNKNOWN = '?????????? ? ? ? ?                                   ? '

/** Takes a listing: for each directory its heading, then `begin`, all entries for their widths, all entries to write. */
export interface EntryWriter {
  /** Something was wrong and has been said. */
  readonly failed: boolean
  directory(path: Uint8Array, length: number, first: boolean): void
  begin(): void
  fit(records: Records, from: number, to: number): void
  /** The entry of record `i`, below the directory that is the first `length` bytes of `path`. */
  entry(records: Records, i: number, path: Uint8Array, length: number): void
  /** The inode of record `i` under a name that is a whole path. */
  named(records: Records, i: number, path: Uint8Array): void
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** The path of an entry: a directory's, a slash, its name. */
function joined(records: Records, i: number, path: Uint8Array, length: number): Uint8Array {
  const from = records.nameFrom(i)
  const slash = length > 0 && path[length - 1] !== SLASH ? 1 : 0
  const out = new Uint8Array(length + slash + records.nameLength(i))
  out.set(path.subarray(0, length))
  if (slash === 1) out[length] = SLASH
  out.set(records.bytes.subarray(from, from + records.nameLength(i)), length + slash)
  return out
}

function complainOf(path: Uint8Array, errno: number): void {
  const code = errnoName(errno)
  complain('composefs', `ls: ${printable(text(path))}: ${errnoText(code)} (${code})`)
}

export class TextEntries implements EntryWriter {
  failed = false
  readonly #image: Image
  readonly #out: StandardOutput
  readonly #long: LongFormat | undefined
  readonly #headings: boolean
  readonly #target = { from: 0, to: 0 }

  constructor(image: Image, out: StandardOutput, { long, headings }: { long: boolean; headings: boolean }) {
    this.#image = image
    this.#out = out
    this.#long = long ? new LongFormat(image) : undefined
    this.#headings = headings
  }

  directory(path: Uint8Array, length: number, first: boolean): void {
    if (!this.#headings) return
    const { text: to } = this.#out
    if (!first) to.byte(NEWLINE)
    to.raw(path, 0, length)
    to.byte(COLON)
    to.byte(NEWLINE)
  }

  begin(): void {
    this.#long?.clear()
  }

  fit(records: Records, from: number, to: number): void {
    this.#long?.fit(records, from, to)
  }

  named(records: Records, i: number, path: Uint8Array): void {
    const { text: to } = this.#out
    this.#long?.write(to, records, i)
    to.raw(path, 0, path.length)
    if (this.#long !== undefined && (records.mode(i) & S_IFMT) === S_IFLNK) {
      const r = linkTarget(this.#image.core, records.nid(i), this.#target)
      if (r < 0) this.#broken(-r, path)
      else this.#writeTarget(records)
    }
    to.byte(NEWLINE)
  }

  entry(records: Records, i: number, path: Uint8Array, length: number): void {
    const { text: to } = this.#out
    const error = records.error(i)
    if (error !== 0) this.#broken(error, joined(records, i, path, length))
    const from = records.nameFrom(i)
    if (this.#long !== undefined) {
      if (error !== 0) to.latin1(UNKNOWN)
      else this.#long.write(to, records, i)
    }
    to.block(records.view, from, records.nameLength(i))
    if (this.#long !== undefined && error === 0 && (records.mode(i) & S_IFMT) === S_IFLNK) {
      const r = linkTarget(this.#image.core, records.nid(i), this.#target)
      if (r < 0) this.#broken(-r, joined(records, i, path, length))
      else this.#writeTarget(records)
    }
    to.byte(NEWLINE)
    this.#out.spill()
  }

  #broken(errno: number, path: Uint8Array): void {
    this.failed = true
    complainOf(path, errno)
  }

  #writeTarget(records: Records): void {
    const { text: to } = this.#out
    to.latin1(' -> ')
    to.block(records.view, this.#target.from, this.#target.to - this.#target.from)
  }
}

/** One array of objects, an entry a line; call `end` after the last one. */
export class JsonEntries implements EntryWriter {
  failed = false
  readonly #image: Image
  readonly #out: StandardOutput
  #any = false

  constructor(image: Image, out: StandardOutput) {
    this.#image = image
    this.#out = out
  }

  directory(): void {}
  begin(): void {}
  fit(): void {}

  entry(records: Records, i: number, path: Uint8Array, length: number): void {
    this.named(records, i, joined(records, i, path, length))
  }

  named(records: Records, i: number, at: Uint8Array): void {
    const error = records.error(i)
    if (error !== 0) complainOf(at, error)
    const object = error !== 0 ? undefined : entryJson(this.#image, records, i, at)
    if (object === undefined) this.failed = true
    const line = JSON.stringify(object ?? { path: text(at), error: errnoName(error) })
    this.#out.text.latin1(this.#any ? ',\n ' : '[')
    const bytes = new TextEncoder().encode(line)
    this.#out.text.raw(bytes, 0, bytes.length)
    this.#any = true
    this.#out.spill()
  }

  end(): void {
    this.#out.text.latin1(this.#any ? ']\n' : '[]\n')
    this.#out.flush()
  }
}
