// Texts that are edited: what an editor does not keep of a text (a byte order mark, how lines end) is noted and put back. Not here:
// texts that are only read (files-text.ts).

import { filePieces } from '../../overlay/file-pieces.js'
import type { EditableText, TextForm } from '../changing.js'
import { TEXT_WHOLE } from '../contents-protocol.js'
import { baseName, shownText } from '../path-text.js'
import type { OpenDocument } from './open-document.js'
import { PlainError } from './plain-words.js'

const MARK = [0xef, 0xbb, 0xbf] as const

/** Throws a PlainError for what would not be the same when it is saved. */
export async function editableText(document: OpenDocument, path: string): Promise<EditableText> {
  const name = shownText(baseName(path))
  const { layer } = document
  const node = await document.nodeAt(path)
  const file = await document.ask(() => layer.open(node, false), path)
  try {
    if (file.size > TEXT_WHOLE) {
      throw new PlainError('EFBIG', `${name} is larger than what is edited here. Download it, and add it again.`)
    }
    const bytes = new Uint8Array(file.size)
    let at = 0
    for await (const piece of filePieces(file, path)) {
      bytes.set(piece.subarray(0, bytes.length - at), at)
      at += piece.length
    }
    return decoded(bytes, name)
  } finally {
    file.close()
  }
}

function decoded(bytes: Uint8Array, name: string): EditableText {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new PlainError('EILSEQ', `${name} is not UTF-8 all through, so it can’t be edited as a text.`)
  }
  const ends = (text.match(/\r\n|\r|\n/g) ?? []) as TextForm['newline'][]
  const count = (end: string) => ends.filter(one => one === end).length
  const newline = (['\n', '\r\n', '\r'] as const).reduce((most, end) => (count(end) > count(most) ? end : most))
  const byteOrderMark = MARK.every((byte, index) => bytes[index] === byte)
  return { text, form: { byteOrderMark, newline, mixed: ends.some(end => end !== newline) } }
}

/** The bytes of a text whose lines end as an editor has them. */
export function textBytes(text: string, { byteOrderMark, newline }: TextForm): Uint8Array {
  const body = new TextEncoder().encode(newline === '\n' ? text : text.replaceAll('\n', newline))
  return byteOrderMark ? Uint8Array.from([...MARK, ...body]) : body
}
