// What is in the chosen entry: its facts, where a symlink leads, what a file's bytes are, and those of them that are looked at.
// Never more of a file than what is asked for. Not here: folders (folder-lists.ts), downloads (downloads.ts).

import { transfer } from 'comlink'
import { orThrow } from '../../format/errno.js'
import { newAttr, type OpenFile } from '../../overlay/layer.js'
import { answered } from '../../overlay/waiting.js'
import {
  type ChosenEntry,
  type ContentKind,
  type Encoding,
  type Led,
  MEDIA_MAX,
  TEXT_WHOLE,
  type TextPart,
} from '../contents-protocol.js'
import { baseName, pathArgument, pathText, shownText } from '../path-text.js'
import type { DocumentId } from '../protocol.js'
import type { Documents } from './documents.js'
import { nodeFacts } from './entry-facts.js'
import { formattedJson } from './files-json.js'
import { HEAD, kindOf } from './files-kind.js'
import { textPart } from './files-text.js'
import type { OpenDocument } from './open-document.js'
import { OpenFiles } from './open-files.js'
import { inPlainWords, PlainError, plainError } from './plain-words.js'

/** More is not read at once. Bytes. */
const READ_MAX = 4 << 20

export class Files {
  readonly #documents: Documents
  readonly #open = new WeakMap<OpenDocument, { readonly revision: number; readonly files: OpenFiles }>()

  constructor(documents: Documents) {
    this.#documents = documents
  }

  /** Facts of the entry itself; its bytes are not touched. */
  entry(id: DocumentId, path: string): Promise<ChosenEntry> {
    return inPlainWords(`${shownText(path)} can’t be shown`, async () => {
      const document = this.#documents.get(id)
      const { layer } = document
      const node = await document.nodeAt(path)
      const facts = await document.ask(() => nodeFacts(layer, node), path)
      const named = { ...facts, path, name: path === '/' ? '/' : baseName(path) }
      if (facts.type === 'symlink') return { ...named, leads: await led(document, path) }
      if (facts.type !== 'chr' && facts.type !== 'blk') return named
      const attr = newAttr()
      await document.done(() => layer.stat(node, attr), path)
      const { rdev } = attr
      const device = { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) }
      return { ...named, device }
    })
  }

  /** What a file's bytes are. */
  kind(id: DocumentId, path: string): Promise<ContentKind> {
    return this.#with(id, path, async file => kindOf(await bytesOf(file, path, 0, HEAD), file.size, baseName(path)))
  }

  /** Bytes from an offset on; fewer than asked for at the end of the file, and where it is very much. */
  read(id: DocumentId, path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#with(id, path, async file => {
      const bytes = await bytesOf(file, path, offset, Math.min(length, READ_MAX))
      return transfer(bytes, [bytes.buffer])
    })
  }

  /** A part of a text, by its number from 0 on. */
  text(id: DocumentId, path: string, encoding: Encoding, part: number): Promise<TextPart> {
    return this.#with(id, path, file =>
      textPart((offset, length) => bytesOf(file, path, offset, length), file.size, encoding, part),
    )
  }

  /** A JSON file in lines; undefined where it is none, or too much. */
  json(id: DocumentId, path: string, encoding: Encoding): Promise<string | undefined> {
    return this.#with(id, path, async file => {
      if (file.size > TEXT_WHOLE) return undefined
      return formattedJson(new TextDecoder(encoding).decode(await bytesOf(file, path, 0, file.size)))
    })
  }

  /** All of a picture, sound or film. */
  media(id: DocumentId, path: string, mime: string): Promise<Blob> {
    return this.#with(id, path, async file => {
      if (file.size > MEDIA_MAX)
        throw new PlainError('EFBIG', 'This is too large to be shown as a whole. Look at its bytes, or download it.')
      const pieces: Uint8Array<ArrayBuffer>[] = []
      for (let at = 0; at < file.size; at += READ_MAX) pieces.push(await bytesOf(file, path, at, READ_MAX))
      return new Blob(pieces, { type: mime })
    })
  }

  async #with<T>(id: DocumentId, path: string, action: (file: OpenFile) => Promise<T>): Promise<T> {
    return inPlainWords(`${shownText(path)} can’t be read`, () =>
      this.#files(this.#documents.get(id)).use(path, action),
    )
  }

  /** Those of a document as it is now. */
  #files(document: OpenDocument): OpenFiles {
    const known = this.#open.get(document)
    if (known?.revision === document.revision) return known.files
    if (known === undefined) document.atClose(() => this.#open.get(document)?.files.close())
    known?.files.close()
    const { layer, revision } = document
    const files = new OpenFiles(async path => {
      const node = await document.nodeAt(path)
      return document.ask(() => layer.open(node, false), path)
    })
    this.#open.set(document, { revision, files })
    return files
  }
}

async function bytesOf(file: OpenFile, path: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const into = new Uint8Array(Math.max(0, Math.min(length, file.size - offset)))
  let done = 0
  while (done < into.length) {
    const count = orThrow(await answered(() => file.read(into.subarray(done), offset + done, false)), path)
    if (count === 0) break
    done += count
  }
  return done === into.length ? into : into.slice(0, done)
}

/** Where a symlink leads, inside of the image. */
async function led(document: OpenDocument, path: string): Promise<Led> {
  try {
    const found = await document.mount.fs.promises.realpath(pathArgument(path) as string, { encoding: 'buffer' })
    return { path: pathText(found as unknown as Uint8Array) }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ENOTDIR') return { problem: 'It leads to nothing in this image.' }
    if (code === 'ELOOP') return { problem: 'It leads round in a circle, or through too many other links.' }
    return { problem: plainError('It can’t be followed', error).message }
  }
}
