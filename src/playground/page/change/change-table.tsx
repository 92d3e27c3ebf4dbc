// All that is different in an image, as a table; what is chosen there is shown. Not here: how it is found out (the worker).

import { useState } from 'preact/hooks'
import type { ChangeKind, ChangeList, ChangeRow } from '../../changing.js'
import { parentPath, shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { countText } from '../words.js'

/** Rows that are shown before more are asked for. */
const AT_ONCE = 500
const SIGNS: Readonly<Record<ChangeKind, string>> = { added: '+', modified: '~', deleted: '−', renamed: '→' }
const KINDS = Object.keys(SIGNS) as ChangeKind[]
const WHAT: Readonly<Record<string, string>> = { xattrs: 'extended attributes', mtime: 'time' }

function whatWords({ what, from, kind }: ChangeRow): string {
  const words = what.map(one => WHAT[one] ?? one).join(', ')
  if (kind !== 'renamed' || from === undefined) return words
  return words === '' ? '' : `also ${words}`
}

function Row({ row, onChoose }: { readonly row: ChangeRow; onChoose(): void }) {
  const { kind, path, from, type } = row
  const words = whatWords(row)
  return (
    <tr class={`change-${kind}`}>
      <td>
        <span class="change-kind">
          <span aria-hidden="true">{SIGNS[kind]}</span> {kind}
        </span>
      </td>
      <td>
        <button type="button" class="plain change-path" onClick={onChoose}>
          <bdi>
            {shownText(path)}
            {type === 'folder' && path !== '/' ? '/' : ''}
          </bdi>
        </button>
        {from !== undefined && (
          <span class="change-from">
            was <bdi>{shownText(from)}</bdi>
          </span>
        )}
      </td>
      <td>{type}</td>
      <td>{words}</td>
    </tr>
  )
}

export function ChangeTable({ pane, list }: ViewProps & { readonly list: ChangeList }) {
  const session = useSession()
  const [most, setMost] = useState(AT_ONCE)
  const { rows, counts } = list
  const choose = ({ path, kind }: ChangeRow) => {
    session.choose(pane, kind === 'deleted' ? parentPath(path) : path, 'contents')
    pane.side.value = 'content'
  }
  return (
    <section class="changes-list" aria-label="What is different">
      <p class="changes-counts" role="status">
        {rows.length === 0
          ? 'Nothing is different yet. Choose a file and edit it, or add something to a folder.'
          : KINDS.filter(kind => counts[kind] > 0)
              .map(kind => `${countText(counts[kind])} ${kind}`)
              .join(', ')}
      </p>
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
        <section class="changes-scroll" tabIndex={0} aria-label="Changes">
          <table>
            <thead>
              <tr>
                <th scope="col">Change</th>
                <th scope="col">Path</th>
                <th scope="col">Type</th>
                <th scope="col">What is different</th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, most).map(row => (
                <Row key={`${row.kind} ${row.path}`} row={row} onChoose={() => choose(row)} />
              ))}
            </tbody>
          </table>
          {rows.length > most && (
            <button type="button" onClick={() => setMost(most + AT_ONCE)}>
              Show more of {countText(rows.length)}
            </button>
          )}
        </section>
      )}
    </section>
  )
}
