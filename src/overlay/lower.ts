// A layer below an overlay, and what its entries mean there: whiteouts, opaque directories, redirects, metacopy. The layer
// shows the marks as xattrs of its own users (an image's escaped ones, since it is a composefs mount of its own); here they
// are obeyed. Not here: the search through several of them (search.ts).
// Follows fs/overlayfs/util.c and namei.c of the kernel, spec overlayfs.md 2.

import { callPath } from '../format/call-path.js'
import { Fault, fault, type Outcome } from '../format/errno.js'
import { LimitFault } from '../format/limits.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString, OVERLAY_ESCAPED_PREFIX, OVERLAY_PREFIX } from '../format/xattr-name.js'
import { type Attr, type Bytes, type DirList, FIRST_OWN_INO, type Layer, newAttr } from './layer.js'

const { S_IFMT, S_IFCHR, S_IFDIR, S_IFREG } = CONSTANTS

/** What the overlay needs to see of a handle of the layer: the type bits. */
export interface LayerNode {
  readonly mode: number
}

/** A path's end, or the symlink before it at which the walk stopped. */
export interface Walked {
  readonly node: LayerNode
  /** Bytes of the path that are left behind the symlink; -1 where the walk came to its end. */
  readonly left: number
  /** The directory that holds the symlink. */
  readonly parent: LayerNode | undefined
}

/** What a direct question is answered where a symlink stands on the way: the caller has to follow it. */
export const AT_LINK = new Fault('ELOOP', 'symlink')

/** A layer in which nothing is a mark can be walked without a look at each directory on the way. */
export interface PlainWalk {
  /** Whether nothing in the layer means anything to an overlay above, character devices 0:0 apart. */
  readonly unmarked: boolean
  /** Whether there may be character devices 0:0. */
  readonly mayHoldDevices: boolean
  /** Walks a path that has no `..` from a directory and stops at the first symlink that is to be followed. */
  walk(dir: LayerNode, path: Bytes, follow: boolean): Outcome<Walked>
  /** resolve for a path without `..`; AT_LINK where it would have to follow a symlink. */
  resolveDirect(path: Bytes, follow: boolean): Outcome<LayerNode>
  /** statPath for a path without `..`; AT_LINK where it would have to follow a symlink. */
  statDirect(path: Bytes, follow: boolean, out: Attr): Fault | undefined
  /** namesAt for a path without `..`; AT_LINK where it would have to follow a symlink. */
  namesDirect(path: Bytes): Outcome<string[]>
}

/** A layer's own object behind one entry of the overlay. */
export interface LowerPart {
  readonly lower: Lower
  readonly node: LayerNode
}

export function isDirectory(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFDIR
}

export function isRegular(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFREG
}

export class Lower {
  readonly #attr: Attr = newAttr()
  /** The layer as one to walk plainly; undefined where its marks must be looked at. */
  readonly plain: PlainWalk | undefined
  readonly root: LowerPart
  /** The lowest number that an overlay in this layer has given to an inode. */
  readonly #firstOwn: number

  constructor(
    readonly layer: Layer<LayerNode>,
    /** From the top, 0 first. */
    readonly index: number,
    /** How many layers there are. */
    readonly count: number,
  ) {
    this.plain = isPlain(layer) ? layer : undefined
    this.root = { lower: this, node: layer.root }
    const { overlays = 0 } = layer
    this.#firstOwn = overlays === 0 ? Number.POSITIVE_INFINITY : FIRST_OWN_INO / 2 ** (overlays - 1)
  }

  /** The number under which the overlay shows an inode of this layer. */
  ino(ino: number): number {
    if (ino < this.#firstOwn) return ino * this.count + this.index
    let first = FIRST_OWN_INO
    while (ino < first) first /= 2
    return first / 2 + (ino - first) * this.count + this.index
  }

  stat(node: LayerNode, out: Attr): Fault | undefined {
    const failed = this.layer.stat(node, out)
    out.ino = this.ino(out.ino)
    return failed
  }

  /** What the layer lists, its numbers as the overlay shows them. */
  readdir(dir: LayerNode): Outcome<DirList> {
    const list = this.layer.readdir(dir)
    if (list instanceof Fault || list.inos === undefined || this.#ownNumbers) return list
    return { ...list, inos: Array.from(list.inos, ino => this.ino(ino)) }
  }

  /** Whether the overlay shows the layer's numbers as they are. */
  get #ownNumbers(): boolean {
    return this.count === 1 && this.#firstOwn === Number.POSITIVE_INFINITY
  }

  /** What a name stands for in a directory; undefined for nothing. */
  find(dir: LayerNode, name: string): Outcome<LayerNode | undefined> {
    const node = this.layer.lookup(dir, callPath(name))
    if (!(node instanceof Fault) || node instanceof LimitFault) return node
    return node.code === 'ENOENT' || node.code === 'ENAMETOOLONG' ? undefined : node
  }

  /** The value of a mark; undefined where it is not set. */
  #mark(node: LayerNode, mark: string): Outcome<string | undefined> {
    if (this.plain !== undefined) return undefined
    const value = this.layer.getxattr(node, OVERLAY_PREFIX + mark)
    if (!(value instanceof Fault)) return binaryString(value)
    return value.code === 'ENODATA' || value.code === 'ENOTSUP' ? undefined : value
  }

  /** ovl_path_is_whiteout: a character device 0:0, or an empty regular file with the mark. */
  isWhiteout(node: LayerNode): Outcome<boolean> {
    const type = node.mode & S_IFMT
    if (type !== S_IFCHR && (type !== S_IFREG || this.plain !== undefined)) return false
    const failed = this.layer.stat(node, this.#attr)
    if (failed !== undefined) return failed
    if (type === S_IFCHR) return this.#attr.rdev === 0
    if (this.#attr.size !== 0) return false
    const mark = this.#mark(node, 'whiteout')
    return mark instanceof Fault ? mark : mark !== undefined
  }

  /** `y`, `x` or nothing; every other value means nothing. */
  opaque(dir: LayerNode): Outcome<'' | 'x' | 'y'> {
    const value = this.#mark(dir, 'opaque')
    return value instanceof Fault ? value : value === 'y' || value === 'x' ? value : ''
  }

  redirect(node: LayerNode): Outcome<string | undefined> {
    return this.#mark(node, 'redirect')
  }

  /** Whether a regular file is metacopy. EIO for a value of 1 to 3 bytes. */
  isMetacopy(node: LayerNode): Outcome<boolean> {
    if (!isRegular(node)) return false
    const value = this.#mark(node, 'metacopy')
    if (value === undefined || value instanceof Fault) return value ?? false
    return value.length > 0 && value.length < 4 ? fault('EIO') : true
  }
}

function isPlain(layer: Layer<LayerNode>): layer is Layer<LayerNode> & PlainWalk {
  return 'unmarked' in layer && layer.unmarked === true
}

/** The name under which a lower xattr is seen through the overlay; undefined for a mark of its own. */
export function shownXattr(name: string): string | undefined {
  if (name.startsWith(OVERLAY_ESCAPED_PREFIX)) return OVERLAY_PREFIX + name.slice(OVERLAY_ESCAPED_PREFIX.length)
  return name.startsWith(OVERLAY_PREFIX) ? undefined : name
}

/** The name that a lower layer has for an xattr of the overlay. */
export function lowerXattr(name: string): string {
  return name.startsWith(OVERLAY_PREFIX) ? OVERLAY_ESCAPED_PREFIX + name.slice(OVERLAY_PREFIX.length) : name
}
