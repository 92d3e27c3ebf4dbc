// Snapshots of an upper and their return: random changes come back as they were, also elsewhere; damaged ones change nothing.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Mount } from '../../src/node.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import { comparedTree } from '../helpers/disk-tree.js'
import { randomOf } from '../helpers/random-calls.js'
import { doAll, mountPlan, planOf, randomPlan } from '../helpers/random-mount.js'
import type { TruthFs } from '../helpers/truth.js'

const SEEDS = Number(process.env['SEEDS'] ?? 30)
const MUTATIONS = 3000
const REFUSED = ['EINVAL', 'EUCLEAN', 'ENOSPC']
const temporary = mkdtempSync(join(tmpdir(), 'composefs-snapshot-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))

const quotaOf = (mount: Mount) => (mount.layer as unknown as Overlay).upper.quota.used
const treeOf = (mount: Mount) => comparedTree(mount.fs as unknown as TruthFs)
const stateOf = (mount: Mount) => ({ tree: treeOf(mount), changes: mount.changes() })
async function streamed(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const reader = stream.getReader()
  const pieces: Uint8Array[] = []
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value)
  return Buffer.concat(pieces)
}
const sameBytes = (a: Uint8Array, b: Uint8Array, what: string) => assert.is(Buffer.compare(a, b), 0, what)

const random = suite('a snapshot of random changes brings them back')
for (let seed = 1; seed <= SEEDS; seed++) {
  random(`seed ${seed}`, async () => {
    const plan = await randomPlan(seed)
    const options = plan.options[seed % plan.options.length]
    const mount = mountPlan(plan, options)
    const half = Math.floor(plan.ops.length / 2)
    doAll(plan, mount, plan.ops.slice(0, half))
    const snapshot = mount.snapshot()
    const then = stateOf(mount)
    doAll(plan, mount, plan.ops.slice(half))
    const later = { state: stateOf(mount), snapshot: mount.snapshot() }
    mount.restore(snapshot)
    // First, since to read what is in the upper sets access times.
    sameBytes(mount.snapshot(), snapshot, 'the snapshot of what was restored')
    assert.equal(stateOf(mount), then)
    const used = quotaOf(mount)
    mount.restore(later.snapshot)
    assert.equal(stateOf(mount), later.state)
    mount.restore(snapshot)
    assert.is(quotaOf(mount), used)
    doAll(plan, mount, plan.ops.slice(half))
    mount.unmount()
    const other = mountPlan(plan, { ...options, snapshot })
    assert.equal(stateOf(other), then)
    assert.is(quotaOf(other), used)
    other.unmount()
  })
}
random.run()

const kept = suite('a directory that begins with a snapshot keeps it')
for (let seed = 1; seed <= SEEDS; seed++) {
  kept(`seed ${seed}`, async () => {
    const plan = await randomPlan(seed)
    const options = plan.options[seed % plan.options.length]
    const mount = mountPlan(plan, options)
    const half = Math.floor(plan.ops.length / 2)
    doAll(plan, mount, plan.ops.slice(0, half))
    const snapshot = mount.snapshot()
    const then = stateOf(mount)
    doAll(plan, mount, plan.ops.slice(half))
    const later = { state: stateOf(mount), snapshot: mount.snapshot() }
    mount.unmount()
    const upper = join(temporary, String(seed))
    const first = mountPlan(plan, { ...options, upper, snapshot })
    assert.equal(stateOf(first), then)
    first.restore(later.snapshot)
    first.unmount()
    const again = mountPlan(plan, { ...options, upper })
    sameBytes(again.snapshot(), later.snapshot, 'what the directory has kept')
    assert.equal(stateOf(again), later.state)
    again.unmount()
  })
}
kept.run()

const LAYER = [
  { path: '/d', type: 'dir' },
  { path: '/d/file', type: 'file', content: { fill: 'lower', size: 6000 } },
  { path: '/d/e', type: 'dir' },
  { path: '/d/e/f', type: 'file', content: 'small' },
  { path: '/gone', type: 'file', content: 'x' },
]

async function furnished(options: object = {}): Promise<Mount> {
  const mount = mountPlan(await planOf([LAYER]), options)
  const { fs } = mount
  fs.mkdirSync('/new')
  fs.writeFileSync('/new/one', 'one'.repeat(500))
  fs.linkSync('/new/one', '/two')
  fs.symlinkSync('target', '/new/link')
  fs.chmodSync('/d/file', 0o600)
  fs.renameSync('/d/e', '/moved')
  fs.unlinkSync('/gone')
  fs.setxattrSync('/two', 'user.x', Buffer.from([0, 255]))
  fs.writeFileSync(Buffer.from([0x2f, 0xff, 0x62]), 'odd')
  return mount
}

const damaged = suite('damaged snapshots')

/** A copy of a snapshot with a few bytes changed, mostly in its text; or cut off; or with a piece of it elsewhere. */
function mutated(bytes: Uint8Array, dice: () => number): Uint8Array {
  const int = (below: number) => Math.floor(dice() * below)
  const kind = dice()
  if (kind < 0.1) return bytes.slice(0, int(bytes.length))
  const copy = bytes.slice()
  if (kind < 0.3) {
    const length = 1 + int(40)
    copy.copyWithin(int(copy.length - length), int(copy.length - length), length)
    return copy
  }
  const digits = Array.from(copy.keys()).filter(at => at < 3000 && copy[at] >= 0x30 && copy[at] <= 0x39)
  for (let i = 0; i <= int(3); i++) {
    if (kind < 0.8) copy[digits[int(digits.length)]] = 0x30 + int(10)
    else copy[int(copy.length)] = int(256)
  }
  return copy
}

damaged('are refused and change nothing, or hold another tree', async () => {
  const mount = await furnished()
  const snapshot = mount.snapshot()
  mount.restore(snapshot)
  const [used, state] = [quotaOf(mount), stateOf(mount)]
  const dice = randomOf(7)
  const codes: Record<string, number> = {}
  for (let i = 0; i < MUTATIONS; i++) {
    const bytes = mutated(snapshot, dice)
    try {
      mount.restore(bytes)
    } catch (error) {
      const { code } = error as { code: string }
      assert.ok(REFUSED.includes(code), `${code} ${(error as Error).stack}`)
      codes[code] = (codes[code] ?? 0) + 1
      assert.is(quotaOf(mount), used, `quota after ${i}`)
      if (i % 50 === 0) assert.equal(stateOf(mount), state)
      continue
    }
    codes['taken'] = (codes['taken'] ?? 0) + 1
    for (const look of [() => treeOf(mount), () => mount.changes(), () => mount.snapshot()]) {
      try {
        look()
      } catch (error) {
        assert.type((error as { code?: string }).code, 'string', (error as Error).stack)
      }
    }
    mount.restore(snapshot)
    assert.is(quotaOf(mount), used, `quota after ${i}, which was taken`)
  }
  assert.equal(stateOf(mount), state)
  console.log(`note: ${MUTATIONS} mutations: ${JSON.stringify(codes)}`)
  mount.unmount()
})

damaged('one that needs more than there is', async () => {
  const mount = await furnished()
  const snapshot = mount.snapshot()
  const small = mountPlan(await planOf([LAYER]), { upperSize: 1500 })
  small.fs.writeFileSync('/kept', 'kept')
  const used = quotaOf(small)
  assert.throws(
    () => small.restore(snapshot),
    (error: { code: string }) => error.code === 'ENOSPC',
  )
  assert.is(quotaOf(small), used)
  assert.is(small.fs.readFileSync('/kept', 'utf8'), 'kept')
})
damaged('a range that is no pair is refused', async () => {
  const mount = await furnished()
  const snapshot = Buffer.from(mount.snapshot())
  const at = snapshot.indexOf('"data":[[0,')
  assert.ok(at > 0)
  const bad = Buffer.from(snapshot)
  // [0,N] becomes [10N].
  bad.write('10', at + 9)
  const used = quotaOf(mount)
  assert.throws(
    () => mount.restore(bad),
    (error: { code: string }) => error.code === 'EINVAL',
  )
  assert.is(quotaOf(mount), used)
})

damaged.run()

const open = suite('what is open when a snapshot is restored')
open('goes on as a file without a name', async () => {
  const mount = await furnished()
  const { fs } = mount
  const snapshot = mount.snapshot()
  const [written, lower, copied] = [
    fs.openSync('/new/one', 'r+'),
    fs.openSync('/moved/f', 'r'),
    fs.openSync('/d/file', 'r'),
  ]
  const dir = fs.opendirSync('/new')
  mount.restore(snapshot)
  assert.is(fs.writeSync(written, 'changed', 0), 7)
  assert.is(fs.fstatSync(written).nlink, 0)
  const buffer = Buffer.alloc(7)
  fs.readSync(written, buffer, 0, 7, 0)
  assert.is(buffer.toString(), 'changed')
  assert.is(fs.readSync(lower, buffer, 0, 5, 0), 5)
  assert.is(buffer.toString('utf8', 0, 5), 'small')
  assert.is(fs.readSync(copied, buffer, 0, 5, 0), 5)
  assert.is(buffer.toString('utf8', 0, 5), 'lower')
  assert.is(fs.readFileSync('/new/one', 'utf8'), 'one'.repeat(500))
  dir.closeSync()
  for (const fd of [written, lower, copied]) fs.closeSync(fd)
  mount.restore(snapshot)
  const used = quotaOf(mount)
  mount.restore(snapshot)
  assert.is(quotaOf(mount), used)
})

open('a layer is made of what nobody has looked at yet', async () => {
  const plan = await planOf([LAYER])
  const mount = mountPlan(plan)
  mount.fs.chmodSync('/d/file', 0o600)
  mount.fs.renameSync('/d', '/moved')
  const other = mountPlan(plan, { snapshot: mount.snapshot() })
  const layers = [mount, other].map(one => streamed(one.exportLayer()))
  sameBytes(await layers[1], await layers[0], 'the layer')
  for (const one of [other, mount]) one.unmount()
})

open('a hole stays one', async () => {
  const mount = await furnished()
  mount.fs.writeFileSync('/sparse', '')
  mount.fs.truncateSync('/sparse', 2 ** 40)
  const fd = mount.fs.openSync('/sparse', 'r+')
  mount.fs.writeSync(fd, 'end', 2 ** 39)
  mount.fs.closeSync(fd)
  const snapshot = mount.snapshot()
  assert.ok(snapshot.length < 100_000, String(snapshot.length))
  mount.restore(snapshot)
  const { size, blocks } = mount.fs.statSync('/sparse')
  assert.is(size, 2 ** 40)
  assert.ok(blocks * 512 < 2 ** 20, String(blocks))
  assert.ok(mount.snapshot().length < 100_000)
})
open.run()
