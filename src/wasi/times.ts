// Times as calls give them. Not here: how they are shown (guest-memory.ts).

import type { AttrChange, Time } from '../overlay/layer.js'
import { FSTFLAGS_ATIM, FSTFLAGS_ATIM_NOW, FSTFLAGS_MTIM, FSTFLAGS_MTIM_NOW } from './abi.js'
import { nanoseconds, realtimeNow } from './clock.js'

const NANO = 1_000_000_000n

/** Nanoseconds since 1970: signed, since that is how times before it are shown. */
function timeOf(nanoseconds: bigint): Time {
  const ns = BigInt.asIntN(64, nanoseconds)
  const nsec = ((ns % NANO) + NANO) % NANO
  return { sec: Number((ns - nsec) / NANO), nsec: Number(nsec) }
}

function now(): Time {
  return timeOf(nanoseconds(realtimeNow()))
}

/** What FSTFLAGS and two times ask for; undefined where they contradict each other. */
export function timesOf(atim: bigint, mtim: bigint, flags: number): AttrChange | undefined {
  const one = (given: bigint, set: number, setNow: number): Time | undefined | null => {
    if ((flags & set) !== 0 && (flags & setNow) !== 0) return null
    return (flags & set) !== 0 ? timeOf(given) : (flags & setNow) !== 0 ? now() : undefined
  }
  const atime = one(atim, FSTFLAGS_ATIM, FSTFLAGS_ATIM_NOW)
  const mtime = one(mtim, FSTFLAGS_MTIM, FSTFLAGS_MTIM_NOW)
  if (atime === null || mtime === null) return undefined
  return { ...(atime === undefined ? {} : { atime }), ...(mtime === undefined ? {} : { mtime }) }
}
