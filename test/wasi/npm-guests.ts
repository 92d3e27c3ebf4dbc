// Programs of npm as WASI guests (.ci/guests.mjs fetches them), and the host that ours is measured by: Node's own WASI on a directory.
import host from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WASI } from 'node:wasi'
import { ROOT } from '../helpers/paths.js'

const GUESTS = join(ROOT, 'node_modules/.cache/guests')

export type GuestName = 'python' | 'ruby' | 'sqlite'

/** Undefined where it could not be fetched. */
export function guestModule(name: GuestName): WebAssembly.Module | undefined {
  const path = join(GUESTS, 'programs', `${name}.wasm`)
  return host.existsSync(path) ? new WebAssembly.Module(host.readFileSync(path)) : undefined
}

/** A tree with Python's library and some of its tests in /python/lib, or undefined where it could not be fetched. */
export function pythonTree(): string | undefined {
  const path = join(GUESTS, 'python')
  return host.existsSync(path) ? path : undefined
}

/** For a program whose library is in /python. */
export const PYTHON_ENV = { PYTHONHOME: '/python', PYTHONDONTWRITEBYTECODE: '1' }

/** A script of test/wasi/scripts. */
export function script(name: string): string {
  return host.readFileSync(join(ROOT, 'test/wasi/scripts', name), 'utf8')
}

export interface NodeRunOptions {
  readonly preopens: Readonly<Record<string, string>>
  readonly name: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

export interface NodeRun {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds from the start to the first bytes on stdout. */
  readonly first: number
  /** How often each call was made. */
  readonly calls: Readonly<Record<string, number>>
}

type Call = (...args: unknown[]) => unknown

/** Runs it to its end. */
export function runUnderNode(module: WebAssembly.Module, options: NodeRunOptions): NodeRun {
  const { preopens, name, args, env = {}, stdin = '' } = options
  const dir = host.mkdtempSync(join(tmpdir(), 'composefs-wasi-node-'))
  const path = (stream: string) => join(dir, stream)
  host.writeFileSync(path('0'), stdin)
  const fds = [host.openSync(path('0'), 'r'), host.openSync(path('1'), 'w'), host.openSync(path('2'), 'w')]
  try {
    const [{ module: namespace }] = WebAssembly.Module.imports(module)
    const started = performance.now()
    const wasi = new WASI({
      version: namespace === 'wasi_unstable' ? 'unstable' : 'preview1',
      preopens: { ...preopens },
      args: [name, ...args],
      env: { ...env },
      stdin: fds[0],
      stdout: fds[1],
      stderr: fds[2],
      returnOnExit: true,
    })
    const calls: Record<string, number> = {}
    let first = 0
    // Counted; and Node 20's calls abort the process here and there where the program makes them itself.
    const counted = (call: Call, callName: string): Call => {
      calls[callName] = 0
      return (...given) => {
        calls[callName] = (calls[callName] ?? 0) + 1
        if (first === 0 && callName === 'fd_write' && given[0] === 1) first = performance.now() - started
        return call(...given)
      }
    }
    const theirs = Object.entries((wasi.getImportObject() as Record<string, Record<string, Call>>)[namespace] ?? {})
    const imports = Object.fromEntries(theirs.map(([callName, call]) => [callName, counted(call, callName)]))
    const exitCode = Number(wasi.start(new WebAssembly.Instance(module, { [namespace]: imports as never })))
    const read = (stream: string) => host.readFileSync(path(stream), 'utf8')
    return { exitCode, stdout: read('1'), stderr: read('2'), first, calls }
  } finally {
    for (const fd of fds) host.closeSync(fd)
    host.rmSync(dir, { recursive: true, force: true })
  }
}
