// What page and worker say to each other of changes: the writable layer on top of an image, what is different in it, and what is made of
// it. Not here: anything that runs.

import type { EntryType } from './protocol.js'

/** Bytes that the changes of an image may take. */
export const UPPER_SIZE = 256 << 20

/** How changing an image stands. */
export interface ChangesState {
  /** There is a writable layer on top. */
  readonly started: boolean
  readonly revision: number
  readonly count: number
  /** Bytes that the changes take, and may take. */
  readonly used: number
  readonly limit: number
  /** What would be undone, for people. */
  readonly undo?: string
}

export type ChangeKind = 'added' | 'modified' | 'deleted' | 'renamed'

/** One change. Paths are path text. */
export interface ChangeRow {
  readonly path: string
  readonly kind: ChangeKind
  /** For people: "file", "directory". */
  readonly type: string
  /** What of it is different. */
  readonly what: readonly string[]
  /** Where it was; what is not UTF-8 in it is U+FFFD. */
  readonly from?: string
}

export interface ChangeList {
  readonly counts: Readonly<Record<ChangeKind, number>>
  readonly rows: readonly ChangeRow[]
}

/** A text that can be saved again as it was, but for what is edited. */
export interface EditableText {
  readonly text: string
  readonly form: TextForm
}

/** What the editor does not keep of a text. */
export interface TextForm {
  readonly byteOrderMark: boolean
  readonly newline: '\n' | '\r\n' | '\r'
  /** Lines end in different ways. */
  readonly mixed: boolean
}

/** What is to be made in a folder. */
export interface NewEntry {
  readonly kind: 'file' | 'folder' | 'symlink'
  readonly name: string
  /** Of a symlink. */
  readonly target?: string
}

export interface Xattr {
  /** Path text, as names of entries are. */
  readonly name: string
  readonly value: Uint8Array
}

/** What can be edited of an entry, beside its name and its bytes. */
export interface Attributes {
  readonly type: EntryType
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Seconds since 1970, and the rest. */
  readonly mtime: number
  readonly mtimeNsec: number
  readonly xattrs: readonly Xattr[]
}

/** What is to be different; the rest stays. */
export interface AttributeEdit {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly mtime?: number
  readonly set: readonly Xattr[]
  readonly remove: readonly string[]
}

/** What became of files that were added. */
export interface Uploaded {
  readonly added: number
  /** Files whose names were taken; they wait to be put there nevertheless. */
  readonly waiting: number
  /** Some of them. */
  readonly examples: readonly string[]
}

/** A new image of what there is now. */
export interface CommittedImage {
  readonly name: string
  /** Its fs-verity digest, 64 hex digits. */
  readonly digest: string
  readonly image: Blob
  /** Objects that no store had, and their bytes. */
  readonly objects: number
  readonly objectBytes: number
  /** Of the document that it was made of. */
  readonly revision: number
}
