// composefs cat: the bytes of files in an image, checked against their digests, on standard output.

import { Fault } from '../format/errno.js'
import { answered } from '../overlay/waiting.js'
import { parseArguments } from './arguments.js'
import { complain, failure, wrongUsage } from './failure.js'
import { IMAGE_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { eachPieceLater, layerOf } from './layers.js'
import { ImageFiles } from './open.js'
import { writeAll } from './standard-output.js'

export const CAT_HELP = `Usage: composefs cat IMAGE PATH... [--basedir STORE] [--digest HEX]

Writes files of an image to standard output, one after the other. Every byte is checked before it is written.
IMAGE and STORE may be http(s) and s3 URLs: no more is fetched of them than is needed.

  --basedir STORE   where the objects are; without it only inline files can be read
  --digest HEX      the fs-verity digest that the image must have
  --device PATH     a further device of the image, a path or URL; repeated, in the order of its device table
${LIMITS_HELP}`

const OPTIONS = { basedir: { type: 'string' }, ...IMAGE_OPTIONS } as const

export async function cat(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs cat --help')
  const [file, ...paths] = positionals
  if (file === undefined) throw wrongUsage('cat: no image given', 'composefs cat --help')
  if (paths.length === 0) throw wrongUsage('cat: no path given', 'composefs cat --help')
  const { basedir, digest, device: devices } = values
  const files = new ImageFiles({ limits: limitsGiven(values, 'composefs cat --help'), devices })
  const layer = await layerOf(await files.openAny(file, { digest, lazy: true }), basedir)
  let failed = false
  for (const path of paths) {
    const node = await answered(() => layer.resolve(path, true))
    const opened = node instanceof Fault ? node : await answered(() => layer.open(node, true))
    const why = opened instanceof Fault ? opened : await eachPieceLater(opened, writeAll)
    if (why === undefined) continue
    failed = true
    complain('composefs', failure('cat', path, why).message)
  }
  return failed ? 1 : 0
}
