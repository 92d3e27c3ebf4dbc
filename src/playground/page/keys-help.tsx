// The keys of the page: those that hold everywhere, and the dialog that lists all. Not here: keys of one list or view.

import { Keyboard } from 'lucide-preact'
import { useEffect, useRef } from 'preact/hooks'
import { useSession } from './context.js'
import { searchBoxId } from './search-panel.js'
import type { Session } from './session.js'

const KEYS: readonly { readonly where: string; readonly keys: readonly (readonly [string, string])[] }[] = [
  {
    where: 'Everywhere',
    keys: [
      ['/', 'Search'],
      ['?', 'These keys'],
      ['F6', 'The next part: search, tree, views; Shift+F6 the one before'],
      ['Tab', 'The next control'],
      ['Esc', 'Close a dialog, leave the search'],
    ],
  },
  {
    where: 'Tree',
    keys: [
      ['↑ ↓', 'One row up, down'],
      ['→', 'Unfold; then to the first entry'],
      ['←', 'Fold; then to the folder above'],
      ['Home End', 'First, last row'],
      ['PgUp PgDn', 'One page up, down'],
      ['Enter', 'Show what is in it'],
      ['Space', 'Fold or unfold'],
      ['*', 'Unfold all below'],
      ['letters', 'The next name that begins so'],
    ],
  },
  {
    where: 'Search',
    keys: [
      ['↑ ↓', 'Through what was found'],
      ['Enter', 'Show it in the tree'],
      ['Esc', 'Back to the tree'],
      ['* ? [ ]', 'Make it a glob; a / looks at whole paths'],
      ['A…Z', 'A capital makes capitals count'],
    ],
  },
  {
    where: 'Views and splitter',
    keys: [['← →', 'The next view; a wider side']],
  },
]

/** Whether what is typed goes into a text. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable], .xterm') !== null
}

/** Parts that F6 goes through, as they stand on the page. */
function goOn(back: boolean): void {
  const parts = [
    ...document.querySelectorAll<HTMLElement>('.search input, [role=tree], .results, .view-tabs [tabindex="0"]'),
  ].filter(part => part.closest('[inert]') === null && part.checkVisibility({ visibilityProperty: true }))
  const { activeElement } = document
  const at = parts.indexOf(activeElement as HTMLElement)
  const beyond = at >= 0 ? at : parts.filter(part => isBefore(part, activeElement)).length - (back ? 0 : 1)
  parts.at((beyond + (back ? -1 : 1) + parts.length) % parts.length)?.focus()
}

function isBefore(part: Node, other: Node | null): boolean {
  return other !== null && (part.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0
}

function onKey(session: Session, event: KeyboardEvent, help: () => void): void {
  const { key, ctrlKey, metaKey, altKey, defaultPrevented } = event
  if (ctrlKey || metaKey || altKey || defaultPrevented || document.querySelector('dialog[open]') !== null) return
  if (key === 'F6') goOn(event.shiftKey)
  else if (isTyping(event.target)) return
  else if (key === '?') help()
  else if (key === '/') {
    session.pane.value.side.value = 'files'
    const box = searchBoxId(session.active.value)
    requestAnimationFrame(() => document.getElementById(box)?.focus())
  } else return
  event.preventDefault()
}

/** The button of the help, and its dialog. */
export function KeysHelp() {
  const session = useSession()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const listen = (event: KeyboardEvent) => onKey(session, event, () => dialog.current?.showModal())
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [session])
  return (
    <>
      <button
        type="button"
        class="plain wide-only"
        aria-label="Keys"
        title="Keys  ( ? )"
        aria-keyshortcuts="?"
        onClick={() => dialog.current?.showModal()}
      >
        <Keyboard size={18} aria-hidden="true" />
      </button>
      <dialog ref={dialog} class="keys-help" aria-labelledby="keys-title">
        <h2 id="keys-title">Keys</h2>
        {KEYS.map(({ where, keys }) => (
          <section key={where}>
            <h3>{where}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split(' ').map(one => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </dialog>
    </>
  )
}
