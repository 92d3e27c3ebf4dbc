// The calls of a mount that edits are made of, by path text; none of them follows a symlink at the end of its path but `open`, which is
// asked of regular files only. Not here: which edits there are.

import type { XattrPromises } from '../../vfs/fs-types.js'
import type { MountedFs } from '../../vfs/mounted-fs.js'
import { pathArgument, pathText } from '../path-text.js'

/** As of bigint stats. */
export interface EditStat {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly isDirectory: boolean
  readonly isFile: boolean
}

/** Node's types know text and Buffers; a mount takes any bytes. */
function at(path: string): string {
  return pathArgument(path) as string
}

export class EditFs {
  readonly #fs: MountedFs['promises'] & XattrPromises

  constructor(fs: MountedFs) {
    this.#fs = fs.promises
  }

  async lstat(path: string): Promise<EditStat> {
    const found = await this.#fs.lstat(at(path), { bigint: true })
    return {
      mode: Number(found.mode),
      uid: Number(found.uid),
      gid: Number(found.gid),
      mtimeNs: found.mtimeNs,
      isDirectory: found.isDirectory(),
      isFile: found.isFile(),
    }
  }

  /** undefined where there is nothing. */
  async find(path: string): Promise<EditStat | undefined> {
    try {
      return await this.lstat(path)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  }

  async names(path: string): Promise<string[]> {
    const names = await this.#fs.readdir(at(path), { encoding: 'buffer' })
    return names.map(pathText)
  }

  writeFile(path: string, data: Uint8Array): Promise<void> {
    return this.#fs.writeFile(at(path), data)
  }

  /** A new file; fails where there is something. */
  async create(path: string, data: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await this.#fs.open(at(path), 'wx', 0o644)
    try {
      for await (const piece of data) {
        for (let done = 0; done < piece.length; ) done += (await file.write(piece, done)).bytesWritten
      }
    } finally {
      await file.close()
    }
  }

  async mkdir(path: string): Promise<void> {
    await this.#fs.mkdir(at(path), 0o755)
  }

  symlink(target: string, path: string): Promise<void> {
    return this.#fs.symlink(at(target), at(path))
  }

  rename(from: string, to: string): Promise<void> {
    return this.#fs.rename(at(from), at(to))
  }

  unlink(path: string): Promise<void> {
    return this.#fs.unlink(at(path))
  }

  rmdir(path: string): Promise<void> {
    return this.#fs.rmdir(at(path))
  }

  chmod(path: string, mode: number): Promise<void> {
    return this.#fs.chmod(at(path), mode)
  }

  chown(path: string, uid: number, gid: number): Promise<void> {
    return this.#fs.lchown(at(path), uid, gid)
  }

  /** Seconds since 1970. */
  touch(path: string, mtime: number): Promise<void> {
    return this.#fs.lutimes(at(path), mtime, mtime)
  }

  async xattrNames(path: string): Promise<string[]> {
    const names = await this.#fs.listxattr(at(path), { follow: false, encoding: 'buffer' })
    return names.map(name => (typeof name === 'string' ? name : pathText(name)))
  }

  /** undefined for one that is listed, but can't be read: of `user`, and neither a file's nor a directory's. */
  async xattr(path: string, name: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#fs.getxattr(at(path), at(name), { follow: false })
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENODATA') return undefined
      throw error
    }
  }

  setXattr(path: string, name: string, value: Uint8Array): Promise<void> {
    return this.#fs.setxattr(at(path), at(name), value, { follow: false })
  }

  removeXattr(path: string, name: string): Promise<void> {
    return this.#fs.removexattr(at(path), at(name), { follow: false })
  }
}
