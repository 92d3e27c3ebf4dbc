// Writable mounts of seeded random stacks of images, and seeded random operations on them. Not here: which operations
// (random-scenario.ts), and how they are run (scenario-run.ts).
import { type Mount, mountSync } from '../../src/node.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import type { MemoryStore } from '../../src/store/memory.js'
import { randomScenario } from './random-scenario.js'
import { lowerImages, type Op, type Scenario } from './scenario.js'
import { ScenarioRun } from './scenario-run.js'

/** What a mount is made of, and what can be done to it. */
export interface RandomPlan {
  readonly images: readonly Uint8Array[]
  readonly stores: readonly MemoryStore[]
  readonly ops: readonly Op[]
  readonly setup: Scenario['setup']
  /** What mounts of it can be asked for: with metacopy files below, none is without metacopy. */
  readonly options: readonly PlanOptions[]
}

/** The plan of a seed; `remount` is none of its operations, since a mount in memory ends with its upper. */
export async function randomPlan(seed: number): Promise<RandomPlan> {
  const { setup, ops, tags } = randomScenario(seed, `seed ${seed}`)
  const plan = await planOf(
    setup.lowers,
    ops.filter(({ op }) => op !== '@remount'),
  )
  const options = tags?.includes('on-only') ? [{}] : [{}, { metacopy: false }, { redirectDir: false }]
  return { ...plan, setup, options }
}

/** A plan of given layers, topmost first. */
export async function planOf(lowers: Scenario['setup']['lowers'], ops: readonly Op[] = []): Promise<RandomPlan> {
  const built = await lowerImages(lowers)
  return {
    images: built.map(({ image }) => image),
    stores: built.map(({ store }) => store),
    ops,
    setup: { lowers },
    options: [{}],
  }
}

export interface PlanOptions {
  readonly redirectDir?: boolean
  readonly metacopy?: boolean
  readonly upper?: string
  readonly upperSize?: number
  readonly snapshot?: Uint8Array
}

export function mountPlan({ images, stores }: RandomPlan, options: PlanOptions = {}): Mount {
  return mountSync(images, { store: [...stores], writable: true, uid: 0, gid: 0, umask: 0o022, ...options })
}

/** The same tree before anything is done to it. */
export function mountBefore({ images, stores }: RandomPlan, options: PlanOptions = {}): Mount {
  return mountSync(images, { store: [...stores], uid: 0, gid: 0, umask: 0o022, ...options })
}

/** Does operations of a plan; what they answer is for others to judge. */
export function doAll({ setup }: RandomPlan, mount: Mount, ops: readonly Op[]): void {
  const tree = mount.layer as unknown as Overlay
  const none = { results: [], tree: [], upper: [] }
  const scenario = { id: '', title: '', setup, ops, expect: { on: none, off: none } }
  new ScenarioRun({ tree, remount: () => tree }, scenario).results()
}
