// What an upper has changed as a layer of an OCI image: a tar of what is new or different, with whiteouts for what is gone. Not
// here: what has changed (src/overlay/differences.ts). Follows the OCI image specification, layer.md; headers and framing
// are modern-tar's.
//
//   .wh.NAME       NAME of the layers below is gone
//   .wh..wh..opq   nothing of the layers below is in this directory

import { createTarPacker, type TarHeader, type TarPackController } from 'modern-tar'
import { pathText } from '../format/call-path.js'
import { Fault, faultError, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString, OVERLAY_PREFIX } from '../format/xattr-name.js'
import { type Changed, differences } from '../overlay/differences.js'
import { filePieces, openWaiting } from '../overlay/file-pieces.js'
import { type Attr, newAttr, type OpenFile } from '../overlay/layer.js'
import { binaryName } from '../overlay/listing.js'
import { isDirectory, type LowerPart } from '../overlay/lower.js'
import { LowerFacts } from '../overlay/lower-facts.js'
import type { OverlayNode } from '../overlay/lower-node.js'
import type { MergedTree } from '../overlay/merged-tree.js'
import { answered } from '../overlay/waiting.js'
import { DeviceNumbers } from './device-numbers.js'
import { type PaxRecords, paxBytes, paxTime, xattrRecords } from './pax.js'

const { S_IFMT, S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK } = CONSTANTS
const PERMISSIONS = 0o7777
/** Names of xattrs that overlays obey, those of users without privileges too. */
const MARKS = [OVERLAY_PREFIX, 'user.overlay.']
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

/**
 * The changes of a tree's upper as a tar, made as it is read. Sockets are left out, and the overlay's own xattrs, which whoever
 * unpacks it would obey. A file below of which one name has moved with its directory is packed as a file of its own: a layer can't
 * link to another's names everywhere. Empty xattrs are there, but Go's readers pass over them. The stream fails with the Error of
 * what can't be read, EINVAL for a name that would be a whiteout, EFBIG for a file of 8 GiB or more.
 */
export function layerTar(tree: MergedTree): ReadableStream<Uint8Array> {
  const { readable, controller } = createTarPacker()
  const devices = new DeviceNumbers()
  const packing = new LayerTar(tree, controller, devices)
  packing.run().then(
    () => controller.finalize(),
    // Whoever stopped reading knows.
    error => controller.error(error),
  )
  return readable.pipeThrough(devices.stream())
}

class LayerTar {
  readonly #tree: MergedTree
  readonly #controller: TarPackController
  readonly #devices: DeviceNumbers
  readonly #attr: Attr = newAttr()
  /** Where a file of several names has been packed, by its number. */
  readonly #links = new Map<number, string>()
  /** What is gone from where it was, by path; and the paths of those where something else is now. */
  readonly #gone = new Map<string, LowerPart | undefined>()
  readonly #replaced = new Set<string>()

  constructor(tree: MergedTree, controller: TarPackController, devices: DeviceNumbers) {
    this.#tree = tree
    this.#controller = controller
    this.#devices = devices
  }

  async run(): Promise<void> {
    const facts = new LowerFacts()
    const found = await answered(() => differences(this.#tree, facts))
    if (found instanceof Fault) throw faultError(found, 'exportLayer')
    for (const { path, inode, before } of found) if (inode === undefined) this.#gone.set(path, before)
    for (const { path, inode } of found) if (inode !== undefined && this.#gone.has(path)) this.#replaced.add(path)
    /** A directory that is packed with all that is in it. */
    let whole = '\0'
    for (const changed of found) {
      if (changed.path.startsWith(whole)) continue
      if (await this.#changed(changed)) whole = `${changed.path}/`
    }
  }

  /** Packs one; whether with all that is in it. */
  async #changed({ path, inode, before, from }: Changed): Promise<boolean> {
    const name = path.slice(1)
    // What stands there now takes its place.
    if (inode === undefined && this.#replaced.has(path)) return false
    if (inode === undefined || !TYPES.has(inode.mode & S_IFMT)) {
      if (before !== undefined) await this.#whiteout(name)
      return false
    }
    await this.#entry(name, inode)
    if (!inode.isDirectory) return false
    const below = await answered(() => this.#tree.below(inode))
    if (below instanceof Fault) throw faultError(below, pathText(path))
    const merges = below.length > 0 && from === undefined
    if (merges || path === '/') return false
    const was = from === undefined ? before : this.#gone.get(path)
    if (was !== undefined && isDirectory(was.node)) await this.#marker(`${name}/.wh..wh..opq`)
    await this.#contents(name, inode)
    return true
  }

  async #contents(dir: string, node: OverlayNode): Promise<void> {
    const list = await answered(() => this.#tree.readdir(node))
    if (list instanceof Fault) throw faultError(list, pathText(dir))
    for (let i = 0; i < list.names.length; i++) {
      const name = binaryName(list, i)
      const child = await answered(() => this.#tree.lookupBinary(node, name))
      // A whiteout that is listed.
      if (child instanceof Fault && child.code === 'ENOENT') continue
      if (child instanceof Fault) throw faultError(child, pathText(`${dir}/${name}`))
      await this.#entry(`${dir}/${name}`, child)
      if (isDirectory(child)) await this.#contents(`${dir}/${name}`, child)
    }
  }

  #whiteout(name: string): Promise<void> {
    const cut = name.lastIndexOf('/') + 1
    return this.#marker(`${name.slice(0, cut)}.wh.${name.slice(cut)}`)
  }

  #marker(name: string): Promise<void> {
    return this.#add(name, { name: '', size: 0, mode: 0, mtime: new Date(0), type: 'file' }, new Map())
  }

  async #entry(name: string, node: OverlayNode): Promise<void> {
    if (/(?:^|\/)\.wh\.[^/]*$/.test(name)) {
      throw faultError(new Fault('EINVAL', 'a name in a layer can not begin with .wh.'), pathText(name))
    }
    const attr = this.#attr
    check(await answered(() => this.#tree.stat(node, attr)), name)
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
      const target = value(await answered(() => this.#tree.readlink(node)), name)
      await this.#add(name, header, pax, binaryString(target))
    } else if (type === 'file') await this.#file(name, node, header, pax)
    else await this.#add(type === 'directory' && name !== '' ? `${name}/` : name, header, pax)
  }

  async #file(name: string, node: OverlayNode, header: TarHeader, pax: Map<string, string>): Promise<void> {
    const file = await openWaiting(this.#tree, node, pathText(name))
    try {
      if (file.size > SIZE_MAX) throw faultError(new Fault('EFBIG', 'larger than a tar header can say'), pathText(name))
      await this.#add(name, { ...header, size: file.size }, pax, undefined, file)
    } finally {
      file.close()
    }
  }

  async #records(node: OverlayNode, attr: Attr, name: string): Promise<Map<string, string>> {
    const pax = new Map<string, string>()
    if (attr.mtimeSec < 0 || attr.mtimeNsec !== 0) pax.set('mtime', paxTime(attr.mtimeSec, attr.mtimeNsec))
    if (attr.uid > ID_MAX) pax.set('uid', String(attr.uid))
    if (attr.gid > ID_MAX) pax.set('gid', String(attr.gid))
    const xattrs: [string, Uint8Array][] = []
    for (const xattr of value(await answered(() => this.#tree.listxattr(node)), name)) {
      if (MARKS.some(prefix => binaryString(xattr).startsWith(prefix))) continue
      xattrs.push([binaryString(xattr), value(await answered(() => this.#tree.getxattr(node, xattr)), name)])
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
