// What is left of a dump's line: attributes as key=value, a blank between two (spec composefs-dump.md section 2.8).

import { at, BACKSLASH, goTo, here, lineEnd, NEWLINE, SPACE, unescape, upToNul, wrong } from './fields'
import { EINVAL, IN_XATTR, NO_NO_EQUALS, NO_XATTR_AREA_LONG, XATTR_AREA_MAX, XATTR_SPACE_MAX } from './layout'
import { u8At } from './raw'
import { pairNumber, setPair } from './xattrs'

const EQUALS: u32 = 0x3d

/** Reads them for a node. 0 or -errno. */
export function readXattrs(node: i32): i32 {
  if (u8At(at) == NEWLINE) return 0
  const end = lineEnd(at)
  const length = <u32>(end - at)
  if (length > XATTR_AREA_MAX) return wrong(IN_XATTR, NO_XATTR_AREA_LONG, length, XATTR_AREA_MAX)
  let p = at
  while (p < end) {
    let equals: usize = 0
    let escapedKey = false
    let escaped = false
    let to = p
    for (; to < end; to++) {
      const byte = u8At(to)
      if (byte == SPACE) break
      if (byte == EQUALS && equals == 0) {
        equals = to
        escapedKey = escaped
        escaped = false
      } else if (byte == BACKSLASH) {
        escaped = true
      }
    }
    if (equals == 0) return wrong(IN_XATTR, NO_NO_EQUALS)
    const r = readOne(node, p, equals, to, escapedKey, escaped)
    if (r < 0) return r
    p = to + 1
  }
  goTo(end)
  return 0
}

function readOne(node: i32, key: usize, equals: usize, end: usize, escapedKey: bool, escaped: bool): i32 {
  let keyTo = equals
  if (escapedKey) {
    keyTo = unescape(key, equals, IN_XATTR)
    if (keyTo == 0) return -(<i32>EINVAL)
    keyTo = upToNul(key, keyTo)
  }
  const value = equals + 1
  const valueTo = escaped ? unescape(value, end, IN_XATTR) : end
  if (valueTo == 0) return -(<i32>EINVAL)
  const pair = pairNumber(key, <u32>(keyTo - key), value, <u32>(valueTo - value))
  if (pair < 0) return here(pair, IN_XATTR)
  const r = setPair(node, pair, XATTR_SPACE_MAX)
  return r < 0 ? here(r, IN_XATTR) : 0
}
