// composefs stat: all that an image says of a path, with where in the image it says so.

import { CfsDetails } from '../../wasm/cfs-details.js'
import { BOX_BASE } from '../../wasm/core-pieces.js'
import { Records } from '../../wasm/records.js'
import { Fault } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { tooManyXattrBytes } from '../format/limits.js'
import { metacopyDigest } from '../format/metacopy.js'
import { CONSTANTS, RECORD_FLAGS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import type { Image } from '../image/image.js'
import { fullXattrName, METACOPY, REDIRECT } from '../image/view.js'
import { xattrBytes } from '../overlay/image-layer.js'
import { answered } from '../overlay/waiting.js'
import { parseArguments } from './arguments.js'
import { bringInode } from './bring.js'
import { bytesJson, type EntryJson, entryJson } from './entry-json.js'
import { complain, failure, printable, wrongUsage } from './failure.js'
import { IMAGE_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { modeText } from './mode-text.js'
import { ImageFiles } from './open.js'
import { find } from './paths.js'
import { StandardOutput } from './standard-output.js'
import { type StorageJson, storageLines, storageOf } from './stat-extents.js'

export const STAT_HELP = `Usage: composefs stat IMAGE PATH... [--json] [--extents] [--digest HEX]

Prints what an image says of paths, symlinks not followed. Of an image at an http(s) or s3 URL only what is needed is fetched.

  --json         an array of objects
  --extents      where in the image each part of a file's data is, in which form, and where it is all zeros
  --digest HEX   the fs-verity digest that the image must have
  --device PATH  a further device of the image, a path or URL; repeated, in the order of its device table
${LIMITS_HELP}`

const OPTIONS = { json: { type: 'boolean' }, extents: { type: 'boolean' }, ...IMAGE_OPTIONS } as const
const EROFS_LAYOUTS = ['flat-plain', 'compressed (full)', 'flat-inline', 'compressed (compact)', 'chunk-based'] as const
const LABEL = 8
const SLOT = 1 << CONSTANTS.EROFS_ISLOTBITS

interface XattrJson {
  readonly name: string
  readonly value: string
  readonly valueHex?: string
}

/** An entry with what only this command shows. Byte offsets are those in the image file. */
interface Facts extends EntryJson, StorageJson {
  /** That of the inode; of one in the metabox, in its data. */
  readonly offset: number
  readonly metabox?: true
  readonly inode: 'compact' | 'extended' | 'cfs-v1'
  /** EROFS'. */
  readonly layout?: string
  /** Seconds and nanoseconds as `mtime`, where the image has one of its own. */
  readonly ctime?: string
  readonly object?: string
  readonly digest?: string
  /** As the mount shows them. */
  readonly xattrs: readonly XattrJson[]
}

interface Xattrs {
  readonly shown: XattrJson[]
  readonly object?: string
  readonly digest?: string
}

function xattrsOf(image: Image, nid: number): Xattrs | Fault {
  const stored = image.core.xattrs(nid)
  if (typeof stored === 'number') return image.fault(stored, 'xattrs')
  const { maxXattrBytes } = image.limits
  if (xattrBytes(stored) > maxXattrBytes) return tooManyXattrBytes(maxXattrBytes)
  const shown: XattrJson[] = []
  let object: string | undefined
  let digest: string | undefined
  for (const { index, rest, value } of stored) {
    const full = fullXattrName(index, binaryString(rest))
    const name = image.view.xattrName(index, full)
    if (name !== undefined) {
      const { value: text, valueHex } = bytesJson('value', value)
      shown.push({ name: new TextDecoder().decode(binaryBytes(name)), value: text, ...(valueHex && { valueHex }) })
    }
    if (!image.view.redirects) continue
    if (full === REDIRECT) object = new TextDecoder().decode(value).replace(/^\//, '')
    if (full === METACOPY) {
      const found = metacopyDigest(value)
      if (found instanceof Fault) return found
      if (found !== undefined) digest = toHex(found)
    }
  }
  return { shown, ...(object !== undefined && { object }), ...(digest !== undefined && { digest }) }
}

/** What an inode of a cfs v1 image says of its data, and its ctime. */
function cfsFacts(image: Image, nid: number, { bytes }: Records, isFile: boolean) {
  const details = new CfsDetails()
  const r = details.load(image.core, nid)
  if (r < 0) return image.fault(r, 'inode')
  const { payload, digest, ctimeLow, ctimeHigh, ctimeNsec } = details
  const seconds = (BigInt(ctimeHigh) << 32n) | BigInt(ctimeLow)
  return {
    inode: 'cfs-v1' as const,
    ctime: `${seconds}.${String(ctimeNsec).padStart(9, '0')}`,
    ...(isFile && payload.from >= 0 && { object: new TextDecoder().decode(bytes.subarray(payload.from, payload.to)) }),
    ...(digest.from >= 0 && { digest: toHex(bytes.subarray(digest.from, digest.to)) }),
  }
}

function erofsFacts(flags: number) {
  return {
    inode: (flags & RECORD_FLAGS.RF_EXTENDED) !== 0 ? ('extended' as const) : ('compact' as const),
    layout: EROFS_LAYOUTS[flags & RECORD_FLAGS.RF_LAYOUT_MASK],
  }
}

function factsOf(image: Image, path: string, extents: boolean): Facts | Fault {
  const found = find(image, path, false)
  if (found instanceof Fault) return found
  const records = new Records(image.core)
  records.append(1)
  const flags = records.flags(0)
  const entry = entryJson(image, records, 0, new TextEncoder().encode(path))
  if (entry === undefined) return new Fault('EUCLEAN', 'symlink without a readable target')
  const xattrs = xattrsOf(image, found.nid)
  if (xattrs instanceof Fault) return xattrs
  const { shown, ...data } = xattrs
  const isFile = entry.type === 'file'
  const own = image.view.backed ? cfsFacts(image, found.nid, records, isFile) : erofsFacts(flags)
  if (own instanceof Fault) return own
  const place = records.nid(0) < 0 ? BOX_BASE - (records.nid(0) + 1) * SLOT : records.slot(0) * SLOT
  const metabox = place >= BOX_BASE
  const offset = metabox ? place - BOX_BASE : place
  const asked = { nid: found.nid, size: entry.size, layout: flags & RECORD_FLAGS.RF_LAYOUT_MASK }
  const hasData = isFile || entry.type === 'directory' || entry.type === 'symlink'
  const storage = image.view.backed || !hasData ? {} : storageOf(image, asked, place, extents)
  if (storage instanceof Fault) return storage
  return { ...entry, offset, ...(metabox && { metabox }), ...own, ...storage, ...data, xattrs: shown }
}

/** Milliseconds that a Date can hold. */
const DATE_MAX = 8.64e15

/** `seconds.nanoseconds` as a date in UTC, where there is one. */
function fullTime(mtime: string): string {
  const [seconds, nsec] = mtime.split('.')
  const ms = Number(seconds) * 1000
  if (Math.abs(ms) > DATE_MAX) return `${mtime} seconds since 1970`
  const [date, time] = new Date(ms).toISOString().split('T')
  return `${date} ${time.slice(0, 8)}.${nsec} +0000`
}

function textOf(facts: Facts & { major?: number; minor?: number; target?: string }): string {
  const { mode, nlink, uid, gid, size, nid, offset, inode, layout, xattrs } = facts
  const device = facts.major === undefined ? '' : `, device ${facts.major}:${facts.minor}`
  const typeBits = facts.type === 'directory' ? CONSTANTS.S_IFDIR : 0
  const letters = modeText(Number.parseInt(mode, 8) | typeBits).slice(1)
  const lines: [string, string][] = [
    ['path', facts.path],
    ['type', `${facts.type}, ${size} bytes${device}`],
    ['mode', `${mode} (${letters}), owner ${uid}:${gid}, ${nlink} ${nlink === 1 ? 'link' : 'links'}`],
    ['mtime', fullTime(facts.mtime)],
    [
      'inode',
      `nid ${nid} at byte ${offset}${facts.metabox ? ' of the metabox' : ''}, ${inode}${layout === undefined ? '' : `, ${layout}`}`,
    ],
  ]
  if (facts.ctime !== undefined) lines.splice(4, 0, ['ctime', fullTime(facts.ctime)])
  if (facts.target !== undefined) lines.push(['target', facts.target])
  if (facts.object !== undefined) lines.push(['object', facts.object])
  if (facts.digest !== undefined) lines.push(['digest', `${facts.digest} (fs-verity sha256)`])
  lines.push(...storageLines(facts))
  for (const { name, value, valueHex } of xattrs)
    lines.push(['xattr', `${name} = ${valueHex ?? JSON.stringify(value)}`])
  return lines.map(([label, text]) => `${label.padStart(LABEL)}  ${printable(text)}\n`).join('')
}

export async function stat(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs stat --help')
  const [file, ...paths] = positionals
  if (file === undefined) throw wrongUsage('stat: no image given', 'composefs stat --help')
  if (paths.length === 0) throw wrongUsage('stat: no path given', 'composefs stat --help')
  const files = new ImageFiles({ limits: limitsGiven(values, 'composefs stat --help'), devices: values.device })
  const image = await files.openAny(file, { digest: values.digest, lazy: true })
  const all: Facts[] = []
  for (const path of paths) {
    const lacks = await bringInode(image, path, false)
    const facts = lacks ?? (await answered(() => factsOf(image, path, values.extents === true)))
    if (facts instanceof Fault) complain('composefs', failure('stat', path, facts).message)
    else all.push(facts)
  }
  const out = new StandardOutput()
  const text = values.json ? `${JSON.stringify(all, null, 1)}\n` : all.map(textOf).join('\n')
  const bytes = new TextEncoder().encode(text)
  out.text.raw(bytes, 0, bytes.length)
  out.flush()
  return all.length === paths.length ? 0 : 1
}
