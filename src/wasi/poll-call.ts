// poll_oneoff: waits for a clock, or says what can be read and written, which here is everything always. Not here: clocks that are
// read (those are the host's).

import {
  CLOCKID_MONOTONIC,
  CLOCKID_REALTIME,
  CLOCKID_THREAD_CPUTIME,
  EVENT,
  EVENTTYPE_CLOCK,
  EVENTTYPE_FD_READ,
  EVENTTYPE_FD_WRITE,
  RIGHTS,
  SUBCLOCKFLAGS_ABSTIME,
  SUBSCRIPTION,
  SUBSCRIPTION_0,
} from './abi.js'
import { monotonicNow, realtimeNow } from './clock.js'
import { WASI } from './errno.js'
import type { Answer, Guest, Snapshot } from './guest.js'

/** Subscriptions of one call at most. */
const LIMIT = 4096
/** Milliseconds of one sleep; a longer one is several. */
const SLICE_MS = 2 ** 30

interface Happened {
  readonly userdata: bigint
  readonly error: number
  readonly type: number
  readonly nbytes: number
}

interface Alarm {
  readonly userdata: bigint
  /** Milliseconds from now. */
  readonly after: number
}

/** Blocks where a thread may, else spins, which is all that a page can do. */
function sleep(milliseconds: number): void {
  const until = performance.now() + milliseconds
  try {
    for (let left = milliseconds; left > 0; left = until - performance.now()) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(left, SLICE_MS))
    }
  } catch {
    while (performance.now() < until);
  }
}

export class PollCall {
  readonly #guest: Guest

  constructor(guest: Guest) {
    this.#guest = guest
  }

  oneoff(subscriptions: number, events: number, count: number, out: number, snapshot: Snapshot): Answer {
    const { memory } = this.#guest
    if (count === 0 || count >>> 0 > LIMIT) return WASI.EINVAL
    const { size } = snapshot === 1 ? SUBSCRIPTION : SUBSCRIPTION_0
    memory.check(subscriptions, count * size)
    memory.check(events, count * EVENT.size)
    memory.check(out, 4)
    const happened: Happened[] = []
    const alarms: Alarm[] = []
    for (let i = 0; i < count; i++) {
      const bad = this.#subscribe(subscriptions + i * size, snapshot, happened, alarms)
      if (bad !== undefined) return bad
    }
    const first = alarms.reduce((least, { after }) => Math.min(least, after), Number.POSITIVE_INFINITY)
    const wait = happened.length > 0 ? 0 : first
    if (wait > 0 && wait !== Number.POSITIVE_INFINITY) sleep(wait)
    const clock = { error: WASI.SUCCESS, type: EVENTTYPE_CLOCK, nbytes: 0 }
    for (const { userdata, after } of alarms) if (after <= wait) happened.push({ userdata, ...clock })
    for (const [i, event] of happened.entries()) this.#put(events + i * EVENT.size, event)
    memory.putU32(out, happened.length)
    return WASI.SUCCESS
  }

  /** The errno of what is no subscription at all. */
  #subscribe(at: number, snapshot: Snapshot, happened: Happened[], alarms: Alarm[]): number | undefined {
    const { memory } = this.#guest
    const { fields } = snapshot === 1 ? SUBSCRIPTION : SUBSCRIPTION_0
    const userdata = memory.u64(at + fields.userdata.offset)
    const type = memory.u8(at + fields.tag.offset)
    if (type === EVENTTYPE_FD_READ || type === EVENTTYPE_FD_WRITE) {
      const found = this.#guest.descriptor(memory.u32(at + fields.fd.offset), RIGHTS.POLL_FD_READWRITE)
      const error = typeof found === 'number' ? found : WASI.SUCCESS
      const left =
        typeof found === 'object' && found.kind === 'file' && type === EVENTTYPE_FD_READ
          ? Math.max(found.file.size - found.cursor, 0)
          : 0
      happened.push({ userdata, error, type, nbytes: left })
      return undefined
    }
    if (type !== EVENTTYPE_CLOCK) return WASI.EINVAL
    const clock = memory.u32(at + fields.clock_id.offset)
    if (clock > CLOCKID_THREAD_CPUTIME) return WASI.EINVAL
    const timeout = Number(memory.u64(at + fields.timeout.offset)) / 1e6
    const absolute = (memory.u16(at + fields.clock_flags.offset) & SUBCLOCKFLAGS_ABSTIME) !== 0
    if (absolute && clock !== CLOCKID_REALTIME && clock !== CLOCKID_MONOTONIC) return WASI.ENOTSUP
    const now = clock === CLOCKID_REALTIME ? realtimeNow() : monotonicNow()
    alarms.push({ userdata, after: Math.max(absolute ? timeout - now : timeout, 0) })
    return undefined
  }

  #put(at: number, { userdata, error, type, nbytes }: Happened): void {
    const { memory } = this.#guest
    const { fields, size } = EVENT
    memory.bytes(at, size).fill(0)
    memory.putBig(at + fields.userdata.offset, userdata)
    memory.putU16(at + fields.error.offset, error)
    memory.putU8(at + fields.type.offset, type)
    memory.putU64(at + fields.nbytes.offset, nbytes)
  }
}
