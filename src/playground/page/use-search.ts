// What is looked for in a pane's image and what was found, as someone types. Not here: how it is drawn (search-panel.tsx).

import { proxy } from 'comlink'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { DocumentInfo, Found, Progress, SearchKind, SearchResult } from '../protocol.js'
import { useSession } from './context.js'
import { Rows } from './rows.js'
import type { Pane } from './session.js'

/** Entries that come with the first answer. */
const FIRST = 64
/** The names are read once the tree has been shown. Milliseconds. */
const PREPARE_AFTER_MS = 250

export interface Answer extends SearchResult {
  readonly query: string
}

export interface SearchHandle {
  /** The newest answer; the one before stays until it is here. */
  readonly answer: Answer | undefined
  readonly rows: Rows<Found>
  /** How far the reading of names has come, where that is waited for. */
  readonly progress: Progress | undefined
}

export function useSearch(pane: Pane, { id, revision }: DocumentInfo, kind: SearchKind): SearchHandle {
  const session = useSession()
  const { engine } = session
  const [answer, setAnswer] = useState<Answer>()
  const [progress, setProgress] = useState<Progress>()
  const newest = useRef(0)
  const asked = useRef(0)
  const ready = useRef(false)
  /** The question whose answer is shown. */
  const shown = useRef('')
  const query = pane.query.value
  const rows = useMemo(
    () =>
      new Rows<Found>((start, length) =>
        session.attempt(async () => engine.search.window(id, newest.current, start, length)),
      ),
    [id, session, engine],
  )

  useEffect(() => {
    ready.current = false
    const timer = setTimeout(() => {
      void session
        .attempt(async () => engine.search.prepare(id))
        .then(done => {
          ready.current = done === true
        })
    }, PREPARE_AFTER_MS)
    return () => clearTimeout(timer)
    // Not all that is used is waited for: a new revision has other names.
  }, [id, revision, session, engine])

  // Asked as soon as the key is known, not after it has been painted, as other effects are: that is a frame. Not all that is used
  // is waited for: a new revision has other names.
  useLayoutEffect(() => {
    const mine = ++asked.current
    if (query === '') {
      setAnswer(undefined)
      setProgress(undefined)
      return
    }
    // A listener costs a channel: only where there is something to be told.
    const listener = ready.current ? undefined : proxy((told: Progress) => mine === asked.current && setProgress(told))
    void session
      .attempt(async () => engine.search.find(id, query, kind, FIRST, listener))
      .then(found => {
        if (mine !== asked.current) return
        setProgress(undefined)
        if (found === undefined) return
        ready.current = true
        newest.current = found.search
        // What another question found is no answer to this one; what the same one found in the tree as it was may stay for a moment.
        if (shown.current === `${kind} ${query}`) rows.reset()
        else rows.clear()
        shown.current = `${kind} ${query}`
        rows.put(found.entries)
        setAnswer({ ...found, query })
      })
  }, [id, revision, query, kind, session, engine, rows])
  return { answer: query === '' ? undefined : answer, rows, progress }
}
