// composefs ls: lists directories of an image as `ls -A` lists them on its mount, `-l` and `-R` included.

import { Records, readBatch } from '../../wasm/records.js'
import { errnoName, Fault, fault } from '../format/errno.js'
import { nameTooLong } from '../format/limits.js'
import { CONSTANTS, QUERY_FLAGS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { parseArguments } from './arguments.js'
import { bringDirectory, bringInode } from './bring.js'
import { type EntryWriter, JsonEntries, LongEntries, NameEntries } from './entry-writer.js'
import { complain, failure, wrongUsage } from './failure.js'
import { IMAGE_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { ImageFiles } from './open.js'
import { find } from './paths.js'
import { StandardOutput } from './standard-output.js'
import { TreeListing } from './tree-listing.js'

export const LS_HELP = `Usage: composefs ls [-l] [-R] [--json] [--digest HEX] IMAGE [PATH...]

Lists directories of an image: the root unless PATHs are given. IMAGE may be an http(s) or s3 URL; without -R only what is
needed is fetched of it.

  -l             as \`ls -ln --time-style=full-iso\` does, times in UTC
  -R             everything below
  --json         an array of objects, whatever -l says
  --digest HEX   the fs-verity digest that the image must have
  --device PATH  a further device of the image, a path or URL; repeated, in the order of its device table
${LIMITS_HELP}`

const { S_IFMT, S_IFDIR } = CONSTANTS
const OPTIONS = {
  long: { type: 'boolean', short: 'l' },
  recursive: { type: 'boolean', short: 'R' },
  json: { type: 'boolean' },
  ...IMAGE_OPTIONS,
} as const

interface Target {
  readonly path: string
  readonly nid: number
  readonly depth: number
}

/** Paths that are no directories, each under the name by which it was given. */
function listFiles(image: Image, paths: readonly string[], writer: EntryWriter, follow: boolean): void {
  // The core's table holds the record of what was found last.
  const found = paths.filter(path => {
    if (find(image, path, follow) instanceof Fault) return false
    writer.expect()
    return true
  })
  const records = new Records(image.core)
  for (const path of found) {
    find(image, path, follow)
    records.truncate(0)
    records.append(1)
    writer.named(records, new TextEncoder().encode(path))
  }
}

function nameBeyond(records: Records, { limits: { maxNameBytes } }: Image): Fault | undefined {
  for (let i = 0; i < records.length; i++) {
    const length = records.nameLength(i)
    if (length > maxNameBytes) return nameTooLong(length, maxNameBytes)
  }
  return undefined
}

function listDirectory(image: Image, { nid, path }: Target, writer: EntryWriter, first: boolean): Fault | undefined {
  const records = new Records(image.core)
  const flags = QUERY_FLAGS.Q_STAT | image.queryFlags
  const name = new TextEncoder().encode(path)
  writer.directory(name, name.length, first)
  for (let cookie = 0; cookie >= 0; ) {
    const begins = cookie === 0
    const batch = readBatch(image.core, nid, cookie, flags)
    if (batch.count < 0) return image.fault(batch.count, path)
    cookie = batch.cookie
    records.truncate(0)
    records.append(batch.count)
    const beyond = nameBeyond(records, image)
    if (beyond !== undefined) return beyond
    writer.entries(records, 0, batch.count, name, name.length, { nid, first: begins, whole: begins && cookie < 0 })
  }
  return undefined
}

function listTree(image: Image, { nid, path, depth }: Target, writer: EntryWriter): Fault | undefined {
  const r = new TreeListing(image, writer).list(nid, new TextEncoder().encode(path), depth)
  if (r instanceof Fault) return r
  if (r >= 0) return undefined
  return image.core.errorDetail() === '' ? fault(errnoName(-r)) : image.fault(r, path)
}

export async function ls(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs ls --help')
  const [file, ...paths] = positionals
  if (file === undefined) throw wrongUsage('ls: no image given', 'composefs ls --help')
  const { long = false, recursive = false, json = false, digest, device } = values
  const limits = limitsGiven(values, 'composefs ls --help')
  const image = await new ImageFiles({ limits, devices: device }).openAny(file, { digest, lazy: !recursive })
  const out = new StandardOutput()
  const headings = recursive || paths.length > 1
  const text = long ? new LongEntries(image, out, headings) : new NameEntries(out, headings)
  const writer = json ? new JsonEntries(image, out) : text
  let failed = false
  const complainAbout = (path: string, why: unknown) => {
    failed = true
    complain('composefs', failure('ls', path, why).message)
  }
  const files: string[] = []
  const directories: Target[] = []
  // GNU ls follows a symlink on the command line to a directory, but not with -l.
  const follow = !long
  for (const path of paths.length === 0 ? ['.'] : paths) {
    const found = (await bringInode(image, path, follow)) ?? find(image, path, follow)
    if (found instanceof Fault) complainAbout(path, found)
    else if ((found.mode & S_IFMT) === S_IFDIR) directories.push({ path, ...found })
    else files.push(path)
  }
  if (files.length > 0) listFiles(image, files.sort(), writer, follow)
  let first = files.length === 0
  for (const directory of directories) {
    if (recursive && !first && !json) out.text.byte(0x0a)
    const lacks = await bringDirectory(image, directory, long || json)
    const why =
      lacks ?? (recursive ? listTree(image, directory, writer) : listDirectory(image, directory, writer, first))
    if (why !== undefined) complainAbout(directory.path, why)
    first = false
  }
  if (writer instanceof JsonEntries) writer.end()
  out.flush()
  return failed || writer.failed ? 1 : 0
}
