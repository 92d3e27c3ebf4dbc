// composefs-info measure-file, where threads share a file and where one reads it. Against fsverity: composefs-info.test.ts.

import { spawnSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { command } from '../helpers/command.js'
import { SHA256 } from '../helpers/hashes.js'
import { ROOT } from '../helpers/paths.js'
import { noise } from '../helpers/store-hash.js'

const test = suite('measure-file')
const directory = mkdtempSync(join(tmpdir(), 'measure-file-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

/** A file with holes, and noise at its begin, about slices' borders and at its end. */
function sparse(name: string, size: number): string {
  const path = join(directory, name)
  const fd = openSync(path, 'w')
  ftruncateSync(fd, size)
  for (const at of [0, 262_000, 50_000_001, size - 3000]) writeSync(fd, noise(3000, at + 1), 0, 3000, at)
  closeSync(fd)
  return path
}

function wanted(path: string): string {
  return `${toHex(verityDigest(readFileSync(path), SHA256))}\n`
}

test('files that threads share, one after the other, and small ones between', () => {
  const small = join(directory, 'small')
  writeFileSync(small, noise(300_000))
  const files = [sparse('a', (70 << 20) + 1), small, sparse('b', 64 << 20), sparse('c', (64 << 20) - 1), small]
  const ran = command('composefs-info', 'measure-file', ...files)
  assert.is(ran.status, 0, ran.stderr)
  assert.is(ran.stdout.toString(), files.map(wanted).join(''))
})

test('what was printed before an error stays', () => {
  const small = join(directory, 'small-2')
  writeFileSync(small, noise(5000))
  const large = sparse('d', (66 << 20) + 5)
  const ran = command('composefs-info', 'measure-file', large, small, join(directory, 'nothing'), small)
  assert.is(ran.status, 1)
  assert.is(ran.stdout.toString(), wanted(large) + wanted(small))
  assert.match(ran.stderr, /^composefs-info: measure: .*nothing: no such file or directory\n$/)
})

test('a pipe is read to its end', () => {
  const path = join(directory, 'piped')
  writeFileSync(path, noise(777_777))
  const ours = join(ROOT, 'dist/bin/composefs-info.js')
  const ran = spawnSync('sh', [
    '-c',
    'cat "$1" | "$2" "$3" measure-file /dev/stdin',
    'sh',
    path,
    process.execPath,
    ours,
  ])
  assert.is(ran.status, 0, ran.stderr.toString())
  assert.is(ran.stdout.toString(), wanted(path))
})

test('the worker’s argument means nothing to a user', () => {
  const ran = command('composefs-info', '--worker-thread')
  assert.is(ran.status, 1)
  assert.match(ran.stderr, /^composefs-info: /)
})

test.run()
