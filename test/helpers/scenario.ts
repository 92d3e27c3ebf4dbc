// Overlay scenarios: what they are made of, and their layers as images and uppers. The form is that of the recorded ones beside
// the project (run-kernel.mjs there says how a kernel's overlay was asked).
import { buildImage } from '../../src/build.js'
import { Fault } from '../../src/format/errno.js'
import type { Image } from '../../src/image/image.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import type { Layer } from '../../src/overlay/layer.js'
import type { LayerNode } from '../../src/overlay/lower.js'
import type { Upper } from '../../src/overlay/upper.js'
import type { UpperInode } from '../../src/overlay/upper-inode.js'
import { MemoryStore } from '../../src/store/memory.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { deviceNumber, type EntryAttributes, TreeBuilder } from '../../src/tree/tree-builder.js'
import { loaded, newPool, sha256 } from './core.js'

export type Content = string | { readonly fill: string; readonly size: number }
export type XattrText = string | { readonly hex: string }

export interface LayerEntry {
  readonly path: string
  readonly type: string
  readonly mode?: string
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: string
  readonly xattrs?: Readonly<Record<string, XattrText>>
  readonly content?: Content
  readonly opaque?: 'x' | 'y'
  readonly target?: string
  readonly rdev?: readonly [number, number]
  readonly redirect?: string
  readonly metacopy?: true | string
  readonly size?: number
}

export interface Op {
  readonly op: string
  readonly args?: readonly unknown[]
  readonly as?: string
  readonly cred?: readonly [number, number]
}

export interface Outcome {
  readonly results: readonly unknown[]
  readonly tree: readonly Entry[]
  readonly treeAfterRemount?: readonly Entry[]
  readonly upper: readonly Entry[]
}

export type Entry = { readonly path: string } & Readonly<Record<string, unknown>>

export interface Scenario {
  readonly id: string
  readonly title: string
  /** `on-only`: without metacopy a mount shows some entries in a listing and finds them with EPERM, in no certain way. */
  readonly tags?: readonly string[]
  readonly setup: {
    readonly umask?: string
    readonly lowers: readonly (readonly LayerEntry[])[]
    readonly upper?: readonly LayerEntry[] | false
  }
  readonly ops: readonly Op[]
  readonly expect: { readonly on: Outcome; readonly off: Outcome }
}

export function contentBytes(content: unknown): Uint8Array {
  if (content === undefined) return new Uint8Array(0)
  if (typeof content === 'string') return Buffer.from(content)
  const { fill, size } = content as { fill: string; size: number }
  return Buffer.alloc(size, fill)
}

const bytesOf = (value: XattrText) => (typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.hex, 'hex'))
const secondsOf = (text: string) => {
  const [seconds, nsec = ''] = text.split('.')
  return { seconds: Number(seconds), nsec: Number(nsec.padEnd(9, '0').slice(0, 9)) }
}
const mtimeOf = (entry: LayerEntry, index: number) => secondsOf(entry.mtime ?? `${1000000000 + 100 * index}`)
const modeOf = ({ mode, type }: LayerEntry) => Number.parseInt(mode ?? (type === 'dir' ? '755' : '644'), 8)

function attributesOf(entry: LayerEntry, index: number): EntryAttributes {
  const xattrs: Record<string, Uint8Array> = {}
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) xattrs[name] = bytesOf(value)
  const mark = (name: string, value: string) => {
    xattrs[`trusted.overlay.${name}`] = Buffer.from(value)
  }
  if (entry.opaque !== undefined) mark('opaque', entry.opaque)
  if (entry.redirect !== undefined) mark('redirect', entry.redirect)
  if (entry.metacopy !== undefined) mark('metacopy', '')
  if (typeof entry.metacopy === 'string') xattrs['trusted.overlay.metacopy'] = Buffer.from(entry.metacopy, 'hex')
  if (entry.type === 'xwhiteout') mark('whiteout', '')
  const mode = entry.type === 'symlink' ? 0o777 : modeOf(entry)
  return { mode, uid: entry.uid, gid: entry.gid, mtime: mtimeOf(entry, index), xattrs }
}

/** How an entry of each type is added. */
const ADD: Readonly<Record<string, (builder: TreeBuilder, entry: LayerEntry, attributes: EntryAttributes) => void>> = {
  dir: (builder, { path }, attributes) => builder.addDirectory(path, attributes),
  file: (builder, { path, content, metacopy, size }, attributes) =>
    builder.addFile(path, metacopy === undefined ? contentBytes(content) : new Uint8Array(size ?? 0), attributes),
  xwhiteout: (builder, { path }, attributes) => builder.addFile(path, new Uint8Array(0), attributes),
  symlink: (builder, { path, target }, attributes) => builder.addSymlink(path, target as string, attributes),
  hardlink: (builder, { path, target }) => builder.addHardLink(path, target as string),
  fifo: (builder, { path }, attributes) => builder.addFifo(path, attributes),
  sock: (builder, { path }, attributes) => builder.addSocket(path, attributes),
  whiteout: (builder, { path }, attributes) =>
    builder.addDevice(path, { type: 'character', major: 0, minor: 0 }, { ...attributes, mode: 0 }),
  chr: (builder, { path, rdev: [major, minor] = [0, 0] }, attributes) =>
    builder.addDevice(path, { type: 'character', major, minor }, attributes),
  blk: (builder, { path, rdev: [major, minor] = [0, 0] }, attributes) =>
    builder.addDevice(path, { type: 'block', major, minor }, attributes),
}

const pool = newPool()

/** The layers of a scenario as images, each with the store of its objects. */
export async function lowerImages(
  lowers: Scenario['setup']['lowers'],
): Promise<{ image: Uint8Array; store: MemoryStore }[]> {
  const images: { image: Uint8Array; store: MemoryStore }[] = []
  for (const entries of lowers) {
    const builder = new TreeBuilder({ mode: 0o755, mtime: 900000000 })
    entries.forEach((entry, index) => void ADD[entry.type](builder, entry, attributesOf(entry, index)))
    const store = new MemoryStore()
    images.push({ image: (await buildImage(builder, { store }, sha256)).image, store })
  }
  return images
}

/** The layers of a scenario, and what closes them. */
export async function lowerLayers(lowers: Scenario['setup']['lowers']): Promise<{
  layers: Layer<LayerNode>[]
  close(): void
}> {
  const images: Image[] = []
  const layers: Layer<LayerNode>[] = []
  for (const { image: bytes, store } of await lowerImages(lowers)) {
    const image = loaded(pool, bytes)
    images.push(image)
    layers.push(new ImageLayer(image, new VerifiedObjects(store, sha256), 'on'))
  }
  return { layers, close: () => images.forEach(image => void image.close()) }
}

const TYPES: Readonly<Record<string, number>> = {
  dir: 0o040000,
  file: 0o100000,
  symlink: 0o120000,
  fifo: 0o010000,
  sock: 0o140000,
  chr: 0o020000,
  blk: 0o060000,
  xwhiteout: 0o100000,
}

function ok<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new Error(value.code)
  return value
}

function dirAt(upper: Upper, path: string): UpperInode {
  let dir = upper.root
  for (const name of path.split('/').slice(1, -1)) dir = dir.children?.get(name) as UpperInode
  return dir
}

/** Puts what an upper holds before the mount into a new one. */
export function fillUpper(upper: Upper, entries: readonly LayerEntry[]): void {
  const inodes = new Map<string, UpperInode>()
  entries.forEach((entry, index) => {
    const dir = dirAt(upper, entry.path)
    const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
    if (entry.type === 'whiteout') {
      upper.put(dir, name, null)
      return
    }
    const linked = entry.type === 'hardlink' ? inodes.get(entry.target as string) : undefined
    const inode = linked ?? newInode(upper, entry, index)
    if (linked !== undefined) inode.nlink++
    inodes.set(entry.path, inode)
    upper.changed(inode)
    upper.put(dir, name, inode)
  })
}

function newInode(upper: Upper, entry: LayerEntry, index: number): UpperInode {
  const { mode, xattrs } = attributesOf(entry, index)
  const inode = ok(upper.make(TYPES[entry.type] | (mode as number), entry.uid ?? 0, entry.gid ?? 0))
  const { seconds, nsec } = mtimeOf(entry, index)
  inode.born({ sec: seconds, nsec })
  if (entry.rdev !== undefined) inode.rdev = deviceNumber(...entry.rdev)
  if (entry.target !== undefined) inode.target = Buffer.from(entry.target)
  inode.opaque = entry.opaque ?? ''
  inode.redirect = entry.redirect
  inode.whiteout = entry.type === 'xwhiteout'
  for (const [name, value] of Object.entries(xattrs ?? {})) {
    if (name.startsWith('trusted.overlay.')) continue
    inode.xattrs ??= new Map()
    inode.xattrs.set(name, value as Uint8Array)
  }
  if (entry.metacopy !== undefined) {
    inode.metacopy = xattrs?.['trusted.overlay.metacopy'] as Uint8Array
    inode.size = entry.size ?? 0
  } else if (entry.type === 'file') {
    inode.body = ok(upper.bodies.create())
    const failed = inode.body.write(contentBytes(entry.content), 0)
    if (failed !== undefined) throw new Error(failed.code)
  }
  return inode
}
