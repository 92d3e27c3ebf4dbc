// What a kernel's overlay answered, and what the overlay here must say to the same in a page and in a worker of a real
// browser: results, trees and uppers as recorded; and changes, snapshots, commits and exported layers as Node makes them,
// byte for byte.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fixture, SHARED, skip } from '../helpers/paths.js'
import type { Scenario } from '../helpers/scenario.js'
import { variantsOf } from '../helpers/scenario-check.js'
import { scenarioOutcome } from '../helpers/scenario-outcome.js'
import { CHROMIUM, newPage, startChromium } from './chromium.js'
import type { ScenarioAnswer } from './scenarios-page.js'
import { forBrowser } from './stand-ins.js'
import { serveScripts } from './suite-driver.js'

const scenarios = suite('browser: scenarios that a kernel overlay has answered')

function recorded(): Scenario[] {
  const shared = join(SHARED ?? '', 'overlay/scenarios-public.json')
  const files = [fixture('overlay-scenarios.json')]
  if (existsSync(shared)) files.push(shared)
  else skip(scenarios, 'more recorded scenarios', 'none beside the project')
  const found = files.flatMap(path => (JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }).scenarios)
  return found.filter(({ ops }) => ops.every(({ cred }) => cred === undefined))
}

interface Asked {
  readonly name: string
  readonly given: string
  /** What Node makes of it. */
  readonly expected: unknown
}

/** All that is asked. Before the browser is there: who drives it wants a clock that goes. */
async function questions(): Promise<Asked[]> {
  const asked: Asked[] = []
  for (const scenario of recorded()) {
    for (const variant of variantsOf(scenario)) {
      const given = JSON.stringify([scenario, variant])
      const name = `${scenario.id} ${variant}: ${scenario.title}`
      asked.push({ name, given, expected: await scenarioOutcome(scenario, variant) })
    }
  }
  return asked
}

async function addAll(executablePath: string): Promise<void> {
  const asked = await questions()
  const script = await forBrowser(`import './test/browser/scenarios-page.ts'`)
  const { origin, server } = await serveScripts(new Map([['/scenarios.js', script]]))
  const browser = await startChromium(executablePath)
  const page = await newPage(browser)
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  await page.goto(`${origin}/`)
  await page.addScriptTag({ type: 'module', url: '/scenarios.js' })
  await page.waitForFunction('typeof ask === "function"')
  await page.evaluate(`new Promise((resolve, reject) => {
    globalThis.worker = new Worker('/scenarios.js', { type: 'module' })
    worker.onerror = event => reject(new Error(event.message))
    worker.onmessage = resolve
  }).then(() => {})`)
  const askPage = (given: string) => page.evaluate(`ask(...${given})`)
  const askWorker = (given: string) =>
    page.evaluate(`new Promise((resolve, reject) => {
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = event => resolve(event.data)
      worker.postMessage(${given})
    })`)
  for (const { name, given, expected } of asked) {
    for (const [place, ask] of [
      ['page', askPage],
      ['worker', askWorker],
    ] as const) {
      scenarios(`in a ${place}, ${name}`, async () => {
        const { failed, outcome } = (await ask(given)) as ScenarioAnswer
        assert.is(failed, undefined)
        assert.equal(outcome, expected)
        assert.equal(complaints, [])
      })
    }
  }
  scenarios('and goes away', async () => {
    await browser.close()
    server.closeAllConnections()
    server.close()
  })
}

if (CHROMIUM === undefined) skip(scenarios, 'all of it', 'no chromium (CHROMIUM names one)')
else await addAll(CHROMIUM)
scenarios.run()
