// Registers of builds in a directory store: by them gc learns which builds go on, and since when. Why a build registers
// stands at the head of directory-gc.ts. Not here: collecting, writing objects (directory.ts).
//
// A register is a file `.build-XXXXXXXXXX` in the store's top directory: JSON, who builds. Its mtime is the build's
// start by the file system's clock, since clocks of hosts that share a store differ. It appears by a rename, so that
// no half of one is ever seen.

import fs from 'node:fs'
import { join, resolve } from 'node:path'
import { unpark } from './directory-keep.js'
import { codeOf, namesIn, registerName, temporaryName, topKind } from './directory-names.js'
import { isRunning, type Registration, readRegistration, thisProcess } from './directory-process.js'
import { leave, walkOf } from './directory-walk.js'
import { missingDirectories } from './directory-writer.js'

/** Nanoseconds after which a register that can't be asked about, or a temporary file, is taken as left behind. */
export const DAY_NS = 86_400_000_000_000n

const DIRECTORY_MODE = 0o755
const REGISTER_MODE = 0o644

/** What is known of the builds of a store at one moment. Times are nanoseconds since 1970. */
export interface Builds {
  readonly live: number
  /** The earliest start of a live one; undefined when there is none. */
  readonly since: bigint | undefined
  /** Names of registers that no living build has. */
  readonly stale: ReadonlySet<string>
}

/**
 * Reads the registers in a store's top directory; `now` is the file system's time. One whose process can be asked about
 * counts for as long as that runs, any other for a day. What is no regular file is none. Throws the host's error.
 */
export function readBuilds(root: string, now: bigint): Builds {
  const stale = new Set<string>()
  let live = 0
  let since: bigint | undefined
  for (const name of namesIn(root)) {
    if (topKind(name)?.kind !== 'register') continue
    const path = `${root}/${name}`
    const stat = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stat === undefined || !stat.isFile()) continue
    const registration = readRegistration(path)
    const running = registration === undefined ? undefined : isRunning(registration)
    if (running ?? stat.mtimeNs > now - DAY_NS) {
      live++
      if (since === undefined || stat.mtimeNs < since) since = stat.mtimeNs
    } else stale.add(name)
  }
  return { live, since, stale }
}

/** Is a temporary file with this mtime left behind: older than a day, and than every build that goes on? */
export function isLeftBehind(mtime: bigint, builds: Builds, now: bigint): boolean {
  return mtime < now - DAY_NS && (builds.since === undefined || mtime < builds.since)
}

/** What others have begun to use stays. */
function removeEmpty(dirs: readonly string[]): void {
  for (const dir of dirs) {
    try {
      fs.rmdirSync(dir)
    } catch {
      return
    }
  }
}

/**
 * Makes a directory and those above it that lack; answers which, the deepest first. One by one: Node 20 goes round for
 * ever where a file system says ENOENT in a directory that is there, as /proc does. Throws the host's error.
 */
export function makeDirectories(path: string): string[] {
  // All but the last, which is there.
  const missing = missingDirectories(path).slice(0, -1)
  const made: string[] = []
  for (const directory of missing.reverse()) {
    try {
      fs.mkdirSync(directory, DIRECTORY_MODE)
      made.unshift(directory)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
  // Says EEXIST of a file, and of a directory nothing.
  if (!fs.statSync(path).isDirectory()) fs.mkdirSync(path)
  return made
}

/** Whether a store could not be written to: whoever finds all objects there can do without. */
export function isUnwritable(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))
}

/**
 * Does something as a registered build of a store in a directory, if it fills one; unregistered where nothing can be
 * written to the store anyway.
 */
export async function whileRegistered<T>(root: string | undefined, action: () => Promise<T>): Promise<T> {
  let register: BuildRegister | undefined
  try {
    if (root !== undefined) register = BuildRegister.begin(root)
  } catch (error) {
    if (!isUnwritable(error)) throw error
  }
  try {
    return await action()
  } finally {
    register?.end()
  }
}

/** The word of a build that goes on, in the store that it fills. */
export class BuildRegister {
  readonly #root: string
  readonly #path: string
  /** Directories that were made for it, the deepest first. */
  readonly #made: readonly string[]
  #ended = false

  private constructor(root: string, path: string, made: readonly string[]) {
    this.#root = root
    this.#path = path
    this.#made = made
  }

  /**
   * Registers this process in the store at `root`, making the directory if it is missing. To be called before the store
   * is looked at for the first time. Throws the host's error.
   */
  static begin(root: string): BuildRegister {
    const top = resolve(root)
    const made = makeDirectories(top)
    const registration: Registration = thisProcess()
    const temporary = join(top, temporaryName())
    const path = join(top, registerName())
    try {
      fs.writeFileSync(temporary, `${JSON.stringify(registration)}\n`, { flag: 'wx', mode: REGISTER_MODE })
      fs.renameSync(temporary, path)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') fs.rmSync(temporary, { force: true })
      removeEmpty(made)
      throw error
    }
    return new BuildRegister(top, path, made)
  }

  /**
   * Ends it; to be called once the images that need the objects are in their places, or given up. First puts back
   * objects that a gc which was killed had moved aside, for this build may rely on them; a directory that `begin` made
   * and nothing was put in goes. A second call does nothing. Throws the host's error.
   */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    try {
      this.#unparkAll()
    } finally {
      fs.rmSync(this.#path, { force: true })
      removeEmpty(this.#made)
    }
  }

  #unparkAll(): void {
    const walk = walkOf(false)
    const root = walk.stepSync({ path: this.#root, fd: -1 }, '.')
    try {
      for (const name of namesIn(root.path)) {
        const top = topKind(name)
        if (top?.kind === 'parked') unpark(walk, root, name, top.object)
      }
    } finally {
      leave(root)
    }
  }
}
