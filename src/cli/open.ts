// Images and files as commands open them: straight through the core's loader, without the faces of the package, since
// a command's start is most of its time. Not here: anything that a command does with them.

import fs from 'node:fs'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { FULL_CORE_BASE64 } from '../../wasm/full-core-bytes.js'
import { CorePool } from '../../wasm/pool.js'
import { Fault } from '../format/errno.js'
import type { LimitOptions } from '../format/limits.js'
import { sha256 } from '../host/hash.js'
import { type Image, loadImage } from '../image/image.js'
import { CommandError, failure, wrongUsage } from './failure.js'
import type { OpenImageOptions, RemotePlaces } from './remote.js'
import { isUrl, localPath } from './url.js'

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants

function compiled(base64: string): WebAssembly.Module {
  return compileSync(new Uint8Array(Buffer.from(base64, 'base64')))
}

function fill(fd: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const n = fs.readSync(fd, into, done, into.length - done, done)
    if (n === 0) throw new Error('file became shorter')
    done += n
  }
}

/** Throws a CommandError for what is no digest. */
export function checkDigest(digest: string | undefined): void {
  if (digest !== undefined && !/^[0-9a-f]{64}$/i.test(digest)) throw wrongUsage('--digest must be 64 hex digits')
}

/** What is the same of all images that a command opens. */
export interface Opening {
  readonly limits?: LimitOptions
  /** Paths and URLs of the further devices. */
  readonly devices?: readonly string[]
}

/** Opens images, those of the host all in one pool. */
export class ImageFiles {
  readonly #limits: LimitOptions
  readonly #devices: readonly string[]
  #pool: CorePool | undefined
  #remote: RemotePlaces | undefined

  constructor({ limits = {}, devices = [] }: Opening = {}) {
    this.#limits = limits
    this.#devices = devices
  }

  /** By a path or URL. Rejects with a CommandError. */
  async openAny(name: string, options: OpenImageOptions = {}): Promise<Image> {
    const devices = this.#devices
    if (!isUrl(name) && devices.length === 0) return this.open(name, options.digest)
    checkDigest(options.digest)
    try {
      if (this.#remote === undefined) this.#remote = new (await import('./remote.js')).RemotePlaces()
      return await this.#remote.image(name, { ...options, ...this.#limits, devices })
    } catch (error) {
      throw error instanceof CommandError ? error : failure('open', name, error)
    }
  }

  /** By a path. Throws a CommandError. */
  open(path: string, digest?: string): Image {
    checkDigest(digest)
    this.#pool ??= new CorePool(compiled(CORE_BASE64), () => compiled(FULL_CORE_BASE64))
    let fd = -1
    try {
      if (isUrl(path)) throw new Fault('ENOTSUP', 'an image by URL is not read by this command')
      fd = fs.openSync(localPath(path), O_RDONLY | O_NONBLOCK)
      const stat = fs.fstatSync(fd)
      if (!stat.isFile()) throw new Error('not a regular file')
      const image = loadImage(this.#pool, sha256, stat.size, into => fill(fd, into), { ...this.#limits, digest })
      if (image instanceof Fault) throw image
      return image
    } catch (error) {
      throw failure('open', path, error)
    } finally {
      if (fd >= 0) fs.closeSync(fd)
    }
  }
}
