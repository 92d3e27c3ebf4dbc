// composefs-dump: an image in, the same image out (spec composefs-tools.md section 4). What becomes of its output is in
// mkcomposefs-output.test.ts, cfs v1 images in test/writer/cfs-v1.test.ts.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, peer, runPeer } from '../helpers/command.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'
import { difference, imageOfDump } from '../helpers/written.js'
import { KNOWN_DUMPS } from '../writer/known-dumps.js'

const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-dump-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
const at = (name: string) => join(temporary, name)
const C_DUMP = peer('COMPOSEFS_DUMP', 'composefs-dump')

const dump = suite('composefs-dump')

/** Writes an image again and answers what came out. */
function again(image: Uint8Array): Buffer {
  writeFileSync(at('source'), image)
  rmSync(at('target'), { force: true })
  const { status, stdout, stderr } = command('composefs-dump', at('source'), at('target'))
  assert.is(stderr, '')
  assert.is(status, 0)
  assert.is(stdout.length, 0)
  return readFileSync(at('target'))
}

for (const name of ['small', 'small-v1']) {
  dump(`${name}.cfs`, () => {
    const image = readFileSync(fixture(`${name}.cfs`))
    assert.is(difference(again(image), image), undefined)
  })
}

for (const { name, dump: text } of KNOWN_DUMPS.slice(0, 4)) {
  for (const version of [0, 1]) {
    dump(`${name}, version ${version}`, () => {
      const image = imageOfDump(text, { minVersion: version, maxVersion: version })
      assert.is(difference(again(image), image), undefined)
    })
  }
}

if (SHARED === undefined) skip(dump, 'tree.cfs and cs9-developer', 'no shared vectors beside this checkout')
else {
  dump('tree.cfs and cs9-developer', () => {
    const tree = readFileSync(vector('composefs/tree.cfs'))
    assert.is(difference(again(tree), tree), undefined)
    const large = gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.cfs.gz')))
    assert.is(difference(again(large), large), undefined)
  })
}

dump('an image may be written in its own place', () => {
  const image = readFileSync(fixture('small.cfs'))
  writeFileSync(at('same'), image)
  assert.is(command('composefs-dump', at('same'), at('same')).status, 0)
  assert.is(difference(readFileSync(at('same')), image), undefined)
})

dump('what is behind the two operands does not count', () => {
  assert.is(command('composefs-dump', fixture('small.cfs'), at('first'), at('second'), '--nonsense').status, 0)
  assert.not.ok(readdirSync(temporary).includes('second'))
})

/** Files that are no images, or not whole ones. */
function bad(): Readonly<Record<string, Uint8Array>> {
  const image = readFileSync(fixture('small.cfs'))
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(image)
    change(bytes)
    return bytes
  }
  return {
    nothing: Buffer.of(),
    'a few bytes': image.subarray(0, 100),
    'half an image': image.subarray(0, 4096),
    zeroes: Buffer.alloc(8192),
    text: Buffer.from(KNOWN_DUMPS[0].dump.repeat(300)),
    'another magic': changed(bytes => bytes.writeUInt32LE(1, 0)),
    'another header version': changed(bytes => bytes.writeUInt32LE(2, 4)),
    'another EROFS magic': changed(bytes => bytes.writeUInt32LE(1, 1024)),
    'a root that is not there': changed(bytes => bytes.writeUInt16LE(0xffff, 1024 + 14)),
    'composefs_version 2': changed(bytes => bytes.writeUInt32LE(2, 12)),
    'a plain EROFS image': gunzipSync(readFileSync(fixture('erofs/plain.erofs.gz'))),
  }
}

for (const [what, bytes] of Object.entries(bad())) {
  dump(`${what}: one line, status 1, an older image is what it was`, () => {
    writeFileSync(at('bad'), bytes)
    writeFileSync(at('older'), 'older')
    const { status, stdout, stderr } = command('composefs-dump', at('bad'), at('older'))
    assert.match(stderr, /^composefs-dump: [^\n]*bad: [^\n]+\n$/)
    assert.is(status, 1)
    assert.is(stdout.length, 0)
    assert.is(readFileSync(at('older'), 'latin1'), 'older')
    assert.equal(
      readdirSync(temporary).filter(name => name.startsWith('.')),
      [],
    )
    // It crashes on an empty file.
    if (C_DUMP !== undefined) assert.is.not(runPeer(C_DUMP, at('bad'), at('theirs')).status, 0, 'the C tool takes it')
  })
}

const CALLS: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /^composefs-dump: .+\nusage: /i],
  [[fixture('small.cfs')], /^composefs-dump: .+\nusage: /i],
  [[at('none'), at('x')], /^composefs-dump: open: .*none: no such file or directory\n$/],
  [[temporary, at('x')], /^composefs-dump: open: .+\n$/],
  [[fixture('small.cfs'), at('none/x')], /^composefs-dump: open: .*none\/x: no such file or directory\n$/],
  [[fixture('small.cfs'), temporary], /^composefs-dump: open: .*directory\n$/],
]
for (const [args, says] of CALLS) {
  dump(`composefs-dump ${args.join(' ').replaceAll(temporary, '').replaceAll(fixture(), '')}`, () => {
    const { status, stdout, stderr } = command('composefs-dump', ...args)
    assert.match(stderr, says)
    assert.is(status, 1)
    assert.is(stdout.length, 0)
    assert.not.ok(readdirSync(temporary).includes('x'))
    if (C_DUMP !== undefined) assert.is(runPeer(C_DUMP, ...args).status, 1)
  })
}
dump.run()
