// A hostile web server by a script: an answer a request, each right but for what its record says. The same script always plays the
// same, whoever asks. Not here: how requests come to it, and what may be made of its answers (http-judge.ts).
//
//   head     u8 tries | u8 bytes asked for at first | u8 where the page is | u8 size of the file | 4 reads: u8 offset, u8 length
//   record   16 bytes, 0 each where the answer is right: see Field

/** What no message may hold. */
export const SECRET = 'SECRET'
export const ORIGIN = 'https://files.test'
export const FILE_URL = `${ORIGIN}/object?token=${SECRET}`

const HEAD_BYTES = 12
export const RECORD_BYTES = 16
export const READS = 4
const RECORDS_MAX = 32

/** Places in a record. */
const Field = {
  failure: 0,
  status: 1,
  range: 2,
  length: 3,
  etag: 4,
  modified: 5,
  encoding: 6,
  body: 7,
  amount: 8,
  url: 9,
  later: 10,
  size: 11,
  ranges: 12,
} as const

const TRIES = [0, 0, 1, 2]
const HEADS = [100, 1, 16, 1000, 65536]
const SIZES = [3000, 0, 1, 99, 100, 101, 5000]
/** Pages: none, of this server, of another one. */
const PAGES = [undefined, ORIGIN, 'https://page.test']
const OFFSETS = [0, 0, 1, 50, 99, 100, 101, 1000, 2999, 3000, 4095, 70_000, 2 ** 40, 2 ** 53]
const LENGTHS = [0, 1, 16, 100, 101, 1000, 4096, 65536, 2 ** 53]
const STATUSES = [0, 200, 206, 416, 404, 403, 500, 503, 429, 301, 304, 204, 999]
const ETAGS = ['"v1"', '"v2"', undefined, 'W/"v1"', '', '"v1', 'W/"v2"']
const DATES = ['Mon, 01 Jan 2024 00:00:00 GMT', 'Tue, 02 Jan 2024 00:00:00 GMT', undefined, 'yesterday']
const ENCODINGS = [undefined, 'gzip', 'identity', '', 'br, gzip']
const LATER = [undefined, '0', '1', '99999999999', 'soon', 'Mon, 01 Jan 2024 00:00:00 GMT']
const URLS = [
  '',
  FILE_URL,
  `https://user:${SECRET}@files.test/other?token=${SECRET}`,
  `http://files.test/plain?token=${SECRET}`,
  `https://cdn.test/x?sig=${SECRET}`,
  `file:///etc/${SECRET}`,
  `http://[${SECRET}`,
]
const BAD_RANGES = ['', 'bytes', 'bytes 5', 'bytes -5-9/9', 'bytes 9-5/10', 'items 0-9/10', 'bytes 0-9', 'bytes */*']
const MORE_BAD_RANGES = ['bytes 0-9/5', 'bytes 0-999999999999999/*', 'bytes 0-99999999999999999999/9', 'bytes 0 - 9/10']
const RANGES = [...BAD_RANGES, ...MORE_BAD_RANGES]

export interface Read {
  readonly offset: number
  readonly length: number
}

export interface Script {
  readonly retries: number
  /** Bytes asked for at first. */
  readonly head: number
  /** Origin of the page that asks; undefined for none. */
  readonly page: string | undefined
  readonly size: number
  readonly reads: readonly Read[]
  readonly records: readonly Uint8Array[]
}

export interface Asked {
  readonly method: string
  readonly url: string
  /** By names in small letters. */
  readonly headers: ReadonlyMap<string, string>
}

export interface Answer {
  /** What fails in its place. */
  readonly failure?: 'connection' | 'time'
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  /** Where it says that it comes from. */
  readonly url: string
}

/** A request that was made, and its answer. */
export interface Served {
  readonly asked: Asked
  readonly answer: Answer
  /** Is it right in all? */
  readonly honest: boolean
}

export function decodeScript(input: Uint8Array): Script {
  const at = (i: number): number => input[i] ?? 0
  const of = <T>(list: readonly T[], i: number): T => list[at(i) % list.length]
  const reads = Array.from({ length: READS }, (_, i) => ({
    offset: of(OFFSETS, 4 + 2 * i),
    length: of(LENGTHS, 5 + 2 * i),
  }))
  const records: Uint8Array[] = []
  for (let from = HEAD_BYTES; from + RECORD_BYTES <= input.length && records.length < RECORDS_MAX; from += RECORD_BYTES)
    records.push(input.subarray(from, from + RECORD_BYTES))
  return { retries: of(TRIES, 0), head: of(HEADS, 1), page: of(PAGES, 2), size: of(SIZES, 3), reads, records }
}

/** Byte of an answer's body: another one in each answer, so that it can be told where a byte is from. */
function bodyByte(answer: number, at: number): number {
  const mixed = Math.imul(answer * 65_599 + at + 1, 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) >>> 24
}

interface Span {
  readonly from: number
  readonly to: number
}

function askedRange(asked: Asked): Span | undefined {
  const match = /^bytes=(\d+)-(\d+)$/.exec(asked.headers.get('range') ?? '')
  return match === null ? undefined : { from: Number(match[1]), to: Number(match[2]) + 1 }
}

function changed(value: number, how: number, amount: number): number {
  return Math.max(0, [value, value + amount, value - amount, 0, value * 4 + 1][how % 5])
}

export class HostileServer {
  readonly served: Served[] = []
  readonly #script: Script

  constructor(script: Script) {
    this.#script = script
  }

  answer(asked: Asked): Answer {
    const number = this.served.length
    const { records } = this.#script
    const record = records[Math.min(number, records.length - 1)]
    const answer =
      record === undefined
        ? { failure: 'connection' as const, status: 0, headers: [], body: new Uint8Array(0), url: '' }
        : this.#played(asked, record, number)
    const honest = record?.every((byte, i) => byte === 0 || i === Field.amount || i > Field.ranges) === true
    this.served.push({ asked, answer, honest })
    return answer
  }

  #played(asked: Asked, record: Uint8Array, number: number): Answer {
    const of = <T>(list: readonly T[], field: number): T => list[record[field] % list.length]
    const amount = 1 + record[Field.amount]
    const size = of([this.#script.size, ...SIZES], Field.size)
    const etag = of(ETAGS, Field.etag)
    const modified = of(DATES, Field.modified)
    const condition = asked.headers.get('if-range')
    const fresh = condition === undefined || condition === etag || (etag === undefined && condition === modified)
    const wanted = record[Field.ranges] % 2 === 0 && fresh ? askedRange(asked) : undefined
    const part = { from: wanted?.from ?? 0, to: Math.min(wanted?.to ?? size, size) }
    const unmet = wanted !== undefined && part.from >= part.to
    const right = wanted === undefined ? 200 : unmet ? 416 : 206
    const sent = unmet ? 0 : changed(part.to - part.from, record[Field.body], amount)
    const headers: [string, string][] = []
    const put = (name: string, value: string | undefined): void => {
      if (value !== undefined) headers.push([name, value])
    }
    put(
      'content-range',
      wanted === undefined && record[Field.range] === 0 ? undefined : rangeField(record, part, size, unmet),
    )
    put('content-length', lengthField(record, unmet ? 0 : part.to - part.from))
    put('etag', etag)
    put('last-modified', modified)
    put('content-encoding', of(ENCODINGS, Field.encoding))
    put('retry-after', of(LATER, Field.later))
    const failure = ([undefined, 'connection', 'time'] as const)[record[Field.failure] % 3]
    const status = of(STATUSES, Field.status) || right
    const body = Uint8Array.from({ length: asked.method === 'HEAD' ? 0 : sent }, (_, i) => bodyByte(number, i))
    return { failure, status, headers, body, url: of(URLS, Field.url) }
  }
}

function rangeField(record: Uint8Array, { from, to }: Span, size: number, unmet: boolean): string | undefined {
  const how = record[Field.range] % 24
  const amount = 1 + record[Field.amount]
  if (how === 1) return undefined
  if (how >= 12) return RANGES[how - 12]
  if (unmet) return `bytes */${changed(size, how, amount)}`
  const [a, b] = [
    [from, to],
    [from + amount, to + amount],
    [from, to - amount],
    [from, to + amount],
  ][how % 4]
  const total = how < 6 ? `${size}` : how < 9 ? '*' : `${size + amount}`
  return `bytes ${Math.max(0, a)}-${Math.max(0, b - 1)}/${total}`
}

function lengthField(record: Uint8Array, length: number): string | undefined {
  const amount = 1 + record[Field.amount]
  const lies = [
    `${length}`,
    undefined,
    `${length + amount}`,
    `${Math.max(0, length - amount)}`,
    '0',
    '-1',
    '9'.repeat(15),
  ]
  return [...lies, '9'.repeat(30), 'many', '1, 2'][record[Field.length] % 10]
}
