// Zstandard: frames that the zstd command wrote, frames of our own with what it seldom or never writes (zstd-frames.ts,
// whose every feature must come up), frames by hand that must be refused, and mutated ones.
// The fixtures are what the zstd command 1.5.4 makes of content(N) below with the options of FIXTURES; with
// ZSTD_FIXTURES=write in the environment they are written anew.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { FrameWriter } from '../../src/fuzz/zstd-frames.js'
import { type Random, seeded } from '../helpers/cfs-v1-trees.js'
import { CodecCore, EUCLEAN, mutated, ZSTD } from '../helpers/codec-core.js'
import { fixture, skip } from '../helpers/paths.js'

const core = await CodecCore.load()
const zstd = suite('zstd')

/** Seeds that lie side by side would begin alike. */
function spread(seed: number): Random {
  return seeded(Math.imul(seed + 1, 0x9e3779b1) << 1)
}

function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) assert.unreachable(`${what}: other bytes, ${actual.length} of them`)
}

function decoded(frame: Uint8Array, expected: Uint8Array, what: string): void {
  const { answer, bytes } = core.decode(ZSTD, frame, expected.length + 1)
  assert.is(answer, expected.length, what)
  same(bytes, expected, what)
}

/** Words in some order with noise between, more of them the larger the number. */
function content(n: number): Uint8Array {
  const random = spread(n)
  const words = Array.from({ length: 2 + random(300) }, () => Array.from({ length: 1 + random(9) }, () => random(160)))
  const bytes: number[] = []
  const size = [0, 1, 30, 700, 5000, 40000, 140000, 400000][n & 7]
  while (bytes.length < size) {
    if (random(40) === 0) for (let i = random(200); i > 0; i--) bytes.push(random(n & 1 ? 2 : 256))
    bytes.push(...words[random(1 + random(words.length))])
  }
  return Uint8Array.from(bytes.slice(0, size))
}

function command(bytes: Uint8Array, options: readonly string[]): Uint8Array {
  return new Uint8Array(execFileSync('zstd', ['-q', '-c', ...options], { input: bytes, maxBuffer: 1 << 26 }))
}

const FIXTURES: readonly [n: number, options: string[]][] = [
  [0, ['-3']],
  [1, ['-3', '--no-check']],
  [2, ['-9']],
  [3, ['-1']],
  [3, ['-19', '--no-check']],
  [4, ['--fast=3']],
  [4, ['-15']],
  [12, ['--ultra', '-22', '--no-check']],
]

for (const [n, options] of FIXTURES) {
  const name = `zstd-${n}${options.join('')}.zst`
  zstd(`fixture ${name}`, () => {
    const bytes = content(n)
    if (process.env['ZSTD_FIXTURES'] === 'write') writeFileSync(fixture('codec', name), command(bytes, options))
    decoded(readFileSync(fixture('codec', name)), bytes, name)
  })
}

if (spawnSync('zstd', ['--version']).status === 0) {
  zstd('what the zstd command writes, at every level', () => {
    const levels = [...Array.from({ length: 19 }, (_, i) => `-${i + 1}`), '--fast=1', '--fast=9']
    levels.forEach((level, i) => {
      for (const n of [3 + 8 * i, (i & 1 ? 4 : 5) + 8 * i]) {
        const more = i % 3 === 0 ? ['--no-check'] : i % 3 === 1 ? ['--long=27'] : []
        const bytes = content(n)
        decoded(command(bytes, [level, ...more]), bytes, `${level} of ${n}`)
      }
    })
  })
  zstd('several blocks, long windows, noise, one byte again and again', () => {
    const noise = Uint8Array.from({ length: 300000 }, spread(9).bind(null, 256))
    const cases: [Uint8Array, string[]][] = [
      [content(6), ['--ultra', '-22', '--long=27']],
      [content(7), ['-2']],
      [content(15), ['-7']],
      [noise, ['-3']],
      [new Uint8Array(1 << 20).fill(7), ['-3']],
      [Buffer.concat([noise, new Uint8Array(200000), noise]), ['--long=27', '-5']],
    ]
    for (const [bytes, options] of cases) decoded(command(bytes, options), bytes, options.join(' '))
  })
  zstd('our frames are what the zstd command takes them for', () => {
    for (let seed = 5000; seed < 5015; seed++) {
      const { bytes, content } = new FrameWriter(spread(seed)).frame()
      const options = { input: bytes, maxBuffer: 1 << 26 }
      same(execFileSync('zstd', ['-q', '-d', '-c', '--no-check'], options), content, `seed ${seed}`)
    }
  })
} else {
  skip(zstd, 'what the zstd command writes', 'there is no zstd command')
}

const FEATURES = [
  ...['raw block', 'one-byte block', 'compressed block', 'raw literals', 'one-byte literals'],
  ...['coded literals in 1', 'coded literals in 4', 'treeless literals in 1', 'treeless literals in 4'],
  ...['plain weights', 'coded weights', 'less than one'],
  ...[0, 1, 2, 3].map(n => `literals of format ${n}`),
  ...[0, 1, 3].map(n => `plain literals of format ${n}`),
  ...['LL', 'OF', 'ML'].flatMap(kind => [0, 1, 2, 3].map(mode => `${kind} mode ${mode}`)),
  ...[1, 2, 3].flatMap(n => [`repeat ${n}`, `repeat ${n} without literals`]),
  ...[1, 2, 3, 4, 5, 6, 7].map(n => `offset ${n}`),
  ...['offset below 16', 'offset', 'no sequences', 'number of sequences in 1', 'number of sequences in 2'],
  ...[0, 1, 2, 4, 8].map(n => `content size in ${n}`),
  ...['single segment', 'window', 'window > content', 'window < content', 'checksum'],
  ...[1, 2, 3].map(n => `dictionary 0 in ${n}`),
]

zstd('frames of our own, with every feature of the format many times', () => {
  const seen = new Map<string, number>()
  for (let seed = 0; seed < 1200; seed++) {
    const writer = new FrameWriter(spread(seed))
    const { bytes, content } = writer.frame()
    decoded(bytes, content, `seed ${seed}`)
    for (const [what, n] of writer.seen) seen.set(what, (seen.get(what) ?? 0) + n)
  }
  for (const feature of FEATURES) assert.ok((seen.get(feature) ?? 0) >= 20, `${feature}: ${seen.get(feature)}`)
  assert.equal(
    [...seen.keys()].filter(what => !FEATURES.includes(what)),
    [],
    'every feature is looked for',
  )
})

zstd('any smaller room is filled with what comes first; a frame cut off is bad unless the room was full before', () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = spread(seed)
    const { bytes, content } = new FrameWriter(random).frame()
    for (let n = 0; n < 20; n++) {
      const room = random(content.length + 1)
      const { answer, bytes: part } = core.decode(ZSTD, bytes, room)
      assert.is(answer, room)
      same(part, content.subarray(0, room), `seed ${seed} room ${room}`)
      const cut = core.decode(ZSTD, bytes.subarray(0, random(bytes.length)), room)
      assert.ok(cut.answer === room || cut.answer === -EUCLEAN)
      if (cut.answer > 0) same(cut.bytes, content.subarray(0, room), `seed ${seed} cut`)
      assert.is(core.decode(ZSTD, bytes.subarray(0, random(bytes.length)), content.length + 1).answer, -EUCLEAN)
    }
  }
})

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]
const little = (value: number, width: number) =>
  Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256)
/** A block by its type and what is in it; `size` where it says another one. */
const block = (type: number, bytes: number[], last = true, size = bytes.length) => [
  ...little(size * 8 + type * 2 + (last ? 1 : 0), 3),
  ...bytes,
]
/** A frame with a window of 128 KiB. */
const frame = (...blocks: number[][]) => [...MAGIC, 0, 7 << 3, ...blocks.flat()]
const letters = (n: number) => Array.from({ length: n }, (_, i) => 97 + i)
const begin = block(0, letters(8), false)

const BY_HAND: readonly [what: string, bytes: number[], answer: number][] = [
  ['nothing', [], -EUCLEAN],
  ['an empty raw block', frame(block(0, [])), 0],
  ['a wrong magic number', [0x27, ...frame(block(0, [1])).slice(1)], -EUCLEAN],
  ['a skippable frame', [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9, ...frame(block(0, [1]))], -EUCLEAN],
  ['what follows a frame', [...frame(block(0, [1])), 9, 9, 9], 1],
  ['the reserved bit', [...MAGIC, 8, 7 << 3, ...block(0, [1])], -EUCLEAN],
  ['the unused bit', [...MAGIC, 16, 7 << 3, ...block(0, [1])], 1],
  ['a dictionary', [...MAGIC, 1, 7 << 3, 5, ...block(0, [1])], -EUCLEAN],
  ['a dictionary in four bytes', [...MAGIC, 3, 7 << 3, 0, 0, 0, 1, ...block(0, [1])], -EUCLEAN],
  ['a window of 128 MiB', [...MAGIC, 0, 17 << 3, ...block(0, [1])], 1],
  ['a window of 144 MiB', [...MAGIC, 0, (17 << 3) | 1, ...block(0, [1])], -EUCLEAN],
  ['the largest window', [...MAGIC, 0, 255, ...block(0, [1])], -EUCLEAN],
  ['a single segment of 2^63 bytes', [...MAGIC, 0xe0, ...little(2 ** 63, 8), ...block(0, [1])], -EUCLEAN],
  ['less than the content size', [...MAGIC, 0x20, 2, ...block(0, [1])], -EUCLEAN],
  ['more than the content size', [...MAGIC, 0x20, 2, ...block(0, [1, 2], false), ...block(0, [1])], -EUCLEAN],
  ['a checksum that is not all there', [...MAGIC, 4, 7 << 3, ...block(0, [1]), 1, 2, 3], -EUCLEAN],
  ['block type 3', frame(block(3, [1])), -EUCLEAN],
  ['no last block', frame(block(0, [1], false)), -EUCLEAN],
  ['one byte 128 Ki times', frame(block(1, [5], true, 1 << 17)), 1 << 17],
  ['one byte once more', frame(block(1, [5], true, (1 << 17) + 1)), -EUCLEAN],
  ['a block larger than its window', [...MAGIC, 0, 0, ...block(1, [5], true, 1025)], -EUCLEAN],
  ['a compressed block of nothing', frame(block(2, [])), -EUCLEAN],
  ['literals and no sequences', frame(block(2, [3 << 3, 1, 2, 3, 0])), 3],
  ['bytes behind no sequences', frame(block(2, [3 << 3, 1, 2, 3, 0, 0])), -EUCLEAN],
  ['more literals than bytes', frame(block(2, [4 << 3, 1, 2, 3])), -EUCLEAN],
  ['treeless literals without a tree', frame(block(2, [0x13, 0x40, 0, 1, 0])), -EUCLEAN],
  // One sequence of one-symbol tables: literal length 0, offset code, match length 3.
  ['a match with repeated offset 2', frame(begin, block(2, [0, 1, 0x54, 0, 0, 0, 1])), 11],
  ['offset 1 less one, which is 0', frame(begin, block(2, [0, 1, 0x54, 0, 1, 0, 3])), -EUCLEAN],
  ['an offset to the first byte', frame(begin, block(2, [0, 1, 0x54, 0, 3, 0, 0b1011])), 11],
  ['an offset before the first byte', frame(begin, block(2, [0, 1, 0x54, 0, 3, 0, 0b1100])), -EUCLEAN],
  ['an offset of 31 bits', frame(begin, block(2, [0, 1, 0x54, 0, 31, 0, 0, 0, 0, 128])), -EUCLEAN],
  ['offset code 32', frame(begin, block(2, [0, 1, 0x54, 0, 32, 0, 1])), -EUCLEAN],
  ['literal length code 36', frame(begin, block(2, [0, 1, 0x54, 36, 0, 0, 1])), -EUCLEAN],
  ['match length code 53', frame(begin, block(2, [0, 1, 0x54, 0, 0, 53, 1])), -EUCLEAN],
  ['reserved modes', frame(begin, block(2, [0, 1, 0x55, 0, 0, 0, 1])), -EUCLEAN],
  ['a table before the first one', frame(begin, block(2, [0, 1, 0xd4, 0, 0, 1])), -EUCLEAN],
  ['a stream without its mark', frame(begin, block(2, [0, 1, 0x54, 0, 0, 0, 0])), -EUCLEAN],
  ['bits that nothing asks for', frame(begin, block(2, [0, 1, 0x54, 0, 0, 0, 2])), -EUCLEAN],
  ['bits that are not there', frame(begin, block(2, [0, 1, 0x54, 0, 2, 0, 2])), -EUCLEAN],
  ['a literal that is not there', frame(begin, block(2, [0, 1, 0x54, 1, 0, 0, 1])), -EUCLEAN],
  [
    'a match that ends with its block',
    frame(begin, block(2, [0, 1, 0x54, 0, 0, 52, ...little(65533 + 65536, 3)])),
    131080,
  ],
  // 65539 + 65535 bytes are more than a block may make.
  ['a match beyond its block', frame(begin, block(2, [0, 1, 0x54, 0, 0, 52, ...little(65535 + 65536, 3)])), -EUCLEAN],
]

for (const [what, bytes, answer] of BY_HAND) {
  zstd(`by hand: ${what}`, () => {
    assert.is(core.decode(ZSTD, Uint8Array.from(bytes), 1 << 18).answer, answer)
  })
}

zstd('a number of sequences in three bytes', () => {
  const n = 40000
  const expected = letters(8)
  let offsets = [1, 4]
  for (let i = 0; i < n; i++) {
    // Without literals the second of the last offsets is meant.
    offsets = [offsets[1], offsets[0]]
    for (let k = 0; k < 3; k++) expected.push(expected[expected.length - offsets[0]])
  }
  const bytes = frame(begin, block(2, [0, 255, ...little(n - 0x7f00, 2), 0x54, 0, 0, 0, 1]))
  decoded(Uint8Array.from(bytes), Uint8Array.from(expected), 'three bytes')
})

zstd('mutated frames: the same answer whatever follows, nothing beyond the room, prefixes in smaller rooms', () => {
  let bad = 0
  let good = 0
  let source: Uint8Array = new Uint8Array(0)
  for (let seed = 0; seed < 3000; seed++) {
    const random = spread(seed)
    if (seed % 4 === 0) source = new FrameWriter(random).frame(6).bytes
    const broken = mutated(source, random)
    const room = random(6000)
    const first = core.decode(ZSTD, broken, room)
    const again = core.decode(ZSTD, broken, room)
    assert.is(again.answer, first.answer, `seed ${seed}`)
    same(again.bytes, first.bytes, `seed ${seed}`)
    if (first.answer < 0) bad++
    else good++
    if (first.answer <= 0) continue
    const less = random(first.answer)
    const part = core.decode(ZSTD, broken, less)
    assert.is(part.answer, less)
    same(part.bytes, first.bytes.subarray(0, less), `seed ${seed}`)
  }
  assert.ok(bad > 800 && good > 300, `${bad} bad, ${good} good`)
})
zstd.run()
