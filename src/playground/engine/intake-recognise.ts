// What a file is, told by its bytes: magic numbers at their places, and how text begins. Not here: what becomes of it.

import { CONSTANTS, SUPERBLOCK } from '../../format/structs.js'
import { isCfsV1 } from '../../image/image.js'

/** What can be opened. */
export type Kind = 'image' | 'dump' | 'zip' | 'tar' | 'gzip'

export interface Recognised {
  /** undefined for what can't be opened. */
  readonly kind?: Kind
  /** For people: `a PNG picture`. */
  readonly what: string
}

interface Magic {
  readonly what: string
  readonly at: number
  /** Bytes, as text with a character each. */
  readonly bytes: string
}

/** Bytes that tell most kinds. */
export const HEAD = 2048
/** Bytes that tell the rest. */
const LONG_HEAD = 66_000

const OTHERS: readonly Magic[] = [
  { what: 'a PNG picture', at: 0, bytes: '\x89PNG' },
  { what: 'a JPEG picture', at: 0, bytes: '\xff\xd8\xff' },
  { what: 'a GIF picture', at: 0, bytes: 'GIF8' },
  { what: 'a WebP picture or a sound', at: 0, bytes: 'RIFF' },
  { what: 'a PDF document', at: 0, bytes: '%PDF' },
  { what: 'a program', at: 0, bytes: '\x7fELF' },
  { what: 'a WebAssembly program', at: 0, bytes: '\0asm' },
  { what: 'an xz file, which browsers can’t unpack', at: 0, bytes: '\xfd7zXZ' },
  { what: 'a zstd file, which browsers can’t unpack', at: 0, bytes: '\x28\xb5\x2f\xfd' },
  { what: 'a bzip2 file, which browsers can’t unpack', at: 0, bytes: 'BZh' },
  { what: 'a 7z file', at: 0, bytes: '7z\xbc\xaf' },
  { what: 'a squashfs image', at: 0, bytes: 'hsqs' },
  { what: 'an XFS image', at: 0, bytes: 'XFSB' },
  { what: 'a qcow2 disk', at: 0, bytes: 'QFI\xfb' },
  { what: 'an RPM package', at: 0, bytes: '\xed\xab\xee\xdb' },
  { what: 'a Debian package', at: 0, bytes: '!<arch>\ndebian' },
  { what: 'an ext2, ext3 or ext4 image', at: 1080, bytes: '\x53\xef' },
  { what: 'an ISO 9660 image', at: 32_769, bytes: 'CD001' },
  { what: 'a btrfs image', at: 65_600, bytes: '_BHRfS_M' },
]

/** For people, after what a file is. */
export const CAN_BE_OPENED =
  'What can be opened: an EROFS, composefs or cfs v1 image, a dump, a folder or a zip or tar of files or objects.'

function has(head: Uint8Array, at: number, bytes: string): boolean {
  if (head.length < at + bytes.length) return false
  for (let i = 0; i < bytes.length; i++) if (head[at + i] !== bytes.charCodeAt(i)) return false
  return true
}

function u32(head: Uint8Array, at: number): number {
  return head.length < at + 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(at, true)
}

function isImage(head: Uint8Array): boolean {
  return (
    u32(head, 0) === CONSTANTS.LCFS_EROFS_MAGIC ||
    u32(head, CONSTANTS.EROFS_SUPER_OFFSET) === CONSTANTS.EROFS_SUPER_MAGIC_V1 ||
    isCfsV1(head)
  )
}

/** The beginning as text; undefined for what is none. */
function textOf(head: Uint8Array): string | undefined {
  if (head.subarray(0, HEAD).some(byte => byte < 9 || (byte > 13 && byte < 32 && byte !== 27))) return undefined
  return new TextDecoder().decode(head.subarray(0, HEAD))
}

function textKind(text: string): Recognised {
  // A dump's first line is the root, or what was meant to be: a path, and fields with a space between.
  if (/^\/[^\s<>]*[ \t]+[^\s]+[ \t]/.test(text)) return { kind: 'dump', what: 'a dump' }
  if (/^\s*(?:<!doctype html|<html)/i.test(text)) return { what: 'an HTML page' }
  if (/^\s*<(?:\?xml|svg)/i.test(text)) return { what: 'an XML document' }
  return { what: 'a text that is no dump' }
}

/** What the first bytes of a file tell. */
export function recogniseHead(head: Uint8Array): Recognised {
  if (head.length === 0) return { what: 'empty' }
  if (isImage(head)) return { kind: 'image', what: 'an image' }
  if (has(head, 0, 'PK\x03\x04') || has(head, 0, 'PK\x05\x06')) return { kind: 'zip', what: 'a zip' }
  if (has(head, 0, '\x1f\x8b')) return { kind: 'gzip', what: 'a gzip file' }
  if (has(head, 257, 'ustar')) return { kind: 'tar', what: 'a tar' }
  const other = OTHERS.find(({ at, bytes }) => has(head, at, bytes))
  if (other !== undefined) return { what: other.what }
  const text = textOf(head)
  return text === undefined ? { what: 'of a kind that is not known here' } : textKind(text)
}

export async function recognise(file: Blob): Promise<Recognised> {
  const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer())
  const found = recogniseHead(head)
  if (found.kind !== undefined || file.size <= HEAD) return found
  return recogniseHead(new Uint8Array(await file.slice(0, LONG_HEAD).arrayBuffer()))
}

/** How many bytes an EROFS image says it has; undefined of other images. */
export async function claimedSize(file: Blob): Promise<number | undefined> {
  const head = new Uint8Array(await file.slice(0, HEAD).arrayBuffer())
  const at = CONSTANTS.EROFS_SUPER_OFFSET
  if (u32(head, at) !== CONSTANTS.EROFS_SUPER_MAGIC_V1 || head.length < at + SUPERBLOCK.size) return undefined
  const { blocks_lo: blocks, blkszbits } = SUPERBLOCK.fields
  return u32(head, at + blocks.offset) * 2 ** head[at + blkszbits.offset]
}
