// glob, globSync and promises.glob. memfs's matcher, which takes any `fs`, does the work; the host brings it (the mount's
// parts, or memfs's own file found from here under Node), since it loads forty modules that no other call needs.
// Not here: matching.

import { Fault, isUnread } from '../format/errno.js'
import type { Core } from './core.js'
import { readdir } from './dir-ops.js'
import type { FsError } from './errors.js'
import { builtin } from './host.js'
import { lstat, realpath, stat } from './stat-ops.js'
import { type Operation, runPromise } from './task.js'

/** What `@jsonjoy.com/fs-node/lib/glob` offers. */
export interface GlobPart {
  globSync(fs: object, pattern: unknown, options?: unknown): unknown[]
}

function globPart(core: Core): GlobPart {
  const given = core.env.parts?.glob
  if (given !== undefined) return given as GlobPart
  const createRequire = builtin('module')?.['createRequire'] as
    | ((from: string) => (name: string) => GlobPart)
    | undefined
  if (createRequire !== undefined) return createRequire(import.meta.url)('@jsonjoy.com/fs-node/lib/glob.js')
  const error = new Error("this host has no glob: give one in the mount's parts")
  throw Object.assign(error, { code: 'ERR_METHOD_NOT_IMPLEMENTED' })
}

/** The calls that the matcher makes, and how each is made by who can wait. */
const QUESTIONS: Readonly<Record<string, Operation<unknown>>> = {
  readdirSync: readdir,
  statSync: stat,
  lstatSync: lstat,
  realpathSync: realpath,
}
/** What is waited for at once. */
const AT_ONCE = 16

/** What a call has come to. */
type Answer = () => unknown

/**
 * The `fs` of a matcher. It takes every error of a call for "nothing there": what lacked is noted, so that it can be waited
 * for and the matcher run again, which is given all that was answered so far.
 */
class Questions {
  readonly fs: Record<string, (path: unknown, options?: unknown) => unknown> = {}
  readonly #core: Core
  readonly #known = new Map<string, Answer>()
  readonly #lacking = new Map<string, () => Promise<void>>()
  /** EAGAIN of the first that lacked. */
  lacks: unknown

  constructor(core: Core) {
    this.#core = core
    for (const name of Object.keys(QUESTIONS)) this.fs[name] = (path, options) => this.#ask(name, path, options)
  }

  #ask(name: string, path: unknown, options: unknown): unknown {
    const key = `${name} ${path}`
    const known = this.#known.get(key)
    if (known !== undefined) return known()
    const task = QUESTIONS[name](this.#core, [path, options])
    const value = task.step(task, true)
    if (!(value instanceof Fault)) {
      this.#known.set(key, () => value)
      return value
    }
    const error = task.error(value)
    if (isUnread(value)) {
      this.lacks ??= error
      this.#lacking.set(key, () => this.#wait(key, name, path, options))
    } else this.#known.set(key, () => thrown(error))
    throw error
  }

  async #wait(key: string, name: string, path: unknown, options: unknown): Promise<void> {
    const task = QUESTIONS[name](this.#core, [path, options])
    try {
      const value = await runPromise(this.#core, task)
      this.#known.set(key, () => value)
    } catch (error) {
      // No answer at all is none that the matcher may take for "nothing there".
      if (!(error instanceof Error) || 'cause' in error || (error as FsError).code === 'ESTALE') throw error
      this.#known.set(key, () => thrown(error))
    }
  }

  /** Brings all that lacked. */
  async wait(): Promise<void> {
    const lacking = [...this.#lacking.values()]
    this.#lacking.clear()
    this.lacks = undefined
    for (let i = 0; i < lacking.length; i += AT_ONCE) {
      await Promise.all(lacking.slice(i, i + AT_ONCE).map(wait => wait()))
    }
  }
}

function thrown(error: unknown): never {
  throw error
}

function matches(core: Core, questions: Questions, pattern: unknown, options: unknown): unknown[] {
  return globPart(core).globSync(questions.fs, pattern, { cwd: '/', ...(options as object | undefined) })
}

/** Paths (or Dirents) that match; relative patterns start at `cwd`, which is `/` unless given. */
export function globSync(core: Core, pattern: unknown, options?: unknown): unknown[] {
  const questions = new Questions(core)
  const found = matches(core, questions, pattern, options)
  if (questions.lacks !== undefined) throw questions.lacks
  return found
}

/** The same for who can wait; what is wrong with the arguments is thrown. */
export function globSoon(core: Core, pattern: unknown, options?: unknown): unknown[] | Promise<unknown[]> {
  const questions = new Questions(core)
  const again = (): unknown[] | Promise<unknown[]> => {
    const found = matches(core, questions, pattern, options)
    return questions.lacks === undefined ? found : questions.wait().then(again)
  }
  return again()
}

export async function* globPromise(core: Core, pattern: unknown, options?: unknown): AsyncGenerator<unknown> {
  yield* await globSoon(core, pattern, options)
}
