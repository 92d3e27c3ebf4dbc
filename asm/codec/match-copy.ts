// Copies of a match inside the output and of literals into it, by wide loads and stores that go beyond the end: up to 15
// bytes behind it are written, up to 15 behind the source read. Whoever calls has checked that there is room for that.

/** Repeats what begins `distance` bytes before `to`; `length` is at least 1. */
@inline
export function copyMatch(to: usize, distance: usize, length: usize): void {
  if (distance < 8) {
    copyNear(to, distance, length)
    return
  }
  let src = to - distance
  let dst = to
  // The first store may be what the second load reads.
  store<u64>(dst, load<u64>(src))
  store<u64>(dst, load<u64>(src, 8), 8)
  if (length > 16) {
    const stop = to + length
    do {
      src += 16
      dst += 16
      store<u64>(dst, load<u64>(src))
      store<u64>(dst, load<u64>(src, 8), 8)
    } while (dst + 16 < stop)
  }
}

/** A match that overlaps itself within a word. */
function copyNear(to: usize, distance: usize, length: usize): void {
  const stop = to + length
  let src = to - distance
  if (distance == 1) {
    const run = <u64>load<u8>(src) * 0x0101010101010101
    do {
      store<u64>(to, run)
      to += 8
    } while (to < stop)
    return
  }
  // Each store gives `distance` bytes that are right. Once there are eight, the pattern is its own source.
  const wide = src + 8
  do {
    store<u64>(to, load<u64>(src))
    to += distance
  } while (to < wide)
  while (to < stop) {
    store<u64>(to, load<u64>(src))
    src += 8
    to += 8
  }
}

@inline
export function copyLiterals(to: usize, from: usize, length: usize): void {
  store<u64>(to, load<u64>(from))
  store<u64>(to, load<u64>(from, 8), 8)
  if (length > 16) {
    const stop = to + length
    do {
      from += 16
      to += 16
      store<u64>(to, load<u64>(from))
      store<u64>(to, load<u64>(from, 8), 8)
    } while (to + 16 < stop)
  }
}
