// composefs-info: the same bytes as the C tool, on images whose dumps are known, and against the tool itself where it is.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { command, peer, runPeer } from '../helpers/command.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const info = suite('composefs-info')
const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-info-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

function same(ours: Buffer, wanted: Buffer, what: string): void {
  if (ours.equals(wanted)) return
  const a = ours.toString('latin1').split('\n')
  const b = wanted.toString('latin1').split('\n')
  const at = a.findIndex((line, i) => line !== b[i])
  assert.unreachable(`${what}, line ${at + 1}\n  ours:   ${a[at]}\n  wanted: ${b[at]}`)
}

for (const name of ['small', 'small-v1']) {
  info(`dump of ${name}.cfs is what the C tool printed`, () => {
    const { stdout, status } = command('composefs-info', 'dump', fixture(`${name}.cfs`))
    assert.is(status, 0)
    same(stdout, readFileSync(fixture(`${name}.dump`)), 'dump')
  })
}

if (SHARED === undefined) {
  skip(info, 'dumps of tree.cfs and cs9-developer', 'no shared vectors beside this checkout')
} else {
  info('dump of tree.cfs and of cs9-developer is the dump that they were made from', () => {
    const tree = command('composefs-info', 'dump', vector('composefs/tree.cfs'))
    same(tree.stdout, readFileSync(vector('composefs/tree.dump')), 'tree.cfs')
    const large = join(temporary, 'cs9.cfs')
    writeFileSync(large, gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.cfs.gz'))))
    const wanted = gunzipSync(readFileSync(vector('composefs/cs9-x86_64-developer.dump.gz')))
    same(command('composefs-info', 'dump', large).stdout, wanted, 'cs9-developer')
  })
}

info('objects and missing-objects: sorted, once each, those that are not there', () => {
  const listed = command('composefs-info', 'objects', fixture('small.cfs'), fixture('small-v1.cfs')).stdout.toString()
  const names = listed.trimEnd().split('\n')
  assert.equal(names, [...new Set(names)].sort())
  const stored = readdirSync(fixture('objects')).flatMap(dir =>
    readdirSync(fixture('objects', dir)).map(name => `${dir}/${name}`),
  )
  assert.equal(names, stored.sort())
  const missing = command('composefs-info', `--basedir=${fixture('objects')}`, 'missing-objects', fixture('small.cfs'))
  assert.is(missing.stdout.toString(), '')
  assert.is(missing.status, 0)
  const all = command('composefs-info', 'missing-objects', '--basedir', temporary, fixture('small.cfs'))
  assert.is(all.stdout.toString(), command('composefs-info', 'objects', fixture('small.cfs')).stdout.toString())
})

info('--filter keeps names of the top directory', () => {
  const { stdout } = command('composefs-info', 'dump', '--filter=project', fixture('small.cfs'))
  const paths = stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map(line => line.split(' ')[0])
  assert.is(paths[0], '/')
  assert.ok(paths.length > 5 && paths.slice(1).every(path => path === '/project' || path.startsWith('/project/')))
  assert.is(command('composefs-info', '--filter=a/b', 'dump', fixture('small.cfs')).status, 1)
})

const fsverity = peer('FSVERITY', 'fsverity')
if (fsverity === undefined)
  skip(info, 'measure-file against fsverity', 'fsverity is not on PATH (FSVERITY may name it)')
else {
  info('measure-file agrees with fsverity', () => {
    for (const size of [0, 1, 4096, 4097, 600_000]) {
      const path = join(temporary, `measured-${size}`)
      writeFileSync(
        path,
        Uint8Array.from({ length: size }, (_, i) => i % 251),
      )
      const wanted = runPeer(fsverity, 'digest', '--compact', path).stdout.toString()
      assert.is(command('composefs-info', 'measure-file', path).stdout.toString(), wanted)
    }
  })
}

info('refuses what it has to, with status 1', () => {
  const plain = join(temporary, 'plain.erofs')
  writeFileSync(plain, gunzipSync(readFileSync(fixture('erofs/plain.erofs.gz'))))
  for (const args of [
    [],
    ['frobnicate', 'x'],
    ['dump'],
    ['dump', join(temporary, 'none')],
    ['dump', plain],
    ['measure-file'],
  ]) {
    const { status, stdout, stderr } = command('composefs-info', ...args)
    assert.is(status, 1, args.join(' '))
    assert.is(stdout.length, 0)
    assert.match(stderr, /\S/)
  }
})

const C_INFO = peer('COMPOSEFS_INFO', 'composefs-info')
const C_MAKE = peer('MKCOMPOSEFS', 'mkcomposefs')
if (C_INFO === undefined || C_MAKE === undefined || SHARED === undefined) {
  skip(
    info,
    'against the C tool',
    'it is not on PATH (COMPOSEFS_INFO and MKCOMPOSEFS may name it), or no shared vectors',
  )
} else {
  const dumps = readdirSync(vector('composefs')).filter(
    name => /\.dump(?:\.gz)?$/.test(name) && !name.startsWith('should-fail'),
  )
  for (const name of dumps) {
    info(`against the C tool: ${name}`, () => {
      const packed = readFileSync(vector('composefs', name))
      const source = join(temporary, 'source.dump')
      writeFileSync(source, name.endsWith('.gz') ? gunzipSync(packed) : packed)
      const image = join(temporary, 'made.cfs')
      assert.is(runPeer(C_MAKE, '--from-file', source, image).status, 0)
      assert.ok(existsSync(image))
      for (const args of [
        ['dump'],
        ['ls'],
        ['objects'],
        ['missing-objects', `--basedir=${temporary}`],
        ['dump', '--filter=usr'],
      ]) {
        const theirs = runPeer(C_INFO, ...args, image)
        const ours = command('composefs-info', ...args, image)
        assert.is(ours.status, theirs.status, args.join(' '))
        same(ours.stdout, theirs.stdout, args.join(' '))
      }
    })
  }
}

info.run()
