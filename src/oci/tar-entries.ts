// Inodes of a layer as entries of a tar, made as it is read: headers, extended headers, links between names of one
// file, and the bytes. Not here: which of them, in which order (layer-tar.ts, folder-tar.ts). Headers and framing are modern-tar's.

import { createTarPacker, type TarHeader, type TarPackController } from 'modern-tar'
import { pathText } from '../format/call-path.js'
import { Fault, faultError, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { filePieces, openWaiting } from '../overlay/file-pieces.js'
import { type Attr, type Layer, newAttr, type OpenFile } from '../overlay/layer.js'
import { answered } from '../overlay/waiting.js'
import { DeviceNumbers } from './device-numbers.js'
import { type PaxRecords, paxBytes, paxTime, xattrRecords } from './pax.js'

const { S_IFMT, S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK } = CONSTANTS
const PERMISSIONS = 0o7777
/** What the fields of a header hold. */
const NAME_MAX = 100
const ID_MAX = 0o7777777
const SIZE_MAX = 0o77777777777
// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that are a byte of their own in UTF-8
const ASCII = /^[\x00-\x7f]*$/

const TYPES: ReadonlyMap<number, TarHeader['type']> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFIFO, 'fifo'],
  [S_IFCHR, 'character-device'],
  [S_IFBLK, 'block-device'],
])

/** Whether such an inode has a form in a tar; a socket has none. */
export function hasTarForm(mode: number): boolean {
  return TYPES.has(mode & S_IFMT)
}

/**
 * A tar of inodes of one layer. Names are binary strings: a character a byte. What fails, fails with the Error of a Fault, EFBIG for
 * a file of 8 GiB or more. Empty xattrs are there, but Go's readers pass over them.
 */
export class TarEntries<N extends object> {
  readonly stream: ReadableStream<Uint8Array>
  readonly #layer: Layer<N>
  readonly #controller: TarPackController
  readonly #isPacked: (xattr: string) => boolean
  readonly #devices = new DeviceNumbers()
  readonly #attr: Attr = newAttr()
  /** Where a file of several names has been packed, by its number. */
  readonly #links = new Map<number, string>()

  /** `isPacked`: whether an xattr of such a name (a binary string) goes along. */
  constructor(layer: Layer<N>, isPacked: (xattr: string) => boolean) {
    const { readable, controller } = createTarPacker()
    this.#layer = layer
    this.#controller = controller
    this.#isPacked = isPacked
    this.stream = readable.pipeThrough(this.#devices.stream())
  }

  /** The tar ends with what `pack` has put into it, or fails as that does. */
  end(pack: Promise<void>): void {
    pack.then(
      () => this.#controller.finalize(),
      // Whoever stopped reading knows.
      error => this.#controller.error(error),
    )
  }

  /** An empty file that stands for something. */
  marker(name: string): Promise<void> {
    return this.#add(name, { name: '', size: 0, mode: 0, mtime: new Date(0), type: 'file' }, new Map())
  }

  /** One inode; a further name of a file that is in the tar becomes a link to that. What has no form in a tar is left out. */
  async entry(name: string, node: N): Promise<void> {
    const attr = this.#attr
    check(await answered(() => this.#layer.stat(node, attr)), name)
    const type = TYPES.get(attr.mode & S_IFMT)
    if (type === undefined) return
    const first = type === 'directory' || attr.nlink === 1 ? undefined : this.#links.get(attr.ino)
    if (first !== undefined) {
      await this.#add(name, { name: '', size: 0, type: 'link', linkname: '', mtime: new Date(0) }, new Map(), first)
      return
    }
    if (type !== 'directory' && attr.nlink > 1) this.#links.set(attr.ino, name)
    const header = headerOf(attr, type)
    const pax = await this.#records(node, attr, name)
    if (type === 'character-device' || type === 'block-device') this.#devices.expect(attr.rdev)
    if (type === 'symlink') {
      const target = value(await answered(() => this.#layer.readlink(node)), name)
      await this.#add(name, header, pax, binaryString(target))
    } else if (type === 'file') await this.#file(name, node, header, pax)
    else await this.#add(type === 'directory' && name !== '' ? `${name}/` : name, header, pax)
  }

  async #file(name: string, node: N, header: TarHeader, pax: Map<string, string>): Promise<void> {
    const file = await openWaiting(this.#layer, node, pathText(name))
    try {
      if (file.size > SIZE_MAX) throw faultError(new Fault('EFBIG', 'larger than a tar header can say'), pathText(name))
      await this.#add(name, { ...header, size: file.size }, pax, undefined, file)
    } finally {
      file.close()
    }
  }

  async #records(node: N, attr: Attr, name: string): Promise<Map<string, string>> {
    const pax = new Map<string, string>()
    if (attr.mtimeSec < 0 || attr.mtimeNsec !== 0) pax.set('mtime', paxTime(attr.mtimeSec, attr.mtimeNsec))
    if (attr.uid > ID_MAX) pax.set('uid', String(attr.uid))
    if (attr.gid > ID_MAX) pax.set('gid', String(attr.gid))
    const xattrs: [string, Uint8Array][] = []
    for (const xattr of value(await answered(() => this.#layer.listxattr(node)), name)) {
      if (!this.#isPacked(binaryString(xattr))) continue
      const found = await answered(() => this.#layer.getxattr(node, xattr))
      // Listed, but of what holds no xattr of `user`: nobody can read it.
      if (found instanceof Fault && found.code === 'ENODATA') continue
      xattrs.push([binaryString(xattr), value(found, name)])
    }
    for (const [key, text] of xattrRecords(xattrs)) pax.set(key, text)
    return pax
  }

  /** One entry, with the extended header before it that its name, target and records need. */
  async #add(
    name: string,
    header: TarHeader,
    pax: Map<string, string>,
    linkname?: string,
    file?: OpenFile,
  ): Promise<void> {
    const path = name === '' ? './' : name
    if (!isPlain(path)) pax.set('path', path)
    if (linkname !== undefined && !isPlain(linkname)) pax.set('linkpath', linkname)
    if (pax.size > 0) await this.#extended(path, pax)
    const plain = {
      ...header,
      name: shortened(path),
      ...(linkname === undefined ? {} : { linkname: shortened(linkname) }),
    }
    this.#devices.header(plain.type)
    const body = this.#controller.add(plain).getWriter()
    if (file !== undefined) for await (const piece of filePieces(file, pathText(name))) await body.write(piece)
    await body.close()
    this.#devices.skip(plain.size)
  }

  async #extended(path: string, pax: PaxRecords): Promise<void> {
    const bytes = paxBytes(pax)
    const name = shortened(`PaxHeaders/${path.replace(/\/$/, '')}`)
    this.#devices.header('pax-header')
    const body = this.#controller.add({ name, type: 'pax-header', size: bytes.length, mtime: new Date(0) }).getWriter()
    await body.write(bytes)
    await body.close()
    this.#devices.skip(bytes.length)
  }
}

function headerOf(attr: Attr, type: TarHeader['type']): TarHeader {
  const { mode, uid, gid, mtimeSec } = attr
  return {
    name: '',
    size: 0,
    type,
    mode: mode & PERMISSIONS,
    uid: Math.min(uid, ID_MAX),
    gid: Math.min(gid, ID_MAX),
    mtime: new Date(Math.max(0, mtimeSec) * 1000),
  }
}

function isPlain(text: string): boolean {
  return text.length <= NAME_MAX && ASCII.test(text)
}

/** What stands in a header where the extended one before it has the true name. */
function shortened(text: string): string {
  return isPlain(text) ? text : text.slice(0, NAME_MAX).replace(/[^\x20-\x7e]/g, '_')
}

function check(failed: Fault | undefined, path: string): void {
  if (failed !== undefined) throw faultError(failed, pathText(path))
}

function value<T>(outcome: Outcome<T>, path: string): T {
  if (outcome instanceof Fault) throw faultError(outcome, pathText(path))
  return outcome
}
