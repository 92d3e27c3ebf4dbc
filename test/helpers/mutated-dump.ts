// Dump text with something changed in it, as a careless or hostile writer would: bytes, fields, lines. The seed alone
// decides. Most of it is refused, which is as good a case as the rest.
import { type Random, randomOf } from './random-calls.js'

const BYTES = ' \n\t\r\\-@=/.0179afx\0\x80\xff'
const FIELDS = [
  '',
  '-',
  '0',
  '1',
  '-1',
  '+5',
  '007',
  '08',
  '18446744073709551615',
  '18446744073709551616',
  '4294967296',
  '9007199254740992',
  '9007199254740993',
  '1.',
  '.1',
  '-5.1000000000',
  '40755',
  '100644',
  '@100644',
  '@40755',
  '20644',
  '120777',
  '644',
  '/',
  '//',
  '.',
  '\\x00',
  '\\x2d',
  '\\x',
  '\\q',
  'a\\x00b',
  '/\\x2e',
  'user.a=1',
  'user.a',
  '=',
  '0123456789abcdef'.repeat(4),
  'x'.repeat(4096),
]

type Change = (lines: string[], random: Random) => void

const below = (random: Random, n: number) => Math.floor(random() * n)
const pick = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)]

function changeLine(lines: string[], random: Random, change: (line: string) => string): void {
  const at = below(random, lines.length)
  lines[at] = change(lines[at])
}

function changeField(
  lines: string[],
  random: Random,
  change: (field: string, fields: readonly string[]) => string,
): void {
  changeLine(lines, random, line => {
    const fields = line.split(' ')
    const at = below(random, fields.length)
    fields[at] = change(fields[at], fields)
    return fields.join(' ')
  })
}

const CHANGES: readonly Change[] = [
  // A byte becomes another, one is put in, some go.
  (lines, random) =>
    changeLine(lines, random, line => {
      const at = below(random, line.length + 1)
      return line.slice(0, at) + pick(random, [...BYTES]) + line.slice(at + below(random, 3))
    }),
  (lines, random) => changeField(lines, random, () => pick(random, FIELDS)),
  (lines, random) => changeField(lines, random, field => field + pick(random, FIELDS)),
  (lines, random) => changeField(lines, random, (_, fields) => pick(random, fields)),
  // The path or target of another line.
  (lines, random) => changeField(lines, random, () => pick(random, pick(random, lines).split(' '))),
  (lines, random) => {
    const from = below(random, lines.length)
    const [line] = lines.splice(from, 1)
    if (random() < 0.5) lines.splice(below(random, lines.length + 1), 0, line)
  },
  (lines, random) => {
    lines.splice(below(random, lines.length + 1), 0, pick(random, lines))
  },
  (lines, random) => changeLine(lines, random, line => line.slice(0, below(random, line.length + 1))),
]

/** A dump of characters 0 to 255, changed in one to three places. */
export function mutatedDump(dump: Uint8Array, seed: number): Buffer {
  const random = randomOf(seed ^ 0x5bd1e995)
  const lines = Buffer.from(dump).toString('latin1').split('\n')
  for (let n = 1 + below(random, 3); n > 0 && lines.length > 0; n--) pick(random, CHANGES)(lines, random)
  return Buffer.from(lines.join('\n'), 'latin1')
}
