// What is wrong with a tree, or with the text or the call that makes one. Not here: how a command words it.

import { type ErrnoName, errnoText } from '../format/errno.js'

/** Where a TreeError belongs. */
export interface TreeErrorPlace {
  /** Line of the dump, from 1. */
  readonly line?: number
  /** Field of that line, in the dump format's own words: PATH, SIZE, MODE … */
  readonly field?: string
  /** Node of the tree. */
  readonly node?: number
  readonly cause?: unknown
}

/** Thrown by whatever builds, reads or writes a Tree. */
export class TreeError extends Error {
  override readonly name = 'TreeError'
  readonly line: number | undefined
  readonly field: string | undefined
  readonly node: number | undefined

  constructor(
    readonly code: ErrnoName,
    /** What was wrong, in words for a person, without the place. */
    readonly why: string = errnoText(code),
    place: TreeErrorPlace = {},
  ) {
    const where = [place.line === undefined ? '' : `line ${place.line}`, place.field ?? ''].filter(Boolean).join(': ')
    super(where === '' ? why : `${where}: ${why}`, place.cause === undefined ? undefined : { cause: place.cause })
    this.line = place.line
    this.field = place.field
    this.node = place.node
  }
}
