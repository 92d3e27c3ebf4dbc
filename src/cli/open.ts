// Images and files as commands open them: straight through the core's loader, without the faces of the package, since
// a command's start is most of its time. Not here: anything that a command does with them.

import fs from 'node:fs'
import { compileSync } from '../../wasm/core.js'
import { CORE_BASE64 } from '../../wasm/core-bytes.js'
import { CorePool } from '../../wasm/pool.js'
import { Fault } from '../format/errno.js'
import { sha256 } from '../host/hash.js'
import { type Image, loadImage } from '../image/image.js'
import { failure, wrongUsage } from './failure.js'

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants

function fill(fd: number, into: Uint8Array): void {
  for (let done = 0; done < into.length; ) {
    const n = fs.readSync(fd, into, done, into.length - done, done)
    if (n === 0) throw new Error('file became shorter')
    done += n
  }
}

/** Opens images, all in one pool. */
export class ImageFiles {
  readonly #pool = new CorePool(compileSync(new Uint8Array(Buffer.from(CORE_BASE64, 'base64'))))

  /** Throws a CommandError. */
  open(path: string, digest?: string): Image {
    if (digest !== undefined && !/^[0-9a-f]{64}$/i.test(digest)) throw wrongUsage('--digest must be 64 hex digits')
    let fd = -1
    try {
      fd = fs.openSync(path, O_RDONLY | O_NONBLOCK)
      const stat = fs.fstatSync(fd)
      if (!stat.isFile()) throw new Error('not a regular file')
      const image = loadImage(this.#pool, sha256, stat.size, into => fill(fd, into), { digest })
      if (image instanceof Fault) throw image
      return image
    } catch (error) {
      throw failure('open', path, error)
    } finally {
      if (fd >= 0) fs.closeSync(fd)
    }
  }
}
