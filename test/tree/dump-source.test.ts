// Dump text into a tree: how lines are cut and where an entry is put (spec composefs-dump.md 1, 2, 3 steps 1 to 3). Fields
// are in dump-source-fields.test.ts, what an entry holds in dump-source-entry.test.ts, hard links in
// dump-source-links.test.ts.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { treeFromDump } from '../../src/tree/dump-source.js'
import { newPool } from '../helpers/core.js'
import { dumpOfImage, imageOfDump, imageOfTree, refusal } from '../helpers/written.js'
import { addRows, R, REST, type Row, skipWithoutC } from './dump-cases.js'

/** An empty file of that path, and a directory. */
const f = (path: string) => `${path} 0 100644 1 ${REST}\n`
const d = (path: string) => `${path} 0 40755 2 ${REST}\n`
const F = '/f 0 100644 1 0 0 0 0.0'

const lines = suite('dump text: lines')
addRows(lines, [
  { rule: 'an empty file', dump: '', error: ['EINVAL', 1, 'PATH'] },
  { rule: 'a blank line alone', dump: '\n', error: ['EINVAL', 1, 'PATH'] },
  { rule: 'a blank line in between', dump: `${R}\n${f('/f')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'a blank line at the end', dump: `${R}${f('/f')}\n`, error: ['EINVAL', 3, 'PATH'] },
  { rule: 'the root alone', dump: R, shows: ['/ 4096 40755 2 0 0 0 0.0 - - -'] },
  { rule: 'no LF at the end', dump: `${R}${f('/f').trimEnd()}`, shows: [f('/f').trimEnd()] },
  { rule: 'no LF at the end of the only line', dump: R.trimEnd() },
  { rule: 'CR is a byte like others', dump: `${R}${f('/f\r')}`, shows: [f('/f\\r').trimEnd()] },
  {
    rule: 'CR LF: the CR is in the last field',
    dump: `${R}${F} - - - user.a=b\r\n`,
    shows: [`${F} - - - user.a=b\\r`],
  },
  {
    rule: 'TAB and bytes above 127 are bytes like others',
    dump: `${R}${f('/\t\x7f\x80\xff\x01')}`,
    shows: [f('/\\t\\x7f\\x80\\xff\\x01').trimEnd()],
  },
  { rule: 'NUL in a path', dump: `${R}${f('/a\0b')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'NUL in a value', dump: `${R}${F} - - - user.a=\0\n`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'NUL as a line', dump: `${R}\0\n`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'NUL behind the last LF', dump: `${R}${f('/f')}\0`, error: ['EINVAL', 3, 'PATH'] },
  { rule: 'NUL as the LF', dump: `${R.trimEnd()}\0`, error: ['EINVAL', 1, 'PATH'] },
] satisfies Row[])

lines('what is wrong before a NUL is named first', () => {
  assert.equal(refusal(`${R}${d('/d/x')}\0\n`)?.line, 2)
  assert.equal(refusal(`${R}${d('/d')}${f('/d/x')}\0\n`)?.line, 4)
})

lines('text may be a string, and is left as it is', () => {
  const text = `${R}/\\x66\\x66 5 100644 1 0 0 0 0.0 - h\\n\\x00\\\\- - user.\\x61=\\x62\n`
  const bytes = Buffer.from(text)
  const before = Buffer.from(bytes)
  const fromBytes = imageOfTree(treeFromDump(bytes))
  assert.equal(bytes, before)
  assert.equal(imageOfTree(treeFromDump(text)), fromBytes)
  assert.match(dumpOfImage(newPool(), fromBytes).toString(), '/ff 5 100644 1 0 0 0 0.0 - h\\n\\x00\\\\- - user.a=b\n')
})

lines('a string is UTF-8', () => {
  assert.match(dumpOfImage(newPool(), imageOfTree(treeFromDump(`${R}${f('/é')}`))).toString(), '/\\xc3\\xa9 ')
})

lines('a view into a larger buffer is read from its own begin to its own end', () => {
  const inside = Buffer.from(`xx${R}${f('/f')}yy\n`).subarray(2, -3)
  assert.equal(imageOfDump(inside), imageOfDump(`${R}${f('/f')}`))
})
lines.run()

const MISSING: readonly [text: string, field: string][] = [
  ['/f', 'MODE'],
  ['/f ', 'MODE'],
  ['/f 0', 'MODE'],
  ['/f 0 100644', 'NLINK'],
  ['/f 0 100644 1', 'UID'],
  ['/f 0 100644 1 0', 'GID'],
  ['/f 0 100644 1 0 0', 'RDEV'],
  ['/f 0 100644 1 0 0 0', 'MTIME'],
  ['/f 0 100644 1 0 0 0 ', 'MTIME'],
]

const fields = suite('dump text: fields that lack')
addRows(fields, [
  ...MISSING.map(
    ([text, field]): Row => ({
      rule: `the line ends behind "${text}"`,
      dump: `${R}${text}\n`,
      error: ['EINVAL', 2, field],
    }),
  ),
  { rule: 'without a payload', dump: `${R}${F}\n`, shows: [`${F} - - -`] },
  { rule: 'without a content', dump: `${R}${F} p\n`, shows: [`${F} - - -`] },
  { rule: 'without a digest', dump: `${R}${F} - -\n`, shows: [`${F} - - -`] },
  {
    rule: 'without a content where SIZE is not 0',
    dump: `${R}/f 5 100644 1 0 0 0 0.0 p\n`,
    error: ['EINVAL', 2, 'CONTENT'],
  },
  {
    rule: 'an external file without a digest field',
    dump: `${R}/f 5 100644 1 0 0 0 0.0 p -\n`,
    error: ['EINVAL', 2, 'DIGEST'],
    unlikeC: 'it takes any digest',
  },
  { rule: 'a symlink without a target field', dump: `${R}/l 0 120777 1 0 0 0 0.0\n`, error: ['EINVAL', 2, 'PAYLOAD'] },
  {
    rule: 'a symlink that ends behind its target',
    dump: `${R}/l 0 120777 1 0 0 0 0.0 t\n`,
    shows: ['/l 1 120777 1 0 0 0 0.0 t - -'],
  },
  {
    rule: 'a symlink with SIZE that ends behind its target',
    dump: `${R}/l 1 120777 1 0 0 0 0.0 t\n`,
    error: ['EINVAL', 2, 'CONTENT'],
  },
  { rule: 'two blanks make an empty field', dump: `${R}/f  100644 1 ${REST}\n`, error: ['EINVAL', 2, 'SIZE'] },
  { rule: 'a blank in front makes an empty path', dump: `${R} ${f('/f')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'one blank behind the digest', dump: `${R}${F} - - - \n`, shows: [`${F} - - -`] },
  { rule: 'two blanks behind the digest', dump: `${R}${F} - - -  \n`, error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'one blank behind the attributes', dump: `${R}${F} - - - user.a=b \n`, shows: [`${F} - - - user.a=b`] },
  { rule: 'two blanks behind the attributes', dump: `${R}${F} - - - user.a=b  \n`, error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'two blanks between attributes', dump: `${R}${F} - - - user.a=b  user.c=d\n`, error: ['EINVAL', 2, 'XATTR'] },
  { rule: 'a blank behind the last line, without LF', dump: `${R}${F} - - - `, shows: [`${F} - - -`] },
] satisfies Row[])
fields.run()

const place = suite('dump text: where an entry is put')
addRows(place, [
  { rule: 'an entry before the root', dump: f('/f'), error: ['EINVAL', 1, 'PATH'] },
  { rule: 'the root must be a directory', dump: '/ 0 100644 1 0 0 0 0.0 - - -\n', error: ['EINVAL', 1, 'MODE'] },
  { rule: 'the root can be no symlink', dump: '/ 1 120777 1 0 0 0 0.0 t - -\n', error: ['EINVAL', 1, 'MODE'] },
  { rule: 'a second root', dump: `${R}${R}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'a second root that is no directory', dump: `${R}${f('/')}`, error: ['EINVAL', 2, 'MODE'] },
  { rule: 'the root as an escape', dump: `\\x2f${R.slice(1)}${f('/f')}`, shows: [f('/f').trimEnd()] },
  { rule: 'two slashes are no root', dump: `//${R.slice(1)}`, error: ['EINVAL', 1, 'PATH'] },
  { rule: 'no slash in front', dump: `${R}${d('d')}${f('d/f')}`, shows: [f('/d/f').trimEnd()] },
  { rule: 'slashes in front', dump: `${R}${f('///f')}`, shows: [f('/f').trimEnd()] },
  { rule: 'slashes in between', dump: `${R}${d('/d')}${d('/d//e')}${f('//d///e//f')}`, shows: [f('/d/e/f').trimEnd()] },
  { rule: 'an escaped slash is one', dump: `${R}${d('/d')}${f('/d\\x2ff')}`, shows: [f('/d/f').trimEnd()] },
  { rule: 'the parent lacks', dump: `${R}${f('/d/f')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'the parent comes later', dump: `${R}${f('/d/f')}${d('/d')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'the parent of the parent lacks', dump: `${R}${d('/d')}${f('/d/e/f')}`, error: ['EINVAL', 3, 'PATH'] },
  { rule: 'the parent is a file', dump: `${R}${f('/f')}${f('/f/g')}`, error: ['ENOTDIR', 3, 'PATH'] },
  {
    rule: 'the parent is a symlink',
    dump: `${R}${d('/d')}/l 1 120777 1 0 0 0 0.0 d - -\n${f('/l/g')}`,
    error: ['ENOTDIR', 4, 'PATH'],
  },
  { rule: 'a file in between', dump: `${R}${f('/f')}${f('/f/g/h')}`, error: ['EINVAL', 3, 'PATH'] },
  {
    rule: 'the parent is a hard link',
    dump: `${R}${f('/f')}/h 0 @100644 1 0 0 0 0.0 /f - -\n${f('/h/g')}`,
    error: ['ENOTDIR', 4, 'PATH'],
  },
  { rule: 'name .', dump: `${R}${d('/.')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'name ..', dump: `${R}${d('/..')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'name .. of a hard link', dump: `${R}/.. 0 @100644 1 0 0 0 0.0 /f - -\n`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'name . deeper', dump: `${R}${d('/d')}${f('/d/.')}`, error: ['EINVAL', 3, 'PATH'] },
  { rule: '. in between', dump: `${R}${d('/d')}${f('/d/./f')}`, error: ['EINVAL', 3, 'PATH'] },
  { rule: '.. in between', dump: `${R}${d('/d')}${f('/d/../f')}`, error: ['EINVAL', 3, 'PATH'] },
  { rule: 'names that begin with dots', dump: `${R}${f('/...')}${f('/..a')}${f('/.a')}`, shows: [f('/...').trimEnd()] },
  { rule: 'a slash at the end', dump: `${R}${d('/d/')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'a slash behind a directory', dump: `${R}${d('/d')}${f('/d/')}`, error: ['EINVAL', 3, 'PATH'] },
  { rule: 'slashes alone', dump: `${R}${d('//')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'a path that is empty behind its NUL', dump: `${R}${f('\\x00f')}`, error: ['EINVAL', 2, 'PATH'] },
  { rule: 'a path ends at its first NUL', dump: `${R}${f('/a\\x00b')}`, shows: [f('/a').trimEnd()] },
  { rule: 'a name of 255 bytes', dump: `${R}${f(`/${'n'.repeat(255)}`)}`, shows: [f(`/${'n'.repeat(255)}`).trimEnd()] },
  { rule: 'a name of 256 bytes', dump: `${R}${f(`/${'n'.repeat(256)}`)}`, error: ['ENAMETOOLONG', 2, 'PATH'] },
  { rule: 'a name of 255 bytes, each an escape', dump: `${R}${f(`/${'\\xff'.repeat(255)}`)}` },
  {
    rule: 'a name of 256 bytes in a hard link',
    dump: `${R}/${'n'.repeat(256)} 0 @100644 1 0 0 0 0.0 /f - -\n`,
    error: ['ENAMETOOLONG', 2, 'PATH'],
  },
  {
    rule: 'a path far longer than any name',
    dump: `${R}${Array.from({ length: 20 }, (_, i) => d(`/${'n'.repeat(250)}`.repeat(i + 1))).join('')}`,
  },
  { rule: 'the same name again', dump: `${R}${f('/f')}${f('/f')}`, error: ['EEXIST', 3, 'PATH'] },
  { rule: 'the same name as another type', dump: `${R}${f('/f')}${d('/f')}`, error: ['EEXIST', 3, 'PATH'] },
  { rule: 'the same name otherwise escaped', dump: `${R}${f('/f')}${f('/\\x66')}`, error: ['EEXIST', 3, 'PATH'] },
  { rule: 'the same name behind a NUL', dump: `${R}${f('/f')}${f('/f\\x00g')}`, error: ['EEXIST', 3, 'PATH'] },
  {
    rule: 'the same name of a hard link',
    dump: `${R}${f('/f')}${f('/g')}/g 0 @100644 1 0 0 0 0.0 /f - -\n`,
    error: ['EEXIST', 4, 'PATH'],
  },
  {
    rule: 'the same name elsewhere',
    dump: `${R}${d('/d')}${f('/d/f')}${f('/f')}${d('/e')}${f('/e/f')}`,
    shows: ['/d/f', '/e/f', '/f'].map(path => f(path).trimEnd()),
  },
  {
    rule: 'order is free otherwise',
    dump: `${R}${d('/b')}${d('/a')}${f('/b/z')}${f('/a/y')}${f('/b/a')}${f('/c')}`,
    shows: ['/a/y', '/b/a', '/b/z', '/c'].map(path => f(path).trimEnd()),
  },
] satisfies Row[])

place('directories by the thousand, in and out of order', () => {
  const names = Array.from({ length: 3000 }, (_, i) => `/d${(i * 7919) % 3000}`)
  const dump = `${R}${names.map(d).join('')}${names
    .toReversed()
    .map(name => f(`${name}/f`))
    .join('')}`
  const shown = dumpOfImage(newPool(), imageOfDump(dump)).toString().trimEnd().split('\n').slice(1)
  const wanted = names.toSorted().flatMap(name => [name, `${name}/f`])
  assert.equal(
    shown.map(line => line.split(' ')[0]),
    wanted,
  )
})
skipWithoutC(place)
place.run()
