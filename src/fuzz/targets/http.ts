// A file read from a hostile web server, by the requests that block (src/source/http-sync.ts): the server's answers are the input. What
// waits (http-opening.ts, http-source.ts) decides by the same functions which answers are good (http-range.ts, http-error.ts,
// http-target.ts); a test plays the same scripts to it. Only where there is no document, as in Node and in workers: pages do not block.
// Invariants:
// - right bytes: each byte that is handed out is of an answer that says it carries that byte, of the state of the file that was opened
// - length: as many bytes as were asked for and the file has, in a buffer that holds no more
// - errors: what fails is an error with a code and its errno
// - bounded: an opening makes at most two requests and a read one, each as often as it may be tried; what is kept needs none
// - kept: of a server that knows ranges no more is kept than was asked for at first
// - secrets: no message has a query, or who the user is
// - honest: where all answers are right, nothing fails

import { HttpClient } from '../../source/http-client.js'
import { HttpSource } from '../../source/http-source.js'
import { judgeBytes, judgeError, openingOf } from '../http-judge.js'
import { decodeScript, FILE_URL, HostileServer, READS, RECORD_BYTES, type Script, type Served } from '../http-script.js'
import { BYTE_MUTATORS } from '../mutate-bytes.js'
import { Random } from '../random.js'
import { type Mutator, type Target, Violation } from '../target.js'

const HEAD = 12
const SEEDS = 24
const RECORDS = 8
/** What a record says for the status 301. */
const REDIRECT = 9
/** What it says for a Content-Range that is a little further on. */
const SHIFTED = 5
/** Bytes of a record that say something. */
const FIELDS = 13
/** What counts as going a new way: how a step ended (or with which code), after so many answers, the last of that status. */
const STEPS = 1 + READS
const CODES = ['', 'EIO', 'ESTALE', 'ENOENT', 'EACCES', 'ETIMEDOUT', 'EFBIG', 'EINVAL']
const STATUS_KINDS = [0, 200, 206, 416, 500]
const ANSWERS_MAX = 4

/** One record changed in one field, doubled, taken out, or taken from elsewhere. */
function scriptMutators(): Mutator[] {
  // The first answers are heard most.
  const place = (input: Uint8Array, random: Random): number => {
    const records = Math.max(1, Math.floor((input.length - HEAD) / RECORD_BYTES))
    return HEAD + RECORD_BYTES * random.below(1 + random.below(records))
  }
  const field = (name: string, value: (random: Random) => number): Mutator => ({
    name,
    mutate: (input, random) => {
      const at = place(input, random) + random.below(FIELDS)
      if (at >= input.length) return undefined
      input[at] = value(random)
      return input
    },
  })
  const splice = (name: string, most: number, from: (input: Uint8Array, other: Uint8Array) => Uint8Array): Mutator => ({
    name,
    mutate: (input, random, { other }) => {
      const at = place(input, random)
      const source = from(input, other)
      const taken = source.subarray(place(source, random)).subarray(0, RECORD_BYTES)
      return Uint8Array.from([...input.subarray(0, at), ...taken, ...input.subarray(at + most)])
    },
  })
  return [
    field('a lie', random => 1 + random.below(24)),
    field('the truth', () => 0),
    {
      name: 'a redirect',
      mutate: (input, random) => {
        const at = place(input, random)
        if (at + RECORD_BYTES > input.length) return undefined
        input[at + 1] = REDIRECT
        input[at + 9] = random.below(8)
        return input
      },
    },
    {
      name: 'bytes from elsewhere',
      mutate: (input, random) => {
        const at = place(input, random)
        if (at + RECORD_BYTES > input.length) return undefined
        input[at + 2] = SHIFTED
        input[at + 8] = random.below(4)
        return input
      },
    },
    splice('an answer twice', 0, input => input),
    splice('an answer of another', RECORD_BYTES, (_, other) => other),
    splice('an answer gone', RECORD_BYTES, () => new Uint8Array(0)),
    { name: 'another read', mutate: (input, random) => withByte(input, random.below(HEAD), random.below(64)) },
  ]
}

function withByte(input: Uint8Array, at: number, value: number): Uint8Array | undefined {
  if (at >= input.length) return undefined
  input[at] = value
  return input
}

function seed(number: number): Uint8Array {
  const random = new Random(number)
  const script = new Uint8Array(HEAD + RECORDS * RECORD_BYTES)
  for (let i = 0; i < HEAD; i++) script[i] = random.below(64)
  // Some servers do not know ranges, some give no ETag; half of them lie once.
  const [ranges, etag] = [random.once(4) ? 1 : 0, random.once(4) ? 2 : 0]
  for (let at = HEAD; at < script.length; at += RECORD_BYTES) {
    script[at + 12] = ranges
    script[at + 4] = etag
  }
  if (number % 2 === 1) script[HEAD + RECORD_BYTES * random.below(3) + random.below(FIELDS)] = 1 + random.below(24)
  return script
}

class Blocking {
  responseType = ''
  timeout = 0
  status = 0
  response: ArrayBuffer | null = null
  responseURL = ''
  readonly #server: HostileServer
  readonly #headers = new Map<string, string>()
  #asked = { method: '', url: '' }
  #text = ''

  constructor(server: HostileServer) {
    this.#server = server
  }

  open(method: string, url: string): void {
    this.#asked = { method, url }
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers.set(name.toLowerCase(), value)
  }

  getAllResponseHeaders(): string {
    return this.#text
  }

  send(): void {
    const answer = this.#server.answer({ ...this.#asked, headers: this.#headers })
    // Platforms differ in what they quote.
    const said = `Failed to load ${this.#asked.url}`
    if (answer.failure === 'connection') throw new Error(said)
    if (answer.failure === 'time') throw Object.assign(new Error(said), { name: 'TimeoutError' })
    this.status = answer.status
    this.responseURL = answer.url
    this.#text = answer.headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    this.response = answer.body.length === 0 ? null : (answer.body.buffer as ArrayBuffer)
  }
}

/** Does something where requests go to a server of ours, and the page is of that origin. */
function played<T>(server: HostileServer, page: string | undefined, action: () => T): T {
  const scope = globalThis as { XMLHttpRequest?: unknown; location?: unknown }
  const before = ['XMLHttpRequest', 'location'].map(
    name => [name, Object.getOwnPropertyDescriptor(scope, name)] as const,
  )
  const put = (name: string, value: unknown) =>
    Object.defineProperty(scope, name, { value, configurable: true, writable: true })
  put('XMLHttpRequest', Blocking.bind(null, server))
  if (page === undefined) put('location', undefined)
  else put('location', { origin: page, href: `${page}/` })
  try {
    return action()
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) delete scope[name as keyof typeof scope]
      else Object.defineProperty(scope, name, descriptor)
    }
  }
}

export class HttpTarget implements Target {
  readonly name = 'http'
  readonly invariants = [
    'right bytes: each byte handed out is of an answer that says it carries that byte, of the state of the file that was opened',
    'length: as many bytes as were asked for and the file has, in a buffer that holds no more',
    'errors: what fails is an error with a code and its errno',
    'bounded: an opening makes at most two requests and a read one, each as often as it may be tried; what is kept needs none',
    'kept: of a server that knows ranges no more is kept than was asked for at first',
    'secrets: no message has a query, or who the user is',
    'honest: where all answers are right, nothing fails',
  ]
  readonly maxBytes = 1 << 10
  readonly seeds = Array.from({ length: SEEDS }, (_, i) => seed(i))
  readonly mutators = [...BYTE_MUTATORS, ...scriptMutators(), ...scriptMutators(), ...scriptMutators()]
  readonly counters = new Uint8Array(STEPS * CODES.length * STATUS_KINDS.length * ANSWERS_MAX)

  run(input: Uint8Array): boolean {
    this.counters.fill(0)
    const script = decodeScript(input)
    const server = new HostileServer(script)
    return played(server, script.page, () => this.#run(script, server))
  }

  #run(script: Script, server: HostileServer): boolean {
    const client = new HttpClient({ retries: script.retries })
    const source = this.#step(0, server, () => HttpSource.openSync(client, FILE_URL, script.head))
    this.#bounded(server.served, 2 * (script.retries + 1))
    if (typeof source === 'string') return false
    if (source?.readSync === undefined) throw new Violation('errors', 'nothing can block here')
    const opening = openingOf(server.served)
    for (const [i, { offset, length }] of script.reads.entries()) {
      const from = server.served.length
      const bytes = this.#step(1 + i, server, () => source.readSync?.(offset, length))
      const answers = server.served.slice(from)
      this.#bounded(answers, script.retries + 1)
      if (!(bytes instanceof Uint8Array)) continue
      const wanted = Math.max(0, Math.min(offset + length, source.size) - offset)
      if (bytes.length !== wanted || bytes.buffer.byteLength !== wanted)
        throw new Violation('length', `${bytes.length} bytes at ${offset}, not ${wanted}`)
      judgeBytes(bytes, offset, source.size, opening, answers)
      const kept = opening?.answer.status === 206 ? script.head : Number.POSITIVE_INFINITY
      if (wanted > 0 && offset + wanted > kept && answers.length === 0)
        throw new Violation('kept', `${wanted} bytes at ${offset}, where ${kept} were asked for`)
    }
    source.close()
    return true
  }

  /** What an action answers, or the code with which it fails. */
  #step<T>(number: number, { served }: HostileServer, action: () => T): T | string {
    const from = served.length
    let code = ''
    try {
      return action()
    } catch (error) {
      code = judgeError(error, number === 0 ? 'open' : `read ${number}`)
      if (served.every(({ honest }) => honest) && code !== 'EFBIG')
        throw new Violation('honest', `${error instanceof Error ? error.message : ''}`)
      return code
    } finally {
      this.#count(number, code, served.slice(from))
    }
  }

  #count(step: number, code: string, answers: readonly Served[]): void {
    const status = answers.at(-1)?.answer.status ?? 0
    const kind = Math.max(
      0,
      STATUS_KINDS.findLastIndex(least => status >= least),
    )
    const made = Math.min(answers.length, ANSWERS_MAX - 1)
    const place =
      ((step * CODES.length + Math.max(0, CODES.indexOf(code))) * STATUS_KINDS.length + kind) * ANSWERS_MAX + made
    this.counters[place]++
  }

  #bounded(answers: readonly Served[], most: number): void {
    if (answers.length > most) throw new Violation('bounded', `${answers.length} requests, not ${most}`)
  }
}
