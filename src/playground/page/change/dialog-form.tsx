// What dialogs of changes are made of: a dialog that is open while it is drawn, and a form in which what is wrong is said, so that what
// was typed stays. Not here: any dialog.

import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Dialog } from './change-state.js'

export type Of<K extends Dialog['kind']> = Extract<Dialog, { readonly kind: K }>

/** A dialog that is open as long as it is drawn; Esc and whatever closes it call `onClose`. */
export function OpenDialog(props: {
  readonly title: string
  readonly class?: string
  readonly children: ComponentChildren
  onClose(): void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.current?.showModal()
    return () => before instanceof HTMLElement && before.isConnected && before.focus()
  }, [])
  return (
    <dialog
      ref={dialog}
      class={`change-dialog ${props.class ?? ''}`}
      aria-labelledby="change-dialog-title"
      onClose={() => props.onClose()}
    >
      <h2 id="change-dialog-title">
        <bdi>{props.title}</bdi>
      </h2>
      {props.children}
    </dialog>
  )
}

/** A form whose failure is told above its buttons. */
export function DialogForm(props: {
  readonly yes: string
  readonly danger?: boolean
  readonly children: ComponentChildren
  onSubmit(): Promise<unknown>
  onCancel(): void
}) {
  const [failure, setFailure] = useState<string>()
  const [busy, setBusy] = useState(false)
  const submit = async (event: SubmitEvent) => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    setFailure(undefined)
    try {
      await props.onSubmit()
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error))
      setBusy(false)
    }
  }
  return (
    <form onSubmit={event => void submit(event)}>
      {props.children}
      {failure !== undefined && (
        <p class="dialog-failure" role="alert">
          <bdi>{failure}</bdi>
        </p>
      )}
      <div class="dialog-buttons">
        <button type="button" onClick={() => props.onCancel()}>
          Cancel
        </button>
        <button type="submit" class={props.danger === true ? 'danger' : 'primary'} aria-disabled={busy}>
          {props.yes}
        </button>
      </div>
    </form>
  )
}

/** Said before the first edit. */
export function FirstChange() {
  return (
    <p class="dialog-note">
      This begins changing the image: a writable layer goes on top of it, in this page only. The image stays what it is.
    </p>
  )
}
