// The write half of `fs` against node:fs: the same random calls on a writable mount and in a directory of the host, whose
// answers and whose trees have to be the same after each.
import { isDeepStrictEqual } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { skip } from '../helpers/paths'
import { randomOf } from '../helpers/random-calls'
import { shown } from '../helpers/shown'
import { mkdtempCall, pathCall, pick, type Step, symlinkCall } from '../helpers/write-calls'
import * as opened from '../helpers/write-opened'
import { newWorlds, shownTree, type World, type Worlds } from '../helpers/write-world'

const STEPS = Number(process.env['VFS_WRITE_STEPS'] ?? 700)
const SEEDS = process.env['VFS_WRITE_SEEDS']?.split(',').map(Number) ?? [1, 2, 3]
/** How many steps a pair of worlds lives: long enough to get tangled, short enough not to run dry. */
const LIFE = 60
/** Milliseconds until a call is taken to be lost. */
const PATIENCE = 1500

const MAKERS = [
  ...Array.from({ length: 8 }, () => pathCall),
  symlinkCall,
  mkdtempCall,
  opened.openCall,
  opened.openCall,
  opened.openCall,
  ...Array.from({ length: 4 }, () => opened.fdCall),
  ...Array.from({ length: 3 }, () => opened.handleCall),
  opened.readCall,
  opened.closeCall,
  opened.writeStreamCall,
  opened.directoryCall,
]

async function answerOf(step: Step, world: World): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(() => resolve('no answer'), PATIENCE)
  })
  try {
    return shown(await Promise.race([step.run(world), late]), '', [])
  } catch (error) {
    return shown(error, '', [])
  } finally {
    clearTimeout(timer)
  }
}

function inWords(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}n` : part))?.slice(0, 700) ?? 'undefined'
  )
}

/** The names whose facts differ. */
function treeDifferences(worlds: Worlds): string[] {
  const [ours, nodes] = [shownTree(worlds.ours), shownTree(worlds.nodes)]
  return [...new Set([...Object.keys(ours), ...Object.keys(nodes)])]
    .filter(name => !isDeepStrictEqual(ours[name], nodes[name]))
    .map(name => `   ${name}: ours ${inWords(ours[name])}, node's ${inWords(nodes[name])}`)
}

async function differences(seed: number, steps: number): Promise<string[]> {
  const random = randomOf(seed)
  const found: string[] = []
  let worlds = await newWorlds(seed % 2 === 0)
  let lived = 0
  for (let made = 0; made < steps && found.length < 40; made++) {
    const step = pick(random, MAKERS)(random)
    const [ours, nodes] = [await answerOf(step, worlds.ours), await answerOf(step, worlds.nodes)]
    const trees = treeDifferences(worlds)
    if (!isDeepStrictEqual(ours, nodes))
      found.push(`${step.text}\n   ours   ${inWords(ours)}\n   node's ${inWords(nodes)}`)
    else if (trees.length > 0) found.push(`${step.text}: trees\n${trees.join('\n')}`)
    if (++lived < LIFE && trees.length === 0) continue
    await worlds.close()
    worlds = await newWorlds(seed % 2 === 0)
    lived = 0
  }
  await worlds.close()
  return found
}

const writes = suite('vfs: random writes, against node:fs')
if (process.getuid?.() !== 0) skip(writes, 'random writes', 'permissions would be checked on one side only (not root)')
else {
  for (const seed of SEEDS) {
    writes(`${STEPS} calls, seed ${seed}`, async () => {
      const found = await differences(seed, STEPS)
      assert.is(found.length === 0 ? '' : `${found.length} differ\n${found.join('\n')}`, '')
    })
  }
}
writes.run()
