// What the worker tells of whole images: where the bytes are, what is shared, what differs, what is wrong. Plain values. Not here:
// anything that runs; rows of the tree (protocol.ts).

import type { DocumentId, EntryType } from './protocol.js'

/** What the areas of a treemap stand for. */
export type Measure = 'bytes' | 'objects' | 'entries'

/** What a file is, by its name and mode; `folder` where nothing is in it. */
export type FileKind =
  | 'folder'
  | 'program'
  | 'library'
  | 'source'
  | 'text'
  | 'media'
  | 'archive'
  | 'link'
  | 'special'
  | 'other'

export interface TreemapNode {
  readonly name: string
  readonly path: string
  readonly type: EntryType
  /** What it is; of a folder what most of it is. */
  readonly kind: FileKind
  /** Bytes of files and symlinks, an inode with several names counted at the first one. */
  readonly bytes: number
  /** Bytes of objects, each counted where it is met first. */
  readonly objects: number
  /** Names, its own among them. */
  readonly entries: number
  /** Of a folder that has been looked into, the largest first. */
  readonly children?: readonly TreemapNode[]
  /** How many small entries stand together in this one; it has no path of its own. */
  readonly together?: number
}

export interface TreemapReport {
  readonly root: TreemapNode
  /** Entries that can't be read, in all of the image. */
  readonly broken: number
}

export interface Amount {
  readonly objects: number
  readonly bytes: number
}

export interface SharingImage extends Amount {
  readonly id: DocumentId
  readonly name: string
  /** Bytes of the image itself. */
  readonly imageBytes: number
  /** Files whose bytes are in objects, and these bytes without any sharing; hard links once. */
  readonly files: number
  readonly fileBytes: number
  /** In no other open image. */
  readonly unique: Amount
  /** What it takes beyond the images that were opened before it. */
  readonly adds: Amount
}

export interface SharingSet extends Amount {
  /** The images that have these objects, and no others do. */
  readonly ids: readonly DocumentId[]
}

export interface SharingReport {
  readonly images: readonly SharingImage[]
  /** The largest first. */
  readonly sets: readonly SharingSet[]
  /** All objects, each once. */
  readonly together: Amount
}

export interface SharedObject {
  readonly object: string
  readonly size: number
  readonly ids: readonly DocumentId[]
  /** A path that needs it, in each of the images. */
  readonly paths: readonly string[]
}

export type DiffKind = 'added' | 'removed' | 'changed'
export type DiffAspect = 'content' | 'mode' | 'owner' | 'time' | 'xattrs' | 'type' | 'target' | 'links'

export interface DiffDetail {
  readonly what: string
  readonly from: string
  readonly to: string
}

export interface DiffFilter {
  readonly kind: DiffKind | 'moved' | 'all'
  readonly aspect: DiffAspect | 'all'
  /** Whether what differs in time alone is left out. */
  readonly withoutTimes: boolean
}

export interface DiffCounts {
  readonly added: number
  readonly removed: number
  readonly changed: number
}

export interface DiffSummary extends DiffCounts {
  /** Pairs of a file that went and one of the same bytes that came. */
  readonly moved: number
  readonly aspects: Readonly<Record<DiffAspect, number>>
  /** Rows with this filter and these folders. */
  readonly rows: number
}

export interface DiffRow {
  readonly path: string
  readonly name: string
  readonly depth: number
  /** undefined for a folder that is the same itself. */
  readonly kind: DiffKind | undefined
  readonly type: EntryType
  readonly details: readonly DiffDetail[]
  /** Where a moved file is in the other image. */
  readonly moved?: string
  /** Of what is below it, with the filter. */
  readonly below: DiffCounts
  readonly folder: boolean
  readonly expanded: boolean
}

export type VerifyStage = 'none' | 'image' | 'structure' | 'objects' | 'done' | 'cancelled' | 'failed'
export type FindingKind = 'structure' | 'missing' | 'size' | 'digest' | 'unreadable' | 'unchecked'

export interface Finding {
  readonly kind: FindingKind
  readonly path: string
  /** One plain sentence. */
  readonly text: string
  readonly object?: string
  readonly expected?: string
  readonly actual?: string
}

export interface VerifyState {
  readonly stage: VerifyStage
  /** Why it failed. */
  readonly text?: string
  readonly given?: string
  readonly measured?: string
  readonly imageBytes: number
  readonly imageDone: number
  readonly entries: number
  /** Objects that the image names. */
  readonly objects: number
  readonly objectsDone: number
  readonly bytes: number
  readonly bytesDone: number
  /** Milliseconds so far, and those of them that objects took. */
  readonly took: number
  readonly objectsTook: number
  /** Where the objects are; undefined: nowhere. */
  readonly store?: string
  readonly findings: Readonly<Record<FindingKind, number>>
}

export type TamperTarget = 'image' | 'object' | 'tree'

export interface TamperRequest {
  readonly target: TamperTarget
  /** Byte to be changed; any one where undefined. */
  readonly offset?: number
  /** The file whose object is meant; any one where it has none. */
  readonly path: string
}

export type Outcome = 'noticed' | 'passed' | 'not asked'

/** One line of defence, and what became of it. */
export interface Defence {
  readonly name: string
  readonly about: string
  readonly outcome: Outcome
  readonly text: string
  readonly expected?: string
  readonly actual?: string
}

export interface TamperReport {
  readonly target: TamperTarget
  /** What was changed, for people: the image's name, an object's, a tree's. */
  readonly label: string
  readonly path?: string
  readonly size: number
  readonly offset: number
  /** The bytes around it, before and after. */
  readonly windowStart: number
  readonly before: readonly number[]
  readonly after: readonly number[]
  readonly defences: readonly Defence[]
  /** Why it can't be opened to be looked at. */
  readonly closed?: string
}
