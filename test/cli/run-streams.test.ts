// composefs run in a shell's hands: pipes of any size and pace, ends that close, terminals, files that can't be read or written,
// Ctrl-C. Not here: what it runs (run.test.ts).
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command } from '../helpers/command.js'
import { fixture, ROOT, skip } from '../helpers/paths.js'
import { writeGuest } from '../helpers/run-guest.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('composefs run: streams')
const dir = fs.mkdtempSync(join(tmpdir(), 'composefs-run-streams-'))
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
const at = (...names: string[]) => join(dir, ...names)

await writeGuest(at('guest.wasm'))
const SCRIPT = join(ROOT, 'dist/bin/composefs.js')
const IMAGE = fixture('small.cfs')
const LATER_MS = 60_000

/** A line of a shell, in which \`run\` is the command with image and program. */
function shell(line: string, input?: Uint8Array): { status: number | null; stdout: Buffer; stderr: string } {
  const run = `run() { "${process.execPath}" "${SCRIPT}" run "${IMAGE}" ./guest.wasm "$@"; }`
  const options = { cwd: dir, input, maxBuffer: 256 << 20, timeout: LATER_MS }
  const ran = spawnSync('sh', ['-c', `${run}; ${line}`], options)
  return { status: ran.status, stdout: ran.stdout, stderr: ran.stderr.toString() }
}

function started(args: readonly string[], stdin: number | 'pipe' | 'ignore'): ChildProcess {
  const child = spawn(process.execPath, [SCRIPT, 'run', IMAGE, at('guest.wasm'), ...args], {
    stdio: [stdin, 'pipe', 'inherit'],
    timeout: LATER_MS,
  })
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  child.once('close', () => process.removeListener('exit', kill))
  return child
}

/** What a process says; resolves once it has said as much. */
function hearing({ stdout }: ChildProcess): (text: string) => Promise<void> {
  let all = ''
  let ended = false
  stdout?.on('data', chunk => {
    all += chunk
  })
  stdout?.on('end', () => {
    ended = true
  })
  return async text => {
    while (!all.includes(text)) {
      if (ended) throw new Error(`ended after ${JSON.stringify(all)}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }
}

test('bytes go through as they are', () => {
  const bytes = noise(3 * 2 ** 20 + 7, 1)
  const { status, stdout, stderr } = shell('run cat', bytes)
  assert.equal([status, stderr], [0, ''])
  assert.ok(stdout.equals(bytes))
  assert.is(shell('run cat | run cat | wc -c', bytes).stdout.toString().trim(), String(bytes.length))
  assert.is(shell('run cat < /dev/null').stdout.length, 0)
})

test('more goes through than is ever kept', () => {
  const MiB = 96
  assert.is(
    shell(`run fill ${16 * MiB} | wc -c`)
      .stdout.toString()
      .trim(),
    String(MiB * 2 ** 20),
  )
})

test('who reads may go', () => {
  const { stdout, stderr } = shell('{ run fill 100000; echo $? >&2; } | head -c 5')
  assert.equal([stdout.toString(), stderr], ['xxxxx', '141\n'])
})

test('the program is told what can not be read or written', () => {
  const [EISDIR, ENOSPC] = [31, 51]
  assert.equal([shell('run cat < /').status, shell('run cat < /').stderr], [EISDIR, ''])
  if (fs.existsSync('/dev/full')) assert.is(shell('run fill 1 > /dev/full').status, ENOSPC)
})

test('a read returns what there is, and the program sees it before there is more', async () => {
  const child = started(['cat'], 'pipe')
  const said = hearing(child)
  for (const word of ['first', 'second']) {
    child.stdin?.write(word)
    await said(word)
  }
  child.stdin?.end()
  const [status] = await once(child, 'close')
  assert.is(status, 0)
})

if (spawnSync('mkfifo', [at('fifo')]).status === 0 && fs.existsSync('/proc/self/fdinfo')) {
  test('input that another process has told not to wait is waited for', async () => {
    const fifo = fs.openSync(at('fifo'), fs.constants.O_RDWR)
    const child = started(['cat'], fifo)
    const said = hearing(child)
    fs.writeSync(fifo, 'first')
    await said('first')
    // Node's stream does it to what both have open.
    const other = spawn(process.execPath, ['-e', 'process.stdin; console.log("set"); setInterval(() => {}, 1000)'], {
      stdio: [fifo, 'pipe', 'inherit'],
      timeout: LATER_MS,
    })
    try {
      await hearing(other)('set')
      for (const word of ['second', 'third']) {
        const [, flags] = /^flags:\s+(\d+)/m.exec(
          fs.readFileSync(`/proc/${child.pid}/fdinfo/0`, 'utf8'),
        ) as RegExpExecArray
        assert.ok(Number.parseInt(flags, 8) & fs.constants.O_NONBLOCK)
        await new Promise(resolve => setTimeout(resolve, 50))
        fs.writeSync(fifo, word)
        await said(word)
      }
    } finally {
      for (const one of [child, other]) {
        one.kill('SIGKILL')
        await once(one, 'close')
      }
      fs.closeSync(fifo)
    }
  })
} else skip(test, 'input that another process has told not to wait', 'no mkfifo, or no /proc')

if (spawnSync('script', ['--version']).status === 0) {
  test('each stream that is a terminal is shown as one', () => {
    const CHARACTER_DEVICE = '2'
    const types = (redirected: string) => {
      const line = `${process.execPath} ${SCRIPT} run ${IMAGE} ${at('guest.wasm')} types ${redirected}`
      const ran = spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8', timeout: LATER_MS })
      return ran.stdout.split(/\s+/, 3).map(type => type === CHARACTER_DEVICE)
    }
    assert.equal(types(''), [true, true, true])
    assert.equal(types(`< ${SCRIPT} > ${at('out')}`), [false, false, true])
  })
} else skip(test, 'terminals', 'no script of util-linux')

test('Ctrl-C ends it at once; what was synced is kept, and the next one has the upper', async () => {
  const upper = ['--upper', at('upper')]
  // Writes, and reads its input, which has ended, for ever.
  const child = started([...upper, 'write', 'kept', 'yes', 'stay'], 'ignore')
  await hearing(child)('synced')
  const busy = command('composefs', 'run', IMAGE, at('guest.wasm'), 'args', ...upper)
  assert.is(busy.status, 1)
  assert.match(busy.stderr, /^composefs: open: .*upper: .*in use by process/)
  child.kill('SIGINT')
  const [, signal] = await once(child, 'close')
  assert.is(signal, 'SIGINT')
  const next = command('composefs', 'run', IMAGE, at('guest.wasm'), 'read', 'kept', ...upper)
  assert.equal([next.status, next.stdout.toString(), next.stderr], [0, 'yes', ''])
})

test.run()
