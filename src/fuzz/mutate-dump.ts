// Changes that know dump text: its fields, numbers, escapes, hard links, paths and the order of its lines, as a careless or hostile
// writer would get them wrong. Not here: dumps that are right (random-dump.ts).

import { CONSTANTS } from '../format/structs.js'
import { binaryBytes, binaryString } from '../format/xattr-name.js'
import { ODD_NUMBERS } from './mutate-bytes.js'
import type { Random } from './random.js'
import type { Mutator } from './target.js'

const BYTES = ' \n\t\r\\-@=/.0179afx\0\x80\xff'
/** What is never in a field as it is, beside blanks and what is no ASCII. */
const ESCAPED = [0x5c, 0x3d, 0x2d]
const LETTERS: Readonly<Record<number, string>> = { 10: 'n', 13: 'r', 9: 't', 92: '\\' }
const VALUES = [
  ...['', '-', '0', '1', '-1', '+5', '007', '08', '1.', '.1', '-5.1000000000', '/', '//', '.', '=', 'user.a'],
  ...['18446744073709551615', '18446744073709551616', '4294967296', '9007199254740992', '9007199254740993'],
  ...['40755', '100644', '@100644', '@40755', '20644', '120777', '644', '\\x00', '\\x2d', '\\x', '\\q', 'a\\x00b'],
  ...['/\\x2e', 'user.a=1', '0123456789abcdef'.repeat(4), 'x'.repeat(4096)],
]
const TYPES = [CONSTANTS.S_IFREG, CONSTANTS.S_IFDIR, CONSTANTS.S_IFLNK, CONSTANTS.S_IFCHR, CONSTANTS.S_IFIFO, 0]
/** Places of fields in a line. */
const PATH = 0
const SIZE = 1
const MODE = 2
/** NLINK, UID, GID, RDEV. */
const NUMBERS = [3, 4, 5, 6]
const MTIME = 7
const PAYLOAD = 8
const CONTENT = 9
const DIGEST = 10
const XATTRS = 11
const DIGEST_DIGITS = 64

type Change = (lines: string[], random: Random, other: readonly string[]) => string[] | undefined

function ofLine(change: (line: string, random: Random, lines: readonly string[]) => string): Change {
  return (lines, random) => {
    const at = random.below(lines.length)
    lines[at] = change(lines[at], random, lines)
    return lines
  }
}

function ofFields(change: (fields: string[], random: Random, lines: readonly string[]) => void): Change {
  return ofLine((line, random, lines) => {
    const fields = line.split(' ')
    change(fields, random, lines)
    return fields.join(' ')
  })
}

function ofField(change: (field: string, random: Random, fields: readonly string[]) => string): Change {
  return ofFields((fields, random) => {
    const at = random.below(fields.length)
    fields[at] = change(fields[at], random, fields)
  })
}

function pathOf(line: string): string {
  const end = line.indexOf(' ')
  return end < 0 ? line : line.slice(0, end)
}

/** One byte of a field as an escape that is right, or nearly. */
function escaped(field: string, random: Random): string {
  const at = random.below(Math.max(field.length, 1))
  const hex = field.charCodeAt(at).toString(16).padStart(2, '0')
  const written = random.pick([
    `\\x${hex}`,
    `\\x${hex}`,
    `\\x${hex.toUpperCase()}`,
    `\\x${hex[0]}`,
    '\\n',
    '\\',
    '\\\\',
  ])
  return field.slice(0, at) + written + field.slice(at + 1)
}

const CHANGES: readonly (readonly [string, Change])[] = [
  [
    'a byte of a line',
    ofLine((line, random) => {
      const at = random.below(line.length + 1)
      return line.slice(0, at) + random.pick(BYTES) + line.slice(at + random.below(3))
    }),
  ],
  ['another value', ofField((_, random) => random.pick(VALUES))],
  ['more behind a value', ofField((field, random) => field + random.pick(VALUES))],
  ['a value of the same line', ofField((_, random, fields) => random.pick(fields))],
  [
    'a value of another line',
    ofFields((fields, random, lines) => {
      fields[random.below(fields.length)] = random.pick(random.pick(lines).split(' '))
    }),
  ],
  [
    'another number',
    ofFields((fields, random) => {
      const number = random.pick(ODD_NUMBERS) * (random.once(8) ? 2 ** 32 : 1) + random.below(2)
      fields[random.pick([SIZE, ...NUMBERS])] = `${random.once(8) ? '-' : ''}${number}`
    }),
  ],
  [
    'another time',
    ofFields((fields, random) => {
      const seconds = `${random.once(3) ? '-' : ''}${random.pick(ODD_NUMBERS) * (random.once(4) ? 2 ** 32 : 1)}`
      fields[MTIME] = `${seconds}.${random.pick(['0', '1', '999999999', '1000000000', '', '-1'])}`
    }),
  ],
  [
    'another type',
    ofFields((fields, random) => {
      fields[MODE] = (random.pick(TYPES) | random.below(0o10000)).toString(8)
    }),
  ],
  ['an escape', ofField(escaped)],
  [
    'a hard link',
    ofFields((fields, random, lines) => {
      fields[MODE] = `@${(fields[MODE] ?? '0').replace(/^@/, '')}`
      // To itself, to what comes later, to a link: loops of any length.
      fields[PAYLOAD] = pathOf(random.pick(lines))
    }),
  ],
  [
    'a path below another',
    ofFields((fields, random, lines) => {
      const above = pathOf(random.pick(lines))
      fields[PATH] = random.pick([`${above}/new`, `${above}${fields[PATH]}`, `${above}/`, `${above}//x`, `${above}/..`])
    }),
  ],
  [
    'content of another length',
    ofFields((fields, random) => {
      fields[CONTENT] = random.pick(['-', '\\x2d', 'c'.repeat(random.below(80)), 'c'.repeat(random.pick([5000, 5001]))])
      if (random.once(2)) fields[SIZE] = String(fields[CONTENT].length + random.below(3) - 1)
    }),
  ],
  [
    'another digest',
    ofFields((fields, random) => {
      const length = DIGEST_DIGITS + (random.once(3) ? random.below(5) - 2 : 0)
      fields[DIGEST] = random.pick(['a', 'F', '0', 'g']).repeat(length)
    }),
  ],
  [
    'one more attribute',
    ofFields((fields, random, lines) => {
      const marks = [
        'trusted.overlay.metacopy=',
        'trusted.overlay.redirect=/../x',
        'trusted.overlay.opaque=y',
        'user.=',
      ]
      const found = random.pick(lines).split(' ').slice(XATTRS)
      const name = `user.${'k'.repeat(random.pick([1, 249, 250, 251]))}`
      fields.push(random.pick([...marks, ...found, `${name}=${'v'.repeat(random.pick([0, 1, 300, 65535]))}`]))
    }),
  ],
  [
    'a line elsewhere, or gone',
    (lines, random) => {
      const [line] = lines.splice(random.below(lines.length), 1)
      if (random.once(2)) lines.splice(random.below(lines.length + 1), 0, line)
      return lines
    },
  ],
  [
    'a line twice',
    (lines, random) => {
      lines.splice(random.below(lines.length + 1), 0, random.pick(lines))
      return lines
    },
  ],
  ['a line cut', ofLine((line, random) => line.slice(0, random.below(line.length + 1)))],
  [
    'a line of another dump',
    (lines, random, other) => {
      lines.splice(random.below(lines.length + 1), 0, random.pick(other))
      return lines
    },
  ],
]

/** Bytes as a field can have them: what means something in a dump is escaped, now and then by its letter. */
function written(random: Random, length: number): string {
  let out = ''
  for (let i = 0; i < length; i++) {
    const byte = random.once(3) ? BYTES.charCodeAt(random.below(BYTES.length)) : 0x61 + random.below(26)
    const letter = LETTERS[byte]
    if (letter !== undefined && random.once(2)) out += `\\${letter}`
    else if (byte <= 0x20 || byte >= 0x7f || ESCAPED.includes(byte)) out += `\\x${byte.toString(16).padStart(2, '0')}`
    else out += String.fromCharCode(byte)
  }
  return out
}

/** As long as a field usually is, or longer. */
function someBytes(random: Random): string {
  return written(random, 1 + random.below(random.once(8) ? 200 : 4)).replaceAll('\\x00', '0')
}

/** A line of a type that is told, changed. */
function ofType(type: number, change: (fields: string[], random: Random) => void): Change {
  return (lines, random) => {
    const places = lines.flatMap((line, at) => {
      const mode = line.split(' ')[MODE] ?? ''
      return (Number.parseInt(mode, 8) & CONSTANTS.S_IFMT) === type ? [at] : []
    })
    if (places.length === 0) return undefined
    const at = random.pick(places)
    const fields = lines[at].split(' ')
    change(fields, random)
    lines[at] = fields.join(' ')
    return lines
  }
}

/** Changes after which what was right still is: most of the others are refused, and what is behind the parser sees little of them. */
const RIGHT_CHANGES: readonly (readonly [string, Change])[] = [
  [
    'a number that is right',
    ofFields((fields, random) => {
      fields[random.pick([...NUMBERS.slice(1), MTIME])] = String(random.once(2) ? random.below(70_000) : random.next())
      if (fields[MTIME]?.includes('.') === false) fields[MTIME] += `.${random.below(1e9)}`
    }),
  ],
  [
    'a time that is right',
    ofFields((fields, random) => {
      const high = (BigInt(random.once(2) ? random.below(4) - 2 : random.next() | 0) << 32n) | BigInt(random.next())
      fields[MTIME] = `${high}.${random.below(1e9)}`
    }),
  ],
  [
    'an attribute that is right',
    ofFields((fields, random) => {
      fields.push(`${random.pick(['user.', 'trusted.', 'security.', 'x'])}${someBytes(random)}=${someBytes(random)}`)
    }),
  ],
  [
    'a name that is right',
    (lines, random) => {
      const line = lines[random.below(lines.length)]
      const before = pathOf(line)
      const slash = before.lastIndexOf('/')
      if (before === '/' || slash < 0) return undefined
      const after = before.slice(0, slash + 1) + someBytes(random).replaceAll('/', '_')
      // What is below goes with it, and so do links to it.
      return lines.map(one => {
        const path = pathOf(one)
        const moved = path === before || path.startsWith(`${before}/`)
        const fields = (moved ? after + one.slice(before.length) : one).split(' ')
        if (fields[MODE]?.startsWith('@') && fields[PAYLOAD] === before.slice(1)) fields[PAYLOAD] = after.slice(1)
        return fields.join(' ')
      })
    },
  ],
  [
    'another target',
    ofType(CONSTANTS.S_IFLNK, (fields, random) => {
      fields[PAYLOAD] = someBytes(random)
    }),
  ],
  [
    'other content',
    ofType(CONSTANTS.S_IFREG, (fields, random) => {
      // About a block, and as much as an image takes.
      const length = random.once(8) ? 4000 + random.below(1001) : 1 + random.below(70)
      fields.splice(SIZE, 1, String(length))
      fields.splice(PAYLOAD, 3, '-', written(random, length), '-')
    }),
  ],
]

function linesOf(dump: Uint8Array): string[] {
  return binaryString(dump).split('\n')
}

/** Mutators of dump text. */
export function dumpMutators(): Mutator[] {
  return [...CHANGES, ...RIGHT_CHANGES].map(([name, change]) => ({
    name,
    mutate: (input, random, { other }) => {
      const lines = change(linesOf(input), random, linesOf(other))
      return lines === undefined ? undefined : binaryBytes(lines.join('\n'))
    },
  }))
}
