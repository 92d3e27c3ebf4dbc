// One row of the tree. Not here: the tree.

import { ChevronRight } from 'lucide-preact'
import { shownText } from '../path-text.js'
import type { Entry, Row } from '../protocol.js'
import { BadgeIcons, EntryIcon, typeWords } from './icons.js'
import { BADGE_WORDS, bytesText, modeText, timeText } from './words.js'

interface TreeRowProps {
  readonly id: string
  readonly row: Row | undefined
  readonly chosen: boolean
  readonly columns: Columns
  onChoose(row: Row): void
  onToggle(row: Row): void
  /** It was clicked twice. */
  onOpen(row: Row): void
}

/** What a list says of an entry to those who hear it. */
export function entryWords(entry: Entry): string {
  const { name, target, badges, type, size } = entry
  const leads = target === undefined ? '' : ` to ${shownText(target)}`
  const amount = type === 'file' ? [bytesText(size)] : []
  return [shownText(name), typeWords(entry) + leads, ...amount, ...badges.map(badge => BADGE_WORDS[badge])].join(', ')
}

/** How many columns of numbers there is room for. */
export type Columns = 0 | 1 | 2 | 3

const WIDTHS = [300, 460, 600] as const

export function columnsIn(width: number): Columns {
  return WIDTHS.filter(least => width >= least).length as Columns
}

/** Numbers of an entry. */
export function EntryColumns({ entry, columns }: { readonly entry: Entry; readonly columns: Columns }) {
  return (
    <span class="entry-columns" aria-hidden="true">
      {columns > 1 && <span class="entry-mode">{modeText(entry.type, entry.mode)}</span>}
      {columns > 2 && <span class="entry-time">{timeText(entry.mtime).slice(0, 16)}</span>}
      <span class="entry-size">{entry.type === 'file' ? bytesText(entry.size) : ''}</span>
    </span>
  )
}

function isTwisty(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.twisty') !== null
}

export function TreeRow({ id, row, chosen, columns, onChoose, onToggle, onOpen }: TreeRowProps) {
  if (row === undefined) return <div class="tree-row waiting" />
  const { type, expanded, depth, position, setSize, name, badges, target } = row
  const isDir = type === 'dir'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keyboard for all of its rows
    <div
      id={id}
      class={`tree-row${chosen ? ' chosen' : ''}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-posinset={position}
      aria-setsize={setSize}
      aria-selected={chosen}
      aria-expanded={isDir ? expanded : undefined}
      aria-label={entryWords(row)}
      title={shownText(name)}
      style={{ paddingLeft: `${Math.min(depth, DEPTH_SHOWN) * 14 + 4}px` }}
      onClick={event => (isDir && isTwisty(event.target) ? onToggle(row) : onChoose(row))}
      onDblClick={event => !isTwisty(event.target) && onOpen(row)}
    >
      <span class={`twisty${expanded ? ' open' : ''}`}>{isDir && <ChevronRight size={14} aria-hidden="true" />}</span>
      <EntryIcon entry={row} open={expanded} />
      <bdi class="tree-name">{shownText(name)}</bdi>
      {target !== undefined && <bdi class="tree-target">→ {shownText(target)}</bdi>}
      <BadgeIcons badges={badges} />
      {columns > 0 && <EntryColumns entry={row} columns={columns} />}
    </div>
  )
}

/** Rows deeper than this are indented no further: their names would be out of sight. */
const DEPTH_SHOWN = 24
