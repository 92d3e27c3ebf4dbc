// composefs build: an image from a directory, a dump or another image, with progress and a summary of what is new.
// Not here: reading and storing (directory-build.ts), writing (write-image.ts).

import fs from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import { storeContent } from '../build.js'
import { type BuildSummary, buildDirectory } from '../host/directory-build.js'
import { sha256 } from '../host/hash.js'
import { beginsAsImage, IMAGE_HEAD } from '../image/image.js'
import { DirectoryStore } from '../store/directory.js'
import { whileRegistered } from '../store/directory-builds.js'
import { treeFromImage } from '../tree/image-source.js'
import type { Tree } from '../tree/tree.js'
import type { ImageFormat } from '../writer/image-format.js'
import { parseArguments } from './arguments.js'
import { dumpFailure, treeFromDumpFile } from './dump-file.js'
import { buildFailure, CommandError, failure, printable, wrongUsage } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { ImageFiles } from './open.js'
import { checkOutput } from './output-file.js'
import { byteText, startByteProgress } from './progress.js'
import { writeAll } from './standard-output.js'
import { writeImage } from './write-image.js'

const HELP = 'composefs build --help'
export const BUILD_HELP = `Usage: composefs build SOURCE IMAGE [--digest-store DIR] [OPTIONS]

Makes an image of SOURCE: a directory, a dump (- is standard input) or an image.

  --digest-store DIR   put what files hold into this object store; without it, it is only measured
  --hard-links         keep names of one file together; otherwise each becomes a file, as with mkcomposefs
  --use-epoch          all times are 0
  --skip-devices       leave out device nodes
  --xattrs WHICH       all (the default), user, or none
  --format NAME        composefs (the default), or cfs-v1
  --min-version N      lowest version that the image may have (0)
  --max-version N      highest version (1)
  --threads N          threads that read files; as many as there are processors unless given
  --json               the summary as an object
${LIMITS_HELP}`

const OPTIONS = {
  'digest-store': { type: 'string' },
  'hard-links': { type: 'boolean' },
  'use-epoch': { type: 'boolean' },
  'skip-devices': { type: 'boolean' },
  xattrs: { type: 'string' },
  format: { type: 'string' },
  'min-version': { type: 'string' },
  'max-version': { type: 'string' },
  threads: { type: 'string' },
  json: { type: 'boolean' },
  ...LIMIT_OPTIONS,
} as const

type Values = ReturnType<typeof parseArguments<typeof OPTIONS>>['values']

interface Source {
  readonly tree: Tree
  /** What became of the files' bytes; of a directory only. */
  readonly summary?: BuildSummary
  readonly failed: (error: unknown) => unknown
  readonly release: () => void
}

function oneOf<T extends string>(values: Values, name: 'xattrs' | 'format', allowed: readonly T[]): T {
  const given = values[name] ?? allowed[0]
  const found = allowed.find(one => one === given)
  if (found === undefined) throw wrongUsage(`--${name} is one of ${allowed.join(', ')}`, HELP)
  return found
}

function whole(values: Values, name: 'threads' | 'min-version' | 'max-version', least: number): number | undefined {
  const text = values[name]
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text) || Number(text) < least) throw wrongUsage(`--${name} is a number of at least ${least}`, HELP)
  return Number(text)
}

function formatOf(values: Values): ImageFormat {
  const min = whole(values, 'min-version', 0)
  const max = whole(values, 'max-version', 0)
  if ([min, max].some(version => version !== undefined && version > 1)) throw wrongUsage('versions are 0 and 1', HELP)
  const format = oneOf(values, 'format', ['composefs', 'cfs-v1'] as const)
  return { format, minVersion: min ?? 0, maxVersion: max ?? Math.max(min ?? 0, 1) }
}

function isImage(path: string): boolean {
  const fd = fs.openSync(path, fs.constants.O_RDONLY)
  try {
    const head = Buffer.alloc(IMAGE_HEAD)
    return beginsAsImage(head.subarray(0, fs.readSync(fd, head, 0, IMAGE_HEAD, 0)))
  } finally {
    fs.closeSync(fd)
  }
}

/** Refuses a store that is part of what is read: every build would find more to read than the one before. */
function checkStore(store: string | undefined, source: string): void {
  if (store === undefined) return
  let above = resolve(store)
  while (!fs.existsSync(above)) above = dirname(above)
  const way = relative(fs.realpathSync(source), fs.realpathSync(above))
  if (way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return
  throw wrongUsage('the object store lies inside SOURCE', HELP)
}

async function directorySource(source: string, values: Values, { format }: ImageFormat): Promise<Source> {
  const failed = (error: unknown) => buildFailure(source, error)
  checkStore(values['digest-store'], source)
  const progress = await startByteProgress('build')
  try {
    const built = await buildDirectory(source, {
      store: values['digest-store'],
      threads: whole(values, 'threads', 1),
      useEpoch: values['use-epoch'],
      skipDevices: values['skip-devices'],
      hardLinks: values['hard-links'],
      xattrs: oneOf(values, 'xattrs', ['all', 'user', 'none'] as const),
      cfsV1: format === 'cfs-v1' ? { payload: 'digest', digest: true } : undefined,
      progress: progress.shown ? progress : undefined,
    })
    return { ...built, failed }
  } catch (error) {
    throw failed(error)
  } finally {
    progress.stop()
  }
}

async function sourceOf(source: string, values: Values, format: ImageFormat): Promise<Source> {
  const release = () => {}
  try {
    if (source !== '-' && fs.lstatSync(source).isFile() && isImage(source)) {
      const failed = (error: unknown) => failure('load', source, error)
      return {
        tree: treeFromImage(new ImageFiles({ limits: limitsGiven(values, HELP) }).open(source)),
        failed,
        release,
      }
    }
    if (source !== '-' && !fs.statSync(source).isFile()) return directorySource(source, values, format)
  } catch (error) {
    throw error instanceof CommandError ? error : failure('build', source, error)
  }
  return { tree: treeFromDumpFile(source), failed: error => dumpFailure(source, error), release }
}

interface Result {
  readonly image: string
  readonly format: string
  /** Bytes of the image. */
  readonly size: number
  readonly digest: string
  readonly entries: number
  readonly files?: BuildSummary
}

function describe({ image, format, size, digest, entries, files }: Result): string {
  const lines = [`${printable(image)}: ${format}, ${entries} entries, ${byteText(size)}`, `digest ${digest}`]
  if (files !== undefined) {
    const { newObjects, newBytes, sharedObjects, sharedBytes, inlined } = files
    lines.push(
      `${files.files} files with ${byteText(files.bytes)}: ${inlined} in the image itself`,
      `${newObjects} new objects (${byteText(newBytes)}), ${sharedObjects} shared (${byteText(sharedBytes)})`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** Contents find a place in the store first, and gc leaves them alone until the image is in its place. */
function withObjects<T>(tree: Tree, store: string | undefined, write: () => T): Promise<T> {
  return whileRegistered(store, async () => {
    await storeContent(tree, store === undefined ? undefined : new DirectoryStore(store), sha256)
    return write()
  })
}

export async function build(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, HELP)
  const [source, image, ...more] = positionals
  if (source === undefined || image === undefined || more.length > 0)
    throw wrongUsage('SOURCE and IMAGE are needed', HELP)
  if (image === '-') throw wrongUsage('standard output is for the summary; mkcomposefs writes images to it', HELP)
  const format = formatOf(values)
  checkOutput(image)
  const { tree, summary, failed, release } = await sourceOf(source, values, format)
  try {
    const store = values['digest-store']
    const write = () => writeImage(tree, { ...format, output: image, digest: true })
    const { size, digest = '' } = format.format === 'cfs-v1' ? await withObjects(tree, store, write) : write()
    const result = { image, format: format.format ?? 'composefs', size, digest, entries: tree.count, files: summary }
    writeAll(Buffer.from(values.json ? `${JSON.stringify(result, null, 2)}\n` : describe(result)))
  } catch (error) {
    throw failed(error)
  } finally {
    release()
  }
  return 0
}
