// Dump text into a tree: what an entry holds, limits at and one past, and strict mode (spec composefs-dump.md 3 steps 5
// and 6, 3.1).
import { suite } from 'uvu'
import { addRows, DIGEST, R, REST, type Row, skipWithoutC } from './dump-cases.js'

const NUMBERS = '1 0 0 0 0.0'
/** A line behind the root's. */
const line = (text: string) => `${R}${text}\n`
const link = (payload: string, size: number, content = '-') =>
  line(`/l ${size} 120777 ${NUMBERS} ${payload} ${content} -`)
const file = (size: number | bigint, payload: string, content: string, digest: string) =>
  line(`/f ${size} 100644 ${NUMBERS} ${payload} ${content} ${digest}`)
const x = (n: number) => 'x'.repeat(n)

const symlinks = suite('dump text: symlinks')
addRows(symlinks, [
  { rule: 'the target', dump: link('t/u', 3), shows: [`/l 3 120777 ${NUMBERS} t/u - -`] },
  {
    rule: 'SIZE is the length of the target whatever it says',
    dump: link('t', 99),
    shows: [`/l 1 120777 ${NUMBERS} t - -`],
  },
  { rule: 'no target', dump: link('-', 0), error: ['EINVAL', 2, 'PAYLOAD'] },
  { rule: 'an empty target', dump: link('', 0), error: ['EINVAL', 2, 'PAYLOAD'] },
  { rule: 'a target of 4095 bytes', dump: link(x(4095), 4095), shows: [`/l 4095 120777 ${NUMBERS} ${x(4095)} - -`] },
  { rule: 'a target of 4095 bytes, each an escape', dump: link('\\xff'.repeat(4095), 4095) },
  { rule: 'a target of 4096 bytes', dump: link(x(4096), 4096), error: ['EINVAL', 2, 'PAYLOAD'] },
  {
    rule: 'a target of 4095 bytes before a NUL',
    dump: link(`${x(4095)}\\x00yy`, 4095),
    shows: [`/l 4095 120777 ${NUMBERS} ${x(4095)} - -`],
  },
  { rule: 'content is looked at and left out', dump: link('t', 3, 'abc'), shows: [`/l 1 120777 ${NUMBERS} t - -`] },
  { rule: 'content of another length than SIZE', dump: link('t', 1, 'abc'), error: ['EINVAL', 2, 'CONTENT'] },
  { rule: 'content of any length', dump: link('t', 6000, x(6000)), shows: [`/l 1 120777 ${NUMBERS} t - -`] },
  {
    rule: 'a digest is left out',
    dump: line(`/l 1 120777 ${NUMBERS} t - ${DIGEST}`),
    shows: [`/l 1 120777 ${NUMBERS} t - -`],
  },
  {
    rule: 'a malformed digest too',
    dump: line(`/l 1 120777 ${NUMBERS} t - nothing`),
    shows: [`/l 1 120777 ${NUMBERS} t - -`],
  },
] satisfies Row[])
symlinks.run()

const EXTERNAL = `/f 5 100644 ${NUMBERS} p -`
const contents = suite('dump text: payload, content and digest')
addRows(contents, [
  {
    rule: 'a payload of 4095 bytes',
    dump: file(5, x(4095), '-', '-'),
    shows: [`/f 5 100644 ${NUMBERS} ${x(4095)} - -`],
  },
  { rule: 'a payload of 4096 bytes', dump: file(5, x(4096), '-', '-'), error: ['EINVAL', 2, 'PAYLOAD'] },
  {
    rule: 'a payload of 4096 bytes of a directory',
    dump: line(`/d 0 40755 ${NUMBERS} ${x(4096)} - -`),
    error: ['EINVAL', 2, 'PAYLOAD'],
  },
  { rule: 'an empty payload is as good as none', dump: file(5, '', '-', '-'), shows: [`/f 5 100644 ${NUMBERS} - - -`] },
  {
    rule: 'a payload with a slash in front keeps it',
    dump: file(5, '/p', '-', '-'),
    shows: [`/f 5 100644 ${NUMBERS} /p - -`],
  },
  {
    rule: 'a payload of an empty file is left out',
    dump: file(0, 'p', '-', '-'),
    shows: [`/f 0 100644 ${NUMBERS} - - -`],
  },
  { rule: 'content', dump: file(5, 'p', 'hello', DIGEST), shows: [`/f 5 100644 ${NUMBERS} - hello -`] },
  {
    rule: 'content of 5000 bytes',
    dump: file(5000, '-', x(5000), '-'),
    shows: [`/f 5000 100644 ${NUMBERS} - ${x(5000)} -`],
  },
  { rule: 'content of 5001 bytes', dump: file(5001, '-', x(5001), '-'), error: ['EINVAL', 2, 'CONTENT'] },
  { rule: 'content of 5000 escapes', dump: file(5000, '-', '\\x00'.repeat(5000), '-') },
  { rule: 'content shorter than SIZE', dump: file(6, '-', 'hello', '-'), error: ['EINVAL', 2, 'CONTENT'] },
  { rule: 'content longer than SIZE', dump: file(4, '-', 'hello', '-'), error: ['EINVAL', 2, 'CONTENT'] },
  {
    rule: 'content and a SIZE of 2^32 more',
    dump: file(4294967301, '-', 'hello', '-'),
    error: ['EINVAL', 2, 'CONTENT'],
  },
  { rule: 'empty content where SIZE is 0', dump: file(0, '-', '', '-'), shows: [`/f 0 100644 ${NUMBERS} - - -`] },
  { rule: 'empty content where SIZE is not', dump: file(1, '-', '', '-'), error: ['EINVAL', 2, 'CONTENT'] },
  {
    rule: 'content of a directory',
    dump: line(`/d 3 40755 ${NUMBERS} - abc -`),
    shows: [`/d 27 40755 2 0 0 0 0.0 - - -`],
  },
  {
    rule: 'content of a directory of another length than SIZE',
    dump: line(`/d 4096 40755 ${NUMBERS} - abc -`),
    error: ['EINVAL', 2, 'CONTENT'],
  },
  { rule: 'content of a fifo', dump: line(`/p 3 10644 ${NUMBERS} - abc -`), shows: [`/p 0 10644 ${NUMBERS} - - -`] },
  {
    rule: 'content of a device, too long',
    dump: line(`/p 5001 60644 ${NUMBERS} - ${x(5001)} -`),
    error: ['EINVAL', 2, 'CONTENT'],
  },
  {
    rule: 'content of a whiteout',
    dump: line(`/w 3 20644 ${NUMBERS} - abc -`),
    shows: [`/w 0 20644 ${NUMBERS} - - -`],
  },
  { rule: 'SIZE of a device', dump: line(`/c 1 20644 1 0 0 259 0.0 - - -`), shows: ['/c 0 20644 1 0 0 259 0.0 - - -'] },
  {
    rule: 'a device number of a file is left out',
    dump: line(`/f 0 100644 1 0 0 259 0.0 - - -`),
    shows: [`/f 0 100644 ${NUMBERS} - - -`],
  },
  { rule: 'a digest', dump: line(`${EXTERNAL} ${DIGEST}`), shows: [`${EXTERNAL} ${DIGEST}`] },
  { rule: 'a digest in capitals', dump: line(`${EXTERNAL} ${DIGEST.toUpperCase()}`), shows: [`${EXTERNAL} ${DIGEST}`] },
  { rule: 'a digest of 65 digits', dump: line(`${EXTERNAL} ${DIGEST}0`), shows: [`${EXTERNAL} ${DIGEST}`] },
  {
    rule: 'a digest of 128 digits',
    dump: line(`${EXTERNAL} ${DIGEST}${'f'.repeat(64)}`),
    shows: [`${EXTERNAL} ${DIGEST}`],
  },
  {
    rule: 'a digest with anything behind it',
    dump: line(`${EXTERNAL} ${DIGEST}-xyz`),
    shows: [`${EXTERNAL} ${DIGEST}`],
  },
  {
    rule: 'a digest of a file with content is left out',
    dump: file(1, '-', 'x', DIGEST),
    shows: [`/f 1 100644 ${NUMBERS} - x -`],
  },
  ...['', 'z', DIGEST.slice(1), `${DIGEST.slice(1)}g`, `g${DIGEST.slice(1)}`, '--'].flatMap((digest): Row[] => [
    {
      rule: `digest "${digest}" of an external file`,
      dump: line(`${EXTERNAL} ${digest}`),
      error: ['EINVAL', 2, 'DIGEST'],
      unlikeC: 'it takes any digest',
    },
    {
      rule: `digest "${digest}" of an empty file`,
      dump: file(0, '-', '-', digest),
      shows: [`/f 0 100644 ${NUMBERS} - - -`],
    },
    {
      rule: `digest "${digest}" of a file with content`,
      dump: file(1, '-', 'x', digest),
      shows: [`/f 1 100644 ${NUMBERS} - x -`],
    },
    {
      rule: `digest "${digest}" of a directory`,
      dump: line(`/d 0 40755 ${NUMBERS} - - ${digest}`),
      shows: [`/d 27 40755 2 0 0 0 0.0 - - -`],
    },
  ]),
] satisfies Row[])

const GIANT = 1n << 53n
const ALL = (1n << 64n) - 1n
addRows(contents, [
  { rule: '1024 chunks', dump: file(GIANT, 'p', '-', '-'), shows: [`/f ${GIANT} 100644 ${NUMBERS} p - -`] },
  { rule: 'a byte more than 1024 chunks', dump: file(GIANT + 1n, 'p', '-', '-'), error: ['EFBIG', 2, 'SIZE'] },
  {
    rule: 'the last size with too many chunks',
    dump: file(ALL - (1n << 43n) + 1n, 'p', '-', '-'),
    error: ['EFBIG', 2, 'SIZE'],
  },
  {
    rule: 'a giant that is no file',
    dump: line(`/p ${ALL} 10644 ${NUMBERS} - - -`),
    shows: [`/p 0 10644 ${NUMBERS} - - -`],
  },
] satisfies Row[])
contents.run()

/** Room that the one attribute user.a leaves a value (spec composefs-image.md 1.2). */
const ROOM = 32767 - 12 - 7 - 6
const f = (xattrs: string) => line(`/f 0 100644 1 ${REST} ${xattrs}`)
const shows = (xattrs: string) => [`/f 0 100644 1 ${REST} ${xattrs}`]
/** An attribute whose escaped text is that long: four characters a byte. */
const long = (key: string, length: number) => `${key}=${'\\x41'.repeat((length - key.length - 1) / 4)}`

const xattrs = suite('dump text: attributes')
addRows(xattrs, [
  { rule: 'one', dump: f('user.a=b'), shows: shows('user.a=b') },
  { rule: 'many', dump: f('user.c=1 user.a=2 trusted.b=3'), shows: shows('trusted.b=3 user.a=2 user.c=1') },
  { rule: 'an empty value', dump: f('user.a='), shows: shows('user.a=') },
  { rule: 'no =', dump: f('user.a'), error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'no = in the second', dump: f('user.a=b user.c'), error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'an escaped = is none', dump: f('user.a\\x3db'), error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'an empty key', dump: f('=v'), error: ['ERANGE', 2, 'XATTR'] },
  { rule: 'nothing but =', dump: f('='), error: ['ERANGE', 2, 'XATTR'] },
  { rule: 'a key of 255 bytes', dump: f(`user.${x(250)}=v`), shows: shows(`user.${x(250)}=v`) },
  { rule: 'a key of 256 bytes', dump: f(`user.${x(251)}=v`), error: ['ERANGE', 2, 'XATTR'] },
  { rule: 'a key of 255 bytes without a known prefix', dump: f(`${x(255)}=v`), shows: shows(`${x(255)}=v`) },
  { rule: 'a key again replaces the value', dump: f('user.a=1 user.a=22'), shows: shows('user.a=22') },
  {
    rule: 'a key again otherwise escaped',
    dump: f('user.a=1 user.b=2 user.\\x61=3'),
    shows: shows('user.a=3 user.b=2'),
  },
  { rule: 'all the room there is', dump: f(`user.a=${x(ROOM)}`), shows: shows(`user.a=${x(ROOM)}`) },
  { rule: 'a byte more', dump: f(`user.a=${x(ROOM + 1)}`), error: ['ERANGE', 2, 'XATTR'] },
  {
    rule: 'all the room with two',
    dump: f(`user.a=${x(ROOM - 13)} user.b=`),
    shows: shows(`user.a=${x(ROOM - 13)} user.b=`),
  },
  { rule: 'a byte more with two', dump: f(`user.a=${x(ROOM - 12)} user.b=`), error: ['ERANGE', 2, 'XATTR'] },
  {
    rule: 'a replaced value gives its room back',
    dump: f(`user.a=${x(ROOM)} user.a=1 user.b=${x(ROOM - 14)}`),
    shows: shows(`user.a=1 user.b=${x(ROOM - 14)}`),
  },
  {
    rule: 'and no more than that',
    dump: f(`user.a=${x(ROOM)} user.a=1 user.b=${x(ROOM - 13)}`),
    error: ['ERANGE', 2, 'XATTR'],
  },
  { rule: 'no room, then a smaller one', dump: f(`user.a=${x(ROOM + 1)} user.a=1`), error: ['ERANGE', 2, 'XATTR'] },
  { rule: '65535 bytes of text', dump: f(long('user.a', 65535)) },
  { rule: '65539 bytes of text', dump: f(long('user.a', 65539)), error: ['EINVAL', 2, 'XATTR'] },
  { rule: '65536 bytes of text', dump: f(long('user.ab', 65536)), error: ['EINVAL', 2, 'XATTR'] },
  { rule: '65535 bytes of text and a blank', dump: f(`${long('user.a', 65535)} `), error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'a value beyond 16 bits', dump: f(`user.a=${x(70000)}`), error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'a thousand', dump: f(Array.from({ length: 1000 }, (_, i) => `user.${i}=v`).join(' ')) },
  {
    rule: 'more than the room',
    dump: f(Array.from({ length: 2500 }, (_, i) => `user.${i}=v`).join(' ')),
    error: ['ERANGE', 2, 'XATTR'],
  },
  { rule: 'of the root', dump: R.replace('\n', ' user.a=b\n') },
  {
    rule: 'of a symlink',
    dump: line(`/l 1 120777 ${NUMBERS} t - - user.a=b`),
    shows: [`/l 1 120777 ${NUMBERS} t - - user.a=b`],
  },
] satisfies Row[])
xattrs.run()

/** A line that strict mode alone refuses, or does not. */
const STRICT: readonly Row[] = [
  { rule: 'a device number on a file', dump: line(`/f 0 100644 1 0 0 259 0.0 - - -`), error: ['EINVAL', 2, 'RDEV'] },
  {
    rule: 'a device number of 2^32, of which nothing is kept',
    dump: line(`/f 0 100644 1 0 0 4294967296 0.0 - - -`),
    error: ['EINVAL', 2, 'RDEV'],
  },
  { rule: 'a device number on a directory', dump: line(`/d 0 40755 1 0 0 1 0.0 - - -`), error: ['EINVAL', 2, 'RDEV'] },
  { rule: 'a device number on the root', dump: '/ 0 40755 1 0 0 1 0.0 - - -\n', error: ['EINVAL', 1, 'RDEV'] },
  { rule: 'a device number on a symlink', dump: line(`/l 1 120777 1 0 0 1 0.0 t - -`), error: ['EINVAL', 2, 'RDEV'] },
  { rule: 'a device number on a fifo', dump: line(`/p 0 10777 1 0 0 1 0.0 - - -`), error: ['EINVAL', 2, 'RDEV'] },
  { rule: 'a symlink with another SIZE', dump: link('t', 2), error: ['EINVAL', 2, 'SIZE'] },
  { rule: 'a symlink with SIZE 0', dump: link('t', 0), error: ['EINVAL', 2, 'SIZE'] },
  { rule: 'a symlink with SIZE 2^32 more', dump: link('t', 2 ** 32 + 1), error: ['EINVAL', 2, 'SIZE'] },
  { rule: 'a symlink whose SIZE counts what is behind a NUL', dump: link('t\\x00u', 3), error: ['EINVAL', 2, 'SIZE'] },
  { rule: 'a symlink with content', dump: link('t', 1, 'x'), error: ['EINVAL', 2, 'CONTENT'] },
  { rule: 'no LF at the end', dump: line(`/p 0 10777 ${NUMBERS} - - -`).trimEnd(), error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'no LF behind the root', dump: R.trimEnd(), error: ['EINVAL', 1, 'XATTR'] },
  {
    rule: 'no LF behind a hard link',
    dump: `${R}/p 0 10777 ${NUMBERS} - - -\n/h 0 @10777 ${NUMBERS} /p - -`,
    error: ['EINVAL', 3, 'XATTR'],
  },
]
const FINE_IN_BOTH: readonly Row[] = [
  { rule: 'device numbers on devices', dump: `${R}/c 0 20644 1 0 0 259 0.0 - - -\n/b 0 60644 1 0 0 259 0.0 - - -\n` },
  { rule: 'a symlink of its SIZE', dump: link('t/u', 3) },
  { rule: 'a symlink of its SIZE before a NUL', dump: link('t\\x00u', 1) },
  { rule: 'a device with SIZE', dump: line(`/c 1 20644 1 0 0 259 0.0 - - -`) },
  { rule: 'a hard link with whatever fields', dump: `${R}/p 0 10777 ${NUMBERS} - - -\n/h x @10777 x x x 5 x /p - -\n` },
  {
    rule: 'a hard link by a symlink mode',
    dump: `${R}/p 0 10777 ${NUMBERS} - - -\n/h 9 @120777 ${NUMBERS} /p abc -\n`,
  },
]

const strict = suite('dump text: strict mode')
addRows(strict, [
  ...STRICT.map((row): Row => ({ ...row, rule: `strict: ${row.rule}`, strict: true })),
  ...STRICT.map(({ rule, dump }): Row => ({ rule: `not strict: ${rule}`, dump })),
  ...FINE_IN_BOTH.map((row): Row => ({ ...row, rule: `strict: ${row.rule}`, strict: true })),
  ...FINE_IN_BOTH.map((row): Row => ({ ...row, rule: `not strict: ${row.rule}` })),
])
skipWithoutC(strict)
strict.run()
