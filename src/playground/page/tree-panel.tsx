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

/**
 * What keys do in the tree, by their names. One after the other: what a key does to a folder is asked of the worker, and the next
 * key means what is there then.
 */
function useTreeKeys({ pane, tree }: TreePanelProps): (event: KeyboardEvent) => void {
  const session = useSession()
  const typed = useRef({ text: '', at: 0 })
  const last = useRef<Promise<unknown>>(Promise.resolve())
  const typeLetter = (letter: string) => {
    const now = performance.now()
    typed.current = { text: now - typed.current.at < TYPING_MS ? typed.current.text + letter : letter, at: now }
    const { text } = typed.current
    return () => tree.goToBeginning(text, text.length > 1)
  }
  const onRow = (act: (row: Row) => unknown) => async () => {
    const row = await tree.current()
    if (row !== undefined) await act(row)
  }
  const open = (row: Row) => {
    session.choose(pane, row.path, 'contents')
    if (row.type === 'dir') return tree.toggle(row)
    pane.side.value = 'content'
  }
  const right = (row: Row) => row.type === 'dir' && (row.expanded ? tree.goBy(1) : tree.toggle(row, true))
  const left = (row: Row) => {
    if (row.type === 'dir' && row.expanded && row.path !== '/') return tree.toggle(row, false)
    return tree.goToPath(parentPath(row.path))
  }
  return event => {
    const { ctrlKey, metaKey, altKey, key, currentTarget } = event
    if (ctrlKey || metaKey || altKey) return
    const page = Math.max(1, Math.floor((currentTarget as HTMLElement).clientHeight / ROW_HEIGHT) - 1)
    const moves: Record<string, () => unknown> = {
      ArrowDown: () => tree.goBy(1),
      ArrowUp: () => tree.goBy(-1),
      PageDown: () => tree.goBy(page),
      PageUp: () => tree.goBy(-page),
      Home: () => tree.goTo(0),
      End: () => tree.goTo(Number.MAX_SAFE_INTEGER),
      ArrowRight: onRow(right),
      ArrowLeft: onRow(left),
      Enter: onRow(open),
      ' ': onRow(row => row.type === 'dir' && tree.toggle(row)),
      // Many folders take their time: no key waits for it.
      '*': () => void tree.unfoldAll(session.chosenIn(pane)),
    }
    const act = moves[key] ?? ([...key].length === 1 && key !== '/' && key !== '?' ? typeLetter(key) : undefined)
    if (act === undefined) return
    last.current = last.current.then(() => session.attempt(async () => act()))
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
