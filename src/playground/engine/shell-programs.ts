// WASI programs in the shell. just-bash knows commands of its own and shell scripts; so a program is shown to it as a script of one line,
// which runs our command `wasi` on it. The shell alone sees that script: its commands (cat, grep, ls) get what is in the file. Not here:
// running a program (programs.ts), other calls of the shell (shell-fs.ts).

import type { CustomCommand, IFileSystem } from 'just-bash/browser'
import { joinBytes } from '../../format/join-bytes.js'
import { isCancelled } from './jobs.js'
import { PlainError } from './plain-words.js'
import { WRITTEN_MAX } from './program-protocol.js'
import type { Programs } from './programs.js'
import { binaryText, COMMANDS, type ShellFs } from './shell-fs.js'
import { LiveOutput, type OutputListener } from './shell-output.js'

type Command = Extract<CustomCommand, { execute: unknown }>
type Context = Parameters<Command['execute']>[1]
type Result = Awaited<ReturnType<Command['execute']>>

const NAME = 'wasi'
/** By its path, which is found before any function, alias or file of the image. */
const SCRIPT = `${COMMANDS}/${NAME} "$0" "$@"\n`
/** What bash looks at to tell a script from what is none. Bytes. */
const HEAD = 80
const ENOEXEC = 126
const INTERRUPTED = 130

/** What there is beside that which just-bash tells of itself. */
const HELP = `
Programs of the image run too: files that are WebAssembly for WASI preview 1,
by their path or by name on $PATH, with pipes and redirections.
Names that are not absolute are looked up from /.
Ctrl-C ends a program, and drops its changes.
  ${NAME} FILE [ARG]...   runs a file where the shell has a command of its name
`

/** What a file begins with; undefined for what is none. */
async function headOf(fs: ShellFs, path: string): Promise<Uint8Array | undefined> {
  return fs.readHead(path, HEAD).catch(() => undefined)
}

function isWasm(head: Uint8Array | undefined): boolean {
  return head !== undefined && String.fromCharCode(...head.subarray(0, 4)) === '\0asm'
}

/**
 * The tree as the shell itself is to see it. It hands its commands a copy of what its filesystem has for properties, and asks the
 * filesystem itself when it looks for what a word means: so the two can be told apart.
 */
export function shellFace(fs: ShellFs): IFileSystem {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(fs)) as (keyof ShellFs)[]
  const forCommands = Object.fromEntries(
    methods.filter(name => typeof fs[name] === 'function').map(name => [name, (fs[name] as () => unknown).bind(fs)]),
  )
  let last = ''
  const forShell: Pick<IFileSystem, 'exists' | 'stat' | 'readFile'> = {
    exists: async path => {
      const does = await fs.exists(path)
      last = `exists ${path}`
      return does
    },
    /** A program runs whether or not its mode says that it may: so many images have modules that nobody marked. */
    stat: async path => {
      const isWord = last === `exists ${path}` || last === `stat ${path}`
      const facts = await fs.stat(path)
      last = `stat ${path}`
      if (!isWord || !facts.isFile || (facts.mode & 0o111) !== 0 || !isWasm(await headOf(fs, path))) return facts
      return { ...facts, mode: facts.mode | 0o111 }
    },
    /** What is read right after it was looked for is to be run. */
    readFile: async (path, options) => {
      const isScript = last === `stat ${path}`
      last = ''
      const head = isScript ? await headOf(fs, path) : undefined
      return head?.includes(0) === true ? SCRIPT : fs.readFile(path, options)
    },
  }
  return new Proxy(forCommands, {
    get: (own, name) => Reflect.get(Object.hasOwn(forShell, name) ? forShell : own, name),
  }) as unknown as IFileSystem
}

/** Bytes of an output that goes on to another command. */
class Gathered {
  readonly #pieces: Uint8Array[] = []
  #length = 0

  add(bytes: Uint8Array): void {
    this.#pieces.push(bytes)
    this.#length += bytes.length
  }

  bytes(): Uint8Array {
    return joinBytes(this.#pieces, this.#length)
  }
}

export class ShellPrograms {
  readonly #programs: Programs
  readonly #fs: ShellFs
  /** Where what the line's own program writes goes as it comes. */
  #live: LiveOutput | undefined
  /** What is to be said when the line has ended. */
  #note = ''
  /** What is to be said behind what just-bash tells of itself. */
  #help = ''
  /** Whether a program has changed something. */
  #changed = false

  constructor(programs: Programs, fs: ShellFs) {
    this.#programs = programs
    this.#fs = fs
  }

  get command(): Command {
    return { name: NAME, execute: (args, context) => this.#execute(args, context) }
  }

  /** A line begins. `listener` is told of its output as it comes, where that can only go to the terminal. */
  begin(line: string, listener: OutputListener | undefined): void {
    this.#live = LiveOutput.of(line, listener)
    this.#help = /^\s*help\s*$/.test(line) ? HELP : ''
    this.#note = ''
    this.#changed = false
  }

  /** What is to be said of a line that has ended, and whether a program has changed the tree in it. */
  end(): { readonly note: string; readonly changed: boolean; readonly help: string } {
    return { note: this.#note, changed: this.#changed, help: this.#help }
  }

  async #execute([file, ...args]: readonly string[], context: Context): Promise<Result> {
    if (file === undefined || file === '--help')
      return { stdout: '', stderr: `usage: ${NAME} FILE [ARG]...\n`, exitCode: 2 }
    const path = this.#fs.resolvePath(context.cwd, file)
    const live = this.#live?.claim(path, file)
    const [stdout, stderr] = [new Gathered(), new Gathered()]
    try {
      const end = await this.#programs.run({
        path,
        args,
        env: { ...context.exportedEnv, PWD: context.cwd },
        stdin: Uint8Array.from(context.stdin as unknown as string, one => one.charCodeAt(0)),
        output: live === undefined ? (fd, bytes) => (fd === 1 ? stdout : stderr).add(bytes) : live.take,
        signal: this.#fs.signal ?? new AbortController().signal,
      })
      this.#changed ||= end.snapshot !== undefined
      const flooded = `the program was ended: it had written ${WRITTEN_MAX >> 20} MiB, and more is not taken here`
      const words = [
        end.trap === undefined ? undefined : `the program crashed: ${end.trap}`,
        end.flooded === true ? flooded : undefined,
        end.lacked,
      ].map(word => (word === undefined ? '' : `${file}: ${word}\n`))
      const said = new TextDecoder().decode(stderr.bytes()) + words.join('')
      return { stdout: binaryText(stdout.bytes()), stdoutKind: 'bytes', stderr: said, exitCode: end.exitCode }
    } catch (error) {
      return this.#failed(file, error)
    } finally {
      await live?.end()
    }
  }

  #failed(file: string, error: unknown): Result {
    if (isCancelled(error)) {
      if (this.#programs.canChange) this.#note = `${file} was ended: what it had changed is dropped.\n`
      return { stdout: '', stderr: '', exitCode: INTERRUPTED }
    }
    const why = error instanceof Error ? error.message : String(error)
    const stderr = error instanceof PlainError ? `${file} can’t be run: ${why}\n` : `${file} can’t be run. [${why}]\n`
    return { stdout: '', stderr, exitCode: ENOEXEC }
  }
}
