// What a verification has found, one row each, with a link to the entry. Not here: the verification (verify.tsx).

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import type { Finding, FindingKind, VerifyState } from '../../reports.js'
import { useSession } from '../context.js'
import { Rows } from '../rows.js'
import type { Pane } from '../session.js'
import { VirtualList } from '../virtual-list.js'
import { countText } from '../words.js'

const ROW_HEIGHT = 46
const ROWS_SEEN = 8

const KINDS: Readonly<Record<FindingKind, string>> = {
  structure: 'broken structure',
  missing: 'missing',
  size: 'wrong size',
  digest: 'wrong digest',
  unreadable: 'unreadable',
  unchecked: 'without digest',
}

interface Props {
  readonly pane: Pane
  readonly id: DocumentId
  readonly state: VerifyState
}

export function VerifyFindings({ pane, id, state }: Props) {
  const session = useSession()
  const [kind, setKind] = useState<FindingKind | 'all'>('all')
  const total = Object.values(state.findings).reduce((sum, one) => sum + one, 0)
  const count = kind === 'all' ? total : state.findings[kind]
  const rows = useMemo(
    () =>
      new Rows<Finding>(async (start, length) => {
        const wanted = kind === 'all' ? undefined : kind
        return (await session.attempt(() => session.engine.verify.findings(id, start, length, wanted))) ?? []
      }),
    [id, kind, session],
  )
  const range = useRef({ start: 0, end: 0 })
  useEffect(() => rows.reset(), [rows, count, state.stage])
  rows.arrived.value
  rows.need(range.current.start, Math.min(range.current.end, count))
  if (total === 0) return null
  const kinds = (Object.keys(KINDS) as FindingKind[]).filter(one => state.findings[one] > 0)
  return (
    <section class="verify-findings" aria-label="What was found">
      <div class="verify-head">
        <h2>What was found</h2>
        <label>
          Show{' '}
          <select value={kind} onChange={event => setKind(event.currentTarget.value as FindingKind | 'all')}>
            <option value="all">all ({countText(total)})</option>
            {kinds.map(one => (
              <option key={one} value={one}>
                {KINDS[one]} ({countText(state.findings[one])})
              </option>
            ))}
          </select>
        </label>
      </div>
      <VirtualList
        class="finding-rows"
        role="list"
        aria-label="Findings"
        tabIndex={0}
        style={{ height: `${Math.min(Math.max(count, 1), ROWS_SEEN) * ROW_HEIGHT + 2}px` }}
        count={count}
        rowHeight={ROW_HEIGHT}
        onRange={(start, end) => {
          range.current = { start, end }
          rows.need(start, Math.min(end, count))
        }}
        row={index => <FindingRow finding={rows.at(index)} onShow={path => session.choose(pane, path, 'contents')} />}
      />
    </section>
  )
}

function FindingRow({ finding, onShow }: { readonly finding: Finding | undefined; onShow(path: string): void }) {
  if (finding === undefined) return <div class="finding waiting" role="listitem" />
  const { kind, path, text, expected, actual, object } = finding
  const digests =
    expected !== undefined && actual !== undefined ? `expected ${expected}, got ${actual}` : (object ?? '')
  return (
    <div class={`finding ${kind}`} role="listitem">
      <span class="finding-kind">{KINDS[kind]}</span>
      <button type="button" class="plain" onClick={() => onShow(path)}>
        <bdi>{shownText(path)}</bdi>
      </button>
      <span class="finding-text">
        {shownText(text)} {digests !== '' && <code title={shownText(digests)}>{shownText(digests)}</code>}
      </span>
    </div>
  )
}
