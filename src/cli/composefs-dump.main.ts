// composefs-dump: reads an image and writes it again, as the C tool of that name does (spec composefs-tools.md section 4):
// the same version, so the same bytes unless the image was not canonical. cfs v1 images too.

import { treeFromImage } from '../tree/image-source.js'
import { CommandError, failure, runCommand } from './failure.js'
import { handsOver } from './hand-over.js'
import { ImageFiles } from './open.js'
import { checkOutput } from './output-file.js'
import { writeImage } from './write-image.js'

const PROGRAM = 'composefs-dump'
const USAGE = `Usage: ${PROGRAM} SOURCE-IMAGE IMAGE`

async function main(): Promise<number> {
  const [source, target] = process.argv.slice(2)
  if (source === undefined) throw new CommandError(`no source image given\n${USAGE}`)
  if (target === undefined) throw new CommandError(`no image to write given\n${USAGE}`)
  const image = await new ImageFiles().openAny(source)
  if (image.format === 'erofs') throw failure('open', source, new Error('no composefs image'))
  checkOutput(target)
  try {
    const tree = treeFromImage(image)
    const format = image.format
    writeImage(tree, { format, minVersion: image.version, maxVersion: image.version, output: target, digest: false })
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw failure('load', source, error)
  }
  return 0
}

if (!handsOver()) runCommand(PROGRAM, main)
