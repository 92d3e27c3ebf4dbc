// What the page knows of changes: how each image stands, which texts are edited and not saved yet, and which menu or dialog is open.
// Not here: what is done to an image (actions.ts), how anything is drawn.

import { signal } from '@preact/signals'
import type { ChangesState, TextForm } from '../../changing.js'
import type { ChosenEntry } from '../../contents-protocol.js'
import { shownText } from '../../path-text.js'
import type { DocumentId, DocumentInfo } from '../../protocol.js'
import type { Things } from '../drop.js'
import type { Pane } from '../pane-state.js'
import { countText } from '../words.js'

/** A text that is edited, whether it is shown or not. */
export interface Editing {
  readonly id: DocumentId
  readonly path: string
  /** As it was saved last. */
  readonly text: string
  readonly form: TextForm
  readonly dirty: boolean
  /** What was typed, while the editor is not shown. */
  readonly draft?: string
}

/** An image in a pane. */
export interface Place {
  readonly pane: Pane
  readonly info: DocumentInfo
}

export interface OpenMenu extends Place {
  readonly entry: ChosenEntry
  /** Where in the window. */
  readonly x: number
  readonly y: number
}

export interface Question {
  readonly title: string
  readonly text: string
  /** What the button says that does it. */
  readonly yes: string
  readonly no?: string
  /** Something is lost by it. */
  readonly danger?: boolean
}

export type Dialog =
  | ({ readonly kind: 'new'; readonly what: 'file' | 'folder' | 'symlink'; readonly folder: string } & Place)
  | ({ readonly kind: 'move'; readonly path: string } & Place)
  | ({ readonly kind: 'attributes'; readonly path: string } & Place)
  | ({ readonly kind: 'drop'; readonly things: Things; readonly folder: string } & Place)
  | { readonly kind: 'question'; readonly question: Question; answer(yes: boolean): void }

export class ChangeState {
  readonly states = signal<ReadonlyMap<DocumentId, ChangesState>>(new Map())
  readonly editing = signal<readonly Editing[]>([])
  readonly menu = signal<OpenMenu | undefined>(undefined)
  readonly dialog = signal<Dialog | undefined>(undefined)

  note(id: DocumentId, state: ChangesState): void {
    this.states.value = new Map(this.states.value).set(id, state)
  }

  count(id: DocumentId): number {
    return this.states.value.get(id)?.count ?? 0
  }

  editingOf(id: DocumentId, path: string): Editing | undefined {
    return this.editing.value.find(one => one.id === id && one.path === path)
  }

  /** Texts of an image that are not saved. */
  unsaved(id: DocumentId): readonly Editing[] {
    return this.editing.value.filter(one => one.id === id && one.dirty)
  }

  edit(editing: Editing): void {
    const others = this.editing.value.filter(one => one.id !== editing.id || one.path !== editing.path)
    this.editing.value = [...others, editing]
  }

  /** Changes what is known of a text that is edited. */
  update(id: DocumentId, path: string, known: Partial<Pick<Editing, 'text' | 'form' | 'dirty' | 'draft'>>): void {
    this.editing.value = this.editing.value.map(one =>
      one.id === id && one.path === path ? { ...one, ...known } : one,
    )
  }

  stopEditing(id: DocumentId, path: string): void {
    this.editing.value = this.editing.value.filter(one => one.id !== id || one.path !== path)
  }

  /** Texts go along with a name that has changed. */
  moved(id: DocumentId, from: string, to: string): void {
    this.editing.value = this.editing.value.map(one => {
      const within = one.id === id && (one.path === from || one.path.startsWith(`${from}/`))
      return within ? { ...one, path: to + one.path.slice(from.length) } : one
    })
  }

  /** Nothing of an image is edited any more. */
  forget(id: DocumentId): void {
    this.editing.value = this.editing.value.filter(one => one.id !== id)
  }

  closed(id: DocumentId): void {
    this.forget(id)
    const states = new Map(this.states.value)
    states.delete(id)
    this.states.value = states
  }

  /** Whether something would be lost with the page. */
  get anything(): boolean {
    return this.editing.value.some(one => one.dirty) || [...this.states.value.values()].some(one => one.count > 0)
  }

  /** Asks before an image is closed whose changes would be lost. */
  async mayClose(id: DocumentId, name: string): Promise<boolean> {
    const [count, unsaved] = [this.count(id), this.unsaved(id).length]
    if (count === 0 && unsaved === 0) return true
    const lost = [
      ...(count === 0 ? [] : [`${countText(count)} ${count === 1 ? 'change' : 'changes'}`]),
      ...(unsaved === 0
        ? []
        : [`${countText(unsaved)} ${unsaved === 1 ? 'text that is' : 'texts that are'} not saved`]),
    ]
    return this.ask({
      title: `Close ${shownText(name)}?`,
      text: `${lost.join(' and ')} will be lost. Export or commit them first to keep them.`,
      yes: 'Close it',
      danger: true,
    })
  }

  ask(question: Question): Promise<boolean> {
    return new Promise(resolve => {
      this.dialog.value = { kind: 'question', question, answer: resolve }
    })
  }
}
