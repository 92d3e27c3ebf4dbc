// The differences as a tree of rows with the keyboard of a tree, and what is known of the chosen one below it. Not here: which images
// are compared, and the filter (diff.tsx).

import { ChevronRight, Columns2 } from 'lucide-preact'
import { useRef, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import type { DiffKind, DiffRow, DiffSummary } from '../../reports.js'
import { useSession } from '../context.js'
import { EntryIcon } from '../icons.js'
import type { Rows } from '../rows.js'
import type { Pane } from '../session.js'
import { VirtualList } from '../virtual-list.js'
import { countText } from '../words.js'

const ROW_HEIGHT = 26
const SIGNS: Readonly<Record<DiffKind, string>> = { added: '+', removed: '−', changed: '~' }

interface Props {
  readonly pane: Pane
  readonly from: DocumentId
  readonly to: DocumentId
  readonly rows: Rows<DiffRow>
  readonly count: number
  onSummary(summary: DiffSummary | undefined): void
}

/** In words, what differs of a row. */
function whatDiffers({ kind, details, moved }: DiffRow): string {
  if (moved !== undefined) return `${kind === 'added' ? 'moved from' : 'moved to'} ${shownText(moved)}`
  if (kind !== 'changed') return kind ?? ''
  return details.map(({ what }) => shownText(what)).join(', ')
}

export function DiffList({ pane, from, to, rows, count, onSummary }: Props) {
  const session = useSession()
  const [cursor, setCursor] = useState(0)
  const [reveal, setReveal] = useState<{ readonly row: number }>()
  const range = useRef({ start: 0, end: 0 })
  rows.arrived.value
  rows.need(range.current.start, Math.min(range.current.end, count))
  const at = Math.min(cursor, count - 1)
  const row = rows.at(at)
  const toggle = (path: string, unfold?: boolean) =>
    session.attempt(() => session.engine.diff.toggle(from, to, path, unfold)).then(onSummary)
  const goTo = (index: number) => {
    const next = Math.max(0, Math.min(index, count - 1))
    setCursor(next)
    setReveal({ row: next })
    rows.need(next, next + 1)
  }
  /** The entry in the image that has it. */
  const open = ({ path, kind }: DiffRow) => {
    pane.view.value = 'contents'
    session.show(kind === 'removed' ? from : to, pane)
    session.choose(pane, path, 'contents')
  }
  const sideBySide = ({ path, kind, moved }: DiffRow) => {
    const index = session.panes.indexOf(pane)
    const [left, right] = session.panes
    // Before the images change, so that this view is not shown for another pair.
    left.view.value = right.view.value = 'contents'
    session.sideBySide.value = true
    session.show(from, left)
    session.choose(left, kind === 'added' ? (moved ?? path) : path, 'contents')
    session.show(to, right)
    session.choose(right, kind === 'removed' ? (moved ?? path) : path, 'contents')
    session.active.value = Math.max(index, 0)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / ROW_HEIGHT) - 1)
    const moves: Record<string, () => void> = {
      ArrowDown: () => goTo(at + 1),
      ArrowUp: () => goTo(at - 1),
      PageDown: () => goTo(at + page),
      PageUp: () => goTo(at - page),
      Home: () => goTo(0),
      End: () => goTo(count - 1),
      ArrowRight: () => row?.folder === true && void toggle(row.path, true),
      ArrowLeft: () => row?.folder === true && void toggle(row.path, false),
      ' ': () => row?.folder === true && void toggle(row.path),
      Enter: () => row !== undefined && open(row),
    }
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : moves[event.key]
    if (move === undefined) return
    event.preventDefault()
    move()
  }
  return (
    <>
      <VirtualList
        class="tree diff-list"
        role="tree"
        aria-label="Differences"
        aria-activedescendant={row === undefined ? undefined : `diff-${from}-${to}-${at}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        count={count}
        rowHeight={ROW_HEIGHT}
        reveal={reveal}
        onRange={(start, end) => {
          range.current = { start, end }
          rows.need(start, Math.min(end, count))
        }}
        row={index => (
          <DiffRowView
            id={`diff-${from}-${to}-${index}`}
            row={rows.at(index)}
            chosen={index === at}
            onChoose={() => goTo(index)}
            onToggle={path => void toggle(path)}
            onOpen={open}
          />
        )}
      />
      {row !== undefined && <Details row={row} onOpen={() => open(row)} onBoth={() => sideBySide(row)} />}
    </>
  )
}

interface RowProps {
  readonly id: string
  readonly row: DiffRow | undefined
  readonly chosen: boolean
  onChoose(): void
  onToggle(path: string): void
  onOpen(row: DiffRow): void
}

function DiffRowView({ id, row, chosen, onChoose, onToggle, onOpen }: RowProps) {
  if (row === undefined) return <div class="tree-row waiting" />
  const { kind, depth, folder, expanded, name, below } = row
  const sum = below.added + below.removed + below.changed
  const isTwisty = (target: EventTarget | null) => target instanceof Element && target.closest('.twisty') !== null
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keyboard for all of its rows
    <div
      id={id}
      class={`tree-row diff-row${chosen ? ' chosen' : ''}${kind === undefined ? '' : ` ${kind}`}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-selected={chosen}
      aria-expanded={folder ? expanded : undefined}
      aria-label={`${shownText(name)}${kind === undefined ? '' : `, ${kind}`}${sum > 0 ? `, ${countText(sum)} differences below` : ''}`}
      style={{ paddingLeft: `${depth * 14 + 4}px` }}
      onClick={event => (folder && isTwisty(event.target) ? onToggle(row.path) : onChoose())}
      onDblClick={event => !isTwisty(event.target) && (folder ? onToggle(row.path) : onOpen(row))}
    >
      <span class={`twisty${expanded ? ' open' : ''}`}>{folder && <ChevronRight size={14} aria-hidden="true" />}</span>
      <span class="diff-sign">{kind === undefined ? '' : SIGNS[kind]}</span>
      <EntryIcon entry={row} open={folder && expanded} />
      <bdi class="tree-name">{shownText(name)}</bdi>
      <span class="diff-what">{whatDiffers(row)}</span>
      {sum > 0 && (
        <span class="diff-below">
          {below.added > 0 && <span class="added">+{countText(below.added)}</span>}
          {below.removed > 0 && <span class="removed">−{countText(below.removed)}</span>}
          {below.changed > 0 && <span class="changed">~{countText(below.changed)}</span>}
        </span>
      )}
    </div>
  )
}

function Details({ row, onOpen, onBoth }: { readonly row: DiffRow; onOpen(): void; onBoth(): void }) {
  const { path, kind, details } = row
  return (
    <section class="diff-details" aria-label="The chosen difference">
      <div class="diff-tools">
        <b class="diff-path">
          <bdi>{shownText(path)}</bdi>
        </b>
        <button type="button" onClick={onOpen}>
          Show it
        </button>
        {kind !== undefined && (kind === 'changed' || row.moved !== undefined) && (
          <button type="button" onClick={onBoth}>
            <Columns2 size={16} aria-hidden="true" /> Both side by side
          </button>
        )}
      </div>
      {details.length === 0 ? (
        <p class="hint">{whatDiffers(row) || 'The folder itself is the same; something in it differs.'}</p>
      ) : (
        <table class="facts-table">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Before</th>
              <th scope="col">Now</th>
            </tr>
          </thead>
          <tbody>
            {details.map(({ what, from, to }) => (
              <tr key={what}>
                <th scope="row">{shownText(what)}</th>
                <td>
                  <code>{shownText(from)}</code>
                </td>
                <td>
                  <code>{shownText(to)}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
