// The differences of two images as a tree: which folders are unfolded, which rows a filter leaves, and how many of each kind are
// below a folder. No recursion: images may be deeper than any stack. Not here: comparing (diff.ts).

import { baseName, childPath, pathNames } from '../path-text.js'
import type { EntryType } from '../protocol.js'
import type { DiffAspect, DiffDetail, DiffFilter, DiffKind, DiffRow, DiffSummary } from '../reports.js'

/** With no more rows than these, all is unfolded at first. */
const UNFOLD_FIRST = 400

const NO_FILTER: DiffFilter = { kind: 'all', aspect: 'all', withoutTimes: false }

const ASPECTS: Readonly<Record<string, DiffAspect>> = {
  content: 'content',
  size: 'content',
  mode: 'mode',
  uid: 'owner',
  gid: 'owner',
  mtime: 'time',
  type: 'type',
  device: 'type',
  target: 'target',
  nlink: 'links',
  'hard link to': 'links',
}

function aspectOf(what: string): DiffAspect {
  return what.startsWith('xattr ') ? 'xattrs' : (ASPECTS[what] ?? 'content')
}

const SAME = { kind: undefined, details: [], moved: undefined } as const

export interface DiffNode {
  readonly path: string
  readonly depth: number
  readonly above: DiffNode | undefined
  readonly children: DiffNode[]
  kind: DiffKind | undefined
  type: EntryType
  details: readonly DiffDetail[]
  moved: string | undefined
  expanded: boolean
  /** With the filter: whether it counts itself, and what of each kind is in it and below. */
  own: boolean
  added: number
  removed: number
  changed: number
}

export class DiffTree {
  readonly #root: DiffNode = newNode('/', undefined)
  readonly #byPath = new Map<string, DiffNode>([['/', this.#root]])
  /** Each behind the folder that it is in. */
  readonly #all: DiffNode[] = [this.#root]
  #moved = 0
  #filter = NO_FILTER
  #rows: DiffNode[] | undefined
  #begun = false

  add(path: string, kind: DiffKind, type: EntryType, details: readonly DiffDetail[]): DiffNode {
    const node = this.#at(path)
    node.kind = kind
    node.type = type
    node.details = details
    return node
  }

  move(from: DiffNode, to: DiffNode): void {
    from.moved = to.path
    to.moved = from.path
    this.#moved++
  }

  /** Shows what a filter leaves. */
  show(filter: DiffFilter): DiffSummary {
    if (!this.#begun) {
      this.#begun = true
      const few = this.#all.length <= UNFOLD_FIRST
      for (const node of this.#all) node.expanded = few || node === this.#root
    }
    this.#filter = filter
    this.#count()
    return this.#summary()
  }

  toggle(path: string, unfold?: boolean): DiffSummary {
    const node = this.#byPath.get(path)
    if (node !== undefined) node.expanded = unfold ?? !node.expanded
    this.#rows = undefined
    return this.#summary()
  }

  toggleAll(unfold: boolean): DiffSummary {
    for (const node of this.#all) node.expanded = unfold || node === this.#root
    this.#rows = undefined
    return this.#summary()
  }

  window(start: number, length: number): DiffRow[] {
    return this.#shown()
      .slice(start, start + length)
      .map(node => {
        const { path, depth, type, added, removed, changed, expanded, own } = node
        // A folder that the filter leaves only for what is in it says nothing of itself.
        const { kind, details, moved } = own ? node : SAME
        const mine = (one: DiffKind) => (kind === one ? 1 : 0)
        const below = {
          added: added - mine('added'),
          removed: removed - mine('removed'),
          changed: changed - mine('changed'),
        }
        const name = baseName(path) || '/'
        return { path, name, depth, kind, type, details, moved, below, folder: node.children.length > 0, expanded }
      })
  }

  #at(path: string): DiffNode {
    const known = this.#byPath.get(path)
    if (known !== undefined) return known
    let node = this.#root
    let at = '/'
    for (const name of pathNames(path)) {
      at = childPath(at, name)
      let child = this.#byPath.get(at)
      if (child === undefined) {
        child = newNode(at, node)
        node.children.push(child)
        this.#byPath.set(at, child)
        this.#all.push(child)
      }
      node = child
    }
    return node
  }

  #matches({ kind, moved, details }: DiffNode): boolean {
    const { kind: wanted, aspect, withoutTimes } = this.#filter
    if (kind === undefined) return false
    if (wanted === 'moved' ? moved === undefined : wanted !== 'all' && wanted !== kind) return false
    if (aspect !== 'all' && !details.some(({ what }) => aspectOf(what) === aspect)) return false
    return !(withoutTimes && kind === 'changed' && details.every(({ what }) => what === 'mtime'))
  }

  #count(): void {
    this.#rows = undefined
    for (const node of this.#all) {
      node.own = this.#matches(node)
      node.added = node.own && node.kind === 'added' ? 1 : 0
      node.removed = node.own && node.kind === 'removed' ? 1 : 0
      node.changed = node.own && node.kind === 'changed' ? 1 : 0
    }
    for (let i = this.#all.length - 1; i > 0; i--) {
      const { above, added, removed, changed } = this.#all[i]
      if (above === undefined) continue
      above.added += added
      above.removed += removed
      above.changed += changed
    }
  }

  /** The rows; the root is none unless it differs itself. */
  #shown(): readonly DiffNode[] {
    if (this.#rows !== undefined) return this.#rows
    const rows: DiffNode[] = []
    const waiting: DiffNode[] = [this.#root]
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (node.added + node.removed + node.changed === 0) continue
      if (node !== this.#root || node.own) rows.push(node)
      if (!node.expanded) continue
      for (let i = node.children.length - 1; i >= 0; i--) waiting.push(node.children[i])
    }
    this.#rows = rows
    return rows
  }

  #summary(): DiffSummary {
    const counts = { added: 0, removed: 0, changed: 0 }
    const aspects = { content: 0, mode: 0, owner: 0, time: 0, xattrs: 0, type: 0, target: 0, links: 0 }
    for (const { kind, details } of this.#all) {
      if (kind !== undefined) counts[kind]++
      if (details.length === 0) continue
      for (const aspect of new Set(details.map(({ what }) => aspectOf(what)))) aspects[aspect]++
    }
    return { ...counts, moved: this.#moved, aspects, rows: this.#shown().length }
  }
}

function newNode(path: string, above: DiffNode | undefined): DiffNode {
  const depth = above === undefined ? 0 : above.depth + 1
  const counts = { own: false, added: 0, removed: 0, changed: 0 }
  return {
    path,
    depth,
    above,
    children: [],
    kind: undefined,
    type: 'dir',
    details: [],
    moved: undefined,
    expanded: false,
    ...counts,
  }
}
