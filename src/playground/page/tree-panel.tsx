// The tree of a pane's image: a virtual list of rows with the keyboard of a tree. Not here: what the worker is asked (use-tree.ts),
// searching (search-panel.tsx).

import type { RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { parentPath, shownText } from '../path-text.js'
import type { DocumentInfo, Row } from '../protocol.js'
import { useSession } from './context.js'
import { isPhone } from './phone.js'
import type { Pane } from './session.js'
import { type Columns, columnsIn, TreeRow } from './tree-row.js'
import type { TreeHandle } from './use-tree.js'
import { VirtualList } from './virtual-list.js'

export const ROW_HEIGHT = 26
/** Letters that follow each other faster than this are one word. Milliseconds. */
const TYPING_MS = 700

interface TreePanelProps {
  readonly pane: Pane
  readonly document: DocumentInfo
  readonly tree: TreeHandle
}

/** What keys do in the tree, by their names. */
function useTreeKeys({ pane, tree }: TreePanelProps): (event: KeyboardEvent) => void {
  const session = useSession()
  const typed = useRef({ text: '', at: 0 })
  const { cursor, rows, goTo, toggle } = tree
  const chosen = session.chosenIn(pane)
  // What is being asked for anew is the same row as long as it is the same entry.
  const seen = rows.at(cursor)
  const row = seen?.path === chosen ? seen : rows.newest(cursor)
  const open = () => {
    if (row === undefined) return
    session.choose(pane, row.path, 'contents')
    if (row.type === 'dir') toggle(row)
    else pane.side.value = 'content'
  }
  const typeLetter = (letter: string) => {
    const now = performance.now()
    typed.current = { text: now - typed.current.at < TYPING_MS ? typed.current.text + letter : letter, at: now }
    const { text } = typed.current
    tree.goToBeginning(text, text.length > 1 ? cursor : cursor + 1)
  }
  return event => {
    const { ctrlKey, metaKey, altKey, key, currentTarget } = event
    if (ctrlKey || metaKey || altKey) return
    const page = Math.max(1, Math.floor((currentTarget as HTMLElement).clientHeight / ROW_HEIGHT) - 1)
    const moves: Record<string, () => void> = {
      ArrowDown: () => goTo(cursor + 1),
      ArrowUp: () => goTo(cursor - 1),
      PageDown: () => goTo(cursor + page),
      PageUp: () => goTo(cursor - page),
      Home: () => goTo(0),
      End: () => goTo(Number.MAX_SAFE_INTEGER),
      ArrowRight: () => {
        if (row?.type !== 'dir') return
        if (row.expanded) goTo(cursor + 1)
        else toggle(row, true)
      },
      ArrowLeft: () => {
        if (row === undefined) return
        if (row.type === 'dir' && row.expanded && row.path !== '/') toggle(row, false)
        else session.choose(pane, parentPath(row.path))
      },
      Enter: open,
      ' ': () => row?.type === 'dir' && toggle(row),
      '*': () => tree.unfoldAll(chosen),
    }
    if (moves[key] !== undefined) moves[key]()
    else if ([...key].length === 1 && key !== '/' && key !== '?') typeLetter(key)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}

/** Columns that a list has room for. */
function useColumns(list: RefObject<HTMLElement | null>): Columns {
  const [columns, setColumns] = useState<Columns>(0)
  useEffect(() => {
    const watch = new ResizeObserver(([seen]) => setColumns(columnsIn(seen.contentRect.width)))
    if (list.current !== null) watch.observe(list.current)
    return () => watch.disconnect()
  }, [list])
  return columns
}

export function TreePanel({ pane, document, tree }: TreePanelProps) {
  const session = useSession()
  const { rows, cursor, state, goTo, toggle } = tree
  const chosen = session.chosenIn(pane)
  const list = useRef<HTMLDivElement>(null)
  const columns = useColumns(list)
  const range = useRef({ start: 0, end: 0 })
  const onKeyDown = useTreeKeys({ pane, document, tree })
  const prefix = `tree-${session.panes.indexOf(pane)}`
  rows.arrived.value
  const count = state?.count ?? 0
  if (state !== undefined) rows.need(range.current.start, Math.min(range.current.end, count))
  const onChoose = (row: Row, index: number) => {
    goTo(index)
    if (!isPhone()) return
    if (row.type === 'dir') toggle(row)
    else pane.side.value = 'content'
  }
  return (
    <VirtualList
      listRef={list}
      class="tree"
      role="tree"
      aria-label={`Tree of ${shownText(document.name)}`}
      aria-activedescendant={rows.at(cursor) === undefined ? undefined : `${prefix}-row-${cursor}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
      count={count}
      rowHeight={ROW_HEIGHT}
      reveal={tree.reveal}
      onRange={(start, end) => {
        range.current = { start, end }
        rows.need(start, Math.min(end, count))
      }}
      row={index => (
        <TreeRow
          id={`${prefix}-row-${index}`}
          row={rows.at(index)}
          chosen={rows.at(index)?.path === chosen}
          columns={columns}
          onChoose={row => onChoose(row, index)}
          onToggle={row => toggle(row)}
          onOpen={row => (row.type === 'dir' ? !isPhone() && toggle(row) : session.choose(pane, row.path, 'contents'))}
        />
      )}
    />
  )
}
