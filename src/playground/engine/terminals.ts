// A shell on each open image: just-bash over the mounted tree, in the worker, so that the page goes on while a command runs. Not
// here: the tree as its filesystem (shell-fs.ts), programs of the image (programs.ts), what is typed and shown (the page).

import type { Bash } from 'just-bash/browser'
import { baseName, childPath } from '../path-text.js'
import type { DocumentId } from '../protocol.js'
import type { Changes } from './changes.js'
import type { Documents } from './documents.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, PlainError } from './plain-words.js'
import type { GuestThread } from './program-worker.js'
import { COMMANDS, ShellFs } from './shell-fs.js'
import { GZIP_COMMANDS } from './shell-gzip.js'
import { notShown, OUTPUT_MAX, type OutputListener } from './shell-output.js'
import type { ShellPrograms } from './shell-programs.js'

/** Names that one Tab offers. */
const OFFERS_MAX = 100

/** What a command came to. */
export interface CommandResult {
  readonly output: string
  readonly errors: string
  readonly exitCode: number
  /** Where the shell is now. */
  readonly cwd: string
  /** Whether the tree may be another now. */
  readonly changed: boolean
}

/** What can stand where the line ends. */
export interface Completion {
  /** To be put behind what is there. */
  readonly rest: string
  /** Names, where there is more than one. */
  readonly offers: readonly string[]
}

/** One shell, from command to command. */
interface Shell {
  readonly bash: Bash
  readonly fs: ShellFs
  readonly programs: ShellPrograms
  readonly commands: readonly string[]
  cwd: string
  env: Record<string, string> | undefined
  exitCode: number
  running: AbortController | undefined
  /** Done when no line runs. */
  last: Promise<unknown>
}

export class Terminals {
  readonly #documents: Documents
  readonly #changes: Changes
  readonly #startGuest: () => GuestThread
  readonly #shells = new WeakMap<OpenDocument, Promise<Shell>>()

  /** `startGuest`: starts a worker that programs of images run in. */
  constructor(documents: Documents, changes: Changes, startGuest: () => GuestThread = noGuest) {
    this.#documents = documents
    this.#changes = changes
    this.#startGuest = startGuest
  }

  #shell(document: OpenDocument): Promise<Shell> {
    let shell = this.#shells.get(document)
    if (shell === undefined) {
      shell = startShell(document, this.#changes, this.#startGuest)
      const started = shell
      document.atClose(() => void started.then(one => one.running?.abort()).catch(() => undefined))
      this.#shells.set(document, shell)
      shell.catch(() => this.#shells.delete(document))
    }
    return shell
  }

  /**
   * Runs a line. Rejects where there can be no shell; what a command says of itself is its answer. `listener` is told of what a
   * program prints while it runs, which is no part of the answer then.
   */
  run(id: DocumentId, line: string, listener?: OutputListener): Promise<CommandResult> {
    return inPlainWords('The shell failed', async () => {
      const document = this.#documents.get(id)
      const shell = await this.#shell(document)
      // Two panes may show it: one line after the other.
      const done = shell.last.then(() => runLine(document, shell, line, listener))
      shell.last = done.catch(() => undefined)
      return done
    })
  }

  /** Ends the command that is running. */
  async interrupt(id: DocumentId): Promise<void> {
    const shell = await this.#shells.get(this.#documents.get(id))
    shell?.running?.abort()
  }

  /** What the last word of a line can become: a command's name where it is the first, else a path. */
  complete(id: DocumentId, line: string): Promise<Completion> {
    return inPlainWords('Nothing can be offered', async () => {
      const { fs, cwd, commands } = await this.#shell(this.#documents.get(id))
      const word = /(?:[^\s\\'"|;&<>()]|\\.)*$/s.exec(line)?.[0] ?? ''
      const isFirst = /(?:^|[|;&(])\s*$/s.test(line.slice(0, line.length - word.length))
      if (isFirst && !word.includes('/')) return offered(word, commands, ' ')
      const typed = word.replace(/\\(.)/gs, '$1')
      const dir = fs.resolvePath(cwd, typed.includes('/') ? typed.slice(0, typed.lastIndexOf('/') + 1) : '.')
      const begun = baseName(typed)
      const names = (await fs.readdir(dir).catch(() => [])).filter(name => begun !== '' || !name.startsWith('.'))
      const found = offered(begun, names, '')
      if (found.offers.length > 0) return quoted(found)
      const whole = `${begun}${found.rest}`
      const facts = await fs.stat(childPath(dir, whole)).catch(() => undefined)
      return quoted({ ...found, rest: found.rest + (facts?.isDirectory === true ? '/' : '') })
    })
  }
}

/** Runs a line, and keeps what the next one finds. */
async function runLine(
  document: OpenDocument,
  shell: Shell,
  line: string,
  listener: OutputListener | undefined,
): Promise<CommandResult> {
  const { bash, fs, programs, cwd, env } = shell
  const before = fs.writes
  const running = new AbortController()
  shell.running = running
  fs.signal = running.signal
  programs.begin(line, listener)
  try {
    const { signal } = running
    const given = env === undefined ? {} : { env, replaceEnv: true }
    const {
      stdout,
      stderr,
      exitCode,
      env: after,
    } = await bash.exec(withExitCode(line, shell.exitCode), {
      cwd,
      signal,
      ...given,
    })
    shell.env = after
    shell.exitCode = exitCode
    shell.cwd = after['PWD'] ?? cwd
    const wrote = fs.writes !== before && document.working !== undefined
    if (wrote) document.changed()
    const { note, changed, help } = programs.end()
    const errors = clipped(stderr) + note
    return { output: clipped(stdout) + help, errors, exitCode, cwd: shell.cwd, changed: wrote || changed }
  } catch (error) {
    // A redirection that fails ends the whole line.
    if (!isFsError(error)) throw error
    return { output: '', errors: `bash: ${error.message}\n`, exitCode: 1, cwd, changed: programs.end().changed }
  } finally {
    shell.running = undefined
    fs.signal = undefined
  }
}

/** Each line is a shell of its own to just-bash: what `$?` is has to be said to it. */
function withExitCode(line: string, exitCode: number): string {
  return exitCode !== 0 && /\$\{?\?/.test(line) ? `(exit ${exitCode})\n${line}` : line
}

function noGuest(): never {
  throw new PlainError('ENOTSUP', 'There is no worker for it here.')
}

async function startShell(document: OpenDocument, changes: Changes, startGuest: () => GuestThread): Promise<Shell> {
  // Loaded when the first terminal is opened: it is larger than all the rest.
  const [{ Bash, getCommandNames }, { Programs }, { shellFace, ShellPrograms }] = await Promise.all([
    import('just-bash/browser'),
    import('./programs.js'),
    import('./shell-programs.js'),
  ])
  const fs = new ShellFs(document)
  const programs = new ShellPrograms(new Programs(document, changes, startGuest, globalThis.crossOriginIsolated), fs)
  const env = { HOME: '/', PATH: `${COMMANDS}:/usr/bin`, USER: 'root', TERM: 'xterm-256color' }
  // Its own guard takes globals away, which the rest of the worker needs.
  const bash = new Bash({
    fs: shellFace(fs),
    cwd: '/',
    env,
    defenseInDepth: false,
    processInfo: { uid: 0, gid: 0 },
    customCommands: [...GZIP_COMMANDS, programs.command],
  })
  return {
    bash,
    fs,
    programs,
    commands: [...getCommandNames(), 'wasi', 'cd', 'pwd', 'exit'],
    cwd: '/',
    env: undefined,
    exitCode: 0,
    running: undefined,
    last: Promise.resolve(),
  }
}

/** Is it what a call of the tree said? */
function isFsError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error
}

function clipped(text: string): string {
  if (text.length <= OUTPUT_MAX) return text
  return `${text.slice(0, OUTPUT_MAX)}\n${notShown(text.length - OUTPUT_MAX)}`
}

/** As far as all names that begin so are the same. */
function offered(begun: string, names: readonly string[], end: string): Completion {
  const fitting = names.filter(name => name.startsWith(begun)).sort()
  if (fitting.length === 0) return { rest: '', offers: [] }
  if (fitting.length === 1) return { rest: fitting[0].slice(begun.length) + end, offers: [] }
  const [first, last] = [fitting[0], fitting[fitting.length - 1]]
  let common = begun.length
  while (common < first.length && first[common] === last[common]) common++
  return { rest: first.slice(begun.length, common), offers: fitting.slice(0, OFFERS_MAX) }
}

/** What is typed by itself: a name's line end, for one, would end the command. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\u0000-\u001F\u007F-\u009F]/g

/** With a backslash before what means something to a shell, and no key in it that a terminal obeys. */
function quoted({ rest, offers }: Completion): Completion {
  const typed = rest
    .replace(/[ \\'"|;&<>()$`*?[\]{}!#~]/g, '\\$&')
    .replace(CONTROL, key => `$'\\u${key.charCodeAt(0).toString(16).padStart(4, '0')}'`)
  return { rest: typed, offers }
}
