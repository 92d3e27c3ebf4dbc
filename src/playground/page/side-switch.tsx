// On a phone: what a pane shows, its files or its content. The browser's way back leads from the content to the files.

import { FileText, FolderTree } from 'lucide-preact'
import { useEffect, useRef } from 'preact/hooks'
import { isPhone } from './phone.js'
import type { Pane } from './session.js'

export function SideSwitch({ pane }: { readonly pane: Pane }) {
  const side = pane.side.value
  const stepped = useRef(false)
  useEffect(() => {
    if (!isPhone()) return
    if (side === 'content' && !stepped.current) {
      stepped.current = true
      history.pushState(null, '', location.href)
    } else if (side === 'files' && stepped.current) {
      stepped.current = false
      history.back()
    }
  }, [side])
  useEffect(() => {
    const back = () => {
      if (!stepped.current) return
      stepped.current = false
      pane.side.value = 'files'
    }
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [pane])
  const show = (to: 'files' | 'content') => () => {
    pane.side.value = to
  }
  return (
    <nav class="side-switch" aria-label="What is shown">
      <button type="button" class="plain" aria-pressed={side === 'files'} onClick={show('files')}>
        <FolderTree size={18} aria-hidden="true" />
        Files
      </button>
      <button type="button" class="plain" aria-pressed={side === 'content'} onClick={show('content')}>
        <FileText size={18} aria-hidden="true" />
        Content
      </button>
    </nav>
  )
}
