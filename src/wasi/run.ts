// Runs a WASI program on mounted trees: its filesystem is ours, the rest of its host @wasmer/wasi. It runs on the thread that asks, and
// to its end; what is to be broken off runs in a worker, which can be ended. Not here: the calls (wasi-fs.ts), the command (src/cli/run.ts).

import { Fault, faultError, orThrow } from '../format/errno.js'
import { joinBytes } from '../format/join-bytes.js'
import { filePieces, openWaiting } from '../overlay/file-pieces.js'
import { answered } from '../overlay/waiting.js'
import { WASI } from './errno.js'
import {
  type Preopen,
  WasiFs,
  type WasiFsOptions,
  type WasiImports,
  type WasiNamespace,
  type WasiTree,
} from './wasi-fs.js'
import { ProgramExit, ProgramSignal, wasmerHost } from './wasmer.js'

/** What a shell reports of a program that died of a trap (128 + SIGABRT). */
const TRAPPED = 134
/** Whether this thread draws a page, which must not be held up. */
const onPage = 'document' in globalThis
const NAMESPACES: readonly string[] = ['wasi_snapshot_preview1', 'wasi_unstable']

/** A program: its bytes, what they were compiled to (which can run any number of times), or its path in the tree. */
export type WasiProgram = string | BufferSource | Blob | WebAssembly.Module

export interface RunWasiOptions extends Omit<WasiFsOptions, 'preopens'> {
  /** What the program sees: all of it as `/`, unless `preopens` says otherwise. */
  readonly mount?: WasiTree
  /** Several trees, by the names that the program has for them, instead of a `mount`. */
  readonly layers?: Readonly<Record<string, WasiTree | Preopen>>
  /** Directories of the `mount` by the names that the program has for them: `{ '/': '/srv', '/tmp': '/var/tmp' }`. */
  readonly preopens?: Readonly<Record<string, string>>
  /** What follows the program's own name, which is its path or `program`. */
  readonly args?: readonly string[]
  /** The program's own name, where it should be another. */
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
  /** Looked at before the program begins, and at each of its calls. */
  readonly signal?: AbortSignal
}

export interface WasiResult {
  /** 134 for a program that died of a trap or signal. */
  readonly exitCode: number
  /** What it died of: a WebAssembly.RuntimeError, or the Error of a stack that was too small or of an exception of its own. */
  readonly trap?: Error
  /** What it wrote, where nothing else took it. */
  readonly stdout: Uint8Array
  readonly stderr: Uint8Array
  /** What it first read that was not at hand and could not be waited for; it was told EAGAIN. */
  readonly lacked?: string
}

/** The directories that a program finds open. Throws EINVAL for options that name no tree, or two ways. */
function preopensOf({ mount, layers, preopens }: RunWasiOptions): Readonly<Record<string, WasiTree | Preopen>> {
  if ((mount === undefined) === (layers === undefined)) {
    throw faultError(new Fault('EINVAL', 'give a mount, or layers'), 'runWasi')
  }
  if (layers !== undefined) return layers
  const tree = mount as WasiTree
  return Object.fromEntries(Object.entries(preopens ?? { '/': '/' }).map(([name, path]) => [name, { tree, path }]))
}

/** A program's bytes, by its path in a tree. Rejects with ENOENT and the like. */
export async function readProgram(tree: WasiTree, path: string): Promise<Uint8Array<ArrayBuffer>> {
  const layer = 'layer' in tree ? tree.layer : tree
  const node = orThrow(await answered(() => layer.resolve(path, true)), path)
  const file = await openWaiting(layer, node, path)
  try {
    const pieces: Uint8Array<ArrayBuffer>[] = []
    for await (const piece of filePieces(file, path)) pieces.push(new Uint8Array(piece))
    return joinBytes(pieces, file.size) as Uint8Array<ArrayBuffer>
  } finally {
    file.close()
  }
}

/** Compiles. Rejects with EINVAL for what is no program. */
export async function compileProgram(bytes: BufferSource, name: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes)
  } catch (cause) {
    throw faultError(new Fault('EINVAL', 'is no WebAssembly program', cause), name)
  }
}

async function moduleOf(program: WasiProgram, options: RunWasiOptions, name: string): Promise<WebAssembly.Module> {
  if (program instanceof WebAssembly.Module) return program
  if (program instanceof Blob) return compileProgram(await program.arrayBuffer(), name)
  if (typeof program !== 'string') return compileProgram(program, name)
  const [first] = Object.values(preopensOf(options))
  const tree = first === undefined ? undefined : 'tree' in first ? first.tree : first
  if (tree === undefined) throw faultError(new Fault('ENOENT'), name)
  return compileProgram(await readProgram(tree, program), name)
}

/** Under which names a program imports its calls. */
function namespacesOf(module: WebAssembly.Module): Set<WasiNamespace> {
  const imports = WebAssembly.Module.imports(module)
  return new Set(imports.map(({ module: name }) => name).filter(name => NAMESPACES.includes(name)) as WasiNamespace[])
}

/** Calls that a program imports and no host gives (sockets beyond preview1's, of some builds) are there, and answer ENOSYS. */
function completed(module: WebAssembly.Module, namespace: WasiNamespace, imports: WasiImports): WasiImports {
  const missing = WebAssembly.Module.imports(module).filter(
    ({ module: from, name, kind }) => from === namespace && kind === 'function' && !Object.hasOwn(imports, name),
  )
  return { ...Object.fromEntries(missing.map(({ name }) => [name, () => WASI.ENOSYS])), ...imports }
}

/** What a program can import and nothing else: not what every object inherits, by which it would reach into the host. */
function bare<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.assign(Object.create(null), Object.fromEntries(entries))
}

/** Each call looks at the signal first. */
function heeding(imports: WasiImports, signal: AbortSignal | undefined): WasiImports {
  if (signal === undefined) return imports
  const heed =
    (call: (...args: never[]) => number) =>
    (...args: never[]) => {
      signal.throwIfAborted()
      return call(...args)
    }
  return Object.fromEntries(Object.entries(imports).map(([name, call]) => [name, heed(call)]))
}

/**
 * Runs a program to its end: exit codes and traps are values. Rejects with what the signal says, ENOENT, ENOTDIR (a program or
 * directory that is not there), EINVAL (no WASI program, options that contradict each other), and with what a stream's function throws.
 */
export async function runWasi(program: WasiProgram, options: RunWasiOptions): Promise<WasiResult> {
  const { signal, args = [], env = {} } = options
  signal?.throwIfAborted()
  const name = options.name ?? (typeof program === 'string' ? program : 'program')
  const bad = [name, ...args, ...Object.entries(env).flat()].some(text => text.includes('\0'))
  if (bad) throw faultError(new Fault('EINVAL', 'arguments and variables have no NUL in them'), name)
  const preopens = preopensOf(options)
  const module = await moduleOf(program, options, name)
  const files = new WasiFs({ ...options, preopens })
  try {
    const hosts = [...namespacesOf(module)].map(
      namespace => [namespace, wasmerHost(files, namespace, { args: [name, ...args], env })] as const,
    )
    const imports = hosts.map(([namespace, host]) => {
      return [namespace, bare(Object.entries(heeding(completed(module, namespace, host.imports), signal)))] as const
    })
    // A module may run as soon as it is instantiated, and end then.
    const ended = await run(async () => {
      const instance = await instantiate(module, bare(imports), name)
      const { memory, _start: start } = instance.exports
      if (!(memory instanceof WebAssembly.Memory) || typeof start !== 'function') {
        throw faultError(new Fault('EINVAL', 'is no WASI program: it has no memory, or no _start'), name)
      }
      for (const [, host] of hosts) host.attach(memory)
      start()
    }, signal)
    return { ...ended, stdout: files.output(1), stderr: files.output(2), lacked: files.lacked }
  } finally {
    files.close()
  }
}

async function instantiate(
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  name: string,
): Promise<WebAssembly.Instance> {
  try {
    // At once takes half as long; a page may not, if it is large.
    return onPage ? await WebAssembly.instantiate(module, imports) : new WebAssembly.Instance(module, imports)
  } catch (cause) {
    const unfit = cause instanceof WebAssembly.LinkError || cause instanceof TypeError || cause instanceof RangeError
    if (!unfit || isOverflow(cause)) throw cause
    throw faultError(new Fault('EINVAL', `can't be started: ${cause.message}`, cause), name)
  }
}

/** What comes out of a program: its exit, or what it died of. What the signal or a stream threw goes on. */
async function run(
  start: () => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<{ exitCode: number; trap?: Error }> {
  try {
    await start()
    return { exitCode: 0 }
  } catch (error) {
    if (error instanceof ProgramExit) return { exitCode: error.exitCode }
    signal?.throwIfAborted()
    const trap = trapOf(error)
    if (trap !== undefined) return { exitCode: TRAPPED, trap }
    throw error
  }
}

/** What a program died of, if it is that: an exception of its own too, which has no words. */
function trapOf(error: unknown): Error | undefined {
  const died = error instanceof WebAssembly.RuntimeError || error instanceof ProgramSignal || isOverflow(error)
  if (died) return error as Error
  // TypeScript does not know the class, and old engines have none.
  const { Exception } = WebAssembly as { Exception?: new (...args: never[]) => object }
  if (Exception === undefined || !(error instanceof Exception)) return undefined
  return new Error('an exception that the program did not catch', { cause: error })
}

/** A stack that was too small, in the words of the engines. */
function isOverflow(error: unknown): boolean {
  return error instanceof Error && /call stack|too much recursion/i.test(error.message)
}
