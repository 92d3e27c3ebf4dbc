import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault } from '../../src/format/errno.js'
import { canonicalObjectName, isDigestName } from '../../src/store/object-name.js'
import { BAD_NAMES } from '../helpers/store-contract.js'

const test = suite('object names')

test('each bad name has the answer that the kernel gives', () => {
  for (const [name, code] of BAD_NAMES) {
    const outcome = canonicalObjectName(name)
    assert.instance(outcome, Fault, JSON.stringify(name.slice(0, 40)))
    assert.is((outcome as Fault).code, code, JSON.stringify(name.slice(0, 40)))
    assert.ok((outcome as Fault).detail.length < 300)
  }
})

test('others become canonical, and stay so', () => {
  const hex = 'ab'.repeat(31)
  const names: [string, string][] = [
    [`ab/${hex}`, `ab/${hex}`],
    ['top', 'top'],
    ['a/b/c', 'a/b/c'],
    ['./a/./b/.', 'a/b'],
    ['a/../b', 'b'],
    ['a/b/../../c/d/..', 'c'],
    ['.../..a/b..', '.../..a/b..'],
    ['Ä/\u{1f600}', 'Ä/\u{1f600}'],
    ['x'.repeat(255), 'x'.repeat(255)],
    [`${'dir/../'.repeat(500)}top`, 'top'],
  ]
  for (const [name, canonical] of names) {
    assert.is(canonicalObjectName(name), canonical)
    assert.is(canonicalObjectName(canonical), canonical)
  }
})

test('knows the names that mkcomposefs gives', () => {
  const hex = '0123456789abcdef'.repeat(4)
  const cut = (digest: string) => `${digest.slice(0, 2)}/${digest.slice(2)}`
  assert.ok(isDigestName(cut(hex)))
  assert.ok(isDigestName(cut(hex + hex)))
  const others = [
    hex,
    cut(hex.toUpperCase()),
    cut(`${hex}0`),
    cut(hex.slice(1)),
    `${cut(hex).slice(0, -1)}g`,
    `..${cut(hex).slice(2)}`,
    cut(hex).replace('/', '0'),
    `ab/${'/'.repeat(62)}`,
  ]
  for (const name of others) assert.not.ok(isDigestName(name), name)
})

test.run()
