// Images committed from changed mounts, judged by the C tool: of the merged tree written to a directory, and of the live overlay of a
// kernel on which the same was done, it makes the same bytes.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { objectName } from '../../src/format/hex.js'
import { verityDigest } from '../../src/format/verity.js'
import { buildImage, DirectoryStore, MemoryStore, type Mount, mountSync, type ObjectStore } from '../../src/node.js'
import { peer, runPeer } from '../helpers/command.js'
import { sha256 } from '../helpers/core.js'
import { comparedTree, writeTree } from '../helpers/disk-tree.js'
import { KernelMounts, kernelReason } from '../helpers/kernel.js'
import { pathsIn } from '../helpers/object-pool.js'
import { skip } from '../helpers/paths.js'
import { doAll, mountPlan, planOf, type RandomPlan, randomPlan } from '../helpers/random-mount.js'
import { contentBytes, type Op } from '../helpers/scenario.js'
import { compareTruth, type TruthFs } from '../helpers/truth.js'

const SEEDS = Number(process.env['SEEDS'] ?? 40)
const KERNEL_SEEDS = Number(process.env['SEEDS'] ?? 25)
const temporary = fs.mkdtempSync(join(tmpdir(), 'composefs-commit-'))
process.on('exit', () => fs.rmSync(temporary, { recursive: true, force: true }))

const tool = peer('MKCOMPOSEFS', 'mkcomposefs')
const isRoot = process.getuid?.() === 0

/** The image that the C tool makes of a directory, and the names of its objects. */
function toolImage(mkcomposefs: string, directory: string, ...options: string[]): { image: Buffer; objects: string[] } {
  const [store, file] = [`${directory}.objects`, `${directory}.cfs`]
  fs.mkdirSync(store, { recursive: true })
  const run = runPeer(mkcomposefs, ...options, `--digest-store=${store}`, directory, file)
  assert.is(run.status, 0, run.stderr)
  const objects = pathsIn(store).filter(name => name.includes('/'))
  return { image: fs.readFileSync(file), objects }
}

async function namesIn(store: ObjectStore): Promise<Set<string>> {
  const names = new Set<string>()
  for await (const name of store.list()) names.add(name)
  return names
}

async function united(stores: readonly ObjectStore[]): Promise<MemoryStore> {
  const all = new MemoryStore()
  for (const store of stores) {
    for await (const name of store.list()) {
      const object = await store.open(name)
      await all.put(name, await object.read(0, object.size))
      object.close()
    }
  }
  return all
}

const treeOf = (mount: Mount) => comparedTree(mount.fs as unknown as TruthFs)

/** What holds of every commit: its objects are those that are new, its mount shows the tree, and it has nothing new to commit. */
async function checkCommit(
  plan: RandomPlan,
  mount: Mount,
  objects: readonly string[] | undefined,
): Promise<Uint8Array> {
  const store = new MemoryStore()
  const committed = await mount.commit({ store })
  const put = await namesIn(store)
  assert.equal([...new Set(committed.objects)].sort(), [...put].sort())
  const below = new Set<string>()
  for (const lower of plan.stores) for (const name of await namesIn(lower)) below.add(name)
  if (objects !== undefined) {
    for (const name of objects) assert.ok(put.has(name) || below.has(name), `${name} is nowhere`)
    for (const name of put) assert.ok(objects.includes(name), `${name} is not of the image`)
  }
  const again = mountSync(committed.image, {
    store: await united([...plan.stores, store]),
    digest: committed.digest,
  })
  const loose = (entries: ReturnType<typeof treeOf>) =>
    entries.map(({ xattrs = {}, ...entry }) => {
      const { '(first name)': _, ...kept } = xattrs
      return { ...entry, xattrs: kept }
    })
  assert.equal(compareTruth(loose(treeOf(mount)), loose(treeOf(again))), [])
  const twice = await again.commit({ store: new MemoryStore() })
  assert.equal(twice.objects, [])
  assert.is(twice.digest, committed.digest)
  again.unmount()
  return committed.image
}

const directory = suite('a commit is what the C tool makes of a directory like the merged tree')
if (tool === undefined || !isRoot || peer('PYTHON3', 'python3') === undefined) {
  skip(directory, 'all', 'no mkcomposefs (MKCOMPOSEFS may name it), no python3, or not root')
} else addDirectories(tool)

function addDirectories(mkcomposefs: string): void {
  for (let seed = 1; seed <= SEEDS; seed++) {
    directory(`seed ${seed}`, async () => {
      const plan = await randomPlan(seed)
      const mount = mountPlan(plan, plan.options[seed % plan.options.length])
      doAll(plan, mount, plan.ops)
      const path = join(temporary, `directory-${seed}`)
      fs.mkdirSync(path)
      writeTree(mount.fs as unknown as TruthFs, path)
      const { image, objects } = toolImage(mkcomposefs, path)
      assert.is(Buffer.compare(await checkCommit(plan, mount, objects), image), 0)
      if (seed % 4 === 0) {
        const old = await mount.commit({ store: new MemoryStore(), maxVersion: 0, minVersion: 0 })
        const { image: oldImage } = toolImage(mkcomposefs, path, '--max-version=0', '--min-version=0')
        assert.is(Buffer.compare(old.image, oldImage), 0, 'version 0')
      }
      mount.unmount()
    })
  }
}
directory.run()

const live = suite('a commit is what the C tool makes of a kernel’s overlay')
const reason = kernelReason()
if (tool === undefined || reason !== undefined) {
  skip(live, 'all', reason ?? 'no mkcomposefs (MKCOMPOSEFS may name it)')
} else addLive(tool, new KernelMounts())

const TWO_PATHS = ['rename', 'link', 'cp', 'copyFile']
const DONE = [
  'writeFile',
  'appendFile',
  'truncate',
  'chmod',
  'chown',
  'lchown',
  'utimes',
  'lutimes',
  'symlink',
  'unlink',
]
const KERNEL_OPS = [...TWO_PATHS, ...DONE, 'rmdir', 'mkdir', 'rm']

type AnyFs = Record<string, (...args: unknown[]) => unknown>

/** Does the operation of a plan that Node has, on a tree at a path; what it answers is judged elsewhere. */
function doAt(on: AnyFs, root: string, { op, args = [] }: Op): void {
  const paths = op === 'symlink' ? [1] : TWO_PATHS.includes(op) ? [0, 1] : [0]
  const given = args.map((arg, i) => (paths.includes(i) ? root + arg : arg))
  if (op === 'writeFile' || op === 'appendFile') given[1] = contentBytes(given[1])
  try {
    on[`${op}Sync`](...given)
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error
  }
}

function putObjects(store: string, names: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of names) {
    fs.mkdirSync(dirname(join(store, name)), { recursive: true })
    fs.writeFileSync(join(store, name), bytes)
  }
}

async function bytesOf(store: ObjectStore): Promise<Map<string, Uint8Array>> {
  const all = new Map<string, Uint8Array>()
  for await (const name of store.list()) {
    const object = await store.open(name)
    all.set(name, await object.read(0, object.size))
    object.close()
  }
  return all
}

function addLive(mkcomposefs: string, mounts: KernelMounts): void {
  let done = 0
  live('seeds', async () => {
    for (let seed = 1; done < KERNEL_SEEDS; seed++) {
      const plan = await randomPlan(seed)
      // Several images would be several overlays over one another, of which the kernel has oddities of its own.
      if (plan.images.length !== 1) continue
      done++
      const at = (name: string) => join(temporary, `live-${seed}-${name}`)
      for (const name of ['objects', 'upper', 'work']) fs.mkdirSync(at(name))
      fs.writeFileSync(at('image'), plan.images[0])
      putObjects(at('objects'), await bytesOf(plan.stores[0]))
      // The root of an overlay is that of its upper.
      fs.utimesSync(at('upper'), 900000000, 900000000)
      const kernel = mounts.writable(at('image'), at('objects'), at('upper'), at('work'))
      const mount = mountPlan(plan)
      const start = Date.now() - 2000
      const umask = process.umask(0o022)
      for (const op of plan.ops.filter(({ op: name }) => KERNEL_OPS.includes(name))) {
        doAt(mount.fs as unknown as AnyFs, '', op)
        doAt(fs as unknown as AnyFs, kernel.path, op)
      }
      process.umask(umask)
      for (const [index, { path }] of treeOf(mount).reverse().entries()) {
        if (mount.fs.lstatSync(path).mtimeMs < start) continue
        for (const [on, root] of [[mount.fs, ''] as const, [fs, kernel.path] as const]) {
          on.lutimesSync(root + path, 1500000000 + index, 1500000000 + index)
        }
      }
      const store = at('tool')
      fs.mkdirSync(store)
      const run = runPeer(mkcomposefs, `--digest-store=${store}`, kernel.path, at('out'))
      kernel.unmount()
      assert.is(run.status, 0, `seed ${seed}: ${run.stderr}`)
      const objects = pathsIn(store).filter(name => name.includes('/'))
      const image = await checkCommit(plan, mount, objects)
      assert.is(Buffer.compare(image, fs.readFileSync(at('out'))), 0, `seed ${seed}`)
      mount.unmount()
    }
  })
}
live.run()

const LAYER = [
  { path: '/d', type: 'dir' },
  { path: '/d/big', type: 'file', content: { fill: 'big', size: 9000 } },
  { path: '/d/second', type: 'hardlink', target: '/d/big' },
  { path: '/small', type: 'file', content: 'small' },
]
const LOWER = [
  { path: '/low', type: 'file', content: { fill: 'low', size: 500 } },
  { path: '/small', type: 'dir' },
]
const bytes = (fill: string, size: number) => Buffer.alloc(size, fill)

const forms = suite('commits of other forms')

forms('a stack that can only be read is flattened, and nothing is put', async () => {
  const plan = await planOf([LAYER, LOWER])
  const mount = mountSync(plan.images, { store: [...plan.stores] })
  const image = await checkCommit(plan, mount, undefined)
  const flat = mountSync(image, { store: await united(plan.stores) })
  assert.equal(flat.fs.readdirSync('/'), ['d', 'low', 'small'])
  assert.equal(flat.fs.readFileSync('/low'), bytes('low', 500))
})

forms('hard links, cfs v1 and a sink', async () => {
  const plan = await planOf([LAYER])
  const mount = mountPlan(plan)
  mount.fs.writeFileSync('/new', bytes('new', 300))
  mount.fs.linkSync('/new', '/other')
  const all = async (store: ObjectStore) => united([...plan.stores, store])
  const plain = await mount.commit({ store: new MemoryStore() })
  const linked = await mount.commit({ store: new MemoryStore(), hardLinks: true })
  const flat = mountSync(linked.image, { store: await all(linked.store) })
  for (const [a, b] of [
    ['/new', '/other'],
    ['/d/big', '/d/second'],
  ]) {
    assert.is(flat.fs.statSync(a).ino, flat.fs.statSync(b).ino)
    assert.is(flat.fs.statSync(a).nlink, 2)
  }
  const v1 = await mount.commit({ store: new MemoryStore(), format: 'cfs-v1' })
  const old = mountSync(v1.image, { store: await all(v1.store) })
  assert.is(old.images[0].format, 'cfs-v1')
  assert.equal(old.fs.readFileSync('/small', 'utf8'), 'small')
  assert.equal(old.fs.readFileSync('/new'), bytes('new', 300))
  const pieces: Uint8Array[] = []
  const sunk = await mount.commit({ store: new MemoryStore(), sink: piece => void pieces.push(piece) })
  assert.is(sunk.image.length, 0)
  assert.is(Buffer.compare(Buffer.concat(pieces), plain.image), 0)
})

forms('a store that fails midway: the commit fails, and nothing half is left', async () => {
  const plan = await planOf([LAYER])
  const mount = mountPlan(plan)
  for (let i = 0; i < 5; i++) mount.fs.writeFileSync(`/new${i}`, bytes(`new${i}`, 3_000_000))
  const root = join(temporary, 'failing')
  const store = new DirectoryStore(root)
  const kept = new DirectoryStore(root)
  let puts = 0
  store.put = async (name, data) => {
    if (++puts < 3) return kept.put(name, data)
    async function* broken() {
      for await (const piece of data as AsyncIterable<Uint8Array>) {
        yield piece
        throw Object.assign(new Error('full'), { code: 'ENOSPC' })
      }
    }
    return kept.put(name, broken())
  }
  let failed: { code?: string } = {}
  await mount.commit({ store }).catch(error => {
    failed = error
  })
  assert.is(failed.code, 'ENOSPC')
  const left = pathsIn(root).filter(path => fs.statSync(join(root, path)).isFile())
  assert.is(left.length, 2, left.join(' '))
  for (const path of left) assert.is(fs.statSync(join(root, path)).size, 3_000_000)
  const committed = await mount.commit({ store: kept })
  assert.ok(committed.objects.length >= 3)
})

forms('an object that is missing below is needed only where it is read', async () => {
  const plan = await planOf([LAYER])
  const store = new MemoryStore()
  const mount = mountSync([...plan.images], { store, writable: true, uid: 0, gid: 0 })
  // To copy metadata up it has to be there.
  assert.throws(
    () => mount.fs.chmodSync('/d/big', 0o600),
    (error: { code: string }) => error.code === 'ENOENT',
  )
  const names: string[] = []
  for await (const name of plan.stores[0].list()) {
    names.push(name)
    const object = await plan.stores[0].open(name)
    await store.put(name, await object.read(0, object.size))
    object.close()
  }
  mount.fs.chmodSync('/d/big', 0o600)
  for (const name of names) await store.delete(name)
  mount.fs.renameSync('/d', '/D')
  const committed = await mount.commit()
  assert.equal(committed.objects, [])
  const flat = mountSync(committed.image, { store: plan.stores[0] })
  assert.equal(flat.fs.readFileSync('/D/big'), bytes('big', 9000))
})
forms('objects without a digest, or not under its name, are read and put', async () => {
  const content = bytes('odd', 700)
  const store = new MemoryStore()
  await store.put('odd/name', content)
  const digest = objectName(verityDigest(content, sha256)).replace('/', '')
  const dump = ['/ 0 40755 2 0 0 0 1.0 - - -', `/named 700 100644 1 0 0 0 1.0 odd/name - ${digest}`]
  const { image } = await buildImage({ dump: [...dump, '/plain 700 100644 1 0 0 0 1.0 odd/name - -', ''].join('\n') })
  const mount = mountSync(image, { store, writable: true })
  mount.fs.chmodSync('/plain', 0o600)
  const committed = await mount.commit({ store: new MemoryStore() })
  assert.equal([...new Set(committed.objects)], [objectName(verityDigest(content, sha256))])
  const flat = mountSync(committed.image, { store: committed.store, verity: 'require' })
  for (const path of ['/named', '/plain']) assert.equal(flat.fs.readFileSync(path), content)
})
forms.run()
