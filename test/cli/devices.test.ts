// Images of several devices as a user reads them: --device of ls, cat, stat, verify, extract and run, by paths and URLs.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, commandLater, type Ran } from '../helpers/command.js'
import { kernelTree } from '../helpers/kernel.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { writeGuest } from '../helpers/run-guest.js'
import { startServing } from '../helpers/serving.js'
import { readTruth, walkTruth } from '../helpers/truth.js'
import { twoDevices } from '../helpers/two-devices.js'

const test = suite('commands on several devices')
const dir = fs.mkdtempSync(join(tmpdir(), 'composefs-devices-'))
process.on('exit', () => fs.rmSync(dir, { recursive: true, force: true }))
const at = (...names: string[]) => join(dir, ...names)

const { image, blob, content } = twoDevices()
fs.mkdirSync(at('site'))
const IMAGE = at('site/two.erofs')
const BLOB = at('site/two.blob')
fs.writeFileSync(IMAGE, image)
fs.writeFileSync(BLOB, blob)
const GUEST = at('guest.wasm')
await writeGuest(GUEST)

const composefs = (...args: string[]) => command('composefs', ...args)

function done({ status, stdout, stderr }: Ran): Buffer {
  assert.is(status, 0, stderr)
  return stdout
}

function fails({ status, stderr }: Ran, words: RegExp, wanted = 1): void {
  assert.is(status, wanted, stderr)
  assert.match(stderr, words)
}

test('what lies on a device is read from there, and without it not at all', () => {
  assert.equal(new Uint8Array(done(composefs('cat', IMAGE, '/file', '--device', BLOB))), content)
  fails(composefs('cat', IMAGE, '/file'), /^composefs: cat: \/file: /)
  assert.match(done(composefs('ls', '-lR', IMAGE, `--device=${BLOB}`)).toString(), / 8192 .* file\n$/)
  assert.is(JSON.parse(done(composefs('stat', '--json', IMAGE, 'file', '--device', BLOB)).toString())[0].size, 8192)
})

test('verify reads it too, and says the digest of the image', () => {
  const plain = JSON.parse(composefs('verify', '--json', IMAGE).stdout.toString())
  assert.is(plain.problems.length, 1)
  const found = JSON.parse(done(composefs('verify', '--json', IMAGE, '--device', BLOB)).toString())
  assert.equal([found.digest, found.entries, found.problems], [plain.digest, 2, []])
  done(composefs('verify', IMAGE, '--device', BLOB, '--digest', plain.digest.toUpperCase()))
  fails(composefs('verify', IMAGE, '--device', BLOB, '--digest', '0'.repeat(64)), /another fs-verity digest/)
  const short = at('short.blob')
  fs.writeFileSync(short, blob.subarray(0, 4096))
  fails(composefs('verify', IMAGE, '--device', short), /^composefs: verify: \/file: data: /)
})

test('extract and run', () => {
  done(composefs('extract', IMAGE, at('tree'), '--device', BLOB))
  assert.equal(new Uint8Array(fs.readFileSync(at('tree/file'))), content)
  assert.equal(new Uint8Array(done(composefs('run', IMAGE, GUEST, 'read', 'file', '--device', BLOB))), content)
})

test('what is no device, and one for a command that has none', () => {
  fails(composefs('ls', IMAGE, '--device', at('nothing')), /^composefs: open: .*nothing: no such file or directory\n$/)
  fails(composefs('ls', IMAGE, '--device', dir), /^composefs: open: .*not a regular file/)
  fails(composefs('diff', IMAGE, IMAGE, '--device', BLOB), /^composefs: diff: Unknown option '--device'/, 2)
})

test('images and devices elsewhere', async () => {
  const { url, stop } = await startServing(at('site'))
  try {
    const wanted = content
    for (const args of [
      ['cat', `${url}/two.erofs`, '/file', '--device', `${url}/two.blob`],
      ['cat', IMAGE, '/file', '--device', `${url}/two.blob`],
      ['run', `${url}/two.erofs`, GUEST, 'read', 'file', '--device', BLOB],
      ['run', IMAGE, GUEST, 'read', 'file', '--device', `${url}/two.blob`],
    ]) {
      assert.equal(new Uint8Array(done(await commandLater('composefs', args))), wanted, args.join(' '))
    }
    const both = [`${url}/two.erofs`, '--device', `${url}/two.blob`]
    assert.match(
      done(await commandLater('composefs', ['verify', ...both])).toString(),
      /\n2 entries\n.*\nno problems\n$/,
    )
    done(await commandLater('composefs', ['extract', ...both, at('fetched')]))
    assert.equal(new Uint8Array(fs.readFileSync(at('fetched/file'))), content)
    fails(
      await commandLater('composefs', ['ls', IMAGE, '--device', `${url}/none`]),
      /^composefs: open: http:.*none: .*ENOENT/,
    )
  } finally {
    await stop()
  }
})

if (SHARED === undefined) skip(test, 'an image of mkfs.erofs', 'there are no shared vectors beside this checkout')
else {
  test('an image of mkfs.erofs is extracted as the kernel shows it', () => {
    for (const name of ['two-devices.erofs', 'two-devices.blob']) {
      fs.writeFileSync(at(name), gunzipSync(fs.readFileSync(vector('erofs', `${name}.gz`))))
    }
    const device = ['--device', at('two-devices.blob')]
    done(composefs('extract', at('two-devices.erofs'), at('made'), ...device))
    assert.match(done(composefs('verify', at('two-devices.erofs'), ...device)).toString(), /no problems\n$/)
    const root = process.getuid?.() === 0
    // Only root reads files without permissions.
    const found = new Map(walkTruth(kernelTree(at('made')), { content: root }).map(entry => [entry.path, entry]))
    let files = 0
    for (const { path, size, mode, target, sha256 } of readTruth(vector('erofs', 'tree.truth.jsonl.gz'))) {
      if (sha256 === undefined && target === undefined) continue
      files++
      const entry = found.get(path)
      assert.equal([entry?.size, entry?.mode, entry?.target], [size, mode, target], path)
      if (root) assert.is(entry?.sha256, sha256, path)
    }
    assert.ok(files > 700)
  })
}

test.run()
