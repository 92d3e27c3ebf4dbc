// Xattrs of the plain decoder (plain-decoder.ts): name to value, as the kernel's erofs driver lists them. Marks of
// composefs are not interpreted. Follows spec erofs.md, section 6; offsets are written out again on purpose.
import type { PlainDecoder, PlainInode } from './plain-decoder.js'

const PREFIXES = [
  '',
  'user.',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'trusted.',
  'lustre.',
  'security.',
]

/** Full names as characters 0..255; the first of two of one name counts. */
export function plainXattrs(decoder: PlainDecoder, inode: PlainInode): Map<string, Buffer> {
  const { view } = decoder
  const out = new Map<string, Buffer>()
  if (inode.end === inode.xattrs) return out
  const shared = view.getUint8(inode.xattrs + 4)
  for (let at = inode.xattrs + 12 + 4 * shared; at < inode.end; ) at = readOne(decoder, at, out)
  for (let i = 0; i < shared; i++) {
    readOne(decoder, decoder.xattrBase + 4 * view.getUint32(inode.xattrs + 12 + 4 * i, true), out)
  }
  return out
}

/** Where the next entry is. */
function readOne(decoder: PlainDecoder, at: number, out: Map<string, Buffer>): number {
  const { view, buffer } = decoder
  const length = view.getUint8(at)
  const index = view.getUint8(at + 1)
  const size = view.getUint16(at + 2, true)
  const base = index & 0x80 ? longPrefix(decoder, index & 0x7f) : PREFIXES[index]
  const next = at + Math.ceil((4 + length + size) / 4) * 4
  // A prefix that there is not hides it, and nobody lists those of lustre.
  if (!base || base.startsWith('lustre.')) return next
  const name = base + buffer.toString('latin1', at + 4, at + 4 + length)
  if (!out.has(name)) out.set(name, Buffer.from(buffer.subarray(at + 4 + length, at + 4 + length + size)))
  return next
}

function longPrefix(decoder: PlainDecoder, index: number): string {
  const { view, buffer } = decoder
  const packed = view.getUint32(1024 + 96, true)
  const plain = (view.getUint32(1024 + 8, true) & 0x10) !== 0
  const data = packed === 0 || plain ? buffer : decoder.readAll(decoder.inode(packed))
  let at = view.getUint32(1024 + 92, true) * 4
  for (let i = 0; i < index; i++) at = Math.ceil((at + 2 + data.readUInt16LE(at)) / 4) * 4
  return PREFIXES[data[at + 2]] + data.toString('latin1', at + 3, at + 2 + data.readUInt16LE(at))
}
