// What a kernel's overlay answered, operation by operation, and what was in its tree and its upper afterwards: the overlay here
// must say the same, over images.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import { fixture, SHARED, skip } from '../helpers/paths.js'
import type { Scenario } from '../helpers/scenario.js'
import { checkScenario, variantsOf } from '../helpers/scenario-check.js'

const scenarios = suite('scenarios that a kernel overlay has answered')

function addAll(path: string): void {
  const found = JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }
  for (const scenario of found.scenarios) {
    for (const variant of variantsOf(scenario)) {
      const name = `${scenario.id} ${variant}: ${scenario.title}`
      if (scenario.ops.some(({ cred }) => cred !== undefined)) skip(scenarios, name, 'mounts check no permissions')
      else scenarios(name, () => checkScenario(scenario, variant))
    }
  }
}

// OVERLAY_SCENARIOS names others of the same form.
const others = process.env['OVERLAY_SCENARIOS']
if (others !== undefined) addAll(others)
else {
  addAll(fixture('overlay-scenarios.json'))
  const recorded = join(SHARED ?? '', 'overlay/scenarios-public.json')
  if (existsSync(recorded)) addAll(recorded)
  else skip(scenarios, 'more recorded scenarios', 'none beside the project')
}

scenarios.run()
