// A snapshot of an upper: all of it in one array of bytes, from which an upper is made again over the same layers. Not here: an
// upper that a directory keeps (the host's).
//
//   "composefs-wasm snapshot 1\n"   u32 length of the text, little-endian   text: JSON { root, next, records, bodies }
//   then the bytes of the bodies, one behind the other: of body n the ranges bodies[n].data ([offset, length], …) of its size

import { Fault, type Outcome } from '../format/errno.js'
import type { Bodies, Body, Quota } from './body.js'
import { Upper } from './upper.js'
import type { UpperInode } from './upper-inode.js'
import { inodeRecord, nameRecord, RecordReader } from './upper-record.js'

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
  readonly root: number
  readonly next: number
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

/** Every inode below a directory once, the directory first. */
function* inodesOf(root: UpperInode): Generator<UpperInode> {
  const seen = new Set([root])
  for (const inode of seen) {
    yield inode
    for (const child of inode.children?.values() ?? []) if (child !== null) seen.add(child)
  }
}

/** EIO where bytes can't be read. */
export function writeSnapshot(upper: Upper): Outcome<Uint8Array> {
  const bodies: Body[] = []
  const facts: BodyFacts[] = []
  const records: unknown[] = []
  let total = 0
  for (const inode of inodesOf(upper.root)) {
    records.push(inodeRecord(inode, body => bodies.push(body) - 1))
    for (const name of inode.children?.keys() ?? []) records.push(nameRecord(inode, name))
  }
  for (const body of bodies) {
    const data = rangesOf(body)
    if (data instanceof Fault) return data
    facts.push({ size: body.size, data })
    for (const [, length] of data) total += length
  }
  const text: SnapshotText = { root: upper.root.ino, next: upper.nextIno, records, bodies: facts }
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

function isText(text: unknown): text is SnapshotText {
  if (typeof text !== 'object' || text === null) return false
  const { root, next, records, bodies } = text as Partial<SnapshotText>
  if (typeof root !== 'number' || !isNumber(next) || !Array.isArray(records) || !Array.isArray(bodies)) return false
  return (bodies as unknown[]).every(facts => {
    const { size, data } = (facts ?? {}) as Partial<BodyFacts>
    return isNumber(size) && Array.isArray(data) && data.every(range => Array.isArray(range) && range.every(isNumber))
  })
}

/** An upper as it was. EINVAL for what is no snapshot, EUCLEAN for one that holds no tree, ENOSPC. */
export function readSnapshot(bytes: Uint8Array, bodies: Bodies, quota: Quota): Outcome<Upper> {
  const text = textOf(bytes)
  if (text instanceof Fault) return text
  const reader = new RecordReader()
  for (const record of text.records) {
    const failed = reader.add(record)
    if (failed !== undefined) return failed
  }
  const starts = startsOf(bytes, text)
  if (starts instanceof Fault) return starts
  const made = { upper: undefined as Upper | undefined }
  const bodyOf = (id: number, inode: UpperInode) => bodyAt(bytes, text.bodies[id], starts[id], bodies, inode.ino)
  const place = (dir: UpperInode, name: string, entry: UpperInode | null) => {
    made.upper ??= new Upper(dir, bodies, quota)
    made.upper.put(dir, name, entry)
  }
  const root = reader.build(text.root, place, bodyOf)
  if (root instanceof Fault) return root
  const upper = made.upper ?? new Upper(root, bodies, quota)
  upper.reserve(text.next)
  return upper.admit(Array.from(inodesOf(root)).length) ?? upper
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

function bodyAt(
  bytes: Uint8Array,
  facts: BodyFacts | undefined,
  start: number,
  bodies: Bodies,
  ino: number,
): Outcome<Body> {
  if (facts === undefined) return bad('no such body')
  const body = bodies.create(ino)
  if (body instanceof Fault) return body
  let at = start
  for (const [offset, length] of facts.data) {
    const failed = body.write(bytes.subarray(at, at + length), offset)
    if (failed !== undefined) return failed
    at += length
  }
  return body.truncate(facts.size) ?? body
}
