// Planted faults, to show that a fuzzer finds what it looks for. A core that is built with CANARY=n (.ci/build.mjs) has the one of
// that number; what ships is built with 0, has none, and none of this. Not here: what finds them (test/fuzz/canary.test.ts).

/** Where each is, or what it is. */
export const IN_OPEN: i32 = 1
export const IN_LOOK_UP: i32 = 2
export const IN_READ: i32 = 3
export const IN_XATTRS: i32 = 4
export const IN_PIECES: i32 = 5
export const IN_SWEEP: i32 = 6
export const IN_WALK: i32 = 7
export const ENDLESS: i32 = 8
export const IN_CFS_OPEN: i32 = 9
export const IN_CFS_WALK: i32 = 10
export const NO_LINK_LIMIT: i32 = 11
export const IN_CFS_LINK: i32 = 12
export const IN_CFS_XATTRS: i32 = 13
export const IN_CFS_SWEEP: i32 = 14
export const IN_INDEX: i32 = 15

/** In place of CANARY for a core that has all of them: who loads it puts the number of one into the binary, where this value is. */
// @ts-ignore: decorator
@global
export let PLANTED: i32 = 0x1234567

export function sing(): void {
  // Never so, but no compiler knows that, and so none takes it for a constant.
  if (CANARY < 0) PLANTED = 0
  while (CANARY == ENDLESS) {}
  unreachable()
}
