// Dump text into a tree: hard links (spec composefs-dump.md 3, step 4 and what follows the last line).
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { refusal } from '../helpers/written.js'
import { addRows, R, REST, type Row, skipWithoutC } from './dump-cases.js'

const F = `/f 0 100644 1 ${REST}\n`
const D = `/d 0 40755 2 ${REST}\n`
const h = (path: string, target: string) => `${path} 0 @100644 1 0 0 0 0.0 ${target} - -\n`
/** How a hard link is read back. */
const shown = (path: string, target: string) => `${path} 0 @100644 1 0 0 0 0.0 ${target} - -`
const DIRECTORY = 'a directory can have two names there'

const links = suite('dump text: hard links')
addRows(links, [
  { rule: 'a hard link', dump: `${R}${F}${h('/h', '/f')}`, shows: [F.trimEnd(), shown('/h', '/f')] },
  {
    rule: 'the first name in byte order is the one that is shown in full',
    dump: `${R}${F}${h('/a', '/f')}`,
    shows: [`/a 0 100644 1 ${REST}`, shown('/f', '/a')],
  },
  { rule: 'its target may come later', dump: `${R}${h('/h', '/f')}${F}`, shows: [shown('/h', '/f')] },
  {
    rule: 'the number of links stays what the dump says',
    dump: `${R}${F}${h('/h', '/f')}${h('/i', '/f')}`,
    shows: [F.trimEnd()],
  },
  { rule: 'a chain', dump: `${R}${F}${h('/g', '/f')}${h('/h', '/g')}`, shows: [shown('/g', '/f'), shown('/h', '/f')] },
  {
    rule: 'a chain backwards',
    dump: `${R}${h('/i', '/h')}${h('/h', '/g')}${h('/g', '/f')}${F}`,
    shows: [shown('/g', '/f'), shown('/i', '/f')],
  },
  { rule: 'a chain across', dump: `${R}${h('/h', '/g')}${F}${h('/g', '/f')}`, shows: [shown('/h', '/f')] },
  {
    rule: 'no other field is looked at',
    dump: `${R}${F}/h x @100644 \\q - 99x \\ . /f \\q \\q \\q nothing  =\n`,
    shows: [shown('/h', '/f')],
  },
  {
    rule: 'a line that ends behind the target',
    dump: `${R}${F}/h 0 @100644 1 0 0 0 0.0 /f\n`,
    shows: [shown('/h', '/f')],
  },
  {
    rule: 'the mode of the target counts',
    dump: `${R}${F}/h 0 @10777 1 0 0 0 0.0 /f - -\n`,
    shows: [shown('/h', '/f')],
  },
  {
    rule: 'to a symlink',
    dump: `${R}/l 1 120777 1 0 0 0 0.0 t - -\n${h('/m', '/l')}`,
    shows: ['/m 1 @120777 1 0 0 0 0.0 /l - -'],
  },
  {
    rule: 'to a whiteout',
    dump: `${R}/w 0 20644 1 ${REST}\n${h('/x', '/w')}`,
    shows: ['/x 0 @20644 1 0 0 0 0.0 /w - -'],
  },
  { rule: 'that says whiteout is none', dump: `${R}${F}/h 0 @20644 1 0 0 0 0.0 /f - -\n`, shows: [shown('/h', '/f')] },
  {
    rule: 'slashes in the target',
    dump: `${R}${D}/d/f 0 100644 1 ${REST}\n${h('/h', '//d///f//')}`,
    shows: [shown('/h', '/d/f')],
  },
  {
    rule: 'no slash in front of the target',
    dump: `${R}${D}/d/f 0 100644 1 ${REST}\n${h('/h', 'd/f')}`,
    shows: [shown('/h', '/d/f')],
  },
  {
    rule: 'a target with escapes',
    dump: `${R}/\\x20 0 100644 1 ${REST}\n${h('/h', '/\\x20')}`,
    shows: [shown('/h', '/\\x20')],
  },
  {
    rule: 'an escaped slash in the target',
    dump: `${R}${D}/d/f 0 100644 1 ${REST}\n${h('/h', '/d\\x2ff')}`,
    shows: [shown('/h', '/d/f')],
  },
  {
    rule: 'attributes are not looked at, however long they are',
    dump: `${R}${F}/h 0 @100644 1 0 0 0 0.0 /f - - ${'x'.repeat(70_000)}  \n`,
    shows: [shown('/h', '/f')],
  },
  { rule: 'directory mode', dump: `${R}${D}/h 0 @40755 2 0 0 0 0.0 /d - -\n`, error: ['EINVAL', 3, 'MODE'] },
  { rule: 'directory mode, to a file', dump: `${R}${F}/h 0 @40755 2 0 0 0 0.0 /f - -\n`, error: ['EINVAL', 3, 'MODE'] },
  { rule: 'the root as a hard link', dump: `/ 0 @40755 2 0 0 0 0.0 / - -\n`, error: ['EINVAL', 1, 'MODE'] },
  { rule: 'a dash is no target', dump: `${R}${h('/h', '-')}`, error: ['EINVAL', 2, 'PAYLOAD'] },
  {
    rule: 'an escaped dash is one',
    dump: `${R}/- 0 100644 1 ${REST}\n${h('/h', '\\x2d')}`,
    shows: [shown('/h', '/-')],
  },
  { rule: 'the target lacks', dump: `${R}${h('/h', '/f')}`, error: ['ENOENT', 2, 'PAYLOAD'] },
  { rule: 'the directory of the target lacks', dump: `${R}${h('/h', '/d/f')}`, error: ['ENOENT', 2, 'PAYLOAD'] },
  { rule: '. in the target', dump: `${R}${F}${h('/h', '/./f')}`, error: ['ENOENT', 3, 'PAYLOAD'] },
  { rule: '.. in the target', dump: `${R}${D}${F}${h('/h', '/d/../f')}`, error: ['ENOENT', 4, 'PAYLOAD'] },
  { rule: 'below a file', dump: `${R}${F}${h('/h', '/f/g')}`, error: ['ENOENT', 3, 'PAYLOAD'] },
  { rule: 'below a hard link', dump: `${R}${F}${h('/g', '/f')}${h('/h', '/g/x')}`, error: ['ENOENT', 4, 'PAYLOAD'] },
  {
    rule: 'through a symlink',
    dump: `${R}${D}/d/f 0 100644 1 ${REST}\n/l 1 120777 1 0 0 0 0.0 d - -\n${h('/h', '/l/f')}`,
    error: ['ENOENT', 5, 'PAYLOAD'],
  },
  { rule: 'to itself', dump: `${R}${h('/h', '/h')}`, error: ['ELOOP', 2, 'PAYLOAD'] },
  { rule: 'to itself with a slash behind', dump: `${R}${h('/h', 'h/')}`, error: ['ELOOP', 2, 'PAYLOAD'] },
  { rule: 'two in a ring', dump: `${R}${h('/a', '/b')}${h('/b', '/a')}`, error: ['ELOOP', 2, 'PAYLOAD'] },
  {
    rule: 'three in a ring',
    dump: `${R}${h('/a', '/b')}${h('/b', '/c')}${h('/c', '/a')}`,
    error: ['ELOOP', 2, 'PAYLOAD'],
  },
  { rule: 'into a ring', dump: `${R}${h('/z', '/a')}${h('/a', '/b')}${h('/b', '/a')}`, error: ['ELOOP', 3, 'PAYLOAD'] },
  { rule: 'to a directory', dump: `${R}${D}${h('/h', '/d')}`, error: ['EINVAL', 3, 'PAYLOAD'], unlikeC: DIRECTORY },
  {
    rule: 'to a hard link to a directory',
    dump: `${R}${D}${h('/g', '/d')}${h('/h', '/g')}`,
    error: ['EINVAL', 3, 'PAYLOAD'],
    unlikeC: DIRECTORY,
  },
  { rule: 'to the root', dump: `${R}${h('/h', '/')}`, error: ['EINVAL', 2, 'PAYLOAD'], unlikeC: DIRECTORY },
  {
    rule: 'to the empty path, the root',
    dump: `${R}${h('/h', '')}`,
    error: ['EINVAL', 2, 'PAYLOAD'],
    unlikeC: DIRECTORY,
  },
  {
    rule: 'the line ends before the target, which is the root',
    dump: `${R}/h 0 @100644\n`,
    error: ['EINVAL', 2, 'PAYLOAD'],
    unlikeC: DIRECTORY,
  },
  {
    rule: 'of two bad ones the last is named',
    dump: `${R}${h('/a', '/b')}${h('/c', '-')}`,
    error: ['EINVAL', 3, 'PAYLOAD'],
  },
  {
    rule: 'a later line that is wrong otherwise is named first',
    dump: `${R}${h('/a', '/b')}/x\n`,
    error: ['EINVAL', 3, 'MODE'],
  },
] satisfies Row[])

links('a ring that sorts behind a link into it is an error too, which the C tool never finds', () => {
  const dump = `${R}${h('/a', '/b')}${h('/b', '/c')}${h('/c', '/b')}`
  assert.is(refusal(dump)?.code, 'ELOOP')
})

links('a chain of ten thousand', () => {
  const chain = Array.from({ length: 10_000 }, (_, i) => h(`/h${i}`, i === 0 ? '/f' : `/h${i - 1}`))
  assert.is(refusal(`${R}${F}${chain.join('')}`), undefined)
  assert.is(refusal(`${R}${F}${chain.toReversed().join('')}`), undefined)
  const ring = chain.with(0, h('/h0', '/h9999'))
  assert.is(refusal(`${R}${F}${ring.join('')}`)?.code, 'ELOOP')
})
skipWithoutC(links)
links.run()
