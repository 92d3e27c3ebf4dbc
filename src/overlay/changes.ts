// What the upper of a tree has changed, for people and programs: names added, modified (and in what), deleted, renamed. Not here:
// how it is found out (differences.ts).

import { pathText, utf8Binary } from '../format/call-path.js'
import { Fault, isUnread, type Outcome } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import { binaryBytes } from '../format/xattr-name.js'
import { type Changed, compareInode, type Difference, differences } from './differences.js'
import { newAttr } from './layer.js'
import type { LowerPart } from './lower.js'
import { LowerFacts } from './lower-facts.js'
import type { MergedTree } from './merged-tree.js'

const { S_IFMT, S_IFIFO, S_IFCHR, S_IFDIR, S_IFBLK, S_IFREG, S_IFLNK } = CONSTANTS

export type EntryType = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'character device' | 'block device'

/**
 * One change. They are sorted name by name; what happened in a directory stands behind what happened to it. What is gone with a
 * directory, or with its becoming something else, is not told of by itself.
 */
export interface Change {
  /** Where it is now, or was; an invalid sequence of UTF-8 as U+FFFD. */
  readonly path: string
  /** Of a path that is not UTF-8. */
  readonly pathBytes?: Uint8Array
  readonly change: 'added' | 'modified' | 'deleted' | 'renamed'
  /** Of what is there now; of what is gone, of that. */
  readonly type: EntryType
  /** Of what was renamed: the path that it had. What stood at its new place before is told of as deleted. What a renamed directory holds is told of only where it was changed. */
  readonly from?: string
  /** What was modified, also of what was renamed. */
  readonly what?: readonly Difference[]
}

const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'directory'],
  [S_IFLNK, 'symlink'],
  [S_IFIFO, 'fifo'],
  [S_IFCHR, 'character device'],
  [S_IFBLK, 'block device'],
])

function typeOf(mode: number): EntryType {
  return TYPES.get(mode & S_IFMT) ?? 'socket'
}

/** All changes. E2BIG where more names than `maxEntries` have to be looked at; EIO, EUCLEAN of what is below. After a Miss it is to be asked again with the same `facts`. */
export function changesOf(
  tree: MergedTree,
  facts: LowerFacts = new LowerFacts(),
  maxEntries = Number.POSITIVE_INFINITY,
): Outcome<Change[]> {
  const found = differences(tree, facts, maxEntries)
  if (found instanceof Fault) return found
  const moves = new Moves(facts)
  const failed = moves.find(found)
  if (failed !== undefined) return failed
  const changes: Change[] = []
  for (const changed of found) {
    const told = moves.changes(changed)
    if (told instanceof Fault) return told
    changes.push(...told)
  }
  return changes
}

/** Which of what is gone is somewhere else now: directories by what they merge, others by their number. */
class Moves {
  readonly #attr = newAttr()
  readonly #facts: LowerFacts
  /** By number, what is no longer under its name. */
  readonly #gone = new Map<number, Changed>()
  readonly #moved = new Set<Changed>()
  readonly #sources = new Map<Changed, Changed>()

  constructor(facts: LowerFacts) {
    this.#facts = facts
  }

  find(found: readonly Changed[]): Fault | undefined {
    for (const changed of found) {
      const ino = this.#inoBefore(changed)
      if (ino instanceof Fault) return ino
      if (ino !== undefined && changed.from === undefined && changed.inode?.ino !== ino) this.#gone.set(ino, changed)
    }
    for (const changed of found) {
      const { inode, from } = changed
      if (inode === undefined || (from === undefined && (inode.isDirectory || !inode.copied))) continue
      const before = this.#inoBefore(changed)
      if (before instanceof Fault) return before
      const source = this.#gone.get(from === undefined ? inode.ino : (before ?? -1))
      if (source === undefined || source === changed) continue
      this.#sources.set(changed, source)
      this.#moved.add(source)
    }
    return undefined
  }

  /** The number of what was under a name; undefined for nothing, and where others had it too. */
  #inoBefore({ before }: Changed): Outcome<number | undefined> {
    if (before === undefined) return undefined
    const attr = this.#facts.attr(before)
    if (attr instanceof Fault) return isUnread(attr) ? attr : undefined
    return (before.node.mode & S_IFMT) === S_IFDIR || attr.nlink === 1 ? attr.ino : undefined
  }

  /** What was under a name is told of as deleted, unless it is somewhere else now. */
  #deleted({ path, before }: Changed, isMoved: boolean): Change[] {
    return before === undefined || isMoved
      ? []
      : [{ ...named(path), change: 'deleted', type: typeOf(before.node.mode) }]
  }

  changes(changed: Changed): Outcome<Change[]> {
    const { path, inode, before, from, what } = changed
    const deleted = this.#deleted(changed, this.#moved.has(changed))
    if (inode === undefined) return deleted
    const entry = { ...named(path), type: typeOf(inode.mode) }
    // Names that came or went have changed a directory's time, which says no more than they do.
    const told = changed.moves ? what.filter(one => one !== 'mtime') : what
    if (from !== undefined) return [{ ...entry, change: 'renamed', from: pathText(from), ...modified(told) }]
    const source = this.#sources.get(changed)
    if (source !== undefined) {
      const kept = compareInode(inode, source.before as LowerPart, this.#attr, this.#facts)
      if (kept instanceof Fault) return kept
      return [...deleted, { ...entry, change: 'renamed', from: pathText(source.origin), ...modified(kept) }]
    }
    if (before === undefined) return [{ ...entry, change: 'added' }]
    // A directory that took the place of another, and differs in nothing itself: its contents are told of.
    return told.length === 0 ? [] : [{ ...entry, change: 'modified', what: told }]
  }
}

function modified(what: readonly Difference[]): { what?: readonly Difference[] } {
  return what.length === 0 ? {} : { what }
}

function named(path: string): { path: string; pathBytes?: Uint8Array } {
  const text = pathText(path)
  return utf8Binary(text) === path ? { path: text } : { path: text, pathBytes: binaryBytes(path) }
}
