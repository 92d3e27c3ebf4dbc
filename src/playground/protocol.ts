// What the page and its worker say to each other, as plain values that can be copied between them. The worker's calls are the
// classes of engine/, which the page sees through comlink. Not here: anything that runs.

/** Which of the open images. */
export type DocumentId = number

/** How an open image came here. */
export type DocumentOrigin = 'file' | 'url' | 'dump' | 'folder' | 'archive' | 'commit'

export interface DocumentInfo {
  readonly id: DocumentId
  /** For people: a file's name, the last part of a URL. */
  readonly name: string
  readonly origin: DocumentOrigin
  /** Where it came from, if that can be shared as a link. */
  readonly url?: string
  readonly storeUrl?: string
  readonly format: 'composefs' | 'erofs' | 'cfs-v1'
  readonly version?: number
  /** Bytes of the image. */
  readonly size: number
  /** fs-verity SHA-256 that it was opened with, 64 hex digits; what it is without one is to be asked for. */
  readonly digest?: string
  readonly lazy: boolean
  /** For people: where its objects are; undefined where there are none. */
  readonly store?: string
  /** There is a writable layer on top. */
  readonly writable: boolean
  /** Counts what has been changed, so that views know when they are old. */
  readonly revision: number
}

export type EntryType = 'file' | 'dir' | 'symlink' | 'chr' | 'blk' | 'fifo' | 'sock' | 'unknown'

export type Badge =
  | 'hard-link'
  | 'whiteout'
  | 'opaque'
  | 'setuid'
  | 'setgid'
  | 'sticky'
  | 'capability'
  | 'acl'
  | 'added'
  | 'modified'
  | 'broken'

/** One entry as lists show it. */
export interface Entry {
  /** Path text (path-text.ts). */
  readonly path: string
  readonly name: string
  readonly type: EntryType
  /** Type and permission bits. */
  readonly mode: number
  /** Bytes. */
  readonly size: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970. */
  readonly mtime: number
  /** Of a symlink. */
  readonly target?: string
  readonly badges: readonly Badge[]
}

/** A row of the tree. */
export interface Row extends Entry {
  readonly depth: number
  readonly expanded: boolean
  /** Which of how many in its folder, from 1. */
  readonly position: number
  readonly setSize: number
}

export type SortKey = 'name' | 'size' | 'mtime' | 'type'

export interface Sorting {
  readonly key: SortKey
  readonly descending: boolean
}

/** What the tree is after a change of what it shows. */
export interface TreeState {
  /** Rows. */
  readonly count: number
  /** Counts the changes. */
  readonly generation: number
  readonly sorting: Sorting
}

/** Rows of the tree, from one on. */
export interface RowWindow extends TreeState {
  readonly start: number
  readonly rows: readonly Row[]
}

export type SearchKind = 'text' | 'glob' | 'regex'

/** An entry that was found, and which part of its path was looked for, in code units. */
export interface Found extends Entry {
  readonly from: number
  readonly to: number
}

export interface SearchResult {
  /** Entries found. */
  readonly count: number
  /** Milliseconds in the worker. */
  readonly took: number
  /** Which search: later windows ask by it. */
  readonly search: number
  /** How what was typed was understood. */
  readonly kind: SearchKind
  /** Whole paths were looked at, not names alone. */
  readonly onPaths: boolean
  /** Why nothing was looked for, in words. */
  readonly problem?: string
  /** Folders whose names are not among those looked at, since they can’t be read. */
  readonly unread: number
  /** The first of them. */
  readonly entries: readonly Found[]
}

/** How far long work has come. `total` is 0 where it is not known. */
export interface Progress {
  readonly what: string
  readonly done: number
  readonly total: number
  readonly unit: 'bytes' | 'files' | 'entries'
}

/** Long work that can be cancelled by this number: `engine.jobs.cancel(id)`. */
export type JobId = number

export type ProgressListener = (progress: Progress) => void

/** Something that was dropped or picked: a file, a folder's handle, or a folder that holds nothing. */
export interface Dropped {
  /** Its name, after those of the folders it was found in; a slash between. */
  readonly path: string
  readonly file?: File
  readonly folder?: FileSystemDirectoryHandle
}

/** What is wished of things that were dropped. */
export interface TakeWish {
  /** The image that gets objects which came without one. */
  readonly into?: DocumentId
  /** The fs-verity digest that images have to have, 64 hex digits. */
  readonly digest?: string
  /** Only objects are taken. */
  readonly objectsOnly?: boolean
}

/** What became of things that were dropped. */
export interface Taken {
  readonly opened: readonly DocumentInfo[]
  /** Images that have got objects. */
  readonly given: readonly DocumentInfo[]
  /** Sentences for people, of what could not be opened. */
  readonly problems: readonly string[]
}

/** What is to be opened by URL; relative ones are the page's. */
export interface UrlWish {
  readonly image: string
  /** Where its objects are. */
  readonly store?: string
  /** As of `TakeWish`. */
  readonly digest?: string
}
