// Registers of builds in a directory store: by them gc learns which builds go on, and since when. Why a build registers
// stands at the head of directory-gc.ts. Not here: collecting, writing objects (directory.ts).
//
// A register is a file `.build-XXXXXXXXXX` in the store's top directory: JSON, who builds. Its mtime is the build's
// start by the file system's clock, since clocks of hosts that share a store differ. It appears by a rename, so that
// no half of one is ever seen.

import fs from 'node:fs'
import os from 'node:os'
import { join, resolve } from 'node:path'
import { unpark } from './directory-keep.js'
import { codeOf, namesIn, registerName, temporaryName, topKind } from './directory-names.js'
import { leave, walkOf } from './directory-walk.js'
import { missingDirectories } from './directory-writer.js'

/** Nanoseconds after which a register that can't be asked about, or a temporary file, is taken as left behind. */
export const DAY_NS = 86_400_000_000_000n

const DIRECTORY_MODE = 0o755
const REGISTER_MODE = 0o644
/** A register is some 200 bytes. */
const REGISTER_MAX = 4096
/** Of /proc/PID/stat (proc(5)), counted from what follows the name: state, and start in clock ticks since boot. */
const STAT_STATE = 0
const STAT_START = 19

const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants

interface Registration {
  readonly pid: number
  readonly host: string
  /** Which boot of which machine, and which numbering of its processes; empty where the host has no word for it. */
  readonly boot: string
  readonly pids: string
  /** When the process began, in clock ticks since boot; empty as above. */
  readonly start: string
}

function textOf(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}

function processOf(pid: number | 'self'): { state: string; start: string } {
  const text = textOf(() => fs.readFileSync(`/proc/${pid}/stat`, 'latin1'))
  // The name may hold parentheses and spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { state: fields[STAT_STATE] ?? '', start: fields[STAT_START] ?? '' }
}

function whereWeAre(): Pick<Registration, 'host' | 'boot' | 'pids'> {
  return {
    host: os.hostname(),
    boot: textOf(() => fs.readFileSync('/proc/sys/kernel/random/boot_id', 'latin1')),
    pids: textOf(() => fs.readlinkSync('/proc/self/ns/pid')),
  }
}

function isRegistration(value: unknown): value is Registration {
  if (typeof value !== 'object' || value === null) return false
  const { pid, host, boot, pids, start } = value as Record<string, unknown>
  const isPid = typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && pid < 2 ** 31
  return isPid && [host, boot, pids, start].every(text => typeof text === 'string')
}

function readRegistration(path: string): Registration | undefined {
  let fd = -1
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    const buffer = Buffer.alloc(REGISTER_MAX)
    const value: unknown = JSON.parse(buffer.toString('utf8', 0, fs.readSync(fd, buffer)))
    return isRegistration(value) ? value : undefined
  } catch {
    return undefined
  } finally {
    if (fd >= 0) fs.closeSync(fd)
  }
}

/** Does the process run? undefined where its number means nothing here: another host, container or boot. */
function isRunning({ pid, host, boot, pids, start }: Registration): boolean | undefined {
  const here = whereWeAre()
  if (boot === '' || pids === '' || host !== here.host || boot !== here.boot || pids !== here.pids) return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user's.
    if (codeOf(error) === 'ESRCH') return false
  }
  const now = processOf(pid)
  if (now.state === 'Z' || now.state === 'X') return false
  // /proc may hide it: then its number must do.
  return now.start === '' || start === '' || now.start === start
}

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
    const registration: Registration = { pid: process.pid, ...whereWeAre(), start: processOf('self').start }
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
