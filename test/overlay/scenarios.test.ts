// What a kernel's overlay answered, operation by operation, and what was in its tree and its upper afterwards: the overlay here
// must say the same, over images.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import { SHARED, skip } from '../helpers/paths.js'
import type { Scenario } from '../helpers/scenario.js'
import { checkScenario, VARIANTS } from '../helpers/scenario-check.js'

const scenarios = suite('scenarios that a kernel overlay has answered')

// OVERLAY_SCENARIOS names others of the same form.
const path = process.env['OVERLAY_SCENARIOS'] ?? join(SHARED ?? '', 'overlay/scenarios-public.json')
if (existsSync(path)) {
  const found = JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }
  for (const scenario of found.scenarios) {
    for (const variant of VARIANTS) {
      const name = `${scenario.id} ${variant}: ${scenario.title}`
      if (scenario.ops.some(({ cred }) => cred !== undefined)) skip(scenarios, name, 'mounts check no permissions')
      else scenarios(name, () => checkScenario(scenario, variant))
    }
  }
} else skip(scenarios, 'recorded scenarios', 'no recorded scenarios beside the project')

scenarios.run()
