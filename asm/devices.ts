// Further devices: the image's own bytes are followed, as one space of offsets, by those of each device that the loader was given.
// Not here: reading them.
// Follows erofs_map_dev and erofs_scan_devices (fs/erofs/data.c, super.c); section 2 of the project's spec of EROFS.

import { BOX_BASE, span, u16At, u32At } from './bytes'
import { image } from './image'
import {
  DS_BLOCKS_HI,
  DS_BLOCKS_LO,
  DS_UNIADDR_HI,
  DS_UNIADDR_LO,
  EROFS_DEVT_SLOT_SIZE,
  EROFS_FEATURE_INCOMPAT_48BIT,
} from './layout'
import { ownU64 } from './scratch'

/** An offset that nothing is at. */
export const NOWHERE: u64 = u64.MAX_VALUE - 1

/** Bytes that the loader says of a device: where its bytes begin, and how many they are. */
export const DEVICE: usize = 16

@inline
function uniaddr(slot: usize): u64 {
  const high: u64 = image.featureIncompat & EROFS_FEATURE_INCOMPAT_48BIT ? u16At(slot, DS_UNIADDR_HI) : 0
  return (<u64>u32At(slot, DS_UNIADDR_LO) | (high << 32)) << image.blkszbits
}

@inline
function bytesOf(slot: usize): u64 {
  const high: u64 = image.featureIncompat & EROFS_FEATURE_INCOMPAT_48BIT ? u16At(slot, DS_BLOCKS_HI) : 0
  return (<u64>u32At(slot, DS_BLOCKS_LO) | (high << 32)) << image.blkszbits
}

/** The slot of device `id`, 1 the first; 0 where it is not there. */
@inline
function slotOf(id: u32): usize {
  return span(image.deviceTable + (<u64>(id - 1)) * EROFS_DEVT_SLOT_SIZE, EROFS_DEVT_SLOT_SIZE)
}

/** Offset of `length` bytes at byte `address` of a device as an inode names it; NOWHERE where they are not all on it. */
@inline
export function onDevice(device: u32, address: u64, length: u64): u64 {
  if (!FULL) return address
  if (image.extraDevices != 0) return onFurther(device & image.deviceMask, address, length)
  return address < BOX_BASE ? address : NOWHERE
}

function onFurther(id: u32, address: u64, length: u64): u64 {
  if (id > image.extraDevices) return NOWHERE
  if (image.devices == 0) {
    // All devices in one: the further ones behind the first.
    if (id == 0) return onPrimary(address, length)
    const slot = slotOf(id)
    return slot ? onPrimary(address + uniaddr(slot), length) : NOWHERE
  }
  if (id != 0) return onGiven(id, address, length)
  for (let i: u32 = 1; i <= image.extraDevices; i++) {
    const slot = slotOf(i)
    if (!slot) return NOWHERE
    const from = uniaddr(slot)
    if (from != 0 && address >= from && address - from < bytesOf(slot)) return onGiven(i, address - from, length)
  }
  return onPrimary(address, length)
}

function onPrimary(address: u64, length: u64): u64 {
  const size = image.primarySize
  return address <= size && length <= size - address ? address : NOWHERE
}

function onGiven(id: u32, address: u64, length: u64): u64 {
  if (id > image.devices) return NOWHERE
  const at = <usize>image.deviceAt + <usize>(id - 1) * DEVICE
  const size = ownU64(at + 8)
  return address <= size && length <= size - address ? ownU64(at) + address : NOWHERE
}
