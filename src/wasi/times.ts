// Times as calls give them. Not here: how they are shown (guest-memory.ts).

import type { AttrChange, Time } from '../overlay/layer.js'
import { FSTFLAGS_ATIM, FSTFLAGS_ATIM_NOW, FSTFLAGS_MTIM, FSTFLAGS_MTIM_NOW } from './abi.js'
import { nanoseconds, realtimeNow } from './clock.js'

const NANO = 1_000_000_000n
const TWO_64 = 1n << 64n
/** As far before 1970 as 32 bits of seconds go. */
const EARLIEST = -(NANO << 31n)

/**
 * Nanoseconds since 1970, in 64 bits. They have no sign, yet times before 1970 are shown as in two's complement: the last of them are
 * taken for 1901 to 1969, all others for what they say, to 2486. So a time that was read can be set.
 */
function timeOf(nanoseconds: bigint): Time {
  const given = BigInt.asUintN(64, nanoseconds)
  const ns = given - TWO_64 >= EARLIEST ? given - TWO_64 : given
  const nsec = ((ns % NANO) + NANO) % NANO
  return { sec: Number((ns - nsec) / NANO), nsec: Number(nsec) }
}

function now(): Time {
  return timeOf(nanoseconds(realtimeNow()))
}

/** What FSTFLAGS and two times ask for; undefined where they contradict each other, or are unknown. */
export function timesOf(atim: bigint, mtim: bigint, flags: number): AttrChange | undefined {
  if ((flags & ~(FSTFLAGS_ATIM | FSTFLAGS_ATIM_NOW | FSTFLAGS_MTIM | FSTFLAGS_MTIM_NOW)) !== 0) return undefined
  const one = (given: bigint, set: number, setNow: number): Time | undefined | null => {
    if ((flags & set) !== 0 && (flags & setNow) !== 0) return null
    return (flags & set) !== 0 ? timeOf(given) : (flags & setNow) !== 0 ? now() : undefined
  }
  const atime = one(atim, FSTFLAGS_ATIM, FSTFLAGS_ATIM_NOW)
  const mtime = one(mtim, FSTFLAGS_MTIM, FSTFLAGS_MTIM_NOW)
  if (atime === null || mtime === null) return undefined
  return { ...(atime === undefined ? {} : { atime }), ...(mtime === undefined ? {} : { mtime }) }
}
