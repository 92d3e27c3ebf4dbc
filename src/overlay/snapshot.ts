// A snapshot of an upper: all of it in one array of bytes, from which an upper is made again over the same layers. Not here: an
// upper that a directory keeps (the host's).
//
//   "composefs-wasm snapshot 1\n"   u32 length of the text, little-endian   text: JSON { records, bodies }
//   then the bytes of the bodies, one behind the other: of body n the ranges bodies[n].data ([offset, length], …) of its size

import { Fault, type Outcome } from '../format/errno.js'
import type { Bodies, Body } from './body.js'
import type { Upper } from './upper.js'
import type { UpperInode } from './upper-inode.js'
import { RecordReader, recordsOf } from './upper-record.js'

const MAGIC = 'composefs-wasm snapshot 1\n'
const HEAD = MAGIC.length + 4
/** Bytes that are looked at as one: a run of zeros that long is a hole. */
const STEP = 4096

interface BodyFacts {
  readonly size: number
  /** Offset and length of what is not all zeros. */
  readonly data: readonly (readonly [number, number])[]
}

interface SnapshotText {
  readonly records: readonly unknown[]
  readonly bodies: readonly BodyFacts[]
}

function rangesOf(body: Body): Outcome<[number, number][]> {
  const ranges: [number, number][] = []
  const buffer = new Uint8Array(STEP)
  for (let at = body.dataFrom(0); at < body.size; at = body.dataFrom(at)) {
    const count = body.read(buffer, at)
    if (count instanceof Fault) return count
    const last = ranges[ranges.length - 1]
    if (buffer.subarray(0, count).some(byte => byte !== 0)) {
      if (last !== undefined && last[0] + last[1] === at) last[1] += count
      else ranges.push([at, count])
    }
    at += count
  }
  return ranges
}

/** EIO where bytes can't be read. */
export function writeSnapshot(upper: Upper): Outcome<Uint8Array> {
  const bodies: Body[] = []
  const facts: BodyFacts[] = []
  const records = [...recordsOf(upper.root, body => bodies.push(body) - 1)]
  let total = 0
  for (const body of bodies) {
    const data = rangesOf(body)
    if (data instanceof Fault) return data
    facts.push({ size: body.size, data })
    for (const [, length] of data) total += length
  }
  const text: SnapshotText = { records, bodies: facts }
  const head = new TextEncoder().encode(JSON.stringify(text))
  const out = new Uint8Array(HEAD + head.length + total)
  out.set(new TextEncoder().encode(MAGIC))
  new DataView(out.buffer).setUint32(MAGIC.length, head.length, true)
  out.set(head, HEAD)
  let at = HEAD + head.length
  for (const [index, body] of bodies.entries()) {
    for (const [offset, length] of facts[index].data) {
      const count = body.read(out.subarray(at, at + length), offset)
      if (count instanceof Fault) return count
      at += length
    }
  }
  return out
}

function bad(why: string): Fault {
  return new Fault('EINVAL', `snapshot: ${why}`)
}

function textOf(bytes: Uint8Array): SnapshotText | Fault {
  const magic = new TextDecoder('latin1').decode(bytes.subarray(0, MAGIC.length))
  if (magic !== MAGIC) return bad('these bytes are none')
  if (bytes.length < HEAD) return bad('cut off')
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true)
  if (length > bytes.length - HEAD) return bad('cut off')
  try {
    const text: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD, HEAD + length)))
    return isText(text) ? text : bad('not its form')
  } catch {
    return bad('not its form')
  }
}

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0

const isRange = (range: unknown): range is readonly [number, number] =>
  Array.isArray(range) && range.length === 2 && range.every(isNumber)

function isText(text: unknown): text is SnapshotText {
  if (typeof text !== 'object' || text === null) return false
  const { records, bodies } = text as Partial<SnapshotText>
  if (!Array.isArray(records) || !Array.isArray(bodies)) return false
  return (bodies as unknown[]).every(facts => {
    const { size, data } = (facts ?? {}) as Partial<BodyFacts>
    return isNumber(size) && Array.isArray(data) && data.every(isRange)
  })
}

/** The tree that a snapshot holds, its bytes among an upper's. */
export interface Restored {
  readonly root: UpperInode
  /** The highest id in it. */
  readonly last: number
}

/**
 * Reads a snapshot for an upper, which stays as it is. EINVAL for what is no snapshot, EUCLEAN for one that holds no tree,
 * ENOSPC.
 */
export function readSnapshot(bytes: Uint8Array, upper: Upper): Outcome<Restored> {
  const text = textOf(bytes)
  if (text instanceof Fault) return text
  const reader = new RecordReader()
  for (const record of text.records) {
    const failed = reader.add(record)
    if (failed !== undefined) return failed
  }
  const starts = startsOf(bytes, text)
  if (starts instanceof Fault) return starts
  const made: Body[] = []
  const root = reader.build(id => {
    if (typeof id === 'string') return bad('no such body')
    const body = bodyAt(bytes, text.bodies[id], starts[id], upper.bodies)
    if (!(body instanceof Fault)) made.push(body)
    return body
  })
  const failed = root instanceof Fault ? root : upper.admit(reader.count, reader.charged)
  if (failed === undefined) return { root: root as UpperInode, last: reader.last }
  for (const body of made) body.free()
  return failed
}

/** Where the bytes of each body begin. */
function startsOf(bytes: Uint8Array, { bodies }: SnapshotText): Outcome<number[]> {
  let at = HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true)
  const starts: number[] = []
  for (const { size, data } of bodies) {
    starts.push(at)
    let end = 0
    for (const [offset, length] of data) {
      if (offset < end || offset + length > size) return bad('ranges')
      end = offset + length
      at += length
    }
  }
  return at > bytes.length ? bad('cut off') : starts
}

function bodyAt(bytes: Uint8Array, facts: BodyFacts | undefined, start: number, bodies: Bodies): Outcome<Body> {
  if (facts === undefined) return bad('no such body')
  const body = bodies.create()
  if (body instanceof Fault) return body
  let at = start
  let failed: Fault | undefined
  for (const [offset, length] of facts.data) {
    failed ??= body.write(bytes.subarray(at, at + length), offset)
    at += length
  }
  failed ??= body.truncate(facts.size)
  if (failed === undefined) return body
  body.free()
  return failed
}
