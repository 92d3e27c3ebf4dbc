// The batch walk: names and stats of the whole image in one sweep, core against plain TypeScript. Twice: records as the
// core leaves them (names as bytes in place, stats as numbers, every one of them read), and with a string of each name
// and the stats copied out.

import { QUERY_FLAGS, RECORD } from '../src/format/structs.js'
import { PlainDecoder } from '../src/fuzz/plain-decoder.js'
import { openImageSync } from '../src/node.js'
import { NUMBERS, sweepNumbers, sweepObjects } from '../test/helpers/plain-sweep.js'
import type { InodeNumbers } from '../wasm/core-image.js'
import { budget, interleave, milliseconds, printSamples, ratioBudget } from './measure.js'
import { allPaths, largeImage, scratch } from './subjects.js'

const RECORDS = 'core, records'
const STRINGS = 'core, strings and stats'
const PLAIN_RECORDS = 'plain, numbers'
const PLAIN_STRINGS = 'plain, strings and objects'
const ROUNDS = 60

type Image = ReturnType<typeof openImageSync>

const MODE = RECORD.fields.mode.offset >> 2
const NAME_LENGTH = RECORD.fields.name_len.offset >> 1
const SIZE = RECORD.fields.i_size.offset >> 3

/** Entries of a sweep, each with its size and name length read; directories' own records are told by an empty name. */
function coreRecords(image: Image): number {
  const { core } = image.core
  const walk = image.core.walk(image.rootNid, QUERY_FLAGS.Q_HIDE_DEV0)
  let entries = 0
  let sum = 0
  for (let count = walk.next(); count > 0; count = walk.next()) {
    for (let i = 0, at = core.records; i < count; i++, at += RECORD.size) {
      const length = core.u16[(at >>> 1) + NAME_LENGTH]
      if (length !== 0) entries++
      sum += length + core.f64[(at >>> 3) + SIZE] + core.u32[(at >>> 2) + MODE]
    }
  }
  walk.close()
  if (!(sum > 0)) throw new Error('the sweep read nothing')
  return entries
}

function coreStrings(image: Image, names: string[]): number {
  const walk = image.core.walk(image.rootNid, QUERY_FLAGS.Q_HIDE_DEV0)
  const attr: InodeNumbers = { ino: 0, mode: 0, nlink: 0, uid: 0, gid: 0, rdev: 0, size: 0, mtimeSec: 0, mtimeNsec: 0 }
  names.length = 0
  let sum = 0
  for (let count = walk.next(); count > 0; count = walk.next()) {
    image.core.decodeNames(0, count, names)
    for (let i = 0; i < count; i++) {
      image.core.attr(attr, i)
      sum += attr.size + attr.mode + attr.mtimeSec
    }
  }
  walk.close()
  if (!(sum > 0)) throw new Error('the sweep read nothing')
  return names.filter(name => name !== '').length
}

function plainNumbers(decoder: PlainDecoder, into: Float64Array): number {
  const count = sweepNumbers(decoder, into)
  let sum = 0
  for (let i = 0; i < count; i++) sum += into[i * NUMBERS] + into[i * NUMBERS + 4] + into[i * NUMBERS + 8]
  if (!(sum > 0)) throw new Error('the sweep read nothing')
  return count
}

function run(bytes: Buffer): void {
  const image = openImageSync(bytes)
  const decoder = new PlainDecoder(bytes)
  const entries = allPaths(bytes).length
  const into = new Float64Array((entries + 1) * NUMBERS)
  const names: string[] = []
  const check = (name: string, got: number) => {
    if (got !== entries) throw new Error(`${name} finds ${got} entries, not ${entries}`)
  }
  const contestants = [
    { name: RECORDS, run: () => check(RECORDS, coreRecords(image)) },
    { name: PLAIN_RECORDS, run: () => check(PLAIN_RECORDS, plainNumbers(decoder, into)) },
    { name: STRINGS, run: () => check(STRINGS, coreStrings(image, names)) },
    { name: PLAIN_STRINGS, run: () => check(PLAIN_STRINGS, sweepObjects(decoder).names.length - 1) },
  ]
  const samples = interleave(contestants, ROUNDS, 10)
  printSamples(`batch walk of cs9-developer, ${entries} entries`, samples, RECORDS)
  const [records, strings] = [RECORDS, STRINGS].map(name => samples.get(name)?.best ?? Number.NaN)
  budget('batch walk, records', '≤ 3 ms', milliseconds(records), records <= 3)
  budget('batch walk, strings and stats', '≤ 3 ms', milliseconds(strings), strings <= 3)
  ratioBudget('batch walk, records', samples, RECORDS, PLAIN_RECORDS, 3)
  ratioBudget('batch walk, strings and stats', samples, STRINGS, PLAIN_STRINGS, 3)
}

const large = largeImage(scratch())
if (large !== undefined) run(large.bytes)
