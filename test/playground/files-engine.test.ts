// What the playground's worker makes of files, in Node: kinds by bytes, JSON in lines, parts of texts, files that stay open, and
// folders as tars, which GNU tar unpacks.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { folderTar } from '../../src/oci/folder-tar.js'
import type { OpenFile } from '../../src/overlay/layer.js'
import { TEXT_PART } from '../../src/playground/contents-protocol.js'
import { formattedJson } from '../../src/playground/engine/files-json.js'
import { HEAD, kindOf } from '../../src/playground/engine/files-kind.js'
import { textPart, textParts } from '../../src/playground/engine/files-text.js'
import { OpenFiles } from '../../src/playground/engine/open-files.js'
import { comparedTree } from '../helpers/disk-tree.js'
import { kernelTree } from '../helpers/kernel.js'
import { collected, ran } from '../helpers/oci-layout.js'
import { ROOT, skip } from '../helpers/paths.js'
import { compareTruth, type TruthFs } from '../helpers/truth.js'

const temporary = mkdtempSync(join(tmpdir(), 'composefs-files-'))
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }))

const script = pathToFileURL(join(ROOT, '.ci/demo.mjs')).href
const { buildDemo } = (await import(script)) as { buildDemo(out: string): Promise<unknown> }
const demo = join(temporary, 'demo')
await buildDemo(demo)
const demoMount = () => mountSync(join(demo, 'two.cfs'), { store: join(demo, 'objects') })

const bytes = (text: string) => Uint8Array.from(text, char => char.charCodeAt(0))
const utf8 = (text: string) => new TextEncoder().encode(text)
const kind = (content: Uint8Array, name = 'x') => kindOf(content.subarray(0, HEAD), content.length, name)

const kinds = suite('kinds of files')
for (const [what, content, name, expected] of [
  ['PNG', bytes('\x89PNG\r\n\x1a\n\0\0'), 'a.txt', 'picture image/png'],
  ['JPEG', bytes('\xff\xd8\xff\xe0'), 'a', 'picture image/jpeg'],
  ['WebP', bytes('RIFF\x10\0\0\0WEBPVP8 '), 'a', 'picture image/webp'],
  ['AVIF', bytes('\0\0\0\x1cftypavif\0'), 'a', 'picture image/avif'],
  ['WAV', bytes('RIFF\x10\0\0\0WAVEfmt '), 'a', 'audio audio/wav'],
  ['ELF with a name of a picture', bytes('\x7fELF\x02\x01'), 'a.png', 'binary application/x-elf'],
  ['text with a name of a picture', utf8('no picture\n'), 'a.png', 'text text/plain'],
  ['HTML', utf8('<!doctype html><svg></svg>'), 'a.html', 'text text/html'],
  ['SVG', utf8('<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="x"/>'), 'a', 'picture image/svg+xml'],
  ['what only mentions SVG', utf8('see <svg>'), 'a.svg', 'text text/plain'],
  ['JSON by its name', utf8('{ broken'), 'a.json', 'json application/json'],
  ['JSON without a name', utf8('[1, 2]'), 'a', 'json application/json'],
  ['an INI file', utf8('[section]\na=1\n'), 'a', 'text text/plain'],
  ['UTF-16', bytes('\xff\xfea\0b\0'), 'a', 'text text/plain utf-16le'],
  ['Latin-1', bytes('gr\xf6\xdfe\n'), 'a', 'text text/plain windows-1252'],
  ['a NUL', bytes('abc\0def'), 'a.txt', 'binary application/octet-stream'],
  ['nothing', bytes(''), 'a.png', 'empty text/plain'],
  ['a tar', bytes(`${'\0'.repeat(257)}ustar`), 'a', 'binary application/x-tar'],
] as const) {
  kinds(what, () => {
    const found = kind(content, name)
    const encoding = found.encoding === undefined || found.encoding === 'utf-8' ? '' : ` ${found.encoding}`
    assert.is(`${found.kind} ${found.mime}${encoding}`, expected)
  })
}
kinds('a character that is cut at the end of what is looked at is one all the same', () => {
  for (let cut = 0; cut < 4; cut++) {
    const found = kind(utf8(`${'a'.repeat(HEAD - cut)}🌊${'b'.repeat(100)}`))
    assert.is(found.encoding, 'utf-8', String(cut))
  }
})
kinds.run()

const json = suite('JSON in lines')
json('is the same value, and of the same form as JSON.stringify’s', () => {
  for (const value of [{ a: [1, 'x: {', { b: null }], c: {}, d: [] }, [], 'x', [[[]]], { '': '"\\' }]) {
    assert.is(formattedJson(JSON.stringify(value)), `${JSON.stringify(value, null, 2)}\n`)
  }
})
json('numbers, names and escapes stay as they stand there', () => {
  const text = '{"n": 12345678901234567890, "e": 1e400, "a": 1, "a": 2, "__proto__": "\\u0041\\/"}'
  const lines = formattedJson(text) ?? ''
  for (const part of ['12345678901234567890', '1e400', '"a": 1,\n', '"a": 2', '"__proto__": "\\u0041\\/"']) {
    assert.ok(lines.includes(part), part)
  }
})
json('what is none is refused', () => {
  for (const text of ['', '{', "{'a': 1}", '[1,]', 'undefined']) assert.is(formattedJson(text), undefined, text)
})
json('half a million levels are no trouble', () => {
  const deep = formattedJson('['.repeat(500_000) + ']'.repeat(500_000))
  assert.ok(deep === undefined || deep.length > 1_000_000)
})
json.run()

const parts = suite('parts of a text')
/** Joined again, and each cut where a line ends if `lines`. */
async function allParts(content: Uint8Array, encoding: 'utf-8' | 'windows-1252', lines: boolean): Promise<string> {
  let most = 0
  const read = async (offset: number, length: number) => {
    most = Math.max(most, length)
    return content.subarray(offset, offset + length)
  }
  let text = ''
  let end = 0
  for (let part = 0; part < textParts(content.length); part++) {
    const found = await textPart(read, content.length, encoding, part)
    assert.is(found.start, end)
    if (lines && part < textParts(content.length) - 1) assert.is(found.text.at(-1), '\n')
    assert.is(found.lines, found.text.split('\n').length - 1)
    text += found.text
    end = found.end
  }
  assert.is(end, content.length)
  assert.ok(most < 2 * TEXT_PART + 1, `${most} bytes were read at once`)
  return text
}
parts('make the text again, and end with lines', async () => {
  const text = Array.from({ length: 90_000 }, (_, i) => `line ${i} of the höhe 🌊 ${'x'.repeat(i % 50)}\n`).join('')
  assert.ok(utf8(text).length > 3 * TEXT_PART)
  assert.is(await allParts(utf8(text), 'utf-8', true), text)
})
parts('of one endless line break no character', async () => {
  for (const shift of ['', 'a', 'ab', 'abc']) {
    const text = shift + '🌊'.repeat(TEXT_PART)
    assert.is(await allParts(utf8(text), 'utf-8', false), text)
  }
})
parts('a small text is one', async () => {
  assert.is(textParts(2 * TEXT_PART), 1)
  assert.is(await allParts(utf8('a\nb'), 'utf-8', false), 'a\nb')
})
parts.run()

const open = suite('files that stay open')
open('few of them, each opened once and closed once, and none while it is used', async () => {
  const log: string[] = []
  const file = (path: string): OpenFile => ({
    size: 0,
    read: () => 0,
    readAll: () => new Uint8Array(),
    close: () => void log.push(`close ${path}`),
  })
  const files = new OpenFiles(async path => {
    log.push(`open ${path}`)
    return file(path)
  })
  await files.use('/a', async () => undefined)
  await files.use('/a', async () => undefined)
  assert.equal(log, ['open /a'])
  await files.use('/a', async () => {
    for (let i = 0; i < 20; i++) await files.use(`/${i}`, async () => undefined)
    assert.not.ok(log.includes('close /a'))
  })
  files.close()
  await new Promise(resolve => setTimeout(resolve, 1))
  const opened = log.filter(line => line.startsWith('open')).map(line => line.slice(5))
  const closed = log.filter(line => line.startsWith('close')).map(line => line.slice(6))
  assert.equal(closed.sort(), opened.sort())
  assert.is(new Set(opened).size, opened.length)
})
open('what failed is opened anew', async () => {
  let tries = 0
  const files = new OpenFiles(async () => {
    tries++
    throw new Error('gone')
  })
  for (let i = 0; i < 2; i++) {
    const failed = await files.use('/a', async () => undefined).catch((error: Error) => error.message)
    assert.is(failed, 'gone')
  }
  assert.is(tries, 2)
})
open.run()

const tar = suite('a folder as a tar')

if (process.getuid?.() !== 0) skip(tar, 'all', 'not root')
else {
  tar('GNU tar unpacks the whole demo: names, bytes, owners, times, links, devices, xattrs', async () => {
    const mount = demoMount()
    const out = join(temporary, 'all')
    mkdirSync(out)
    const packed = await collected(folderTar(mount.layer, mount.layer.root, ''))
    ran('tar', ['--xattrs', '--xattrs-include=*', '--numeric-owner', '-xpf', '-', '-C', out], packed)
    const expected = comparedTree(mount.fs as unknown as TruthFs, { sockets: false })
    assert.equal(compareTruth(expected, comparedTree(kernelTree(out))), [])
    assert.ok(expected.length > 5000)
    mount.unmount()
  })
}
tar('one folder stands in it by its name, hard links to what is outside are files', async () => {
  const mount = demoMount()
  const node = mount.layer.resolve('/usr/bin', true)
  const packed = await collected(folderTar(mount.layer, node as object, 'bin'))
  const listed = execFileSync('tar', ['-tvf', '-'], { input: packed, encoding: 'utf8' }).trim().split('\n')
  const names = listed.map(line => /bin\/\S*/.exec(line)?.[0])
  assert.equal(names.sort(), ['bin/', ...mount.fs.readdirSync('/usr/bin').map(name => `bin/${name}`)].sort())
  assert.is(listed.filter(line => line.startsWith('h')).length, 2)
  mount.unmount()
})
tar('an object that is missing fails the tar, naming it', async () => {
  const mount = mountSync(join(demo, 'two.cfs'))
  const failed = await collected(folderTar(mount.layer, mount.layer.root, '')).catch((error: Error) => error)
  assert.match((failed as Error).message, /ENOENT.*[0-9a-f]{2}\/[0-9a-f]{62}/)
  mount.unmount()
})
tar.run()
