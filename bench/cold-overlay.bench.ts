// The composefs authors' second test: whole processes with cold caches that list a writable mount, ours by a small program
// over the package, the kernel's by `ls -lR` through an overlay with an upper. Over a composefs image, over a plain EROFS
// image of the same tree (which stands for one that carries its data), and over the first under 5 and 20 small layers; each
// free, and with no more than 64 MiB of memory. What both print is compared once.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lchownSync, lutimesSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildImage, mountSync, TreeBuilder } from '../src/node.js'
import { type KernelMount, KernelMounts, kernelReason } from '../test/helpers/kernel.js'
import { ROOT } from '../test/helpers/paths.js'
import { Cgroups, ColdRuns, dropCaches } from './cgroup.js'
import { kernelOverlay } from './kernel-overlay.js'
import { budget, bytes, ratioBudget, skipped } from './measure.js'
import { largeImage, scratch } from './subjects.js'

const ROUNDS = 3
const LIMIT = 64 << 20
const OURS = 'composefs-wasm'
const CAPPED = 'composefs-wasm, heap capped'
const KERNEL = 'ls -lR, kernel overlay'
const BARE = 'bare node'
const LS = ['ls', '-AlnR', '--time-style=full-iso', '.']
const ENTRY = join(ROOT, 'dist/node.js')
const SCRIPT = join(ROOT, 'bench/list-tree.mjs')
const CAPS = ['--max-semi-space-size=1', '--max-old-space-size=24']
const MAX_OUTPUT = 1 << 28
const SMALL_FILES = 50

interface Case {
  readonly name: string
  /** Topmost first. */
  readonly images: readonly string[]
  readonly erofs: boolean
}

/** A plain EROFS image of a tree: same names and stats but sizes, since its files are empty. */
function plainErofs(image: string, directory: string): string | undefined {
  if (spawnSync('mkfs.erofs', ['--help'], { stdio: 'ignore' }).error) {
    skipped('a plain EROFS image', 'no mkfs.erofs on PATH')
    return undefined
  }
  const source = join(directory, 'source')
  const { fs, ...mount } = listed(image)
  const copy = (path: string): void => {
    const to = source + path
    const stats = fs.lstatSync(path)
    if (stats.isSymbolicLink()) symlinkSync(fs.readlinkSync(path), to)
    else if (stats.isDirectory()) {
      mkdirSync(to)
      for (const name of fs.readdirSync(path)) copy(path === '/' ? `/${name}` : `${path}/${name}`)
    } else if (stats.isFile()) {
      // A tool that writes zeros out would make an image of gigabytes.
      writeFileSync(to, '')
    } else return
    lchownSync(to, stats.uid, stats.gid)
    if (!stats.isSymbolicLink()) chmodSync(to, stats.mode & 0o7777)
    const time = Math.floor(stats.mtimeMs / 1000)
    lutimesSync(to, time, time)
  }
  copy('/')
  mount.end()
  const out = join(directory, 'plain.erofs')
  execFileSync('mkfs.erofs', ['-Eforce-inode-extended', '-x-1', out, source], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  rmSync(source, { recursive: true, force: true })
  return out
}

interface ListedFs {
  readdirSync(path: string): string[]
  readlinkSync(path: string): string
  lstatSync(path: string): {
    isDirectory(): boolean
    isFile(): boolean
    isSymbolicLink(): boolean
    mode: number
    uid: number
    gid: number
    size: number
    mtimeMs: number
  }
}

function listed(image: string): { fs: ListedFs; end(): void } {
  const m = mountSync(image)
  return { fs: m.fs as unknown as ListedFs, end: () => m.unmount() }
}

async function smallLayer(index: number, directory: string): Promise<string> {
  const builder = new TreeBuilder()
  for (const path of ['/usr', '/usr/lib', '/usr/share', `/usr/share/layer-${index}`]) builder.addDirectory(path)
  builder.addFile(`/usr/lib/layer-${index}.conf`, `layer ${index}\n`)
  for (let i = 0; i < SMALL_FILES; i++) builder.addFile(`/usr/share/layer-${index}/file-${i}`, `file ${i}\n`)
  const file = join(directory, `layer-${index}.cfs`)
  writeFileSync(file, (await buildImage(builder)).image)
  return file
}

class Bench {
  readonly groups = new Cgroups()
  readonly mounts = new KernelMounts()
  readonly objects: string

  constructor(readonly directory: string) {
    this.objects = join(directory, 'no-objects')
    mkdirSync(this.objects)
  }

  /** Runs something in the kernel's overlay of a case, newly mounted. */
  within<T>({ images, erofs }: Case, action: (path: string) => T): T {
    const below = images.map(file => (erofs ? this.mounts.erofs(file) : this.mounts.composefs(file, this.objects)))
    const lowers = below.map(({ path }) => path)
    const overlay: KernelMount = kernelOverlay(lowers, this.directory)
    try {
      return action(overlay.path)
    } finally {
      overlay.unmount()
      for (const one of below) one.unmount()
    }
  }

  ours({ images }: Case, options: readonly string[] = []): string[] {
    return [process.execPath, ...options, SCRIPT, ENTRY, ...images]
  }

  /** Whether both print the same lines. */
  compare(one: Case): void {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
    const print = ([program, ...args]: readonly string[], cwd: string) => {
      const { status, stdout } = spawnSync(program, args, { cwd, env, encoding: 'latin1', maxBuffer: MAX_OUTPUT })
      if (status !== 0) throw new Error(`${program}: exit ${status}`)
      return stdout.split('\n').filter(line => !line.startsWith('total '))
    }
    const ours = print(this.ours(one), this.directory)
    const kernel = this.within(one, path => print(LS, path))
    const different = ours.filter((line, index) => line !== kernel[index]).length
    const same = different === 0 && ours.length === kernel.length
    const text = same
      ? `the same ${ours.length} lines`
      : `${different} of ${ours.length} lines differ (${kernel.length})`
    budget(`${one.name}: what is printed`, 'the same', text, same)
  }

  run(one: Case): void {
    this.compare(one)
    for (const limit of this.groups.present ? [undefined, LIMIT] : [undefined]) {
      const runs = new ColdRuns(limit === undefined ? [OURS, KERNEL, BARE] : [OURS, CAPPED, KERNEL, BARE])
      const node = (name: string, command: readonly string[]) => {
        dropCaches()
        runs.add(name, this.groups.run(command, this.directory, limit))
      }
      for (let round = 0; round < ROUNDS; round++) {
        node(OURS, this.ours(one))
        if (limit !== undefined) node(CAPPED, this.ours(one, CAPS))
        this.within(one, path => {
          dropCaches()
          runs.add(KERNEL, this.groups.run(LS, path, limit))
        })
        node(BARE, [process.execPath, '-e', '0'])
      }
      const how = limit === undefined ? 'free' : `in ${bytes(limit)}`
      runs.print(`${one.name}, writable, cold caches, ${how} (${ROUNDS} runs each)`, OURS)
      this.verdict(`${one.name}, ${how}`, runs)
    }
  }

  verdict(what: string, runs: ColdRuns): void {
    const killed = runs.killed(OURS)
    if (killed > 0) budget(`cold overlay, ${what}`, 'lives', `killed ${killed} of ${ROUNDS}`, false)
    else ratioBudget(`cold overlay, ${what}`, runs.times, OURS, KERNEL, 1)
    if (!this.groups.present) return
    const [ours, kernel, bare] = [OURS, KERNEL, BARE].map(name => runs.peak(name))
    const above = ours - bare
    const text = `${bytes(above)} above ${bytes(bare)}, kernel ${bytes(kernel)}: ${(above / kernel).toFixed(2)}`
    if (what.endsWith('free')) budget(`cold overlay, ${what}, memory`, '≤ 0.33', text, above <= kernel / 3)
  }
}

async function run(file: string, directory: string): Promise<void> {
  const small = await Promise.all(Array.from({ length: 20 }, (_, index) => smallLayer(index, directory)))
  const plain = plainErofs(file, directory)
  const cases: Case[] = [{ name: 'cs9-developer', images: [file], erofs: false }]
  if (plain !== undefined) cases.push({ name: 'the same as plain EROFS', images: [plain], erofs: true })
  for (const count of [5, 20]) {
    const images = [...small.slice(0, count), file]
    cases.push({ name: `cs9-developer under ${count} small layers`, images, erofs: false })
  }
  const bench = new Bench(directory)
  for (const one of cases) bench.run(one)
}

const directory = scratch()
const large = largeImage(directory)
const reason = kernelReason()
if (reason !== undefined) skipped('cold overlay', reason)
else if (!existsSync(ENTRY)) skipped('cold overlay', 'not built: npm run build')
else if (large !== undefined) await run(large.file, directory)
