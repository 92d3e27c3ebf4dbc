// composefs commit: images and what a directory has changed of them as one new image. Not here: writing it (src/commit.ts).

import { commit as write } from '../commit.js'
import { sha256 } from '../host/hash.js'
import { layerSource } from '../layer-source.js'
import { DirectoryStore } from '../store/directory.js'
import { whileRegistered } from '../store/directory-builds.js'
import { parseArguments } from './arguments.js'
import { buildFailure, printable, wrongUsage } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { checkOutput, openOutput } from './output-file.js'
import { byteText } from './progress.js'
import { writeAll } from './standard-output.js'
import { openChanged } from './upper.js'

const HELP = 'composefs commit --help'
export const COMMIT_HELP = `Usage: composefs commit IMAGE... NEW --upper DIR --basedir STORE [OPTIONS]

Writes the tree of a writable mount of the images (topmost first) that kept its changes in DIR as the image NEW, bit for bit
what mkcomposefs makes of it. Objects that no image has go into STORE. DIR stays as it is; it must not be mounted.

  --upper DIR           the directory of the changes
  --basedir STORE       where the images' objects are
  --digest-store STORE  where new objects go, if elsewhere
  --hard-links          keep names of one file together; otherwise each becomes a file, as with mkcomposefs
  --format NAME         composefs (the default), or cfs-v1
  --json                the summary as an object
${LIMITS_HELP}`

const OPTIONS = {
  upper: { type: 'string' },
  basedir: { type: 'string' },
  'digest-store': { type: 'string' },
  'hard-links': { type: 'boolean' },
  format: { type: 'string' },
  json: { type: 'boolean' },
  ...LIMIT_OPTIONS,
} as const

export async function commit(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, HELP)
  const images = positionals.slice(0, -1)
  const output = positionals[positionals.length - 1]
  if (images.length === 0) throw wrongUsage('IMAGE and NEW are needed', HELP)
  if (output === '-') throw wrongUsage('standard output is for the summary', HELP)
  const { basedir, upper, format = 'composefs' } = values
  const path = values['digest-store'] ?? basedir
  if (path === undefined) throw wrongUsage('--basedir or --digest-store is needed', HELP)
  if (format !== 'composefs' && format !== 'cfs-v1') throw wrongUsage('--format is one of composefs, cfs-v1', HELP)
  const limits = limitsGiven(values, HELP)
  checkOutput(output)
  const { tree, maxEntries, close } = openChanged(images, { upper, basedir, look: false, limits }, HELP)
  const file = openOutput(output)
  try {
    const store = new DirectoryStore(path)
    const sink = (piece: Uint8Array) => file.write(piece)
    const options = { store, sink, format, hardLinks: values['hard-links'] } as const
    const { size, digest, objects } = await whileRegistered(path, async () => {
      const written = await write({ ...layerSource(tree), maxEntries }, options, sha256)
      file.finish()
      return written
    })
    const summary = { image: output, format, size, digest, newObjects: objects.length }
    const lines = `${printable(output)}: ${format}, ${byteText(size)}\ndigest ${digest}\n${objects.length} new objects\n`
    writeAll(Buffer.from(values.json ? `${JSON.stringify(summary, null, 2)}\n` : lines))
    return 0
  } catch (error) {
    file.drop()
    throw buildFailure(output, error)
  } finally {
    close()
  }
}
