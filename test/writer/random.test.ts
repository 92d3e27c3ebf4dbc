// Images of random dumps: the C tool's bit for bit where it is, and everywhere what their dump says when they are mounted
// and when they are read back, by an oracle of its own (test/helpers/dump-model.ts). The same seeds at every run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mutated } from '../../src/fuzz/mutate.js'
import { dumpMutators } from '../../src/fuzz/mutate-dump.js'
import { PlainDecoder } from '../../src/fuzz/plain-decoder.js'
import { Random } from '../../src/fuzz/random.js'
import { randomDump } from '../../src/fuzz/random-dump.js'
import { mountSync, openImageSync } from '../../src/node.js'
import type { TreeError } from '../../src/tree/tree-error.js'
import { peer } from '../helpers/command.js'
import { newPool } from '../helpers/core.js'
import {
  comparable,
  isLossless,
  type Model,
  modelOf,
  mountTruth,
  pathsOf,
  readBack,
  versionOf,
} from '../helpers/dump-model.js'
import { skip } from '../helpers/paths.js'
import { compareTruth, type TruthFs, walkTruth } from '../helpers/truth.js'
import {
  C_MAKE,
  difference,
  dumpOfImage,
  imageByC,
  imageOfDump,
  NO_C_MAKE,
  refusal,
  rewritten,
  VERSIONS,
} from '../helpers/written.js'

const SEEDS = 240
const MUTATIONS = 600
const COMPOSEFS_VERSION_AT = 12
const FILES_PER_DUMP = 10
const seeds = Array.from({ length: SEEDS }, (_, i) => i + 1)
const pool = newPool()
const mutators = dumpMutators()

/** Runs `each` for every seed; the seed is named where it fails. */
function forSeeds(count: number, each: (seed: number) => void): void {
  for (let seed = 1; seed <= count; seed++) {
    try {
      each(seed)
    } catch (error) {
      if (error instanceof Error) error.message = `seed ${seed}: ${error.message}`
      throw error
    }
  }
}

const PREFIXES = [
  '',
  'user.',
  'system.posix_acl_access',
  'system.posix_acl_default',
  'trusted.',
  'lustre.',
  'security.',
]

/** The attribute of each path that a reader like libcomposefs' does not see: the last inline one, if all of it is 4 bytes. */
function unseenXattrs(image: Uint8Array): Map<string, string> {
  const found = new Map<string, string>()
  const decoder = new PlainDecoder(image)
  for (const { raw, inode } of decoder.walk()) {
    const { buffer } = decoder
    let at = inode.xattrs + 12 + (inode.end > inode.xattrs ? 4 * buffer[inode.xattrs + 4] : 0)
    for (let size = 0; at < inode.end; at += size) {
      const length = 4 + buffer[at] + buffer.readUInt16LE(at + 2)
      size = Math.ceil(length / 4) * 4
      if (length === 4 && at + size === inode.end) found.set(raw, PREFIXES[buffer[at + 1]])
    }
  }
  return found
}

/** A printed line with its path, slashes apart, in hex. */
function inHex(line: string): string {
  const [path, ...rest] = line.split(' ')
  const whole = path.replace(/\\x..|\\.|[^/]/g, c => (c.length > 1 ? c : `\\x${c.charCodeAt(0).toString(16)}`))
  return [whole, ...rest].join(' ')
}

function isMounted(model: Model, image: Uint8Array): void {
  using m = mountSync(openImageSync(image))
  const fs = m.fs as unknown as TruthFs
  assert.equal(compareTruth(mountTruth(model, image[COMPOSEFS_VERSION_AT]), walkTruth(fs, { content: false })), [])
  for (const [path, { mode, content }] of model.entries) {
    if ((mode & 0o170000) !== 0o100000 || !content) continue
    assert.is(Buffer.from(fs.readFileSync(Buffer.from(path, 'latin1'))).toString('latin1'), content, path)
  }
}

function isReadBack(model: Model, image: Uint8Array, dump: Uint8Array): void {
  const found = modelOf(dump)
  const wanted = comparable(readBack(model, image[COMPOSEFS_VERSION_AT], unseenXattrs(image)))
  assert.equal([...found.entries.keys()], pathsOf(model), 'order of the paths')
  assert.equal([...found.links], [...wanted.links])
  const { entries } = comparable(found)
  for (const [path, entry] of wanted.entries) assert.equal(entries.get(path), entry, path)
}

const random = suite('images of random dumps')

random(`${SEEDS} dumps: a mount shows what they say`, () => {
  let files = 0
  forSeeds(SEEDS, seed => {
    const dump = randomDump(new Random(seed))
    const model = modelOf(dump)
    files += model.entries.size
    for (const [minVersion, maxVersion] of seed % 2 === 0 ? VERSIONS.slice(1, 2) : VERSIONS) {
      const image = imageOfDump(dump, { minVersion, maxVersion })
      assert.is(image[COMPOSEFS_VERSION_AT], versionOf(model, minVersion, maxVersion))
      isMounted(model, image)
    }
  })
  assert.ok(files > FILES_PER_DUMP * SEEDS)
})

random(`${SEEDS} dumps: read back and written again`, () => {
  let lossless = 0
  let unseen = 0
  forSeeds(SEEDS, seed => {
    const dump = randomDump(new Random(seed))
    const model = modelOf(dump)
    const [minVersion, maxVersion] = VERSIONS[seed % VERSIONS.length]
    const image = imageOfDump(dump, { minVersion, maxVersion })
    const text = dumpOfImage(pool, image)
    isReadBack(model, image, text)
    const again = rewritten(pool, image)
    const version = image[COMPOSEFS_VERSION_AT]
    const byDump = imageOfDump(text, { minVersion: version, maxVersion: version, strict: true })
    assert.is(difference(byDump, again), undefined, 'by way of the dump, not of the image')
    const blind = unseenXattrs(image).size > 0
    if (blind) unseen++
    else if (isLossless(model)) {
      lossless++
      assert.is(difference(again, image), undefined)
    }
    // Once it has been read back nothing is left to be lost.
    if (unseenXattrs(again).size === 0)
      assert.is(difference(rewritten(pool, again), again), undefined, 'the third time')
  })
  assert.ok(lossless > SEEDS / 3, `only ${lossless} dumps lose nothing`)
  assert.ok(unseen > 0 && unseen < SEEDS / 3, `${unseen} with an attribute that is not seen`)
})

random('order of lines, and how they are escaped, does not matter', () => {
  forSeeds(SEEDS / 4, seed => {
    const image = imageOfDump(randomDump(new Random(seed)))
    const lines = dumpOfImage(pool, image).toString('latin1').trimEnd().split('\n')
    const [root, ...rest] = lines
    // Shallow ones first, each depth backwards.
    const depth = (line: string) => line.slice(0, line.indexOf(' ')).split('/').length
    const shuffled = rest.toReversed().sort((a, b) => depth(a) - depth(b))
    // Every other line's path in hex.
    const escaped = shuffled.map((line, i) => (i % 2 === 0 ? line : inHex(line)))
    const minVersion = image[COMPOSEFS_VERSION_AT]
    const wanted = imageOfDump(lines.join('\n'), { minVersion })
    assert.is(difference(imageOfDump([root, ...escaped].join('\n'), { minVersion }), wanted), undefined)
  })
})

/** Refusals that the C tool has no word for: composefs-dump.md 2.2 and 3. */
function isOurOwn({ field, why }: TreeError): boolean {
  if (field === 'GID' || field === 'RDEV') return why === 'invalid integer'
  return field === 'DIGEST' || (field === 'PAYLOAD' && /directory/.test(why))
}

if (C_MAKE === undefined) skip(random, 'against the C tool', NO_C_MAKE)
else addComparisons(C_MAKE)

function addComparisons(tool: string): void {
  random(`${SEEDS} dumps: the C tool's bits`, () => {
    forSeeds(SEEDS, seed => {
      const dump = randomDump(new Random(seed))
      for (const [minVersion, maxVersion] of VERSIONS) {
        const theirs = imageByC(tool, dump, { minVersion, maxVersion })
        if (typeof theirs === 'string') throw new Error(`the C tool refuses: ${theirs}`)
        assert.is(difference(imageOfDump(dump, { minVersion, maxVersion }), theirs), undefined)
      }
    })
  })

  random(`${MUTATIONS} changed dumps: refused, or the C tool's bits`, () => {
    const counts = { accepted: 0, refused: 0, ourOwn: 0 }
    forSeeds(MUTATIONS, seed => {
      const dump = mutated(randomDump(new Random(seeds[seed % SEEDS])), mutators, new Random(seed))
      const strict = seed % 4 === 0
      const error = refusal(dump, { strict })
      if (error !== undefined && isOurOwn(error)) {
        counts.ourOwn++
        return
      }
      const theirs = imageByC(tool, dump, { strict })
      if (error !== undefined) {
        assert.is(typeof theirs, 'string', `refused, but not by the C tool: ${error.message}`)
        assert.ok(error.field !== undefined || error.node !== undefined, error.message)
        counts.refused++
      } else if (typeof theirs === 'string') throw new Error(`the C tool refuses: ${theirs}`)
      else {
        assert.is(difference(imageOfDump(dump, { strict }), theirs), undefined)
        counts.accepted++
      }
    })
    assert.ok(Math.min(counts.accepted, counts.refused) > MUTATIONS / 10 && counts.ourOwn > 0, JSON.stringify(counts))
  })
}

const C_DUMP = peer('COMPOSEFS_DUMP', 'composefs-dump')
if (C_DUMP === undefined) skip(random, 'read back by the C tool', 'no composefs-dump (COMPOSEFS_DUMP may name it)')
else addRereading(C_DUMP)

function addRereading(tool: string): void {
  const temporary = mkdtempSync(join(tmpdir(), 'composefs-wasm-random-'))
  process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
  random('read back by the C tool: the same bits', () => {
    let compared = 0
    forSeeds(SEEDS, seed => {
      const dump = randomDump(new Random(seed))
      // Where a redirect is as long as this the C tool reads what is behind it (composefs-image.md 9.1).
      const payloads = [...modelOf(dump).entries.values()].map(entry => entry.payload ?? '')
      if (payloads.some(payload => payload.length % 4 === 3)) return
      const image = imageOfDump(dump)
      const [from, to] = ['from', 'to'].map(name => join(temporary, name))
      writeFileSync(from, image)
      const run = spawnSync(tool, [from, to], { encoding: 'utf8' })
      assert.is(run.status, 0, run.stderr)
      assert.is(difference(rewritten(pool, image), readFileSync(to)), undefined)
      compared++
    })
    assert.ok(compared > SEEDS / 5, `only ${compared} compared`)
  })
}
random.run()
