// What differs between two open images, as a tree of rows that the page asks for by windows. Not here: how images are compared
// (src/image/image-diff.ts), the rows (diff-tree.ts).

import { faultError } from '../../format/errno.js'
import type { Sha256 } from '../../format/hash.js'
import { CONSTANTS } from '../../format/structs.js'
import { contentName, type EntryChange } from '../../image/entry-diff.js'
import { type DiffListener, DiffSide, imageDiff } from '../../image/image-diff.js'
import type { TreeEntries } from '../../image/tree-entries.js'
import { wasmSha256 } from '../../store/wasm-sha256.js'
import { baseName, pathText } from '../path-text.js'
import type { DocumentId, JobId, ProgressListener } from '../protocol.js'
import type { DiffFilter, DiffRow, DiffSummary } from '../reports.js'
import { type DiffNode, DiffTree } from './diff-tree.js'
import type { Documents } from './documents.js'
import { entryType } from './entry-facts.js'
import type { ImageMaps } from './image-map.js'
import type { Job, Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, PlainError } from './plain-words.js'

const { S_IFMT, S_IFREG } = CONSTANTS
const WINDOW_MAX = 512

export class Diff {
  readonly #documents: Documents
  readonly #maps: ImageMaps
  readonly #jobs: Jobs
  #sha256: Promise<Sha256> | undefined

  constructor(documents: Documents, maps: ImageMaps, jobs: Jobs) {
    this.#documents = documents
    this.#maps = maps
    this.#jobs = jobs
  }

  /** Compares two images as they were opened; what was compared before is not compared again. */
  compare(
    from: DocumentId,
    to: DocumentId,
    filter: DiffFilter,
    job?: JobId,
    listener?: ProgressListener,
  ): Promise<DiffSummary> {
    return inPlainWords('The images can’t be compared', async () => {
      const [a, b] = [this.#documents.get(from), this.#documents.get(to)]
      for (const { image, parts } of [a, b]) {
        if (image.format === 'erofs')
          throw new PlainError(
            'ENOTSUP',
            `${parts.name} is an EROFS image without the composefs header. Only composefs images are compared.`,
          )
      }
      const key = `diff ${to}`
      const tree = await a
        .keep(key, () => {
          b.atClose(() => a.kept.delete(key))
          return this.#make(a, b, job, listener)
        })
        .catch(error => {
          a.kept.delete(key)
          throw error
        })
      return tree.show(filter)
    })
  }

  window(from: DocumentId, to: DocumentId, start: number, length: number): Promise<DiffRow[]> {
    return this.#with(from, to, tree => tree.window(start, Math.min(length, WINDOW_MAX)))
  }

  /** Unfolds or folds a folder. */
  toggle(from: DocumentId, to: DocumentId, path: string, unfold?: boolean): Promise<DiffSummary> {
    return this.#with(from, to, tree => tree.toggle(path, unfold))
  }

  /** Unfolds or folds all. */
  toggleAll(from: DocumentId, to: DocumentId, unfold: boolean): Promise<DiffSummary> {
    return this.#with(from, to, tree => tree.toggleAll(unfold))
  }

  #with<T>(from: DocumentId, to: DocumentId, action: (tree: DiffTree) => T): Promise<T> {
    return inPlainWords('The differences can’t be shown', async () => {
      const kept = this.#documents.get(from).kept.get(`diff ${to}`)
      if (kept === undefined) throw new PlainError('ESTALE', 'The images have not been compared yet.')
      return action(await (kept as Promise<DiffTree>))
    })
  }

  async #make(from: OpenDocument, to: OpenDocument, id?: JobId, listener?: ProgressListener): Promise<DiffTree> {
    this.#sha256 ??= wasmSha256()
    const sha256 = await this.#sha256
    await this.#maps.fetchAll(from.id, id, listener)
    await this.#maps.fetchAll(to.id, id, listener)
    const job = this.#jobs.begin(id, { what: 'Comparing', done: 0, total: 0, unit: 'entries' }, listener)
    const side = (document: OpenDocument) =>
      new DiffSide(this.#maps.wholeOf(document) ?? document.image, fault => faultError(fault, document.parts.name))
    const gathered = new Gathering(sha256)
    await compareAll(side(from), side(to), gathered, sha256, job)
    await gathered.pairMoved(job)
    return gathered.tree
  }
}

async function compareAll(a: DiffSide, b: DiffSide, listener: DiffListener, sha256: Sha256, job: Job): Promise<void> {
  let done = 0
  for (const _ of imageDiff(a, b, listener, sha256)) await job.pause(++done)
}

/** Makes the tree of what it is told. */
class Gathering implements DiffListener {
  readonly tree = new DiffTree()
  readonly #sha256: Sha256
  /** Files that came or went, by what is in them. */
  readonly #came = new Map<string, DiffNode[]>()
  readonly #went = new Map<string, DiffNode[]>()

  constructor(sha256: Sha256) {
    this.#sha256 = sha256
  }

  added(entry: TreeEntries): void {
    this.#file(this.#came, entry, this.tree.add(pathOf(entry), 'added', entryType(entry.mode), []))
  }

  removed(entry: TreeEntries): void {
    this.#file(this.#went, entry, this.tree.add(pathOf(entry), 'removed', entryType(entry.mode), []))
  }

  changed(entry: TreeEntries, changes: readonly EntryChange[]): void {
    this.tree.add(pathOf(entry), 'changed', entryType(entry.mode), [...changes])
  }

  #file(into: Map<string, DiffNode[]>, entry: TreeEntries, node: DiffNode): void {
    if (entry.hardLink || entry.size === 0 || (entry.mode & S_IFMT) !== S_IFREG) return
    const content = contentName(entry, this.#sha256)
    const known = into.get(content)
    if (known === undefined) into.set(content, [node])
    else known.push(node)
  }

  /** A file that went and one of the same bytes that came are one that was moved: of the same name first, else if there is but one. */
  async pairMoved(job: Job): Promise<void> {
    let done = 0
    for (const [content, came] of this.#came) {
      const went = byName(this.#went.get(content) ?? [])
      const left: DiffNode[] = []
      for (const node of came) {
        await job.pause(++done)
        const same = went.get(baseName(node.path))?.shift()
        if (same === undefined) left.push(node)
        else this.tree.move(same, node)
      }
      const rest = [...went.values()].flat()
      if (left.length === 1 && rest.length === 1) this.tree.move(rest[0], left[0])
    }
  }
}

function byName(nodes: readonly DiffNode[]): Map<string, DiffNode[]> {
  const found = new Map<string, DiffNode[]>()
  for (const node of nodes) {
    const name = baseName(node.path)
    const known = found.get(name)
    if (known === undefined) found.set(name, [node])
    else known.push(node)
  }
  return found
}

function pathOf({ path, pathLength }: TreeEntries): string {
  return pathText(path.slice(0, pathLength))
}
