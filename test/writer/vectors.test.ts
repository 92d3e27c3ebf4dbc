// Images that are known bit for bit: the thirteen of the spec, those of composefs' own tests and of composefs-rs.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ErrnoName } from '../../src/format/errno.js'
import { toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { newPool, sha256 } from '../helpers/core.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { bytesOf, difference, dumpOfImage, imageOfDump, refusal, rewritten } from '../helpers/written.js'
import { KNOWN_DUMPS, type KnownDigests } from './known-dumps.js'

const pool = newPool()

function sha256Hex(bytes: Uint8Array): string {
  return toHex(sha256(bytes))
}

function isKnown(image: Uint8Array, wanted: KnownDigests): void {
  assert.is(sha256Hex(image), wanted.sha256)
  if (wanted.verity !== undefined) assert.is(toHex(verityDigest(image, sha256)), wanted.verity)
}

const known = suite('images that the spec knows')
for (const { name, dump, dumpSha256, size, v0, v1, raised } of KNOWN_DUMPS) {
  known(name, () => {
    if (dumpSha256 !== undefined)
      assert.is(sha256Hex(bytesOf(dump)), dumpSha256, 'the dump is not built as it is meant')
    const lowest = imageOfDump(dump, { minVersion: 0, maxVersion: 0 })
    assert.is(lowest.length, size)
    isKnown(lowest, v0)
    const highest = imageOfDump(dump, { minVersion: 1, maxVersion: 1 })
    assert.is(highest.length, size)
    isKnown(highest, v1)
    isKnown(imageOfDump(dump, { minVersion: 0, maxVersion: 1 }), raised ? v1 : v0)
    isKnown(imageOfDump(dump), raised ? v1 : v0)
    // A highest version below the lowest counts as that.
    isKnown(imageOfDump(dump, { minVersion: 1, maxVersion: 0 }), v1)
  })
  known(`${name}: read and written again`, () => {
    for (const version of [0, 1]) {
      const image = imageOfDump(dump, { minVersion: version, maxVersion: version })
      assert.is(difference(rewritten(pool, image), image), undefined)
    }
  })
}

known('the layout that the spec works out for G2', () => {
  const image = imageOfDump(KNOWN_DUMPS[1].dump)
  const superblock =
    'e2e1f5e0 00000000 06000000 0c 00 2400 0b01000000000000 fdffffffffffffff 05000000 06000000 00000000 04000000'
  assert.is(image.toString('hex', 1024, 1024 + 48), superblock.replaceAll(' ', ''))
})

for (const version of [-1, 2, 0.5, Number.NaN]) {
  known(`version ${version} is EINVAL`, () => {
    const { dump } = KNOWN_DUMPS[0]
    assert.is(refusal(dump, { minVersion: version })?.code, 'EINVAL')
    assert.is(refusal(dump, { maxVersion: version })?.code, 'EINVAL')
  })
}
known.run()

/** Dumps that are not strict (spec composefs-dump.md section 6). */
const CARELESS = new Set(['no-newline.dump', 'longlink.dump', 'honggfuzz-longlink-unterminated.dump'])
/** Why the others must be refused: errno, line and field (same place). */
const REFUSED: Readonly<Record<string, readonly [ErrnoName, number, string]>> = {
  'big-inline': ['EINVAL', 2, 'CONTENT'],
  'dir-hardlink': ['EINVAL', 2, 'MODE'],
  'dot-name': ['EINVAL', 2, 'PATH'],
  'dotdot-name': ['EINVAL', 2, 'PATH'],
  'empty-link-name': ['EINVAL', 2, 'PAYLOAD'],
  'empty-name': ['EINVAL', 2, 'PATH'],
  'empty-xattr-key': ['ERANGE', 2, 'XATTR'],
  'honggfuzz-long-xattr': ['ERANGE', 1, 'XATTR'],
  'long-link': ['EINVAL', 2, 'PAYLOAD'],
  'long-xattr-key': ['EINVAL', 2, 'XATTR'],
  'long-xattr-value': ['EINVAL', 2, 'MODE'],
  'no-ftype': ['EINVAL', 2, 'MODE'],
  'self-hardlink': ['ELOOP', 2, 'PAYLOAD'],
  'too-big': ['EFBIG', 2, 'SIZE'],
}

const shared = suite("images of composefs' own tests")
if (SHARED === undefined) skip(shared, 'all of them', 'no shared vectors beside this checkout')
else addShared(readdirSync(vector('composefs')))

function unpacked(name: string): Buffer {
  const bytes = readFileSync(vector('composefs', name))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

function addShared(names: readonly string[]): void {
  const accepted = names.filter(name => names.includes(`${name}.sha256`))
  assert.ok(accepted.length >= 14)
  for (const name of accepted) addAccepted(name, names.includes(`${name}.version`))
  for (const [name, error] of Object.entries(REFUSED)) addRefused(`should-fail-${name}.dump`, error)
  shared('there is a reason for every dump that must be refused', () => {
    const found = names.filter(name => name.startsWith('should-fail-')).map(name => name.slice(12, -'.dump'.length))
    assert.equal(found.sort(), Object.keys(REFUSED).sort())
  })
  shared('tree.dump is tree.cfs', () => {
    assert.is(difference(imageOfDump(unpacked('tree.dump')), unpacked('tree.cfs')), undefined)
  })
  shared('cs9-x86_64-developer.dump is its image, byte for byte', () => {
    const image = imageOfDump(unpacked('cs9-x86_64-developer.dump.gz'), { strict: true })
    assert.is(difference(image, unpacked('cs9-x86_64-developer.cfs.gz')), undefined)
  })
  addRustVectors()
}

function addAccepted(name: string, versioned: boolean): void {
  shared(name, () => {
    const wanted = readFileSync(vector('composefs', `${name}.sha256`), 'utf8').trim()
    const version = versioned ? Number(readFileSync(vector('composefs', `${name}.version`), 'utf8')) : undefined
    const versions = version === undefined ? {} : { minVersion: version, maxVersion: version }
    const image = imageOfDump(unpacked(name), { ...versions, strict: !CARELESS.has(name) })
    assert.is(sha256Hex(image), wanted)
    assert.is(difference(rewritten(pool, image), image), undefined, 'read and written again')
    const dump = dumpOfImage(pool, image)
    assert.is(difference(imageOfDump(dump, { ...versions, strict: true }), image), undefined, 'by way of its dump')
  })
  if (CARELESS.has(name))
    shared(`${name} is refused strictly`, () => {
      assert.ok(refusal(unpacked(name), { strict: true }))
    })
}

function addRefused(name: string, wanted: readonly [ErrnoName, number, string]): void {
  shared(name, () => {
    const error = refusal(unpacked(name))
    assert.equal([error?.code, error?.line, error?.field], wanted)
    assert.ok(refusal(unpacked(name), { strict: true }))
  })
}

/** vectors/README.md. */
function addRustVectors(): void {
  const digests = {
    '/ 0 40755 2 0 0 0 0.0 - - -\n': [
      '8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682',
      '14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63',
    ],
    [unpacked('simple.dump').toString('latin1')]: [
      '9f3f5620ee0c54708516467d0d58741e7963047c7106b245d94c298259d0fa01',
      'ad6db6427568a1e4fdc772cbab7b6063f5eb4b33cb62982a740ba9213e5962b5',
    ],
  }
  for (const [dump, wanted] of Object.entries(digests)) {
    for (const version of [0, 1]) {
      shared(`composefs-rs: ${dump.split('\n').length - 1} entries, version ${version}`, () => {
        const image = imageOfDump(dump, { minVersion: version, maxVersion: version })
        assert.is(toHex(verityDigest(image, sha256)), wanted[version])
      })
    }
  }
}
shared.run()
