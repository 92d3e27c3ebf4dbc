// The MicroLZMA decoder: streams of our own with every kind of symbol under all properties, streams that liblzma wrote, ends
// of input and of room, bad and hostile input. Each call checks that nothing beyond the room and its slack is written.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LzmaEncoder, type LzmaProperties } from '../../src/fuzz/lzma-encoder.js'
import { type Random, seeded } from '../helpers/cfs-v1-trees.js'
import { CodecCore, EUCLEAN, MICROLZMA, mutated } from '../helpers/codec-core.js'
import { fixture } from '../helpers/paths.js'

/** The largest dictionary that an image may name. */
const DICT_MAX = 8 << 20
const core = await CodecCore.load()
const test = suite('microlzma')

function decoded(stream: Uint8Array, room: number, dictSize = DICT_MAX): { answer: number; bytes: Uint8Array } {
  return core.decode(MICROLZMA, stream, room, dictSize)
}

function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(Buffer.compare(actual, expected) === 0, what)
}

/** All that the kernel takes: lc + lp is at most 4. */
const PROPERTIES: LzmaProperties[] = []
for (let lc = 0; lc <= 4; lc++)
  for (let lp = 0; lc + lp <= 4; lp++) for (let pb = 0; pb <= 4; pb++) PROPERTIES.push({ lc, lp, pb })

/** A length of each of the three classes, their ends most of all. */
function randomLength(random: Random): number {
  const ends = [2, 3, 4, 5, 9, 10, 17, 18, 19, 272, 273]
  return random(2) === 0 ? ends[random(ends.length)] : 2 + random(272)
}

/** A distance of any number of bits that the output allows. */
function randomDistance(random: Random, size: number): number {
  const bits = random(33 - Math.clz32(size))
  return Math.min(size, 1 + random(2 ** bits))
}

function addSymbols(encoder: LzmaEncoder, random: Random, count: number): void {
  for (let i = 0; i < count; i++) {
    const { size } = encoder
    const kind = size === 0 ? 0 : random(9)
    const which = random(4)
    // A byte near the one that a match foretells, so that their first bits agree.
    if (kind < 3)
      encoder.literal(kind === 0 ? random(256) : (encoder.output[size - encoder.distance(0)] ?? 0) ^ random(4))
    else if (kind < 5) encoder.match(randomDistance(random, size), randomLength(random))
    else if (kind === 5) encoder.shortRep()
    else if (encoder.distance(which) <= size) encoder.rep(which, randomLength(random))
  }
}

function randomStream(random: Random, properties: LzmaProperties, symbols: number) {
  const encoder = new LzmaEncoder(properties)
  addSymbols(encoder, random, symbols)
  return { data: encoder.output, stream: encoder.finish() }
}

test('streams of every kind of symbol come out as they were written, under all properties', () => {
  const random = seeded(1)
  for (const properties of PROPERTIES) {
    for (const symbols of [0, 1, 2, 3, 10, 30, 100, 100, 300, 1000]) {
      const { data, stream } = randomStream(random, properties, symbols)
      const { answer, bytes } = decoded(stream, data.length)
      assert.is(answer, data.length, `${JSON.stringify(properties)} ${symbols}`)
      same(bytes, data, `${JSON.stringify(properties)} ${symbols}`)
    }
  }
})

test('distances of every slot up to the largest dictionary', () => {
  const encoder = new LzmaEncoder({ lc: 3, lp: 0, pb: 2 })
  const random = seeded(2)
  for (let i = 0; i < 500; i++) encoder.literal(random(256))
  while (encoder.size < DICT_MAX + 300) encoder.match(1 + random(Math.min(encoder.size, 500)), 273)
  for (let value = 1; value <= DICT_MAX; value *= 2)
    for (const distance of [value, value + 1, value + (value >> 1), value * 2 - 1].filter(d => d <= DICT_MAX))
      encoder.match(distance, 2 + random(8))
  const data = encoder.output
  const stream = encoder.finish()
  assert.is(decoded(stream, data.length).answer, data.length)
  same(decoded(stream, data.length).bytes, data, 'bytes')
  assert.is(decoded(stream, data.length, DICT_MAX - 1).answer, -EUCLEAN, 'the last one is beyond a smaller dictionary')
})

test('properties that the kernel does not take are refused', () => {
  const random = seeded(3)
  for (let byte = 0; byte < 256; byte++) {
    const stream = Uint8Array.from({ length: 64 }, () => random(256))
    stream[0] = ~byte
    // Small numbers first: such a code begins with literals whatever the properties are.
    stream.fill(0, 1)
    const { answer } = decoded(stream, 3)
    const isTaken = PROPERTIES.some(({ lc, lp, pb }) => byte === (pb * 5 + lp) * 9 + lc)
    assert.is(answer, isTaken ? 3 : -EUCLEAN, `properties ${byte}`)
  }
})

test('it stops as soon as the room is full, and says how much there was where it is not', () => {
  const random = seeded(4)
  for (let n = 0; n < 30; n++) {
    const { data, stream } = randomStream(random, PROPERTIES[random(PROPERTIES.length)], 30)
    for (let room = 0; room <= data.length; room += 1 + random(40)) {
      const { answer, bytes } = decoded(stream, room)
      assert.is(answer, room)
      same(bytes, data.subarray(0, room), `room ${room}`)
    }
    const { answer, bytes } = decoded(stream, data.length + 10_000)
    assert.ok(answer >= data.length, `${answer} of ${data.length}`)
    same(bytes.subarray(0, data.length), data, 'more room')
    assert.ok(bytes.subarray(data.length).every(byte => byte === 0) && answer - data.length < 64, 'zeros alone follow')
  }
})

test('a stream that is cut is bad, unless the room is full before', () => {
  const { data, stream } = randomStream(seeded(5), { lc: 3, lp: 0, pb: 2 }, 60)
  for (let cut = 0; cut < stream.length; cut++) {
    const { answer, bytes } = decoded(stream.subarray(0, cut), data.length)
    // What the coder wrote to finish need not be all there.
    if (cut < stream.length - 4) assert.is(answer, -EUCLEAN, `cut at ${cut}`)
    else if (answer !== -EUCLEAN) same(bytes, data, `cut at ${cut}`)
  }
})

test('distances before the output or beyond the dictionary, and end markers, are bad', () => {
  const stream = (add: (encoder: LzmaEncoder) => void): Uint8Array => {
    const encoder = new LzmaEncoder({ lc: 0, lp: 0, pb: 0 })
    for (let i = 0; i < 5000; i++) encoder.literal(i & 255)
    add(encoder)
    encoder.literal(1)
    return encoder.finish()
  }
  const row = (what: string, expected: number, dictSize: number, add: (encoder: LzmaEncoder) => void): void =>
    assert.is(decoded(stream(add), 5003, dictSize).answer, expected, what)
  row('in the dictionary', 5003, 4096, encoder => encoder.match(4096, 2))
  row('beyond the dictionary', -EUCLEAN, 4096, encoder => encoder.match(4097, 2))
  row('the first byte', 5003, DICT_MAX, encoder => encoder.match(5000, 2))
  row('before the first byte', -EUCLEAN, DICT_MAX, encoder => encoder.match(5001, 2))
  row('an end marker', -EUCLEAN, DICT_MAX, encoder => encoder.match(2 ** 32, 2))
  for (const which of [0, 1, 2, 3]) {
    const first = new LzmaEncoder({ lc: 0, lp: 0, pb: 0 })
    first.rep(which, 5)
    assert.is(decoded(first.finish(), 5).answer, -EUCLEAN, `rep ${which} of no output`)
  }
  const first = new LzmaEncoder({ lc: 0, lp: 0, pb: 0 })
  first.shortRep()
  assert.is(decoded(first.finish(), 1).answer, -EUCLEAN, 'a byte of no output')
})

test('streams of liblzma', () => {
  const names = readdirSync(fixture('codec')).filter(name => name.endsWith('.microlzma'))
  assert.ok(names.length > 2)
  for (const name of names) {
    const file = readFileSync(fixture('codec', name))
    // 32 bytes of SHA-256, the length, the stream.
    const size = file.readUInt32LE(32)
    const { answer, bytes } = decoded(file.subarray(36), size)
    assert.is(answer, size, name)
    assert.is(createHash('sha256').update(bytes).digest('hex'), file.toString('hex', 0, 32), name)
  }
})

test('hostile input: inside the bounds, the same answer twice, a smaller room is a prefix', () => {
  const random = seeded(6)
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const { data, stream } = randomStream(random, PROPERTIES[random(PROPERTIES.length)], 1 + random(40))
    for (let n = 0; n < 150; n++) {
      const input = mutated(stream, random)
      const room = random(2) === 0 ? data.length : random(data.length + 300)
      const { answer, bytes } = decoded(input, room)
      outcomes.add(answer < 0 ? 'bad' : answer < room ? 'fewer' : 'full')
      const again = decoded(input, room)
      assert.is(again.answer, answer)
      same(again.bytes, bytes, 'twice')
      if (answer <= 0) continue
      const less = random(answer)
      const { answer: fewer, bytes: prefix } = decoded(input, less)
      assert.is(fewer, less)
      same(prefix, bytes.subarray(0, less), 'a prefix')
    }
  }
  assert.ok(outcomes.has('bad') && outcomes.has('full'), [...outcomes].join())
})

test.run()
