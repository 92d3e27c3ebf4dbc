// Uppers in the kernel's own form: what we write the kernel mounts, and shows as we do; what it has written we read. For root, with
// koffi. UPPER_KERNEL says how many random trees each way, UPPER_FIRST from which seed.
import { execFileSync } from 'node:child_process'
import * as nodeFs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readKernelUpper } from '../../src/host/kernel-upper-read.js'
import { writeKernelUpper } from '../../src/host/kernel-upper-write.js'
import { loadUpperCalls } from '../../src/host/libc.js'
import { hostXattrs } from '../../src/host/xattrs.js'
import { exportUpper, mountSync } from '../../src/node.js'
import { restoreSnapshot } from '../../src/overlay/restore.js'
import {
  apply,
  inMemory,
  kept,
  LOWER,
  type RandomOp,
  RandomOps,
  type SeenFs,
  seen,
  type World,
} from '../helpers/kept-upper.js'
import { type KernelMount, KernelMounts, kernelReason } from '../helpers/kernel.js'
import { fixture, skip } from '../helpers/paths.js'
import { fillUpper, lowerImages, lowerLayers, type Scenario } from '../helpers/scenario.js'
import { ScenarioRun } from '../helpers/scenario-run.js'

const TREES = Number(process.env['UPPER_KERNEL'] ?? 6)
const FIRST = Number(process.env['UPPER_FIRST'] ?? 1)
const KERNEL = { kernel: true, mtimes: true }

const kernel = suite("uppers in the kernel's form")
const base = nodeFs.mkdtempSync(join(tmpdir(), 'composefs-kernel-upper-'))
/** Mounts that a dying process leaves. */
const overlays = new Set<string>()
process.on('exit', () => {
  for (const path of overlays) execFileSync('umount', ['-l', path])
  nodeFs.rmSync(base, { recursive: true, force: true })
})
const reason = kernelReason() ?? (loadUpperCalls() === undefined ? 'no koffi' : undefined)

/** A directory of the host as a tree. */
function hostTree(root: string): { fs: SeenFs } {
  const xattrs = hostXattrs()
  const at = (path: string) => (path === '/' ? root : root + path)
  const fs: SeenFs = {
    lstatSync: path => nodeFs.lstatSync(at(path), { bigint: true }),
    readFileSync: path => nodeFs.readFileSync(at(path)),
    readlinkSync: path => nodeFs.readlinkSync(at(path)),
    readdirSync: path => nodeFs.readdirSync(at(path)),
    listxattrSync: path => xattrs.list(Buffer.from(at(path)).toString('latin1')),
    getxattrSync: (path, name) => Buffer.from(xattrs.get(Buffer.from(at(path)).toString('latin1'), name)),
  }
  return { fs }
}

/** Layers on the disk, and the kernel's stack of them. */
async function stacked(mounts: KernelMounts, lowers: Scenario['setup']['lowers'], name: string) {
  const directory = join(base, name)
  const { layers, close } = await lowerLayers(lowers)
  const isPlain = !lowers
    .flat()
    .some(one => one.opaque || one.redirect || one.metacopy || one.type.endsWith('whiteout'))
  const isAlone = lowers.length === 1 && isPlain
  const below: KernelMount[] = []
  for (const [i, { image, store }] of (await lowerImages(lowers)).entries()) {
    const objects = join(directory, `objects-${i}`)
    for await (const object of store.list()) {
      nodeFs.mkdirSync(join(objects, object.slice(0, 2)), { recursive: true })
      const opened = store.openSync(object)
      nodeFs.writeFileSync(join(objects, object), opened.readSync?.(0, opened.size) as Uint8Array)
    }
    nodeFs.mkdirSync(objects, { recursive: true })
    const file = join(directory, `${i}.cfs`)
    nodeFs.writeFileSync(file, image)
    below.push(isAlone ? mounts.erofs(file, ['noacl']) : mounts.composefs(file, objects))
  }
  const option = isAlone ? `${below[0].path}::${directory}/objects-0` : below.map(({ path }) => path).join(':')
  let next = 0
  return {
    layers,
    directory,
    /** What the kernel shows of an upper over them. */
    overlay(upper: string): KernelMount {
      const path = join(directory, `merged-${next++}`)
      for (const one of [path, `${path}-work`]) nodeFs.mkdirSync(one)
      const dirs = `lowerdir=${option},upperdir=${upper},workdir=${path}-work`
      execFileSync('mount', ['-t', 'overlay', '-o', `metacopy=on,redirect_dir=on,${dirs}`, 'overlay', path])
      overlays.add(path)
      return {
        path,
        unmount: () => {
          execFileSync('umount', [path])
          overlays.delete(path)
        },
      }
    },
    close() {
      for (const one of below) one.unmount()
      close()
    },
  }
}

/** As `apply`, on a directory of the host; what Node has no call for is left out. */
function applyToHost(root: string, op: RandomOp): void {
  const calls = loadUpperCalls()
  const [name, path, second, third] = op as readonly [string, string, never, never]
  const at = Buffer.from(`${root + path}\0`)
  if (name === 'exchange' || name === 'removexattr') return
  if (name === 'mknod') calls?.mknod(at, second, 0x103)
  else if (name === 'setxattr')
    calls?.lsetxattr(at, Buffer.from(`${second}\0`), Buffer.from(third), (third as string).length, 0)
  else {
    const moved = ['rename', 'link'].includes(name) ? [root + path, root + second] : [root + path, second, third]
    const args = name === 'symlink' ? [path, root + second] : moved
    apply({ fs: nodeFs } as unknown as World, [name, ...args])
  }
}

async function exported(mounts: KernelMounts): Promise<void> {
  const stack = await stacked(mounts, [LOWER], 'export')
  let lines = 0
  for (let seed = FIRST; seed < FIRST + TREES; seed++) {
    const ops = new RandomOps(seed)
    const world = inMemory(stack.layers)
    for (let i = 0; i < 150; i++) apply(world, ops.next())
    world.fs.writeFileSync('/sparse', 'x')
    world.fs.truncateSync('/sparse', 10_000_000)
    world.fs.utimesSync('/sparse', 1.5, -1.25)
    const upper = join(stack.directory, `upper-${seed}`)
    writeKernelUpper(world.upper, upper)
    const ours = seen(world, KERNEL)
    const snapshot = readKernelUpper(upper)
    const raw = seen(hostTree(upper), KERNEL)
    const mounted = stack.overlay(upper)
    assert.equal(seen(hostTree(mounted.path), KERNEL), ours, `seed ${seed}`)
    mounted.unmount()
    lines += ours.length
    const again = inMemory(stack.layers)
    assert.is(restoreSnapshot(again.tree, snapshot), undefined)
    assert.equal(seen(again, KERNEL), ours, `seed ${seed}, read again`)
    writeKernelUpper(again.upper, `${upper}-again`)
    assert.equal(seen(hostTree(`${upper}-again`), KERNEL), raw, `seed ${seed}, written again`)
    assert.ok(nodeFs.statSync(join(upper, 'sparse')).blocks <= 16)
  }
  stack.close()
  console.log(`\nnote: ${TREES} uppers written, ${lines} entries as the kernel shows them`)
}

async function imported(mounts: KernelMounts): Promise<void> {
  const stack = await stacked(mounts, [LOWER], 'import')
  let lines = 0
  for (let seed = FIRST; seed < FIRST + TREES; seed++) {
    const upper = join(stack.directory, `upper-${seed}`)
    nodeFs.mkdirSync(upper, 0o755)
    const ops = new RandomOps(seed)
    const mounted = stack.overlay(upper)
    for (let i = 0; i < 250; i++) applyToHost(mounted.path, ops.next())
    const theirs = seen(hostTree(mounted.path), KERNEL)
    mounted.unmount()
    const raw = seen(hostTree(upper), KERNEL)
    const snapshot = readKernelUpper(upper)
    const world = kept(join(stack.directory, `kept-${seed}`), stack.layers)
    assert.is(restoreSnapshot(world.tree, snapshot), undefined)
    assert.equal(seen(world, KERNEL), theirs, `seed ${seed}`)
    writeKernelUpper(world.upper, `${upper}-again`)
    assert.equal(seen(hostTree(`${upper}-again`), KERNEL), raw, `seed ${seed}, written again`)
    world.close()
    const again = kept(join(stack.directory, `kept-${seed}`), stack.layers)
    assert.equal(seen(again, KERNEL), theirs, `seed ${seed}, opened again`)
    again.close()
    lines += theirs.length
  }
  stack.close()
  console.log(`\nnote: ${TREES} uppers of the kernel read, ${lines} entries as it showed them`)
}

/** Runs a scenario here, and has the kernel show what the upper is by then. */
async function recorded(mounts: KernelMounts, scenario: Scenario): Promise<number> {
  const { lowers, upper: prepared } = scenario.setup
  const stack = await stacked(mounts, lowers, scenario.id)
  try {
    const world = inMemory(stack.layers)
    world.upper.root.uid = world.upper.root.gid = 0
    if (prepared) fillUpper(world.upper, prepared)
    const run = new ScenarioRun({ tree: world.tree, remount: () => world.tree }, scenario)
    run.results()
    const upper = join(stack.directory, 'upper')
    writeKernelUpper(world.upper, upper)
    const snapshot = readKernelUpper(upper)
    const mounted = stack.overlay(upper)
    // As a mount anew finds it.
    const again = inMemory(stack.layers)
    assert.is(restoreSnapshot(again.tree, snapshot), undefined)
    const theirs = seen(hostTree(mounted.path), KERNEL)
    mounted.unmount()
    assert.equal(seen(again, KERNEL), theirs, scenario.id)
    return theirs.length
  } finally {
    stack.close()
    nodeFs.rmSync(stack.directory, { recursive: true })
  }
}

async function allRecorded(mounts: KernelMounts): Promise<void> {
  const path = process.env['OVERLAY_SCENARIOS'] ?? fixture('overlay-scenarios.json')
  const { scenarios } = JSON.parse(nodeFs.readFileSync(path, 'utf8')) as { scenarios: Scenario[] }
  let ran = 0
  let lines = 0
  for (const scenario of scenarios) {
    if (scenario.setup.upper === false || scenario.ops.some(({ cred }) => cred !== undefined)) continue
    lines += await recorded(mounts, scenario)
    ran++
  }
  console.log(`\nnote: ${ran} recorded scenarios, ${lines} entries as the kernel shows them`)
}

if (reason !== undefined) skip(kernel, 'written and read', reason)
else {
  const mounts = new KernelMounts()
  kernel('what we write the kernel mounts and shows as we do, and it reads back the same', () => exported(mounts))
  kernel('what the kernel has written is read, shown as it does, and written again the same', () => imported(mounts))
  kernel('what recorded scenarios leave is shown by the kernel as here', () => allRecorded(mounts))
  kernel('the package writes it: whole or not at all, never over what is there', () => {
    const m = mountSync(fixture('small.cfs'), { store: fixture('objects'), writable: true })
    const directory = join(base, 'package')
    nodeFs.mkdirSync(directory)
    nodeFs.writeFileSync(join(directory, 'mine'), '')
    assert.throws(() => exportUpper(m, directory), /ENOTEMPTY.*holds mine/)
    nodeFs.rmSync(join(directory, 'mine'))
    m.fs.writeFileSync('/new', 'new')
    exportUpper(m, directory)
    assert.is(nodeFs.readFileSync(join(directory, 'new'), 'utf8'), 'new')
    m.unmount()
    const still = mountSync(fixture('small.cfs'))
    assert.throws(() => exportUpper(still, join(base, 'none')), /EROFS/)
    still.unmount()
    assert.equal(
      nodeFs.readdirSync(base).filter(name => /none|tmp/.test(name)),
      [],
    )
  })
}

kernel.run()
