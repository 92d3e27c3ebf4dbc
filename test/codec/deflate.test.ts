// DEFLATE against Node's zlib: what it makes is decoded to what it was made of, and what it refuses is refused.
import zlib from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Random, seeded } from '../helpers/cfs-v1-trees.js'
import { CodecCore, DEFLATE, EUCLEAN, mutated } from '../helpers/codec-core.js'

const core = await CodecCore.load()
const deflate = suite('deflate')

/** Seeds that lie side by side would begin alike. */
function spread(seed: number): Random {
  return seeded(Math.imul(seed + 1, 0x9e3779b1) << 1)
}

function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) assert.unreachable(`${what}: other bytes, ${actual.length} of them`)
}

function decoded(stream: Uint8Array, expected: Uint8Array, what: string): void {
  const { answer, bytes } = core.decode(DEFLATE, stream, expected.length + 1)
  assert.is(answer, expected.length, what)
  same(bytes, expected, what)
}

/** Content of one of some kinds: noise, few letters, words again and again, runs, zeros. */
function content(random: Random, size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  const kind = random(5)
  const letters = 1 + random(kind === 0 ? 256 : 12)
  const period = 1 + random(kind === 3 ? 9 : 400)
  for (let i = 0; i < size; i++) {
    if (kind === 4) break
    const again = kind >= 2 && i >= period && random(24) !== 0
    bytes[i] = again ? bytes[i - period] : random(letters)
  }
  return bytes
}

const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_FILTERED, Z_DEFAULT_STRATEGY } = zlib.constants
const STRATEGIES = [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]

function options(random: Random): zlib.ZlibOptions {
  return {
    level: random(10),
    strategy: STRATEGIES[random(STRATEGIES.length)],
    memLevel: 1 + random(9),
    windowBits: 9 + random(7),
  }
}

deflate('every level, strategy, window and memory level; sizes up to some thousands', () => {
  for (let seed = 0; seed < 2500; seed++) {
    const random = spread(seed)
    const bytes = content(random, random(2) === 0 ? random(300) : random(20000))
    const how = options(random)
    decoded(zlib.deflateRawSync(bytes, how), bytes, `seed ${seed} ${JSON.stringify(how)}`)
  }
})

deflate('up to a mebibyte', () => {
  for (const level of [0, 1, 6, 9]) {
    const bytes = content(spread(level), (1 << 20) - level)
    decoded(zlib.deflateRawSync(bytes, { level }), bytes, `level ${level}`)
  }
})

deflate('flushes between: empty stored blocks, blocks that end within a byte', () => {
  for (const flush of [zlib.constants.Z_PARTIAL_FLUSH, zlib.constants.Z_SYNC_FLUSH, zlib.constants.Z_FULL_FLUSH]) {
    const bytes = content(spread(flush), 5000)
    const open = zlib.deflateRawSync(bytes, { finishFlush: flush })
    const rest = zlib.deflateRawSync(bytes)
    // A partial flush ends within a byte: nothing can be put behind it.
    if (flush !== zlib.constants.Z_PARTIAL_FLUSH)
      decoded(Buffer.concat([open, rest]), Buffer.concat([bytes, bytes]), `${flush}`)
    const { answer, bytes: part } = core.decode(DEFLATE, open, bytes.length)
    assert.is(answer, bytes.length)
    same(part, bytes, `flush ${flush}`)
    // The stream goes on, and there is no more of it.
    assert.is(core.decode(DEFLATE, open, bytes.length + 1).answer, -EUCLEAN)
  }
})

deflate(
  'any smaller room is filled with what comes first; an input cut off is bad unless the room was full before',
  () => {
    for (let seed = 0; seed < 60; seed++) {
      const random = spread(seed)
      const bytes = content(random, 1 + random(3000))
      const stream = zlib.deflateRawSync(bytes, options(random))
      for (let n = 0; n < 20; n++) {
        const room = random(bytes.length + 1)
        const { answer, bytes: part } = core.decode(DEFLATE, stream, room)
        assert.is(answer, room)
        same(part, bytes.subarray(0, room), `seed ${seed} room ${room}`)
        const cut = core.decode(DEFLATE, stream.subarray(0, random(stream.length)), room)
        assert.ok(cut.answer === room || cut.answer === -EUCLEAN)
        if (cut.answer > 0) same(cut.bytes, bytes.subarray(0, room), `seed ${seed} cut`)
        assert.is(core.decode(DEFLATE, stream.subarray(0, random(stream.length)), bytes.length + 1).answer, -EUCLEAN)
      }
    }
  },
)

/** Bits from the lowest up, as streams have them. */
function stream(...parts: [value: number, width: number][]): Uint8Array {
  const bits = parts.flatMap(([value, width]) => Array.from({ length: width }, (_, i) => (value >> i) & 1))
  const bytes = new Uint8Array((bits.length + 7) >> 3)
  bits.forEach((bit, i) => {
    bytes[i >> 3] |= bit << (i & 7)
  })
  return bytes
}

/** Dynamic block whose code of lengths has 0, 1, 2 and 18 (zeros), two bits each. */
function dynamic(hlit: number, hdist: number, lengths: [value: number, width: number][]): Uint8Array {
  const order: [number, number][] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1].map(symbol => [
    symbol <= 2 || symbol === 18 ? 2 : 0,
    3,
  ])
  order[3] = [2, 3]
  return stream([1, 1], [2, 2], [hlit, 5], [hdist, 5], [14, 4], ...order, ...lengths)
}
// The code's symbols in their order, bits reversed.
const [ZERO, ONE, TWO]: [number, number][] = [
  [0, 2],
  [2, 2],
  [1, 2],
]
const zeros = (n: number): [number, number][] => [
  [3, 2],
  [n - 11, 7],
]

const BY_HAND: readonly [what: string, bytes: Uint8Array, answer: number][] = [
  ['nothing at all', new Uint8Array(0), -EUCLEAN],
  ['an empty fixed block', stream([1, 1], [1, 2], [0, 7]), 0],
  ['type 3', stream([1, 1], [3, 2], [0, 29]), -EUCLEAN],
  ['a stored block of nothing', stream([1, 3], [0, 5], [0, 16], [0xffff, 16]), 0],
  ['a stored block whose length is not said twice', stream([1, 3], [0, 5], [1, 16], [0xffff, 16], [0, 8]), -EUCLEAN],
  ['a stored block that is not all there', stream([1, 3], [0, 5], [2, 16], [0xfffd, 16], [0, 8]), -EUCLEAN],
  ['a match before any output', stream([1, 1], [1, 2], [0x40, 7], [0, 5], [0, 7]), -EUCLEAN],
  ['fixed length symbol 286', stream([1, 1], [1, 2], [0b01100011, 8], [0, 24]), -EUCLEAN],
  ['fixed distance symbol 30', stream([1, 1], [1, 2], [0x0c, 8], [0x40, 7], [0b01111, 5], [0, 24]), -EUCLEAN],
  ['end-of-block alone, one bit', dynamic(0, 0, [...zeros(138), ...zeros(118), ONE, ZERO, [0, 1]]), 0],
  ['the other bit of such a code', dynamic(0, 0, [...zeros(138), ...zeros(118), ONE, ZERO, [1, 1]]), -EUCLEAN],
  ['end-of-block alone, two bits', dynamic(0, 0, [...zeros(138), ...zeros(118), TWO, ZERO, [0, 2]]), -EUCLEAN],
  ['no end-of-block', dynamic(0, 0, [ONE, ONE, ...zeros(138), ...zeros(117), ZERO, [0, 9]]), -EUCLEAN],
  ['287 symbols', dynamic(30, 0, [...zeros(138), ...zeros(118), ONE, ...zeros(31), [0, 9]]), -EUCLEAN],
  ['31 distances', dynamic(0, 30, [...zeros(138), ...zeros(118), ONE, ...zeros(31), [0, 9]]), -EUCLEAN],
  [
    'more lengths than were announced',
    dynamic(0, 0, [...zeros(138), ...zeros(118), ONE, ...zeros(11), [0, 9]]),
    -EUCLEAN,
  ],
  ['three codes of one bit', dynamic(0, 0, [ONE, ONE, ...zeros(138), ...zeros(116), ONE, ZERO, [0, 9]]), -EUCLEAN],
]

function zlibAnswer(bytes: Uint8Array, room: number): number {
  try {
    return zlib.inflateRawSync(bytes, { maxOutputLength: room }).length
  } catch (error) {
    // What does not fit is another matter.
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? room : -EUCLEAN
  }
}

for (const [what, bytes, answer] of BY_HAND) {
  deflate(`by hand: ${what}`, () => {
    // The stored blocks begin with 1 in three bits.
    assert.is(zlibAnswer(bytes, 100), answer, 'zlib itself')
    assert.is(core.decode(DEFLATE, bytes, 100).answer, answer)
  })
}

deflate('mutated streams are refused where zlib refuses them, and give what it gives', () => {
  let refused = 0
  for (let seed = 0; seed < 6000; seed++) {
    const random = spread(seed)
    const bytes = content(random, random(400))
    const broken = mutated(new Uint8Array(zlib.deflateRawSync(bytes, options(random))), random)
    const { answer, bytes: out } = core.decode(DEFLATE, broken, 4096)
    const expected = zlibAnswer(broken, 4096)
    // zlib says that what is put out is too much only after it has looked further, so that a full room tells nothing.
    if (answer === 4096) continue
    assert.is(answer, expected, `seed ${seed}`)
    if (answer < 0) refused++
    else same(out, zlib.inflateRawSync(broken), `seed ${seed}`)
  }
  assert.ok(refused > 1000, `${refused} refused`)
})

deflate.run()
