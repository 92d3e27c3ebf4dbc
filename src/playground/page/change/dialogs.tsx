// Dialogs of changes, one at a time. Not here: what is done (actions.ts), attributes (attributes-dialog.tsx).

import { useEffect, useId, useRef } from 'preact/hooks'
import { baseName, childPath, parentPath, shownText } from '../../path-text.js'
import { useSession } from '../context.js'
import { openThings } from '../opening.js'
import { addThings, edit, editText, moveEntry } from './actions.js'
import { AttributesDialog } from './attributes-dialog.js'
import { DialogForm, FirstChange, type Of, OpenDialog } from './dialog-form.js'

/** What an input makes of a text: one without line breaks. */
function asInput(text: string): string {
  return text.replace(/[\r\n]/g, '')
}

/** What was typed; the very text that was there where nobody has typed. */
function typed(input: HTMLInputElement | null, was: string): string {
  const value = input?.value ?? ''
  return value === asInput(was) ? was : value
}

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly hint?: string
  readonly autoFocus?: boolean
  readonly inputRef: { current: HTMLInputElement | null }
}

function Field({ label, value, hint, autoFocus, inputRef }: FieldProps) {
  const id = useId()
  useEffect(() => {
    if (autoFocus !== true || inputRef.current === null) return
    inputRef.current.focus()
    const dot = inputRef.current.value.lastIndexOf('.')
    inputRef.current.setSelectionRange(0, dot > 0 ? dot : inputRef.current.value.length)
  }, [autoFocus, inputRef])
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        ref={inputRef}
        type="text"
        defaultValue={asInput(value)}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        autoComplete="off"
        autoCapitalize="off"
        spellcheck={false}
      />
      {hint !== undefined && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  )
}

const NEW_TITLES = { file: 'New file', folder: 'New folder', symlink: 'New symlink' } as const

function NewDialog({ pane, info, what, folder, close }: Of<'new'> & { close(): void }) {
  const session = useSession()
  const name = useRef<HTMLInputElement>(null)
  const target = useRef<HTMLInputElement>(null)
  const make = async () => {
    const entry = { kind: what, name: name.current?.value ?? '', target: target.current?.value }
    const path = await edit(session, info, () => session.engine.changes.make(info.id, folder, entry))
    close()
    session.choose(pane, path, 'contents')
    if (what === 'file') await editText(session, { pane, info }, path)
  }
  return (
    <OpenDialog title={`${NEW_TITLES[what]} in ${shownText(folder)}`} onClose={close}>
      <DialogForm yes="Make it" onSubmit={make} onCancel={close}>
        <Field label="Name" value="" autoFocus inputRef={name} />
        {what === 'symlink' && (
          <Field
            label="Leads to"
            value=""
            hint="A path inside of the image, from the symlink’s folder or from the root on."
            inputRef={target}
          />
        )}
        {!info.writable && <FirstChange />}
      </DialogForm>
    </OpenDialog>
  )
}

function MoveDialog({ pane, info, path, close }: Of<'move'> & { close(): void }) {
  const session = useSession()
  const [name, folder] = [useRef<HTMLInputElement>(null), useRef<HTMLInputElement>(null)]
  const move = async () => {
    const newName = typed(name.current, baseName(path))
    if (newName.includes('/')) throw new Error('A name can’t hold a slash. The folder goes into the field below.')
    const to = childPath(typed(folder.current, parentPath(path)).replace(/\/+$/, '') || '/', newName)
    await moveEntry(session, { pane, info }, path, to)
    close()
  }
  return (
    <OpenDialog title={`Rename or move ${shownText(baseName(path))}`} onClose={close}>
      <DialogForm yes="Rename" onSubmit={move} onCancel={close}>
        <Field label="Name" value={baseName(path)} autoFocus inputRef={name} />
        <Field label="Folder" value={parentPath(path)} hint="Another one moves it there." inputRef={folder} />
        {!info.writable && <FirstChange />}
      </DialogForm>
    </OpenDialog>
  )
}

function DropDialog({ pane, info, things, folder, close }: Of<'drop'> & { close(): void }) {
  const session = useSession()
  return (
    <OpenDialog title="What is to be done with it?" onClose={close}>
      <p>
        <bdi>{shownText(info.name)}</bdi> is being changed: what was dropped can become part of it, or be opened.
      </p>
      <div class="dialog-choices">
        <button
          type="button"
          class="primary"
          onClick={() => {
            close()
            void addThings(session, { pane, info }, folder, things)
          }}
        >
          <span>
            Add to <bdi>{shownText(folder)}</bdi>
          </span>
        </button>
        <button
          type="button"
          onClick={() => {
            close()
            void openThings(session, things)
          }}
        >
          Open as an image
        </button>
        <button type="button" class="plain" onClick={close}>
          Cancel
        </button>
      </div>
    </OpenDialog>
  )
}

function QuestionDialog({ question, answer, close }: Of<'question'> & { close(): void }) {
  const { title, text, yes, no = 'Cancel', danger } = question
  const end = (is: boolean) => {
    close()
    answer(is)
  }
  return (
    <OpenDialog title={title} onClose={() => end(false)}>
      <p>
        <bdi>{text}</bdi>
      </p>
      <div class="dialog-buttons">
        <button type="button" onClick={() => end(false)}>
          {no}
        </button>
        <button type="button" class={danger === true ? 'danger' : 'primary'} onClick={() => end(true)}>
          {yes}
        </button>
      </div>
    </OpenDialog>
  )
}

/** The dialog that is open, if one is. */
export default function Dialogs() {
  const session = useSession()
  const { dialog: open } = session.change
  const dialog = open.value
  if (dialog === undefined) return null
  const close = () => {
    if (open.value === dialog) open.value = undefined
  }
  if (dialog.kind === 'new') return <NewDialog {...dialog} close={close} />
  if (dialog.kind === 'move') return <MoveDialog {...dialog} close={close} />
  if (dialog.kind === 'attributes') return <AttributesDialog {...dialog} close={close} />
  if (dialog.kind === 'drop') return <DropDialog {...dialog} close={close} />
  return <QuestionDialog {...dialog} close={close} />
}
