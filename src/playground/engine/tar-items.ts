// The entries of a tar, whose bytes stay where they are: a library reads the headers, which alone are given to it, and of what
// it skips it gets zeros. Not here: what becomes of the entries. What that library leaves out of a header is read here.
//
//   ustar header  … typeflag 156 (1) … devmajor 329 (8, octal) devminor 337 (8, octal) …

import { createTarDecoder, type ParsedTarEntry, type TarHeader } from 'modern-tar'
import { checkCount, fileBody, type Item, type ItemType, itemPath, type Time } from './intake-items.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

const BLOCK = 512
const TYPEFLAG = 156
const DEVMAJOR = 329
const DEVMINOR = 337
const DEVICE_LENGTH = 8
/** Bytes of the archive that are read at a time. */
const WINDOW = 1 << 18
/** Bytes of headers before one entry. */
const HEADERS_MAX = 16 << 20
const ZEROS = 1 << 20
const XATTR = 'SCHILY.xattr.'

const TYPES: Readonly<Record<string, ItemType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'chr',
  '4': 'blk',
  '5': 'dir',
  '6': 'fifo',
}

/** Reads a file block by block. */
class Blocks {
  readonly #file: Blob
  #window: Uint8Array<ArrayBuffer> = new Uint8Array(0)
  #start = 0
  at = 0

  constructor(file: Blob) {
    this.#file = file
  }

  get size(): number {
    return this.#file.size
  }

  /** The next block, or less at the end. */
  async next(): Promise<Uint8Array<ArrayBuffer>> {
    const { at } = this
    if (at < this.#start || at + BLOCK > this.#start + this.#window.length) {
      this.#start = at
      this.#window = new Uint8Array(await this.#file.slice(at, at + WINDOW).arrayBuffer())
    }
    const block = this.#window.slice(at - this.#start, at - this.#start + BLOCK)
    this.at += block.length
    return block
  }
}

function cutShort(name: string): PlainError {
  return new PlainError('EUCLEAN', `${name} is cut short, or no proper tar. Fetch it again, or pack it anew.`)
}

function octal(block: Uint8Array, at: number): number {
  const digits = /^[0-7]+/.exec(String.fromCharCode(...block.subarray(at, at + DEVICE_LENGTH)).trimStart())
  return digits === null ? 0 : Number.parseInt(digits[0], 8)
}

/** Values of xattrs as bytes, out of the very records: the library has them as text, which loses what is no UTF-8. */
function xattrsOf(headers: readonly Uint8Array[]): Record<string, Uint8Array> {
  const xattrs: Record<string, Uint8Array> = Object.create(null)
  const all = new Uint8Array(headers.length * BLOCK)
  for (const [index, block] of headers.entries()) all.set(block, index * BLOCK)
  const text = new TextDecoder('latin1').decode(all)
  for (let at = text.indexOf(XATTR); at >= 0; at = text.indexOf(XATTR, at + 1)) {
    const record = /(\d{1,8}) $/.exec(text.slice(Math.max(0, at - 9), at))
    const equals = text.indexOf('=', at)
    if (record === null || equals < 0) continue
    const start = at - record[0].length
    const end = start + Number(record[1]) - 1
    if (end > all.length || equals >= end || all[end] !== 0x0a) continue
    const key = new TextDecoder().decode(all.subarray(at + XATTR.length, equals))
    xattrs[key] = all.slice(equals + 1, end)
    at = end
  }
  return xattrs
}

function timeOf({ mtime, pax }: TarHeader): Time {
  const exact = /^(-?\d{1,15})(?:\.(\d{1,9})\d*)?$/.exec(pax?.['mtime'] ?? '')
  if (exact !== null && !exact[1].startsWith('-')) {
    return { seconds: Number(exact[1]), nsec: Number((exact[2] ?? '').padEnd(9, '0')) }
  }
  const seconds = Math.floor((mtime?.getTime() ?? 0) / 1000)
  return { seconds: Number.isSafeInteger(seconds) ? seconds : 0, nsec: 0 }
}

function itemOf(header: TarHeader, headers: readonly Uint8Array[], body: Blob, name: string): Item {
  const own = headers[headers.length - 1]
  const type = header.type === 'directory' ? 'dir' : TYPES[String.fromCharCode(own[TYPEFLAG])]
  const sparse = Object.keys(header.pax ?? {}).some(key => key.startsWith('GNU.sparse.'))
  if (type === undefined || sparse) {
    throw new PlainError(
      'ENOTSUP',
      `${name} holds ${header.name} in a form that is not read here. Pack it anew as pax.`,
    )
  }
  const device = type === 'chr' || type === 'blk'
  const target = type === 'link' ? itemPath(header.linkname ?? '', name) : header.linkname
  return {
    path: itemPath(header.name, name),
    type,
    body: type === 'file' ? fileBody(body) : undefined,
    mode: (header.mode ?? 0) & 0o7777,
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    mtime: timeOf(header),
    target: type === 'link' || type === 'symlink' ? target : undefined,
    major: device ? octal(own, DEVMAJOR) : undefined,
    minor: device ? octal(own, DEVMINOR) : undefined,
    xattrs: header.pax === undefined ? undefined : xattrsOf(headers),
  }
}

/** All entries of a tar. Throws a PlainError for what is damaged, too large, or leads out of it. */
export async function tarItems(file: Blob, name: string, job: Job): Promise<Item[]> {
  const items: Item[] = []
  const blocks = new Blocks(file)
  const { readable, writable } = createTarDecoder({ strict: true })
  const writer = writable.getWriter()
  const reader = readable.getReader()
  // Told by `write` already.
  writer.closed.catch(() => {})
  reader.closed.catch(() => {})
  try {
    for (;;) {
      const found = await nextEntry(blocks, writer, reader, name)
      if (found === undefined) return items
      const { entry, headers } = found
      const { size } = entry.header
      const start = blocks.at
      if (!(size >= 0) || start + size > file.size) throw cutShort(name)
      items.push(itemOf(entry.header, headers, file.slice(start, start + size), name))
      checkCount(items.length, name)
      await entry.body.cancel()
      const padded = Math.ceil(size / BLOCK) * BLOCK
      for (let left = padded; left > 0; left -= ZEROS) await writer.write(new Uint8Array(Math.min(left, ZEROS)))
      blocks.at = start + padded
      await job.pause(blocks.at, file.size)
    }
  } catch (error) {
    throw error instanceof PlainError ? error : cutShort(name)
  } finally {
    void reader.cancel().catch(() => {})
  }
}

/** The next entry and the blocks of its headers; undefined at the end of the archive. */
async function nextEntry(
  blocks: Blocks,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  reader: ReadableStreamDefaultReader<ParsedTarEntry>,
  name: string,
): Promise<{ entry: ParsedTarEntry; headers: readonly Uint8Array[] } | undefined> {
  const headers: Uint8Array[] = []
  const got: { entry?: ParsedTarEntry; failed?: unknown } = {}
  void reader.read().then(
    read => {
      got.entry = read.value
    },
    error => {
      got.failed = error
    },
  )
  let zeros = 0
  while (got.entry === undefined && got.failed === undefined) {
    const block = await blocks.next()
    zeros = block.some(byte => byte !== 0) ? 0 : zeros + 1
    // Two blocks of zeros end a tar; so does the end of the file between two entries.
    if (zeros === 2 || (block.length === 0 && headers.length === 0)) return undefined
    if (block.length < BLOCK || headers.length * BLOCK > HEADERS_MAX) throw cutShort(name)
    headers.push(block)
    await writer.write(block)
  }
  if (got.failed !== undefined || got.entry === undefined) throw cutShort(name)
  return { entry: got.entry, headers }
}
