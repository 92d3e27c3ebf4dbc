// A text that is edited. What was typed and not saved waits here while something else is shown. Not here: the editor itself.

import { Check } from 'lucide-preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { baseName, shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { Editor } from '../editor.js'
import type { ViewProps } from '../view-props.js'
import { edit } from './actions.js'
import type { Editing } from './change-state.js'

/** The text that the editor begins with. One in which nobody has typed is the file's, whatever becomes of it. */
function useText({ document }: ViewProps, { id, path, text }: Editing): string {
  const session = useSession()
  const { revision } = document
  // Not the newest that was saved: what was typed meanwhile would give way to it.
  const [shown, setShown] = useState(text)
  const seen = useRef(revision)
  useEffect(() => {
    if (seen.current === revision) return
    seen.current = revision
    const isTyped = () => session.change.editingOf(id, path)?.dirty !== false
    if (isTyped()) return
    session.engine.changes.text(id, path).then(
      found => {
        if (isTyped()) return
        session.change.update(id, path, found)
        setShown(found.text)
      },
      () => !isTyped() && session.change.stopEditing(id, path),
    )
  }, [revision, id, path, session])
  return shown
}

export function EditView(props: ViewProps & { readonly editing: Editing }) {
  const { document, editing } = props
  const { id, path, form, draft, dirty } = editing
  const session = useSession()
  const text = useText(props, editing)
  const save = async (now: string) => {
    await edit(session, document, () => session.engine.changes.save(id, path, now, form))
    session.change.update(id, path, { text: now, draft: undefined })
  }
  const done = async () => {
    const name = shownText(baseName(path))
    const question = {
      title: `Leave ${name} without saving?`,
      text: 'What was typed is lost.',
      yes: 'Leave it',
      no: 'Go on editing',
      danger: true,
    }
    if (dirty && !(await session.change.ask(question))) return
    session.change.stopEditing(id, path)
  }
  return (
    <Editor
      text={text}
      draft={draft}
      fileName={baseName(path)}
      readOnly={false}
      onSave={save}
      onDirty={is => session.change.update(id, path, { dirty: is })}
      onLeave={typed => {
        if (session.change.editingOf(id, path) === undefined) return
        session.change.update(id, path, { draft: typed })
        session.say(`The text of ${shownText(baseName(path))} is not saved. It waits in its editor.`)
      }}
    >
      <span class="editing-mark">Editing</span>
      <button type="button" class="plain" onClick={() => void done()}>
        <Check size={15} aria-hidden="true" />
        <span>Done</span>
      </button>
    </Editor>
  )
}
