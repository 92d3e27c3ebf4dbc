// The search box of a pane, and the list of what was found. Not here: who finds it (use-search.ts).

import { Search, X } from 'lucide-preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { parentPath, shownText } from '../path-text.js'
import type { DocumentInfo, Found, SearchKind } from '../protocol.js'
import { useSession } from './context.js'
import { BadgeIcons, EntryIcon } from './icons.js'
import { isPhone } from './phone.js'
import type { Pane } from './session.js'
import { entryWords } from './tree-row.js'
import { type Answer, type SearchHandle, useSearch } from './use-search.js'
import { type Reveal, VirtualList } from './virtual-list.js'
import { countText } from './words.js'

const ROW_HEIGHT = 44
/** Results that PageUp and PageDown pass. */
const PAGE = 8

const KINDS: readonly { readonly kind: SearchKind; readonly label: string }[] = [
  { kind: 'text', label: 'Text' },
  { kind: 'glob', label: 'Glob' },
  { kind: 'regex', label: 'Regex' },
]

interface SearchPanelProps {
  readonly pane: Pane
  readonly document: DocumentInfo
  /** Goes to the tree, where what is chosen is shown. */
  onLeave(): void
}

/** A part of a path, with what was looked for marked; `at`: where in the path it stands. */
function Marked({ text, at, found }: { readonly text: string; readonly at: number; readonly found: Found }) {
  const from = Math.max(0, Math.min(found.from - at, text.length))
  const to = Math.max(from, Math.min(found.to - at, text.length))
  return (
    <>
      {shownText(text.slice(0, from))}
      {to > from && <mark>{shownText(text.slice(from, to))}</mark>}
      {shownText(text.slice(to))}
    </>
  )
}

interface ResultProps {
  readonly id: string
  readonly found: Found | undefined
  readonly index: number
  readonly count: number
  readonly chosen: boolean
  onChoose(found: Found): void
  onOpen(found: Found): void
}

function Result({ id, found, index, count, chosen, onChoose, onOpen }: ResultProps) {
  if (found === undefined) return <div class="found waiting" />
  const folder = parentPath(found.path)
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the search box has the keyboard for all of its results
    <div
      id={id}
      class={`found${chosen ? ' chosen' : ''}`}
      role="option"
      aria-selected={chosen}
      aria-posinset={index + 1}
      aria-setsize={count}
      aria-label={`${entryWords(found)}, in ${shownText(folder)}`}
      title={shownText(found.path)}
      onClick={() => onChoose(found)}
      onDblClick={() => onOpen(found)}
    >
      <EntryIcon entry={found} />
      <span class="found-line">
        <bdi class="found-name">
          <Marked text={found.name} at={found.path.length - found.name.length} found={found} />
        </bdi>
        <BadgeIcons badges={found.badges} />
      </span>
      <bdi class="found-folder">
        <Marked text={folder} at={0} found={found} />
      </bdi>
    </div>
  )
}

function Status({ answer, progress }: Pick<SearchHandle, 'answer' | 'progress'>) {
  const words = () => {
    if (progress !== undefined) return `Reading names… ${countText(progress.done)}`
    if (answer === undefined) return ''
    const { count, took, problem, kind, unread } = answer
    if (problem !== undefined) return `No such pattern: ${problem}`
    const what = kind === 'text' ? '' : kind === 'glob' ? ' by glob' : ' by regex'
    const time = took < 1 ? 'less than 1 ms' : `${Math.round(took)} ms`
    const not = unread > 0 ? `; ${countText(unread)} folders can’t be read` : ''
    return `${count === 0 ? 'Nothing' : countText(count)} found${what} in ${time}${not}`
  }
  return (
    <p
      class={`search-status${answer?.problem === undefined ? '' : ' problem'}`}
      role="status"
      data-query={answer?.query}
    >
      {words()}
    </p>
  )
}

interface ResultsProps extends SearchPanelProps {
  readonly prefix: string
  readonly answer: Answer
  readonly search: SearchHandle
  readonly cursor: number
  readonly reveal: Reveal | undefined
  goTo(row: number): void
  onKeyDown(event: KeyboardEvent): void
}

function Results({ pane, document, onLeave, prefix, answer, search, cursor, reveal, goTo, onKeyDown }: ResultsProps) {
  const session = useSession()
  const { rows } = search
  rows.arrived.value
  const range = useRef({ start: 0, end: 0 })
  rows.need(range.current.start, Math.min(range.current.end, answer.count))
  const onChoose = (index: number) => {
    goTo(index)
    if (isPhone()) pane.side.value = 'content'
  }
  return (
    <VirtualList
      class="results"
      id={`${prefix}-list`}
      role="listbox"
      aria-label={`Found in ${shownText(document.name)}`}
      tabIndex={0}
      aria-activedescendant={cursor < 0 ? undefined : `${prefix}-${cursor}`}
      onKeyDown={onKeyDown}
      count={answer.count}
      rowHeight={ROW_HEIGHT}
      reveal={reveal}
      onRange={(start, end) => {
        range.current = { start, end }
        rows.need(start, Math.min(end, answer.count))
      }}
      row={index => (
        <Result
          id={`${prefix}-${index}`}
          found={rows.at(index)}
          index={index}
          count={answer.count}
          chosen={index === cursor}
          onChoose={() => onChoose(index)}
          onOpen={found => {
            session.choose(pane, found.path, 'contents')
            onLeave()
          }}
        />
      )}
    />
  )
}

/** The result that the keyboard is at: -1 as long as it is at none. */
function useCursor(pane: Pane, search: SearchHandle) {
  const session = useSession()
  const [cursor, setCursor] = useState(-1)
  const [reveal, setReveal] = useState<Reveal>()
  const { answer, rows } = search
  // Not all that is used is waited for: another answer begins at its first result.
  useEffect(() => {
    setCursor(-1)
    setReveal({ row: 0, align: 'auto' })
  }, [answer?.search])
  const goTo = (row: number) => {
    const to = Math.max(0, Math.min(row, (answer?.count ?? 0) - 1))
    setCursor(to)
    setReveal({ row: to, align: 'auto' })
    rows.need(to, to + 1)
  }
  // What is not here yet is chosen once it is.
  const there = cursor < 0 ? undefined : rows.newest(cursor)?.path
  rows.arrived.value
  // Not all that is used is waited for: choosing by others is no reason to choose again.
  useEffect(() => {
    if (there !== undefined) session.choose(pane, there)
  }, [there])
  return { cursor, reveal, goTo }
}

interface SearchBoxProps {
  readonly index: number
  readonly label: string
  readonly query: string
  readonly kind: SearchKind
  readonly prefix: string
  readonly cursor: number
  readonly answer: Answer | undefined
  onQuery(query: string): void
  onKind(kind: SearchKind): void
  onKeyDown(event: KeyboardEvent): void
}

/** The box is found by its name: keys of the whole page lead to it. */
export function searchBoxId(index: number): string {
  return `search-${index}`
}

function SearchBox(props: SearchBoxProps) {
  const { index, label, query, kind, prefix, cursor, answer, onQuery, onKind, onKeyDown } = props
  const box = useRef<HTMLInputElement>(null)
  const clear = () => {
    onQuery('')
    box.current?.focus()
  }
  return (
    <search class="search">
      <div class="search-box">
        <Search size={16} aria-hidden="true" />
        <input
          ref={box}
          id={searchBoxId(index)}
          type="text"
          role="combobox"
          aria-label={label}
          aria-keyshortcuts="/"
          aria-expanded={answer !== undefined && answer.count > 0}
          aria-controls={`${prefix}-list`}
          aria-autocomplete="list"
          aria-activedescendant={cursor < 0 ? undefined : `${prefix}-${cursor}`}
          aria-invalid={answer?.problem !== undefined}
          placeholder="Search  ( / )"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="search"
          value={query}
          onInput={event => onQuery(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {query !== '' && (
          <button type="button" class="plain" aria-label="Clear the search" onClick={clear}>
            <X size={14} aria-hidden="true" />
          </button>
        )}
      </div>
      <select
        aria-label="What is typed is"
        value={kind}
        onChange={event => onKind(event.currentTarget.value as SearchKind)}
      >
        {KINDS.map(one => (
          <option key={one.kind} value={one.kind}>
            {one.label}
          </option>
        ))}
      </select>
    </search>
  )
}

export function SearchPanel({ pane, document, onLeave }: SearchPanelProps) {
  const session = useSession()
  const [kind, setKind] = useState<SearchKind>('text')
  const search = useSearch(pane, document, kind)
  const { cursor, reveal, goTo } = useCursor(pane, search)
  const index = session.panes.indexOf(pane)
  const prefix = `found-${index}`
  const { answer } = search
  const shown = answer !== undefined && answer.count > 0
  const query = pane.query.value
  const ask = (text: string) => {
    pane.query.value = text
  }
  const leave = () => {
    ask('')
    onLeave()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      ArrowDown: () => (shown ? goTo(cursor + 1) : query === '' && onLeave()),
      ArrowUp: () => shown && goTo(cursor - 1),
      PageDown: () => shown && goTo(cursor + PAGE),
      PageUp: () => shown && goTo(cursor - PAGE),
      Enter: () => {
        const found = shown ? search.rows.newest(Math.max(cursor, 0)) : undefined
        if (found === undefined) return
        session.choose(pane, found.path, 'contents')
        leave()
      },
      Escape: leave,
    }
    if (moves[event.key] === undefined || event.isComposing) return
    moves[event.key]()
    event.preventDefault()
    event.stopPropagation()
  }
  const label = `Search in ${shownText(document.name)}`
  return (
    <>
      <SearchBox {...{ index, label, query, kind, prefix, cursor, answer, onKeyDown }} onQuery={ask} onKind={setKind} />
      {query !== '' && <Status answer={answer} progress={search.progress} />}
      {query !== '' && shown && (
        <Results {...{ pane, document, prefix, answer, search, cursor, reveal, goTo, onKeyDown }} onLeave={leave} />
      )}
    </>
  )
}
