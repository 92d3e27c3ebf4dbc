// What page and worker say to each other of what is in files and folders. Not here: anything that runs.

import type { Entry } from './protocol.js'

export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'

/** What a file's bytes are, by its bytes. */
export interface ContentKind {
  readonly kind: 'empty' | 'text' | 'json' | 'picture' | 'audio' | 'video' | 'binary'
  /** For people: "PNG picture". */
  readonly about: string
  readonly mime: string
  /** Of a text, and of what can be read as one. */
  readonly encoding?: Encoding
}

/** Where a symlink leads. */
export interface Led {
  /** The path behind all links; undefined where there is nothing. */
  readonly path?: string
  /** Why there is nothing. */
  readonly problem?: string
}

/** The chosen entry. */
export interface ChosenEntry extends Entry {
  /** Of a device. */
  readonly device?: { readonly major: number; readonly minor: number }
  /** Of a symlink. */
  readonly leads?: Led
}

/** What is in a folder. */
export interface FolderCounts {
  readonly entries: number
  readonly folders: number
  readonly files: number
  readonly symlinks: number
  readonly others: number
}

/** Some of a folder's entries. */
export interface FolderWindow {
  readonly counts: FolderCounts
  readonly entries: readonly Entry[]
}

/** A part of a text. */
export interface TextPart {
  readonly text: string
  /** Which bytes of the file it is. */
  readonly start: number
  readonly end: number
  /** Lines that end in it. */
  readonly lines: number
}

/** What a download will take. */
export interface Weight {
  readonly entries: number
  /** Bytes of all files in it. */
  readonly bytes: number
  /** Entries that have no form in a tar. */
  readonly sockets: number
}

/** Texts are shown whole up to this size, and in parts of it beyond. Bytes. */
export const TEXT_PART = 1 << 20
/** Texts up to this size are one part. */
export const TEXT_WHOLE = 2 << 20
/** Pictures, sounds and films are shown up to this size. Bytes. */
export const MEDIA_MAX = 128 << 20
