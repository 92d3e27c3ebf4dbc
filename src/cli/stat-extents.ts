// What composefs stat says of where data lies: how a compressed file is stored, and with --extents every extent of a file. Not here:
// finding extents (src/anatomy, the core).

import { BOX_BASE } from '../../wasm/core-pieces.js'
import { type CompressedExtent, compressedFacts, isCompressed, LAYOUT_NAMES, ratioOf } from '../anatomy/anatomy.js'
import { Fault, type Outcome } from '../format/errno.js'
import type { Image } from '../image/image.js'

/** Extents that are listed of one file. */
const LISTED_MOST = 1 << 20

export interface ExtentJson {
  /** Byte of the file, and bytes of it. */
  readonly at: number
  readonly length: number
  /** `image`, `inline` (behind the inode), `metabox`, `packed` (a fragment, among the packed inode's data) or `hole`. */
  readonly place: CompressedExtent['place']
  /** A further device that it is on, the first being 1. */
  readonly device?: number
  /** Byte of the image or that device, of the metabox's data or of the packed inode's, and bytes there; not of a hole. */
  readonly offset?: number
  readonly stored?: number
  /** A compressed file's. */
  readonly algorithm?: string
}

export interface CompressionJson {
  readonly indexes: string
  readonly clusterSize?: number
  readonly algorithms: readonly string[]
  /** Bytes of pclusters, shared ones counted once, and bytes that are in fragments. */
  readonly stored: number
  readonly fragments: number
  /** Bytes of pclusters as a share of what they hold of the file, which is all but fragments; only where there are some. */
  readonly ratio?: number
  readonly extents: number
}

export interface StorageJson {
  readonly compression?: CompressionJson
  readonly extents?: readonly ExtentJson[]
}

/** An inode as it is asked about. */
interface Asked {
  readonly nid: number
  readonly size: number
  readonly layout: number
}

/** What is further on than the image is on a device. */
function onDevice({ places }: Image, offset: number): Pick<ExtentJson, 'device' | 'offset'> {
  const device = places.findLastIndex(({ start }) => start <= offset)
  return device > 0 ? { device, offset: offset - places[device].start } : { offset }
}

function extentJson(image: Image, { at, length, place, offset, stored, form }: CompressedExtent): ExtentJson {
  const where = offset === undefined ? {} : { ...(place === 'image' ? onDevice(image, offset) : { offset }), stored }
  return { at, length, place, ...where, ...(form && { algorithm: form }) }
}

function plainPlace(offset: number, inode: number, blockSize: number): CompressedExtent['place'] {
  if (offset < 0) return 'hole'
  if (offset >= BOX_BASE) return 'metabox'
  // What is in blocks of its own begins with one, or is a part of them; a tail is in the block that the inode ends in.
  return offset % blockSize !== 0 && offset > inode && offset - inode < 2 * blockSize ? 'inline' : 'image'
}

/** The extents of an inode that is not compressed, neighbours as one. */
function plainExtents(image: Image, { nid }: Asked, inode: number): Outcome<ExtentJson[]> {
  const found: { at: number; length: number; place: CompressedExtent['place']; offset: number }[] = []
  for (let at = 0; found.length < LISTED_MOST; ) {
    const one = image.core.extent(nid, at)
    if (one === 1) break
    if (typeof one === 'number') return image.fault(one, 'extents')
    const { offset, length } = one
    const place = plainPlace(offset, inode, image.superblock.blockSize)
    const last = found.at(-1)
    const follows = last?.place === place && (place === 'hole' || last.offset + last.length === offset)
    if (last !== undefined && follows) last.length += length
    else found.push({ at, length, place, offset })
    at += length
  }
  return found.map(({ at, length, place, offset }) => {
    if (place === 'hole') return { at, length, place }
    const where = offset >= BOX_BASE ? { offset: offset - BOX_BASE } : onDevice(image, offset)
    return { at, length, place, ...where, stored: length }
  })
}

/** How an inode's data is stored, whose place in the image is `inode`; with its extents if they are `listed`. */
export function storageOf(image: Image, asked: Asked, inode: number, listed: boolean): Outcome<StorageJson> {
  const layout = LAYOUT_NAMES[asked.layout]
  if (!isCompressed(layout)) {
    const extents = listed ? plainExtents(image, asked, inode) : undefined
    return extents instanceof Fault ? extents : extents === undefined ? {} : { extents }
  }
  const facts = compressedFacts(image, { ...asked, layout }, listed ? LISTED_MOST : 0)
  if (facts instanceof Fault) return facts
  if (facts.fault !== undefined) return facts.fault
  const { indexes, clusterSize, algorithms, stored, fragments, extents, list } = facts
  const ratio = ratioOf(facts)
  const compression = {
    indexes,
    ...(clusterSize !== undefined && { clusterSize }),
    algorithms,
    stored,
    fragments,
    ...(ratio !== undefined && { ratio }),
    extents,
  }
  return { compression, ...(listed && { extents: list.map(one => extentJson(image, one)) }) }
}

const PLACES: Readonly<Record<CompressedExtent['place'], string>> = {
  image: 'at byte',
  inline: 'inline at byte',
  metabox: 'in the metabox at byte',
  packed: 'fragment at byte',
  hole: 'hole',
}

function extentText({ at, length, place, device, offset, stored, algorithm }: ExtentJson): string {
  const where =
    offset === undefined
      ? PLACES[place]
      : `${stored} ${PLACES[place]} ${offset}${device === undefined ? '' : ` of device ${device}`}`
  return `${at} + ${length}: ${where}${algorithm === undefined ? '' : `, ${algorithm}`}`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** Lines of text: labels, and what stands behind them. */
export function storageLines({ compression, extents = [] }: StorageJson): [string, string][] {
  const lines: [string, string][] = []
  if (compression !== undefined) {
    const { indexes, clusterSize, algorithms, stored, fragments, ratio, extents: count } = compression
    const share = ratio === undefined ? '' : `, ${(100 * ratio).toFixed(2)} %`
    const parts = fragments === 0 ? `${stored} bytes` : `${stored} bytes and ${fragments} in fragments`
    lines.push(['stored', `${parts}${share}, ${[counted(count, 'extent'), ...algorithms].join(', ')}`])
    lines.push(['told by', clusterSize === undefined ? indexes : `${indexes}, clusters of ${clusterSize} bytes`])
  }
  for (const extent of extents) lines.push(['extent', extentText(extent)])
  return lines
}
