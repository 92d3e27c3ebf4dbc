// The clocks that a program is shown, in milliseconds with a fraction. Not here: what is done with them.

/** Since 1970. */
export function realtimeNow(): number {
  return performance.timeOrigin + performance.now()
}

/** Since this thread began. */
export function monotonicNow(): number {
  return performance.now()
}

/** Milliseconds as nanoseconds, exact to the microsecond. */
export function nanoseconds(milliseconds: number): bigint {
  return BigInt(Math.round(milliseconds * 1000)) * 1000n
}
