// composefs fsck: is every object of a store what its name says, and is there what images need?
// Not here: how it is found out (src/store/directory-survey.ts).

import { sha256, sha512 } from '../host/hash.js'
import { countObjects } from '../store/directory-meter.js'
import type { Problem } from '../store/directory-problem.js'
import { DirectorySurvey, type SurveyOptions } from '../store/directory-survey.js'
import { parseArguments } from './arguments.js'
import { type Claims, claimsOf } from './claims.js'
import { CommandError, failure, printable, wrongUsage } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { type ByteProgress, startByteProgress } from './progress.js'
import { StandardOutput } from './standard-output.js'
import { isUrl, localPath } from './url.js'

export const FSCK_HELP = `Usage: composefs fsck STORE [IMAGE...] [--json]

Reads every object of a store and says what is wrong, a line each. Exit status 1 if anything is.

  altered      not the content that its name, or an image, says
  misplaced    an object that lies at another's place
  missing      an image needs it, and it is not there
  stray        no object: a leftover, a foreign file. With IMAGEs, also an object that none of them needs:
               give all images that use the store
  unreadable   could not be looked at

What builds that go on have in the store is no problem. Nothing is changed.

STORE may also be s3://bucket/prefix, which is listed, or an http(s) URL, which can't be: then only the objects that the IMAGEs
need are looked at. IMAGEs may be such URLs too. Merkle trees beside objects are compared with them.

  --json       the result as an object
${LIMITS_HELP}`

const OPTIONS = { json: { type: 'boolean' }, ...LIMIT_OPTIONS } as const
const encoder = new TextEncoder()

interface Summary {
  readonly counts: { readonly objects: number; readonly bytes: number }
  readonly underWay: number
  /** Was everything in the store looked at? */
  readonly listed?: boolean
}

/** Writes problems as they are found: there can be many. */
class ProblemWriter {
  count = 0
  readonly #out = new StandardOutput()
  readonly #json: boolean

  constructor(json: boolean) {
    this.#json = json
    if (json) this.#write('{"problems":[')
  }

  problem(problem: Problem): void {
    const { kind, object, why } = problem
    if (this.#json) this.#write(`${this.count > 0 ? ',' : ''}\n${JSON.stringify(problem)}`)
    else this.#write(`${kind}: ${printable(object)}: ${printable(why)}\n`)
    this.count++
    this.#out.spill()
  }

  end({ counts, underWay, listed = true }: Summary): void {
    const { objects, bytes } = counts
    if (this.#json) {
      this.#write(
        `${this.count > 0 ? '\n' : ''}],"objects":${objects},"bytes":${bytes},"underWay":${underWay}${listed ? '' : ',"listed":false'}}\n`,
      )
    } else {
      const problems = this.count === 0 ? 'no problems' : `${this.count} ${this.count === 1 ? 'problem' : 'problems'}`
      const builds = underWay === 0 ? '' : `, ${underWay} files of builds that go on`
      this.#write(`${objects} objects, ${bytes} bytes of them, ${problems}${builds}\n`)
      if (!listed) this.#write("only what the images need was looked at: a web server can't be listed\n")
    }
    this.#out.flush()
  }

  #write(text: string): void {
    const bytes = encoder.encode(text)
    this.#out.text.raw(bytes, 0, bytes.length)
  }
}

function reportBadNames(claims: Claims, writer: ProblemWriter): void {
  for (const { name, why, by } of claims.bad.values()) {
    writer.problem({ kind: 'missing', object: name, why: `${why.detail}, needed by ${by}`, neededBy: by })
  }
}

type LookOptions = Omit<SurveyOptions, 'sha256' | 'sha512' | 'step'> & Required<Pick<SurveyOptions, 'step'>>

async function lookOver(store: string, options: LookOptions, progress: ByteProgress): Promise<Summary> {
  const path = localPath(store)
  if (progress.shown) {
    const { objects, bytes } = countObjects(path)
    progress.expect(objects, bytes)
  }
  const survey = new DirectorySurvey(path, { ...options, sha256, sha512 })
  survey.run()
  return survey
}

async function lookElsewhere(url: string, options: LookOptions, progress: ByteProgress): Promise<Summary> {
  const { RemoteSurvey } = await import('./remote-survey.js')
  const expect = (objects: number, bytes: number) => progress.expect(objects, bytes)
  const survey = new RemoteSurvey(url, { ...options, claims: options.claims, expect })
  await survey.run()
  return survey
}

export async function fsck(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs fsck --help')
  const [store, ...images] = positionals
  if (store === undefined) throw wrongUsage('fsck: no store given', 'composefs fsck --help')
  const limits = limitsGiven(values, 'composefs fsck --help')
  const claims = images.length === 0 ? undefined : await claimsOf(images, limits)
  try {
    const progress = await startByteProgress('checking objects')
    const writer = new ProblemWriter(values.json === true)
    const options = {
      claims: claims?.byName,
      report: (problem: Problem) => writer.problem(problem),
      step: (objects: number, bytes: number) => progress.add(objects, bytes),
    }
    const look = isUrl(store) ? lookElsewhere : lookOver
    const survey = await look(store, options, progress).finally(() => progress.stop())
    if (claims !== undefined) reportBadNames(claims, writer)
    writer.end(survey)
    return writer.count === 0 ? 0 : 1
  } catch (error) {
    throw error instanceof CommandError ? error : failure('fsck', store, error)
  }
}
