// The tree of a pane's image: a virtual list of rows with the keyboard of a tree. Not here: searching (search-panel.tsx).

import { ChevronRight } from 'lucide-preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { shownText } from '../path-text.js'
import type { DocumentInfo, Row, TreeState } from '../protocol.js'
import { useSession } from './context.js'
import { BadgeIcons, EntryIcon, typeWords } from './icons.js'
import { Rows } from './rows.js'
import type { Pane } from './session.js'
import { VirtualList } from './virtual-list.js'

export const ROW_HEIGHT = 26
/** Letters that follow each other faster than this are one word. Milliseconds. */
const TYPING_MS = 700

/** The tree as the worker has it, and what is done to it. */
function useTree(document: DocumentInfo) {
  const session = useSession()
  const { id, revision } = document
  const [state, setState] = useState<TreeState>()
  const rows = useMemo(
    () =>
      new Rows<Row>(async (start, length) => {
        const window = await session.attempt(() => session.engine.trees.window(id, start, length))
        return window?.rows ?? []
      }),
    [id, session],
  )
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new revision is another tree
  useEffect(() => {
    let here = true
    void session
      .attempt(() => session.engine.trees.state(id))
      .then(found => {
        if (!here || found === undefined) return
        rows.reset()
        setState(found)
      })
    return () => {
      here = false
    }
  }, [id, revision, session, rows])
  const take = (found: TreeState | undefined) => {
    if (found === undefined) return
    rows.reset()
    setState(found)
  }
  return { state, rows, take }
}

export function TreePanel({ pane, document }: { readonly pane: Pane; readonly document: DocumentInfo }) {
  const session = useSession()
  const { engine } = session
  const { id } = document
  const { state, rows, take } = useTree(document)
  const chosen = session.chosenIn(pane)
  const [cursor, setCursor] = useState(0)
  const [reveal, setReveal] = useState<{ row: number; align?: 'auto' | 'center' }>()
  const range = useRef({ start: 0, end: 0 })
  const typed = useRef({ text: '', at: 0 })
  rows.arrived.value
  const count = state?.count ?? 0
  if (state !== undefined) rows.need(range.current.start, Math.min(range.current.end, count))

  // What is chosen elsewhere is brought into view here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a row that is at the cursor already is not looked for
  useEffect(() => {
    if (state === undefined || rows.at(cursor)?.path === chosen) return
    void session
      .attempt(() => engine.trees.reveal(id, chosen))
      .then(found => {
        if (found === undefined) return
        take(found)
        setCursor(found.row)
        setReveal({ row: found.row, align: 'center' })
      })
  }, [chosen, id, state === undefined])

  const goTo = (row: number) => {
    const to = Math.max(0, Math.min(row, count - 1))
    setCursor(to)
    setReveal({ row: to })
    const there = rows.at(to)
    if (there !== undefined) session.choose(pane, there.path)
  }
  const toggle = async (row: Row, unfold?: boolean) =>
    take(await session.attempt(() => engine.trees.toggle(id, row.path, unfold)))

  const typeLetter = async (letter: string) => {
    const now = performance.now()
    typed.current = { text: now - typed.current.at < TYPING_MS ? typed.current.text + letter : letter, at: now }
    const { text } = typed.current
    const from = text.length > 1 ? cursor : cursor + 1
    const row = await session.attempt(() => engine.trees.rowBeginning(id, text, from))
    if (row !== undefined && row >= 0) goToUnseen(row)
  }
  /** A row that need not be here yet. */
  const goToUnseen = async (row: number) => {
    const there = rows.at(row) ?? (await engine.trees.window(id, row, 1)).rows[0]
    setCursor(row)
    setReveal({ row })
    if (there !== undefined) session.choose(pane, there.path)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows.at(cursor)
    const page = Math.max(1, Math.floor((event.currentTarget as HTMLElement).clientHeight / ROW_HEIGHT) - 1)
    const moves: Record<string, () => void> = {
      ArrowDown: () => goTo(cursor + 1),
      ArrowUp: () => goTo(cursor - 1),
      PageDown: () => void goToUnseen(Math.min(cursor + page, count - 1)),
      PageUp: () => void goToUnseen(Math.max(cursor - page, 0)),
      Home: () => void goToUnseen(0),
      End: () => void goToUnseen(count - 1),
      ArrowRight: () => {
        if (row?.type !== 'dir') return
        if (row.expanded) goTo(cursor + 1)
        else void toggle(row, true)
      },
      ArrowLeft: () => {
        if (row === undefined) return
        if (row.type === 'dir' && row.expanded && row.path !== '/') void toggle(row, false)
        else session.choose(pane, row.path.slice(0, row.path.lastIndexOf('/')) || '/')
      },
      Enter: () => row !== undefined && session.choose(pane, row.path, 'contents'),
      ' ': () => row?.type === 'dir' && void toggle(row),
      '*': () => row !== undefined && void session.attempt(() => engine.trees.unfoldAll(id, row.path)).then(take),
    }
    const { ctrlKey, metaKey, altKey, key } = event
    if (ctrlKey || metaKey || altKey) return
    const move = moves[key]
    if (move !== undefined) move()
    else if (key.length === 1 && key !== '/') void typeLetter(key)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  return (
    <VirtualList
      class="tree"
      role="tree"
      aria-label={`Tree of ${shownText(document.name)}`}
      aria-activedescendant={rows.at(cursor) === undefined ? undefined : `${id}-row-${cursor}`}
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
        <TreeRow
          id={`${id}-row-${index}`}
          row={rows.at(index)}
          chosen={rows.at(index)?.path === chosen}
          onChoose={() => goTo(index)}
          onToggle={row => void toggle(row)}
        />
      )}
    />
  )
}

function isTwisty(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('.twisty') !== null
}

interface TreeRowProps {
  readonly id: string
  readonly row: Row | undefined
  readonly chosen: boolean
  onChoose(): void
  onToggle(row: Row): void
}

function TreeRow({ id, row, chosen, onChoose, onToggle }: TreeRowProps) {
  if (row === undefined) return <div class="tree-row waiting" />
  const { type, expanded, depth, position, setSize, name, badges, target } = row
  const isDir = type === 'dir'
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keyboard for all of its rows
    // biome-ignore lint/a11y/useFocusableInteractive: the tree has the focus, and names its active row
    <div
      id={id}
      class={`tree-row${chosen ? ' chosen' : ''}`}
      role="treeitem"
      aria-level={depth + 1}
      aria-posinset={position}
      aria-setsize={setSize}
      aria-selected={chosen}
      aria-expanded={isDir ? expanded : undefined}
      aria-label={`${shownText(name)}, ${typeWords(row)}`}
      style={{ paddingLeft: `${depth * 14 + 4}px` }}
      onClick={event => (isDir && isTwisty(event.target) ? onToggle(row) : onChoose())}
      onDblClick={event => isDir && !isTwisty(event.target) && onToggle(row)}
    >
      <span class={`twisty${expanded ? ' open' : ''}`}>{isDir && <ChevronRight size={14} aria-hidden="true" />}</span>
      <EntryIcon entry={row} open={expanded} />
      <bdi class="tree-name">{shownText(name)}</bdi>
      {target !== undefined && <bdi class="tree-target">→ {shownText(target)}</bdi>}
      <BadgeIcons badges={badges} />
    </div>
  )
}
