// The image that a dump describes. Not here: the text (src/tree), the image's format (a writer's).

import { TreeError } from '../../tree/tree-error.js'
import { inPlainWords, PlainError } from './plain-words.js'

/** Throws a PlainError that names the line for a text that is no proper dump. */
export async function imageOfDump(file: Blob, name: string): Promise<Blob> {
  const dump = await inPlainWords(`${name} can’t be read`, async () => new Uint8Array(await file.arrayBuffer()))
  try {
    const { buildImage } = await import('../../any-build.js')
    const { image } = await buildImage({ dump })
    return new Blob([image as Uint8Array<ArrayBuffer>])
  } catch (error) {
    if (!(error instanceof TreeError) || error.code === 'ENOMEM') throw error
    throw new PlainError(error.code, `${name} is no proper dump: ${error.message}. Correct it and open it again.`)
  }
}
