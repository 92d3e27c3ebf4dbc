// The C programs of guests/, compiled to WASI and for this machine by clang where there is one. Not here: what they do.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../helpers/paths.js'

const TARGET = ['--target=wasm32-wasi', '--sysroot=/usr', '-Wl,-z,stack-size=1048576']

export class Compiler {
  readonly #out = mkdtempSync(join(tmpdir(), 'composefs-wasi-guests-'))
  /** Why nothing can be compiled here. */
  readonly reason: string | undefined

  constructor() {
    process.on('exit', () => rmSync(this.#out, { recursive: true, force: true }))
    const tried = this.#compile('list', TARGET, 'list.wasm')
    this.reason = tried === '' ? undefined : `no clang for wasm32-wasi: ${tried}`
  }

  #compile(name: string, options: readonly string[], out: string): string {
    const source = join(ROOT, 'test/wasi/guests', `${name}.c`)
    const args = ['-O1', '-D_GNU_SOURCE', ...options, source, '-o', join(this.#out, out)]
    const { status, stderr, error } = spawnSync('clang', args, { encoding: 'utf8', timeout: 60_000 })
    return status === 0 ? '' : (error?.message ?? stderr.split('\n')[0])
  }

  async module(name: string): Promise<WebAssembly.Module> {
    const failed = this.#compile(name, TARGET, `${name}.wasm`)
    if (failed !== '') throw new Error(failed)
    return WebAssembly.compile(readFileSync(join(this.#out, `${name}.wasm`)))
  }

  /** Path of the same program for this machine; undefined where it can't be made. */
  native(name: string): string | undefined {
    return this.#compile(name, [], name) === '' ? join(this.#out, name) : undefined
  }
}
