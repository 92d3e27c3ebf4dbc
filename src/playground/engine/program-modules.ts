// Programs of an image, compiled: kept by what is in the file, so that a second start need not compile. Says in plain words why a file is
// no program that runs here. Not here: running it.

import { toHex } from '../../format/hex.js'
import { knowsObjects, type Layer, newAttr } from '../../overlay/layer.js'
import { pathArgument } from '../path-text.js'
import type { OpenDocument } from './open-document.js'
import { PlainError } from './plain-words.js'

/** Bytes of programs that are kept compiled, beside the newest one. */
const KEPT_BYTES = 48 << 20
/** A larger one is not compiled. Bytes. */
const PROGRAM_MAX = 256 << 20
const S_IFMT = 0o170000
const S_IFREG = 0o100000
const WASI = /^wasi_(?:unstable|snapshot_preview1)$/

interface Kept {
  readonly module: WebAssembly.Module
  readonly size: number
}

function refused(why: string): PlainError {
  return new PlainError('ENOEXEC', why)
}

/** Why bytes, of which these are the first, are nothing that runs here. */
function notRunnable(head: Uint8Array): string | undefined {
  const text = String.fromCharCode(...head.subarray(0, 4))
  if (text === '\x7fELF')
    return 'it is a program for Linux machines (ELF). What runs here are WASI programs, and shell scripts.'
  if (text !== '\0asm') return 'it is no program: neither WebAssembly nor a shell script.'
  const version = head[4] | (head[5] << 8) | (head[6] << 16) | (head[7] << 24)
  if (version === 1) return undefined
  if (version >>> 16 === 1) return 'it is a WebAssembly component. What runs here are modules for WASI preview 1.'
  return `it is of a version of WebAssembly that is not known here (${version >>> 0}).`
}

/** Throws for a module that is no program, or wants what nothing here gives. */
function checkProgram(module: WebAssembly.Module): void {
  const imports = WebAssembly.Module.imports(module)
  if (!imports.some(one => WASI.test(one.module))) {
    throw refused('it is a WebAssembly module, but no WASI program: it imports nothing of WASI.')
  }
  const other = imports.find(one => !WASI.test(one.module) || one.kind !== 'function')
  if (other !== undefined) {
    throw refused(
      `it is no plain WASI program: it needs ${other.module}.${other.name} (a ${other.kind}) from its host.`,
    )
  }
  const exports = WebAssembly.Module.exports(module)
  if (!exports.some(one => one.name === '_start' && one.kind === 'function')) {
    throw refused('it is a library for WASI, and no program: it has no _start.')
  }
}

/** undefined where the browser has no hash: on a page that came neither encrypted nor from this machine. */
async function hashed(bytes: Uint8Array<ArrayBuffer>): Promise<string | undefined> {
  const { subtle } = crypto as { subtle?: SubtleCrypto }
  return subtle === undefined ? undefined : toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)))
}

export class ProgramModules {
  readonly #document: OpenDocument
  /** The one that was asked for last is the last. */
  readonly #kept = new Map<string, Kept>()

  constructor(document: OpenDocument) {
    this.#document = document
  }

  /** The program at a path, symlinks followed. Throws the Error of what is not there or can't be read, a PlainError for what is none. */
  async at(path: string): Promise<WebAssembly.Module> {
    const { layer } = this.#document
    const node = await this.#document.ask(() => layer.resolve(pathArgument(path), true), path)
    const attr = newAttr()
    await this.#document.done(() => layer.stat(node, attr), path)
    if ((attr.mode & S_IFMT) !== S_IFREG) throw refused('it is no regular file.')
    if (attr.size > PROGRAM_MAX)
      throw refused(`it has ${attr.size} bytes, and ${PROGRAM_MAX} are the most that are compiled here.`)
    const known = await this.#digest(layer, node, path)
    const kept = known === undefined ? undefined : this.#take(known)
    if (kept !== undefined) return kept
    const bytes = await this.#read(path)
    const key = known ?? (await hashed(bytes))
    return (key === undefined ? undefined : this.#take(key)) ?? this.#compiled(key, bytes)
  }

  /** The digest that the image has of an unchanged file's bytes. */
  async #digest(layer: Layer, node: object, path: string): Promise<string | undefined> {
    if (!knowsObjects(layer)) return undefined
    const object = await this.#document.ask(() => layer.objectOf(node), path)
    return object === undefined ? undefined : toHex(object.digest)
  }

  /** Looks at its beginning first: what is no program is not fetched. */
  async #read(path: string): Promise<Uint8Array<ArrayBuffer>> {
    const { promises } = this.#document.mount.fs
    const file = await promises.open(pathArgument(path) as string)
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(8), 0, 8, 0)
      const why = notRunnable(buffer.subarray(0, bytesRead))
      if (why !== undefined) throw refused(why)
      return (await file.readFile()) as unknown as Uint8Array<ArrayBuffer>
    } finally {
      await file.close()
    }
  }

  #take(key: string): WebAssembly.Module | undefined {
    const kept = this.#kept.get(key)
    if (kept === undefined) return undefined
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    return kept.module
  }

  async #compiled(key: string | undefined, bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
    const module = await WebAssembly.compile(bytes).catch((error: Error) => {
      throw refused(`it is a damaged WebAssembly module. [${error.message}]`)
    })
    checkProgram(module)
    if (key === undefined) return module
    this.#kept.set(key, { module, size: bytes.length })
    let sum = [...this.#kept.values()].reduce((all, one) => all + one.size, 0)
    for (const [old, { size }] of this.#kept) {
      if (sum <= KEPT_BYTES || this.#kept.size === 1) break
      this.#kept.delete(old)
      sum -= size
    }
    return module
  }
}
