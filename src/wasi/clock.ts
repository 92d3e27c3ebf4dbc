// The clocks that a program is shown, in milliseconds with a fraction. Not here: what is done with them.

/** Milliseconds by which the two clocks of a host differ at most while nobody has set one. */
const APART = 2

/** Since 1970. The fine clock goes on from when the thread began, whatever the system's is set to (or however long it slept). */
export function realtimeNow(): number {
  const fine = performance.timeOrigin + performance.now()
  const coarse = Date.now()
  return Math.abs(fine - coarse) <= APART ? fine : coarse
}

/** Since this thread began. */
export function monotonicNow(): number {
  return performance.now()
}

/** Milliseconds as nanoseconds, exact to the microsecond. */
export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n
}
