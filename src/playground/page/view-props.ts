// What every view is given. Not here: which views there are (views.tsx).

import type { DocumentInfo } from '../protocol.js'
import type { Pane } from './session.js'

export interface ViewProps {
  readonly pane: Pane
  readonly document: DocumentInfo
  /** Path text of what is chosen. */
  readonly path: string
}
