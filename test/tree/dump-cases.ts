// How a line of dump text is judged: one row a rule. A row that is accepted says what its image shows when it is read
// back; one that is refused, with which errno, in which line and field. Where the C tool is, it judges every row too.
import * as assert from 'uvu/assert'
import type { ErrnoName } from '../../src/format/errno.js'
import { treeFromDump } from '../../src/tree/dump-source.js'
import { TreeError } from '../../src/tree/tree-error.js'
import { newPool } from '../helpers/core.js'
import { skip } from '../helpers/paths.js'
import { bytesOf, C_MAKE, difference, dumpOfImage, imageByC, imageOfTree, NO_C_MAKE } from '../helpers/written.js'

/** The root line that nearly every row begins with. */
export const R = '/ 4096 40755 2 0 0 0 0.0 - - -\n'
/** What follows NLINK in the line of something that has nothing particular. */
export const REST = '0 0 0 0.0 - - -'
export const DIGEST = '0123456789abcdef'.repeat(4)

export interface Row {
  readonly rule: string
  /** The dump, a character a byte. */
  readonly dump: string
  readonly strict?: boolean
  /** Lines of the dump that is read back; none given, it is enough that it can be. */
  readonly shows?: readonly string[]
  /** Instead: errno, line and field of the refusal. */
  readonly error?: readonly [code: ErrnoName, line: number, field: string]
  /** Why the C tool decides otherwise. */
  readonly unlikeC?: string
}

type Suite = (name: string, run: () => void) => void

const pool = newPool()

function read({ dump, strict }: Row): ReturnType<typeof treeFromDump> | TreeError {
  try {
    return treeFromDump(bytesOf(dump), { strict })
  } catch (error) {
    if (error instanceof TreeError) return error
    throw error
  }
}

function judge(row: Row): void {
  const found = read(row)
  if (row.error !== undefined) {
    assert.instance(found, TreeError, 'was accepted')
    if (!(found instanceof TreeError)) return
    assert.equal([found.code, found.line, found.field], row.error, found.message)
    assert.ok(found.why.length > 0 && found.message.includes(found.why))
    return
  }
  if (found instanceof TreeError) throw found
  const shown = dumpOfImage(pool, imageOfTree(found)).toString('latin1').split('\n')
  for (const line of row.shows ?? []) assert.ok(shown.includes(line), `no line ${line} in\n${shown.join('\n')}`)
}

function judgeByC(tool: string, row: Row): void {
  const theirs = imageByC(tool, row.dump, { strict: row.strict })
  const accepted = typeof theirs !== 'string'
  const wanted = (row.error === undefined) !== (row.unlikeC !== undefined)
  assert.is(accepted, wanted, accepted ? 'the C tool accepts it' : `the C tool refuses it: ${theirs}`)
  const ours = read(row)
  if (typeof theirs === 'string' || ours instanceof TreeError) return
  assert.is(difference(imageOfTree(ours), theirs), undefined)
}

/** Says, once a file, that the C tool judges no row. */
export function skipWithoutC(suite: Parameters<typeof skip>[0]): void {
  if (C_MAKE === undefined) skip(suite, 'the same rows by the C tool', NO_C_MAKE)
}

/** Adds a test for every row, and its verdict by the C tool where there is one. */
export function addRows(suite: Suite, rows: readonly Row[]): void {
  for (const row of rows) {
    suite(row.rule, () => {
      judge(row)
      if (C_MAKE !== undefined) judgeByC(C_MAKE, row)
    })
  }
}
