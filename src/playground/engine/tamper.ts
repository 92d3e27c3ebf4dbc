// The tamper demo: one byte of a copy is turned over, in the image, in an object or in the Merkle tree beside one, and each line of
// defence is asked whether it notices. Nothing that is open or stored is changed. Not here: what each of them says (tamper-image.ts,
// tamper-object.ts).

import type { Sha256 } from '../../format/hash.js'
import { treeName } from '../../store/object-name.js'
import type { ObjectStore } from '../../store/object-store.js'
import { wasmSha256 } from '../../store/wasm-sha256.js'
import { pathArgument } from '../path-text.js'
import type { DocumentId, DocumentInfo, JobId, ProgressListener } from '../protocol.js'
import type { Defence, TamperReport, TamperRequest } from '../reports.js'
import type { Documents } from './documents.js'
import type { ImageMaps } from './image-map.js'
import type { Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { closedMeanwhile, inPlainWords, PlainError } from './plain-words.js'
import { type NamedObject, objectsOf } from './sharing.js'
import { objectNameOf } from './sharing-object.js'
import { imageDefences } from './tamper-image.js'
import { objectDefences, treeDefences } from './tamper-object.js'
import { type Flip, TamperStore } from './tamper-store.js'

/** Bytes shown on either side of the one that was changed, at most. */
const AROUND = 24
/** Objects that are asked for a tree, the largest first. */
const TREES_TRIED = 6

/** What can be opened to be looked at: the copy. */
interface Tampered {
  readonly document: OpenDocument
  readonly bytes?: Uint8Array
  readonly store?: ObjectStore
  readonly path?: string
}

export class Tamper {
  readonly #documents: Documents
  readonly #maps: ImageMaps
  readonly #jobs: Jobs
  /** The last one alone is kept. */
  #last: Tampered | undefined
  #sha256: Promise<Sha256> | undefined

  constructor(documents: Documents, maps: ImageMaps, jobs: Jobs) {
    this.#documents = documents
    this.#maps = maps
    this.#jobs = jobs
  }

  run(id: DocumentId, request: TamperRequest, job?: JobId, listener?: ProgressListener): Promise<TamperReport> {
    return inPlainWords('Nothing was tampered with', async () => {
      const document = this.#documents.get(id)
      this.#sha256 ??= wasmSha256()
      const sha256 = await this.#sha256
      if (request.target === 'image') return this.#image(document, request, sha256, job, listener)
      return this.#object(document, request, sha256, job, listener)
    })
  }

  /** Opens the copy as an image of its own; with `checked` false objects are taken as they come. */
  open(checked: boolean): Promise<DocumentInfo> {
    return inPlainWords('The tampered copy can’t be opened', async () => {
      const last = this.#last
      if (last === undefined) throw new PlainError('ESTALE', 'Nothing has been tampered with yet.')
      const { name, store } = last.document.parts
      const whole = this.#maps.wholeOf(last.document)
      const bytes = last.bytes ?? whole?.bytes()
      if (bytes === undefined) throw closedMeanwhile()
      return this.#documents.add({
        bytes,
        options: { verity: checked ? 'on' : 'off' },
        name: `${name} (tampered)`,
        origin: 'file',
        store: last.store ?? store,
      })
    })
  }

  /** As long as the image is open. */
  #keep(last: Tampered): void {
    if (last.document.image.closed) throw closedMeanwhile()
    this.#last = last
    last.document.atClose(() => {
      if (this.#last === last) this.#last = undefined
    })
  }

  async #image(
    document: OpenDocument,
    { offset }: TamperRequest,
    sha256: Sha256,
    id?: JobId,
    listener?: ProgressListener,
  ): Promise<TamperReport> {
    await this.#maps.fetchAll(document.id, id, listener)
    const whole = this.#maps.wholeOf(document) ?? document.image
    const bytes = whole.bytes()
    const flip = flipAt('image', bytes.length, offset)
    const before = around(bytes, 0, flip)
    bytes[flip.offset] ^= flip.mask
    const job = this.#jobs.begin(id, { what: 'Looking what notices', done: 0, total: 0, unit: 'entries' }, listener)
    const { defences, closed } = await imageDefences({ document, whole, bytes, sha256, job })
    this.#keep({ document, bytes })
    return reportOf('image', document.parts.name, bytes.length, flip, before, around(bytes, 0, flip), defences, {
      closed,
    })
  }

  async #object(
    document: OpenDocument,
    { target, offset, path: chosen }: TamperRequest,
    sha256: Sha256,
    id?: JobId,
    listener?: ProgressListener,
  ): Promise<TamperReport> {
    const { store } = document.parts
    if (store === undefined) throw new PlainError('ENOENT', 'The image has no store. Open it with its objects first.')
    const job = this.#jobs.begin(id, { what: 'Looking for objects', done: 0, total: 0, unit: 'entries' }, listener)
    const all = (await objectsOf(document, job)).objects
    const picked =
      target === 'tree'
        ? await pickWithTree(store, all, await chosenObject(document, chosen))
        : pick(all, await chosenObject(document, chosen))
    if (picked === undefined) {
      const what =
        target === 'tree'
          ? 'No object of it has a Merkle tree beside it in the store.'
          : 'No file of it has its bytes in an object.'
      throw new PlainError('ENOENT', what)
    }
    const [object, { path, size }] = picked
    const name = target === 'tree' ? treeName(object) : object
    const opened = await store.open(name)
    try {
      const flip = flipAt(name, opened.size, offset)
      const start = Math.max(0, flip.offset - AROUND)
      const bytes = new Uint8Array(await opened.read(start, Math.min(2 * AROUND + 1, opened.size - start)))
      const before = around(bytes, start, flip)
      bytes[flip.offset - start] ^= flip.mask
      const tampered = new TamperStore(store, flip)
      const asked = { document, store, tampered, object, path, size, flip, sha256 }
      const defences = target === 'tree' ? await treeDefences(asked) : await objectDefences(asked)
      await this.#maps.fetchAll(document.id, id, listener)
      this.#keep({ document, store: tampered, path })
      return reportOf(target, name, opened.size, flip, before, around(bytes, start, flip), defences, { path })
    } finally {
      opened.close()
    }
  }
}

/** The object of the chosen file, if it has one. */
async function chosenObject(document: OpenDocument, path: string): Promise<string | undefined> {
  const { layer } = document.parts.mount
  try {
    const node = await document.ask(() => layer.resolve(pathArgument(path), true), path)
    return await document.ask(() => objectNameOf(layer, node), path)
  } catch {
    return undefined
  }
}

function pick(all: ReadonlyMap<string, NamedObject>, chosen: string | undefined): [string, NamedObject] | undefined {
  const named = chosen === undefined ? undefined : all.get(chosen)
  if (chosen !== undefined && named !== undefined && named.size > 0) return [chosen, named]
  const some = [...all].filter(([, { size }]) => size > 0)
  return some[Math.floor(Math.random() * some.length)]
}

async function pickWithTree(
  store: ObjectStore,
  all: ReadonlyMap<string, NamedObject>,
  chosen: string | undefined,
): Promise<[string, NamedObject] | undefined> {
  const byStart = [...all].sort((a, b) => b[1].size - a[1].size).slice(0, TREES_TRIED)
  const named = chosen === undefined ? undefined : all.get(chosen)
  if (chosen !== undefined && named !== undefined) byStart.unshift([chosen, named])
  for (const one of byStart) {
    const found = await store.stat(treeName(one[0])).catch(() => undefined)
    if (found !== undefined && found.size > 0) return one
  }
  return undefined
}

function flipAt(name: string, size: number, offset: number | undefined): Flip {
  if (size === 0) throw new PlainError('EINVAL', 'It is empty: there is no byte to change.')
  if (offset !== undefined && !(Number.isSafeInteger(offset) && offset >= 0 && offset < size)) {
    throw new PlainError('EINVAL', `There is no such byte: give a number from 0 to ${size - 1}.`)
  }
  return { name, offset: offset ?? Math.floor(Math.random() * size), mask: 1 << Math.floor(Math.random() * 8) }
}

function around(bytes: Uint8Array, start: number, { offset }: Flip): readonly number[] {
  const from = Math.max(0, offset - AROUND)
  return [...bytes.subarray(from - start, offset + AROUND + 1 - start)]
}

function reportOf(
  target: TamperReport['target'],
  label: string,
  size: number,
  { offset }: Flip,
  before: readonly number[],
  after: readonly number[],
  defences: readonly Defence[],
  more: { readonly path?: string; readonly closed?: string },
): TamperReport {
  const windowStart = Math.max(0, offset - AROUND)
  return { target, label, size, offset, windowStart, before, after, defences, ...more }
}
