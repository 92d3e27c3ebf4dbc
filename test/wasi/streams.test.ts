// Standard input and output as programs are handed them: text, bytes and functions; what is kept and what is handed on; terminals.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage, mountSync, TreeBuilder } from '../../src/node.js'
import { WHENCE_CUR } from '../../src/wasi/abi.js'
import { runWasi } from '../../src/wasi/run.js'
import { KEPT_BYTES } from '../../src/wasi/streams.js'
import { errnoOf, Probe } from './probe.js'
import { cat, writes } from './programs.js'

const streams = suite('WASI: standard input and output')
const mount = mountSync((await buildImage(new TreeBuilder())).image)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const run = (stdin: Parameters<typeof runWasi>[1]['stdin'], room?: number) => runWasi(cat(room), { mount, stdin })

streams('input is text, bytes, a function, or nothing', async () => {
  assert.is(text((await run('ünï\n')).stdout), 'ünï\n')
  assert.equal((await run(Uint8Array.of(0, 255, 10))).stdout, Uint8Array.of(0, 255, 10))
  assert.is((await run(undefined)).stdout.length, 0)
  const pieces = ['one ', 'two ', '', 'never']
  const asked: number[] = []
  const give = (most: number) => {
    asked.push(most)
    const piece = pieces.shift()
    return piece === undefined ? undefined : new TextEncoder().encode(piece)
  }
  assert.is(text((await run(give, 3)).stdout), 'one two ')
  // Asked again only once what came is read; an empty piece is the end.
  assert.equal(asked, [3, 3, 3])
  assert.equal(pieces, ['never'])
  const large = new Uint8Array(1_000_000).map((_, i) => i % 251)
  assert.equal((await run(large, 777)).stdout, large)
})

streams('each read answers what is there, not until its pieces are full', () => {
  const parts = [new Uint8Array(5).fill(0x61), new Uint8Array(2).fill(0x62)]
  const p = new Probe({ preopens: {}, stdin: () => parts.shift() })
  assert.is(p.read(0, [0, 3, 10]), 'aaa')
  assert.is(p.read(0, [10]), 'aa')
  assert.is(p.read(0, []), '')
  assert.is(p.read(0, [10]), 'bb')
  assert.is(p.read(0, [10]), '')
})

streams('output is kept, or handed to functions in its order, in bytes that are theirs', async () => {
  const kept = await runWasi(writes('to stdout'), { mount })
  assert.is(text(kept.stdout), 'to stdout')
  assert.is(kept.stderr.length, 0)
  assert.is(text((await runWasi(writes('to stderr', 2), { mount })).stderr), 'to stderr')
  const taken: Uint8Array[] = []
  const handed = await runWasi(cat(4), { mount, stdin: 'abcdefghij', stdout: bytes => void taken.push(bytes) })
  assert.equal(taken.map(text), ['abcd', 'efgh', 'ij'])
  assert.is(handed.stdout.length, 0)
  const errors: string[] = []
  const both = await runWasi(writes('x', 2), { mount, stderr: bytes => void errors.push(text(bytes)) })
  assert.equal([errors, both.stderr.length, both.stdout.length], [['x'], 0, 0])
})

streams('what a function of output answers counts for nothing', () => {
  const taken: Uint8Array[] = []
  const answers = [bytes => taken.push(bytes), () => true, () => false, () => undefined, async () => 7] as ((
    bytes: Uint8Array,
  ) => void)[]
  for (const stdout of answers) assert.is(new Probe({ preopens: {}, stdout }).write(1, ['hel', 'lo']), 5)
  assert.equal(taken.map(text), ['hel', 'lo'])
})

streams('what a function throws with a code is told to the program; anything else ends it', async () => {
  const broken = (code: string) => () => {
    throw Object.assign(new Error(code), { code })
  }
  for (const [code, number] of [
    ['EPIPE', 64],
    ['ENOSPC', 51],
    ['EIO', 29],
    ['EAGAIN', 6],
  ] as const) {
    assert.is((await runWasi(cat(), { mount, stdin: 'x', stdout: broken(code) })).exitCode, number, code)
  }
  const rejects = async (thrown: unknown, options: object) => {
    try {
      await runWasi(cat(), { mount, stdin: 'x', ...options })
      assert.unreachable()
    } catch (error) {
      assert.is(error, thrown)
    }
  }
  const odd = new Error('no code')
  const unknown = Object.assign(new Error('x'), { code: 'ERR_OTHER' })
  for (const thrown of [odd, unknown, 'text', undefined]) {
    const fail = () => {
      throw thrown
    }
    await rejects(thrown, { stdout: fail })
    await rejects(thrown, { stdin: fail })
  }
})

streams('what is kept has a limit, which the program is told', async () => {
  const big = new Uint8Array(KEPT_BYTES + 1)
  const { exitCode, stdout } = await run(big, 60_000)
  assert.is(exitCode, 51)
  assert.is(stdout.length, KEPT_BYTES - (KEPT_BYTES % 60_000))
})

streams('terminals are those that were named', () => {
  const p = new Probe({ preopens: {}, terminals: [0, 2] })
  assert.equal(
    [0, 1, 2].map(fd => Number(p.fdstat(fd).fs_filetype)),
    [2, 6, 2],
  )
  assert.equal(
    [0, 1, 2].map(fd => Number(p.fstat(fd).filetype)),
    [2, 6, 2],
  )
  assert.is(
    errnoOf(() => p.seek(0, 0n, WHENCE_CUR)),
    'ENOTCAPABLE',
  )
})

streams.run()
