// Compares what the overlay here does with what a kernel's did: the answer to each operation, the tree at the end, the upper,
// and the tree of a mount anew.
import * as assert from 'uvu/assert'
import type { Layer } from '../../src/overlay/layer.js'
import type { LayerNode } from '../../src/overlay/lower.js'
import { memoryUpper } from '../../src/overlay/memory-upper.js'
import { MergedTree } from '../../src/overlay/merged-tree.js'
import { Overlay } from '../../src/overlay/overlay.js'
import type { Upper } from '../../src/overlay/upper.js'
import type { UpperInode } from '../../src/overlay/upper-inode.js'
import { type Entry, fillUpper, lowerLayers, type Scenario } from './scenario.js'
import { ScenarioRun } from './scenario-run.js'

export type Variant = 'on' | 'off'
export const VARIANTS: readonly Variant[] = ['on', 'off']

export function variantsOf({ tags }: { readonly tags?: readonly string[] }): readonly Variant[] {
  return tags?.includes('on-only') === true ? ['on'] : VARIANTS
}

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

/** Where an upper is kept. */
export interface Keeping {
  /** A new one. */
  open(layers: readonly Layer<LayerNode>[]): Upper
  /** The same, closed and opened again. */
  again(upper: Upper, layers: readonly Layer<LayerNode>[]): Upper
}

export const IN_MEMORY: Keeping = {
  open: layers => memoryUpper(layers, Number.POSITIVE_INFINITY),
  again: upper => {
    forget(upper.root)
    return upper
  },
}

/** Throws where they differ. */
export async function checkScenario(scenario: Scenario, variant: Variant, keeping = IN_MEMORY): Promise<void> {
  const { lowers, upper: prepared } = scenario.setup
  const { layers, close } = await lowerLayers(lowers)
  const options = { redirectDir: variant === 'on', metacopy: variant === 'on' }
  let upper: Upper = keeping.open(layers)
  upper.root.uid = upper.root.gid = 0
  upper.changed(upper.root)
  if (prepared) fillUpper(upper, prepared)
  const mounted = () =>
    prepared === false ? new MergedTree(layers, upper, options) : new Overlay(layers, upper, options)
  const remount = () => {
    upper = keeping.again(upper, layers)
    return mounted()
  }
  try {
    const run = new ScenarioRun({ tree: mounted(), remount }, scenario)
    const expected = scenario.expect[variant]
    const results = run.results()
    results.forEach((result, i) => {
      assert.equal(result, expected.results[i], `${variant} op ${i} ${JSON.stringify(scenario.ops[i])}`)
    })
    assert.equal(run.tree().map(sorted), expected.tree.map(sorted), `${variant} tree`)
    if (prepared !== false) assert.equal(compared(run.upper()), compared(expected.upper), `${variant} upper`)
    run.remount()
    const again = expected.treeAfterRemount ?? expected.tree
    assert.equal(run.tree().map(sorted), again.map(sorted), `${variant} remounted`)
  } finally {
    close()
  }
}
