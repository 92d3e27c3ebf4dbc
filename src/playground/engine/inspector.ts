// What the inspector shows: an entry with how it is stored, the structures at its bytes, bytes of the image, and whether its object
// is what it should be. Not here: the map of the image (image-map.ts).

import { factsOf, fieldsAt, fieldsOf } from '../../anatomy/anatomy.js'
import { bytesAt } from '../../anatomy/structures.js'
import { Fault, isUnread, type Outcome } from '../../format/errno.js'
import { fromHex } from '../../format/hex.js'
import { CONSTANTS } from '../../format/structs.js'
import type { ImageNode } from '../../overlay/image-layer.js'
import { type Attr, newAttr } from '../../overlay/layer.js'
import { wasmSha256 } from '../../store/wasm-sha256.js'
import type { CheckResult, Inspection, ObjectFacts, ShownNumbers, StoredFacts, StructurePlace } from '../inspection.js'
import { pathArgument, pathBytes, pathNames, pathText } from '../path-text.js'
import type { DocumentId, JobId, ProgressListener } from '../protocol.js'
import type { Documents } from './documents.js'
import type { ImageMaps } from './image-map.js'
import { checkResult } from './inspector-check.js'
import { direntOf } from './inspector-dirent.js'
import { shownStructure, storedFacts } from './inspector-shapes.js'
import type { Jobs } from './jobs.js'
import type { OpenDocument } from './open-document.js'
import { inPlainWords, PlainError } from './plain-words.js'
import { checkObject } from './verify-object.js'

const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
const REDIRECT = 'trusted.overlay.redirect'
/** Bytes of one answer. */
const BYTES_MAX = 1 << 16

/** Where a path is in the image. */
interface Found {
  readonly node: ImageNode
  /** nid of the directory that it is in, and its name there; undefined for the root. */
  readonly above: { readonly nid: number; readonly name: Uint8Array } | undefined
}

export class Inspector {
  readonly #documents: Documents
  readonly #maps: ImageMaps
  readonly #jobs: Jobs
  /** How checks ended, by name of the object. */
  readonly #checked = new WeakMap<OpenDocument, Map<string, CheckResult>>()

  constructor(documents: Documents, maps: ImageMaps, jobs: Jobs) {
    this.#documents = documents
    this.#maps = maps
    this.#jobs = jobs
  }

  /** All that is known of an entry. */
  look(id: DocumentId, path: string): Promise<Inspection> {
    return inPlainWords('The entry can’t be inspected', async () => {
      const document = this.#documents.get(id)
      const { layer } = document
      const node = await document.nodeAt(path)
      const attr = newAttr()
      await document.done(() => layer.stat(node, attr), path)
      const isLink = (attr.mode & S_IFMT) === S_IFLNK
      const target = isLink ? await document.ask(() => layer.readlink(node), path) : undefined
      const found = await inImage(document, path)
      const stored = found === undefined ? undefined : await storedAt(document, found)
      const object = stored === undefined ? undefined : objectFacts(document, stored, attr.mode)
      return {
        path,
        numbers: numbersOf(attr),
        target: target === undefined ? undefined : pathText(target),
        stored,
        changed: document.working !== undefined && (await isChanged(document, found, attr)),
        object,
        checked: object === undefined ? undefined : this.#checked.get(document)?.get(object.name),
        checkedOnRead: object?.digest !== undefined,
      }
    })
  }

  /** The structure at a byte of the image. */
  at(id: DocumentId, offset: number): Promise<StructurePlace> {
    return inPlainWords('The bytes can’t be told apart', async () => {
      const document = this.#documents.get(id)
      const map = await this.#maps.mapOf(document)
      const image = this.#maps.wholeOf(document) ?? document.image
      const found = await document.ask(() => fieldsAt(image, offset, map), 'structure')
      const nid = found?.nid
      return {
        structure: found === undefined ? undefined : shownStructure(found.structure),
        nid,
        path: nid === undefined ? undefined : await this.#maps.pathOf(document, nid),
      }
    })
  }

  /** Bytes of the image, from `offset` on. */
  bytes(id: DocumentId, offset: number, length: number): Promise<Uint8Array> {
    return inPlainWords('The image can’t be read', async () => {
      const document = this.#documents.get(id)
      const image = this.#maps.wholeOf(document) ?? document.image
      const most = Math.min(length, BYTES_MAX, image.byteLength - offset)
      return most <= 0 ? new Uint8Array(0) : document.ask(() => bytesAt(image, offset, most), 'image')
    })
  }

  /** Hashes the object of an entry. */
  check(id: DocumentId, path: string, job?: JobId, listener?: ProgressListener): Promise<CheckResult> {
    return inPlainWords('The object can’t be checked', async () => {
      const document = this.#documents.get(id)
      const { object, numbers } = await this.look(id, path)
      const { store } = document.parts
      if (object === undefined) throw new PlainError('EINVAL', 'The entry has no object: there is nothing to check.')
      if (store === undefined)
        throw new PlainError(
          'ENOENT',
          'No store of objects is open. Open the folder that holds them, then check again.',
        )
      const progress = { what: `Checking ${path}`, done: 0, total: numbers.size, unit: 'bytes' } as const
      const work = this.#jobs.begin(job, progress, listener)
      const wanted = {
        size: numbers.size,
        digest: object.digest === undefined ? undefined : fromHex(object.digest),
        path,
      }
      let done = 0
      const finding = await checkObject(store, object.name, wanted, await wasmSha256(), async bytes => {
        done += bytes
        await work.pause(done)
      })
      const result = checkResult(finding, object.digest)
      const kept = this.#checked.get(document) ?? new Map<string, CheckResult>()
      this.#checked.set(document, kept.set(object.name, result))
      return result
    })
  }
}

function numbersOf(attr: Attr): ShownNumbers {
  const { mode, uid, gid, size, nlink, rdev, ino, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = attr
  return { mode, uid, gid, size, nlink, rdev, ino, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec }
}

/** Where the image itself has a path; undefined where it does not. */
async function inImage(document: OpenDocument, path: string): Promise<Found | undefined> {
  const { layer } = document.parts.mount
  let node = layer.root as ImageNode
  let above: Found['above']
  for (const name of pathNames(path)) {
    const dir = node
    try {
      node = (await document.ask(() => layer.lookup(dir, pathArgument(name)), path)) as ImageNode
    } catch (error) {
      if (document.working !== undefined && error instanceof Error && 'code' in error) return undefined
      throw error
    }
    above = { nid: dir.nid, name: pathBytes(name) }
  }
  return { node, above }
}

/** A part that can't be read is no reason to show nothing. */
function orNone<T>(answer: Outcome<T>): Outcome<T | undefined> {
  return answer instanceof Fault && !isUnread(answer) ? undefined : answer
}

async function storedAt(document: OpenDocument, { node, above }: Found): Promise<StoredFacts> {
  const { image } = document
  const facts = await document.ask(() => factsOf(image, node.nid), 'inode')
  const fields = await document.ask(() => fieldsOf(image, node.nid), 'inode')
  const dirent =
    above === undefined
      ? undefined
      : await document.ask(() => orNone(direntOf(image, above.nid, above.name)), 'directory')
  return storedFacts(facts, fields, dirent)
}

async function isChanged(document: OpenDocument, found: Found | undefined, now: Attr): Promise<boolean> {
  if (found === undefined) return true
  const was = newAttr()
  await document.done(() => document.parts.mount.layer.stat(found.node, was), 'inode')
  return was.ino !== now.ino || was.ctimeSec !== now.ctimeSec || was.ctimeNsec !== now.ctimeNsec
}

/** Name in the store of what a file's redirect says. */
function objectFacts({ image, parts }: OpenDocument, stored: StoredFacts, mode: number): ObjectFacts | undefined {
  if ((mode & S_IFMT) !== S_IFREG || stored.redirect === undefined || (!image.view.redirects && !image.view.backed))
    return undefined
  const value = stored.xattrs.find(one => one.name === REDIRECT)?.value
  const name = (value === undefined ? stored.redirect : new TextDecoder().decode(value)).replace(/^\/+/, '')
  return { name, digest: stored.digest, store: parts.store?.label }
}
