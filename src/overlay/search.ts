// The search for what an overlay entry has in its lower layers: from one layer to the next under a name that redirects may
// change. Not here: the upper layer, and paths. Follows ovl_lookup, ovl_lookup_layer, ovl_lookup_single and
// ovl_check_redirect of fs/overlayfs/namei.c; spec overlayfs.md 3.

import { Fault, fault, type Outcome } from '../format/errno.js'
import { isDirectory, isRegular, type LayerNode, type Lower, type LowerPart } from './lower.js'

/** Where a search starts: what the upper entry says. */
export interface SearchStart {
  /** A name, or a path from the root. */
  readonly name: string
  /** The upper entry is a directory, or a metacopy file whose data is sought, or there is none. */
  readonly upper: 'none' | 'directory' | 'metacopy'
}

/** Says whether a redirect may be followed: EINVAL for what is none, EACCES for `.` and `..` in it. */
export function redirectFault(redirect: string): Fault | undefined {
  const names = redirect.startsWith('/') ? redirect.slice(1).split('/') : [redirect]
  for (const name of names) {
    if (name === '' || name.includes('/')) return new Fault('EINVAL', 'redirect is neither a name nor a path')
    if (name === '.' || name === '..') return new Fault('EACCES', 'redirect with dots')
  }
  return undefined
}

export class Search {
  #name: string
  #stop = false
  #isDir: boolean
  #metacopy: boolean
  readonly #found: LowerPart[] = []

  constructor(
    readonly roots: readonly LowerPart[],
    readonly followMetacopy: boolean,
    readonly start: SearchStart,
  ) {
    this.#name = start.name
    this.#isDir = start.upper === 'directory'
    this.#metacopy = start.upper === 'metacopy'
  }

  /**
   * The parts of a directory, topmost first; or one regular file, and behind it the one that holds its data, where that is
   * another. Empty for nothing.
   */
  run(parts: readonly LowerPart[]): Outcome<LowerPart[]> {
    let list = this.#name.startsWith('/') ? this.roots : parts
    for (let i = 0; !this.#stop && i < list.length; i++) {
      const { lower, node } = list[i]
      const here = this.#inLayer(lower, node)
      if (here instanceof Fault) return here
      if (here === undefined) continue
      if (this.#metacopy && !this.followMetacopy) return new Fault('EPERM', 'metacopy is off')
      if (!this.#metacopy || this.#found.length === 0) this.#found.push({ lower, node: here })
      if (this.#name.startsWith('/') && list !== this.roots) {
        list = this.roots
        i = lower.index
      }
    }
    return this.#complete()
  }

  #complete(): Outcome<LowerPart[]> {
    const sought = this.start.upper === 'metacopy'
    if (sought && !this.followMetacopy) return new Fault('EPERM', 'metacopy is off')
    if (this.#metacopy || (sought && this.#found.length === 0)) return new Fault('EIO', 'metacopy without data')
    const data = this.#found.at(-1)
    const isData = !this.#isDir && data !== undefined && (sought || this.#found.length > 1)
    return isData && !isRegular(data.node)
      ? new Fault('EIO', 'data of a metacopy file is no regular file')
      : this.#found
  }

  #inLayer(lower: Lower, start: LayerNode): Outcome<LayerNode | undefined> {
    if (!this.#name.startsWith('/')) return this.#single(lower, start, this.#name, '', '')
    let node = start
    // Counted from the end, since what is before it can change on the way.
    for (let left = this.#name.length - 1; ; ) {
      const from = this.#name.length - left
      const slash = this.#name.indexOf('/', from)
      const end = slash === -1 ? this.#name.length : slash
      left = this.#name.length - end
      const name = this.#name.slice(from, end)
      const next = this.#single(lower, node, name, this.#name.slice(0, from), this.#name.slice(end))
      if (next === undefined || next instanceof Fault || left === 0) return next
      node = next
      left--
    }
  }

  /** One name in one directory of one layer. `before` and `after` are the rest of the path that it stands in. */
  #single(lower: Lower, dir: LayerNode, name: string, before: string, after: string): Outcome<LayerNode | undefined> {
    const node = lower.find(dir, name)
    if (node === undefined || node instanceof Fault) return node
    const whiteout = lower.isWhiteout(node)
    if (whiteout instanceof Fault) return whiteout
    const lastName = after === ''
    const bottom = lower.index === lower.count - 1
    if (
      whiteout ||
      (!isDirectory(node) && (this.#isDir || !lastName)) ||
      (isDirectory(node) && lastName && this.#metacopy)
    ) {
      this.#stop = true
      return undefined
    }
    if (isDirectory(node)) {
      if (lastName) this.#isDir = true
      if (bottom) return node
      const opaque = lower.opaque(node)
      if (opaque instanceof Fault) return opaque
      if (opaque === 'y') {
        this.#stop = true
        return node
      }
    } else {
      const metacopy = lower.isMetacopy(node)
      if (metacopy instanceof Fault) return metacopy
      this.#metacopy = metacopy
      this.#stop = !metacopy
      if (!metacopy || bottom) return node
    }
    return this.#redirected(lower, node, before, after) ?? node
  }

  #redirected(lower: Lower, node: LayerNode, before: string, after: string): Fault | undefined {
    const redirect = lower.redirect(node)
    if (redirect === undefined || redirect instanceof Fault) return redirect
    const wrong = redirectFault(redirect)
    if (wrong !== undefined) return wrong
    const isAbsolute = redirect.startsWith('/')
    // An opaque directory before it in the path has ended the search there, which goes on elsewhere now.
    if (isAbsolute) this.#stop = false
    this.#name = (isAbsolute ? '' : before) + redirect + after
    return undefined
  }
}

/** ovl_lower_positive: whether a name would show something of the layers below if nothing stood above it. */
export function showsBelow(parts: readonly LowerPart[], name: string): Outcome<boolean> {
  for (const { lower, node } of parts) {
    const found = lower.find(node, name)
    if (found instanceof Fault) return found
    if (found === undefined) continue
    const whiteout = lower.isWhiteout(found)
    return whiteout instanceof Fault ? whiteout : !whiteout
  }
  return false
}

/** ENOENT, as a search that found nothing is answered. */
export const NOTHING = fault('ENOENT')
