// The view of what differs between two open images: which two, sums, a filter, and the differences as a tree.

import { ArrowLeftRight } from 'lucide-preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId, DocumentInfo } from '../../protocol.js'
import type { DiffAspect, DiffFilter, DiffRow, DiffSummary } from '../../reports.js'
import { useSession } from '../context.js'
import { Rows } from '../rows.js'
import type { ViewProps } from '../view-props.js'
import { countText } from '../words.js'
import { DiffList } from './diff-list.js'

const KINDS: readonly (readonly [DiffFilter['kind'], string])[] = [
  ['all', 'all'],
  ['added', 'added'],
  ['removed', 'removed'],
  ['changed', 'changed'],
  ['moved', 'moved'],
]
const ASPECTS: Readonly<Record<DiffAspect, string>> = {
  content: 'content',
  mode: 'permissions',
  owner: 'owner',
  time: 'time',
  xattrs: 'xattrs',
  type: 'type',
  target: 'target of a symlink',
  links: 'links',
}

/** The comparison as the worker has it. */
function useDiff(from: DocumentId | undefined, to: DocumentId | undefined, filter: DiffFilter) {
  const session = useSession()
  const [known, setKnown] = useState<{ readonly pair: string; readonly summary: DiffSummary | undefined }>()
  const pair = `${from} ${to}`
  const rows = useMemo(
    () =>
      new Rows<DiffRow>(async (start, length) => {
        if (from === undefined || to === undefined) return []
        return (await session.attempt(() => session.engine.diff.window(from, to, start, length))) ?? []
      }),
    [from, to, session],
  )
  useEffect(() => {
    let here = true
    if (from === undefined || to === undefined) return undefined
    void session
      .work('Comparing', (job, listener) => session.engine.diff.compare(from, to, filter, job, listener))
      .then(found => {
        if (!here) return
        rows.reset()
        setKnown({ pair, summary: found })
      })
    return () => {
      here = false
    }
  }, [from, to, pair, filter, session, rows])
  const take = (found: DiffSummary | undefined) => {
    if (found === undefined) return
    rows.reset()
    setKnown({ pair, summary: found })
  }
  // Of other images nothing is shown, not even for a moment.
  return { summary: known?.pair === pair ? known.summary : undefined, rows, take }
}

interface PickProps {
  readonly label: string
  readonly value: DocumentId | undefined
  onPick(id: DocumentId): void
}

function Pick({ label, value, onPick }: PickProps) {
  const session = useSession()
  return (
    <label>
      {label}{' '}
      <select value={value} onChange={event => onPick(Number(event.currentTarget.value))}>
        {session.documents.value.map(({ id, name }) => (
          <option key={id} value={id}>
            {shownText(name)}
          </option>
        ))}
      </select>
    </label>
  )
}

interface FilterProps {
  readonly filter: DiffFilter
  readonly summary: DiffSummary | undefined
  onFilter(filter: DiffFilter): void
  onUnfold(all: boolean): void
}

function Filters({ filter, summary, onFilter, onUnfold }: FilterProps) {
  const count = (kind: DiffFilter['kind']) =>
    summary === undefined
      ? ''
      : kind === 'all'
        ? countText(summary.added + summary.removed + summary.changed)
        : countText(summary[kind])
  return (
    <div class="diff-tools">
      <div class="diff-kinds" role="group" aria-label="Show">
        {KINDS.map(([kind, label]) => (
          <button
            type="button"
            key={kind}
            class={`diff-kind ${kind}`}
            aria-pressed={filter.kind === kind}
            onClick={() => onFilter({ ...filter, kind })}
          >
            {label} <b>{count(kind)}</b>
          </button>
        ))}
      </div>
      <label>
        What{' '}
        <select
          value={filter.aspect}
          onChange={event => onFilter({ ...filter, aspect: event.currentTarget.value as DiffFilter['aspect'] })}
        >
          <option value="all">anything</option>
          {Object.entries(ASPECTS).map(([aspect, label]) => (
            <option key={aspect} value={aspect}>
              {label} ({countText(summary?.aspects[aspect as DiffAspect] ?? 0)})
            </option>
          ))}
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={filter.withoutTimes}
          onChange={event => onFilter({ ...filter, withoutTimes: event.currentTarget.checked })}
        />{' '}
        not what differs in time alone
      </label>
      <button type="button" class="plain" onClick={() => onUnfold(true)}>
        Unfold all
      </button>
      <button type="button" class="plain" onClick={() => onUnfold(false)}>
        Fold all
      </button>
    </div>
  )
}

/** Which two: this image and, before it, the one that was opened before it. */
function useTwo(document: DocumentInfo) {
  const session = useSession()
  const all = session.documents.value
  const [picked, setPicked] = useState<{ readonly from?: DocumentId; readonly to?: DocumentId }>({})
  const known = (id: DocumentId | undefined) => all.find(one => one.id === id)?.id
  const to = known(picked.to) ?? document.id
  const before = all.filter(one => one.id !== to)
  const from = known(picked.from) ?? (before.findLast(one => one.id < to) ?? before[0])?.id
  return { from, to, setPicked }
}

export default function Diff({ pane, document }: ViewProps) {
  const session = useSession()
  const { from, to, setPicked } = useTwo(document)
  const [filter, setFilter] = useState<DiffFilter>({ kind: 'all', aspect: 'all', withoutTimes: false })
  const { summary, rows, take } = useDiff(from, to, filter)
  if (from === undefined)
    return <p class="waiting-text">Open a second image to see what differs: a newer release, for one.</p>
  const unfold = (on: boolean) => session.attempt(() => session.engine.diff.toggleAll(from, to, on)).then(take)
  return (
    <div class="diff">
      <div class="diff-tools">
        <Pick label="From" value={from} onPick={id => setPicked({ from: id, to })} />
        <button
          type="button"
          aria-label="The other way round"
          title="The other way round"
          onClick={() => setPicked({ from: to, to: from })}
        >
          <ArrowLeftRight size={16} aria-hidden="true" />
        </button>
        <Pick label="to" value={to} onPick={id => setPicked({ from, to: id })} />
      </div>
      <Filters filter={filter} summary={summary} onFilter={setFilter} onUnfold={on => void unfold(on)} />
      {summary === undefined ? (
        <p class="waiting-text">Comparing…</p>
      ) : summary.rows === 0 ? (
        <p class="waiting-text">
          {summary.added + summary.removed + summary.changed === 0
            ? 'The two are the same, entry by entry.'
            : 'Nothing that differs is let through by what is chosen above.'}
        </p>
      ) : (
        <DiffList pane={pane} from={from} to={to} rows={rows} count={summary.rows} onSummary={take} />
      )}
    </div>
  )
}
