// Trees that make no image although every line of their dump is good: no room for the marks that the writer adds
// (spec composefs-image.md 1.2, 3). The C tool refuses, and takes, the same ones.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../helpers/paths.js'
import { C_MAKE, difference, imageByC, imageOfDump, NO_C_MAKE, refusal } from '../helpers/written.js'

const LONG = 'v'.repeat(100)
const R = '/ 4096 40755 2 0 0 0 0.0 - - -\n'
const W = '/d/w 0 20644 1 0 0 0 0.0 - - -\n'
const root = (xattrs: string) => R.replace('\n', ` ${xattrs}\n`)
const d = (xattrs: string) => `${R}/d 0 40755 2 0 0 0 0.0 - - - ${xattrs}\n`
const file = (xattrs: string, size = 5) => `${R}/f ${size} 100644 1 0 0 0 0.0 p - - ${xattrs}\n`
const whiteout = (xattrs: string) => `${R}/w 0 20644 1 0 0 0 0.0 - - - ${xattrs}\n`
/** As much as one attribute may hold (composefs-image.md 1.2). */
const FULL = `user.a=${'v'.repeat(32767 - 12 - 7 - 6)}`

/** A dump, and the line of what is refused in it; 0 where nothing is. */
const ROWS: readonly [what: string, dump: string, line: number][] = [
  ['a mark in the place of a longer value that stood alone', `${d(`trusted.overlay.whiteouts=${LONG}`)}${W}`, 0],
  ['a mark in the place of a longer value beside another', `${d(`user.a=b trusted.overlay.whiteouts=${LONG}`)}${W}`, 2],
  ['the second mark in the place of a longer value', `${d(`user.a=b user.overlay.whiteouts=${LONG}`)}${W}`, 2],
  ['a mark in the place of one as long', `${d('user.a=b trusted.overlay.whiteouts=')}${W}`, 0],
  ['a longer value without a whiteout', `${d(`user.a=b trusted.overlay.whiteouts=${LONG}`)}`, 0],
  ['a longer value of the root', `${root(`user.a=b trusted.overlay.whiteouts=${LONG}`)}${W.replace('/d', '')}`, 1],
  ['a longer value of a whiteout', whiteout(`user.a=b trusted.overlay.whiteout=${LONG}`), 2],
  ['a whiteout with all the room taken', whiteout(FULL), 0],
  ['an external file with all the room taken', file(FULL), 0],
  ['an external file with marks of its own, which are escaped', file(`trusted.overlay.redirect=${LONG}`), 0],
  ['a directory with all the room taken and a whiteout', `${d(FULL)}${W}`, 0],
  ['the root with all the room taken', root(FULL), 0],
  ['a key of 255 bytes that becomes longer', file(`trusted.overlay.${'k'.repeat(255 - 16)}=v`), 0],
]

const refused = suite('marks that find no room')
for (const [what, dump, line] of ROWS) {
  refused(what, () => {
    const error = refusal(dump)
    if (line === 0) assert.is(error, undefined, error?.message)
    else {
      assert.is(error?.code, 'ERANGE')
      // Line N is node N - 1.
      assert.is(error?.node, line - 1)
    }
    if (C_MAKE === undefined) return
    const theirs = imageByC(C_MAKE, dump)
    assert.is(typeof theirs === 'string', line > 0, typeof theirs === 'string' ? theirs : 'the C tool accepts it')
    if (typeof theirs !== 'string') assert.is(difference(imageOfDump(dump), theirs), undefined)
  })
}
if (C_MAKE === undefined) skip(refused, 'the same by the C tool', NO_C_MAKE)
refused.run()
