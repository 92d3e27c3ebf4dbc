// What is in a folder, as a list with columns: click or Enter goes in, Backspace goes up. Not here: the tree at the side.

import { ArrowDown, ArrowUp, Download } from 'lucide-preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { FolderCounts } from '../../contents-protocol.js'
import { parentPath, shownText } from '../../path-text.js'
import type { Entry, Sorting, SortKey } from '../../protocol.js'
import { useSession } from '../context.js'
import { BadgeIcons, EntryIcon, typeWords } from '../icons.js'
import { Rows } from '../rows.js'
import type { ViewProps } from '../view-props.js'
import { type Reveal, VirtualList } from '../virtual-list.js'
import { bytesText, countText, modeText, timeText } from '../words.js'
import { downloadFolder } from './download.js'
import { Failure, Waiting } from './failure.js'

const ROW_HEIGHT = 30
const COLUMNS: readonly { readonly key?: SortKey; readonly label: string; readonly name: string }[] = [
  { key: 'name', label: 'Name', name: 'name' },
  { key: 'size', label: 'Size', name: 'size' },
  { key: 'type', label: 'Mode', name: 'mode' },
  { label: 'Owner', name: 'owner' },
  { key: 'mtime', label: 'Modified', name: 'mtime' },
]

/** The folder's rows as the worker has them. */
function useFolder({ document, path }: ViewProps, sorting: Sorting) {
  const session = useSession()
  const { id, revision } = document
  const [counts, setCounts] = useState<FolderCounts>()
  const [failure, setFailure] = useState<string>()
  const [tries, setTries] = useState(0)
  const rows = useMemo(
    () =>
      new Rows<Entry>(async (start, length) => {
        try {
          const window = await session.engine.folderLists.window(id, path, sorting, start, length)
          setCounts(window.counts)
          return window.entries
        } catch (error) {
          setFailure(error instanceof Error ? error.message : String(error))
          return undefined
        }
      }),
    [id, revision, path, sorting, session, tries],
  )
  useEffect(() => {
    setFailure(undefined)
    rows.need(0, 1)
  }, [rows])
  return { rows, counts, failure, again: () => setTries(tries + 1) }
}

function countWords({ folders, files, symlinks, others }: FolderCounts): string {
  const words = (count: number, one: string, more: string) =>
    count === 0 ? [] : [`${countText(count)} ${count === 1 ? one : more}`]
  const all = [
    ...words(folders, 'folder', 'folders'),
    ...words(files, 'file', 'files'),
    ...words(symlinks, 'symlink', 'symlinks'),
    ...words(others, 'other entry', 'other entries'),
  ]
  return all.length === 0 ? 'The folder is empty' : all.join(', ')
}

function SortBar({ sorting, onSort }: { readonly sorting: Sorting; onSort(sorting: Sorting): void }) {
  return (
    <div class="folder-row folder-head" role="toolbar" aria-label="Sort by">
      {COLUMNS.map(({ key, label, name }) =>
        key === undefined ? (
          <span key={name} class={`cell-${name}`}>
            {label}
          </span>
        ) : (
          <button
            key={name}
            type="button"
            class={`plain cell-${name}`}
            aria-pressed={sorting.key === key}
            onClick={() => onSort({ key, descending: sorting.key === key && !sorting.descending })}
          >
            {label}
            {sorting.key === key &&
              (sorting.descending ? (
                <ArrowDown size={13} aria-label="descending" />
              ) : (
                <ArrowUp size={13} aria-label="ascending" />
              ))}
          </button>
        ),
      )}
    </div>
  )
}

interface RowProps {
  readonly entry: Entry | undefined
  readonly id: string
  readonly position: number
  readonly count: number
  readonly current: boolean
  onOpen(): void
}

function FolderRow({ entry, id, position, count, current, onOpen }: RowProps) {
  if (entry === undefined) return <div class="folder-row" />
  const { name, type, mode, size, uid, gid, mtime, target, badges } = entry
  const sized = type === 'file' || type === 'symlink'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keyboard for all of its rows
    <div
      id={id}
      data-path={entry.path}
      class={`folder-row${current ? ' chosen' : ''}`}
      role="option"
      aria-selected={current}
      aria-posinset={position}
      aria-setsize={count}
      onClick={onOpen}
    >
      <span class="cell-name">
        <EntryIcon entry={entry} />
        <bdi class="tree-name">{shownText(name)}</bdi>
        <span class="hidden">{typeWords(entry)}</span>
        {target !== undefined && <bdi class="tree-target">→ {shownText(target)}</bdi>}
        <BadgeIcons badges={badges} />
      </span>
      <span class="cell-size" title={sized ? `${countText(size)} bytes` : undefined}>
        {sized ? bytesText(size) : ''}
      </span>
      <span class="cell-mode mono">{modeText(type, mode)}</span>
      <span class="cell-owner">
        {uid}:{gid}
      </span>
      <span class="cell-mtime">{timeText(mtime).replace(' UTC', '')}</span>
    </div>
  )
}

export function FolderView(props: ViewProps) {
  const { pane, document, path } = props
  const session = useSession()
  const [sorting, setSorting] = useState<Sorting>({ key: 'name', descending: false })
  const { rows, counts, failure, again } = useFolder(props, sorting)
  const [cursor, setCursor] = useState(0)
  const [reveal, setReveal] = useState<Reveal>()
  const [range, setRange] = useState({ start: 0, end: 0 })
  rows.arrived.value
  const count = counts?.entries ?? 0
  rows.need(range.start, Math.min(range.end, count))
  const open = (index: number) => {
    const entry = rows.at(index)
    if (entry !== undefined) session.choose(pane, entry.path)
  }
  const goTo = (index: number) => {
    const row = Math.max(0, Math.min(index, count - 1))
    setCursor(row)
    setReveal({ row, align: 'auto' })
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / ROW_HEIGHT) - 1)
    const moves: Record<string, () => void> = {
      ArrowDown: () => goTo(cursor + 1),
      ArrowUp: () => goTo(cursor - 1),
      PageDown: () => goTo(cursor + page),
      PageUp: () => goTo(cursor - page),
      Home: () => goTo(0),
      End: () => goTo(count - 1),
      Enter: () => open(cursor),
      Backspace: () => path !== '/' && session.choose(pane, parentPath(path)),
    }
    if (!Object.hasOwn(moves, event.key)) return
    event.preventDefault()
    moves[event.key]()
  }
  const rowId = (index: number) => `folder-${document.id}-${index}`
  return (
    <div class="contents">
      <div class="contents-head">
        <p>{counts === undefined ? '…' : countWords(counts)}</p>
        <span class="editor-gap" />
        <button type="button" onClick={() => void downloadFolder(session, document, path)}>
          <Download size={15} aria-hidden="true" />
          Download as tar
        </button>
      </div>
      {failure !== undefined && <Failure text={failure} again={again} />}
      {counts === undefined && failure === undefined && <Waiting />}
      {count > 0 && <SortBar sorting={sorting} onSort={setSorting} />}
      {count > 0 && (
        <VirtualList
          class="folder-list"
          role="listbox"
          tabIndex={0}
          aria-label={`What is in ${shownText(path)}`}
          aria-activedescendant={rows.at(cursor) === undefined ? undefined : rowId(cursor)}
          onKeyDown={onKeyDown}
          count={count}
          rowHeight={ROW_HEIGHT}
          reveal={reveal}
          onRange={(start, end) => (start !== range.start || end !== range.end) && setRange({ start, end })}
          row={index => (
            <FolderRow
              id={rowId(index)}
              entry={rows.at(index)}
              position={index + 1}
              count={count}
              current={index === cursor}
              onOpen={() => open(index)}
            />
          )}
        />
      )}
    </div>
  )
}
