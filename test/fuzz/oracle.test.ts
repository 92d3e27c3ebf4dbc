// Differential fuzzing: a short seeded campaign against each oracle that is here; nothing but what is known differs on valid images.
// That it would tell of a lie is shown with an oracle that tells one.
import nodeFs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { reportText, runOracles } from '../../src/cli/fuzz-oracle.js'
import { differences } from '../../src/cli/fuzz-oracle-listing.js'
import { wantedBy } from '../../src/cli/fuzz-oracle-rules.js'
import type { OracleMaker, Verdict } from '../../src/cli/fuzz-oracle-verdict.js'
import { oracles } from '../../src/cli/fuzz-oracles.js'
import { Random } from '../../src/fuzz/random.js'
import { randomComposefs } from '../../src/fuzz/random-composefs.js'
import { randomErofs } from '../../src/fuzz/random-erofs.js'
import { openImageSync } from '../../src/node.js'
import { fixture, ROOT, skip } from '../helpers/paths.js'

const suiteOf = suite('oracles')
const dir = nodeFs.mkdtempSync(join(tmpdir(), 'composefs-oracles-'))
process.on('exit', () => nodeFs.rmSync(dir, { recursive: true, force: true }))

const VALID = 8
const RUNS = 20

/** As the build leaves it beside the command. */
const ALL = oracles(join(ROOT, 'dist/bin/plain-listing.js'))

for (const [name, maker] of ALL) {
  const missing = maker.missing()
  if (missing !== undefined) {
    skip(suiteOf, `${name}: valid images, and a short campaign`, missing)
    continue
  }
  suiteOf(`${name}: says the same of valid images`, async () => {
    const oracle = maker.make(nodeFs.mkdtempSync(join(dir, 'work-')), { time: 20_000 })
    try {
      let asked = 0
      for (let seed = 0; asked < VALID; seed++) {
        const random = new Random(seed)
        const bytes = seed % 2 === 0 ? randomComposefs(random).bytes : randomErofs(random).bytes
        if (!oracle.reads(bytes)) continue
        asked++
        const told = (await oracle.ask(bytes)).filter(({ key }) => wantedBy(name, key) === undefined)
        assert.equal(told, [], `seed ${seed}`)
      }
    } finally {
      oracle.close()
    }
  })

  suiteOf(`${name}: a short campaign ends, and gives the same twice`, async () => {
    const campaign = async (directory: string) =>
      runOracles({ names: [name], runs: RUNS, seed: 11, directory: join(dir, directory), more: ALL })
    const [report] = await campaign(`${name}-1`)
    const [again] = await campaign(`${name}-2`)
    assert.equal(again.findings, report.findings)
    assert.is(report.runs, RUNS)
    assert.ok(report.agreed > 0 && report.agreed < RUNS)
    for (const { image } of report.findings) assert.ok(nodeFs.existsSync(join(dir, `${name}-1`, image)))
    console.log(`note: ${reportText(report).replaceAll('\n', '\nnote: ')}`)
  })
}

/** Takes every image that has a certain byte for a wrong one. */
function liar(at: number, ask: (byte: number) => boolean): OracleMaker {
  const verdict: Verdict = { kind: 'they refuse', key: 'they refuse: it', ours: 'ok', theirs: 'no' }
  const oracle = {
    name: 'liar',
    reads: () => true,
    ask: async (bytes: Uint8Array) => (ask(bytes[at]) ? [verdict] : []),
    close: () => {},
  }
  return { missing: () => undefined, make: () => oracle }
}

suiteOf('a disagreement is told of once, with an image that is no more changed than it must be', async () => {
  // The size of blocks, as a power of two.
  const at = 1024 + 12
  const directory = join(dir, 'liar')
  const more = new Map([['liar', liar(at, byte => byte > 31)]])
  const [report] = await runOracles({ names: ['liar'], runs: 3000, seed: 1, directory, more })
  assert.is(report.findings.length, 1)
  const [finding] = report.findings
  assert.ok(finding.changed.includes(at))
  assert.ok(finding.changed.length <= 1 + 4, 'the byte, and the checksum at most')
  assert.ok(nodeFs.readFileSync(join(directory, finding.image))[at] > 31)
  const lines = nodeFs.readFileSync(join(directory, 'report.jsonl'), 'utf8').trim().split('\n')
  assert.is(JSON.parse(lines[1]).key, finding.key)
  assert.match(nodeFs.readFileSync(join(directory, 'report.txt'), 'utf8'), 'they refuse: it')
})

// Images that crash other tools, each a valid one with a byte or three changed; here they are refused, or have nothing to crash on.
for (const [name, why] of [
  ['composefs-info-1.0.8', 'an entry with a nid far outside the image'],
  ['fsck.erofs-1.5', 'an entry that leads to the directory itself'],
] as const) {
  suiteOf(`what crashes ${name}: ${why}`, () => {
    const bytes = gunzipSync(nodeFs.readFileSync(fixture('oracles', `${name}.img.gz`)))
    const image = openImageSync(bytes)
    assert.throws(
      () => [...image.entries()],
      (error: { code?: string }) => error.code === 'EUCLEAN',
    )
    image.close()
  })
}

suiteOf('what crashes fsck.erofs-1.5, which frees something twice: a chunk of 4 GiB', () => {
  const bytes = gunzipSync(nodeFs.readFileSync(fixture('oracles', 'fsck.erofs-1.5-double-free.img.gz')))
  const image = openImageSync(bytes)
  assert.ok([...image.entries()].length > 1)
  image.close()
})

suiteOf('what is not here is said', async () => {
  const [report] = await runOracles({ names: ['nobody'], runs: 1, seed: 1, directory: join(dir, 'none') })
  assert.is(report.skipped, 'no such oracle')
})

suiteOf('two listings differ in kinds', () => {
  const of = (facts: Record<string, string>) => ({ entries: { '/a': facts }, cut: false })
  const kinds = (a: Record<string, string>, b: Record<string, string>) =>
    differences(of(a), of(b)).map(({ kind }) => kind)
  assert.equal(kinds({ size: '1' }, { size: '1' }), [])
  assert.equal(kinds({ size: '1' }, { size: '2' }), ['different'])
  assert.equal(kinds({ names: '!EUCLEAN why' }, { names: 'a' }), ['we refuse'])
  assert.equal(kinds({ names: 'a' }, { names: '!EIO' }), ['they refuse'])
  assert.equal(kinds({ names: '!EUCLEAN' }, { names: '!EIO' }), ['other errno'])
  assert.equal(kinds({ names: '!EIO x' }, { names: '!EIO' }), [])
})

suiteOf.run()
