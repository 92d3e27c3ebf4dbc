// What scenarios.test.ts asks of a page or a worker: whether a scenario comes out as a kernel has recorded it, and what
// the mount then says and makes of itself. Not here: driving the browser.
import type { Scenario } from '../helpers/scenario.js'
import { checkScenario, type Variant } from '../helpers/scenario-check.js'
import { scenarioOutcome } from '../helpers/scenario-outcome.js'

export interface ScenarioAnswer {
  /** What differs from the kernel's. */
  readonly failed?: string
  readonly outcome?: unknown
}

async function ask(scenario: Scenario, variant: Variant): Promise<ScenarioAnswer> {
  try {
    await checkScenario(scenario, variant)
    return { outcome: await scenarioOutcome(scenario, variant) }
  } catch (error) {
    const { stack, details } = error as Error & { details?: string }
    return { failed: `${stack ?? String(error)}\n${details ?? ''}` }
  }
}

Object.assign(globalThis, { ask })
if (typeof document === 'undefined') {
  globalThis.onmessage = async ({ data }: MessageEvent<[Scenario, Variant]>) => postMessage(await ask(...data))
  // What is sent to a module that still awaits something is lost.
  postMessage('ready')
}
