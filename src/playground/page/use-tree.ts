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
  /** Goes to a row, and chooses what is there. */
  goTo(row: number): void
  toggle(row: Row, unfold?: boolean): void
  unfoldAll(path: string): void
  foldAll(): void
  sort(sorting: Sorting): void
  /** The next row whose name begins so, from one on. */
  goToBeginning(letters: string, from: number): void
}

export function useTree(pane: Pane, document: DocumentInfo): TreeHandle {
  const session = useSession()
  const { engine } = session
  const { id, revision } = document
  const which = session.panes.indexOf(pane)
  const [state, setState] = useState<TreeState>()
  const [cursor, setCursor] = useState(0)
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

  const take = (found: TreeState | undefined) => {
    if (found === undefined) return
    rows.reset()
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
    const to = Math.max(0, Math.min(row, (state?.count ?? 1) - 1))
    const move = ++moves.current
    setCursor(to)
    setReveal({ row: to, align: 'auto' })
    const there = rows.newest(to)
    if (there !== undefined) choose(there.path)
    else
      void session
        .attempt(async () => engine.trees.window(id, which, to, 1))
        .then(window => {
          const found = window?.rows[0]
          if (found !== undefined && move === moves.current) choose(found.path)
        })
  }
  const change = async (action: () => Promise<TreeState | undefined>, path: string, scroll: boolean) => {
    const found = await action()
    if (found === undefined) return
    take(found)
    // Rows are others now.
    await locate(path, scroll)
  }
  const foldTo = (path: string) => {
    if (path !== chosen) choose(path)
    return path
  }
  return {
    state,
    rows,
    cursor,
    reveal,
    goTo,
    toggle: (row, unfold) => {
      // What is chosen within a folder that is folded is out of sight; the folder is not.
      const within = chosen.startsWith(`${row.path}/`) && row.expanded && unfold !== true
      const path = within ? foldTo(row.path) : chosen
      void change(() => session.attempt(async () => engine.trees.toggle(id, which, row.path, unfold)), path, false)
    },
    unfoldAll: path => {
      const unfold = session.work('Unfolding', (job, listener) =>
        engine.trees.unfoldAll(id, which, path, job, listener),
      )
      void change(
        () =>
          unfold.then(found => {
            if (found?.partly === true) session.say('Not all is unfolded: there are too many folders in it.')
            return found ?? session.attempt(async () => engine.trees.state(id, which))
          }),
        chosen,
        true,
      )
    },
    foldAll: () => {
      const path = foldTo(pathNames(chosen).length > 1 ? childPath('/', pathNames(chosen)[0]) : chosen)
      void change(() => session.attempt(async () => engine.trees.foldAll(id, which)), path, true)
    },
    sort: sorting => {
      const sort = session.work('Sorting', (job, listener) => engine.trees.sort(id, which, sorting, job, listener))
      void change(
        () => sort.then(found => found ?? session.attempt(async () => engine.trees.state(id, which))),
        chosen,
        true,
      )
    },
    goToBeginning: (letters, from) => {
      void session
        .attempt(async () => engine.trees.rowBeginning(id, which, letters, from))
        .then(row => row !== undefined && row >= 0 && goTo(row))
    },
  }
}
