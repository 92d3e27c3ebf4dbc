// The whole page: the bar on top, one or two panes or the start screen, and what people are told. Not here: what a pane shows.

import { useEffect, useState } from 'preact/hooks'
import { shownText } from '../path-text.js'
import { dropInto } from './change/actions.js'
import { ChangeLayer } from './change/change-layer.js'
import { useSession } from './context.js'
import { droppedThings } from './drop.js'
import { Header } from './header.js'
import { Notices } from './notices.js'
import { openThings } from './opening.js'
import { PaneView } from './pane.js'
import { StartScreen } from './start-screen.js'

/** Whether something is being dragged over the page, and what is done with it when it is let go. */
function useDropping(): boolean {
  const session = useSession()
  const [over, setOver] = useState(false)
  useEffect(() => {
    const ended = new AbortController()
    const { signal } = ended
    const isFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true
    addEventListener(
      'dragover',
      event => {
        if (!isFiles(event)) return
        event.preventDefault()
        setOver(true)
      },
      { signal },
    )
    addEventListener('dragleave', event => event.relatedTarget === null && setOver(false), { signal })
    addEventListener(
      'drop',
      event => {
        if (event.dataTransfer === null || !isFiles(event)) return
        event.preventDefault()
        setOver(false)
        const things = droppedThings(event.dataTransfer)
        const pane = session.pane.value
        const info = session.documentOf(pane)
        if (info?.writable !== true) void openThings(session, things)
        else void dropInto(session, { pane, info }, things)
      },
      { signal },
    )
    return () => ended.abort()
  }, [session])
  return over
}

/** The window is called as what it shows. */
function useTitle(): void {
  const session = useSession()
  const name = session.documentOf(session.pane.value)?.name
  useEffect(() => {
    document.title = name === undefined ? 'composefs playground' : `${shownText(name)} · composefs playground`
  }, [name])
}

export function App() {
  const session = useSession()
  useTitle()
  const dropping = useDropping()
  const { documents, sideBySide, panes, active } = session
  const none = documents.value.length === 0
  return (
    <div class={`app${dropping ? ' dropping' : ''}`}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {none ? (
          <StartScreen />
        ) : (
          <div class={`panes${sideBySide.value ? ' two' : ''}`}>
            {panes.map((pane, index) =>
              sideBySide.value || index === active.value ? (
                <PaneView key={String(index)} pane={pane} index={index} />
              ) : null,
            )}
          </div>
        )}
        <ChangeLayer />
      </main>
      <Notices />
      {dropping && <div class="drop-hint">Let go to open it here. Nothing is uploaded.</div>}
    </div>
  )
}
