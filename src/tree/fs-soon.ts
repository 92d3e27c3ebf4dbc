// The calls of an `fs` whose answers may have to be waited for, as those that a scan makes: what an entry is gets asked for
// beforehand, and is then said at once. Not here: the scan (fs-source.ts).

import { callPath } from '../format/call-path.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import type { SourceFs, SourceStats, XattrSource } from './source-fs.js'

const { S_IFMT, S_IFLNK } = CONSTANTS

/** What a scan needs of `fs.promises`, and calls for extended attributes, which a mount has. */
export interface SoonFs {
  lstat(path: string | Buffer, options: { bigint: true }): Promise<SourceStats>
  readdir(path: string | Buffer, options: { encoding: 'buffer' }): Promise<readonly unknown[]>
  readlink(path: string | Buffer, options: { encoding: 'buffer' }): Promise<unknown>
  listxattr(path: string | Buffer, options: { follow: false; encoding: 'buffer' }): Promise<readonly unknown[]>
  getxattr(path: string | Buffer, name: string | Buffer, options: { follow: false }): Promise<Uint8Array>
}

/** What a call has come to; throws what it has thrown. */
type Answer<T> = () => T

async function answerOf<T>(call: Promise<T>): Promise<Answer<T>> {
  try {
    const value = await call
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

const unasked: Answer<never> = () => {
  throw new Error('not asked for beforehand')
}

/** Answers for the entry, and the directory, that were asked for last. */
export class AskedBefore implements SourceFs, XattrSource {
  readonly #fs: SoonFs
  readonly #xattrs: boolean
  #stat: Answer<SourceStats> = unasked
  #target: Answer<unknown> = unasked
  #names: Answer<readonly unknown[]> = unasked
  #list: Answer<readonly string[]> = unasked
  readonly #values = new Map<string, Answer<Uint8Array>>()

  constructor(fs: SoonFs, xattrs: boolean) {
    this.#fs = fs
    this.#xattrs = xattrs
  }

  /** Asks what an entry is; its path has a character a byte. */
  async ask(path: string): Promise<void> {
    const fs = this.#fs
    const at = callPath(path)
    this.#target = unasked
    this.#list = unasked
    this.#values.clear()
    const found = fs.lstat(at, { bigint: true })
    this.#stat = await answerOf(found)
    const mode = await found.then(
      stat => Number(stat.mode),
      () => undefined,
    )
    if (mode === undefined) return
    if ((mode & S_IFMT) === S_IFLNK) this.#target = await answerOf(fs.readlink(at, { encoding: 'buffer' }))
    if (this.#xattrs) await this.#askXattrs(at)
  }

  async #askXattrs(at: string | Buffer): Promise<void> {
    const listed = this.#fs.listxattr(at, { follow: false, encoding: 'buffer' })
    this.#list = await answerOf(listed.then(names => names.map(name => binaryString(name as Uint8Array))))
    for (const name of await listed.catch(() => [])) {
      const key = binaryString(name as Uint8Array)
      this.#values.set(key, await answerOf(this.#fs.getxattr(at, callPath(key), { follow: false })))
    }
  }

  /** Asks for the names in a directory. */
  async askNames(path: string): Promise<void> {
    this.#names = await answerOf(this.#fs.readdir(callPath(path), { encoding: 'buffer' }))
  }

  lstatSync(): SourceStats {
    return this.#stat()
  }

  readdirSync(): readonly unknown[] {
    return this.#names()
  }

  readlinkSync(): unknown {
    return this.#target()
  }

  list(): readonly string[] {
    return this.#list()
  }

  get(_path: string, name: string): Uint8Array {
    return (this.#values.get(name) ?? unasked)()
  }
}
