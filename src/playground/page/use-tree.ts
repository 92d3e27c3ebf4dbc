// The tree of a pane as the worker has it, the row that the keyboard is at, and what is done to either. Not here: how it is drawn.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { childPath, pathNames } from '../path-text.js'
import type { DocumentInfo, Row, Sorting, TreeState } from '../protocol.js'
import { useSession } from './context.js'
import { Rows } from './rows.js'
import type { Pane } from './session.js'
import type { Reveal } from './virtual-list.js'

export interface TreeHandle {
  readonly state: TreeState | undefined
  readonly rows: Rows<Row>
  readonly cursor: number
  readonly reveal: Reveal | undefined
  /** The row that the keyboard is at, as it is now: asked for where only an older one has been seen. */
  current(): Promise<Row | undefined>
  /** Goes to a row, and chooses what is there. */
  goTo(row: number): void
  /** Goes so many rows down, or up. */
  goBy(rows: number): void
  /** Goes to an entry; what is above it is unfolded. */
  goToPath(path: string): Promise<void>
  toggle(row: Row, unfold?: boolean): Promise<void>
  unfoldAll(path: string): Promise<void>
  foldAll(): Promise<void>
  sort(sorting: Sorting): Promise<void>
  /** The next row whose name begins so, from the keyboard's on: it may stay there, where `stays`. */
  goToBeginning(letters: string, stays: boolean): Promise<void>
}

export function useTree(pane: Pane, document: DocumentInfo): TreeHandle {
  const session = useSession()
  const { engine } = session
  const { id, revision } = document
  const which = session.panes.indexOf(pane)
  const [state, setState] = useState<TreeState>()
  const [cursor, drawCursor] = useState(0)
  /** The newest of both: what keys do is reckoned from here, where they come faster than drawings. */
  const newest = useRef({ cursor: 0, count: 1 })
  const [reveal, setReveal] = useState<Reveal>()
  /** What the cursor was told to go to last: a later answer than the newest question's is none. */
  const moves = useRef(0)
  const chosen = session.chosenIn(pane)
  /** Where the cursor is, as far as is known. */
  const at = useRef<string>(undefined)
  const rows = useMemo(
    () =>
      new Rows<Row>(async (start, length) => {
        const window = await session.attempt(async () => engine.trees.window(id, which, start, length))
        return window?.rows
      }),
    [id, session, engine, which],
  )

  const setCursor = (row: number) => {
    newest.current.cursor = row
    drawCursor(row)
  }
  const take = (found: TreeState) => {
    rows.reset()
    newest.current.count = found.count
    setState(found)
  }
  /** Finds the chosen one's row: what is above it is unfolded. */
  const locate = async (path: string, scroll: boolean) => {
    const move = ++moves.current
    const found = await session.attempt(async () => engine.trees.reveal(id, which, path))
    if (found === undefined || move !== moves.current) return
    take(found)
    at.current = path
    setCursor(found.row)
    if (scroll) setReveal({ row: found.row, align: 'auto' })
  }

  // A new revision is another tree; what is chosen elsewhere is brought into view here.
  const drawn = useRef<number>(undefined)
  // Not all that is used is waited for: the functions are made anew with every drawing.
  useEffect(() => {
    const fresh = drawn.current !== revision
    drawn.current = revision
    // What is chosen now: where keys follow each other fast, this runs after the next one has been heard.
    const now = session.chosenIn(pane)
    if (fresh || at.current !== now) void locate(now, at.current !== now)
  }, [id, revision, chosen])

  const choose = (path: string) => {
    at.current = path
    session.choose(pane, path)
  }
  const goTo = (row: number) => {
    const to = Math.max(0, Math.min(row, newest.current.count - 1))
    const move = ++moves.current
    setCursor(to)
    setReveal({ row: to, align: 'auto' })
    const there = rows.newest(to)
    if (there !== undefined) choose(there.path)
    else void rows.get(to).then(found => found !== undefined && move === moves.current && choose(found.path))
  }
  const change = async (found: TreeState | undefined, scroll: boolean) => {
    if (found === undefined) return
    take(found)
    // Rows are others now, and so may be what is chosen.
    await locate(session.chosenIn(pane), scroll)
  }
  const foldTo = (path: string) => {
    if (path !== session.chosenIn(pane)) choose(path)
  }
  return {
    state,
    rows,
    cursor,
    reveal,
    current: () => rows.get(newest.current.cursor),
    goTo,
    goBy: by => goTo(newest.current.cursor + by),
    goToPath: path => {
      choose(path)
      return locate(path, true)
    },
    toggle: async (row, unfold) => {
      // What is chosen within a folder that is folded is out of sight; the folder is not.
      if (session.chosenIn(pane).startsWith(`${row.path}/`) && row.expanded && unfold !== true) foldTo(row.path)
      await change(await session.attempt(async () => engine.trees.toggle(id, which, row.path, unfold)), false)
    },
    unfoldAll: async path => {
      const found = await session.work('Unfolding', (job, listener) =>
        engine.trees.unfoldAll(id, which, path, job, listener),
      )
      if (found?.partly === true) session.say('Not all is unfolded: there are too many folders in it.')
      await change(found ?? (await session.attempt(async () => engine.trees.state(id, which))), true)
    },
    foldAll: async () => {
      const names = pathNames(session.chosenIn(pane))
      if (names.length > 1) foldTo(childPath('/', names[0]))
      await change(await session.attempt(async () => engine.trees.foldAll(id, which)), true)
    },
    sort: async sorting => {
      const found = await session.work('Sorting', (job, listener) =>
        engine.trees.sort(id, which, sorting, job, listener),
      )
      await change(found ?? (await session.attempt(async () => engine.trees.state(id, which))), true)
    },
    goToBeginning: async (letters, stays) => {
      const move = ++moves.current
      const from = newest.current.cursor + (stays ? 0 : 1)
      const row = await session.attempt(async () => engine.trees.rowBeginning(id, which, letters, from))
      if (row !== undefined && row >= 0 && move === moves.current) goTo(row)
    },
  }
}
