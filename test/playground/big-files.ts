// An image of files that are large, deep or odd, with its objects, for tests of how files are shown. Not here: any test.
import { createHash } from 'node:crypto'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildImage } from '../../src/build.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { verityDigest } from '../../src/format/verity.js'

const MIB = 1 << 20
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest()

/** 64 MiB in which every 8 bytes say where they are. */
function places(): Buffer {
  const bytes = Buffer.alloc(64 * MIB)
  for (let at = 0; at < bytes.length; at += 8) bytes.writeBigUInt64LE(BigInt(at), at)
  return bytes
}

function lines(): Buffer {
  return Buffer.from(Array.from({ length: 100_000 }, (_, i) => `line ${i + 1} ${'·'.repeat(i % 40)}`).join('\n'))
}

/** Names and contents; all of them in the image's root. */
export const BIG_FILES: ReadonlyMap<string, Buffer> = new Map([
  ['places.bin', places()],
  ['lines.txt', lines()],
  ['deep.json', Buffer.from('['.repeat(400_000) + ']'.repeat(400_000))],
  ['numbers.json', Buffer.from('{"large": 12345678901234567890, "twice": 1, "twice": 2}')],
  ['broken.json', Buffer.from('{"a": [1, 2, }')],
  ['endless.js', Buffer.from(`const a = [${'"<b>x</b>", '.repeat(120_000)}]`)],
  ['latin', Buffer.from('gr\xf6\xdfe\n', 'latin1')],
  ['wide.txt', Buffer.from('\ufeffzwei Bytes\n', 'utf16le')],
  ['program', Buffer.from('#!/usr/bin/env python3\nprint("hello")\n')],
  ['not-a-picture.png', Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(500, 7)])],
  ['empty', Buffer.alloc(0)],
])

/** A file of zeros, with a word at its end; the image gives no digest of it. */
export const SPARSE = { name: 'sparse.bin', size: 1 << 30, end: 'the end' }

export interface BigImage {
  /** Where in its store the object of a file is. */
  readonly objects: ReadonlyMap<string, string>
}

/** Writes `image.cfs` and `objects/` to a directory; of all files, or of those that are named. `size`: of the sparse one. */
export async function writeBigImage(dir: string, names?: readonly string[], size = SPARSE.size): Promise<BigImage> {
  const objects = new Map<string, string>()
  const dump = ['/ 0 40755 2 0 0 0 1700000000.0 - - -']
  for (const [name, content] of BIG_FILES) {
    if (names?.includes(name) === false) continue
    const digest = Buffer.from(verityDigest(content, sha256)).toString('hex')
    const object = `${digest.slice(0, 2)}/${digest.slice(2)}`
    const stored = content.length > 0
    const what = stored ? `${object} - ${digest}` : '- - -'
    dump.push(`/${name} ${content.length} 100644 1 0 0 0 1700000000.0 ${what}`)
    if (!stored) continue
    objects.set(name, object)
    const path = join(dir, 'objects', object)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    if (content.length >= 1 << 16) writeFileSync(`${path}.verity`, merkleTree(content, sha256))
  }
  const sparse = join(dir, 'objects/sparse')
  mkdirSync(dirname(sparse), { recursive: true })
  writeFileSync(sparse, '')
  truncateSync(sparse, size - SPARSE.end.length)
  writeFileSync(sparse, SPARSE.end, { flag: 'a' })
  dump.push(`/${SPARSE.name} ${size} 100644 1 0 0 0 1700000000.0 sparse - -`)
  const { image } = await buildImage({ dump: `${dump.join('\n')}\n`, strict: true }, {}, sha256)
  writeFileSync(join(dir, 'image.cfs'), image)
  return { objects }
}
