// How `composefs ls` writes what it finds: as GNU ls does, or as JSON. Not here: what is found, and in which order.

import { LongLines } from '../../wasm/long-lines.js'
import { type Records, readBatch } from '../../wasm/records.js'
import { errnoName, errnoText } from '../format/errno.js'
import { QUERY_FLAGS } from '../format/structs.js'
import type { TextBuffer } from '../format/text-buffer.js'
import type { Image } from '../image/image.js'
import { entryJson } from './entry-json.js'
import { complain, printable } from './failure.js'
import type { StandardOutput } from './standard-output.js'

const NEWLINE = 0x0a
const COLON = 0x3a
const SLASH = 0x2f
/** Which part of a directory's entries a call brings. */
export interface Part {
  /** The directory's. */
  readonly nid: number
  /** Nothing of the directory came before. */
  readonly first: boolean
  /** These are all. */
  readonly whole: boolean
}

/** Takes a listing, one directory after the other. */
export interface EntryWriter {
  /** Something was wrong and has been said. */
  readonly failed: boolean
  directory(path: Uint8Array, length: number, first: boolean): void
  /** Records `from`…`to` of the core's table, which `records` has copied, of the directory named by `path`. */
  entries(records: Records, from: number, to: number, path: Uint8Array, length: number, part: Part): void
  /** Is told of each single inode, the first of the table, before any is to be written. */
  expect(): void
  /** The inode of the table's first record, under a name that is a whole path. */
  named(records: Records, path: Uint8Array): void
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

/** The path of an entry: a directory's, a slash, its name. */
function joined(name: Uint8Array, path: Uint8Array, length: number): Uint8Array {
  const slash = length > 0 && path[length - 1] !== SLASH ? 1 : 0
  const out = new Uint8Array(length + slash + name.length)
  out.set(path.subarray(0, length))
  if (slash === 1) out[length] = SLASH
  out.set(name, length + slash)
  return out
}

function nameOf(records: Records, i: number): Uint8Array {
  const from = records.nameFrom(i)
  return records.bytes.subarray(from, from + records.nameLength(i))
}

function complainOf(path: Uint8Array, errno: number): void {
  const code = errnoName(errno)
  complain('composefs', `ls: ${printable(text(path))}: ${errnoText(code)} (${code})`)
}

/** Headings of directories, as `ls` writes them. */
function writeHeading(to: TextBuffer, path: Uint8Array, length: number, first: boolean): void {
  if (!first) to.byte(NEWLINE)
  to.raw(path, 0, length)
  to.byte(COLON)
  to.byte(NEWLINE)
}

/** Names, one a line. */
export class NameEntries implements EntryWriter {
  failed = false
  readonly #out: StandardOutput
  readonly #headings: boolean

  constructor(out: StandardOutput, headings: boolean) {
    this.#out = out
    this.#headings = headings
  }

  directory(path: Uint8Array, length: number, first: boolean): void {
    if (this.#headings) writeHeading(this.#out.text, path, length, first)
  }

  entries(records: Records, from: number, to: number, path: Uint8Array, length: number): void {
    const { text: out } = this.#out
    for (let i = from; i < to; i++) {
      const error = records.error(i)
      if (error !== 0) {
        this.failed = true
        complainOf(joined(nameOf(records, i), path, length), error)
      }
      const name = records.nameFrom(i)
      out.raw(records.bytes, name, name + records.nameLength(i))
      out.byte(NEWLINE)
      this.#out.spill()
    }
  }

  expect(): void {}

  named(_records: Records, path: Uint8Array): void {
    this.#out.text.raw(path, 0, path.length)
    this.#out.text.byte(NEWLINE)
  }
}

/** Lines of `ls -ln --time-style=full-iso`, which the core formats. */
export class LongEntries implements EntryWriter {
  failed = false
  readonly #image: Image
  readonly #out: StandardOutput
  readonly #headings: boolean
  readonly #lines: LongLines
  #begun = false

  constructor(image: Image, out: StandardOutput, headings: boolean) {
    this.#image = image
    this.#out = out
    this.#headings = headings
    // Flag 0 of the composefs header; without it the image is mounted with `noacl`.
    const acls = image.format !== 'composefs' || (image.superblock.composefsFlags & 1) !== 0
    this.#lines = new LongLines(image.core, acls)
  }

  directory(path: Uint8Array, length: number, first: boolean): void {
    if (this.#headings) writeHeading(this.#out.text, path, length, first)
  }

  entries(_records: Records, from: number, to: number, path: Uint8Array, length: number, part: Part): void {
    if (part.whole) {
      this.#complain(this.#lines.whole(from, to, this.#take), from, to, path, length)
    } else if (part.first) {
      // The columns depend on entries that are still to come, so the directory is read for itself, twice.
      this.#lines.clear()
      this.#each(part.nid, count => this.#lines.fit(0, count))
      this.#each(part.nid, count => this.#write(0, count, path, length))
    }
  }

  #each(nid: number, take: (count: number) => void): void {
    const flags = QUERY_FLAGS.Q_STAT | this.#image.queryFlags
    for (let cookie = 0; cookie >= 0; ) {
      const batch = readBatch(this.#image.core, nid, cookie, flags)
      // Who brings the entries meets the same error.
      if (batch.count < 0) return
      take(batch.count)
      cookie = batch.cookie
    }
  }

  readonly #take = (bytes: Uint8Array, begin: number, end: number): void => {
    this.#out.text.raw(bytes, begin, end)
    this.#out.spill()
  }

  #write(from: number, to: number, path: Uint8Array, length: number): void {
    this.#complain(this.#lines.write(from, to, this.#take), from, to, path, length)
  }

  #complain(errors: number, from: number, to: number, path: Uint8Array, length: number): void {
    if (errors === 0) return
    this.failed = true
    const { core } = this.#image
    for (let i = from; i < to; i++) {
      if (core.error(i) !== 0) complainOf(joined(core.nameBytes(i), path, length), core.error(i))
    }
  }

  expect(): void {
    if (!this.#begun) this.#lines.clear()
    this.#begun = true
    this.#lines.fit(0, 1)
  }

  named(_records: Records, path: Uint8Array): void {
    if (this.#lines.writeNamed(path, this.#take) === 0) return
    this.failed = true
    complainOf(path, this.#image.core.error(0))
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
  expect(): void {}

  entries(records: Records, from: number, to: number, path: Uint8Array, length: number): void {
    for (let i = from; i < to; i++) this.#one(records, i, joined(nameOf(records, i), path, length))
  }

  named(records: Records, path: Uint8Array): void {
    this.#one(records, 0, path)
  }

  #one(records: Records, i: number, at: Uint8Array): void {
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
