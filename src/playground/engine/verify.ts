// Is an image what it claims to be, all of it, and are its objects? Runs in slices and can be looked at meanwhile, by whoever
// comes to look. Not here: one object (verify-object.ts), what is checked of the structure (src/overlay/image-check.ts).

import { Fault } from '../../format/errno.js'
import type { Sha256 } from '../../format/hash.js'
import { toHex } from '../../format/hex.js'
import { VerityHasher } from '../../format/verity.js'
import type { Image } from '../../image/image.js'
import { ImageCheck, type WantedObject } from '../../overlay/image-check.js'
import { wasmSha256 } from '../../store/wasm-sha256.js'
import type { DocumentId } from '../protocol.js'
import type { Finding, FindingKind, VerifyStage, VerifyState } from '../reports.js'
import type { Documents } from './documents.js'
import type { ImageMaps } from './image-map.js'
import { CANCELLED, Job } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { plainError } from './plain-words.js'
import { checkObject } from './verify-object.js'

/** Bytes that are hashed without a pause, about a hundredth of a second's work. */
const SLICE = 1 << 20
/** Objects of a store that is elsewhere, at once. */
const LANES = 6
const WINDOW_MAX = 512

/** One verification, as far as it has come. */
class Run {
  readonly document: OpenDocument
  readonly findings: Finding[] = []
  readonly counts: Record<FindingKind, number> = {
    structure: 0,
    missing: 0,
    size: 0,
    digest: 0,
    unreadable: 0,
    unchecked: 0,
  }
  readonly started = performance.now()
  stage: VerifyStage = 'image'
  text: string | undefined
  measured: string | undefined
  imageDone = 0
  entries = 0
  objects = 0
  objectsDone = 0
  bytes = 0
  bytesDone = 0
  objectsStarted = 0
  ended = 0
  cancelled = false

  constructor(document: OpenDocument) {
    this.document = document
  }

  find(finding: Finding): void {
    this.counts[finding.kind]++
    this.findings.push(finding)
  }

  get running(): boolean {
    return this.ended === 0
  }

  state(): VerifyState {
    const { parts, image } = this.document
    const now = this.running ? performance.now() : this.ended
    const { stage, text, measured, imageDone, entries, objects, objectsDone, bytes, bytesDone } = this
    return {
      stage,
      text,
      given: parts.digest?.toLowerCase(),
      measured,
      imageBytes: image.byteLength,
      imageDone,
      entries,
      objects,
      objectsDone,
      bytes,
      bytesDone,
      took: now - this.started,
      objectsTook: this.objectsStarted === 0 ? 0 : now - this.objectsStarted,
      store: parts.store?.label,
      findings: { ...this.counts },
    }
  }
}

export class Verify {
  readonly #documents: Documents
  readonly #maps: ImageMaps
  readonly #runs = new WeakMap<OpenDocument, Run>()
  #sha256: Promise<Sha256> | undefined

  constructor(documents: Documents, maps: ImageMaps) {
    this.#documents = documents
    this.#maps = maps
  }

  /** Begins; one that is under way goes on. */
  start(id: DocumentId): VerifyState {
    const document = this.#documents.get(id)
    const under = this.#runs.get(document)
    if (under?.running) return under.state()
    const run = new Run(document)
    this.#runs.set(document, run)
    void this.#run(run)
    return run.state()
  }

  /** undefined where it was never begun. */
  state(id: DocumentId): VerifyState | undefined {
    return this.#runs.get(this.#documents.get(id))?.state()
  }

  cancel(id: DocumentId): void {
    const run = this.#runs.get(this.#documents.get(id))
    if (run !== undefined) run.cancelled = true
  }

  /** What was found, of one kind or all. */
  findings(id: DocumentId, start: number, length: number, kind?: FindingKind): Finding[] {
    const all = this.#runs.get(this.#documents.get(id))?.findings ?? []
    const wanted = kind === undefined ? all : all.filter(one => one.kind === kind)
    return wanted.slice(start, start + Math.min(length, WINDOW_MAX))
  }

  async #run(run: Run): Promise<void> {
    const job = new Job(() => run.cancelled || run.document.image.closed, {
      what: 'Verifying',
      done: 0,
      total: 0,
      unit: 'bytes',
    })
    try {
      this.#sha256 ??= wasmSha256()
      const sha256 = await this.#sha256
      await this.#maps.fetchAll(run.document.id)
      const image = this.#maps.wholeOf(run.document) ?? run.document.image
      await measure(run, image, sha256, job)
      run.stage = 'structure'
      const wanted = await checkStructure(run, image, job)
      run.stage = 'objects'
      await checkObjects(run, wanted, sha256, job)
      run.stage = 'done'
    } catch (error) {
      const stopped = error instanceof Error && error.name === CANCELLED
      run.stage = stopped ? 'cancelled' : 'failed'
      if (!stopped) run.text = plainError('Verifying has failed', error).message
    } finally {
      run.ended = performance.now()
    }
  }
}

/** The digest of the image, a slice at a time. */
async function measure(run: Run, image: Image, sha256: Sha256, job: Job): Promise<void> {
  const hasher = new VerityHasher(sha256)
  for (let at = 0; at < image.byteLength; at += SLICE) {
    // Memory may have moved in between.
    hasher.update(image.core.bytes().subarray(at, at + SLICE))
    run.imageDone = Math.min(at + SLICE, image.byteLength)
    await job.pause(at)
  }
  run.measured = toHex(hasher.digest())
  const given = run.document.parts.digest?.toLowerCase()
  if (given === undefined || given === run.measured) return
  const text = 'The image has another fs-verity digest than the one that was given.'
  run.find({ kind: 'digest', path: '/', text, expected: given, actual: run.measured })
}

async function checkStructure(run: Run, image: Image, job: Job): Promise<ReadonlyMap<string, WantedObject>> {
  const check = new ImageCheck(image, (path, why) => run.find(structureFinding(path, why)))
  try {
    for (const _ of check.run()) {
      run.entries = check.entries
      await job.pause(check.entries)
    }
  } catch (error) {
    if (!(error instanceof Error) || error.name === CANCELLED) throw error
    run.find({ kind: 'structure', path: '/', text: error.message })
  }
  run.entries = check.entries
  return check.objects
}

function structureFinding(path: string, why: unknown): Finding {
  const text =
    why instanceof Fault ? `${why.detail === '' ? 'It can’t be read' : why.detail} [${why.code}]` : String(why)
  return { kind: 'structure', path, text }
}

async function checkObjects(
  run: Run,
  wanted: ReadonlyMap<string, WantedObject>,
  sha256: Sha256,
  job: Job,
): Promise<void> {
  run.objects = wanted.size
  for (const { size } of wanted.values()) run.bytes += size
  const { objects } = run.document.parts
  if (objects.isEmpty) return
  const store = objects.direct
  run.objectsStarted = performance.now()
  const all = wanted.entries()
  const lane = async (): Promise<void> => {
    for (const [name, object] of all) {
      const finding = await checkObject(store, name, object, sha256, async bytes => {
        run.bytesDone += bytes
        await job.pause(run.bytesDone)
      })
      if (finding !== undefined) run.find(finding)
      run.objectsDone++
      await job.pause(run.bytesDone)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}
