// The page's state: which images are open, what each pane shows, and what people are told. Signals, so that what is drawn follows.
// Not here: how anything is drawn, and what an image holds.

import { computed, type Signal, signal } from '@preact/signals'
import { proxy } from 'comlink'
import { fragmentToPath, pathToFragment } from '../path-text.js'
import type { DocumentId, DocumentInfo, JobId, Progress, ProgressListener } from '../protocol.js'
import { ChangeState } from './change/change-state.js'
import type { EngineCalls } from './engine.js'
import type { Pane } from './pane-state.js'

export type { Pane } from './pane-state.js'

import { isPhone } from './phone.js'

export interface Notice {
  readonly id: number
  readonly kind: 'error' | 'info'
  readonly text: string
}

export interface Job {
  readonly id: number
  readonly progress: Signal<Progress>
  cancel(): void
}

export const DEFAULT_VIEW = 'contents'
const INFO_MS = 6000
/** What was shown for less is no step of the browser's way back: keys run through many entries. */
const STAY_MS = 700
/** What is asked of an image just when it is closed fails a little later. */
const CLOSING_MS = 1000

function newPane(): Pane {
  return {
    document: signal(undefined),
    chosen: signal(new Map()),
    view: signal(DEFAULT_VIEW),
    query: signal(''),
    side: signal('files'),
    place: signal(undefined),
  }
}

export class Session {
  readonly engine: EngineCalls
  readonly documents = signal<readonly DocumentInfo[]>([])
  readonly panes: readonly [Pane, Pane] = [newPane(), newPane()]
  /** Whether both panes are shown. */
  readonly sideBySide = signal(false)
  readonly active = signal(0)
  readonly notices = signal<readonly Notice[]>([])
  readonly jobs = signal<readonly Job[]>([])
  readonly change = new ChangeState()
  readonly pane = computed(() => this.panes[this.active.value])
  #next = 1
  #shownAt = 0
  #closedAt = Number.NEGATIVE_INFINITY

  constructor(engine: EngineCalls) {
    this.engine = engine
  }

  documentOf(pane: Pane): DocumentInfo | undefined {
    return this.documents.value.find(one => one.id === pane.document.value)
  }

  chosenIn(pane: Pane): string {
    const id = pane.document.value
    return (id === undefined ? undefined : pane.chosen.value.get(id)) ?? '/'
  }

  /** Chooses an entry of the pane's image, and shows it in a view if one is named. */
  choose(pane: Pane, path: string, view?: string): void {
    const id = pane.document.value
    if (id === undefined) return
    pane.chosen.value = new Map(pane.chosen.value).set(id, path)
    if (view !== undefined) pane.view.value = view
    this.#showAddress()
  }

  /** Shows an image in a pane. */
  show(id: DocumentId, pane: Pane = this.pane.value): void {
    pane.document.value = id
    this.#showAddress()
  }

  /** Two panes, or one again. */
  splitOrJoin(): void {
    this.sideBySide.value = !this.sideBySide.value
    const other = this.panes[1 - this.active.value]
    const shown = this.pane.value.document.value
    if (this.sideBySide.value && (other.document.value === undefined || other.document.value === shown))
      other.document.value = this.documents.value.find(one => one.id !== shown)?.id
  }

  /** Takes up an image that the worker has opened. */
  opened(info: DocumentInfo, path?: string): void {
    this.documents.value = [...this.documents.value.filter(one => one.id !== info.id), info]
    const other = this.panes[1 - this.active.value]
    const pane = this.sideBySide.value && other.document.value === undefined ? other : this.pane.value
    // What was looked for in another would hide what is in this one.
    pane.query.value = ''
    this.show(info.id, pane)
    if (path !== undefined) this.choose(pane, path)
  }

  /** Something about an image is no longer what it was. */
  async refresh(id: DocumentId): Promise<void> {
    const info = await this.engine.documents.info(id)
    this.documents.value = this.documents.value.map(one => (one.id === id ? info : one))
  }

  async close(id: DocumentId): Promise<void> {
    if (!(await this.change.mayClose(id, this.documents.value.find(one => one.id === id)?.name ?? ''))) return
    this.change.closed(id)
    this.#closedAt = performance.now()
    this.documents.value = this.documents.value.filter(one => one.id !== id)
    for (const pane of this.panes) {
      const chosen = new Map(pane.chosen.value)
      chosen.delete(id)
      pane.chosen.value = chosen
      if (pane.document.value !== id) continue
      pane.document.value = this.documents.value.at(-1)?.id
      pane.query.value = ''
    }
    this.#showAddress()
    await this.attempt(() => this.engine.documents.close(id))
  }

  say(text: string, kind: Notice['kind'] = 'info'): void {
    const id = this.#next++
    this.notices.value = [...this.notices.value.slice(-3), { id, kind, text }]
    if (kind === 'info') setTimeout(() => this.unsay(id), INFO_MS)
  }

  unsay(id: number): void {
    this.notices.value = this.notices.value.filter(one => one.id !== id)
  }

  /** Does something; what fails is told, and undefined answered. */
  async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    const begun = performance.now()
    try {
      return await action()
    } catch (error) {
      if (!this.#isWanted(error, begun)) this.complain(error)
      return undefined
    }
  }

  /** Whether something ended because people wished it: they cancelled it, or closed what it was about. */
  #isWanted(error: unknown, begun: number): boolean {
    if (!(error instanceof Error)) return false
    return error.name === 'AbortError' || (error.name === 'ESTALE' && this.#closedAt > begun - CLOSING_MS)
  }

  /** Long work, with how far it has come where people see it, and a way to cancel it. */
  async work<T>(what: string, action: (job: JobId, listener: ProgressListener) => Promise<T>): Promise<T | undefined> {
    const id = this.#next++
    const job: Job = {
      id,
      progress: signal({ what, done: 0, total: 0, unit: 'bytes' }),
      cancel: () => void this.engine.jobs.cancel(id),
    }
    const listener = proxy((progress: Progress) => {
      job.progress.value = progress
    })
    this.jobs.value = [...this.jobs.value, job]
    const begun = performance.now()
    try {
      return await action(id, listener)
    } catch (error) {
      if (!this.#isWanted(error, begun)) this.complain(error)
      return undefined
    } finally {
      this.jobs.value = this.jobs.value.filter(one => one !== job)
    }
  }

  /** Tells of a failure. */
  complain(error: unknown): void {
    this.say(error instanceof Error ? error.message : String(error), 'error')
  }

  /** Shows what a step of the browser's history stood for, and answers true, where that is an image that is open. */
  revisit(step: unknown, path: string): boolean {
    const info = this.documents.value.find(one => stepOf(one) === step)
    if (info === undefined) return false
    this.#shownAt = performance.now()
    this.pane.value.document.value = info.id
    this.choose(this.pane.value, path)
    return true
  }

  /**
   * The address bar holds a link to what is shown, where the image came from a URL. The browser's way back leads to what was shown
   * before; on a phone it leads from the content to the files (side-switch.tsx).
   */
  #showAddress(): void {
    const pane = this.pane.value
    const info = this.documentOf(pane)
    const address = info === undefined ? location.pathname : linkTo(info, this.chosenIn(pane))
    const step = info === undefined ? null : stepOf(info)
    const now = performance.now()
    const isStep = typeof history.state === 'string' && now - this.#shownAt > STAY_MS && !isPhone()
    this.#shownAt = now
    if (isStep && new URL(address, location.href).href !== location.href) history.pushState(step, '', address)
    else history.replaceState(step, '', address)
  }
}

/** What the browser's history keeps of an image. Numbers of documents begin anew when the page does. */
function stepOf(info: DocumentInfo): string {
  return `${performance.timeOrigin}/${info.id}`
}

/** What can be shared: the image, its store, and the path. */
export function linkTo(info: DocumentInfo, path: string): string {
  const query = new URLSearchParams()
  if (info.url !== undefined) query.set('image', info.url)
  if (info.url !== undefined && info.storeUrl !== undefined) query.set('store', info.storeUrl)
  if (info.url !== undefined && info.digest !== undefined) query.set('digest', info.digest)
  const search = query.toString().replaceAll('%2F', '/')
  return `${location.pathname}${search === '' ? '' : `?${search}`}#${pathToFragment(path)}`
}

/** What a link asks for. */
export interface Wanted {
  readonly image?: string
  readonly store?: string
  readonly digest?: string
  readonly path: string
}

export function wantedBy(address: Location): Wanted {
  const query = new URLSearchParams(address.search)
  const path = fragmentToPath(address.hash.slice(1))
  return {
    image: query.get('image') ?? undefined,
    store: query.get('store') ?? undefined,
    digest: query.get('digest') ?? undefined,
    path: path.startsWith('/') ? path : '/',
  }
}
