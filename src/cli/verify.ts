// composefs verify: is an image what it claims to be, all of it, and are its objects?
// Image: its digest, every directory, inode, name, xattr, symlink and inline byte. Objects: there, of the right size, with
// the digest that the image gives. What verify passes, every read answers.

import { Fault } from '../format/errno.js'
import { CONSTANTS } from '../format/structs.js'
import type { Image } from '../image/image.js'
import { TreeEntries } from '../image/tree-entries.js'
import { ImageLayer } from '../overlay/image-layer.js'
import { answered } from '../overlay/waiting.js'
import type { VerifiedObjects } from '../store/verified.js'
import { parseArguments } from './arguments.js'
import { complain, failure, reason, wrongUsage } from './failure.js'
import { inLanes } from './lanes.js'
import { eachPiece, eachPieceLater, openStoreAny } from './layers.js'
import { ImageFiles } from './open.js'
import { startProgress } from './progress.js'
import { writeAll } from './standard-output.js'

export const VERIFY_HELP = `Usage: composefs verify IMAGE [--digest HEX] [--basedir STORE] [--json]

Checks everything in an image, and with a store every object that it names. Exit status 1 if anything is wrong.
IMAGE and STORE may be http(s) and s3 URLs.

  --digest HEX      the fs-verity digest that the image must have
  --basedir STORE   where the objects are; without it they are not looked at
  --json            the result as an object
`

const OPTIONS = { digest: { type: 'string' }, basedir: { type: 'string' }, json: { type: 'boolean' } } as const
const { S_IFMT, S_IFREG, S_IFLNK } = CONSTANTS
/** Of a store that is elsewhere. */
const OBJECTS_AT_ONCE = 8

interface Wanted {
  /** Bytes. */
  readonly size: number
  readonly digest: Uint8Array | undefined
  /** The first path that needs it, for messages. */
  readonly path: string
}

interface Problem {
  readonly path: string
  readonly code: string
  readonly why: string
}

class Report {
  entries = 0
  readonly objects = new Map<string, Wanted>()
  objectsRead = 0
  objectBytes = 0
  readonly problems: Problem[] = []

  problem(path: string, why: unknown): void {
    const code = why instanceof Fault ? why.code : 'EIO'
    this.problems.push({ path, code, why: reason(why) })
    complain('composefs', failure('verify', path, why).message)
  }
}

/** A composefs image, by the tree that it stands for. */
function checkTree(image: Image, report: Report): void {
  const entries = TreeEntries.open(image)
  if (entries instanceof Fault) {
    report.problem('/', entries)
    return
  }
  const decoder = new TextDecoder()
  for (;;) {
    const more = entries.next()
    if (more instanceof Fault) {
      report.problem('/', more)
      return
    }
    if (!more) return
    report.entries++
    const { payload, digest, hardLink, mode } = entries
    if (hardLink || payload.from < 0 || (mode & S_IFMT) !== S_IFREG) continue
    const stored = decoder.decode(payload.bytes.subarray(payload.from, payload.to))
    // A cfs v1 image names files by their absolute path, too.
    const name = image.format === 'cfs-v1' ? stored.replace(/^\/+/, '') : stored
    if (report.objects.has(name)) continue
    report.objects.set(name, {
      size: entries.size,
      digest: digest.from < 0 ? undefined : digest.bytes.slice(digest.from, digest.to),
      path: decoder.decode(entries.path.subarray(0, entries.pathLength)),
    })
  }
}

/** Every entry as the mount shows it: whatever can be read of it is read, but for bytes in a store. */
function checkMount(image: Image, layer: ImageLayer, report: Report): void {
  const composefs = image.treeView !== undefined
  for (const { path, ino, mode } of image.entries()) {
    if (!composefs) report.entries++
    const node = { nid: ino, mode, way: path }
    const xattrs = layer.listxattr(node)
    if (xattrs instanceof Fault) report.problem(path, xattrs)
    if ((mode & S_IFMT) === S_IFLNK) {
      const target = layer.readlink(node)
      if (target instanceof Fault) report.problem(path, target)
    }
    if (composefs || (mode & S_IFMT) !== S_IFREG) continue
    const r = image.core.probe(ino)
    if (r < 0) report.problem(path, image.fault(r, 'data'))
  }
}

async function checkObjects(objects: VerifiedObjects, report: Report): Promise<void> {
  const progress = await startProgress('verifying objects', report.objects.size)
  for (const [name, { size, digest, path }] of report.objects) {
    const file = objects.open(name, { size, digest }, true)
    const count = (piece: Uint8Array) => {
      report.objectBytes += piece.length
    }
    const why = file instanceof Fault ? file : eachPiece(file, count)
    if (why !== undefined) report.problem(path, why)
    report.objectsRead++
    progress.step()
  }
  progress.stop()
}

/** The same in a store that is elsewhere, several at once; problems come in the image's order all the same. */
async function checkObjectsLater(objects: VerifiedObjects, report: Report): Promise<void> {
  const progress = await startProgress('verifying objects', report.objects.size)
  const found = new Map<string, Fault>()
  await inLanes(report.objects, OBJECTS_AT_ONCE, async ([name, { size, digest }]) => {
    const file = await answered(() => objects.open(name, { size, digest }, true))
    const count = (piece: Uint8Array) => {
      report.objectBytes += piece.length
    }
    const why = file instanceof Fault ? file : await eachPieceLater(file, count)
    if (why !== undefined) found.set(name, why)
    report.objectsRead++
    progress.step()
  })
  progress.stop()
  for (const [name, { path }] of report.objects) {
    const why = found.get(name)
    if (why !== undefined) report.problem(path, why)
  }
}

function summary(image: Image, report: Report, withStore: boolean): string {
  const { entries, objects, objectsRead, objectBytes, problems } = report
  const version = image.version === undefined ? '' : ` version ${image.version}`
  const lines = [
    `${image.format}${version}, ${image.byteLength} bytes, fs-verity ${image.digest()}`,
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
  const image = await new ImageFiles().openAny(file, { digest: values.digest })
  const objects = await openStoreAny(values.basedir)
  const report = new Report()
  try {
    checkMount(image, new ImageLayer(image, undefined, 'on'), report)
    if (image.treeView !== undefined && report.problems.length === 0) checkTree(image, report)
  } catch (error) {
    report.problem(file, error)
  }
  const check = objects?.store.openSync === undefined ? checkObjectsLater : checkObjects
  if (objects !== undefined) await check(objects, report)
  const { entries, objectsRead, objectBytes, problems } = report
  const facts = { format: image.format, version: image.version, bytes: image.byteLength, digest: image.digest() }
  const json = { ...facts, entries, objects: report.objects.size, objectsRead, objectBytes, problems }
  const text = values.json ? `${JSON.stringify(json, null, 1)}\n` : summary(image, report, objects !== undefined)
  writeAll(new TextEncoder().encode(text))
  return problems.length === 0 ? 0 : 1
}
