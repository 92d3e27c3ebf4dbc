// The bar on top: the project's name, ways to open something, the open images as tabs, and how the page looks.

import { Columns2, FolderOpen, Moon, Package, PanelLeft, PanelRight, Sun, X } from 'lucide-preact'
import { useEffect, useRef } from 'preact/hooks'
import { shownText } from '../path-text.js'
import type { DocumentInfo } from '../protocol.js'
import { useSession } from './context.js'
import { CopyLink } from './copy-link.js'
import { KeysHelp } from './keys-help.js'
import { OpenMenu } from './open-menu.js'
import { useTheme } from './theme.js'
import { bytesText } from './words.js'

/** Which pane shows an image, where there are two. */
function PanesOf({ info }: { readonly info: DocumentInfo }) {
  const session = useSession()
  const [left, right] = session.panes.map(pane => pane.document.value === info.id)
  return (
    <>
      {left && <PanelLeft size={14} role="img" aria-label="in the left pane" />}
      {right && <PanelRight size={14} role="img" aria-label="in the right pane" />}
    </>
  )
}

function DocumentTab({ info }: { readonly info: DocumentInfo }) {
  const session = useSession()
  const shown = session.pane.value.document.value === info.id
  const tab = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (shown) tab.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [shown])
  return (
    <div ref={tab} class={`document-tab${shown ? ' chosen' : ''}`} role="presentation">
      <button
        type="button"
        aria-pressed={shown}
        title={`${info.format}, ${bytesText(info.size)}`}
        onClick={() => session.show(info.id)}
      >
        <bdi>{shownText(info.name)}</bdi>
        {session.sideBySide.value && <PanesOf info={info} />}
        {info.revision > 0 && info.writable && <span title="changed">•</span>}
      </button>
      <button
        type="button"
        class="plain"
        aria-label={`Close ${shownText(info.name)}`}
        onClick={() => void session.close(info.id)}
      >
        <X size={14} aria-hidden="true" />
      </button>
    </div>
  )
}

export function Header() {
  const session = useSession()
  const { documents, sideBySide } = session
  const [theme, toggleTheme] = useTheme()
  const menu = useRef<HTMLDialogElement>(null)
  return (
    <header class="top">
      <h1>
        <Package size={20} aria-hidden="true" />
        <span>composefs</span>
      </h1>
      <button type="button" class="primary" onClick={() => menu.current?.showModal()}>
        <FolderOpen size={16} aria-hidden="true" />
        <span>Open…</span>
      </button>
      <nav class="documents" aria-label="Open images">
        {documents.value.map(info => (
          <DocumentTab key={info.id} info={info} />
        ))}
      </nav>
      <CopyLink />
      {documents.value.length > 0 && (
        <button
          type="button"
          class="plain wide-only"
          aria-label="Show two images side by side"
          title="Side by side"
          aria-pressed={sideBySide.value}
          onClick={() => session.splitOrJoin()}
        >
          <Columns2 size={18} aria-hidden="true" />
        </button>
      )}
      <KeysHelp />
      <button
        type="button"
        class="plain"
        aria-label={theme === 'dark' ? 'Light colours' : 'Dark colours'}
        title={theme === 'dark' ? 'Light' : 'Dark'}
        onClick={toggleTheme}
      >
        {theme === 'dark' ? <Sun size={18} aria-hidden="true" /> : <Moon size={18} aria-hidden="true" />}
      </button>
      <OpenMenu menuRef={menu} />
    </header>
  )
}
