// The LZ4 decoder: blocks of our own with every kind of sequence, blocks that liblz4 wrote, ends of input and of room at each
// place, bad and hostile input. Each call checks that nothing beyond the room and its slack is written.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Lz4Encoder } from '../../src/fuzz/lz4-encoder.js'
import { type Random, seeded } from '../helpers/cfs-v1-trees.js'
import { CodecCore, EUCLEAN, LZ4, mutated } from '../helpers/codec-core.js'
import { fixture } from '../helpers/paths.js'

const core = await CodecCore.load()
const test = suite('lz4')

function decoded(block: Uint8Array, room: number): { answer: number; bytes: Uint8Array } {
  return core.decode(LZ4, block, room)
}

function same(actual: Uint8Array, expected: Uint8Array, what: string): void {
  assert.ok(Buffer.compare(actual, expected) === 0, what)
}

function bytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random(256))
}

/** A length around those at which its coding or its copying changes. */
function edge(random: Random, least: number): number {
  const around = [0, 4, 8, 15, 16, 18, 19, 32, 64, 255, 256, 270, 274, 512, 525, 600, 1200]
  return Math.max(least, around[random(around.length)] + random(5) - 2)
}

function randomBlock(random: Random, sequences: number): { block: Uint8Array; data: Uint8Array } {
  const encoder = new Lz4Encoder()
  for (let i = 0; i < sequences; i++) {
    const literals = bytes(random, edge(random, encoder.size === 0 ? 1 : 0))
    const most = Math.min(65535, encoder.size + literals.length)
    const offset = 1 + (random(2) === 0 ? random(Math.min(20, most)) : random(most))
    encoder.sequence(literals, offset, edge(random, 4))
  }
  const block = encoder.finish(bytes(random, edge(random, 0)))
  return { block, data: encoder.output }
}

test('blocks of every kind of sequence come out as they were written', () => {
  const random = seeded(1)
  for (let n = 0; n < 1500; n++) {
    const { block, data } = randomBlock(random, random(12))
    const { answer, bytes } = decoded(block, data.length)
    assert.is(answer, data.length, `block ${n}`)
    same(bytes, data, `block ${n}`)
  }
})

test('each short offset with each length', () => {
  for (let offset = 1; offset <= 40; offset++) {
    for (const length of [4, 5, 7, 8, 9, 15, 16, 17, 18, 19, 31, 32, 33, 100, 255, 256, 257, 1000]) {
      const encoder = new Lz4Encoder()
      encoder.sequence(bytes(seeded(offset), offset), offset, length)
      const block = encoder.finish([1, 2, 3, 4, 5])
      same(decoded(block, encoder.size).bytes, encoder.output, `offset ${offset} length ${length}`)
    }
  }
})

test('the furthest offset', () => {
  const encoder = new Lz4Encoder()
  encoder.sequence(bytes(seeded(9), 65535), 65535, 66000)
  const block = encoder.finish([1, 2, 3, 4, 5])
  same(decoded(block, encoder.size).bytes, encoder.output, 'bytes')
})

test('it stops as soon as the room is full, and says how much there was where it is not', () => {
  const random = seeded(2)
  for (let n = 0; n < 40; n++) {
    const { block, data } = randomBlock(random, 3)
    for (let room = 0; room <= data.length; room += 1 + random(3)) {
      const { answer, bytes } = decoded(block, room)
      assert.is(answer, room)
      same(bytes, data.subarray(0, room), `room ${room}`)
    }
    for (const more of [1, 7, 40, 5000]) {
      const { answer, bytes } = decoded(block, data.length + more)
      assert.is(answer, data.length)
      same(bytes, data, `${more} more`)
    }
  }
})

test('what follows where the room is full does not matter', () => {
  const { block, data } = randomBlock(seeded(3), 4)
  for (const more of [[], [0], [255, 255], [0x10, 1], [15, 0, 0]]) {
    const { answer, bytes } = decoded(Uint8Array.from([...block, ...more]), data.length)
    assert.is(answer, data.length)
    same(bytes, data, `${more}`)
  }
})

test('a block that is cut is bad, unless the room is full or literals end there', () => {
  const encoder = new Lz4Encoder()
  encoder.sequence(bytes(seeded(4), 300), 7, 400)
  encoder.sequence([1, 2, 3], 100, 10)
  const block = encoder.finish([1, 2, 3, 4, 5])
  const ends = new Map([
    // Token, two bytes of the length, literals.
    [1 + 2 + 300, 300],
    [1 + 2 + 300 + 2 + 2 + 1 + 3, 703],
    [block.length, encoder.size],
  ])
  for (let cut = 0; cut <= block.length; cut++) {
    const { answer } = decoded(block.subarray(0, cut), encoder.size + 1)
    assert.is(answer, ends.get(cut) ?? -EUCLEAN, `cut at ${cut}`)
  }
})

test('offsets of 0 and before the output are bad', () => {
  for (const [offset, answer] of [
    [0, -EUCLEAN],
    [1, 13],
    [4, 13],
    [5, -EUCLEAN],
    [65535, -EUCLEAN],
  ] as const) {
    for (const long of [false, true]) {
      const encoder = new Lz4Encoder()
      encoder.sequence([1, 2, 3, 4], offset, long ? 24 : 4)
      const block = encoder.finish([1, 2, 3, 4, 5])
      const expected = answer > 0 && long ? answer + 20 : answer
      assert.is(decoded(block, 100).answer, expected, `offset ${offset}`)
    }
  }
})

test('lengths beyond any room end at once', () => {
  // A mebibyte of 255s: a length of 267 million.
  const long = new Uint8Array(1 << 20).fill(255)
  assert.is(decoded(long, 4096).answer, -EUCLEAN)
  long[long.length - 1] = 0
  assert.is(decoded(long, 4096).answer, -EUCLEAN, 'no literals behind their length')
  const match = long.slice()
  match.set([0x1f, 7, 1, 0])
  const { answer, bytes } = decoded(match, 100_000)
  assert.is(answer, 100_000)
  same(bytes, new Uint8Array(100_000).fill(7), 'a run')
})

test('blocks of liblz4', () => {
  const names = readdirSync(fixture('codec')).filter(name => name.endsWith('.lz4'))
  assert.ok(names.length > 2)
  for (const name of names) {
    const file = readFileSync(fixture('codec', name))
    // 32 bytes of SHA-256, the length, the block.
    const size = file.readUInt32LE(32)
    const { answer, bytes } = decoded(file.subarray(36), size)
    assert.is(answer, size, name)
    assert.is(createHash('sha256').update(bytes).digest('hex'), file.toString('hex', 0, 32), name)
  }
})

test('hostile input: inside the bounds, the same answer twice, a smaller room is a prefix', () => {
  const random = seeded(5)
  const outcomes = new Set<string>()
  for (let seed = 0; seed < 40; seed++) {
    const { block, data } = randomBlock(random, 1 + random(5))
    for (let n = 0; n < 250; n++) {
      const input = mutated(block, random)
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
  assert.equal([...outcomes].sort(), ['bad', 'fewer', 'full'])
})

test.run()
