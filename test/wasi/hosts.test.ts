// The same calls under three hosts: @wasmer/wasi (runWasi), node:wasi and @bjorn3/browser_wasi_shim give the other half, and the same
// programs write the same. Not here: what the calls answer.
import { WASI as NodeWasi } from 'node:wasi'
import { WASI as ShimWasi } from '@bjorn3/browser_wasi_shim'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Mount, runWasi } from '../../src/node.js'
import { WasiFs } from '../../src/wasi/wasi-fs.js'
import { skip } from '../helpers/paths.js'
import { Compiler } from './compiled.js'
import { cat, writes } from './programs.js'
import { Worlds } from './worlds.js'

const hosts = suite('WASI: one filesystem under three hosts')
const worlds = await Worlds.make()
const compiler = new Compiler()
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

interface Ran {
  readonly exitCode: number
  readonly output: string
}

interface Given {
  readonly mount: Mount
  readonly args: readonly string[]
  readonly stdin?: string
}

type Host = (module: WebAssembly.Module, given: Given) => Promise<Ran>
type Calls = Record<string, (...args: never[]) => number>

/** The other half of a host with our calls over its own. */
async function under(
  module: WebAssembly.Module,
  { mount, stdin }: Given,
  theirs: object,
  start: (instance: WebAssembly.Instance) => unknown,
): Promise<Ran> {
  const files = new WasiFs({ preopens: { '/': mount }, stdin })
  const imports = { wasi_snapshot_preview1: { ...(theirs as Calls), ...files.imports() } }
  const instance = await WebAssembly.instantiate(module, imports)
  files.attach(instance.exports['memory'] as WebAssembly.Memory)
  const exitCode = Number(start(instance) ?? 0)
  const output = text(files.output(1))
  files.close()
  return { exitCode, output }
}

const HOSTS: Readonly<Record<string, Host>> = {
  '@wasmer/wasi': async (module, { mount, args, stdin }) => {
    const { exitCode, stdout } = await runWasi(module, { mount, args, stdin, name: 'guest' })
    return { exitCode, output: text(stdout) }
  },
  'node:wasi': (module, given) => {
    const wasi = new NodeWasi({ version: 'preview1', args: ['guest', ...given.args], returnOnExit: true })
    return under(module, given, wasi.wasiImport, instance => wasi.start(instance))
  },
  '@bjorn3/browser_wasi_shim': (module, given) => {
    const wasi = new ShimWasi(['guest', ...given.args], [], [])
    return under(module, given, wasi.wasiImport, instance => wasi.start(instance as Parameters<typeof wasi.start>[0]))
  },
}

async function same(module: WebAssembly.Module, make: () => Given, check: (ran: Ran) => void): Promise<void> {
  const all = await Promise.all(Object.values(HOSTS).map(host => host(module, make())))
  check(all[0])
  for (const [i, name] of Object.keys(HOSTS).entries()) assert.equal(all[i], all[0], name)
}

hosts('input and output', async () => {
  const mount = worlds.readOnly()
  await same(
    await WebAssembly.compile(cat(7)),
    () => ({ mount, args: [], stdin: 'some input\n' }),
    ran => assert.equal(ran, { exitCode: 0, output: 'some input\n' }),
  )
  await same(
    await WebAssembly.compile(writes('text')),
    () => ({ mount, args: [] }),
    ran => assert.is(ran.output, 'text'),
  )
})

const COMPILED = 'programs of C list a tree and change it alike'
if (compiler.reason === undefined) {
  hosts(COMPILED, async () => {
    const list = await compiler.module('list')
    const torture = await compiler.module('torture')
    for (const mount of [worlds.readOnly(), worlds.cfsV1()]) {
      await same(
        list,
        () => ({ mount, args: ['/', 'numbers'] }),
        ran => assert.ok(ran.output.split('\n').length > 60),
      )
    }
    await same(
      torture,
      () => ({ mount: worlds.writable(), args: ['/empty'] }),
      ran => assert.match(ran.output, /300 removed/),
    )
  })
} else skip(hosts, COMPILED, compiler.reason)

hosts.run()
