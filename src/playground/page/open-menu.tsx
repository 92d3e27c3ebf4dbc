// The dialog with all ways to open something.

import type { RefObject } from 'preact'
import { useRef } from 'preact/hooks'
import { useSession } from './context.js'
import { DEMO, openFiles, openUrl } from './opening.js'

export function OpenMenu({ menuRef }: { readonly menuRef: RefObject<HTMLDialogElement | null> }) {
  const session = useSession()
  const image = useRef<HTMLInputElement>(null)
  const store = useRef<HTMLInputElement>(null)
  const close = () => menuRef.current?.close()
  const byUrl = (event: SubmitEvent) => {
    event.preventDefault()
    const url = image.current?.value.trim() ?? ''
    const objects = store.current?.value.trim() ?? ''
    if (url === '') return
    close()
    void openUrl(session, url, objects === '' ? undefined : objects)
  }
  return (
    <dialog ref={menuRef} class="open-menu" aria-labelledby="open-title">
      <h2 id="open-title">Open</h2>
      <label class="file-button">
        An image…
        <input
          type="file"
          multiple
          onChange={event => {
            const files = [...(event.currentTarget.files ?? [])]
            event.currentTarget.value = ''
            close()
            void openFiles(session, files)
          }}
        />
      </label>
      <form onSubmit={byUrl}>
        <label>
          URL of an image
          <input ref={image} type="text" inputMode="url" placeholder="https://…/image.cfs" required />
        </label>
        <label>
          URL of its objects
          <input ref={store} type="text" inputMode="url" placeholder="https://…/objects" />
        </label>
        <button type="submit">Open the URL</button>
      </form>
      <button
        type="button"
        onClick={() => {
          close()
          void openUrl(session, DEMO.image, DEMO.store)
        }}
      >
        The demo
      </button>
      <button type="button" class="plain" onClick={close}>
        Cancel
      </button>
    </dialog>
  )
}
