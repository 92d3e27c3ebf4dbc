// The view of what is different in an image, and what can be made of it. Not here: the edits themselves (change/actions.ts).

import { PencilLine, Trash2, Undo2 } from 'lucide-preact'
import { useEffect } from 'preact/hooks'
import type { ChangesState } from '../../changing.js'
import { shownText } from '../../path-text.js'
import { discardAll, startChanging, undo } from '../change/actions.js'
import { ChangeTable } from '../change/change-table.js'
import { MakeOfIt } from '../change/make-of-it.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { Failure, Waiting } from '../viewers/failure.js'
import { useAnswer } from '../viewers/use-answer.js'
import { bytesText } from '../words.js'

/** Texts that are edited and not saved. */
function Unsaved({ pane, document }: ViewProps) {
  const session = useSession()
  const texts = session.change.unsaved(document.id)
  if (texts.length === 0) return null
  return (
    <section class="changes-unsaved" aria-label="Texts that are not saved">
      <p>Not saved yet, so not among the changes:</p>
      <ul>
        {texts.map(({ path }) => (
          <li key={path}>
            <button type="button" class="plain" onClick={() => session.choose(pane, path, 'contents')}>
              <bdi>{shownText(path)}</bdi>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}

function NotStarted({ document }: ViewProps) {
  const session = useSession()
  return (
    <section class="changes-start">
      <h2>Nothing is changed</h2>
      <p>
        A writable layer can go on top of <bdi>{shownText(document.name)}</bdi>: texts can be edited then, files added,
        renamed and deleted. The image itself stays what it is, and nothing leaves this page. The first edit begins it
        too.
      </p>
      <button type="button" class="primary" onClick={() => void startChanging(session, document)}>
        <PencilLine size={16} aria-hidden="true" />
        Start changing
      </button>
    </section>
  )
}

function Tools({ pane, document, state }: ViewProps & { readonly state: ChangesState }) {
  const session = useSession()
  const { used, limit } = state
  return (
    <div class="changes-tools">
      <button type="button" disabled={state.undo === undefined} onClick={() => void undo(session, document)}>
        <Undo2 size={15} aria-hidden="true" />
        <span class="changes-undo">
          Undo <bdi>{state.undo === undefined ? '' : state.undo}</bdi>
        </span>
      </button>
      <button type="button" class="danger-text" onClick={() => void discardAll(session, { pane, info: document })}>
        <Trash2 size={15} aria-hidden="true" />
        Discard all changes…
      </button>
      <span class="editor-gap" />
      <span class="changes-room">
        <span>
          {bytesText(used)} of {bytesText(limit)}
        </span>
        <meter min={0} max={limit} high={limit * 0.9} value={used} aria-label="Room that the changes take" />
      </span>
    </div>
  )
}

export default function Changes(props: ViewProps) {
  const { document } = props
  const { id, revision } = document
  const session = useSession()
  const { value, failure, again } = useAnswer(JSON.stringify([id, revision]), async () => {
    const [list, state] = await Promise.all([session.engine.changes.list(id), session.engine.changes.state(id)])
    return { list, state }
  })
  useEffect(() => {
    if (value !== undefined) session.change.note(id, value.state)
  }, [value, id, session])
  if (failure !== undefined) return <Failure text={failure} again={again} />
  if (value === undefined) return <Waiting text="Comparing…" />
  const { list, state } = value
  return (
    <div class="changes">
      <Unsaved {...props} />
      {state.started ? (
        <>
          <Tools {...props} state={state} />
          <ChangeTable {...props} list={list} />
          <MakeOfIt {...props} count={list.rows.length} />
        </>
      ) : (
        <NotStarted {...props} />
      )}
    </div>
  )
}
