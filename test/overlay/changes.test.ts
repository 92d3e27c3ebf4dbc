// What a mount says has changed, judged by looking: applied to the tree as it was, the changes are the tree as it is.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Change } from '../../src/overlay/changes.js'
import type { Difference } from '../../src/overlay/differences.js'
import { comparedTree } from '../helpers/disk-tree.js'
import { doAll, mountBefore, mountPlan, planOf, randomPlan } from '../helpers/random-mount.js'
import { escapeBytes, type TruthEntry, type TruthFs } from '../helpers/truth.js'

const SEEDS = Number(process.env['SEEDS'] ?? 200)
type Tree = ReadonlyMap<string, TruthEntry>

const treeOf = (mount: { fs: unknown }): Tree =>
  new Map(comparedTree(mount.fs as TruthFs).map(entry => [entry.path, entry]))
const shown = (path: string) => escapeBytes(Buffer.from(path))
const isDirectory = ({ mode }: TruthEntry) => (Number.parseInt(mode, 8) & 0o170000) === 0o040000
const parents = (path: string) =>
  path
    .split('/')
    .map((_, i, names) => names.slice(0, i + 1).join('/'))
    .reverse()

/** What looking finds different of an entry; of a directory without its time, which its names change. */
function lookedAt(now: TruthEntry, before: TruthEntry): Difference[] {
  const type = (entry: TruthEntry) => Number.parseInt(entry.mode, 8) & 0o170000
  if (type(now) !== type(before)) return ['type']
  const xattrs = ({ xattrs: all = {} }: TruthEntry) =>
    JSON.stringify(
      Object.entries(all)
        .filter(([name]) => name !== '(first name)')
        .sort(),
    )
  const found: [boolean, Difference][] = [
    [now.sha256 !== before.sha256, 'content'],
    [now.target !== before.target, 'target'],
    [now.rdev !== before.rdev, 'device'],
    [now.mode !== before.mode, 'mode'],
    [now.uid !== before.uid || now.gid !== before.gid, 'owner'],
    [now.mtime !== before.mtime && !isDirectory(now), 'mtime'],
    [xattrs(now) !== xattrs(before), 'xattrs'],
  ]
  return found.filter(([differs]) => differs).map(([, what]) => what)
}

/** Where the changes say that what is under a path comes from. */
function originOf(path: string, renamed: ReadonlyMap<string, string>): string {
  for (const above of parents(path)) {
    const from = renamed.get(above)
    if (from !== undefined) return from + path.slice(above.length)
  }
  return path
}

/** What is wrong with changes, one line each. */
function judge(changes: readonly Change[], before: Tree, now: Tree): string[] {
  const wrong: string[] = []
  const renamed = new Map<string, string>()
  for (const { path, from } of changes) if (from !== undefined) renamed.set(shown(path), shown(from))
  const told = new Map<string, Change>()
  const deleted = new Set<string>()
  for (const change of changes) {
    const path = shown(change.path)
    if (change.change !== 'deleted') {
      if (told.has(path)) wrong.push(`${path}: told of twice`)
      told.set(path, change)
      if (!now.has(path)) wrong.push(`${path}: ${change.change}, and not there`)
      continue
    }
    const own = new Map([...renamed].filter(([to]) => to !== path))
    const origin = originOf(path, own)
    deleted.add(origin)
    if (!before.has(origin)) wrong.push(`${path}: deleted, and was never there`)
    if (now.has(path) && !renamed.has(path)) wrong.push(`${path}: deleted, and still there`)
  }
  const sources = new Set<string>()
  for (const [path, entry] of now) {
    const change = told.get(path)
    const origin = originOf(path, renamed)
    if (change?.change === 'added') {
      if (before.has(origin) && !deleted.has(origin)) wrong.push(`${path}: added, and was there`)
      continue
    }
    const was = before.get(origin)
    if (was === undefined) {
      wrong.push(`${path}: new, and not told of`)
      continue
    }
    sources.add(origin)
    // What was in a directory is gone with it.
    if (change?.what?.includes('type')) deleted.add(origin)
    const [said, seen] = [change?.what ?? [], lookedAt(entry, was)]
    for (const one of seen) if (!said.includes(one)) wrong.push(`${path}: ${one} differs, told ${said}`)
    for (const one of said) {
      const timeDiffers = one === 'mtime' && entry.mtime !== was.mtime
      if (!seen.includes(one) && one !== 'content' && one !== 'links' && !timeDiffers) {
        wrong.push(`${path}: told ${one}, which is as it was`)
      }
    }
  }
  for (const path of before.keys()) {
    if (!sources.has(path) && !parents(path).some(above => deleted.has(above)))
      wrong.push(`${path}: gone, and not told of`)
  }
  return wrong
}

const random = suite('changes of random operations lead from the tree before to the tree after')
const counts: Record<string, number> = {}
for (let seed = 1; seed <= SEEDS; seed++) {
  random(`seed ${seed}`, async () => {
    const plan = await randomPlan(seed)
    const options = plan.options[seed % plan.options.length]
    const below = mountBefore(plan, options)
    const before = treeOf(below)
    const mount = mountPlan(plan, options)
    assert.equal(mount.changes(), [])
    doAll(plan, mount, plan.ops)
    const changes = mount.changes()
    assert.equal(judge(changes, before, treeOf(mount)), [])
    const paths = changes.map(({ path }) => path.replaceAll('/', '\0'))
    assert.equal(paths, [...paths].sort())
    for (const { change } of changes) counts[change] = (counts[change] ?? 0) + 1
    below.unmount()
    mount.unmount()
  })
}
random('have been of every kind', () => {
  console.log(`note: ${JSON.stringify(counts)}`)
  for (const kind of ['added', 'modified', 'deleted', 'renamed']) assert.ok((counts[kind] ?? 0) >= SEEDS / 4, kind)
})
random.run()

const single = suite('changes, one at a time')
const LAYER = [
  { path: '/d', type: 'dir' },
  { path: '/d/e', type: 'dir' },
  { path: '/d/e/f', type: 'file', content: { fill: 'f', size: 5000 } },
  { path: '/a', type: 'file', content: 'small' },
  { path: '/x', type: 'file', content: { fill: 'x', size: 300 } },
  { path: '/y', type: 'hardlink', target: '/x' },
]
const mounted = async (options = {}) => mountPlan(await planOf([LAYER]), options)

single('what is opened for writing and not written to is as it was', async () => {
  const mount = await mounted()
  for (const path of ['/a', '/d/e/f']) mount.fs.closeSync(mount.fs.openSync(path, 'r+'))
  assert.equal(mount.changes(), [])
  mount.fs.closeSync(mount.fs.openSync('/x', 'a'))
  assert.equal(mount.changes(), [{ path: '/x', change: 'modified', type: 'file', what: ['links'] }])
})

single('a change that is taken back is none', async () => {
  const mount = await mounted()
  mount.fs.chmodSync('/a', 0o600)
  assert.equal(mount.changes(), [{ path: '/a', change: 'modified', type: 'file', what: ['mode'] }])
  mount.fs.chmodSync('/a', 0o644)
  mount.fs.renameSync('/d', '/D')
  assert.equal(mount.changes(), [{ path: '/D', change: 'renamed', type: 'directory', from: '/d' }])
  mount.fs.renameSync('/D', '/d')
  assert.equal(mount.changes(), [{ path: '/', change: 'modified', type: 'directory', what: ['mtime'] }])
})

single('renames of files, directories and what is in them', async () => {
  const mount = await mounted()
  mount.fs.renameSync('/a', '/d/b')
  mount.fs.renameSync('/d/e', '/moved')
  mount.fs.unlinkSync('/moved/f')
  mount.fs.writeFileSync('/moved/g', 'new')
  assert.equal(mount.changes(), [
    { path: '/d/b', change: 'renamed', type: 'file', from: '/a' },
    { path: '/moved', change: 'renamed', type: 'directory', from: '/d/e' },
    { path: '/moved/f', change: 'deleted', type: 'file' },
    { path: '/moved/g', change: 'added', type: 'file' },
  ])
})

single('one of several names replaced by another of the same look', async () => {
  const layer = [
    ...LAYER,
    { path: '/p', type: 'file', content: { fill: 'p', size: 300 }, mtime: '1000000400' },
    { path: '/q', type: 'hardlink', target: '/p' },
  ]
  const mount = mountPlan(await planOf([layer]))
  mount.fs.renameSync('/x', '/p')
  const p = mount.changes().find(({ path }) => path === '/p')
  assert.ok(p?.what?.includes('content'), JSON.stringify(p))
})

single('names that are not UTF-8 come as bytes too', async () => {
  const mount = await mounted()
  const name = Buffer.from([0x2f, 0x64, 0x2f, 0xff])
  mount.fs.writeFileSync(name, 'x')
  const [change] = mount.changes()
  assert.is(change.path, '/d/\ufffd')
  assert.equal(Buffer.from(change.pathBytes ?? []), name)
})
single.run()
