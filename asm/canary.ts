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

export function sing(): void {
  while (CANARY == ENDLESS) {}
  unreachable()
}
