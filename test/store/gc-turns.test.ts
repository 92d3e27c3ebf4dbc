// gc beside a build, in every order of their calls, and with either killed at any of them.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isMainThread, parentPort } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { toHex } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { BuildRegister } from '../../src/store/directory-builds.js'
import { GarbageCollector } from '../../src/store/directory-gc.js'
import { topKind } from '../../src/store/directory-names.js'
import { noise, sha256 } from '../helpers/store-hash.js'
import { Turns, takeTurns } from '../helpers/turns.js'

interface Task {
  readonly role: 'build' | 'registered build' | 'gc'
  readonly root: string
}

const CONTENT = noise(5000)
const DIGEST = toHex(verityDigest(CONTENT, sha256))
const NAME = `${DIGEST.slice(0, 2)}/${DIGEST.slice(2)}`
/** Every call by which either side learns or changes something that the other changes. */
const CALLS = [
  'lstatSync',
  'lutimesSync',
  'renameSync',
  'linkSync',
  'rmSync',
  'openSync',
  'opendirSync',
  'promises.rename',
]
/** The coarsest tick of Linux' clock for files, with room. */
const TICK_MS = 25

/** One of the roles, whole. A build leaves its register: it goes on to do other things. */
async function play({ role, root }: Task): Promise<void> {
  if (role === 'gc') {
    const collector = GarbageCollector.begin(root)
    try {
      collector.collect(new Set())
    } finally {
      collector.close()
    }
    return
  }
  if (role === 'registered build') BuildRegister.begin(root)
  await new DirectoryStore(root).put(NAME, CONTENT)
}

const turns = suite('gc and builds, turn by turn')

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

function intact(root: string): boolean {
  try {
    return Buffer.compare(fs.readFileSync(join(root, NAME)), CONTENT) === 0
  } catch {
    return false
  }
}

/** The orders that a seed leads to: mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

function main(): void {
  const top = fs.mkdtempSync(join(tmpdir(), 'gc-turns-'))
  const threads = [0, 1, 2].map(() => new Turns(new URL(import.meta.url)))
  process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
  let count = 0

  /** Stores with the object in them, old enough that a gc which starts now removes it. */
  const stores = async (n: number): Promise<string[]> => {
    const roots = Array.from({ length: n }, () => join(top, String(count++)))
    for (const root of roots) await new DirectoryStore(root).put(NAME, CONTENT)
    pause(TICK_MS)
    return roots
  }

  /** Plays tasks against each other; `choose` picks who is next among those that have calls left. */
  const play = (tasks: readonly Task[], choose: (waiting: readonly number[]) => number): string => {
    let order = ''
    tasks.forEach((task, i) => {
      threads[i].start(task)
    })
    for (;;) {
      const waiting = tasks.map((_, i) => i).filter(i => threads[i].waits)
      if (waiting.length === 0) return order
      const next = choose(waiting)
      order += next
      threads[next].step()
    }
  }

  /** Steps of one task alone. */
  const stepsOf = async (task: Task['role']): Promise<number> => {
    const [root] = await stores(1)
    return play([{ role: task, root }], () => 0).length
  }

  turns('without a build the object goes', async () => {
    const [root] = await stores(1)
    play([{ role: 'gc', root }], () => 0)
    assert.not.ok(threads[0].failed)
    assert.not.ok(intact(root))
    assert.equal(fs.readdirSync(root), [NAME.slice(0, 2)])
  })

  // gc's calls before it looks at the object differ only in whether the build's register is there, which is another
  // test's matter. So it stands just before its last calls, and then come all orders of these with the build's.
  turns('a build that begins late: every order with the calls by which gc removes', async () => {
    const TAIL = 5
    const alone = (await stepsOf('gc')) - TAIL
    let roots: string[] = []
    const orders = new Set<string>()
    // Orders begun and not yet played to their end: each play takes up the turns that it could have given otherwise.
    const begun = ['']
    for (let prefix = begun.pop(); prefix !== undefined; prefix = begun.pop()) {
      if (roots.length === 0) roots = await stores(100)
      const root = roots.pop() ?? ''
      let order = ''
      let at = -alone
      const choose = (waiting: readonly number[]): number => {
        const index = at++
        if (index < 0) return 0
        const next = index < prefix.length ? Number(prefix[index]) : waiting[0]
        if (index >= prefix.length) for (const other of waiting.slice(1)) begun.push(order + other)
        order += next
        return next
      }
      play(
        [
          { role: 'gc', root },
          { role: 'build', root },
        ],
        choose,
      )
      assert.not.ok(threads[0].failed || threads[1].failed, order)
      assert.ok(intact(root), `lost by the order ${order}`)
      const left = fs.readdirSync(root).filter(name => topKind(name) !== undefined)
      assert.equal(left, [], order)
      assert.not.ok(orders.has(order), order)
      orders.add(order)
    }
    assert.ok(orders.size > 100, `${orders.size} orders`)
  })

  const manyOrders = (name: string, roles: readonly Task['role'][], rounds: number) => {
    turns(name, async () => {
      const roots = await stores(rounds)
      roots.forEach((root, round) => {
        const next = random(round + 1)
        // Mostly stays with one for some calls: evenly mixed orders alone would never let one overtake the other.
        let last = 0
        const taken = play(
          roles.map(role => ({ role, root })),
          waiting => {
            if (!waiting.includes(last) || next() < 0.4) last = waiting[Math.floor(next() * waiting.length)]
            return last
          },
        )
        assert.not.ok(
          roles.some((_, i) => threads[i].failed),
          taken,
        )
        assert.ok(intact(root), `round ${round}: lost by the order ${taken}`)
        const left = fs.readdirSync(root).map(entry => topKind(entry)?.kind)
        assert.not.ok(left.includes('parked') || left.includes('temporary'), taken)
      })
    })
  }
  manyOrders('a build that registers, any order', ['gc', 'registered build'], 250)
  manyOrders('two gc and a build that registers, any order', ['gc', 'gc', 'registered build'], 250)

  turns('gc killed at any call: the end of the next build, or the next gc, puts back what is needed', async () => {
    const gcSteps = await stepsOf('gc')
    let parked = 0
    for (let at = 0; at < gcSteps; at++) {
      const [root, second] = await stores(2)
      for (const one of [root, second]) {
        threads[0].start({ role: 'gc', root: one })
        for (let i = 0; i < at && threads[0].waits; i++) threads[0].step()
        threads[0].kill()
      }
      if (fs.readdirSync(root).some(name => topKind(name)?.kind === 'parked')) parked++
      const wasThere = intact(root) || fs.readdirSync(root).some(name => topKind(name)?.kind === 'parked')
      BuildRegister.begin(root).end()
      assert.is(intact(root), wasThere, `call ${at}`)
      const collector = GarbageCollector.begin(second)
      collector.collect(new Set([NAME]))
      collector.close()
      assert.is(intact(second), wasThere, `call ${at}`)
      for (const one of [root, second]) {
        const kinds = fs.readdirSync(one).map(name => topKind(name)?.kind)
        assert.not.ok(kinds.includes('parked'), `call ${at}`)
      }
    }
    assert.ok(parked > 0, 'killed at least once with the object moved aside')
  })

  turns('a build killed at any call: nothing half-written, and its register goes', async () => {
    const [empty] = await stores(1)
    fs.rmSync(join(empty, NAME))
    const steps = play([{ role: 'registered build', root: empty }], () => 0).length
    for (let at = 0; at < steps; at++) {
      const [root] = await stores(1)
      fs.rmSync(join(root, NAME))
      threads[0].start({ role: 'registered build', root })
      for (let i = 0; i < at && threads[0].waits; i++) threads[0].step()
      threads[0].kill()
      const there = fs.existsSync(join(root, NAME))
      assert.is(there, intact(root), `call ${at}`)
      // This process lives; a day later it does not count.
      for (const name of fs.readdirSync(root)) {
        if (topKind(name)?.kind === 'register') fs.writeFileSync(join(root, name), '{"pid":0}')
        if (topKind(name) !== undefined) fs.utimesSync(join(root, name), 1, 1)
      }
      pause(TICK_MS)
      const collector = GarbageCollector.begin(root)
      const report = collector.collect(new Set())
      collector.close()
      assert.is(report.removed, there ? 1 : 0, `call ${at}`)
      assert.equal(fs.readdirSync(root), [NAME.slice(0, 2)], `call ${at}`)
    }
  })

  turns('the threads end', async () => {
    for (const thread of threads) await thread.close()
    assert.ok(threads.every(thread => !thread.waits))
  })

  turns.run()
}

if (isMainThread) main()
else if (parentPort !== null) takeTurns(parentPort, CALLS, task => play(task as Task))
