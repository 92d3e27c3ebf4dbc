// The tree that an upper and the layers below it make, by paths. By itself it is the read-only overlay of a stack of images. Not
// here: entries (merged-entries.ts), any change (overlay.ts). A subtree that the upper has never touched is resolved inside its
// layer in one call.

import { binaryPath, callPath } from '../format/call-path.js'
import { Fault, fault, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryString } from '../format/xattr-name.js'
import { DirectPaths } from './direct.js'
import type { Attr, Bytes, Layer, ObjectLayer, OpenFile } from './layer.js'
import { AT_LINK, isDirectory, isRegular, type LayerNode, type LowerPart, type PlainWalk } from './lower.js'
import { LowerNode, type OverlayNode, upperOf } from './lower-node.js'
import { lowerNode, MergedEntries, type OverlayOptions } from './merged-entries.js'
import { NOTHING } from './search.js'
import type { Upper } from './upper.js'

const { S_IFMT, S_IFCHR, S_IFLNK } = CONSTANTS
const MAXSYMLINKS = 40
const PATH_MAX = 4096

export class MergedTree extends MergedEntries implements Layer<OverlayNode>, ObjectLayer<OverlayNode> {
  /** The only layer below, if it can be asked for whole paths as long as the upper is empty. */
  readonly #only: (Layer<LayerNode> & PlainWalk) | undefined
  readonly #rootIno: number
  readonly #maxSymlinks: number
  readonly direct: DirectPaths

  constructor(layers: readonly Layer<LayerNode>[], upper: Upper, options: OverlayOptions) {
    super(layers, upper, options)
    this.#rootIno = this.root.ino
    this.#maxSymlinks = options.maxSymlinks ?? MAXSYMLINKS
    this.direct = new DirectPaths(upper, this.lowers, (parts, name) => {
      const found = this.searchKnown(parts, name)
      return !(found instanceof Fault) && found.length > 0 && isDirectory(found[0].node) ? found : NOTHING
    })
    const only = layers.length === 1 && this.lowers[0].plain !== undefined ? layers[0] : undefined
    this.#only = only as (Layer<LayerNode> & PlainWalk) | undefined
  }

  /** Whether the only layer below answers for all but the root itself. */
  get #untouched(): (Layer<LayerNode> & PlainWalk) | undefined {
    return this.root.children?.size === 0 ? this.#only : undefined
  }

  resolve(path: Bytes, follow: boolean): Outcome<OverlayNode> {
    if (path.length === 0) return NOTHING
    if (path.length >= PATH_MAX) return fault('ENAMETOOLONG')
    const direct = typeof path === 'string' ? this.#resolveDirect(path, follow) : AT_LINK
    if (direct !== AT_LINK) return direct
    const text = binaryPath(path)
    return text.length >= PATH_MAX ? fault('ENAMETOOLONG') : this.#walk(text, follow)
  }

  /** AT_LINK where it takes a walk. */
  #resolveDirect(path: string, follow: boolean): Outcome<OverlayNode> {
    const { direct } = this
    if (!direct.find(path)) return AT_LINK
    const { lower, base, from } = direct
    const way = path.slice(from)
    if (lower !== undefined) {
      const node = (lower.plain as PlainWalk).resolveDirect(path, follow)
      if (node instanceof Fault) return node
      const whiteout = (node.mode & S_IFMT) === S_IFCHR && lower.isWhiteout(node)
      if (whiteout !== false) return whiteout instanceof Fault ? whiteout : NOTHING
      return new LowerNode([{ lower, node }], base, way)
    }
    const found = this.search(direct.parts as readonly LowerPart[], path.slice(direct.last), 'none')
    if (found instanceof Fault) return found
    if (found.length === 0) return NOTHING
    return follow && (found[0].node.mode & S_IFMT) === S_IFLNK ? AT_LINK : new LowerNode(found, base, way)
  }

  #walk(path: string, follow: boolean): Outcome<OverlayNode> {
    let text = path
    let dir: OverlayNode = this.root
    let links = 0
    for (let at = 0; ; ) {
      while (text.charCodeAt(at) === 0x2f) at++
      if (at === text.length) return dir
      const slash = text.indexOf('/', at)
      const end = slash === -1 ? text.length : slash
      const name = text.slice(at, end)
      let node: Outcome<OverlayNode>
      let left = text.length - end
      let parent: OverlayNode = dir
      const plain = name === '.' || name === '..' ? undefined : this.#plainBelow(dir, name)
      if (plain !== undefined && text.indexOf('..', at) === -1) {
        const walked = this.#walkBelow(dir, plain, text.slice(at), follow)
        if (walked instanceof Fault) return walked
        node = walked.node
        left = walked.left
        parent = walked.parent
        if (left < 0) return node
      } else {
        node = this.lookupBinary(dir, name)
        if (node instanceof Fault) return node
      }
      const isLink = (node.mode & S_IFMT) === S_IFLNK
      if (isLink && (left > 0 || follow)) {
        if (++links > this.#maxSymlinks) return fault('ELOOP')
        const target = this.readlink(node)
        if (target instanceof Fault) return target
        dir = target[0] === 0x2f ? this.root : parent
        text = binaryString(target) + text.slice(text.length - left)
        at = 0
        continue
      }
      if (left === 0) return node
      if (!isDirectory(node)) return fault('ENOTDIR')
      dir = node
      at = text.length - left
    }
  }

  /** The single lower directory in which a name would be found plainly, with nothing of the upper in its way. */
  #plainBelow(dir: OverlayNode, name: string): LowerPart | undefined {
    const upper = upperOf(dir)
    if (upper === undefined) {
      const { parts } = dir as LowerNode
      return parts.length === 1 && parts[0].lower.plain !== undefined ? parts[0] : undefined
    }
    const below = upper.below as readonly LowerPart[] | undefined
    if (below?.length !== 1 || below[0].lower.plain === undefined || upper.children?.has(name)) return undefined
    return below[0]
  }

  #walkBelow(
    dir: OverlayNode,
    { lower, node }: LowerPart,
    path: string,
    follow: boolean,
  ): Outcome<{ node: OverlayNode; left: number; parent: OverlayNode }> {
    const walked = (lower.plain as PlainWalk).walk(node, callPath(path), follow)
    if (walked instanceof Fault) return walked
    if ((walked.node.mode & S_IFMT) === S_IFCHR) {
      const whiteout = lower.isWhiteout(walked.node)
      if (whiteout !== false) return whiteout instanceof Fault ? whiteout : NOTHING
    }
    const way = walked.left < 0 ? path : path.slice(0, path.length - walked.left)
    const found = lowerNode([{ lower, node: walked.node }], dir, way)
    if (walked.parent === undefined) return { node: found, left: walked.left, parent: dir }
    const names = found.names()
    const above = way.slice(0, way.lastIndexOf(names[names.length - 1]))
    const inDir = above.replace(/\/+$/, '') === ''
    const parent = inDir ? dir : lowerNode([{ lower, node: walked.parent }], dir, above)
    return { node: found, left: walked.left, parent }
  }

  statPath(path: Bytes, follow: boolean, out: Attr): Fault | undefined {
    const only = this.#untouched
    if (only !== undefined) {
      const failed = only.statPath(path, follow, out)
      if (failed !== undefined) return failed
      if (out.ino === this.#rootIno) return this.stat(this.root, out)
      return (out.mode & S_IFMT) === S_IFCHR && out.rdev === 0 ? NOTHING : undefined
    }
    if (
      typeof path === 'string' &&
      path.length < PATH_MAX &&
      this.direct.find(path) &&
      this.direct.lower !== undefined
    ) {
      const { lower } = this.direct
      const failed = (lower.plain as PlainWalk).statDirect(path, follow, out)
      if (failed === undefined) {
        out.ino = lower.ino(out.ino)
        return (out.mode & S_IFMT) === S_IFCHR && out.rdev === 0 ? NOTHING : undefined
      }
      if (failed !== AT_LINK) return failed
    }
    const node = this.resolve(path, follow)
    return node instanceof Fault ? node : this.stat(node, out)
  }

  namesAt(path: Bytes): Outcome<string[]> {
    const only = this.#untouched
    // A lower directory that nothing is merged with is listed as it is, whiteouts and all; the root is merged.
    if (only?.mayHoldDevices === false) return only.namesAt(path)
    if (
      typeof path === 'string' &&
      path.length < PATH_MAX &&
      this.direct.find(path) &&
      this.direct.lower !== undefined
    ) {
      const names = (this.direct.lower.plain as PlainWalk).namesDirect(path)
      if (names !== AT_LINK) return names
    }
    const dir = this.resolve(path, true)
    if (dir instanceof Fault) return dir
    const list = this.readdir(dir)
    return list instanceof Fault ? list : list.names
  }

  /** What no one can change before it is closed needs no handle of the overlay. */
  openBriefly(path: Bytes, wait: boolean): Outcome<OpenFile> {
    const node = this.#plainFile(path)
    if (node !== undefined) return node.lower.layer.open(node.node, wait)
    const found = this.resolve(path, true)
    return found instanceof Fault ? found : this.open(found, wait)
  }

  /** The regular file that a path leads to in the one layer that answers for it; undefined for all else. */
  #plainFile(path: Bytes): LowerPart | undefined {
    const only = this.#untouched
    let { lower } = this.lowers[0].root
    let node: Outcome<LayerNode>
    if (only !== undefined) node = only.resolve(path, true)
    else {
      if (typeof path !== 'string' || path.length >= PATH_MAX || !this.direct.find(path)) return undefined
      if (this.direct.lower === undefined) return undefined
      lower = this.direct.lower
      node = (lower.plain as PlainWalk).resolveDirect(path, true)
    }
    return node instanceof Fault || !isRegular(node) ? undefined : { lower, node }
  }
}
