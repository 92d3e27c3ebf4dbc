// All that a mount says of itself and makes of itself after the operations of a scenario, in plain values that can be
// compared between hosts: with the clock stopped and chance taken away, bytes are the same everywhere. Not here: what a
// kernel says of the scenario (scenario-check.ts).
import { type Mount, mountSync } from '../../src/node.js'
import { MergedTree } from '../../src/overlay/merged-tree.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import { sha256 } from './core.js'
import { randomOf } from './random-calls.js'
import { fillUpper, lowerImages, type Scenario } from './scenario.js'
import type { Variant } from './scenario-check.js'
import { ScenarioRun } from './scenario-run.js'

const THEN = Date.UTC(2026, 1, 3, 4, 5, 6, 789)

const hashed = (bytes: Uint8Array) => `${bytes.length} ${Buffer.from(sha256(bytes)).toString('hex')}`

/** Runs something at one moment, with the same dice; gives the host its own back. */
async function atOneMoment<T>(run: () => Promise<T>): Promise<T> {
  const { now } = Date
  const { random } = Math
  Date.now = () => THEN
  Math.random = randomOf(1)
  try {
    return await run()
  } finally {
    Date.now = now
    Math.random = random
  }
}

/** What something answers, or the code of what it throws. */
async function answerOf(ask: () => unknown): Promise<unknown> {
  try {
    return await ask()
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return { code }
  }
}

/** By a reader: a Response keeps to itself why a stream failed. */
async function streamed(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = stream.getReader()
  const pieces: Uint8Array[] = []
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value)
  return hashed(Buffer.concat(pieces))
}

async function committed(mount: Mount): Promise<unknown> {
  const { image, digest, objects } = await mount.commit()
  return { image: hashed(image), digest, objects: [...objects].sort() }
}

/** JSON, with undefined left out. */
export function scenarioOutcome(scenario: Scenario, variant: Variant): Promise<unknown> {
  return atOneMoment(async () => {
    const { lowers, upper: prepared } = scenario.setup
    const built = await lowerImages(lowers)
    const options = {
      store: built.map(({ store }) => store),
      redirectDir: variant === 'on',
      metacopy: variant === 'on',
      uid: 0,
      gid: 0,
      umask: 0o022,
    }
    const images = built.map(({ image }) => image)
    const mounted = mountSync(images, { ...options, writable: prepared !== false })
    const tree = mounted.layer as unknown as Overlay | MergedTree
    if (!(tree instanceof MergedTree)) return { readOnly: true }
    if (prepared) fillUpper((tree as Overlay).upper, prepared)
    const ops = scenario.ops.filter(({ op }) => op !== '@remount')
    const results = new ScenarioRun({ tree, remount: () => tree }, { ...scenario, ops }).results()
    const snapshot = await answerOf(() => mounted.snapshot())
    const restored =
      snapshot instanceof Uint8Array
        ? await answerOf(() => {
            const again = mountSync(images, { ...options, snapshot })
            const answer = { changes: again.changes(), snapshot: hashed(again.snapshot()) }
            again.unmount()
            return answer
          })
        : undefined
    const outcome = {
      results,
      changes: await answerOf(() => mounted.changes()),
      snapshot: snapshot instanceof Uint8Array ? hashed(snapshot) : snapshot,
      restored,
      layer: await answerOf(() => streamed(mounted.exportLayer())),
      committed: await answerOf(() => committed(mounted)),
    }
    mounted.unmount()
    return JSON.parse(JSON.stringify(outcome))
  })
}
