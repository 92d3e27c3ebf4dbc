// What a kernel's overlay answered, operation by operation, and what was in its tree and its upper afterwards: the overlay here
// must say the same, over images.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import { DirectoryUppers } from '../../src/host/upper-directory.js'
import type { Layer } from '../../src/overlay/layer.js'
import type { LayerNode } from '../../src/overlay/lower.js'
import type { Upper } from '../../src/overlay/upper.js'
import { fixture, SHARED, skip } from '../helpers/paths.js'
import type { Scenario } from '../helpers/scenario.js'
import { checkScenario, type Keeping, variantsOf } from '../helpers/scenario-check.js'

const scenarios = suite('scenarios that a kernel overlay has answered')

const base = mkdtempSync(join(tmpdir(), 'composefs-scenarios-'))
process.on('exit', () => rmSync(base, { recursive: true, force: true }))

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

/** Those that mount again, and some of the others, over an upper that a directory keeps, which is closed and opened. */
function addKept(path: string): void {
  const found = JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }
  for (const [index, scenario] of found.scenarios.entries()) {
    if (scenario.ops.some(({ cred }) => cred !== undefined)) continue
    const mountsAgain = scenario.ops.some(({ op }) => op === '@remount')
    for (const variant of variantsOf(scenario)) {
      if (!mountsAgain && (variant === 'off' || index % 3 !== 0)) continue
      scenarios(`${scenario.id} ${variant}, kept by a directory`, async () => {
        const directory = join(base, `${scenario.id}-${variant}`)
        const keeping = new DirectoryKeeping(directory)
        try {
          await checkScenario(scenario, variant, keeping)
        } finally {
          keeping.close()
          rmSync(directory, { recursive: true })
        }
      })
    }
  }
}

class DirectoryKeeping implements Keeping {
  readonly #uppers = new DirectoryUppers()
  #close: () => void = () => {}

  constructor(readonly directory: string) {}

  open(layers: readonly Layer<LayerNode>[]): Upper {
    const { upper, close } = this.#uppers.open(this.directory, layers, Number.POSITIVE_INFINITY)
    this.#close = close
    return upper
  }

  again(_upper: Upper, layers: readonly Layer<LayerNode>[]): Upper {
    this.#close()
    return this.open(layers)
  }

  close(): void {
    this.#close()
  }
}

// OVERLAY_SCENARIOS names others of the same form.
const others = process.env['OVERLAY_SCENARIOS']
if (others !== undefined) addAll(others)
else {
  addAll(fixture('overlay-scenarios.json'))
  addKept(fixture('overlay-scenarios.json'))
  const recorded = join(SHARED ?? '', 'overlay/scenarios-public.json')
  if (existsSync(recorded)) {
    addAll(recorded)
    addKept(recorded)
  } else skip(scenarios, 'more recorded scenarios', 'none beside the project')
}

scenarios.run()
