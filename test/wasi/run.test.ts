// runWasi: programs from everywhere, what they are given, how they end; and what is no program. Streams have their own test.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mountSync, runWasi, TreeBuilder } from '../../src/node.js'
import type { RunWasiOptions, WasiProgram } from '../../src/wasi/run.js'
import { cat, op, program, writes } from './programs.js'
import { Worlds } from './worlds.js'

const running = suite('runWasi')
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

const hello = writes('hello\n')
const store = new MemoryStore()
const tree = new TreeBuilder()
tree.addDirectory('/bin')
tree.addFile('/bin/hello', hello)
tree.addFile('/bin/text', 'no program')
tree.addSymlink('/bin/link', 'hello')
tree.addDirectory('/data')
const { image } = await buildImage(tree, { store })
const mount = mountSync(image, { store })

/** Writes out what a call of the host put into memory at 4096: so many bytes, ended by what the call answered. */
function dumps(name: string, takes: string, args: readonly number[], from: number, length: number) {
  return program({
    imports: { [name]: [takes, true], fd_write: ['iiii', true], proc_exit: ['i', false] },
    body: [
      ...args.flatMap(value => op.const(value)),
      ...op.call(0),
      ...[0x21, 0x00],
      ...[...op.const(0), ...op.const(from), ...op.store, ...op.const(4), ...op.const(length), ...op.store],
      ...[...op.const(1), ...op.const(0), ...op.const(1), ...op.const(8), ...op.call(1), ...op.drop],
      ...[0x20, 0x00, ...op.call(2)],
    ],
  })
}

async function rejected(given: WasiProgram, options: RunWasiOptions): Promise<{ code: string; message: string }> {
  try {
    await runWasi(given, options)
  } catch (error) {
    return error as { code: string; message: string }
  }
  return assert.unreachable() as never
}

running('a program is bytes, a buffer, a Blob, a Module, or a path in the tree', async () => {
  const module = await WebAssembly.compile(hello)
  const forms: WasiProgram[] = [hello, hello.buffer, new Blob([hello]), module, module]
  for (const form of [...forms, '/bin/hello', 'bin/hello', '/bin/link']) {
    const { exitCode, stdout, trap, lacked } = await runWasi(form, { mount })
    assert.equal([exitCode, text(stdout), trap, lacked], [0, 'hello\n', undefined, undefined])
  }
  assert.is(text((await runWasi('/bin/hello', { mount: mount.layer })).stdout), 'hello\n')
  assert.is(text((await runWasi('/bin/hello', { layers: { '/': mount } })).stdout), 'hello\n')
})

running('arguments and environment arrive as they are, the name first', async () => {
  const args = ['a b', '', 'ünï']
  const options = { mount, args, env: { HOME: '/root', EMPTY: '', LONG: 'x=y' } }
  const bytes = (...texts: string[]) => Buffer.from(texts.map(one => `${one}\0`).join('')).toString('latin1')
  const named = bytes('program', ...args)
  const got = await runWasi(dumps('args_get', 'ii', [64, 4096], 4096, named.length), options)
  assert.equal([got.exitCode, text(got.stdout)], [0, named])
  const own = bytes('me', ...args)
  const me = await runWasi(dumps('args_get', 'ii', [64, 4096], 4096, own.length), { ...options, name: 'me' })
  assert.is(text(me.stdout), own)
  const env = bytes('HOME=/root', 'EMPTY=', 'LONG=x=y')
  const environ = await runWasi(dumps('environ_get', 'ii', [64, 4096], 4096, env.length), options)
  assert.is(text(environ.stdout), env)
  const sizes = await runWasi(dumps('args_sizes_get', 'ii', [4096, 4100], 4096, 8), options)
  assert.equal(new Uint32Array(sizes.stdout.buffer), Uint32Array.of(4, named.length))
  const none = await runWasi(dumps('environ_sizes_get', 'ii', [4096, 4100], 4096, 8), { mount })
  assert.equal(new Uint32Array(none.stdout.buffer), Uint32Array.of(0, 0))
  const wrong: Partial<RunWasiOptions>[] = [
    { args: ['a\0b'] },
    { env: { A: 'x\0' } },
    { env: { 'A\0': 'x' } },
    { name: '\0' },
  ]
  for (const bad of wrong) {
    assert.is((await rejected(hello, { mount, ...bad })).code, 'EINVAL')
  }
})

running('the path of a program is its name', async () => {
  const prints = dumps('args_get', 'ii', [64, 4096], 4096, 10)
  const builder = new TreeBuilder()
  builder.addFile('/printing', prints)
  const one = mountSync((await buildImage(builder, { store })).image, { store })
  assert.is(text((await runWasi('/printing', { mount: one })).stdout), '/printing\0')
})

running('clocks go on, and randomness is not twice the same', async () => {
  const clock = (id: number) =>
    program({
      imports: { clock_time_get: ['iIi', true], fd_write: ['iiii', true], proc_exit: ['i', false] },
      body: [
        ...[...op.const(id), ...op.const64(1), ...op.const(4096), ...op.call(0), 0x21, 0x00],
        ...[...op.const(0), ...op.const(4096), ...op.store, ...op.const(4), ...op.const(8), ...op.store],
        ...[...op.const(1), ...op.const(0), ...op.const(1), ...op.const(8), ...op.call(1), ...op.drop],
        ...[0x20, 0x00, ...op.call(2)],
      ],
    })
  const before = BigInt(Date.now()) * 1_000_000n
  const { stdout } = await runWasi(clock(0), { mount })
  const now = new BigUint64Array(stdout.buffer)[0]
  assert.ok(now > before - 60_000_000_000n && now < before + 60_000_000_000n)
  const first = new BigUint64Array((await runWasi(clock(1), { mount })).stdout.buffer)[0]
  assert.ok(new BigUint64Array((await runWasi(clock(1), { mount })).stdout.buffer)[0] > first)
  for (const id of [4, -1]) assert.is((await runWasi(clock(id), { mount })).exitCode, 28)
  // The system's clock is set while the thread runs, or the machine has slept.
  const hour = 3_600_000
  const dateNow = Date.now
  try {
    Date.now = () => dateNow() + hour
    const later = new BigUint64Array((await runWasi(clock(0), { mount })).stdout.buffer)[0]
    assert.ok(later >= before + BigInt(hour) * 1_000_000n)
  } finally {
    Date.now = dateNow
  }
  const random = dumps('random_get', 'ii', [4096, 32], 4096, 32)
  assert.is.not(text((await runWasi(random, { mount })).stdout), text((await runWasi(random, { mount })).stdout))
  const much = await runWasi(dumps('random_get', 'ii', [0, 65_536], 4096, 32), { mount })
  assert.is(much.exitCode, 0)
})

running('a program ends with its exit code, by a trap, by a signal, or by returning', async () => {
  const exits = (code: number) =>
    program({ imports: { proc_exit: ['i', false] }, body: [...op.const(code), ...op.call(0)] })
  for (const code of [0, 1, 2, 42, 126, 255]) {
    const ended = await runWasi(exits(code), { mount })
    assert.equal([ended.exitCode, ended.trap], [code, undefined])
  }
  assert.is((await runWasi(program({ body: [] }), { mount })).exitCode, 0)
  const trapped = await runWasi(writes('before', 1, op.trap), { mount })
  assert.equal([trapped.exitCode, text(trapped.stdout)], [134, 'before'])
  assert.instance(trapped.trap, WebAssembly.RuntimeError)
  const recursing = await runWasi(program({ body: op.call(0) }), { mount })
  assert.is(recursing.exitCode, 134)
  assert.match(String(recursing.trap?.message), /call stack/)
  const outside = await runWasi(program({ body: [...op.const(-8), ...op.load, ...op.drop] }), { mount })
  assert.is(outside.exitCode, 134)
  const raises = program({ imports: { proc_raise: ['i', true] }, body: [...op.const(6), ...op.call(0), ...op.drop] })
  const raised = await runWasi(raises, { mount })
  assert.is(raised.exitCode, 134)
  assert.instance(raised.trap, Error)
  const throws = await runWasi(program({ body: op.throw, tag: true }), { mount })
  assert.is(throws.exitCode, 134)
  assert.instance(throws.trap, Error)
  assert.match(String(throws.trap?.message), /exception/)
  const yields = program({ imports: { sched_yield: ['', true] }, body: [...op.call(0), ...op.drop] })
  assert.is((await runWasi(yields, { mount })).exitCode, 0)
})

running('what is no program is EINVAL, and says why', async () => {
  const bad: [WasiProgram, RegExp][] = [
    [new Uint8Array(0), /no WebAssembly program/],
    [new TextEncoder().encode('#!/bin/sh'), /no WebAssembly program/],
    [hello.slice(0, 40), /no WebAssembly program/],
    [new Blob(['text']), /no WebAssembly program/],
    ['/bin/text', /no WebAssembly program/],
    [program({ body: [], entry: 'main' }), /no _start/],
    [program({ body: [], memory: false }), /no memory/],
    [program({ body: [], imports: { f: ['', true] }, from: 'env' }), /can't be started/],
    [program({ body: [], imports: { f: ['', true] }, from: 'wasi_snapshot_preview2' }), /can't be started/],
  ]
  for (const [given, why] of bad) {
    const { code, message } = await rejected(given, { mount })
    assert.is(code, 'EINVAL')
    assert.match(message, why)
  }
  assert.is((await rejected('/bin/none', { mount })).code, 'ENOENT')
  assert.is((await rejected('/bin', { mount })).code, 'EISDIR')
  assert.is((await rejected('/bin/hello/x', { mount })).code, 'ENOTDIR')
  assert.is((await rejected(hello, {})).code, 'EINVAL')
  assert.is((await rejected(hello, { mount, layers: { '/': mount } })).code, 'EINVAL')
  assert.is((await rejected(hello, { mount, preopens: { '/': '/nowhere' } })).code, 'ENOENT')
  assert.is((await rejected(hello, { mount, preopens: { '/': '/bin/hello' } })).code, 'ENOTDIR')
  assert.is((await rejected('/x', { layers: {} })).code, 'ENOENT')
})

running('calls that no host has answer ENOSYS; both namespaces are served, also beside each other', async () => {
  const odd = program({
    imports: { sock_open: ['iii', true], proc_exit: ['i', false] },
    body: [...op.const(1), ...op.const(1), ...op.const(1), ...op.call(0), ...op.call(1)],
  })
  assert.is((await runWasi(odd, { mount })).exitCode, 52)
  const old = program({
    from: 'wasi_unstable',
    imports: { fd_write: ['iiii', true], proc_exit: ['i', false] },
    data: [[0, '\x08\0\0\0\x03\0\0\0old']],
    body: [...op.const(1), ...op.const(0), ...op.const(1), ...op.const(32), ...op.call(0), ...op.call(1)],
  })
  const ended = await runWasi(old, { mount })
  assert.equal([ended.exitCode, text(ended.stdout)], [0, 'old'])
})

running('what every object inherits can not be imported', async () => {
  const reach = (from: string, name: string) =>
    program({ from, imports: { [name]: ['i', true] }, body: [...op.const(0), ...op.call(0), ...op.drop] })
  for (const [from, name] of [
    ['constructor', 'freeze'],
    ['constructor', 'constructor'],
    ['toString', 'constructor'],
    ['__proto__', 'hasOwnProperty'],
  ]) {
    assert.is((await rejected(reach(from, name), { mount })).code, 'EINVAL', `${from}.${name}`)
  }
  // In the namespace itself they are calls that no host has.
  for (const name of ['toString', 'hasOwnProperty', '__proto__']) {
    const asked = program({
      imports: { [name]: ['', true], proc_exit: ['i', false] },
      body: [...op.call(0), ...op.call(1)],
    })
    assert.is((await runWasi(asked, { mount })).exitCode, 52, name)
  }
})

running('what runs as the module starts may end the program, too', async () => {
  const exits = program({ imports: { proc_exit: ['i', false] }, body: [...op.const(7), ...op.call(0)], starts: true })
  assert.is((await runWasi(exits, { mount })).exitCode, 7)
  const traps = await runWasi(program({ body: op.trap, starts: true }), { mount })
  assert.equal([traps.exitCode, traps.trap instanceof WebAssembly.RuntimeError], [134, true])
})

running('a signal stops it before it begins, and at the next call', async () => {
  const reason = new Error('enough')
  const before = new AbortController()
  before.abort(reason)
  assert.is(await rejected(hello, { mount, signal: before.signal }), reason)
  const during = new AbortController()
  let lines = 0
  const forever = program({
    imports: { fd_write: ['iiii', true] },
    data: [[0, '\x08\0\0\0\x05\0\0\0line\n']],
    body: op.forever([...op.const(1), ...op.const(0), ...op.const(1), ...op.const(32), ...op.call(0), ...op.drop]),
  })
  const stdout = () => {
    if (++lines === 5) during.abort(reason)
  }
  assert.is(await rejected(forever, { mount, stdout, signal: during.signal }), reason)
  assert.is(lines, 5)
  const unused = await runWasi(hello, { mount, signal: new AbortController().signal })
  assert.is(text(unused.stdout), 'hello\n')
})

/** Makes a directory /new (or what follows the preopen's name) and ends with what that answered. */
function makes(path: string, fd = 3) {
  return program({
    imports: { path_create_directory: ['iii', true], proc_exit: ['i', false] },
    data: [[4096, path]],
    body: [...op.const(fd), ...op.const(4096), ...op.const(path.length), ...op.call(0), ...op.call(1)],
  })
}

running('what is made belongs to the owner of the mount, or to whom the options name', async () => {
  const m = mountSync(image, { store, writable: true, uid: 1000, gid: 100, umask: 0o077 })
  assert.is((await runWasi(makes('one'), { mount: m })).exitCode, 0)
  assert.is((await runWasi(makes('two'), { mount: m, uid: 5, gid: 6, umask: 0 })).exitCode, 0)
  assert.is((await runWasi(makes('three'), { mount: m.layer })).exitCode, 0)
  const facts = (path: string) => {
    const { uid, gid, mode } = m.fs.statSync(path)
    return [uid, gid, mode & 0o7777]
  }
  assert.equal(
    [facts('/one'), facts('/two'), facts('/three')],
    [
      [1000, 100, 0o700],
      [5, 6, 0o777],
      [0, 0, 0o755],
    ],
  )
  assert.is((await runWasi(makes('no'), { mount })).exitCode, 69)
})

running('preopens and layers are seen in their order, by their names', async () => {
  const m = mountSync(image, { store, writable: true })
  const other = mountSync(image, { store, writable: true })
  assert.is((await runWasi(makes('a', 4), { mount: m, preopens: { '/': '/bin', '/tmp': '/data' } })).exitCode, 0)
  assert.ok(m.fs.existsSync('/data/a'))
  const layers = { '/': mount, '/w': { tree: other, path: '/data' } }
  assert.is((await runWasi(makes('b', 4), { layers })).exitCode, 0)
  assert.is((await runWasi(makes('b', 3), { layers })).exitCode, 69)
  assert.is((await runWasi(makes('b', 5), { layers })).exitCode, 8)
  assert.ok(other.fs.existsSync('/data/b'))
  assert.is((await runWasi(makes('b', 3), { mount: m, preopens: {} })).exitCode, 8)
})

running('one mount serves any number of programs, one after the other and one in the other', async () => {
  const worlds = await Worlds.make()
  const m: Mount = worlds.writable()
  const module = await WebAssembly.compile(cat())
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, i) => runWasi(module, { mount: m, stdin: `input ${i}` })),
  )
  assert.equal(
    all.map(({ stdout }) => text(stdout)),
    Array.from({ length: 50 }, (_, i) => `input ${i}`),
  )
  m.unmount()
  assert.is((await rejected(module, { mount: m })).code, 'EINVAL')
})

running.run()
