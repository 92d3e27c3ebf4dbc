// The dialog with all ways to open something. Not here: the ways themselves (pickers.tsx).

import type { RefObject } from 'preact'
import { useRef } from 'preact/hooks'
import { shownText } from '../path-text.js'
import type { DocumentInfo } from '../protocol.js'
import { useSession } from './context.js'
import { giveStoreUrl, openDemo } from './opening.js'
import { FilesButton, FolderButton, UrlForm } from './pickers.js'

function ObjectsFor({ info, close }: { readonly info: DocumentInfo; readonly close: () => void }) {
  const session = useSession()
  const url = useRef<HTMLInputElement>(null)
  const wish = () => ({ into: info.id, objectsOnly: true })
  const give = (event: SubmitEvent) => {
    event.preventDefault()
    const text = url.current?.value.trim() ?? ''
    if (text === '') return
    close()
    void giveStoreUrl(session, info, text)
  }
  return (
    <section class="objects-for">
      <h3>
        Objects for <bdi>{shownText(info.name)}</bdi>
      </h3>
      <p>
        {info.store === undefined ? 'It has no objects yet, so the contents of its files can’t be read.' : null}
        {info.store !== undefined && (
          <>
            They are in <bdi>{shownText(info.store)}</bdi>; what is missing there can be elsewhere.
          </>
        )}
      </p>
      <div class="open-buttons">
        <FolderButton wish={wish} onPick={close}>
          A folder of objects…
        </FolderButton>
        <FilesButton wish={wish} onPick={close}>
          A zip or tar of objects…
        </FilesButton>
      </div>
      <form class="in-a-row" onSubmit={give}>
        <label>
          <span>Address of objects</span>
          <input ref={url} type="text" inputMode="url" placeholder="https://…/objects" required />
        </label>
        <button type="submit">Use these objects</button>
      </form>
    </section>
  )
}

export function OpenMenu({ menuRef }: { readonly menuRef: RefObject<HTMLDialogElement | null> }) {
  const session = useSession()
  const digest = useRef<HTMLInputElement>(null)
  const close = () => menuRef.current?.close()
  const shown = session.documentOf(session.pane.value)
  const wish = () => {
    const text = digest.current?.value.trim() ?? ''
    if (digest.current !== null) digest.current.value = ''
    return text === '' ? {} : { digest: text }
  }
  return (
    <dialog ref={menuRef} class="open-menu" aria-labelledby="open-title">
      <h2 id="open-title">Open</h2>
      <section>
        <h3>From this computer</h3>
        <div class="open-buttons">
          <FilesButton primary wish={wish} onPick={close}>
            Images, dumps, archives…
          </FilesButton>
          <FolderButton onPick={close}>A folder…</FolderButton>
        </div>
        <label>
          <span>
            fs-verity digest the image must have <small>if it is to be checked</small>
          </span>
          <input
            ref={digest}
            type="text"
            class="mono"
            placeholder="64 hex digits"
            autoComplete="off"
            spellcheck={false}
          />
        </label>
      </section>
      <section>
        <h3>From the web</h3>
        <UrlForm onOpen={close} />
      </section>
      {shown !== undefined && <ObjectsFor info={shown} close={close} />}
      <div class="open-buttons open-end">
        <button
          type="button"
          onClick={() => {
            close()
            void openDemo(session)
          }}
        >
          The demo
        </button>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  )
}
