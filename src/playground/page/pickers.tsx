// Buttons that open files and folders, and the form that opens a URL: the start screen and the menu have them. Not here: what
// becomes of what is picked.

import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import type { TakeWish } from '../protocol.js'
import { useSession } from './context.js'
import { folderThings } from './drop.js'
import { openFiles, openThings, openUrl } from './opening.js'

/** Chromium's picker, which hands a folder over as such: empty folders too, and it is read when it is wanted. */
interface PickerWindow {
  showDirectoryPicker?(): Promise<FileSystemDirectoryHandle>
}

/** An attribute that the types do not know. */
const OF_FOLDERS = { webkitdirectory: true }

/** So that the same can be picked again. Not sooner: that would empty the list which is still being looked at. */
function forget(event: { readonly currentTarget: HTMLInputElement }): void {
  event.currentTarget.value = ''
}

interface PickerProps {
  readonly children: ComponentChildren
  readonly primary?: boolean
  readonly wish?: () => TakeWish
  readonly onPick?: () => void
}

export function FilesButton({ children, primary, wish, onPick }: PickerProps) {
  const session = useSession()
  return (
    <label class={`file-button${primary === true ? ' primary' : ''}`}>
      {children}
      <input
        type="file"
        multiple
        onClick={forget}
        onChange={event => {
          onPick?.()
          void openFiles(session, event.currentTarget.files ?? [], wish?.())
        }}
      />
    </label>
  )
}

export function FolderButton({ children, wish, onPick }: PickerProps) {
  const session = useSession()
  const input = useRef<HTMLInputElement>(null)
  const pick = async () => {
    const { showDirectoryPicker } = window as PickerWindow
    if (showDirectoryPicker === undefined) {
      input.current?.click()
      return
    }
    try {
      const folder = await showDirectoryPicker.call(window)
      onPick?.()
      await openThings(session, folderThings(folder), wish?.())
    } catch (error) {
      // Nothing was picked.
      if (!(error instanceof DOMException && error.name === 'AbortError')) session.complain(error)
    }
  }
  return (
    <>
      <button type="button" onClick={() => void pick()}>
        {children}
      </button>
      <input
        ref={input}
        class="folder-input"
        type="file"
        hidden
        {...OF_FOLDERS}
        onClick={forget}
        onChange={event => {
          onPick?.()
          void openFiles(session, event.currentTarget.files ?? [], wish?.())
        }}
      />
    </>
  )
}

export function UrlForm({ onOpen }: { readonly onOpen?: () => void }) {
  const session = useSession()
  const form = useRef<HTMLFormElement>(null)
  const open = (event: SubmitEvent) => {
    event.preventDefault()
    if (form.current === null) return
    const fields = new FormData(form.current)
    const text = (name: string) => String(fields.get(name) ?? '').trim()
    const given = (name: string) => (text(name) === '' ? undefined : text(name))
    const image = text('image')
    if (image === '') return
    onOpen?.()
    void openUrl(session, { image, store: given('store'), digest: given('digest') })
  }
  return (
    <form ref={form} class="url-form" onSubmit={open}>
      <label>
        <span>Address of an image</span>
        <input name="image" type="text" inputMode="url" placeholder="https://…/image.cfs" required />
      </label>
      <label>
        <span>
          Address of its objects <small>if it has any</small>
        </span>
        <input name="store" type="text" inputMode="url" placeholder="https://…/objects" />
      </label>
      <label>
        <span>
          Its fs-verity digest <small>if it is to be checked</small>
        </span>
        <input
          name="digest"
          type="text"
          class="mono"
          placeholder="64 hex digits"
          autoComplete="off"
          spellcheck={false}
        />
      </label>
      <button type="submit" class="primary">
        Open the address
      </button>
    </form>
  )
}
