// The side of a pane: the search box, and the tree or what was found. Not here: either of them.

import type { DocumentInfo } from '../protocol.js'
import type { Pane } from './session.js'
import { TreePanel } from './tree-panel.js'

export function SidePanel({ pane, document }: { readonly pane: Pane; readonly document: DocumentInfo }) {
  return (
    <aside class="side" aria-label="Files">
      <TreePanel key={document.id} pane={pane} document={document} />
    </aside>
  )
}
