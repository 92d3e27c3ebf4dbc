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

/** Numbers of an entry, shown as far as there is room. */
export function EntryColumns({ entry }: { readonly entry: Entry }) {
  return (
    <span class="entry-columns" aria-hidden="true">
      <span class="entry-mode">{modeText(entry.type, entry.mode)}</span>
      <span class="entry-time">{timeText(entry.mtime).slice(0, 16)}</span>
      <span class="entry-size">{entry.type === 'file' ? bytesText(entry.size) : ''}</span>
    </span>
  )
}

function isTwisty(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.twisty') !== null
}

export function TreeRow({ id, row, chosen, onChoose, onToggle, onOpen }: TreeRowProps) {
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
      <EntryColumns entry={row} />
    </div>
  )
}

/** Rows deeper than this are indented no further: their names would be out of sight. */
const DEPTH_SHOWN = 24
