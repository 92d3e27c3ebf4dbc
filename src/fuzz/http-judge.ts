// What may be made of a web server's answers, said once more and apart from what reads them (src/source): where each byte that was handed
// out may be from. Not here: the answers (http-script.ts).

import { errnoOf, isErrnoName } from '../format/errno.js'
import { type Answer, SECRET, type Served } from './http-script.js'
import { Violation } from './target.js'

const RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i

interface Claim {
  /** Where in the file the body begins by the answer's word, and behind which byte it ends. */
  readonly from: number
  readonly to: number
  readonly total: number | undefined
  readonly etag: string | undefined
  readonly modified: string | undefined
}

function field({ headers }: Answer, name: string): string | undefined {
  return headers.find(([key]) => key === name)?.[1]
}

/** What an answer says that it carries; undefined for one that carries nothing of the file. */
function claimOf(answer: Answer): Claim | undefined {
  if (answer.failure !== undefined) return undefined
  const validators = { etag: field(answer, 'etag'), modified: field(answer, 'last-modified') }
  if (answer.status === 200) return { from: 0, to: Number.POSITIVE_INFINITY, total: undefined, ...validators }
  if (answer.status !== 206) return undefined
  const match = RANGE.exec(field(answer, 'content-range') ?? '')
  if (match === null) return undefined
  const [from, to] = [Number(match[1]), Number(match[2]) + 1]
  const total = match[3] === '*' ? undefined : Number(match[3])
  return to <= from || (total !== undefined && to > total) ? undefined : { from, to, total, ...validators }
}

/** May bytes of an answer stand beside those of the first one? */
function sameFile(claim: Claim, first: Claim, size: number, status: number): boolean {
  if (claim.total !== undefined && claim.total !== size) return false
  if (first.etag !== undefined) return claim.etag === first.etag
  if (first.modified === undefined) return true
  return claim.modified === first.modified || (claim.modified === undefined && status === 206)
}

/** How many bytes from `at` on an answer may have brought. */
function run(bytes: Uint8Array, at: number, offset: number, { body }: Answer, { from, to }: Claim): number {
  let length = 0
  for (let i = at; i < bytes.length; i++) {
    const place = offset + i
    if (place < from || place >= to || place - from >= body.length || body[place - from] !== bytes[i]) break
    length++
  }
  return length
}

/** The answer that an opening goes by: the last one with a body, or of an empty file. */
export function openingOf(served: readonly Served[]): Served | undefined {
  return served.findLast(({ asked, answer }) => asked.method === 'GET' && answer.failure === undefined)
}

/** What was read at an offset of a file of that size. `opening` and `answers`: what it may be made of. Throws a Violation. */
export function judgeBytes(
  bytes: Uint8Array,
  offset: number,
  size: number,
  opening: Served | undefined,
  answers: readonly Served[],
): void {
  const first = opening === undefined ? undefined : claimOf(opening.answer)
  const claims = answers.flatMap(({ answer }) => {
    const claim = claimOf(answer)
    return claim !== undefined && first !== undefined && sameFile(claim, first, size, answer.status)
      ? [{ answer, claim }]
      : []
  })
  if (first !== undefined && opening !== undefined) claims.push({ answer: opening.answer, claim: first })
  // Each piece as long as it can be: more of them than answers is luck, not descent.
  let pieces = claims.length
  for (let at = 0; at < bytes.length; pieces--) {
    const longest = Math.max(0, ...claims.map(({ answer, claim }) => run(bytes, at, offset, answer, claim)))
    if (longest === 0 || pieces === 0)
      throw new Violation('right bytes', `byte ${offset + at} is of no answer that says so`)
    at += longest
  }
}

/** All that an error says, in its causes too. */
function textOf(error: unknown): string {
  const texts: string[] = []
  for (let at: unknown = error; at instanceof Error && texts.length < 32; at = at.cause) {
    texts.push(at.message, at.stack ?? '', JSON.stringify(at))
  }
  return texts.join('\n')
}

/** An error's code. Throws a Violation. */
export function judgeError(error: unknown, what: string): string {
  if (!(error instanceof Error)) throw new Violation('errors', `${what} threw ${String(error)}`)
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  if (!isErrnoName(code) || errno !== -errnoOf(code)) throw new Violation('errors', `${what}: ${error.stack}`)
  if (textOf(error).includes(SECRET)) throw new Violation('secrets', `${what}: ${error.message}`)
  return code
}
