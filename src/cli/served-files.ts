// What a web server's paths may lead to: files below a directory, or such as are named one by one. Not here: how a request is
// answered (static-server.ts).

import fs from 'node:fs'
import { join, sep } from 'node:path'
import { localPath } from './url.js'

const { O_RDONLY, O_NONBLOCK = 0, O_NOFOLLOW = 0 } = fs.constants
const INDEX = 'index.html'

export interface OpenedFile {
  readonly fd: number
  readonly path: string
  readonly size: number
  readonly etag: string
  readonly modified: string
}

export interface ServedFiles {
  /** The file that a path names, decoded and without the slash before it, or the status of a refusal. */
  open(path: string): OpenedFile | number
}

/** Strong: another file, another size or another time is another tag. */
function tagOf({ ino, size, mtimeNs }: fs.BigIntStats): string {
  return `"${ino.toString(36)}-${size.toString(36)}-${mtimeNs.toString(36)}"`
}

/** Where what is open really lies, on hosts that say so. */
function pathOf(fd: number): string | undefined {
  try {
    return process.platform === 'linux' ? fs.readlinkSync(`/proc/self/fd/${fd}`) : undefined
  } catch {
    return undefined
  }
}

/** Opens a regular file whose path `fits`, with all links followed. */
function opened(name: string, fits: (path: string) => boolean): OpenedFile | number {
  let fd = -1
  try {
    const path = fs.realpathSync(name)
    if (!fits(path)) return 404
    fd = fs.openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW)
    const stat = fs.fstatSync(fd, { bigint: true })
    // A symlink may have been put on the way meanwhile.
    if (!stat.isFile() || !fits(pathOf(fd) ?? path)) throw new Error('not to be served')
    const modified = new Date(Number(stat.mtimeMs)).toUTCString()
    return { fd, path, size: Number(stat.size), etag: tagOf(stat), modified }
  } catch (error) {
    if (fd >= 0) fs.closeSync(fd)
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'EACCES' || code === 'EPERM' ? 403 : 404
  }
}

/** Files below a directory: no lists, nothing hidden, nothing that a symlink has outside. */
export class ServedDirectory implements ServedFiles {
  readonly #root: string
  readonly #wanted: RegExp

  /** `wanted`: which paths there are at all. Throws the host's error for what is no directory. */
  constructor(dir: string, wanted = /^/) {
    this.#root = fs.realpathSync(localPath(dir))
    this.#wanted = wanted
    if (!fs.statSync(this.#root).isDirectory()) throw new Error('not a directory')
  }

  open(path: string): OpenedFile | number {
    if (path.includes('\0') || path.includes('\\') || !this.#wanted.test(path)) return 404
    // Neither `..` nor what is hidden.
    if (path.split('/').some(part => part.startsWith('.'))) return 404
    const wanted = path === '' || path.endsWith('/') ? path + INDEX : path
    const above = this.#root.endsWith(sep) ? this.#root : this.#root + sep
    return opened(join(this.#root, wanted), real => real.startsWith(above))
  }
}

/** Files by names that have nothing to do with where they lie. */
export class ServedNames implements ServedFiles {
  readonly #files: ReadonlyMap<string, string>

  /** Their paths have no symlinks in them; one that has come there meanwhile is not followed. */
  constructor(files: Readonly<Record<string, string>>) {
    this.#files = new Map(Object.entries(files))
  }

  open(path: string): OpenedFile | number {
    const file = this.#files.get(path)
    return file === undefined ? 404 : opened(file, real => real === file)
  }
}
