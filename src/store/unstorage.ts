// Any driver of `unstorage`, or a Storage made with one, as an object store: memory, files, Redis, a cloud's key-value
// service. Nothing of that package is needed for it: what is used of a driver is written down below. Items are raw
// bytes where the driver has them, else text as unstorage itself writes bytes (`base64:…`); keys are names in a spelling
// that no driver changes (plain-name.ts), with `:` for `/`, so that what an `fs` driver has of digests lies as in a
// DirectoryStore. Not here: checking of digests; atomic writes, which are the driver's: where it can leave half an item
// behind (`fs` does when it is killed), that has the object's name until it is deleted.
//
// An item is fetched whole when its object is opened, and kept while that is open.

import { type ErrnoName, isErrnoName } from '../format/errno.js'
import { domError } from './dom-errors.js'
import { canonicalName, objectError } from './errors.js'
import { isDigestName } from './object-name.js'
import type { ObjectInfo, ObjectStore, StoredObject } from './object-store.js'
import { pieces } from './pieces.js'
import { nameOfPlain, namesAbove, plainName } from './plain-name.js'

type Answer<T> = T | Promise<T>

/** What is used of an unstorage driver, or of a Storage. */
export interface UnstorageDriver {
  readonly name?: string
  readonly options?: unknown
  hasItem(key: string, options: object): Answer<boolean>
  getItem(key: string, options: object): Answer<unknown>
  getItemRaw?(key: string, options: object): Answer<unknown>
  setItem?(key: string, value: string, options: object): Answer<void>
  setItemRaw?(key: string, value: Uint8Array, options: object): Answer<void>
  removeItem?(key: string, options: object): Answer<void>
  getMeta?(key: string, options: object): Answer<unknown>
  getKeys(base: string, options: object): Answer<string[]>
}

export interface UnstorageOptions {
  /** For messages; `unstorage:NAME` of the driver unless given. */
  readonly label?: string
  /** Before every key: a part of the storage that holds nothing but objects. */
  readonly base?: string
}

const BASE64 = 'base64:'
/** Characters that are made of bytes in one call. */
const SPREAD = 0x8000

/** An object store over an unstorage driver or Storage. */
export function unstorageStore(driver: UnstorageDriver, options: UnstorageOptions = {}): ObjectStore {
  return new UnstorageStore(driver, options)
}

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += SPREAD) text += String.fromCharCode(...bytes.subarray(at, at + SPREAD))
  return btoa(text)
}

/** The bytes of an item, as any driver may have them; undefined when there is none. */
async function itemBytes(value: unknown): Promise<Uint8Array | undefined> {
  if (value === null || value === undefined) return undefined
  // Some drivers answer the error that they caught.
  if (value instanceof Error) throw value
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  if (Object.prototype.toString.call(value) === '[object ArrayBuffer]') return new Uint8Array(value as ArrayBuffer)
  if (typeof Blob === 'function' && value instanceof Blob) return new Uint8Array(await value.arrayBuffer())
  if (typeof value !== 'string') throw new TypeError(`the item is of type ${typeof value}, not bytes`)
  if (!value.startsWith(BASE64)) return new TextEncoder().encode(value)
  return Uint8Array.from(atob(value.slice(BASE64.length)), c => c.charCodeAt(0))
}

const STATUS: Readonly<Record<number, ErrnoName>> = {
  401: 'EACCES',
  403: 'EACCES',
  404: 'ENOENT',
  405: 'EROFS',
  408: 'ETIMEDOUT',
  410: 'ENOENT',
  413: 'EFBIG',
  507: 'ENOSPC',
}

/** What a driver threw, as a store's error. Drivers' clients show URLs, in which there may be credentials. */
function driverError(error: unknown, name: string): Error {
  if (typeof DOMException === 'function' && error instanceof DOMException) return domError(error, name)
  const { code, status, statusCode = status } = (error ?? {}) as Record<string, unknown>
  const text = error instanceof Error ? error.message : String(error)
  const why = `the driver says: ${text.replaceAll(/\/\/[^/@\s]*@/g, '//').replaceAll(/\?[^\s"'<>)]*/g, '')}`
  if (isErrnoName(code)) return objectError(code, name, why)
  return objectError(STATUS[Number(statusCode)] ?? 'EIO', name, why)
}

class UnstorageObject implements StoredObject {
  readonly size: number
  readonly #name: string
  #bytes: Uint8Array | undefined

  constructor(name: string, bytes: Uint8Array) {
    this.size = bytes.length
    this.#name = name
    this.#bytes = bytes
  }

  readSync(offset: number, length: number): Uint8Array {
    if (this.#bytes === undefined) throw objectError('EBADF', this.#name, 'is closed')
    return new Uint8Array(this.#bytes.subarray(offset, offset + length))
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.readSync(offset, length)
  }

  close(): void {
    this.#bytes = undefined
  }
}

class UnstorageStore implements ObjectStore {
  readonly label: string
  readonly #driver: UnstorageDriver
  /** Ends with a colon, if there is one. */
  readonly #base: string
  /** Puts under way, by key: of two with one name the second waits. */
  readonly #puts = new Map<string, Promise<void>>()

  constructor(driver: UnstorageDriver, { label, base = '' }: UnstorageOptions) {
    this.#driver = driver
    this.label = label ?? `unstorage:${driver.name ?? 'storage'}`
    const parts = base.split(/[:/\\]/).filter(part => part !== '')
    this.#base = parts.map(part => `${part}:`).join('')
  }

  async open(name: string): Promise<StoredObject> {
    const known = canonicalName(name)
    return new UnstorageObject(known, await this.#fetch(known))
  }

  async stat(name: string): Promise<ObjectInfo> {
    const known = canonicalName(name)
    const size = await this.#metaSize(known)
    return { size: size ?? (await this.#fetch(known)).length }
  }

  async put(name: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const known = canonicalName(name)
    for (let other = this.#puts.get(known); other !== undefined; other = this.#puts.get(known)) await other
    const putting = this.#put(known, data)
    const settled = putting.then(
      () => {},
      () => {},
    )
    this.#puts.set(known, settled)
    try {
      await putting
    } finally {
      this.#puts.delete(known)
    }
  }

  async *list(): AsyncGenerator<string> {
    const base = this.#base
    for (const key of await this.#ask('list', () => this.#driver.getKeys(base, {}))) {
      const plain = key.replaceAll(/[/\\]/g, ':')
      const name = plain.startsWith(base) ? nameOfPlain(plain.slice(base.length).replaceAll(':', '/')) : undefined
      if (name !== undefined) yield name
    }
  }

  async delete(name: string): Promise<void> {
    const known = canonicalName(name)
    const driver = this.#driver
    if (driver.removeItem === undefined) throw objectError('EROFS', known, 'the driver removes nothing')
    try {
      await this.#ask(known, () => driver.removeItem?.(this.#key(known), {}))
    } catch (error) {
      if ((error as { code: string }).code !== 'ENOENT') throw error
    }
  }

  #key(known: string): string {
    return this.#base + plainName(known).replaceAll('/', ':')
  }

  async #ask<T>(known: string, call: () => Answer<T>): Promise<T> {
    let value: T
    try {
      value = await call()
    } catch (error) {
      throw driverError(error, known)
    }
    if (value instanceof Error) throw driverError(value, known)
    return value
  }

  #has(known: string): Promise<boolean> {
    return this.#ask(known, () => this.#driver.hasItem(this.#key(known), {}))
  }

  async #fetch(known: string): Promise<Uint8Array> {
    const driver = this.#driver
    const key = this.#key(known)
    let failure: unknown
    try {
      const value = await this.#ask(known, () => (driver.getItemRaw ?? driver.getItem).call(driver, key, {}))
      const bytes = await this.#ask(known, () => itemBytes(value))
      if (bytes !== undefined) return bytes
    } catch (error) {
      failure = error
    }
    // Some drivers fail for what is not there: asked only then, since it may be a request of its own.
    if (failure !== undefined && (await this.#has(known))) throw failure
    await this.#rejectBelowObject(known)
    throw objectError('ENOENT', known, 'is not in the store')
  }

  async #rejectBelowObject(known: string): Promise<void> {
    for (const above of namesAbove(known)) {
      if (await this.#has(above)) throw objectError('ENOTDIR', known, `${above} is an object`)
    }
  }

  /** The size that the driver tells without the bytes. Of text it would be that of the text. */
  async #metaSize(known: string): Promise<number | undefined> {
    const driver = this.#driver
    // A Storage has all methods, whatever its driver has.
    if (driver.getMeta === undefined || driver.getItemRaw === undefined || 'getMount' in driver) return undefined
    try {
      const meta = await driver.getMeta(this.#key(known), {})
      const size: unknown = (meta as { size?: unknown } | null)?.size
      return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined
    } catch {
      return undefined
    }
  }

  async #put(known: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const driver = this.#driver
    const key = this.#key(known)
    if (await this.#has(known)) return
    if (!isDigestName(known)) await this.#rejectBelowObject(known)
    let bytes = new Uint8Array(0)
    for await (const all of pieces(data, Number.POSITIVE_INFINITY)) bytes = all
    try {
      await this.#ask(known, () => {
        if (driver.setItemRaw !== undefined) return driver.setItemRaw(key, bytes, {})
        if (driver.setItem !== undefined) return driver.setItem(key, BASE64 + toBase64(bytes), {})
        throw objectError('EROFS', known, 'the driver writes nothing')
      })
    } catch (error) {
      await Promise.resolve(driver.removeItem?.(key, {})).catch(() => {})
      throw error
    }
    // Drivers that are read-only, too small or unable to keep nothing at all do not always say so.
    if (await this.#has(known)) return
    const { readOnly } = (driver.options ?? {}) as { readOnly?: unknown }
    throw objectError(readOnly === true ? 'EROFS' : 'EIO', known, `the driver did not keep ${bytes.length} bytes`)
  }
}
