// Random scenarios, which the running kernel's overlay and the one here both answer. Only where the oracle stands beside the
// project, and as root where an overlay can be mounted. The seed is fixed, so that a failure belongs to a change;
// OVERLAY_SEED=fresh asks about scenarios that nobody has seen, which is how to look for more.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SHARED, skip } from '../helpers/paths.js'
import { randomScenario } from '../helpers/random-scenario.js'
import type { Scenario } from '../helpers/scenario.js'
import { checkScenario, variantsOf } from '../helpers/scenario-check.js'

const live = suite('random scenarios, against the running kernel')
const NAME = 'fresh scenarios'
const COUNT = 24
/** The first of them has a link to a socket, whose names below realpath does not look at. */
const SEED = 872_093_585
const oracle = join(SHARED ?? '', 'overlay/run-kernel.mjs')
const scratch = mkdtempSync(join(tmpdir(), 'overlay-live-'))
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }))

/** Why the kernel can't be asked here; undefined where it can. */
function hindrance(): string | undefined {
  if (!existsSync(oracle)) return 'no oracle beside the project'
  if (process.getuid?.() !== 0) return 'only root can mount'
  const probe = join(scratch, 'probe.json')
  const setup = { lowers: [[{ path: '/f', type: 'file', content: 'x' }]] }
  writeFileSync(probe, JSON.stringify({ scenarios: [{ id: 'probe', title: '', setup, ops: [] }] }))
  const tried = spawnSync(process.execPath, [oracle, 'generate', probe, probe, '--quiet', '--work', join(scratch, 'w')])
  return tried.status === 0 ? undefined : 'no overlay can be mounted here'
}

/** Scenarios whose calls do not come to an end on the kernel's side: so many are passed over. */
const UNANSWERED_MAX = 2

function answered(seed: number): Scenario[] {
  const scenarios = Array.from({ length: COUNT }, (_, i) => randomScenario(seed + i, `seed-${seed + i}`))
  try {
    return ask(scenarios)
  } catch {
    // One that does not end leaves all without an answer.
    const each = scenarios.map(scenario => {
      try {
        return ask([scenario])
      } catch {
        console.log(`\nnote: the kernel did not come to the end of ${scenario.id}`)
        return []
      }
    })
    const lost = each.filter(found => found.length === 0).length
    assert.ok(lost <= UNANSWERED_MAX, `${lost} without an answer`)
    return each.flat()
  }
}

function ask(scenarios: readonly object[]): Scenario[] {
  const asked = join(scratch, 'asked.json')
  const found = join(scratch, 'answered.json')
  rmSync(found, { force: true })
  writeFileSync(asked, JSON.stringify({ format: 'overlay-scenarios/1', scenarios }))
  const options = ['--quiet', '--timeout', '10', '--work', join(scratch, 'w')]
  execFileSync(process.execPath, [oracle, 'generate', asked, found, ...options], { stdio: 'pipe' })
  return (JSON.parse(readFileSync(found, 'utf8')) as { scenarios: Scenario[] }).scenarios
}

/** The scenarios of seeds from `seed` on. */
async function compare(seed: number): Promise<void> {
  for (const scenario of answered(seed)) {
    for (const variant of variantsOf(scenario)) {
      try {
        await checkScenario(scenario, variant)
      } catch (error) {
        console.log(`OVERLAY_SEED=${scenario.id.slice('seed-'.length)} shows it again, first of all`)
        throw error
      }
    }
  }
}

const why = hindrance()
if (why === undefined) {
  const named = process.env['OVERLAY_SEED'] ?? String(SEED)
  live(NAME, () => compare(named === 'fresh' ? Date.now() % 1_000_000_000 : Number(named)))
} else skip(live, NAME, why)
live.run()
