// Overlays over layers whose every answer has to be waited for, against the same over layers that are at hand: recorded and
// random operations through promises come to the same answers, trees and uppers; what can't be answered at once changes
// nothing, and neither does what fails because its source does.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import type { Layer } from '../../src/overlay/layer.js'
import type { LayerNode } from '../../src/overlay/lower.js'
import { memoryUpper } from '../../src/overlay/memory-upper.js'
import { MergedTree } from '../../src/overlay/merged-tree.js'
import { Overlay } from '../../src/overlay/overlay.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { loaded, newPool, sha256 } from '../helpers/core.js'
import { FarLayer, Nearness } from '../helpers/lazy-layers.js'
import { doesMany, LazyRun, upperOf } from '../helpers/lazy-run.js'
import { fixture, SHARED, skip } from '../helpers/paths.js'
import { randomOf } from '../helpers/random-calls.js'
import { randomScenario } from '../helpers/random-scenario.js'
import { fillUpper, lowerImages, type Op, type Scenario } from '../helpers/scenario.js'
import { type Variant, variantsOf } from '../helpers/scenario-check.js'

/** Of the recorded scenarios every so many-th; 1 for all. */
const EVERY = Number(process.env['LAZY_SCENARIOS_EVERY'] ?? 5)
const SEEDS = Number(process.env['LAZY_SEEDS'] ?? 40)
const FAILING = 0.03
const TRIES = 400

const lazy = suite('overlays over layers that have to be waited for')
const pool = newPool()
const counts = { operations: 0, misses: 0, atOnce: 0, again: 0, failures: 0 }

interface Worlds {
  readonly near: LazyRun
  readonly far: LazyRun
  readonly nearness: Nearness
  close(): void
}

async function worldsOf(scenario: Scenario, variant: Variant, seed: number): Promise<Worlds> {
  const { lowers, upper: prepared } = scenario.setup
  const images = (await lowerImages(lowers)).map(({ image, store }) => ({ image: loaded(pool, image), store }))
  const nearness = new Nearness(randomOf(seed))
  const layersOf = () =>
    images.map(({ image, store }) => new ImageLayer(image, new VerifiedObjects(store, sha256), 'on'))
  const options = { redirectDir: variant === 'on', metacopy: variant === 'on' }
  const treeOf = (layers: readonly Layer<LayerNode>[]) => {
    // What a root is, a mount has waited for before.
    const upper = memoryUpper(layersOf(), Number.POSITIVE_INFINITY)
    if (prepared) fillUpper(upper, prepared)
    return prepared === false ? new MergedTree(layers, upper, options) : new Overlay(layers, upper, options)
  }
  const far = layersOf().map((layer, index) => new FarLayer(layer, nearness, index))
  return {
    near: new LazyRun(treeOf(layersOf()), scenario),
    far: new LazyRun(treeOf(far), scenario),
    nearness,
    close: () => {
      for (const { image } of images) image.close()
    },
  }
}

const codeOf = (answer: unknown) => (answer as { err?: string }).err

/** The operation at once: false where it would have to wait, and has changed nothing then. */
async function atOnce({ far }: Worlds, op: Op, expected: unknown, what: string): Promise<boolean> {
  const before = upperOf(far.tree)
  const answer = await far.run(op, 'sync')
  if (codeOf(answer) === 'EAGAIN') {
    assert.is(upperOf(far.tree), before, `${what}: EAGAIN, and something has changed`)
    return false
  }
  // The faces name different system calls here and there.
  const plain = (one: unknown) => ({ ok: (one as { ok?: unknown }).ok, err: codeOf(one) })
  assert.equal(plain(answer), plain(expected), `${what}, at once`)
  counts.atOnce++
  return true
}

/** Until it does not fail for its source; nothing has changed where it did. */
async function inSpite({ far, nearness }: Worlds, op: Op, what: string): Promise<unknown> {
  nearness.failing = FAILING
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const before = upperOf(far.tree)
      const failed = nearness.failures
      const answer = await far.run(op, 'promise')
      if (codeOf(answer) !== 'EIO' || nearness.failures === failed) return answer
      assert.is(upperOf(far.tree), before, `${what}: its source has failed, and something has changed`)
      counts.again++
    }
  } finally {
    nearness.failing = 0
  }
  return far.run(op, 'promise')
}

async function check(scenario: Scenario, variant: Variant, seed: number, fails: boolean): Promise<void> {
  const worlds = await worldsOf(scenario, variant, seed)
  const { near, far, nearness } = worlds
  try {
    for (const [index, op] of scenario.ops.entries()) {
      const what = `${scenario.id} ${variant} op ${index} ${JSON.stringify(op)}`
      const expected = await near.run(op, 'promise')
      counts.operations++
      const isDone = op.op !== 'cp' && (index % 3 === 0 || op.op === 'rm') && (await atOnce(worlds, op, expected, what))
      if (!isDone) {
        // What `exists` can't find out it denies.
        const fit = fails && !doesMany(op) && op.op !== 'exists'
        const answer = fit ? await inSpite(worlds, op, what) : await far.run(op, 'promise')
        assert.equal(answer, expected, what)
      }
      assert.is(upperOf(far.tree), upperOf(near.tree), `${what}: uppers`)
    }
    await near.closeAll()
    await far.closeAll()
    assert.equal(await far.shown(), await near.shown(), `${scenario.id} ${variant}: trees`)
    counts.misses += nearness.misses
    counts.failures += nearness.failures
  } finally {
    worlds.close()
  }
}

function addRecorded(path: string): void {
  const { scenarios } = JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }
  for (const [index, scenario] of scenarios.entries()) {
    if (index % EVERY !== 0 || scenario.ops.some(({ cred }) => cred !== undefined)) continue
    for (const variant of variantsOf(scenario)) {
      lazy(`${scenario.id} ${variant}`, () => check(scenario, variant, index + 1, index % 2 === 0))
    }
  }
}

addRecorded(fixture('overlay-scenarios.json'))
const recorded = join(SHARED ?? '', 'overlay/scenarios-public.json')
if (existsSync(recorded)) addRecorded(recorded)
else skip(lazy, 'more recorded scenarios', 'none beside the project')

for (let seed = 1; seed <= SEEDS; seed++) {
  lazy(`random operations, seed ${seed}`, async () => {
    const none = { results: [], tree: [], upper: [] }
    const scenario = { ...randomScenario(seed, `seed ${seed}`), expect: { on: none, off: none } }
    for (const variant of variantsOf(scenario)) await check(scenario, variant, seed, seed % 2 === 0)
  })
}

lazy('something had to be waited for', () => {
  console.log(`\nnote: ${JSON.stringify(counts)}`)
  assert.ok(counts.misses > counts.operations)
})

lazy.run()
