// Where Node's own WASI (uvwasi) answers otherwise than ours on purpose or by mistake, each class with its reason. Not here: the calls
// (random-wasi.ts).
import { isDeepStrictEqual } from 'node:util'
import type { Answer, Step } from './random-wasi.js'
import type { Trail } from './wasi-trail.js'

/** One call that was answered differently. */
export interface Disagreement {
  readonly step: Step
  readonly ours: Answer
  readonly nodes: Answer
  /** Of the paths, as they led before the call; undefined where they begin at no open directory. */
  readonly trail: Trail | undefined
  readonly trail2: Trail | undefined
}

interface Deviation {
  readonly reason: string
  readonly is: (one: Disagreement) => boolean
}

const EBADF = 8
const EFAULT = 21
const EINVAL = 28
const ELOOP = 32
const ENAMETOOLONG = 37
const ENOBUFS = 42
const ENOENT = 44
const ENOTDIR = 54
const EOVERFLOW = 61
const EEXIST = 20
const EISDIR = 31
const EFBIG = 22
const EROFS = 69
const ENOTCAPABLE = 76

const either = ({ trail, trail2 }: Disagreement, what: (trail: Trail) => boolean) =>
  (trail !== undefined && what(trail)) || (trail2 !== undefined && what(trail2))

/** The first that fits counts. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    reason: 'a wild pointer is EOVERFLOW to node:wasi, and looked at first',
    is: ({ step, ours, nodes }) =>
      nodes.errno === EOVERFLOW && ours.errno !== 0 && (step.wild !== undefined || ours.errno === EFAULT),
  },
  {
    reason: 'node:wasi has EINVAL for the empty path, Linux ENOENT',
    is: ({ step, ours, nodes }) =>
      (step.path === '' || step.path2 === '') && nodes.errno === EINVAL && ours.errno === ENOENT,
  },
  {
    reason: 'node:wasi overlooks a NUL at the end of a path',
    is: ({ step, ours }) => (step.path?.endsWith('\0') || step.path2?.endsWith('\0')) === true && ours.errno === EINVAL,
  },
  {
    reason: 'node:wasi gives no target that fills the buffer (ENOBUFS), readlink as much as there is room for',
    is: ({ step, ours, nodes }) => step.call === 'path_readlink' && nodes.errno === ENOBUFS && ours.errno === 0,
  },
  {
    reason: 'a preopen\u2019s name that does not fit is ENOBUFS to node:wasi, ENAMETOOLONG to the official tests',
    is: ({ step, ours, nodes }) =>
      step.call === 'fd_prestat_dir_name' && nodes.errno === ENOBUFS && ours.errno === ENAMETOOLONG,
  },
  {
    reason:
      'an absolute path, or link, is one of the tree to a preopen named `/`; node:wasi refuses it, or asks the host',
    is: one => either(one, ({ absolute }) => absolute),
  },
  {
    reason: 'node:wasi goes out of a directory by links, and stops at the root by ENOTCAPABLE, where `..` stays at it',
    is: one => either(one, ({ escapes }) => escapes),
  },
  {
    reason: 'node:wasi takes `.` and `..` as text, whatever stands before them',
    is: one => either(one, ({ textual }) => textual),
  },
  {
    reason: 'node:wasi follows a link at the end of path_open though it is told not to',
    is: ({ step, ours, trail }) =>
      step.call === 'path_open' &&
      step.follow !== true &&
      trail?.endsInLink === true &&
      (ours.errno === ELOOP || ours.errno === ENOTDIR),
  },
  {
    reason: 'node:wasi renumbers what is not open to itself',
    is: ({ step, ours, nodes }) =>
      step.call === 'fd_renumber' && step.fd === step.fd2 && ours.errno === EBADF && nodes.errno === 0,
  },
  {
    reason: 'the right to seek implies that to tell (witx); node:wasi wants each for its own call',
    is: ({ step, ours, nodes }) =>
      (step.call === 'fd_tell' || (step.call === 'fd_seek' && step.a === 0n && step.n === 1)) &&
      ours.errno === 0 &&
      nodes.errno === ENOTCAPABLE,
  },
  {
    reason: 'node:wasi looks where links lead before the host says EINVAL to O_CREAT with O_DIRECTORY',
    is: ({ step, ours, nodes }) =>
      step.call === 'path_open' && ((step.oflags ?? 0) & 3) === 3 && (ours.errno === EINVAL || nodes.errno === EINVAL),
  },
  {
    reason: 'a name that is too long is told at once; Linux looks at the other path, or whether it may write, before',
    is: ({ step, ours, nodes }) =>
      ours.errno === ENAMETOOLONG &&
      ((step.path2?.includes('\0') === true && nodes.errno === EINVAL) ||
        (/^path_(?:rename|link)$/.test(step.call) && [ENOENT, ENOTDIR].includes(nodes.errno)) ||
        (/^path_(?:rename|unlink|remove)/.test(step.call) && nodes.errno === EROFS)),
  },
  {
    reason: 'node:wasi allocates as ftruncate does: it looks at the sum alone, and takes a length of none',
    is: ({ step, ours }) =>
      step.call === 'fd_allocate' &&
      (ours.errno === EINVAL || ours.errno === EFBIG) &&
      ((step.a ?? 0n) < 0n || (step.b ?? 0n) <= 0n || (step.b ?? 0n) > 2n ** 53n),
  },
  {
    reason: 'a place beyond 2^53, which a double does not hold, is none here: EINVAL or EFBIG',
    is: ({ step, ours }) => (step.a ?? 0n) > 2n ** 53n && [EINVAL, EFBIG].includes(ours.errno),
  },
  {
    reason: 'node:wasi follows a link at the end of path_open itself, before the host hears of O_EXCL or of a slash',
    is: ({ step, ours, trail }) =>
      step.call === 'path_open' &&
      step.follow === true &&
      (trail?.endsInLink === true || step.path?.endsWith('/') === true) &&
      (ours.errno === EEXIST || ours.errno === EISDIR),
  },
  {
    reason: 'node:wasi follows the first path of path_link before it looks at the second',
    is: ({ step, ours }) =>
      step.call === 'path_link' && step.follow === true && [EINVAL, ENAMETOOLONG].includes(ours.errno),
  },
  {
    reason:
      'a file of the image that is open and has lost its name shows the link count it had, as in the kernel\u2019s overlayfs',
    is: ({ step, ours, nodes }) => {
      const { nlink, ...rest } = nodes.out
      const { nlink: mine, ...others } = ours.out
      return step.call === 'fd_filestat_get' && nlink === 0n && mine === 1n && isDeepStrictEqual(rest, others)
    },
  },
]
