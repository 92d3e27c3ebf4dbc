// The side of a pane: the search box, and the tree or what was found. Not here: either of them.

import { useComputed } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { DocumentInfo } from '../protocol.js'
import { useSession } from './context.js'
import { SearchPanel } from './search-panel.js'
import type { Pane } from './session.js'
import { TreePanel } from './tree-panel.js'
import { TreeTools } from './tree-tools.js'
import { useTree } from './use-tree.js'

interface SidePanelProps {
  readonly pane: Pane
  readonly document: DocumentInfo
}

function Side({ pane, document }: SidePanelProps) {
  const session = useSession()
  const tree = useTree(pane, document)
  const below = useRef<HTMLDivElement>(null)
  // Keys in the search box draw nothing of the tree.
  const searching = useComputed(() => pane.query.value !== '').value
  const focusTree = () => requestAnimationFrame(() => below.current?.querySelector<HTMLElement>('[role=tree]')?.focus())
  return (
    <aside class={`side${searching ? ' searching' : ''}`} aria-label="Files">
      <SearchPanel pane={pane} document={document} onLeave={focusTree} />
      {/* It stays where it is as long as something else is shown, and so does its place. */}
      <div class="side-tree" ref={below} inert={searching}>
        <TreeTools tree={tree} chosen={session.chosenIn(pane)} />
        <TreePanel pane={pane} document={document} tree={tree} />
      </div>
    </aside>
  )
}

export function SidePanel({ pane, document }: SidePanelProps) {
  return <Side key={document.id} pane={pane} document={document} />
}
