// The sub-commands of composefs-info, as those of the C tool 1.0.8 (spec composefs-tools.md section 2), save its bugs.
// Not here: options and dispatch (composefs-info.main.ts).

import fs from 'node:fs'
import { writeDumpFields, writeEscaped, writeEscapedPath } from '../format/dump-text.js'
import { Fault } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import { TreeEntries } from '../image/tree-entries.js'
import { failure } from './failure.js'
import { Measurer } from './measure.js'
import { ImageFiles } from './open.js'
import type { StandardOutput } from './standard-output.js'
import { isUrl, localPath } from './url.js'

const { S_IFMT, S_IFDIR, S_IFLNK, S_IFREG } = CONSTANTS
const TAB = 0x09
const NEWLINE = 0x0a
const SLASH = 0x2f

export interface InfoOptions {
  readonly filter: ReadonlySet<string> | undefined
  readonly basedir: string | undefined
}

/** Calls back for each entry of each image, one image after the other. Throws a CommandError at the first problem. */
async function eachEntry(
  images: readonly string[],
  options: InfoOptions,
  visit: (entry: TreeEntries) => void,
): Promise<void> {
  const files = new ImageFiles()
  for (const path of images) {
    const image = await files.openAny(path)
    const entries = TreeEntries.open(image, options)
    if (entries instanceof Fault) throw failure('load', path, entries)
    for (;;) {
      const more = entries.next()
      if (more instanceof Fault) throw failure('load', path, more)
      if (!more) break
      visit(entries)
    }
    image.close()
  }
}

export async function dump(out: StandardOutput, images: readonly string[], options: InfoOptions): Promise<void> {
  await eachEntry(images, options, entry => {
    writeEscaped(out.text, entry.path, 0, entry.pathLength)
    writeDumpFields(out.text, entry)
    out.spill()
  })
}

export async function ls(out: StandardOutput, images: readonly string[], options: InfoOptions): Promise<void> {
  const { text } = out
  await eachEntry(images, options, entry => {
    if (entry.depth === 0) return
    writeEscapedPath(text, entry.path, 0, entry.pathLength)
    const type = entry.mode & S_IFMT
    const { payload } = entry
    if (!entry.hardLink) {
      if (type === S_IFDIR) {
        text.byte(SLASH)
        text.byte(TAB)
      } else if (type === S_IFLNK) {
        text.latin1('\t-> ')
        writeEscaped(text, payload.bytes, payload.from, payload.to)
      } else if (type === S_IFREG && payload.from >= 0) {
        text.latin1('\t@ ')
        writeEscaped(text, payload.bytes, payload.from, payload.to)
      }
    }
    text.byte(NEWLINE)
    out.spill()
  })
}

/** The distinct payloads of regular files, a character a byte, in byte order. */
async function payloads(images: readonly string[], options: InfoOptions): Promise<string[]> {
  const found = new Set<string>()
  await eachEntry(images, options, ({ mode, hardLink, payload }) => {
    if ((mode & S_IFMT) !== S_IFREG || hardLink || payload.from < 0) return
    const { bytes, from, to } = payload
    found.add(Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('latin1'))
  })
  return [...found].sort()
}

function printPayloads(out: StandardOutput, names: Iterable<string>): void {
  for (const name of names) {
    out.text.latin1(name)
    out.text.byte(NEWLINE)
    out.spill()
  }
}

export async function objects(out: StandardOutput, images: readonly string[], options: InfoOptions): Promise<void> {
  printPayloads(out, await payloads(images, options))
}

/** Throws a CommandError unless a basedir is a directory, as the C tool does whether or not it needs one. */
export function checkBasedir(basedir: string): void {
  if (isUrl(basedir)) return
  try {
    fs.closeSync(fs.openSync(localPath(basedir), fs.constants.O_RDONLY | (fs.constants.O_DIRECTORY ?? 0)))
  } catch (error) {
    throw failure('basedir', basedir, error)
  }
}

/** Without a basedir everything is missing. */
export async function missingObjects(
  out: StandardOutput,
  images: readonly string[],
  options: InfoOptions,
): Promise<void> {
  const { basedir } = options
  if (basedir === undefined) return objects(out, images, options)
  const wanted = await payloads(images, options)
  if (isUrl(basedir)) {
    const { missingIn } = await import('./remote-missing.js')
    printPayloads(out, await missingIn(basedir, wanted))
    return
  }
  const prefix = binaryString(Buffer.from(`${localPath(basedir)}/`))
  const isThere = (name: string) => {
    // What would lead out of the store is no object of it.
    if (name.split('/').includes('..') || name.includes('\0')) return false
    const path = Buffer.from(binaryBytes(prefix + name.replace(/^\/+/, '')))
    try {
      return fs.statSync(path, { throwIfNoEntry: false }) !== undefined
    } catch {
      return false
    }
  }
  printPayloads(
    out,
    wanted.filter(name => !isThere(name)),
  )
}

/** The kernel's own digest, where it has one, is the same: SHA-256 over blocks of 4096 bytes without salt. */
export async function measureFile(out: StandardOutput, paths: readonly string[]): Promise<void> {
  const measurer = new Measurer()
  try {
    for (const path of paths) {
      try {
        out.text.latin1(`${toHex(await measurer.measure(path))}\n`)
      } catch (error) {
        throw failure('measure', path, error)
      }
      out.spill()
    }
  } finally {
    await measurer.close()
  }
}
