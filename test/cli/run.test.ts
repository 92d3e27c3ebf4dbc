// composefs run as a user runs it: whose each argument is, streams as of any command, exit statuses, what is changed, where the
// program is, what is elsewhere, and what goes wrong. Signals and descriptors: run-streams.test.ts.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, commandLater, type Ran } from '../helpers/command.js'
import { ROOT } from '../helpers/paths.js'
import { writeGuest } from '../helpers/run-guest.js'
import { startServing } from '../helpers/serving.js'

const test = suite('composefs run')
const dir = fs.mkdtempSync(join(tmpdir(), 'composefs-run-'))
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
const at = (...names: string[]) => join(dir, ...names)

const guest = at('guest.wasm')
await writeGuest(guest)
const LARGE = 'large '.repeat(5000)
fs.mkdirSync(at('tree/bin'), { recursive: true })
fs.mkdirSync(at('tree/data'))
fs.copyFileSync(guest, at('tree/bin/tool'))
fs.symlinkSync('/bin/tool', at('tree/tool'))
fs.writeFileSync(at('tree/data/small'), 'small')
fs.writeFileSync(at('tree/data/large'), LARGE)
fs.writeFileSync(at('tree/broken.wasm'), 'no program')
const site = at('site')
const store = join(site, 'objects')
fs.mkdirSync(store, { recursive: true })

function done(run: Ran, status = 0): Ran {
  assert.is(run.status, status, run.stderr)
  return run
}

function build(tree: string, name: string): { image: string; digest: string } {
  const image = at(name)
  const { stdout } = done(
    command('composefs', 'build', at(tree), image, '--digest-store', store, '--json', '--xattrs', 'none'),
  )
  return { image, digest: JSON.parse(stdout.toString()).digest }
}

const { image, digest } = build('tree', 'site/tree.cfs')
const STORE = ['--basedir', store]
const run = (...args: string[]) => command('composefs', 'run', ...args)
const tool = (...args: string[]) => run(image, '/bin/tool', ...args, ...STORE)
const text = (ran: Ran) => done(ran).stdout.toString()

/** One line of ours, and nothing else. */
function fails(ran: Ran, words: RegExp, status = 1): void {
  done(ran, status)
  assert.match(ran.stderr, words)
  assert.match(ran.stderr, /^composefs: [^\n]*\n$/)
  assert.is(ran.stdout.length, 0)
}

test('options may stand anywhere, what nobody knows is the program’s once there is one, and all of it behind --', () => {
  const args = ['args', 'a', '-x', '--help', '--version=1', '-', '']
  const lines = ['/bin/tool', ...args, ''].join('\n')
  assert.is(text(run(image, '/bin/tool', ...args, ...STORE)), lines)
  assert.is(text(run(...STORE, '-w', image, '/bin/tool', ...args)), lines)
  assert.is(text(run(image, ...STORE, '/bin/tool', args[0], '-w', ...args.slice(1))), lines)
  assert.is(
    text(run(image, '/bin/tool', 'args', ...STORE, '--', '-w', '--basedir', '--')),
    '/bin/tool\nargs\n-w\n--basedir\n--\n',
  )
  assert.is(text(run(`--basedir=${store}`, '--', image, 'tool', 'args', '--json')), 'tool\nargs\n--json\n')
})

test('the help is asked for before PROGRAM only', () => {
  assert.match(text(run('--help')), /^Usage: composefs run IMAGE PROGRAM /)
  assert.match(text(run(image, '-h')), /^Usage: /)
  assert.match(text(command('composefs', '--help')), / composefs run IMAGE PROGRAM/)
})

test('variables are those that are given', () => {
  const given = ['--env', 'A=1', '--env', 'B=2=3', '--env=C=', '--env', 'RUN_TEST_HAS', '--env', 'RUN_TEST_LACKS']
  process.env['RUN_TEST_HAS'] = 'it'
  assert.is(text(tool('env', ...given)), 'A=1\nB=2=3\nC=\nRUN_TEST_HAS=it\n')
  assert.is(text(tool('env')), '')
})

test('exit statuses are the program’s, and a trap is said in a line', () => {
  for (const status of [1, 7, 134, 255]) {
    assert.equal([tool('exit', String(status)).status, tool('exit', String(status)).stderr], [status, ''])
  }
  fails(tool('trap'), /^composefs: run: \/bin\/tool: unreachable\n/, 134)
  fails(tool('overflow'), /^composefs: run: \/bin\/tool: .*call stack/, 134)
})

test('what the program says on standard error is there as it is', () => {
  const { stdout, stderr } = done(tool('complain', 'wrong\ttwice'))
  assert.equal([stdout.toString(), stderr], ['', 'wrong\ttwice\n'])
})

test('without -w nothing can be written, with it it can and is gone', () => {
  const EROFS = 69
  assert.is(text(tool('read', 'data/large')), LARGE)
  assert.is(tool('write', 'new', 'x').status, EROFS)
  assert.equal(done(tool('-w', 'write', 'new', 'x')).stderr, '')
  const { stdout, stderr } = done(tool('--changes', 'write', 'data/large', 'x'))
  assert.equal([stdout.toString(), stderr], ['', '~ /data/large: content, mtime\n'])
  assert.equal(JSON.parse(done(tool('--changes', '--json', 'write', 'new', 'x')).stderr), [
    { path: '/new', change: 'added', type: 'file' },
  ])
  assert.is(done(tool('--changes', 'args')).stderr, '')
})

test('changes are listed after a trap too', () => {
  assert.is(done(tool('--changes', 'trap'), 134).stderr, 'composefs: run: /bin/tool: unreachable\n')
})

test('an upper keeps what was changed for the next run, and for composefs changes', () => {
  const upper = ['--upper', at('upper')]
  done(tool(...upper, 'write', 'data/new', 'kept'))
  assert.is(text(tool(...upper, 'read', 'data/new')), 'kept')
  const second = done(tool(...upper, '--changes', 'write', 'other', 'x'))
  assert.is(second.stderr, '+ /data/new\n+ /other\n')
  assert.is(text(command('composefs', 'changes', image, ...upper)), second.stderr)
  fails(run(image, '/bin/tool', 'args', '--upper', guest, ...STORE), /^composefs: open: /)
})

test('limits of the image are those of its reader, and may stand behind the program', () => {
  const ENAMETOOLONG = 37
  assert.is(text(tool('read', 'data/large', '--max-name-bytes', '5')), LARGE)
  assert.is(tool('read', 'data/large', '--max-name-bytes', '4').status, ENAMETOOLONG)
  fails(tool('args', '--max-object-bytes=100'), /^composefs: run: .*\(maxObjectBytes\)/)
  fails(tool('args', '--max-depth', '8193'), /^composefs: run: --max-depth is a whole number from 0 to 8192 /, 2)
})

test('several images are a stack, the topmost first', () => {
  fs.mkdirSync(at('top/data'), { recursive: true })
  fs.writeFileSync(at('top/data/small'), 'from the top')
  const top = build('top', 'top.cfs')
  const stack = (...args: string[]) => run(top.image, '--layer', image, 'bin/tool', ...args, ...STORE)
  assert.is(text(stack('read', 'data/small')), 'from the top')
  assert.is(text(stack('read', 'data/large')), LARGE)
  assert.is(done(stack('--changes', 'write', 'data/small', 'x')).stderr, '~ /data/small: content, mtime\n')
})

test('directories by other names, in place of all of the tree', () => {
  assert.is(text(tool('preopens')), '/\n')
  assert.is(text(tool('--dir', '/a=/data', '--dir', 'b=bin', 'preopens')), '/a\nb\n')
  assert.is(text(tool('--dir', '/a=/data', 'read', 'small')), 'small')
  fails(tool('--dir', '/a=/nowhere', 'args'), /^composefs: open: \/nowhere: no such file or directory\n/)
  fails(tool('--dir', '/a=/data/small', 'args'), /^composefs: open: \/data\/small: not a directory\n/)
})

test('the program is looked up in the image, then on the host; ./ is the host’s', () => {
  const script = join(ROOT, 'dist/bin/composefs.js')
  const here = (program: string) => {
    const ran = spawnSync(process.execPath, [script, 'run', image, program, 'args', ...STORE], { cwd: dir })
    return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr.toString() }
  }
  assert.is(text(here('/bin/tool')), '/bin/tool\nargs\n')
  assert.is(text(here('tool')), 'tool\nargs\n')
  assert.is(text(here(guest)), `${guest}\nargs\n`)
  assert.is(text(here('guest.wasm')), 'guest.wasm\nargs\n')
  assert.is(text(here('./guest.wasm')), './guest.wasm\nargs\n')
  fs.mkdirSync(at('bin'))
  fs.writeFileSync(at('broken.wasm'), fs.readFileSync(guest))
  fails(here('broken.wasm'), /^composefs: run: broken.wasm: is no WebAssembly program \(EINVAL\)\n/)
  done(here('./broken.wasm'))
  fails(here('./bin/tool'), /^composefs: run: \.\/bin\/tool: no such file or directory\n/)
  fails(here('bin/none'), /^composefs: run: bin\/none: is neither in the image nor on the host \(ENOENT\)\n/)
  fails(here('data/small/x'), /neither in the image nor on the host/)
  fails(here('/data'), /^composefs: run: \/data: illegal operation on a directory \(EISDIR\)\n/)
})

test('what is no program, or has not all that one has, is said in a line', () => {
  const bytes = (path: string, content: Uint8Array) => {
    fs.writeFileSync(at(path), content)
    return at(path)
  }
  const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]
  fails(run(image, bytes('empty', new Uint8Array(0)), ...STORE), /empty: is no WebAssembly program/)
  fails(run(image, bytes('bare.wasm', Uint8Array.from(HEADER)), ...STORE), /bare.wasm: is no WASI program/)
  // Imports the function e.f.
  const foreign = [...HEADER, 1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x65, 1, 0x66, 0, 0]
  fails(run(image, bytes('foreign.wasm', Uint8Array.from(foreign)), ...STORE), /foreign.wasm: can't be started: /)
})

test('images and objects that are missing, damaged, or others', () => {
  fails(run(at('none.cfs'), 'x'), /^composefs: open: .*none.cfs: no such file or directory\n/)
  fails(run(guest, 'x'), /^composefs: open: .*guest.wasm: /)
  fails(run(image, '/bin/tool', 'args', '--basedir', at('none')), /^composefs: open: .*none: no such file/)
  fails(run(image, '/bin/tool', 'args'), /^composefs: run: \/bin\/tool: /)
  done(run(image, guest, 'args', '--digest', digest))
  const other = `${digest.startsWith('0') ? '1' : '0'}${digest.slice(1)}`
  fails(
    run(image, guest, 'args', '--digest', other),
    /^composefs: open: .*tree.cfs: image digest is [0-9a-f]{64}, not /,
  )
  const ENOENT = 44
  assert.is(run(image, guest, 'read', 'data/large').status, ENOENT)
  const damaged = fs.readFileSync(image)
  damaged.fill(0xff, 1024 + 16, 1024 + 64)
  fs.writeFileSync(at('damaged.cfs'), damaged)
  fails(run(at('damaged.cfs'), guest, 'args'), /^composefs: open: .*damaged.cfs: /)
})

test('wrong usage', () => {
  fails(run(), /^composefs: run: no image given \(see composefs run --help\)\n/, 2)
  fails(run(image), /^composefs: run: no program given/, 2)
  fails(run('-x', image, guest), /^composefs: run: Unknown option '-x'/, 2)
  fails(run(image, guest, '--upper'), /^composefs: run: Option '--upper <value>' argument missing/, 2)
  fails(run(image, guest, '--json'), /--json is for --changes/, 2)
  fails(run(image, guest, '--digest', 'x'), /--digest must be 64 hex digits/, 2)
  fails(run(image, guest, '--dir', '/a'), /--dir is NAME=PATH/, 2)
  fails(run(image, guest, '--env', '=a'), /--env is NAME=VALUE/, 2)
})

test('an image and a store by URL are read while the program waits', async () => {
  const { url, stop } = await startServing(site)
  try {
    const there = (...args: string[]) => commandLater('composefs', ['run', ...args])
    const remote = ['--basedir', `${url}/objects`]
    assert.is(text(await there(`${url}/tree.cfs`, '/bin/tool', 'read', 'data/large', ...remote)), LARGE)
    assert.is(text(await there(image, '/bin/tool', 'read', 'data/large', ...remote)), LARGE)
    const changed = await there(`${url}/tree.cfs`, 'tool', '--changes', 'write', 'data/large', 'x', ...STORE)
    assert.is(done(changed).stderr, '~ /data/large: content, mtime\n')
    done(await there(`${url}/tree.cfs`, guest, 'args', '--digest', digest))
    fails(await there(`${url}/none.cfs`, 'x', ...remote), /^composefs: open: http:.*none.cfs: HTTP status 404/)
    fails(
      await there(`${url}/tree.cfs`, '/bin/tool', 'x', '--basedir', `${url}/none`),
      /^composefs: run: \/bin\/tool: /,
    )
    fails(await there('ftp://u:hush@host/x', 'x'), /^composefs: open: ftp:\/\/…: neither an http\(s\) URL/)
  } finally {
    await stop()
  }
})

test.run()
