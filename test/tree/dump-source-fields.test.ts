// Dump text into a tree: what stands in a field, escapes and numbers (spec composefs-dump.md 2.1, 2.2). Where fields end
// is in dump-source.test.ts.
import { suite } from 'uvu'
import { addRows, DIGEST, R, REST, type Row, skipWithoutC } from './dump-cases.js'

const NUMBERS = '1 0 0 0 0.0'
const file = (content: string, size: number) => `${R}/f ${size} 100644 ${NUMBERS} - ${content} -\n`

/** Lines with something in one field, and which field. */
const FIELDS: readonly [field: string, (text: string) => string][] = [
  ['PATH', text => `/f${text} 0 100644 ${NUMBERS} - - -`],
  ['PAYLOAD', text => `/f 5 100644 ${NUMBERS} p${text} - -`],
  ['PAYLOAD', text => `/l 1 120777 ${NUMBERS} t${text} - -`],
  ['CONTENT', text => `/f 2 100644 ${NUMBERS} - ab${text} -`],
  ['DIGEST', text => `/f 5 100644 ${NUMBERS} p - ${DIGEST.slice(0, 62)}${text}`],
  ['DIGEST', text => `/f 5 100644 ${NUMBERS} p - ${DIGEST}${text}`],
  ['DIGEST', text => `/d 0 40755 ${NUMBERS} - - ${text}`],
  ['DIGEST', text => `/d 0 40755 ${NUMBERS} - - ${DIGEST}${text}`],
  ['XATTR', text => `/f 0 100644 ${NUMBERS} - - - user.a${text}=v`],
  ['XATTR', text => `/f 0 100644 ${NUMBERS} - - - user.a=v${text}`],
]
const BAD_ESCAPES = ['\\', '\\q', '\\0', '\\N', '\\X41', '\\x', '\\x4', '\\x4g', '\\xg4', '\\x-1', '\\x 41']

const escapes = suite('dump text: escapes')
addRows(escapes, [
  ...FIELDS.flatMap(([field, line]) =>
    BAD_ESCAPES.map((bad): Row => ({ rule: line(bad), dump: `${R}${line(bad)}\n`, error: ['EINVAL', 2, field] })),
  ),
  {
    rule: 'a bad escape in the path of a hard link',
    dump: `${R}/h\\q 0 @100644 ${NUMBERS} /f - -\n`,
    error: ['EINVAL', 2, 'PATH'],
  },
  {
    rule: 'a bad escape in the target of a hard link',
    dump: `${R}/f 0 100644 1 ${REST}\n/h 0 @100644 ${NUMBERS} /f\\q - -\n`,
    error: ['EINVAL', 3, 'PAYLOAD'],
  },
  {
    rule: 'a bad escape in the target of a hard link to be',
    dump: `${R}/h 0 @100644 ${NUMBERS} /f\\x - -\n`,
    error: ['EINVAL', 2, 'PAYLOAD'],
  },
  {
    rule: 'all escapes of a path',
    dump: `${R}/\\\\\\n\\r\\t\\x41\\xfF\\xAb 0 100644 1 ${REST}\n`,
    shows: [`/\\\\\\n\\r\\tA\\xff\\xab 0 100644 1 ${REST}`],
  },
  {
    rule: 'all escapes of a content',
    dump: file('\\\\\\n\\r\\t\\x41\\x00\\x20', 7),
    shows: [`/f 7 100644 ${NUMBERS} - \\\\\\n\\r\\tA\\x00\\x20 -`],
  },
  {
    rule: 'all escapes of a target',
    dump: `${R}/l 6 120777 ${NUMBERS} \\\\\\n\\r\\t\\x41\\x2F - -\n`,
    shows: [`/l 6 120777 ${NUMBERS} \\\\\\n\\r\\tA/ - -`],
  },
  {
    rule: 'escapes of an attribute',
    dump: `${R}/f 0 100644 1 ${REST} user.\\x61\\x3d\\n=\\x00\\\\\\x3D=\n`,
    shows: [`/f 0 100644 1 ${REST} user.a\\x3d\\n=\\x00\\\\\\x3d\\x3d`],
  },
  {
    rule: 'a key ends at the first =',
    dump: `${R}/f 0 100644 1 ${REST} user.a=b=c=\n`,
    shows: [`/f 0 100644 1 ${REST} user.a=b\\x3dc\\x3d`],
  },
  {
    rule: 'escapes of a digest',
    dump: `${R}/f 5 100644 ${NUMBERS} p - \\x30${DIGEST.slice(1)}\n`,
    shows: [`/f 5 100644 ${NUMBERS} p - ${DIGEST}`],
  },
  {
    rule: 'a last digit of a digest as an escape',
    dump: `${R}/f 5 100644 ${NUMBERS} p - ${DIGEST.slice(0, 63)}\\x66\n`,
    shows: [`/f 5 100644 ${NUMBERS} p - ${DIGEST}`],
  },
  {
    rule: 'escapes of a digest, and an attribute behind it in the last line, without LF',
    dump: `${R}/f 5 100644 ${NUMBERS} p - \\x30${DIGEST.slice(1)} user.a=b`,
    shows: [`/f 5 100644 ${NUMBERS} p - ${DIGEST} user.a=b`],
  },
  ...['/g', '@', `/g 0 100644 ${NUMBERS} - - ${DIGEST}0`].map(
    (last): Row => ({
      rule: `a digest of 65 digits, and then "${last}" without LF`,
      dump: `${R}/f 5 100644 ${NUMBERS} p - ${DIGEST}0\n${last}`,
      ...(last.length > 2 ? { shows: [`/g 0 100644 ${NUMBERS} - - -`] } : { error: ['EINVAL', 3, 'MODE'] }),
    }),
  ),
  {
    rule: 'a field of escapes twice over is unescaped once',
    dump: file('\\\\x41', 4),
    shows: [`/f 4 100644 ${NUMBERS} - \\\\x41 -`],
  },
  {
    rule: 'an escaped dash is a payload',
    dump: `${R}/l 1 120777 ${NUMBERS} \\x2d - -\n`,
    shows: [`/l 1 120777 ${NUMBERS} \\x2d - -`],
  },
  {
    rule: 'two dashes are a payload',
    dump: `${R}/l 2 120777 ${NUMBERS} -- - -\n`,
    shows: [`/l 2 120777 ${NUMBERS} -- - -`],
  },
  { rule: 'an escaped dash is a content', dump: file('\\x2d', 1), shows: [`/f 1 100644 ${NUMBERS} - \\x2d -`] },
  {
    rule: 'an escaped dash is a digest, and a malformed one',
    dump: `${R}/f 5 100644 ${NUMBERS} p - \\x2d\n`,
    error: ['EINVAL', 2, 'DIGEST'],
    unlikeC: 'it takes any digest',
  },
  {
    rule: 'a dash and a NUL are no dash',
    dump: `${R}/l 1 120777 ${NUMBERS} -\\x00 - -\n`,
    shows: [`/l 1 120777 ${NUMBERS} \\x2d - -`],
  },
  { rule: 'a dash is a name like others', dump: `${R}- 0 100644 1 ${REST}\n`, shows: [`/- 0 100644 1 ${REST}`] },
] satisfies Row[])

addRows(escapes, [
  {
    rule: 'a target ends at its first NUL',
    dump: `${R}/l 1 120777 ${NUMBERS} t\\x00u - -\n`,
    shows: [`/l 1 120777 ${NUMBERS} t - -`],
  },
  {
    rule: 'a target that begins with NUL is none',
    dump: `${R}/l 1 120777 ${NUMBERS} \\x00u - -\n`,
    error: ['EINVAL', 2, 'PAYLOAD'],
  },
  {
    rule: 'a payload ends at its first NUL',
    dump: `${R}/f 5 100644 ${NUMBERS} p\\x00q - -\n`,
    shows: [`/f 5 100644 ${NUMBERS} p - -`],
  },
  {
    rule: 'a payload that begins with NUL is as good as none',
    dump: `${R}/f 5 100644 ${NUMBERS} \\x00q - -\n`,
    shows: [`/f 5 100644 ${NUMBERS} - - -`],
  },
  {
    rule: 'a bad escape behind a NUL',
    dump: `${R}/f 5 100644 ${NUMBERS} p\\x00\\q - -\n`,
    error: ['EINVAL', 2, 'PAYLOAD'],
  },
  { rule: 'a content holds NULs', dump: file('\\x00\\x00', 2), shows: [`/f 2 100644 ${NUMBERS} - \\x00\\x00 -`] },
  {
    rule: 'a key ends at its first NUL',
    dump: `${R}/f 0 100644 1 ${REST} user.a\\x00b=v\n`,
    shows: [`/f 0 100644 1 ${REST} user.a=v`],
  },
  {
    rule: 'a key that begins with NUL is empty',
    dump: `${R}/f 0 100644 1 ${REST} \\x00user.a=v\n`,
    error: ['ERANGE', 2, 'XATTR'],
  },
  {
    rule: 'a digest ends at its first NUL',
    dump: `${R}/f 5 100644 ${NUMBERS} p - ${DIGEST}\\x00zz\n`,
    shows: [`/f 5 100644 ${NUMBERS} p - ${DIGEST}`],
  },
  {
    rule: 'a digest that a NUL cuts short',
    dump: `${R}/f 5 100644 ${NUMBERS} p - ${DIGEST.slice(0, 62)}\\x00ef\n`,
    error: ['EINVAL', 2, 'DIGEST'],
    unlikeC: 'it takes any digest',
  },
  {
    rule: 'a target of a hard link ends at its first NUL',
    dump: `${R}/f 0 100644 1 ${REST}\n/h 0 @100644 ${NUMBERS} /f\\x00g - -\n`,
    shows: [`/h 0 @100644 1 ${'0 0 0 0.0'} /f - -`],
  },
] satisfies Row[])
escapes.run()

/** Numbers as strtoull reads them: text, and what it is in 64 bits; none where it is none. */
const INTEGERS: readonly [text: string, value?: bigint][] = [
  ['0', 0n],
  ['-0', 0n],
  ['+0', 0n],
  ['7', 7n],
  ['+7', 7n],
  ['0000000000000000000000000000007', 7n],
  ['+0007', 7n],
  ['-1', (1n << 64n) - 1n],
  ['-07', (1n << 64n) - 7n],
  ['\t7', 7n],
  ['\r7', 7n],
  ['\v\f\t\r-7', (1n << 64n) - 7n],
  ['999999999999999', 999999999999999n],
  ['9999999999999999', 9999999999999999n],
  ['4294967295', 4294967295n],
  ['4294967296', 4294967296n],
  ['9007199254740993', 9007199254740993n],
  ['18446744073709551615', (1n << 64n) - 1n],
  ['18446744073709551616', (1n << 64n) - 1n],
  ['99999999999999999999999', (1n << 64n) - 1n],
  ['100000000000000000000000000000000000000000000000000', (1n << 64n) - 1n],
  ['-18446744073709551615', 1n],
  ['-18446744073709551616', (1n << 64n) - 1n],
  ['-99999999999999999999999', (1n << 64n) - 1n],
  [''],
  ['-'],
  ['+'],
  ['+-7'],
  ['--7'],
  ['- 7'],
  ['-\t7'],
  ['7\t'],
  ['7x'],
  ['x7'],
  ['0x7'],
  ['7.0'],
  ['7e1'],
  ['7-'],
  ['\t'],
  ['\u00a07'],
  ['\\x37'],
  ['7\\'],
  ['99999999999999999999999x'],
  ['0000000000000000000000000000000x'],
]

const low = (value: bigint) => BigInt.asUintN(32, value)
/** Where a number goes: the line with it, the line read back from its 64 bits, and what kind of field it is. */
const PLACES: readonly [field: string, line: (n: string) => string, shows?: (n: bigint) => string][] = [
  ['SIZE', n => `/p ${n} 10644 ${NUMBERS} - - -`],
  ['NLINK', n => `/p 0 10644 ${n} 0 0 0 0.0 - - -`, n => `/p 0 10644 ${low(n)} 0 0 0 0.0 - - -`],
  ['UID', n => `/p 0 10644 1 ${n} 0 0 0.0 - - -`, n => `/p 0 10644 1 ${low(n)} 0 0 0.0 - - -`],
  ['GID', n => `/p 0 10644 1 0 ${n} 0 0.0 - - -`, n => `/p 0 10644 1 0 ${low(n)} 0 0.0 - - -`],
  ['RDEV', n => `/p 0 60644 1 0 0 ${n} 0.0 - - -`, n => `/p 0 60644 1 0 0 ${low(n)} 0.0 - - -`],
  ['RDEV', n => `/p 0 10644 1 0 0 ${n} 0.0 - - -`, () => '/p 0 10644 1 0 0 0 0.0 - - -'],
  ['MTIME', n => `/p 0 10644 1 0 0 0 ${n}.5 - - -`, n => `/p 0 10644 1 0 0 0 ${BigInt.asIntN(64, n)}.5 - - -`],
  ['MTIME', n => `/p 0 10644 1 0 0 0 5.${n} - - -`, n => `/p 0 10644 1 0 0 0 5.${low(n)} - - -`],
]

/** A number that its field can not be given, since it would end the field. */
const endsField = (field: string, text: string) => text.includes(' ') || (field === 'MTIME' && text.includes('.'))

const numbers = suite('dump text: numbers')
addRows(
  numbers,
  PLACES.flatMap(([field, line, shows]) =>
    INTEGERS.filter(([text]) => !endsField(field, text)).map(([text, value]): Row => {
      const row = { rule: `${field}: ${JSON.stringify(line(text))}`, dump: `${R}${line(text)}\n` }
      if (value === undefined) return { ...row, error: ['EINVAL', 2, field] }
      return shows === undefined ? row : { ...row, shows: [shows(value)] }
    }),
  ),
)

addRows(numbers, [
  ...['', '5', '.', '5.', '.5', '5,5', '5.5.5', '5..5', '5.5x', '-.-', '5 .5', '5\t.5'].map(
    (text): Row => ({
      rule: `MTIME: "${text}"`,
      dump: `${R}/p 0 10644 1 0 0 0 ${text} - - -\n`,
      error: ['EINVAL', 2, 'MTIME'],
    }),
  ),
  {
    rule: 'MTIME: nanoseconds are no fraction',
    dump: `${R}/p 0 10644 1 0 0 0 1.1 - - -\n`,
    shows: ['/p 0 10644 1 0 0 0 1.1 - - -'],
  },
  {
    rule: 'GID malformed beside UID 5',
    dump: `${R}/p 0 10644 1 5 x 0 0.0 - - -\n`,
    error: ['EINVAL', 2, 'GID'],
    unlikeC: 'it forgets to look unless UID is 0',
  },
  {
    rule: 'RDEV malformed beside UID 5',
    dump: `${R}/p 0 10644 1 5 0 x 0.0 - - -\n`,
    error: ['EINVAL', 2, 'RDEV'],
    unlikeC: 'it forgets to look unless UID is 0',
  },
  {
    rule: 'SIZE that is malformed, of a directory',
    dump: `${R}/d x 40755 ${NUMBERS} - - -\n`,
    error: ['EINVAL', 2, 'SIZE'],
  },
  {
    rule: 'SIZE of a directory is ignored',
    dump: `${R}/d 18446744073709551615 40755 2 ${REST}\n`,
    shows: [`/d 27 40755 2 ${REST}`],
  },
  { rule: 'NLINK of a directory is ignored', dump: `${R}/d 0 40755 99 ${REST}\n`, shows: [`/d 27 40755 2 ${REST}`] },
] satisfies Row[])
numbers.run()

const FTYPES = [1, 2, 4, 6, 8, 10, 12]
const modes = suite('dump text: modes')
/** A line of that mode, which must be good for every type. */
const ofMode = (mode: string) => `${R}/x 1 ${mode} 1 0 0 7 0.0 t x -\n`
addRows(modes, [
  ...Array.from({ length: 16 }, (_, type): Row => {
    const mode = ((type << 12) | 0o644).toString(8)
    const row = { rule: `type ${type}`, dump: ofMode(mode) }
    return FTYPES.includes(type) ? row : { ...row, error: ['EINVAL', 2, 'MODE'] }
  }),
  ...Array.from({ length: 16 }, (_, type): Row => {
    const mode = ((type << 12) | 0o644).toString(8)
    const row = { rule: `type ${type} of a hard link`, dump: `${ofMode('100644')}/h 0 @${mode} ${NUMBERS} /x - -\n` }
    return FTYPES.includes(type) && type !== 4 ? row : { ...row, error: ['EINVAL', 3, 'MODE'] }
  }),
  ...['', '@', '-', '8', '100648', '0x81a4', '100644x', '@@100644', '@ 100644', '100644@', '1e5', '\\x31'].map(
    (text): Row => ({ rule: `"${text}"`, dump: ofMode(text), error: ['EINVAL', 2, 'MODE'] }),
  ),
  { rule: 'a sign', dump: ofMode('+100644'), shows: ['/x 1 100644 1 0 0 0 0.0 - x -'] },
  { rule: 'blanks in front', dump: ofMode('\t\v100644'), shows: ['/x 1 100644 1 0 0 0 0.0 - x -'] },
  {
    rule: 'zeroes in front',
    dump: ofMode('0000000000000000000000000000100644'),
    shows: ['/x 1 100644 1 0 0 0 0.0 - x -'],
  },
  { rule: 'all permission bits', dump: ofMode('107777'), shows: ['/x 1 107777 1 0 0 0 0.0 - x -'] },
  { rule: 'bits above the 16th go', dump: ofMode('20720777'), shows: ['/x 1 120777 1 0 0 0 0.0 t - -'] },
  { rule: 'bits above the 32nd go', dump: ofMode('40000100644'), shows: ['/x 1 100644 1 0 0 0 0.0 - x -'] },
  { rule: 'the highest mode has no type', dump: ofMode('1777777777777777777777'), error: ['EINVAL', 2, 'MODE'] },
  { rule: 'beyond 64 bits there is no type', dump: ofMode('7777777777777777777777777'), error: ['EINVAL', 2, 'MODE'] },
  { rule: 'a negative mode', dump: ofMode('-77134'), shows: ['/x 1 100644 1 0 0 0 0.0 - x -'] },
  { rule: 'MODE is looked at before SIZE', dump: `${R}/x x 0 ${NUMBERS} - - -\n`, error: ['EINVAL', 2, 'MODE'] },
  { rule: 'PATH is looked at before SIZE', dump: `${R}/y/x x 100644 ${NUMBERS} - - -\n`, error: ['EINVAL', 2, 'PATH'] },
] satisfies Row[])
skipWithoutC(modes)
modes.run()
