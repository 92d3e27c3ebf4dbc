// The fd_* calls of WASI over mounts, called by hand: what they answer, which errno, which rights, in both namespaces. Not here:
// directories (readdir.test.ts), paths (calls-path.test.ts), pointers that are wrong (hostile.test.ts).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { UpperInode } from '../../src/overlay/upper-inode.js'
import {
  DIRECTORY_INHERITING,
  DIRECTORY_RIGHTS,
  EVENTTYPE_CLOCK,
  EVENTTYPE_FD_READ,
  EVENTTYPE_FD_WRITE,
  FDFLAGS_APPEND,
  FDFLAGS_NONBLOCK,
  FDFLAGS_SYNC,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SOCKET_STREAM,
  FSTFLAGS_ATIM,
  FSTFLAGS_ATIM_NOW,
  FSTFLAGS_MTIM,
  OFLAGS_CREAT,
  OFLAGS_TRUNC,
  REGULAR_FILE_RIGHTS,
  RIGHTS,
  SUBCLOCKFLAGS_ABSTIME,
  WHENCE_CUR,
  WHENCE_END,
  WHENCE_SET,
} from '../../src/wasi/abi.js'
import { WASI } from '../../src/wasi/errno.js'
import { WasiFs } from '../../src/wasi/wasi-fs.js'
import { errnoOf, Probe, READ, READ_WRITE } from './probe.js'
import { BIG, Worlds } from './worlds.js'

const calls = suite('WASI: calls on descriptors')
const worlds = await Worlds.make()
const big = Buffer.from(BIG).toString('latin1')

const reading = () => new Probe({ preopens: { '/': worlds.readOnly() } })
const writing = () => new Probe({ preopens: { '/': worlds.writable() } })

calls('preopens are named in their order, and nothing else is one', () => {
  const m = worlds.readOnly()
  const p = new Probe({ preopens: { '/': m, '.': m, '/däta': { tree: m, path: '/dir' }, relative: m.layer } })
  assert.equal(
    [3, 4, 5, 6].map(fd => p.prestat(fd)),
    ['0:/', '0:.', '0:/däta', '0:relative'],
  )
  assert.is(
    errnoOf(() => p.prestat(7)),
    'EBADF',
  )
  assert.is(
    errnoOf(() => p.prestat(0)),
    'EINVAL',
  )
  const opened = p.openDirectory('dir')
  assert.is(
    errnoOf(() => p.prestat(opened)),
    'EINVAL',
  )
  const room = p.room(16)
  assert.is(
    errnoOf(() => p.call('fd_prestat_dir_name', opened, room, 16)),
    'EBADF',
  )
  assert.is(
    errnoOf(() => p.call('fd_prestat_dir_name', 5, room, 5)),
    'ENAMETOOLONG',
  )
  // The bytes of the name and no NUL behind them.
  new Uint8Array(p.memory.buffer).fill(0x7f, room, room + 16)
  p.call('fd_prestat_dir_name', 5, room, 16)
  assert.is(Buffer.from(p.bytes(room, 7)).toString('latin1'), `${Buffer.from('/däta').toString('latin1')}\x7f`)
  assert.is(p.fstat(3).ino, p.fstat(4).ino)
  assert.is(p.fstat(5).ino, p.stat('dir').ino)
})

calls('a preopen that is no directory is refused when it is named', () => {
  const m = worlds.readOnly()
  const make = (path: string) => new Probe({ preopens: { '/x': { tree: m, path } } })
  for (const [path, code] of [
    ['/nowhere', 'ENOENT'],
    ['/small', 'ENOTDIR'],
    ['/self', 'ELOOP'],
    ['', 'SUCCESS'],
    ['to-dir', 'SUCCESS'],
    ['/dir/', 'SUCCESS'],
  ] as const) {
    let got = 'SUCCESS'
    try {
      make(path)
    } catch (error) {
      got = (error as { code: string }).code
    }
    assert.is(got, code, path)
  }
})

calls('fdstat tells type, flags and rights: no more than asked, no more than the type has', () => {
  const p = writing()
  const all = BigInt(DIRECTORY_INHERITING)
  const directory = p.fdstat(3)
  assert.is(directory.fs_filetype, BigInt(FILETYPE_DIRECTORY))
  assert.is(directory.fs_rights_base, BigInt(DIRECTORY_RIGHTS))
  assert.is(directory.fs_rights_inheriting, all)
  const file = p.fdstat(p.open('small', { base: all, inheriting: all, fdflags: FDFLAGS_APPEND }))
  assert.is(file.fs_filetype, BigInt(FILETYPE_REGULAR_FILE))
  assert.is(file.fs_flags, BigInt(FDFLAGS_APPEND))
  assert.is(file.fs_rights_base, BigInt(REGULAR_FILE_RIGHTS))
  assert.is(file.fs_rights_inheriting, 0n)
  const one = p.fdstat(p.open('small', { base: RIGHTS.FD_READ, inheriting: RIGHTS.FD_WRITE }))
  assert.is(one.fs_rights_base, BigInt(RIGHTS.FD_READ))
  const sub = p.fdstat(p.openDirectory('dir', { base: RIGHTS.PATH_OPEN | RIGHTS.FD_READ, inheriting: RIGHTS.FD_READ }))
  assert.is(sub.fs_rights_base, BigInt(RIGHTS.PATH_OPEN))
  assert.is(sub.fs_rights_inheriting, BigInt(RIGHTS.FD_READ))
  assert.is(p.fdstat(0).fs_filetype, BigInt(FILETYPE_SOCKET_STREAM))
  const terminal = new Probe({ preopens: {}, terminals: [1] })
  assert.is(terminal.fdstat(1).fs_filetype, BigInt(FILETYPE_CHARACTER_DEVICE))
  assert.is(terminal.fdstat(1).fs_rights_base & BigInt(RIGHTS.FD_SEEK | RIGHTS.FD_TELL), 0n)
  assert.is(
    errnoOf(() => p.fdstat(99)),
    'EBADF',
  )
})

calls('each call asks for its right, and rights can be given up but not taken', () => {
  const wants: readonly [keyof typeof RIGHTS, string, (p: Probe, fd: number) => unknown][] = [
    ['FD_DATASYNC', 'SUCCESS', (p, fd) => p.call('fd_datasync', fd)],
    ['FD_READ', 'SUCCESS', (p, fd) => p.read(fd)],
    ['FD_SEEK', 'SUCCESS', (p, fd) => p.seek(fd, 0n, WHENCE_SET)],
    ['FD_FDSTAT_SET_FLAGS', 'SUCCESS', (p, fd) => p.call('fd_fdstat_set_flags', fd, 0)],
    ['FD_SYNC', 'SUCCESS', (p, fd) => p.call('fd_sync', fd)],
    ['FD_TELL', 'SUCCESS', (p, fd) => p.tell(fd)],
    ['FD_WRITE', 'SUCCESS', (p, fd) => p.write(fd, 'x')],
    ['FD_ADVISE', 'SUCCESS', (p, fd) => p.call('fd_advise', fd, 0n, 0n, 0)],
    ['FD_ALLOCATE', 'SUCCESS', (p, fd) => p.call('fd_allocate', fd, 0n, 1n)],
    ['FD_FILESTAT_GET', 'SUCCESS', (p, fd) => p.fstat(fd)],
    ['FD_FILESTAT_SET_SIZE', 'SUCCESS', (p, fd) => p.call('fd_filestat_set_size', fd, 0n)],
    ['FD_FILESTAT_SET_TIMES', 'SUCCESS', (p, fd) => p.call('fd_filestat_set_times', fd, 0n, 0n, FSTFLAGS_MTIM)],
  ]
  const p = writing()
  for (const [right, answer, call] of wants) {
    const fd = p.open('small', { base: READ_WRITE })
    assert.is(
      errnoOf(() => call(p, fd)),
      answer,
      right,
    )
    // The right to seek implies that to tell.
    const implied = right === 'FD_TELL' ? RIGHTS.FD_SEEK : 0
    const without = REGULAR_FILE_RIGHTS & ~RIGHTS[right] & ~implied
    p.call('fd_fdstat_set_rights', fd, BigInt(without), 0n)
    assert.is(
      errnoOf(() => call(p, fd)),
      'ENOTCAPABLE',
      right,
    )
    assert.is(
      errnoOf(() => p.call('fd_fdstat_set_rights', fd, BigInt(REGULAR_FILE_RIGHTS), 0n)),
      'ENOTCAPABLE',
    )
    assert.is(p.fdstat(fd).fs_rights_base, BigInt(without))
    p.close(fd)
  }
  const fd = p.open('small', { base: READ_WRITE })
  assert.is(
    errnoOf(() => p.call('fd_fdstat_set_rights', fd, -1n, 0n)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.call('fd_fdstat_set_rights', fd, 0n, 1n)),
    'ENOTCAPABLE',
  )
  // Positioned calls want to seek as well; who only asks for the place needs to tell.
  p.call('fd_fdstat_set_rights', fd, BigInt(RIGHTS.FD_READ | RIGHTS.FD_WRITE | RIGHTS.FD_TELL), 0n)
  assert.is(
    errnoOf(() => p.read(fd, [1], 0n)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.write(fd, 'x', 0n)),
    'ENOTCAPABLE',
  )
  assert.is(p.seek(fd, 0n, WHENCE_CUR), 0n)
  assert.is(
    errnoOf(() => p.seek(fd, 1n, WHENCE_CUR)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.call('fd_fdstat_set_rights', 77, 0n, 0n)),
    'EBADF',
  )
})

calls('reading fills one piece after the other, from the cursor or from a place', () => {
  const p = reading()
  const fd = p.open('big')
  assert.is(p.read(fd, [3, 0, 5, 10_000]), big.slice(0, 10_008))
  assert.is(p.tell(fd), 10_008n)
  assert.is(p.read(fd, [100], 69_950n), big.slice(69_950))
  assert.is(p.tell(fd), 10_008n)
  assert.is(p.read(fd, []), '')
  assert.is(p.read(fd, [10], 70_000n), '')
  assert.is(p.read(fd, [10], 1n << 40n), '')
  assert.is(
    errnoOf(() => p.read(fd, [10], -1n)),
    'EINVAL',
  )
  assert.is(p.content('big'), big)
  assert.is(p.content('small'), 'small text\n')
  assert.is(p.content('nothing'), '')
})

calls('seeking is bounded at the begin and free beyond the end', () => {
  const p = reading()
  const fd = p.open('small')
  assert.is(p.seek(fd, 4n, WHENCE_SET), 4n)
  assert.is(p.seek(fd, 2n, WHENCE_CUR), 6n)
  assert.is(p.read(fd, [4]), 'text')
  assert.is(p.seek(fd, -2n, WHENCE_END), 9n)
  assert.is(p.seek(fd, 100n, WHENCE_END), 111n)
  assert.is(p.read(fd), '')
  assert.is(p.tell(fd), 111n)
  for (const [offset, whence] of [
    [-1n, WHENCE_SET],
    [-112n, WHENCE_CUR],
    [-12n, WHENCE_END],
    [0n, 3],
    [0n, -1],
    [2n ** 63n - 1n, WHENCE_CUR],
  ] as const) {
    assert.is(
      errnoOf(() => p.seek(fd, offset, whence)),
      'EINVAL',
      `${offset} ${whence}`,
    )
  }
  assert.is(p.tell(fd), 111n)
  assert.is(
    errnoOf(() => p.seek(0, 0n, WHENCE_SET)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.seek(3, 0n, WHENCE_SET)),
    'ENOTCAPABLE',
  )
})

calls('whence of wasi_unstable is counted otherwise, its filestat is shorter, its subscriptions are longer', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m }, stdin: 'x' }, 'wasi_unstable')
  const now = new Probe({ preopens: { '/': m } })
  const fd = p.open('small')
  assert.is(p.seek(fd, 4n, 2), 4n)
  assert.is(p.seek(fd, 2n, 0), 6n)
  assert.is(p.seek(fd, -1n, 1), 10n)
  assert.is(
    errnoOf(() => p.seek(fd, 0n, 3)),
    'EINVAL',
  )
  for (const path of ['small', 'old', 'late', 'dir', 'to-file', 'null', 'fifo']) {
    assert.equal(p.stat(path), now.stat(path), path)
  }
  assert.equal(p.fstat(fd), now.stat('small'))
  // What stands behind the shorter struct is left alone.
  const at = p.room(64)
  new Uint8Array(p.memory.buffer).fill(0x55, at, at + 64)
  p.call('fd_filestat_get', fd, at)
  assert.equal([...p.bytes(at + 56, 8)], Array(8).fill(0x55))
  const events = p.poll([
    { userdata: 1n, tag: EVENTTYPE_CLOCK, clock_id: 1, timeout: 0n },
    { userdata: 2n, tag: EVENTTYPE_FD_READ, fd },
  ])
  assert.equal(
    events.map(({ userdata, error, type, nbytes }) => [userdata, error, type, nbytes]),
    [
      [2n, 0n, 1n, 1n],
      [1n, 0n, 0n, 0n],
    ],
  )
})

calls('writing goes to the cursor, to a place, or to the end', () => {
  const p = writing()
  const fd = p.open('new', { base: READ_WRITE, oflags: OFLAGS_CREAT })
  assert.is(p.write(fd, ['ab', '', 'cde']), 5)
  assert.is(p.tell(fd), 5n)
  assert.is(p.write(fd, 'XY', 1n), 2)
  assert.is(p.tell(fd), 5n)
  p.seek(fd, 8n, WHENCE_SET)
  p.write(fd, 'end')
  assert.is(p.content('new'), 'aXYde\0\0\0end')
  assert.is(
    errnoOf(() => p.write(fd, 'x', -1n)),
    'EINVAL',
  )
  assert.is(p.write(fd, []), 0)
  // A write of nothing makes no file longer.
  p.write(fd, '', 100n)
  assert.is(p.fstat(fd).size, 11n)
  p.call('fd_fdstat_set_flags', fd, FDFLAGS_APPEND)
  p.seek(fd, 0n, WHENCE_SET)
  p.write(fd, ['+', '+'])
  assert.is(p.tell(fd), 13n)
  // As on Linux: what appends does so whatever the place says.
  p.write(fd, '!', 0n)
  assert.is(p.content('new'), 'aXYde\0\0\0end++!')
  p.call('fd_fdstat_set_flags', fd, 0)
  p.seek(fd, 0n, WHENCE_SET)
  p.write(fd, 'A')
  assert.is(p.content('new'), 'AXYde\0\0\0end++!')
  assert.is(
    errnoOf(() => p.call('fd_fdstat_set_flags', fd, 32)),
    'EINVAL',
  )
  p.call('fd_fdstat_set_flags', fd, FDFLAGS_NONBLOCK | FDFLAGS_SYNC)
  assert.is(p.fdstat(fd).fs_flags, BigInt(FDFLAGS_NONBLOCK | FDFLAGS_SYNC))
})

calls('one file opened twice has two cursors and one content', () => {
  const p = writing()
  const one = p.open('small', { base: READ_WRITE })
  const two = p.open('small')
  p.write(one, 'SMALL')
  assert.is(p.read(two), 'SMALL text\n')
  p.call('fd_filestat_set_size', one, 5n)
  assert.is(p.fstat(two).size, 5n)
  // As in overlayfs: names of one file below part when it is copied up.
  assert.is(p.content('small-too'), 'small text\n')
  // What had been opened before it was copied up reads what it has become.
  const before = p.open('big')
  const writer = p.open('big', { base: READ_WRITE })
  p.write(writer, 'first')
  assert.is(p.read(before, [5]), 'first')
})

calls('sizes can be set both ways, and places allocated', () => {
  const p = writing()
  const fd = p.open('small', { base: READ_WRITE })
  p.call('fd_filestat_set_size', fd, 5n)
  p.call('fd_filestat_set_size', fd, 8n)
  assert.is(p.content('small'), 'small\0\0\0')
  p.call('fd_allocate', fd, 2n, 4n)
  assert.is(p.fstat(fd).size, 8n)
  p.call('fd_allocate', fd, 8n, 2n)
  assert.is(p.fstat(fd).size, 10n)
  for (const [offset, length, code] of [
    [0n, 0n, 'EINVAL'],
    [-1n, 1n, 'EINVAL'],
    [0n, -1n, 'EINVAL'],
    [2n ** 63n - 1n, 2n ** 63n - 1n, 'EFBIG'],
  ] as const) {
    assert.is(
      errnoOf(() => p.call('fd_allocate', fd, offset, length)),
      code,
    )
  }
  assert.is(
    errnoOf(() => p.call('fd_filestat_set_size', fd, -1n)),
    'EINVAL',
  )
  assert.is(
    errnoOf(() => p.call('fd_filestat_set_size', fd, 2n ** 62n)),
    'EFBIG',
  )
  assert.is(p.fstat(fd).size, 10n)
  // A right that is not one of a file opened for writing.
  const reader = p.open('small', { base: RIGHTS.FD_READ })
  assert.is(
    errnoOf(() => p.call('fd_filestat_set_size', reader, 0n)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.call('fd_allocate', 1, 0n, 1n)),
    'ENOTCAPABLE',
  )
})

calls('times of an open file are set to the nanosecond, or to now, or left', () => {
  const p = writing()
  const fd = p.open('small', { base: READ_WRITE })
  const set = (atim: bigint, mtim: bigint, flags: number) => p.call('fd_filestat_set_times', fd, atim, mtim, flags)
  set(1_000_000_001n, 2_000_000_002n, FSTFLAGS_ATIM | FSTFLAGS_MTIM)
  assert.equal([p.fstat(fd).atim, p.fstat(fd).mtim], [1_000_000_001n, 2_000_000_002n])
  set(3n, 3n, FSTFLAGS_MTIM)
  assert.equal([p.fstat(fd).atim, p.fstat(fd).mtim], [1_000_000_001n, 3n])
  const before = BigInt(Date.now() - 10_000) * 1_000_000n
  set(0n, 0n, FSTFLAGS_ATIM_NOW)
  assert.ok(p.fstat(fd).atim > before && p.fstat(fd).mtim === 3n)
  assert.is(
    errnoOf(() => set(0n, 0n, FSTFLAGS_ATIM | FSTFLAGS_ATIM_NOW)),
    'EINVAL',
  )
  const directory = p.openDirectory('dir')
  p.call('fd_filestat_set_times', directory, 7n, 8n, FSTFLAGS_ATIM | FSTFLAGS_MTIM)
  assert.is(p.stat('dir').mtim, 8n)
})

calls('times are those of the tree, also before 1970 and after 2262, and can be set as they were read', () => {
  const p = writing()
  const ns = ({ seconds, nsec }: { seconds: number; nsec: number }) =>
    BigInt.asUintN(64, BigInt(seconds) * 1_000_000_000n + BigInt(nsec))
  const old = ns({ seconds: -86_400 * 365, nsec: 123_456_789 })
  const late = ns({ seconds: 15_032_385_535, nsec: 999_999_999 })
  assert.is(p.stat('old').mtim, old)
  assert.is(p.stat('late').mtim, late)
  assert.is(p.stat('small').mtim, ns({ seconds: 1_234_567_890, nsec: 987_654_321 }))
  assert.is(p.stat('dir').mtim, ns({ seconds: 1_600_000_000, nsec: 1 }))
  const m = worlds.writable()
  const q = new Probe({ preopens: { '/': m } })
  for (const time of [old, late, 0n, 1n, BigInt.asUintN(64, -1n), ns({ seconds: -(2 ** 31), nsec: 0 }), 2n ** 63n]) {
    const fd = q.open('small', { base: READ_WRITE })
    q.call('fd_filestat_set_times', fd, time, time, FSTFLAGS_ATIM | FSTFLAGS_MTIM)
    assert.is(q.stat('small').mtim, time)
    const { mtimeNs } = m.fs.statSync('/small', { bigint: true })
    assert.is(mtimeNs, time > 2n ** 64n - 2n ** 31n * 1_000_000_000n - 1n ? time - 2n ** 64n : time, `${time}`)
    q.close(fd)
  }
})

calls('what is not a file or can not be written says so', () => {
  const p = writing()
  assert.is(
    errnoOf(() => p.read(3)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.read(1)),
    'EBADF',
  )
  assert.is(
    errnoOf(() => p.write(0, 'x')),
    'EBADF',
  )
  assert.is(
    errnoOf(() => p.call('fd_sync', 1)),
    'ENOTCAPABLE',
  )
  assert.is(
    errnoOf(() => p.call('fd_datasync', 3)),
    'ENOTCAPABLE',
  )
  p.call('fd_sync', 3)
  const reader = p.open('small', { base: RIGHTS.FD_READ | RIGHTS.FD_WRITE })
  assert.is(
    errnoOf(() => p.call('fd_advise', reader, 0n, 0n, 0)),
    'ENOTCAPABLE',
  )
  const file = p.open('small', { base: READ_WRITE })
  for (const advice of [0, 1, 2, 3, 4, 5]) p.call('fd_advise', file, 0n, 10n, advice)
  assert.is(
    errnoOf(() => p.call('fd_advise', file, 0n, 0n, 6)),
    'EINVAL',
  )
  assert.is(
    errnoOf(() => p.call('fd_advise', file, 0n, -1n, 0)),
    'EINVAL',
  )
})

calls('closed and never opened descriptors are EBADF for every call', () => {
  const p = writing()
  const fd = p.open('small')
  p.close(fd)
  assert.is(
    errnoOf(() => p.close(fd)),
    'EBADF',
  )
  const text = p.put('x')
  const room = p.room(64)
  for (const bad of [fd, -1, 4096, 0x7fffffff, -0x80000000]) {
    const each: Readonly<Record<string, (number | bigint)[]>> = {
      fd_advise: [bad, 0n, 0n, 0],
      fd_allocate: [bad, 0n, 1n],
      fd_close: [bad],
      fd_datasync: [bad],
      fd_sync: [bad],
      fd_fdstat_get: [bad, room],
      fd_fdstat_set_flags: [bad, 0],
      fd_fdstat_set_rights: [bad, 0n, 0n],
      fd_filestat_get: [bad, room],
      fd_filestat_set_size: [bad, 0n],
      fd_filestat_set_times: [bad, 0n, 0n, 0],
      fd_pread: [bad, room, 0, 0n, room],
      fd_pwrite: [bad, room, 0, 0n, room],
      fd_read: [bad, room, 0, room],
      fd_write: [bad, room, 0, room],
      fd_prestat_get: [bad, room],
      fd_prestat_dir_name: [bad, room, 8],
      fd_readdir: [bad, room, 32, 0n, room],
      fd_renumber: [bad, 3],
      fd_seek: [bad, 0n, 0, room],
      fd_tell: [bad, room],
      path_create_directory: [bad, ...text],
      path_filestat_get: [bad, 0, ...text, room],
      path_filestat_set_times: [bad, 0, ...text, 0n, 0n, 0],
      path_link: [bad, 0, ...text, 3, ...text],
      path_open: [bad, 0, ...text, 0, 0n, 0n, 0, room],
      path_readlink: [bad, ...text, room, 8, room],
      path_remove_directory: [bad, ...text],
      path_rename: [bad, ...text, 3, ...text],
      path_symlink: [...text, bad, ...text],
      path_unlink_file: [bad, ...text],
      sock_accept: [bad, 0, room],
      sock_recv: [bad, room, 0, 0, room, room],
      sock_send: [bad, room, 0, 0, room],
      sock_shutdown: [bad, 0],
    }
    assert.equal(Object.keys({ ...each, poll_oneoff: 0 }).sort(), Object.keys(p.imports).sort())
    for (const [name, args] of Object.entries(each)) {
      assert.is(
        errnoOf(() => p.call(name, ...args)),
        'EBADF',
        `${name} of ${bad}`,
      )
    }
  }
  assert.is(
    errnoOf(() => p.call('fd_renumber', 3, 4096)),
    'EBADF',
  )
  assert.is(
    errnoOf(() => p.call('sock_shutdown', 3, 0)),
    'ENOTSOCK',
  )
  assert.is(
    errnoOf(() => p.rename('small', 'other', { toFd: 99 })),
    'EBADF',
  )
  assert.is(
    errnoOf(() => p.link('small', 'other', { toFd: 99 })),
    'EBADF',
  )
})

calls('descriptors are the lowest that are free, and so many at most', () => {
  const p = new Probe({ preopens: { '/': worlds.writable() }, maxOpen: 8 })
  const opened = [4, 5, 6, 7].map(() => p.open('small'))
  assert.equal(opened, [4, 5, 6, 7])
  assert.is(
    errnoOf(() => p.open('small')),
    'EMFILE',
  )
  // Nothing is made for which there is no descriptor.
  assert.is(
    errnoOf(() => p.open('made', { oflags: OFLAGS_CREAT, base: READ_WRITE })),
    'EMFILE',
  )
  assert.is(
    errnoOf(() => p.open('small', { oflags: OFLAGS_TRUNC, base: READ_WRITE })),
    'EMFILE',
  )
  assert.is(
    errnoOf(() => p.stat('made')),
    'ENOENT',
  )
  assert.is(p.stat('small').size, 11n)
  p.close(5)
  p.close(0)
  assert.equal([p.open('small'), p.open('small')], [0, 5])
  assert.is(
    errnoOf(() => p.open('small')),
    'EMFILE',
  )
})

calls('renumbering closes what had that number and moves what is open', () => {
  const p = reading()
  const one = p.open('small')
  const two = p.open('big')
  p.read(one, [6])
  p.call('fd_renumber', one, two)
  assert.is(p.read(two), 'text\n')
  assert.is(
    errnoOf(() => p.read(one)),
    'EBADF',
  )
  p.call('fd_renumber', two, two)
  assert.is(p.tell(two), 11n)
  assert.is(p.open('big'), one)
  p.call('fd_renumber', two, 1)
  assert.is(p.seek(1, 0n, WHENCE_SET), 0n)
  assert.is(p.read(1), 'small text\n')
  assert.is(
    errnoOf(() => p.call('fd_renumber', 1, 50)),
    'EBADF',
  )
})

calls('poll says what can be read and written, and waits for clocks otherwise', () => {
  const p = new Probe({ preopens: { '/': worlds.writable() }, stdin: 'x' })
  const fd = p.open('small', { base: READ_WRITE })
  p.read(fd, [4])
  const blind = p.open('small', { base: RIGHTS.FD_READ })
  const events = p.poll([
    { userdata: 2n ** 64n - 1n, tag: EVENTTYPE_FD_READ, fd },
    { userdata: 7n, tag: EVENTTYPE_FD_WRITE, fd },
    { userdata: 8n, tag: EVENTTYPE_FD_READ, fd: 99 },
    { userdata: 9n, tag: EVENTTYPE_FD_READ, fd: blind },
    { userdata: 10n, tag: EVENTTYPE_CLOCK, clock_id: 1, timeout: 3_600_000_000_000n },
  ])
  assert.equal(
    events.map(({ userdata, error, type, nbytes }) => [userdata, Number(error), Number(type), nbytes]),
    [
      [2n ** 64n - 1n, 0, EVENTTYPE_FD_READ, 7n],
      [7n, 0, EVENTTYPE_FD_WRITE, 0n],
      [8n, 8, EVENTTYPE_FD_READ, 0n],
      [9n, 76, EVENTTYPE_FD_READ, 0n],
    ],
  )
  const began = performance.now()
  const alarm = { tag: EVENTTYPE_CLOCK, clock_id: 1 }
  const fired = p.poll([
    { ...alarm, userdata: 1n, timeout: 3_600_000_000_000n },
    { ...alarm, userdata: 2n, timeout: 20_000_000n },
  ])
  assert.ok(performance.now() - began >= 19)
  assert.equal(
    fired.map(({ userdata }) => userdata),
    [2n],
  )
  // Points in time: one that has been is there at once, one that comes is waited for.
  const absolute = { tag: EVENTTYPE_CLOCK, clock_id: 0, clock_flags: SUBCLOCKFLAGS_ABSTIME }
  assert.is(p.poll([{ ...absolute, timeout: 5n }]).length, 1)
  const soon = performance.timeOrigin + performance.now() + 15
  p.poll([{ ...absolute, timeout: BigInt(Math.ceil(soon * 1e6)) }])
  assert.ok(performance.timeOrigin + performance.now() >= soon - 0.01)
  assert.is(
    errnoOf(() => p.poll([])),
    'EINVAL',
  )
  assert.is(
    errnoOf(() => p.poll([{ tag: 3 }])),
    'EINVAL',
  )
  assert.is(
    errnoOf(() => p.poll([{ ...alarm, clock_id: 4 }])),
    'EINVAL',
  )
  assert.is(
    errnoOf(() => p.poll([{ ...absolute, clock_id: 2, timeout: 1n }])),
    'ENOTSUP',
  )
})

calls('a read-only tree is read only', () => {
  const p = reading()
  for (const form of [
    { base: RIGHTS.FD_WRITE },
    { base: READ_WRITE },
    { oflags: OFLAGS_TRUNC },
    { oflags: OFLAGS_CREAT, base: RIGHTS.FD_ALLOCATE },
  ]) {
    assert.is(
      errnoOf(() => p.open('small', form)),
      'EROFS',
      JSON.stringify(form),
    )
  }
  p.close(p.open('small', { oflags: OFLAGS_CREAT }))
  assert.is(
    errnoOf(() => p.open('absent', { oflags: OFLAGS_CREAT })),
    'EROFS',
  )
  assert.is(
    errnoOf(() => p.open('absent/x', { oflags: OFLAGS_CREAT })),
    'ENOENT',
  )
  const fd = p.open('small', { base: READ | RIGHTS.FD_FILESTAT_SET_TIMES })
  assert.is(
    errnoOf(() => p.call('fd_filestat_set_times', fd, 0n, 0n, FSTFLAGS_MTIM)),
    'EROFS',
  )
})

calls('what is chosen from a list has no sign', () => {
  const p = new Probe({ preopens: { '/': worlds.readOnly() } })
  const fd = p.open('small', { base: RIGHTS.FD_ADVISE })
  assert.is(p.raw('fd_advise', fd, 0n, 0n, 5), WASI.SUCCESS)
  for (const advice of [6, -1, -6]) assert.is(p.raw('fd_advise', fd, 0n, 0n, advice), WASI.EINVAL)
  const old = new Probe({ preopens: { '/': worlds.readOnly() } }, 'wasi_unstable')
  const other = old.open('small')
  for (const whence of [3, -1, -2]) assert.is(old.raw('fd_seek', other, 0n, whence, old.room(8)), WASI.EINVAL)
})

calls('a filesystem that can not be made whole holds nothing', () => {
  const m = worlds.writable()
  m.fs.mkdirSync('/held')
  const held = m.layer.resolve('/held', true) as UpperInode
  const preopens = { '/a': { tree: m, path: '/held' } }
  const files = new WasiFs({ preopens })
  assert.is(held.opened, 1)
  files.close()
  assert.is(held.opened, 0)
  assert.throws(() => new WasiFs({ preopens: { ...preopens, '/b': { tree: m, path: '/none' } } }), /ENOENT/)
  assert.is(held.opened, 0)
})

calls('after close nothing is open, and what the mount holds is let go', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  const fd = p.open('small', { base: READ_WRITE })
  p.files.close()
  for (const n of [0, 1, 2, 3, fd])
    assert.is(
      errnoOf(() => p.fdstat(n)),
      'EBADF',
    )
  m.fs.unlinkSync('/small')
  m.unmount()
})

calls.run()
