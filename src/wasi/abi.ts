// The numbers and structs of WASI preview1 (wasi_snapshot_preview1), and where the older wasi_unstable has them otherwise. Not here:
// any call. Follows the witx files of github.com/WebAssembly/WASI (phases/snapshot and phases/old/snapshot_0).

import { struct } from '../format/struct.js'

export const FILETYPE_UNKNOWN = 0
export const FILETYPE_BLOCK_DEVICE = 1
export const FILETYPE_CHARACTER_DEVICE = 2
export const FILETYPE_DIRECTORY = 3
export const FILETYPE_REGULAR_FILE = 4
export const FILETYPE_SOCKET_STREAM = 6
export const FILETYPE_SYMBOLIC_LINK = 7

export const FDFLAGS_APPEND = 1
export const FDFLAGS_DSYNC = 2
export const FDFLAGS_NONBLOCK = 4
export const FDFLAGS_RSYNC = 8
export const FDFLAGS_SYNC = 16
export const FDFLAGS_ALL = 31

export const OFLAGS_CREAT = 1
export const OFLAGS_DIRECTORY = 2
export const OFLAGS_EXCL = 4
export const OFLAGS_TRUNC = 8

export const LOOKUPFLAGS_SYMLINK_FOLLOW = 1

export const FSTFLAGS_ATIM = 1
export const FSTFLAGS_ATIM_NOW = 2
export const FSTFLAGS_MTIM = 4
export const FSTFLAGS_MTIM_NOW = 8

export const WHENCE_SET = 0
export const WHENCE_CUR = 1
export const WHENCE_END = 2

/** Of posix_fadvise: normal, sequential, random, willneed, dontneed, noreuse. */
export const ADVICE_LAST = 5

export const EVENTTYPE_CLOCK = 0
export const EVENTTYPE_FD_READ = 1
export const EVENTTYPE_FD_WRITE = 2
export const SUBCLOCKFLAGS_ABSTIME = 1

export const CLOCKID_REALTIME = 0
export const CLOCKID_MONOTONIC = 1
export const CLOCKID_THREAD_CPUTIME = 3

/** What a descriptor may be used for. Bits; all of them fit in 30. */
export const RIGHTS = {
  FD_DATASYNC: 1 << 0,
  FD_READ: 1 << 1,
  FD_SEEK: 1 << 2,
  FD_FDSTAT_SET_FLAGS: 1 << 3,
  FD_SYNC: 1 << 4,
  FD_TELL: 1 << 5,
  FD_WRITE: 1 << 6,
  FD_ADVISE: 1 << 7,
  FD_ALLOCATE: 1 << 8,
  PATH_CREATE_DIRECTORY: 1 << 9,
  PATH_CREATE_FILE: 1 << 10,
  PATH_LINK_SOURCE: 1 << 11,
  PATH_LINK_TARGET: 1 << 12,
  PATH_OPEN: 1 << 13,
  FD_READDIR: 1 << 14,
  PATH_READLINK: 1 << 15,
  PATH_RENAME_SOURCE: 1 << 16,
  PATH_RENAME_TARGET: 1 << 17,
  PATH_FILESTAT_GET: 1 << 18,
  PATH_FILESTAT_SET_SIZE: 1 << 19,
  PATH_FILESTAT_SET_TIMES: 1 << 20,
  FD_FILESTAT_GET: 1 << 21,
  FD_FILESTAT_SET_SIZE: 1 << 22,
  FD_FILESTAT_SET_TIMES: 1 << 23,
  PATH_SYMLINK: 1 << 24,
  PATH_REMOVE_DIRECTORY: 1 << 25,
  PATH_UNLINK_FILE: 1 << 26,
  POLL_FD_READWRITE: 1 << 27,
} as const

const R = RIGHTS

/** What a regular file can be used for, whatever it was opened for. */
export const REGULAR_FILE_RIGHTS =
  R.FD_DATASYNC |
  R.FD_READ |
  R.FD_SEEK |
  R.FD_FDSTAT_SET_FLAGS |
  R.FD_SYNC |
  R.FD_TELL |
  R.FD_WRITE |
  R.FD_ADVISE |
  R.FD_ALLOCATE |
  R.FD_FILESTAT_GET |
  R.FD_FILESTAT_SET_SIZE |
  R.FD_FILESTAT_SET_TIMES |
  R.POLL_FD_READWRITE

export const DIRECTORY_RIGHTS =
  R.FD_FDSTAT_SET_FLAGS |
  R.FD_SYNC |
  R.FD_ADVISE |
  R.PATH_CREATE_DIRECTORY |
  R.PATH_CREATE_FILE |
  R.PATH_LINK_SOURCE |
  R.PATH_LINK_TARGET |
  R.PATH_OPEN |
  R.FD_READDIR |
  R.PATH_READLINK |
  R.PATH_RENAME_SOURCE |
  R.PATH_RENAME_TARGET |
  R.PATH_FILESTAT_GET |
  R.PATH_FILESTAT_SET_SIZE |
  R.PATH_FILESTAT_SET_TIMES |
  R.FD_FILESTAT_GET |
  R.FD_FILESTAT_SET_TIMES |
  R.PATH_SYMLINK |
  R.PATH_REMOVE_DIRECTORY |
  R.PATH_UNLINK_FILE |
  R.POLL_FD_READWRITE

/** What may be inherited from a directory. */
export const DIRECTORY_INHERITING = DIRECTORY_RIGHTS | REGULAR_FILE_RIGHTS

/** Of what can be neither sought in nor told of: terminals, pipes. A terminal is known by that. */
export const STREAM_RIGHTS = R.FD_READ | R.FD_FDSTAT_SET_FLAGS | R.FD_WRITE | R.FD_FILESTAT_GET | R.POLL_FD_READWRITE

export const FILESTAT = /* @__PURE__ */ struct('FILESTAT', 64, {
  dev: [0, 8],
  ino: [8, 8],
  filetype: [16, 1],
  nlink: [24, 8],
  size: [32, 8],
  atim: [40, 8],
  mtim: [48, 8],
  ctim: [56, 8],
})

/** wasi_unstable's. */
export const FILESTAT_0 = /* @__PURE__ */ struct('FILESTAT_0', 56, {
  dev: [0, 8],
  ino: [8, 8],
  filetype: [16, 1],
  nlink: [20, 4],
  size: [24, 8],
  atim: [32, 8],
  mtim: [40, 8],
  ctim: [48, 8],
})

export const FDSTAT = /* @__PURE__ */ struct('FDSTAT', 24, {
  fs_filetype: [0, 1],
  fs_flags: [2, 2],
  fs_rights_base: [8, 8],
  fs_rights_inheriting: [16, 8],
})

export const DIRENT = /* @__PURE__ */ struct('DIRENT', 24, {
  d_next: [0, 8],
  d_ino: [8, 8],
  d_namlen: [16, 4],
  d_type: [20, 1],
})

export const PRESTAT = /* @__PURE__ */ struct('PRESTAT', 8, { tag: [0, 1], name_len: [4, 4] })

export const IOVEC = /* @__PURE__ */ struct('IOVEC', 8, { buf: [0, 4], buf_len: [4, 4] })

export const SUBSCRIPTION = /* @__PURE__ */ struct('SUBSCRIPTION', 48, {
  userdata: [0, 8],
  tag: [8, 1],
  fd: [16, 4],
  clock_id: [16, 4],
  timeout: [24, 8],
  clock_flags: [40, 2],
})

/** wasi_unstable's. */
export const SUBSCRIPTION_0 = /* @__PURE__ */ struct('SUBSCRIPTION_0', 56, {
  userdata: [0, 8],
  tag: [8, 1],
  fd: [16, 4],
  clock_id: [24, 4],
  timeout: [32, 8],
  clock_flags: [48, 2],
})

export const EVENT = /* @__PURE__ */ struct('EVENT', 32, {
  userdata: [0, 8],
  error: [8, 2],
  type: [10, 1],
  nbytes: [16, 8],
  flags: [24, 2],
})
