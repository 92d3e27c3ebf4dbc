// composefs verify: is an image what it claims to be, all of it, and are its objects?
// Image: its digest, every directory, inode, name, xattr, symlink and inline byte. Objects: there, of the right size, with
// the digest that the image gives. What verify passes, every read answers.

import { Fault, type Outcome } from '../format/errno.js'
import { toHex } from '../format/hex.js'
import { tooBig } from '../format/limits.js'
import type { Image } from '../image/image.js'
import { ImageCheck, type WantedObject } from '../overlay/image-check.js'
import type { OpenFile } from '../overlay/layer.js'
import { answered } from '../overlay/waiting.js'
import type { VerifiedObjects } from '../store/verified.js'
import { parseArguments } from './arguments.js'
import { complain, failure, reason, wrongUsage } from './failure.js'
import { IMAGE_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { inLanes } from './lanes.js'
import { eachPiece, eachPieceLater, openStoreAny } from './layers.js'
import { Measurer } from './measure.js'
import { ImageFiles } from './open.js'
import { startProgress } from './progress.js'
import { writeAll } from './standard-output.js'
import { isUrl, localPath } from './url.js'

export const VERIFY_HELP = `Usage: composefs verify IMAGE [--digest HEX] [--basedir STORE] [--json]

Checks everything in an image, and with a store every object that it names. Exit status 1 if anything is wrong.
IMAGE and STORE may be http(s) and s3 URLs.

  --digest HEX      the fs-verity digest that the image must have
  --basedir STORE   where the objects are; without it they are not looked at
  --device PATH     a further device of the image, a path or URL; repeated, in the order of its device table
  --json            the result as an object
${LIMITS_HELP}`

const OPTIONS = { basedir: { type: 'string' }, json: { type: 'boolean' }, ...IMAGE_OPTIONS } as const
/** Of a store that is elsewhere. */
const OBJECTS_AT_ONCE = 8

interface Problem {
  readonly path: string
  readonly code: string
  readonly why: string
}

class Report {
  readonly check: ImageCheck
  objectsRead = 0
  objectBytes = 0
  readonly problems: Problem[] = []
  readonly #maxObjectBytes: number

  constructor(image: Image) {
    this.#maxObjectBytes = image.limits.maxObjectBytes
    this.check = new ImageCheck(image, (path, why) => this.problem(path, why))
  }

  open(objects: VerifiedObjects, name: string, { size, digest }: WantedObject): Outcome<OpenFile> {
    const most = this.#maxObjectBytes
    return size > most ? tooBig('an object', size, 'maxObjectBytes', most) : objects.open(name, { size, digest }, true)
  }

  problem(path: string, why: unknown): void {
    const code = why instanceof Fault ? why.code : 'EIO'
    this.problems.push({ path, code, why: reason(why) })
    complain('composefs', failure('verify', path, why).message)
  }
}

async function checkObjects(objects: VerifiedObjects, report: Report): Promise<void> {
  const progress = await startProgress('verifying objects', report.check.objects.size)
  for (const [name, wanted] of report.check.objects) {
    const file = report.open(objects, name, wanted)
    const count = (piece: Uint8Array) => {
      report.objectBytes += piece.length
    }
    const why = file instanceof Fault ? file : eachPiece(file, count)
    if (why !== undefined) report.problem(wanted.path, why)
    report.objectsRead++
    progress.step()
  }
  progress.stop()
}

/** The same in a store that is elsewhere, several at once; problems come in the image's order all the same. */
async function checkObjectsLater(objects: VerifiedObjects, report: Report): Promise<void> {
  const progress = await startProgress('verifying objects', report.check.objects.size)
  const found = new Map<string, Fault>()
  await inLanes(report.check.objects, OBJECTS_AT_ONCE, async ([name, wanted]) => {
    const file = await answered(() => report.open(objects, name, wanted))
    const count = (piece: Uint8Array) => {
      report.objectBytes += piece.length
    }
    const why = file instanceof Fault ? file : await eachPieceLater(file, count)
    if (why !== undefined) found.set(name, why)
    report.objectsRead++
    progress.step()
  })
  progress.stop()
  for (const [name, { path }] of report.check.objects) {
    const why = found.get(name)
    if (why !== undefined) report.problem(path, why)
  }
}

/** undefined of an image of several devices that is elsewhere, where nobody said which it is to be. */
async function digestOf(image: Image, file: string, given: string | undefined): Promise<string | undefined> {
  if (!image.lazy) return image.digest()
  if (isUrl(file)) return given?.toLowerCase()
  return toHex(await new Measurer('sha256', 1).measure(localPath(file)))
}

function summary(image: Image, digest: string | undefined, report: Report, withStore: boolean): string {
  const { objectsRead, objectBytes, problems } = report
  const { entries, objects } = report.check
  const version = image.version === undefined ? '' : ` version ${image.version}`
  const lines = [
    `${image.format}${version}, ${image.byteLength} bytes${digest === undefined ? '' : `, fs-verity ${digest}`}`,
    `${entries} entries`,
    withStore
      ? `${objectsRead} objects, ${objectBytes} bytes of them`
      : `${objects.size} objects, not looked at (no --basedir)`,
    problems.length === 0 ? 'no problems' : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}`,
  ]
  return `${lines.join('\n')}\n`
}

export async function verify(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs verify --help')
  const [file, ...more] = positionals
  if (file === undefined) throw wrongUsage('verify: no image given', 'composefs verify --help')
  if (more.length > 0) throw wrongUsage('verify: more than one image given', 'composefs verify --help')
  const limits = limitsGiven(values, 'composefs verify --help')
  const image = await new ImageFiles({ limits, devices: values.device }).openAny(file, { digest: values.digest })
  const objects = await openStoreAny(values.basedir)
  const report = new Report(image)
  try {
    for (const _ of report.check.run());
  } catch (error) {
    report.problem(file, error)
  }
  const check = objects?.store.openSync === undefined ? checkObjectsLater : checkObjects
  if (objects !== undefined) await check(objects, report)
  const { objectsRead, objectBytes, problems } = report
  const { entries } = report.check
  const digest = await digestOf(image, file, values.digest)
  // Of an image that is read by ranges only what was asked for has been checked.
  if (values.digest !== undefined && digest !== values.digest.toLowerCase()) {
    report.problem(file, new Fault('EIO', `image digest is ${digest}, not ${values.digest}`))
  }
  const facts = { format: image.format, version: image.version, bytes: image.byteLength, digest }
  const json = { ...facts, entries, objects: report.check.objects.size, objectsRead, objectBytes, problems }
  const text = values.json
    ? `${JSON.stringify(json, null, 1)}\n`
    : summary(image, digest, report, objects !== undefined)
  writeAll(new TextEncoder().encode(text))
  return problems.length === 0 ? 0 : 1
}
