// The writable layer on top of each open image: begun with the first edit, edits one after the other, each whole or not at all, the
// last ones undone. Not here: how an edit is done (changes-edits.ts), what is made of the changes (changes-export.ts).

import { mount } from '../../any-host.js'
import type { Mount } from '../../mount.js'
import type {
  AttributeEdit,
  Attributes,
  ChangeList,
  ChangesState,
  EditableText,
  NewEntry,
  TextForm,
  Uploaded,
} from '../changing.js'
import { UPPER_SIZE } from '../changing.js'
import { baseName, shownText } from '../path-text.js'
import type { Badge, DocumentId, DocumentInfo, Dropped, JobId, ProgressListener } from '../protocol.js'
import { attributesOf, editAttributes } from './changes-attributes.js'
import { makeEntry, moveEntry, removeEntry } from './changes-edits.js'
import { EditFs } from './changes-fs.js'
import { badgesOf, changesOf } from './changes-list.js'
import { editableText, textBytes } from './changes-text.js'
import { putItems, uploadItems } from './changes-upload.js'
import type { Documents } from './documents.js'
import type { Item } from './intake-items.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, PlainError } from './plain-words.js'

/** Changes that take more are not kept as they were before each edit. Bytes. */
const UNDO_BYTES = 64 << 20
const UNDO_STEPS = 50

/** How it was before an edit. */
interface Step {
  readonly label: string
  readonly before: Uint8Array
}

/** What is known of one document. */
interface Kept {
  /** Done when no edit is under way. */
  last: Promise<unknown>
  steps: Step[]
  /** The document's revision after the newest step: another one means that others have changed something since. */
  revision: number
  /** Files whose names were taken. */
  waiting: { readonly folder: string; readonly items: readonly Item[] } | undefined
  /** The program that runs on a copy of the changes. */
  program: string | undefined
  closed: boolean
}

/** An edit, for people: what could not be done, and what would be undone. */
interface Words {
  readonly failed: string
  readonly label: string
}

export class Changes {
  readonly #documents: Documents
  readonly #jobs: Jobs
  readonly #limit: number
  readonly #kept = new WeakMap<OpenDocument, Kept>()

  /** `limit`: bytes that the changes of one image may take. */
  constructor(documents: Documents, jobs: Jobs, limit: number = UPPER_SIZE) {
    this.#documents = documents
    this.#jobs = jobs
    this.#limit = limit
  }

  /** Puts a writable layer on top, unless there is one. */
  start(id: DocumentId): Promise<DocumentInfo> {
    return inPlainWords('The image can’t be changed', () => {
      const document = this.#documents.get(id)
      return this.#next(document, async () => {
        await this.#working(document)
        return document.info()
      })
    })
  }

  /** The image as it is, without any change. */
  discard(id: DocumentId): Promise<DocumentInfo> {
    return inPlainWords('The changes can’t be discarded', () => {
      const document = this.#documents.get(id)
      return this.#next(document, async () => {
        const kept = this.#keptOf(document)
        kept.steps = []
        kept.waiting = undefined
        if (document.working !== undefined) document.work(undefined)
        return document.info()
      })
    })
  }

  state(id: DocumentId): Promise<ChangesState> {
    return inPlainWords('The changes can’t be read', async () => {
      const document = this.#documents.get(id)
      const { working, revision } = document
      const { rows } = await changesOf(document)
      const kept = this.#keptOf(document)
      const undo = kept.revision === revision ? kept.steps.at(-1)?.label : undefined
      const used = working === undefined ? 0 : await usedBytes(working, this.#limit)
      return { started: working !== undefined, revision, count: rows.length, used, limit: this.#limit, undo }
    })
  }

  list(id: DocumentId): Promise<ChangeList> {
    return inPlainWords('The changes can’t be listed', () => changesOf(this.#documents.get(id)))
  }

  /** For lists of entries. */
  async badges(document: OpenDocument): Promise<ReadonlyMap<string, Badge>> {
    // A list of entries is of use without badges; the view of changes says why there are none.
    return badgesOf(document).catch(() => new Map())
  }

  /** Undoes the newest edit. Answers what it was; undefined where there is none. */
  undo(id: DocumentId): Promise<string | undefined> {
    return inPlainWords('The change can’t be undone', () => {
      const document = this.#documents.get(id)
      return this.#next(document, async () => {
        const kept = this.#keptOf(document)
        const step = kept.revision === document.revision ? kept.steps.pop() : undefined
        if (step === undefined || document.working === undefined) return undefined
        document.working.restore(step.before)
        document.changed()
        kept.revision = document.revision
        return step.label
      })
    })
  }

  /** A file's text as it can be edited. Throws for what is none. */
  text(id: DocumentId, path: string): Promise<EditableText> {
    return inPlainWords(`${shownText(baseName(path))} can’t be edited`, () =>
      editableText(this.#documents.get(id), path),
    )
  }

  /** Gives a file another text. */
  save(id: DocumentId, path: string, text: string, form: TextForm): Promise<void> {
    const name = shownText(baseName(path))
    return this.#edit(id, { failed: `${name} can’t be saved`, label: `the edit of ${name}` }, fs =>
      fs.writeFile(path, textBytes(text, form)),
    )
  }

  /** Makes an entry in a folder; answers its path. */
  make(id: DocumentId, folder: string, entry: NewEntry): Promise<string> {
    const name = shownText(entry.name)
    return this.#edit(id, { failed: `${name} can’t be made`, label: `the new ${entry.kind} ${name}` }, fs =>
      makeEntry(fs, folder, entry),
    )
  }

  /** Gives an entry another path. */
  move(id: DocumentId, from: string, to: string): Promise<void> {
    const name = shownText(baseName(from))
    return this.#edit(id, { failed: `${name} can’t be renamed`, label: `the new name of ${name}` }, fs =>
      moveEntry(fs, from, to),
    )
  }

  /** Removes an entry, and all that is in it. */
  remove(id: DocumentId, path: string, jobId?: JobId, listener?: ProgressListener): Promise<void> {
    const name = shownText(baseName(path))
    const job = this.#jobs.begin(jobId, { what: `Deleting ${name}`, done: 0, total: 0, unit: 'entries' }, listener)
    return this.#edit(id, { failed: `${name} can’t be deleted`, label: `the deletion of ${name}` }, fs =>
      removeEntry(fs, path, job),
    )
  }

  attributes(id: DocumentId, path: string): Promise<Attributes> {
    return inPlainWords(`${shownText(baseName(path))} can’t be read`, () =>
      attributesOf(new EditFs(this.#documents.get(id).mount.fs), path),
    )
  }

  setAttributes(id: DocumentId, path: string, edit: AttributeEdit): Promise<void> {
    const name = shownText(baseName(path) || '/')
    return this.#edit(id, { failed: `${name} can’t be changed so`, label: `the new attributes of ${name}` }, fs =>
      editAttributes(fs, path, edit),
    )
  }

  /** Adds files and folders of the user's to a folder. Those whose names are taken wait. */
  upload(
    id: DocumentId,
    folder: string,
    dropped: readonly Dropped[],
    jobId?: JobId,
    listener?: ProgressListener,
  ): Promise<Uploaded> {
    const job = this.#uploading(jobId, listener)
    const words = { failed: 'The files can’t be added', label: `what was added to ${shownText(folder)}` }
    return this.#edit(id, words, async (fs, document) => {
      const items = await uploadItems(dropped, job)
      const { added, taken } = await putItems(fs, folder, items, job, false)
      this.#keptOf(document).waiting = taken.length === 0 ? undefined : { folder, items: taken }
      return { added, waiting: taken.length, examples: taken.slice(0, 3).map(({ path }) => path) }
    })
  }

  /** Puts those in the place of what has their names; or forgets them. */
  async replaceWaiting(id: DocumentId, yes: boolean, jobId?: JobId, listener?: ProgressListener): Promise<number> {
    const kept = this.#keptOf(this.#documents.get(id))
    const { waiting } = kept
    kept.waiting = undefined
    if (waiting === undefined || !yes) return 0
    const job = this.#uploading(jobId, listener)
    const words = { failed: 'The files can’t be replaced', label: `what was replaced in ${shownText(waiting.folder)}` }
    return this.#edit(id, words, async fs => (await putItems(fs, waiting.folder, waiting.items, job, true)).added)
  }

  /**
   * Has a program run that changes a copy of all changes, and answers those that there are then: one step. Nothing else is changed
   * meanwhile, since it would be lost.
   */
  async byProgram<T extends { readonly snapshot?: Uint8Array }>(
    document: OpenDocument,
    path: string,
    run: (before: Uint8Array, limit: number) => Promise<T>,
  ): Promise<T> {
    const kept = this.#keptOf(document)
    const name = shownText(baseName(path))
    const turn = this.#next(document, async () => {
      const working = await this.#working(document)
      const { revision } = document
      const before = working.snapshot()
      const answer = await run(before, this.#limit)
      if (answer.snapshot === undefined) return answer
      working.restore(answer.snapshot)
      const step = { label: `what ${name} changed`, before }
      this.#noteStep(document, revision, before.length > UNDO_BYTES ? undefined : step)
      return answer
    })
    kept.program = name
    try {
      return await turn
    } finally {
      kept.program = undefined
    }
  }

  #uploading(jobId: JobId | undefined, listener: ProgressListener | undefined): Job {
    return this.#jobs.begin(jobId, { what: 'Adding files', done: 0, total: 0, unit: 'bytes' }, listener)
  }

  /** Does an edit when those before it are done. Where it fails all is as it was. */
  #edit<T>(id: DocumentId, words: Words, action: (fs: EditFs, document: OpenDocument) => Promise<T>): Promise<T> {
    return inPlainWords(words.failed, () => {
      const document = this.#documents.get(id)
      return this.#next(document, async () => {
        const working = await this.#working(document)
        const { revision } = document
        const before = (await usedBytes(working, this.#limit)) > UNDO_BYTES ? undefined : working.snapshot()
        try {
          const answer = await action(new EditFs(working.fs), document)
          this.#noteStep(document, revision, before === undefined ? undefined : { label: words.label, before })
          return answer
        } catch (error) {
          // Not where others have changed something meanwhile: it would be lost.
          const alone = document.revision === revision && document.working === working
          if (before !== undefined && alone) working.restore(before)
          document.changed()
          this.#keptOf(document).revision = alone ? document.revision : -1
          throw isFull(error) ? noRoom(words.failed, this.#limit) : error
        }
      })
    })
  }

  #noteStep(document: OpenDocument, revision: number, step: Step | undefined): void {
    const kept = this.#keptOf(document)
    if (kept.revision !== revision || step === undefined) kept.steps = []
    if (step !== undefined && document.revision === revision) kept.steps.push(step)
    kept.steps = newestWithin(kept.steps)
    document.changed()
    kept.revision = document.revision
  }

  #next<T>(document: OpenDocument, action: () => Promise<T>): Promise<T> {
    const kept = this.#keptOf(document)
    if (kept.program !== undefined) throw running(kept.program)
    const done = kept.last.then(action)
    kept.last = done.catch(() => undefined)
    return done
  }

  #keptOf(document: OpenDocument): Kept {
    const kept = this.#kept.get(document)
    if (kept === undefined) {
      const made: Kept = {
        last: Promise.resolve(),
        steps: [],
        revision: -1,
        waiting: undefined,
        program: undefined,
        closed: false,
      }
      this.#kept.set(document, made)
      document.atClose(() => {
        made.closed = true
      })
      return made
    }
    return kept
  }

  async #working(document: OpenDocument): Promise<Mount> {
    if (document.working !== undefined) return document.working
    const { image, objects } = document.parts
    const made = await mount(image, { store: objects, writable: true, upperSize: this.#limit })
    if (this.#keptOf(document).closed) {
      made.unmount()
      throw new PlainError('ESTALE', 'The image was closed meanwhile.')
    }
    document.work(made)
    return made
  }
}

/** The newest of them, as many as may be kept. */
function newestWithin(steps: readonly Step[]): Step[] {
  let bytes = 0
  let from = steps.length
  while (from > 0 && steps.length - from < UNDO_STEPS && bytes + steps[from - 1].before.length <= UNDO_BYTES) {
    from--
    bytes += steps[from].before.length
  }
  return steps.slice(from)
}

async function usedBytes(working: Mount, limit: number): Promise<number> {
  const { bsize, bavail } = await working.fs.promises.statfs('/')
  return Math.max(0, limit - bavail * bsize)
}

function running(program: string): PlainError {
  return new PlainError(
    'EBUSY',
    `${program} runs in the terminal, and may change the same. Wait for its end, or end it there with Ctrl-C.`,
  )
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC'
}

function noRoom(failed: string, limit: number): PlainError {
  const most = `${Math.floor(limit / 2 ** 20).toLocaleString('en')} MiB`
  return new PlainError(
    'ENOSPC',
    `${failed}: the changes of an image may take ${most} here, and this would be more. Nothing has been changed. ` +
      'Commit what there is to a new image and go on from that one, or undo something.',
  )
}
