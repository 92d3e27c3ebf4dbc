// The superblock, and which image the core is looking at. A handle is the address of an Image, which the loader puts
// directly before the image's bytes.
// Follows erofs_read_superblock of fs/erofs/super.c, and for cfs v1 the stricter way of the project's spec, section 4.1.
//
//   EROFS    byte 0      composefs header (32 bytes, only in composefs images)
//            byte 1024   superblock (128 bytes + 16 per extension slot)
//   cfs v1   byte 0      superblock (128 bytes)   [inode 96] * n   variable data

import { BOX_BASE, beginCall, crc32c, outside, span, u8At, u16At, u32At, u64At, useBox, useBytes } from './bytes'
import { IN_CFS_OPEN, IN_OPEN, sing } from './canary'
import {
  AT_SUPERBLOCK,
  C1I_SIZE,
  C1S_MAGIC,
  C1S_SIZE,
  C1S_UNUSED,
  C1S_VDATA_OFFSET,
  C1S_VERSION,
  CFS_V1_MAGIC,
  CFS_V1_VERSION,
  CFS_COMPOSEFS_VERSION,
  CFS_FLAGS,
  CFS_MAGIC,
  CFS_SIZE,
  CFS_VERSION,
  EBADMSG,
  EINVAL,
  EOPNOTSUPP,
  EROFS_ALL_FEATURE_INCOMPAT,
  EROFS_DEVT_SLOT_SIZE,
  EROFS_FEATURE_COMPAT_SB_CHKSUM,
  EROFS_FEATURE_COMPAT_SHARED_EA_IN_METABOX,
  EROFS_FEATURE_INCOMPAT_48BIT,
  EROFS_FEATURE_INCOMPAT_COMPR_CFGS,
  EROFS_FEATURE_INCOMPAT_DEVICE_TABLE,
  EROFS_FEATURE_INCOMPAT_METABOX,
  EROFS_MAX_BLKSZBITS,
  EROFS_MIN_BLKSZBITS,
  EROFS_SB_EXTSLOT_SIZE,
  EROFS_SUPER_MAGIC_V1,
  EROFS_SUPER_OFFSET,
  EUCLEAN,
  FORMAT_CFS_V1,
  FORMAT_EROFS,
  LCFS_EROFS_MAGIC,
  LCFS_EROFS_VERSION,
  NO_CFS_HEADER,
  SB_AVAILABLE_COMPR_ALGS,
  SB_BLKSZBITS,
  SB_BLOCKS_LO,
  SB_CHECKSUM,
  SB_DEVT_SLOTOFF,
  SB_DIRBLKBITS,
  SB_EPOCH,
  SB_EXTRA_DEVICES,
  SB_FEATURE_COMPAT,
  SB_FEATURE_INCOMPAT,
  SB_FIXED_NSEC,
  SB_INOS,
  SB_MAGIC,
  SB_META_BLKADDR,
  SB_METABOX_NID,
  SB_PACKED_NID,
  SB_ROOTNID_2B,
  SB_ROOTNID_8B,
  SB_SB_EXTSLOTS,
  SB_SIZE,
  SB_XATTR_BLKADDR,
  SB_XATTR_FILTER_RESERVED,
  SB_XATTR_PREFIX_COUNT,
  SB_XATTR_PREFIX_START,
  SCR_BLKSZBITS,
  SCR_BOX_SIZE,
  SCR_BLOCKS,
  SCR_CFS_FLAGS,
  SCR_CFS_VERSION,
  SCR_EPOCH_LO,
  SCR_FEATURE_COMPAT,
  SCR_FEATURE_INCOMPAT,
  SCR_FIXED_NSEC,
  SCR_FORMAT,
  SCR_INOS,
  SCR_ROOT,
  Z_EROFS_COMPRESSION_LZMA,
} from './layout'
import { nidOut } from './nid'
import { usePages } from './pages'
import { fail, SCRATCH } from './scratch'

/** What is kept of an image; lies before its bytes. */
@unmanaged
export class Image {
  size: u64
  metaOffset: u64
  xattrOffset: u64
  epoch: u64
  root: u64
  packedNid: u64
  prefixOffset: u64
  fixedNsec: u32
  blkszbits: u32
  featureCompat: u32
  featureIncompat: u32
  prefixCount: u32
  filterReserved: u32
  /** Of all images opened in this instance, which one. */
  number: u32
  /** FORMAT_EROFS or FORMAT_CFS_V1; what belongs to the other one is 0. */
  format: u32
  /** cfs v1: number of inodes, and the byte offset of the variable data. */
  inodes: u32
  vdata: u64
  /** Paged: what pages.ts has of it, in place of its bytes. */
  table: u32
  mask: u32
  used: u32
  frames: u32
  pageBits: u32
  /** nid of the metabox inode, 0 without one, and the bytes of its data. */
  boxNid: u64
  boxSize: u64
  /** Bits of the algorithms that may be used, and the most that MicroLZMA may look back; bytes. */
  algorithms: u32
  dictSize: u32
  /** Further devices: where their table lies, how many it has, and what is to be kept of an id. */
  deviceTable: u64
  extraDevices: u32
  deviceMask: u32
  /** Those that the loader was given, if any: how many, and where it says where they are (devices.ts). Bytes of the first device. */
  devices: u32
  deviceAt: u32
  primarySize: u64
}

let opened: u32 = 0

/** Bytes between a handle and the image's first byte. */
export const IMAGE_HEAD: usize = 192

export let image: Image = changetype<Image>(0)

/** Is it cfs v1? Kept beside it, where the hot paths find it at once. */
export let isCfs: bool = false

/** Makes an image the one that every other function looks at. */
@inline
export function use(handle: usize): void {
  if (changetype<usize>(image) != handle) switchTo(handle)
  beginCall()
}

/**
 * Makes an image a paged one: its table of mask + 1 slots, all empty, a byte for each frame, and its frames of 1 << bits
 * bytes, in the loader's memory.
 */
export function setPages(handle: usize, table: usize, mask: u32, used: usize, frames: usize, bits: u32): void {
  const img = changetype<Image>(handle)
  img.table = <u32>table
  img.mask = mask
  img.used = <u32>used
  img.frames = <u32>frames
  img.pageBits = bits
}

/** Says where the further devices of an image, not open yet, lie among its bytes (devices.ts), and how many are its own. */
export function setDevices(handle: usize, at: usize, count: u32, primary: u64): void {
  const img = changetype<Image>(handle)
  img.devices = count
  img.deviceAt = <u32>at
  img.primarySize = primary
}

function switchTo(handle: usize): void {
  image = changetype<Image>(handle)
  // An image of that format is never opened in pages: its directories are each in one piece, of any size.
  isCfs = !PAGED && handle != 0 && image.format == FORMAT_CFS_V1
  if (PAGED && handle) usePages(image.table, image.mask, image.used, image.frames, image.pageBits)
  if (handle) useBytes(handle + IMAGE_HEAD, image.size)
  else useBytes(0, 0)
  if (FULL) useBox(handle ? image.boxSize : 0)
}

@inline
function bad(errno: i32, field: u32): i32 {
  return fail(errno, AT_SUPERBLOCK, EROFS_SUPER_OFFSET + field)
}

/** Checks the superblock, of either format, of `size` bytes behind `handle` and keeps its facts. 0 or -errno. */
export function openImage(handle: usize, size: u64): i32 {
  const img = changetype<Image>(handle)
  img.size = size
  img.number = ++opened
  switchTo(handle)
  beginCall()
  store<u32>(SCRATCH + SCR_CFS_VERSION, NO_CFS_HEADER)
  const first = PAGED ? 0 : span(0, C1S_VDATA_OFFSET)
  if (first && u32At(first, C1S_MAGIC) == CFS_V1_MAGIC) return openCfs(img)
  return openErofs(img)
}

function openErofs(img: Image): i32 {
  img.format = FORMAT_EROFS
  isCfs = false
  const r = readHeader()
  if (r < 0) return r
  const sb = span(EROFS_SUPER_OFFSET, SB_SIZE)
  if (!sb) return outside(AT_SUPERBLOCK, EROFS_SUPER_OFFSET, EINVAL)
  if (u32At(sb, SB_MAGIC) != EROFS_SUPER_MAGIC_V1) return bad(EINVAL, SB_MAGIC)
  const bits = u8At(sb, SB_BLKSZBITS)
  if (bits < EROFS_MIN_BLKSZBITS || bits > EROFS_MAX_BLKSZBITS) return bad(EINVAL, SB_BLKSZBITS)
  if (u8At(sb, SB_DIRBLKBITS) != 0) return bad(EINVAL, SB_DIRBLKBITS)
  // The kernel wants superblock and extension slots inside the first page.
  const sbSize = SB_SIZE + u8At(sb, SB_SB_EXTSLOTS) * EROFS_SB_EXTSLOT_SIZE
  if (sbSize > 4096 - EROFS_SUPER_OFFSET) return bad(EINVAL, SB_SB_EXTSLOTS)
  const incompat = u32At(sb, SB_FEATURE_INCOMPAT)
  const unread = ~EROFS_ALL_FEATURE_INCOMPAT | (FULL ? 0 : EROFS_FEATURE_INCOMPAT_METABOX)
  if (incompat & unread) return bad(EOPNOTSUPP, SB_FEATURE_INCOMPAT)
  const further = incompat & EROFS_FEATURE_INCOMPAT_DEVICE_TABLE ? u16At(sb, SB_EXTRA_DEVICES) : 0
  if (!FULL && further != 0) return bad(EOPNOTSUPP, SB_EXTRA_DEVICES)
  const compat = u32At(sb, SB_FEATURE_COMPAT)
  if (compat & EROFS_FEATURE_COMPAT_SB_CHKSUM && !checksumHolds(bits, u32At(sb, SB_CHECKSUM))) {
    return bad(EBADMSG, SB_CHECKSUM)
  }
  img.blkszbits = bits
  img.featureCompat = compat
  img.featureIncompat = incompat
  img.metaOffset = <u64>u32At(sb, SB_META_BLKADDR) << bits
  img.xattrOffset = <u64>u32At(sb, SB_XATTR_BLKADDR) << bits
  img.epoch = u64At(sb, SB_EPOCH)
  img.fixedNsec = u32At(sb, SB_FIXED_NSEC)
  img.packedNid = u64At(sb, SB_PACKED_NID)
  img.prefixCount = u8At(sb, SB_XATTR_PREFIX_COUNT)
  img.prefixOffset = <u64>u32At(sb, SB_XATTR_PREFIX_START) << 2
  img.filterReserved = u8At(sb, SB_XATTR_FILTER_RESERVED)
  const wide = (incompat & EROFS_FEATURE_INCOMPAT_48BIT) != 0 ? u64At(sb, SB_ROOTNID_8B) : 0
  img.root = wide != 0 ? wide : <u64>u16At(sb, SB_ROOTNID_2B)
  let blocks = <u64>u32At(sb, SB_BLOCKS_LO)
  if (wide != 0) blocks |= <u64>u16At(sb, SB_ROOTNID_2B) << 32
  if (FULL) {
    const r = openFull(img, sb, further)
    if (r < 0) return r
  }
  if (CANARY == IN_OPEN && wide != 0 && img.prefixCount > 128) sing()
  report(u64At(sb, SB_INOS), blocks)
  return 0
}

/** What only compressed images and those of several devices have. The metabox itself is opened afterwards (box.ts). */
function openFull(img: Image, sb: usize, further: u32): i32 {
  img.extraDevices = further
  img.deviceTable = <u64>u16At(sb, SB_DEVT_SLOTOFF) * EROFS_DEVT_SLOT_SIZE
  img.deviceMask = <u32>((<u64>1 << (32 - <u64>clz<u32>(further))) - 1)
  if (img.devices == 0) img.primarySize = img.size
  else if (img.devices != further) return bad(EINVAL, SB_EXTRA_DEVICES)
  const slots = u8At(sb, SB_SB_EXTSLOTS)
  const algorithms = u16At(sb, SB_AVAILABLE_COMPR_ALGS)
  img.boxNid = 0
  img.boxSize = 0
  useBox(0)
  img.algorithms = 1
  img.dictSize = 0
  if (img.featureIncompat & EROFS_FEATURE_INCOMPAT_METABOX) {
    const slot = slots != 0 ? span(EROFS_SUPER_OFFSET + SB_METABOX_NID, 8) : 0
    if (!slot) return bad(EUCLEAN, SB_SB_EXTSLOTS)
    img.boxNid = u64At(slot, 0)
    if (img.boxNid == 0) return bad(EUCLEAN, SB_METABOX_NID)
  }
  if (img.featureIncompat & EROFS_FEATURE_INCOMPAT_COMPR_CFGS) {
    img.algorithms = algorithms
    const r = readConfigurations(img, EROFS_SUPER_OFFSET + SB_SIZE + slots * EROFS_SB_EXTSLOT_SIZE, algorithms)
    if (r < 0) return r
  }
  if (img.boxNid != 0 && img.featureCompat & EROFS_FEATURE_COMPAT_SHARED_EA_IN_METABOX) img.xattrOffset += BOX_BASE
  return 0
}

/** Of MicroLZMA's record is kept how far it looks back: one for each algorithm, aligned to 4, is [length u16][record]. */
function readConfigurations(img: Image, from: u64, algorithms: u32): i32 {
  let at = from
  for (let bit: u32 = 0; bit < 16; bit++) {
    if (((algorithms >> bit) & 1) == 0) continue
    at = (at + 3) & ~3
    const head = span(at, 2)
    if (!head) return outside(AT_SUPERBLOCK, at, EUCLEAN)
    const length = u16At(head, 0)
    const record = span(at + 2, length)
    if (!record) return outside(AT_SUPERBLOCK, at, EUCLEAN)
    if (bit == Z_EROFS_COMPRESSION_LZMA) {
      if (length < 4) return outside(AT_SUPERBLOCK, at, EUCLEAN)
      img.dictSize = u32At(record, 0)
    }
    at += 2 + length
  }
  return 0
}

/** A superblock with another layout of the same magic and version has something where this one has nothing. */
function openCfs(img: Image): i32 {
  const sb = span(0, C1S_SIZE)
  if (!sb || img.size < C1S_SIZE + C1I_SIZE) return outside(AT_SUPERBLOCK, 0, EUCLEAN)
  if (u32At(sb, C1S_VERSION) != CFS_V1_VERSION) return fail(EUCLEAN, AT_SUPERBLOCK, C1S_VERSION)
  const vdata = u64At(sb, C1S_VDATA_OFFSET)
  if (vdata <= C1S_SIZE || vdata > img.size || (vdata & 3) != 0 || (vdata - C1S_SIZE) % C1I_SIZE != 0) {
    return fail(EUCLEAN, AT_SUPERBLOCK, C1S_VDATA_OFFSET)
  }
  if (CANARY == IN_CFS_OPEN && vdata == img.size && vdata > C1S_SIZE + C1I_SIZE) sing()
  for (let at = C1S_UNUSED; at < C1S_SIZE; at += 8) if (u64At(sb, at) != 0) return fail(EUCLEAN, AT_SUPERBLOCK, at)
  img.format = FORMAT_CFS_V1
  isCfs = true
  img.inodes = <u32>((vdata - C1S_SIZE) / C1I_SIZE)
  img.vdata = vdata
  // A page, which is what the kernel's statfs says of it.
  img.blkszbits = 12
  report(img.inodes, 0)
  return 0
}

/** composefs header: { u32 magic, u32 header version, u32 flags, u32 composefs_version }. */
function readHeader(): i32 {
  const p = span(0, CFS_SIZE)
  if (!p || u32At(p, CFS_MAGIC) != LCFS_EROFS_MAGIC) return 0
  if (u32At(p, CFS_VERSION) != LCFS_EROFS_VERSION) return fail(EOPNOTSUPP, AT_SUPERBLOCK, CFS_VERSION)
  store<u32>(SCRATCH + SCR_CFS_VERSION, u32At(p, CFS_COMPOSEFS_VERSION))
  store<u32>(SCRATCH + SCR_CFS_FLAGS, u32At(p, CFS_FLAGS))
  return 0
}

function checksumHolds(bits: u32, wanted: u32): bool {
  const block = <u64>1 << bits
  const length = block <= EROFS_SUPER_OFFSET ? block : block - EROFS_SUPER_OFFSET
  const p = span(EROFS_SUPER_OFFSET, length)
  return p != 0 && crc32c(p, <usize>length, SB_CHECKSUM) == wanted
}

function report(inos: u64, blocks: u64): void {
  store<u32>(SCRATCH + SCR_FORMAT, image.format)
  store<f64>(SCRATCH + SCR_ROOT, nidOut(image.root))
  store<f64>(SCRATCH + SCR_BOX_SIZE, 0)
  store<f64>(SCRATCH + SCR_INOS, <f64>inos)
  store<f64>(SCRATCH + SCR_BLOCKS, <f64>blocks)
  store<u64>(SCRATCH + SCR_EPOCH_LO, image.epoch)
  store<u32>(SCRATCH + SCR_FIXED_NSEC, image.fixedNsec)
  store<u32>(SCRATCH + SCR_BLKSZBITS, image.blkszbits)
  store<u32>(SCRATCH + SCR_FEATURE_COMPAT, image.featureCompat)
  store<u32>(SCRATCH + SCR_FEATURE_INCOMPAT, image.featureIncompat)
}
