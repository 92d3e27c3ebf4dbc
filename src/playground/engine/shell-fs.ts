// A mounted tree as the shell wants its filesystem: every call a promise, so that what lies far away is waited for. Not here: the
// shell (just-bash), when the page is told of a change (terminals.ts).

import type { BufferEncoding, FsStat, IFileSystem } from 'just-bash/browser'
import { pathArgument, pathBytes, pathText } from '../path-text.js'
import { CANCELLED, Job } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { PlainError } from './plain-words.js'

/** Where the shell wants its own commands to be. */
export const COMMANDS = '/bin'

type Encoding = { encoding?: BufferEncoding | null } | BufferEncoding

/** What Stats of a mount answer here. */
interface Numbers {
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
  readonly mode: number
  readonly size: number
  readonly mtime: Date
  readonly ino: number
  readonly dev: number
}

function facts(stats: Numbers): FsStat {
  return {
    isFile: stats.isFile(),
    isDirectory: stats.isDirectory(),
    isSymbolicLink: stats.isSymbolicLink(),
    mode: stats.mode & 0o7777,
    size: stats.size,
    mtime: stats.mtime,
    ino: stats.ino,
    dev: stats.dev,
  }
}

/** What stands for a command of the shell's own. */
const COMMAND: FsStat = {
  isFile: true,
  isDirectory: false,
  isSymbolicLink: false,
  mode: 0o755,
  size: 0,
  mtime: new Date(0),
}

function encodingOf(options: Encoding | undefined): BufferEncoding {
  return (typeof options === 'string' ? options : options?.encoding) ?? 'utf8'
}

/** A character a byte. */
export function binaryText(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192))
  return text
}

function decoded(bytes: Uint8Array, encoding: BufferEncoding): string {
  if (encoding === 'utf8' || encoding === 'utf-8') return new TextDecoder().decode(bytes)
  if (encoding === 'base64') return btoa(binaryText(bytes))
  if (encoding === 'hex') return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return binaryText(bytes)
}

function encoded(content: string | Uint8Array, encoding: BufferEncoding): Uint8Array {
  if (typeof content !== 'string') return content
  if (encoding === 'utf8' || encoding === 'utf-8') return new TextEncoder().encode(content)
  if (encoding === 'hex') return Uint8Array.from(content.match(/../g) ?? [], pair => Number.parseInt(pair, 16))
  return Uint8Array.from(encoding === 'base64' ? atob(content) : content, one => one.charCodeAt(0))
}

export class ShellFs implements IFileSystem {
  readonly #document: OpenDocument
  /** Names of the shell's own commands. */
  readonly #commands = new Set<string>()
  /** Calls that may have changed something. */
  writes = 0
  /** Of the command that runs. */
  signal: AbortSignal | undefined
  readonly #job = new Job(() => false, { what: '', done: 0, total: 0, unit: 'files' })

  constructor(document: OpenDocument) {
    this.#document = document
  }

  get #calls() {
    return this.#document.mount.fs.promises
  }

  /** Before each call: others have their turn, since a command may make a million calls. Throws once the command is to end. */
  async #turn(): Promise<void> {
    await this.#job.pause(0)
    if (this.signal?.aborted === true || this.#document.image.closed) throw new PlainError(CANCELLED, 'Interrupted.')
  }

  /** By this the shell puts a file in place for each of its commands. It is noted only: the tree is left as it is. */
  writeFileSync(path: string): void {
    this.#commands.add(path.slice(path.lastIndexOf('/') + 1))
  }

  #isCommand(path: string): boolean {
    return path.startsWith(`${COMMANDS}/`) && this.#commands.has(path.slice(COMMANDS.length + 1))
  }

  async #changing<T>(action: () => Promise<T>): Promise<void> {
    await this.#turn()
    this.writes++
    await action()
  }

  async readFileBuffer(path: string): Promise<Uint8Array> {
    await this.#turn()
    return new Uint8Array((await this.#calls.readFile(pathArgument(path) as string)) as Uint8Array)
  }

  /** The first bytes of a file, as many as there are. */
  async readHead(path: string, length: number): Promise<Uint8Array> {
    await this.#turn()
    const file = await this.#calls.open(pathArgument(path) as string)
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }

  async readFile(path: string, options?: Encoding): Promise<string> {
    return decoded(await this.readFileBuffer(path), encodingOf(options))
  }

  writeFile(path: string, content: string | Uint8Array, options?: Encoding): Promise<void> {
    return this.#changing(() =>
      this.#calls.writeFile(pathArgument(path) as string, encoded(content, encodingOf(options))),
    )
  }

  appendFile(path: string, content: string | Uint8Array, options?: Encoding): Promise<void> {
    return this.#changing(() =>
      this.#calls.appendFile(pathArgument(path) as string, encoded(content, encodingOf(options))),
    )
  }

  async exists(path: string): Promise<boolean> {
    return this.stat(path).then(
      () => true,
      () => false,
    )
  }

  /** The shell's commands are there where the image has none of the name, so that the shell finds them. */
  async stat(path: string): Promise<FsStat> {
    await this.#turn()
    try {
      return facts((await this.#calls.stat(pathArgument(path) as string)) as unknown as Numbers)
    } catch (error) {
      if (this.#isCommand(path)) return COMMAND
      throw error
    }
  }

  async lstat(path: string): Promise<FsStat> {
    await this.#turn()
    return facts((await this.#calls.lstat(pathArgument(path) as string)) as unknown as Numbers)
  }

  mkdir(path: string, options?: { recursive?: boolean }): Promise<void> {
    return this.#changing(() =>
      this.#calls.mkdir(pathArgument(path) as string, { recursive: options?.recursive === true }),
    )
  }

  async readdir(path: string): Promise<string[]> {
    await this.#turn()
    const names = await this.#calls.readdir(pathArgument(path) as string, { encoding: 'buffer' as 'utf8' })
    return (names as unknown as Uint8Array[]).map(pathText)
  }

  async readdirWithFileTypes(path: string) {
    await this.#turn()
    const entries = await this.#calls.readdir(pathArgument(path) as string, {
      withFileTypes: true,
      encoding: 'buffer' as 'utf8',
    })
    return (entries as unknown as (Omit<Numbers, 'mode'> & { readonly name: Uint8Array })[]).map(entry => ({
      name: pathText(entry.name),
      isFile: entry.isFile(),
      isDirectory: entry.isDirectory(),
      isSymbolicLink: entry.isSymbolicLink(),
    }))
  }

  rm(path: string, options?: { recursive?: boolean; force?: boolean }): Promise<void> {
    return this.#changing(() => this.#calls.rm(pathArgument(path) as string, options))
  }

  cp(from: string, to: string, options?: { recursive?: boolean }): Promise<void> {
    const recursive = options?.recursive === true
    return this.#changing(() => this.#calls.cp(pathArgument(from) as string, pathArgument(to) as string, { recursive }))
  }

  mv(from: string, to: string): Promise<void> {
    return this.#changing(() => this.#calls.rename(pathArgument(from) as string, pathArgument(to) as string))
  }

  /** `..` in the text, as shells have it. */
  resolvePath(base: string, path: string): string {
    const names: string[] = []
    for (const name of (path.startsWith('/') ? path : `${base}/${path}`).split('/')) {
      if (name === '..') names.pop()
      else if (name !== '' && name !== '.') names.push(name)
    }
    return `/${names.join('/')}`
  }

  /** A list of everything would take as long as the image is large; the shell then reads folders. */
  getAllPaths(): string[] {
    return []
  }

  chmod(path: string, mode: number): Promise<void> {
    return this.#changing(() => this.#calls.chmod(pathArgument(path) as string, mode))
  }

  symlink(target: string, path: string): Promise<void> {
    return this.#changing(() => this.#calls.symlink(pathArgument(target) as string, pathArgument(path) as string))
  }

  link(existing: string, path: string): Promise<void> {
    return this.#changing(() => this.#calls.link(pathArgument(existing) as string, pathArgument(path) as string))
  }

  async readlink(path: string): Promise<string> {
    const target = await this.#calls.readlink(pathArgument(path) as string, { encoding: 'buffer' as 'utf8' })
    return pathText(target as unknown as Uint8Array)
  }

  async realpath(path: string): Promise<string> {
    const real = await this.#calls.realpath(pathArgument(path) as string, { encoding: 'buffer' as 'utf8' })
    return pathText(typeof real === 'string' ? pathBytes(real) : (real as unknown as Uint8Array))
  }

  utimes(path: string, atime: Date, mtime: Date): Promise<void> {
    return this.#changing(() => this.#calls.utimes(pathArgument(path) as string, atime, mtime))
  }
}
