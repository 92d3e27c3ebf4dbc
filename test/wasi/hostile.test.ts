// Programs that mean harm, or are broken: pointers and lengths that lead nowhere, paths that are none, all that can be opened, random
// arguments to every import. Each call answers an errno and leaves the host, the mount and others on it as they were. Not here: ways out
// of a preopen (sandbox.test.ts), whole programs (run.test.ts).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, mountSync, TreeBuilder } from '../../src/node.js'
import { OFLAGS_CREAT } from '../../src/wasi/abi.js'
import { KEPT_ENTRIES } from '../../src/wasi/dir-calls.js'
import { WasiFs } from '../../src/wasi/wasi-fs.js'
import { wasmerHost } from '../../src/wasi/wasmer.js'
import { Dice } from '../helpers/random-layers.js'
import { entriesOf, errnoOf, Probe, READ_WRITE } from './probe.js'
import { BIG, Worlds } from './worlds.js'

const hostile = suite('WASI: hostile programs')
const worlds = await Worlds.make()
const MEMORY = 64 * 65_536

/** What each import takes: d a descriptor, p a pointer, n a length or number of bits, c a count, N 64 bits. */
const TAKES: Readonly<Record<string, string>> = {
  fd_advise: 'dNNn',
  fd_allocate: 'dNN',
  fd_close: 'd',
  fd_datasync: 'd',
  fd_sync: 'd',
  fd_fdstat_get: 'dp',
  fd_fdstat_set_flags: 'dn',
  fd_fdstat_set_rights: 'dNN',
  fd_filestat_get: 'dp',
  fd_filestat_set_size: 'dN',
  fd_filestat_set_times: 'dNNn',
  fd_pread: 'dpcNp',
  fd_pwrite: 'dpcNp',
  fd_read: 'dpcp',
  fd_write: 'dpcp',
  fd_prestat_get: 'dp',
  fd_prestat_dir_name: 'dpn',
  fd_readdir: 'dpnNp',
  fd_renumber: 'dd',
  fd_seek: 'dNnp',
  fd_tell: 'dp',
  path_create_directory: 'dpn',
  path_filestat_get: 'dnpnp',
  path_filestat_set_times: 'dnpnNNn',
  path_link: 'dnpndpn',
  path_open: 'dnpnnNNnp',
  path_readlink: 'dpnpnp',
  path_remove_directory: 'dpn',
  path_rename: 'dpndpn',
  path_symlink: 'pndpn',
  path_unlink_file: 'dpn',
  poll_oneoff: 'ppcp',
  sock_accept: 'dnp',
  sock_recv: 'dpcnpp',
  sock_send: 'dpcnp',
  sock_shutdown: 'dn',
}
/** Of the other half of a host; those that end a program are apart. */
const OTHER_HALF: Readonly<Record<string, string>> = {
  args_get: 'pp',
  args_sizes_get: 'pp',
  environ_get: 'pp',
  environ_sizes_get: 'pp',
  clock_res_get: 'np',
  clock_time_get: 'nNp',
  random_get: 'pn',
  sched_yield: '',
}

const WILD = [MEMORY, MEMORY - 1, MEMORY + 1, 0x7fffffff, -1, -4, -0x80000000, -MEMORY]
const FD: Readonly<Record<string, number>> = { path_symlink: 3 }

/** Whole hosts: what a program that @wasmer/wasi and the mount serve can import. */
function whole(files: WasiFs, memory: WebAssembly.Memory): Readonly<Record<string, (...args: never[]) => number>> {
  const host = wasmerHost(files, 'wasi_snapshot_preview1', { args: ['name', 'arg'], env: { A: 'b' } })
  host.attach(memory)
  return host.imports
}

hostile('the tables name every import', () => {
  const p = new Probe({ preopens: {} })
  const names = Object.keys(whole(p.files, p.memory)).sort()
  assert.equal(names, [...Object.keys({ ...TAKES, ...OTHER_HALF }), 'proc_exit', 'proc_raise'].sort())
})

hostile('a pointer that leads out of memory is EFAULT, in each place of each call', () => {
  const m = worlds.writable()
  let tried = 0
  for (const [name, takes] of Object.entries({ ...TAKES, ...OTHER_HALF })) {
    for (const [place, kind] of [...takes].entries()) {
      if (kind !== 'p' || name.startsWith('sock_')) continue
      for (const wild of WILD) {
        const p = new Probe({ preopens: { named: m } })
        const file = p.open('small', { base: READ_WRITE })
        const [path, length] = p.put('small')
        const fd = FD[name] ?? (name.startsWith('path_') || /dir|prestat/.test(name) ? 3 : file)
        const valid: Readonly<Record<string, number | bigint>> = { d: fd, n: 0, c: 1, N: 0n, p: p.room(64) }
        const args = [...takes].map((kind, i): number | bigint => {
          if (i === place) return wild
          // What follows a pointer to a path or buffer is its length.
          if (kind === 'n' && takes[i - 1] === 'p') return length
          return kind === 'p' && takes[i + 1] === 'n' ? path : valid[kind]
        })
        const call = whole(p.files, p.memory)[name] as (...args: (number | bigint)[]) => number
        assert.is(call(...args), 21, `${name}(${args.join(', ')})`)
        p.files.close()
        tried++
      }
    }
  }
  assert.ok(tried > 300, `${tried}`)
  assert.is(m.fs.readFileSync('/small', 'utf8'), 'small text\n')
  assert.ok(!m.fs.existsSync('/small/small'))
})

hostile('lengths and counts that are too large are errors, and make nobody allocate', () => {
  const p = new Probe({ preopens: { '/': worlds.writable() }, stdin: 'x' })
  const file = p.open('small', { base: READ_WRITE })
  const room = p.room(64)
  for (const length of [-1, 0x7fffffff, MEMORY, -0x80000000]) {
    const where = `${length}`
    assert.is(
      errnoOf(() => p.call('path_create_directory', 3, room, length)),
      'EFAULT',
      where,
    )
    assert.is(
      errnoOf(() => p.call('fd_readdir', 3, room, length, 0n, room)),
      'EFAULT',
      where,
    )
    assert.is(
      errnoOf(() => p.call('path_readlink', 3, ...p.put('to-file'), room, length, room)),
      'EFAULT',
      where,
    )
    for (const name of ['fd_read', 'fd_write']) {
      for (const fd of [file, name === 'fd_read' ? 0 : 1]) {
        assert.is(
          errnoOf(() => p.call(name, fd, room, length, room)),
          'EINVAL',
          `${name} ${where}`,
        )
      }
    }
    assert.is(
      errnoOf(() => p.call('poll_oneoff', room, room, length, room)),
      'EINVAL',
      where,
    )
  }
  // A piece that is as long as all there is, and one that is not whole.
  const { iovs } = p.pieces([8])
  for (const length of [0xffffffff, MEMORY, MEMORY - 1000]) {
    p.view.setUint32(iovs + 4, length, true)
    assert.is(
      errnoOf(() => p.call('fd_read', file, iovs, 1, room)),
      'EFAULT',
    )
    assert.is(
      errnoOf(() => p.call('fd_write', 1, iovs, 1, room)),
      'EFAULT',
    )
  }
  assert.is(
    errnoOf(() => p.read(file, Array(1025).fill(1))),
    'EINVAL',
  )
  assert.is(p.read(file, Array(1024).fill(1)), 'small text\n')
})

hostile('many pieces over the same bytes are no more than one call may move', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  const fd = p.open('new', { base: READ_WRITE, oflags: OFLAGS_CREAT })
  const iovs = p.room(8 * 1024)
  for (let i = 0; i < 1024; i++) {
    p.view.setUint32(iovs + 8 * i, 0, true)
    p.view.setUint32(iovs + 8 * i + 4, MEMORY, true)
  }
  const out = p.room(4)
  // 4 GiB in all: Linux has it that a sum that no size can hold is EINVAL.
  assert.is(
    errnoOf(() => p.call('fd_write', fd, iovs, 1024, out)),
    'EINVAL',
  )
  assert.is(
    errnoOf(() => p.call('fd_pwrite', fd, iovs, 1024, 0n, out)),
    'EINVAL',
  )
  assert.is(p.fstat(fd).size, 0n)
})

hostile('paths that are none', () => {
  const m = worlds.writable()
  for (const preopen of ['/', 'here']) {
    const p = new Probe({ preopens: { [preopen]: m } })
    const each = (path: string | Uint8Array) => [
      errnoOf(() => p.open(path)),
      errnoOf(() => p.open(path, { oflags: OFLAGS_CREAT, base: READ_WRITE })),
      errnoOf(() => p.stat(path)),
      errnoOf(() => p.mkdir(path)),
      errnoOf(() => p.unlink(path)),
      errnoOf(() => p.rmdir(path)),
      errnoOf(() => p.symlink('x', path)),
      errnoOf(() => p.link('small', path)),
      errnoOf(() => p.rename('small', path)),
      errnoOf(() => p.readlink(path)),
    ]
    const all = (path: string | Uint8Array, code: string) => assert.equal(each(path), Array(10).fill(code))
    all('sm\0all', 'EINVAL')
    all('\0', 'EINVAL')
    all('', 'ENOENT')
    all('x'.repeat(256), 'ENAMETOOLONG')
    all(new Uint8Array(256).fill(0xff), 'ENAMETOOLONG')
    all('/'.repeat(4096), 'ENAMETOOLONG')
    all('a/'.repeat(500_000), 'ENAMETOOLONG')
    all(`${'no/'.repeat(1365)}`, 'ENOENT')
    assert.is(
      errnoOf(() => p.symlink('x'.repeat(4096), 'long')),
      'ENAMETOOLONG',
    )
    assert.is(
      errnoOf(() => p.symlink('x\0', 'long')),
      'EINVAL',
    )
    assert.is(p.stat(`${'./'.repeat(2000)}small`).size, 11n)
  }
  assert.equal(m.changes(), [])
})

hostile('all that can be opened is opened, and another program on the mount has its own', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  const other = new Probe({ preopens: { '/': m } })
  let opened = 0
  for (;;) {
    const code = errnoOf(() => (opened % 2 === 0 ? p.open('big') : p.openDirectory('.')))
    if (code !== 'SUCCESS') {
      assert.is(code, 'EMFILE')
      break
    }
    opened++
  }
  assert.is(opened, 1020)
  for (let i = 0; i < 1000; i++)
    assert.is(
      errnoOf(() => p.open('small')),
      'EMFILE',
    )
  assert.is(other.content('small'), 'small text\n')
  p.files.close()
  assert.is(other.content('small'), 'small text\n')
})

hostile('files that claim to be huge take no room for it', () => {
  const m = worlds.writable()
  const p = new Probe({ preopens: { '/': m } })
  const before = process.memoryUsage()
  for (let i = 0; i < 50; i++) {
    const fd = p.open(`huge-${i}`, { base: READ_WRITE, oflags: OFLAGS_CREAT })
    errnoOf(() => p.call('fd_filestat_set_size', fd, 2n ** 52n))
    errnoOf(() => p.call('fd_allocate', fd, 2n ** 51n, 2n ** 40n))
    errnoOf(() => p.write(fd, 'x', 2n ** 50n))
    errnoOf(() => p.write(fd, 'x', 2n ** 63n - 1n))
    assert.is(p.read(fd, [16], 2n ** 30n).replaceAll('\0', ''), '')
    p.close(fd)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  assert.ok(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers < 64 * 2 ** 20)
})

hostile('output in single bytes takes little more than the bytes, and ends at a limit', () => {
  const p = new Probe({ preopens: {} })
  const { iovs } = p.pieces([1])
  const out = p.room(4)
  const write = p.imports['fd_write'] as (...args: number[]) => number
  globalThis.gc?.()
  const before = process.memoryUsage()
  const COUNT = 2 ** 20
  for (let i = 0; i < COUNT; i++) write(1, iovs, 1, out)
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  assert.is(p.files.output(1).length, COUNT)
  assert.ok(heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers < 8 * COUNT)
  const { iovs: large } = p.pieces([2 ** 21])
  let code = 0
  let written = COUNT
  for (; code === 0 && written < 2 ** 30; written += 2 ** 21) code = write(1, large, 1, out)
  assert.is(code, 51)
  assert.is(p.files.output(1).length, 64 * 2 ** 20 - 2 ** 20)
})

hostile('200,000 random calls answer errnos, and leave those beside them unharmed', () => {
  const calls = { ...TAKES, ...OTHER_HALF }
  const names = Object.keys(calls)
  const dice = new Dice(20_260_731)
  const m = worlds.writable()
  const readOnly = worlds.readOnly()
  const counts = new Map<number, number>()
  globalThis.gc?.()
  const before = process.memoryUsage()
  for (let round = 0; round < 20; round++) {
    const p = new Probe({ preopens: { '/': m, ro: readOnly, in: { tree: m, path: '/' } }, stdin: 'input', maxOpen: 64 })
    const imports = whole(p.files, p.memory) as Readonly<Record<string, (...args: (number | bigint)[]) => number>>
    const paths = ['small', 'dir/new', 'dir', '../x', 'absolute', 'self', 'big', 'empty', 'to-dir/q', 'new'].map(path =>
      p.put(path),
    )
    const { iovs } = p.pieces([10, 0, 5000])
    // Where pointers mostly lead: zeros, which is also a clock that is due.
    const room = p.room(4096)
    const pointer = () =>
      [
        room,
        room + dice.int(512),
        paths[dice.int(paths.length)][0],
        iovs,
        WILD[dice.int(WILD.length)],
        dice.int(MEMORY),
      ][dice.int(6)]
    for (let i = 0; i < 10_000; i++) {
      const name = names[dice.int(names.length)]
      let length = -1
      const args = [...calls[name]].map((kind): number | bigint => {
        // What closes is mostly kept from the preopens, so that the rest comes to something.
        if (kind === 'd' && /^fd_(?:close|renumber)$/.test(name)) return 6 + dice.int(60)
        if (kind === 'd') return dice.int(10) < 8 ? dice.int(9) : WILD[dice.int(WILD.length)]
        if (kind === 'N')
          return [0n, 1n, -1n, 4096n, BigInt(dice.int(2 ** 30)), 2n ** 63n - 1n, 0x1fffffffn, 0x200066n][dice.int(8)]
        if (kind === 'c') return [1, 1, 3, 0, 2000, -1][dice.int(6)]
        if (kind === 'p') {
          const path = paths[dice.int(paths.length)]
          length = dice.int(3) > 0 ? path[1] : -1
          return length < 0 ? pointer() : path[0]
        }
        if (length >= 0) {
          const given = length
          length = -1
          return given
        }
        return [0, 1, 2, 3, 8, 15, 64, 4096, -1, dice.int(2 ** 31)][dice.int(10)]
      })
      // A sleep of centuries is a program's right, but no test's: it is asked for zeros, or for what is not there.
      if (name === 'poll_oneoff') args[0] = dice.int(2) === 0 ? room + 2048 : WILD[dice.int(WILD.length)]
      if (name === 'poll_oneoff') args[1] = room
      const answer = imports[name](...args)
      assert.ok(Number.isInteger(answer) && answer >= 0 && answer <= 76, `${name}(${args.join(', ')}): ${answer}`)
      counts.set(answer, (counts.get(answer) ?? 0) + 1)
      new Uint8Array(p.memory.buffer).fill(0, room, room + 4096)
      for (const [at, path] of [...paths.entries()]) if (i % 50 === 0) p.view.setUint8(path[0], 0x61 + at)
    }
    assert.is(p.memory.buffer.byteLength, MEMORY)
    p.files.close()
  }
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  const grown = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers
  assert.ok(grown < 128 * 2 ** 20, `${grown} bytes`)
  // Many kinds of answers, and many successes: the calls came to something.
  assert.ok(counts.size > 12 && (counts.get(0) ?? 0) > 10_000, [...counts].join(' '))
  const other = new Probe({ preopens: { '/': readOnly, w: m } })
  assert.is(other.content('small'), 'small text\n')
  assert.is(other.content('big'), Buffer.from(BIG).toString('latin1'))
  other.mkdir('still-works', 4)
  assert.is(m.fs.statSync('/still-works').isDirectory(), true)
})

hostile('what has no memory yet, or a memory that grows, is answered', () => {
  const files = new WasiFs({ preopens: { '/': worlds.readOnly() } })
  const imports = files.imports() as Readonly<Record<string, (...args: (number | bigint)[]) => number>>
  for (const [name, takes] of Object.entries(TAKES)) {
    if (!takes.includes('p') || name.startsWith('sock_')) continue
    const answer = imports[name](...[...takes].map(kind => (kind === 'N' ? 0n : kind === 'd' ? 3 : 1)))
    assert.ok([8, 21, 28, 31, 54, 70, 76].includes(answer), `${name}: ${answer}`)
  }
  const p = new Probe({ preopens: { '/': worlds.readOnly() } })
  const fd = p.open('small')
  p.read(fd, [2])
  p.memory.grow(10)
  assert.is(p.read(fd, [3]), 'all')
  const at = MEMORY + 100
  assert.is(p.raw('fd_tell', fd, at), 0)
  assert.is(p.view.getBigUint64(at, true), 5n)
})

hostile(
  'listings that are begun and left take no more room than is set for all, and go on where they were',
  async () => {
    const names = 30_000
    const tree = new TreeBuilder()
    for (let i = 0; i < names; i++) tree.addFile(`/${i}-with-a-longer-name`)
    const p = new Probe({ preopens: { '/': mountSync((await buildImage(tree)).image) }, maxOpen: 2000 })
    const heap = () => {
      globalThis.gc?.()
      return process.memoryUsage().heapUsed
    }
    const first = p.openDirectory('.')
    const [head] = entriesOf(p.readdirOnce(first, 200, 0n)).slice(2)
    const begin = (count: number) => {
      const before = heap()
      for (let i = 0; i < count; i++) p.readdirOnce(p.openDirectory('.'), 64, 0n)
      return heap() - before
    }
    const each = begin(10) / 10
    const all = begin(150)
    assert.ok(all < 1.3 * each * (KEPT_ENTRIES / names), `${all} bytes for 150, ${each} for one`)
    const next = entriesOf(p.readdirOnce(first, 100, head.next))[0]
    assert.is(next.next, head.next + 1n)
    assert.is.not(next.name, head.name)
    const full = heap()
    for (let fd = first; p.raw('fd_close', fd) === 0; fd++);
    assert.ok(full - heap() > 0.5 * each * (KEPT_ENTRIES / names))
  },
)

hostile('randomness goes into memory that threads share, as everything does', () => {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true })
  const host = whole(new WasiFs({ preopens: {} }), memory)
  const { getRandomValues } = crypto
  try {
    // As browsers do.
    crypto.getRandomValues = view => {
      if (view !== null && view.buffer instanceof SharedArrayBuffer) throw new TypeError('shared')
      return getRandomValues.call(crypto, view) as typeof view
    }
    assert.is((host['random_get'] as (at: number, length: number) => number)(8, 100_000), 0)
  } finally {
    crypto.getRandomValues = getRandomValues
  }
  const bytes = new Uint8Array(memory.buffer)
  assert.ok(bytes.subarray(99_900, 100_008).some(byte => byte !== 0))
  assert.ok(bytes.subarray(100_008).every(byte => byte === 0))
})

hostile.run()
