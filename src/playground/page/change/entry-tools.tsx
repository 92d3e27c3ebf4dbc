// Tools for the chosen entry, above what is in it: the same that its menu has. Not here: the menu (entry-menu.tsx).

import { EllipsisVertical, FilePen, FilePlus, FolderPlus, Pencil, Trash2, Upload } from 'lucide-preact'
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { ChosenEntry } from '../../contents-protocol.js'
import { useSession } from '../context.js'
import { filesThings } from '../drop.js'
import { openMenu } from '../entry-menu.js'
import type { ViewProps } from '../view-props.js'
import { useAnswer } from '../viewers/use-answer.js'
import { addThings, deleteEntry, editText } from './actions.js'

function Tool(props: {
  readonly label: string
  readonly keys?: string
  readonly wide?: boolean
  readonly children: ComponentChildren
  onClick(event: MouseEvent): void
}) {
  return (
    <button
      type="button"
      class={`plain${props.wide === true ? ' wide-only' : ''}`}
      aria-label={props.label}
      title={props.keys === undefined ? props.label : `${props.label}  ( ${props.keys} )`}
      onClick={event => props.onClick(event)}
    >
      {props.children}
    </button>
  )
}

function FolderTools({ pane, document, path }: ViewProps) {
  const session = useSession()
  const place = { pane, info: document }
  const make = (what: 'file' | 'folder') => () => {
    session.change.dialog.value = { kind: 'new', what, folder: path, ...place }
  }
  return (
    <>
      <Tool label="New file" wide onClick={make('file')}>
        <FilePlus size={17} aria-hidden="true" />
      </Tool>
      <Tool label="New folder" wide onClick={make('folder')}>
        <FolderPlus size={17} aria-hidden="true" />
      </Tool>
      <label class="file-button plain-file wide-only" title="Add files">
        <Upload size={17} aria-hidden="true" />
        <span class="hidden">Add files</span>
        <input
          type="file"
          multiple
          onChange={event => {
            const files = [...(event.currentTarget.files ?? [])]
            event.currentTarget.value = ''
            void addThings(session, place, path, filesThings(files))
          }}
        />
      </label>
    </>
  )
}

/** What is chosen; the last one as long as the next is not known. */
function useEntry({ document, path }: ViewProps): ChosenEntry | undefined {
  const session = useSession()
  const { id, revision } = document
  const { value } = useAnswer(JSON.stringify([id, revision, path]), () => session.engine.files.entry(id, path))
  const [last, setLast] = useState<ChosenEntry>()
  if (value !== undefined && value !== last) setLast(value)
  return value ?? (last?.path === path ? last : undefined)
}

export function EntryTools(props: ViewProps) {
  const { pane, document, path } = props
  const session = useSession()
  const entry = useEntry(props)
  const place = { pane, info: document }
  if (entry === undefined) return null
  const editing = session.change.editingOf(document.id, path) !== undefined
  return (
    <div class="entry-tools" role="toolbar" aria-label="What to do with it">
      {entry.type === 'dir' && <FolderTools {...props} />}
      {entry.type === 'file' && !editing && (
        <Tool label="Edit text" onClick={() => void editText(session, place, path)}>
          <FilePen size={17} aria-hidden="true" />
        </Tool>
      )}
      {path !== '/' && (
        <>
          <Tool
            label="Rename or move"
            keys="F2"
            wide
            onClick={() => {
              session.change.dialog.value = { kind: 'move', path, ...place }
            }}
          >
            <Pencil size={16} aria-hidden="true" />
          </Tool>
          <Tool
            label="Delete"
            keys="Del"
            wide
            onClick={() => void deleteEntry(session, place, path, entry.type === 'dir')}
          >
            <Trash2 size={16} aria-hidden="true" />
          </Tool>
        </>
      )}
      <button
        type="button"
        class="plain"
        aria-label="More to do with it"
        aria-haspopup="menu"
        title="More"
        onClick={event => {
          const { left, bottom } = event.currentTarget.getBoundingClientRect()
          void openMenu(session, place, path, left, bottom + 2)
        }}
      >
        <EllipsisVertical size={17} aria-hidden="true" />
      </button>
    </div>
  )
}
