import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { nameOfPlain, plainName } from '../../src/store/plain-name.js'

const test = suite('plain names')

const DIGEST = `ab/${'cd'.repeat(31)}`

test('a digest is spelt as it is, others by the rule', () => {
  for (const [name, plain] of [
    [DIGEST, DIGEST],
    ['plain-1', 'plain-1'],
    ['dir/object', 'dir_s/object'],
    ['Dir/a.b:c$', '_44ir_s/a_2eb_3ac_24'],
    ['ab', '_61b'],
    ['ab/cd', '_61b_s/_63d'],
    ['con', '_63on'],
    ['com1/x', '_63om1_s/x'],
    ['é_', '_c3_a9_5f'],
    [' \n', '_20_0a'],
    ['x'.repeat(201), `${'x'.repeat(200)}_m/x`],
    [`${'x'.repeat(255)}/y`, `${'x'.repeat(200)}_m/${'x'.repeat(55)}_s/y`],
  ]) {
    assert.is(plainName(name), plain)
    assert.is(nameOfPlain(plain), name)
  }
})

test('any name comes back, and no two are spelt the same', () => {
  const letters = [
    'a',
    'B',
    '_',
    '.',
    ':',
    '$',
    '?',
    '%',
    '\\',
    'é',
    '😀',
    '\ufeff',
    ' ',
    '0',
    '-',
    '_s',
    '_m',
    '_5f',
    's',
    'm',
  ]
  const seen = new Map<string, string>()
  let state = 7
  const next = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  for (let i = 0; i < 20_000; i++) {
    const component = (): string =>
      Array.from({ length: 1 + next(next(50) === 0 ? 60 : 5) }, () => letters[next(letters.length)]).join('')
    const name = Array.from({ length: 1 + next(3) }, component).join('/')
    if (name.split('/').some(part => part === '.' || part === '..')) continue
    const plain = plainName(name)
    assert.match(plain, /^[a-z0-9_/-]+$/)
    assert.ok(plain.split('/').every(part => part.length <= 202))
    assert.is(nameOfPlain(plain), name)
    assert.is(seen.get(plain) ?? name, name)
    seen.set(plain, name)
  }
})

test('what is spelt otherwise is no name', () => {
  for (const plain of [
    '',
    'a/b',
    'A',
    'a_',
    '_2',
    '_zz',
    '_61',
    '_61az',
    'con',
    'ab',
    'a_m/b',
    '_tmp/x',
    'a_s',
    'a//b',
    '_2e',
    '_ff',
    '_2f',
    '_00',
    'a.b',
    `a_s/${DIGEST}`,
  ]) {
    assert.is(nameOfPlain(plain), undefined, plain)
  }
})

test.run()
