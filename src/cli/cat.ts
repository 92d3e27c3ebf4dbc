// composefs cat: the bytes of files in an image, checked against their digests, on standard output.

import { Fault } from '../format/errno.js'
import { parseArguments } from './arguments.js'
import { complain, failure, wrongUsage } from './failure.js'
import { eachPiece, layerOf } from './layers.js'
import { ImageFiles } from './open.js'
import { writeAll } from './standard-output.js'

export const CAT_HELP = `Usage: composefs cat IMAGE PATH... [--basedir STORE]

Writes files of an image to standard output, one after the other. Every byte is checked before it is written.

  --basedir STORE   where the objects are; without it only inline files can be read
`

const OPTIONS = { basedir: { type: 'string' } } as const

export function cat(args: readonly string[]): number {
  const { values, positionals } = parseArguments(args, OPTIONS, 'composefs cat --help')
  const [file, ...paths] = positionals
  if (file === undefined) throw wrongUsage('cat: no image given', 'composefs cat --help')
  if (paths.length === 0) throw wrongUsage('cat: no path given', 'composefs cat --help')
  const layer = layerOf(new ImageFiles().open(file), values.basedir)
  let failed = false
  for (const path of paths) {
    const node = layer.resolve(path, true)
    const opened = node instanceof Fault ? node : layer.open(node, true)
    const why = opened instanceof Fault ? opened : eachPiece(opened, writeAll)
    if (why === undefined) continue
    failed = true
    complain('composefs', failure('cat', path, why).message)
  }
  return failed ? 1 : 0
}
