// What a kernel's overlay answered, operation by operation, and what was in its tree and its upper afterwards: the overlay here
// must say the same, over images.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { memoryUpper } from '../../src/overlay/memory-upper.js'
import { MergedTree } from '../../src/overlay/merged-tree.js'
import { Overlay } from '../../src/overlay/overlay.js'
import type { Upper } from '../../src/overlay/upper.js'
import type { UpperInode } from '../../src/overlay/upper-inode.js'
import { SHARED, skip } from '../helpers/paths.js'
import { type Entry, fillUpper, lowerLayers, type Scenario } from '../helpers/scenario.js'
import { ScenarioRun } from '../helpers/scenario-run.js'

const scenarios = suite('scenarios that a kernel overlay has answered')
const VARIANTS = { on: true, off: false } as const

/** A mount to come finds what is below anew, by the marks. */
function forget(dir: UpperInode): void {
  for (const child of dir.children?.values() ?? []) {
    if (child === null) continue
    child.below = undefined
    forget(child)
  }
}

/** Left out: what the specification says is informational, and links of directories in the upper. */
function compared(entries: readonly Entry[]): unknown[] {
  return entries
    .filter(({ path }) => path !== '/')
    .map(({ origin, impure, ...entry }) => ({ ...entry, ...(entry['type'] === 'dir' ? { nlink: 0 } : {}) }))
    .map(sorted)
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function check(scenario: Scenario, variant: 'on' | 'off'): Promise<void> {
  const { lowers, upper: prepared } = scenario.setup
  const { layers, close } = await lowerLayers(lowers)
  const options = { redirectDir: VARIANTS[variant], metacopy: VARIANTS[variant] }
  const upper: Upper = memoryUpper(layers, Number.POSITIVE_INFINITY)
  upper.root.uid = upper.root.gid = 0
  if (prepared) fillUpper(upper, prepared)
  const mounted = () =>
    prepared === false ? new MergedTree(layers, upper, options) : new Overlay(layers, upper, options)
  const remount = () => {
    forget(upper.root)
    return mounted()
  }
  const run = new ScenarioRun({ tree: mounted(), remount }, scenario)
  const expected = scenario.expect[variant]
  const results = run.results()
  results.forEach((result, i) => {
    assert.equal(result, expected.results[i], `${variant} op ${i} ${JSON.stringify(scenario.ops[i])}`)
  })
  assert.equal(run.tree().map(sorted), expected.tree.map(sorted), `${variant} tree`)
  if (prepared !== false) assert.equal(compared(run.upper()), compared(expected.upper), `${variant} upper`)
  run.remount()
  assert.equal(run.tree().map(sorted), (expected.treeAfterRemount ?? expected.tree).map(sorted), `${variant} remounted`)
  close()
}

// OVERLAY_SCENARIOS names others of the same form.
const path = process.env['OVERLAY_SCENARIOS'] ?? join(SHARED ?? '', 'overlay/scenarios-public.json')
if (existsSync(path)) {
  const found = JSON.parse(readFileSync(path, 'utf8')) as { scenarios: Scenario[] }
  for (const scenario of found.scenarios) {
    for (const variant of ['on', 'off'] as const) {
      const name = `${scenario.id} ${variant}: ${scenario.title}`
      if (scenario.ops.some(({ cred }) => cred !== undefined)) skip(scenarios, name, 'mounts check no permissions')
      else scenarios(name, () => check(scenario, variant))
    }
  }
} else skip(scenarios, 'recorded scenarios', 'no recorded scenarios beside the project')

scenarios.run()
