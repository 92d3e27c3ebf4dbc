// composefs-info: what an image holds, as the C tool of that name prints it. Same options, same bytes on standard output,
// same exit codes. Not here: the sub-commands (info-commands.ts).

import { binaryString } from '../format/xattr-name.js'
import { serveTasks } from '../host/worker-pool.js'
import { completeOptions, parseArguments } from './arguments.js'
import { CommandError, runCommand } from './failure.js'
import { handsOver } from './hand-over.js'
import { checkBasedir, dump, type InfoOptions, ls, measureFile, missingObjects, objects } from './info-commands.js'
import { hashSlices } from './measure.js'
import { StandardOutput, writeAll } from './standard-output.js'

const PROGRAM = 'composefs-info'
const USAGE = `Usage: ${PROGRAM} [--basedir=PATH] [--filter=NAME]... COMMAND FILE...

Commands:
  ls IMAGE...               list the tree
  objects IMAGE...          names of the objects that the images need
  missing-objects IMAGE...  those of them that --basedir lacks
  dump IMAGE...             the tree in composefs dump text
  measure-file FILE...      fs-verity digests of ordinary files

Options:
  --basedir=PATH            the object store: a directory, or an http(s) or s3 URL, as IMAGEs may be too
  --filter=NAME             only this entry of the top directory (may be repeated)
`

const OPTIONS = {
  basedir: { type: 'string' },
  filter: { type: 'string', multiple: true },
  help: { type: 'boolean' },
} as const

type Command = (out: StandardOutput, files: readonly string[], options: InfoOptions) => void | Promise<void>
const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['ls', ls],
  ['objects', objects],
  ['missing-objects', missingObjects],
  ['dump', dump],
  ['measure-file', measureFile],
])

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

async function main(): Promise<number> {
  const { values, positionals } = parse(process.argv.slice(2))
  if (values.help) {
    writeAll(Buffer.from(USAGE))
    return 0
  }
  const names = values.filter?.map(name => binaryString(Buffer.from(name)))
  if (names?.some(name => name.includes('/'))) throw new CommandError('filter: a name can have no slash in it')
  const [name, ...files] = positionals
  if (name === undefined) throw usageError('no command given')
  const command = COMMANDS.get(name)
  if (command === undefined) throw usageError(`unknown command '${name}'`)
  if (files.length === 0) throw usageError(name === 'measure-file' ? 'no files given' : 'no image given')
  if (values.basedir !== undefined) checkBasedir(values.basedir)
  const out = new StandardOutput()
  try {
    await command(out, files, { filter: names && new Set(names), basedir: values.basedir })
  } catch (error) {
    out.flush()
    throw error
  }
  out.flush()
  return 0
}

if (!handsOver() && !serveTasks([hashSlices])) runCommand(PROGRAM, main)
