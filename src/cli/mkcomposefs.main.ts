// mkcomposefs: an image from a directory or a dump. Options, output and exit codes are the C tool's (spec
// composefs-tools.md section 1), save that after a failure nothing is at IMAGE; beyond it, cfs v1 images.
// Not here: reading the tree (directory-build.ts, dump-file.ts), writing it (write-image.ts).

import { buildDirectory, type CfsV1Files } from '../host/directory-build.js'
import { ingestFiles } from '../host/ingest-pool.js'
import { serveTasks } from '../host/worker-pool.js'
import type { Tree } from '../tree/tree.js'
import { completeOptions, parseArguments } from './arguments.js'
import { dumpFailure, treeFromDumpFile } from './dump-file.js'
import { buildFailure, CommandError, failure, runCommand } from './failure.js'
import { checkOutput } from './output-file.js'
import { writeAll } from './standard-output.js'
import { writeImage } from './write-image.js'

const PROGRAM = 'mkcomposefs'
const USAGE = `Usage: ${PROGRAM} [OPTIONS] SOURCE IMAGE

  --digest-store=PATH   copy the data of files to this object store
  --use-epoch           all times are 0
  --skip-devices        leave out device nodes
  --skip-xattrs         read no extended attributes
  --user-xattrs         read only those whose name begins with user.
  --print-digest        print the fs-verity digest of the image
  --print-digest-only   print it, and write no image
  --from-file           SOURCE is a dump (- is standard input)
  --min-version=N       lowest version that the image may have (0)
  --max-version=N       highest version (1)
  --threads=N           threads that read files
  --format=NAME         composefs (the default), or cfs-v1
 only with cfs-v1:
  --compute-digest      store the digests of files
  --by-digest           name files by their digest, as with a store
  --absolute            name files by their absolute path
`

const OPTIONS = {
  'digest-store': { type: 'string' },
  'use-epoch': { type: 'boolean' },
  'skip-devices': { type: 'boolean' },
  'skip-xattrs': { type: 'boolean' },
  'user-xattrs': { type: 'boolean' },
  'print-digest': { type: 'boolean' },
  'print-digest-only': { type: 'boolean' },
  'from-file': { type: 'boolean' },
  'min-version': { type: 'string' },
  'max-version': { type: 'string' },
  threads: { type: 'string' },
  format: { type: 'string' },
  'compute-digest': { type: 'boolean' },
  'by-digest': { type: 'boolean' },
  absolute: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parse>['values']

/** Every failure of this tool has status 1. */
function usageError(why: string): CommandError {
  return new CommandError(`${why}\n${USAGE.trimEnd()}`)
}

function parse(args: readonly string[]) {
  try {
    return parseArguments(completeOptions(args, Object.keys(OPTIONS)), OPTIONS, '')
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error))
  }
}

/** A whole number as strtol reads it. */
function numberOf(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined
  if (!/^\s*[+-]?\d+$/.test(text)) throw new CommandError(`invalid ${what}: ${text}`)
  return Number(text)
}

/** If one is given the other is 0, if none is 0 and 1; a highest below the lowest counts as the lowest. */
function versions(values: Values): { minVersion: number; maxVersion: number } {
  const min = numberOf(values['min-version'], 'minimum version')
  const max = numberOf(values['max-version'], 'maximum version')
  if (min === undefined && max === undefined) return { minVersion: 0, maxVersion: 1 }
  return { minVersion: min ?? 0, maxVersion: max ?? 0 }
}

function threads(values: Values): number | undefined {
  const count = numberOf(values.threads, 'number of threads')
  if (count !== undefined && count < 1) throw new CommandError(`invalid number of threads: ${count}`)
  return count
}

function operands(values: Values, [source, image, ...more]: readonly string[]): { source: string; image?: string } {
  if (source === undefined) throw usageError('no source path given')
  if (source === '') throw new CommandError('the source path is empty')
  if (more.length > 0) throw usageError('too many operands')
  if (values['print-digest-only']) {
    if (image !== undefined) throw usageError('--print-digest-only writes no image, so none can be named')
  } else if (image === undefined) throw usageError('no image path given')
  return { source, image }
}

/** The rules of cfs v1, as its own mkcomposefs 0.1.2 had them. */
function cfsV1Files(values: Values): CfsV1Files | undefined {
  const only = (['compute-digest', 'by-digest', 'absolute'] as const).filter(name => values[name])
  if (values.format === undefined || values.format === 'composefs') {
    if (only.length > 0) throw usageError(`--${only[0]} is for --format=cfs-v1`)
    return undefined
  }
  if (values.format !== 'cfs-v1') throw usageError(`no such format: ${values.format}`)
  const byDigest = values['by-digest'] === true || values['digest-store'] !== undefined
  if (byDigest && values.absolute) throw usageError('files can not be named both by digest and by path')
  const payload = byDigest ? 'digest' : values.absolute ? 'absolute' : 'relative'
  return { payload, digest: byDigest || values['compute-digest'] === true }
}

interface Source {
  readonly tree: Tree
  /** The error that a writer's one is to be reported as. */
  readonly failed: (error: unknown) => unknown
  readonly release: () => void
}

async function directorySource(source: string, values: Values, cfsV1: CfsV1Files | undefined): Promise<Source> {
  if (values['skip-xattrs'] && values['user-xattrs']) {
    throw failure('error accessing', source, new Error('--skip-xattrs and --user-xattrs exclude each other'))
  }
  const failed = (error: unknown) => buildFailure(source, error)
  try {
    const { tree, release } = await buildDirectory(source, {
      store: values['digest-store'],
      threads: threads(values),
      useEpoch: values['use-epoch'],
      skipDevices: values['skip-devices'],
      xattrs: values['skip-xattrs'] ? 'none' : values['user-xattrs'] ? 'user' : 'all',
      cfsV1,
    })
    return { tree, failed, release }
  } catch (error) {
    throw failed(error)
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parse(process.argv.slice(2))
  if (values.help) {
    writeAll(Buffer.from(USAGE))
    return 0
  }
  const { source, image } = operands(values, positionals)
  const cfsV1 = cfsV1Files(values)
  const options = { ...versions(values), format: cfsV1 === undefined ? 'composefs' : 'cfs-v1' } as const
  threads(values)
  if (image !== undefined) checkOutput(image)
  const { tree, failed, release } = values['from-file']
    ? { tree: treeFromDumpFile(source), failed: (error: unknown) => dumpFailure(source, error), release() {} }
    : await directorySource(source, values, cfsV1)
  try {
    const digest = values['print-digest'] === true || values['print-digest-only'] === true
    const written = writeImage(tree, { ...options, output: image, digest })
    if (written.digest !== undefined) writeAll(Buffer.from(`${written.digest}\n`))
  } catch (error) {
    throw failed(error)
  } finally {
    release()
  }
  return 0
}

if (!serveTasks([ingestFiles])) runCommand(PROGRAM, main)
