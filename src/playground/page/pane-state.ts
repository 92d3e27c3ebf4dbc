// What one pane shows. Not here: what it does (session.ts), how it is drawn (pane.tsx).

import type { Signal } from '@preact/signals'
import type { DocumentId } from '../protocol.js'

/** A part of the window that shows one image. */
export interface Pane {
  readonly document: Signal<DocumentId | undefined>
  /** Path text of what is chosen, by document. */
  readonly chosen: Signal<ReadonlyMap<DocumentId, string>>
  /** Name of the view. */
  readonly view: Signal<string>
  /** What the search box holds; the tree is shown where it is empty. */
  readonly query: Signal<string>
  /** What of it is seen where there is room for one only. */
  readonly side: Signal<'files' | 'content'>
  /** A byte of the image that is to be shown along with a path. */
  readonly place: Signal<{ readonly path: string; readonly offset: number } | undefined>
}
