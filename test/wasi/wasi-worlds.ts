// Two worlds for a WASI program that start with the same tree: a mount of an image, whose calls are ours, and a directory of the host,
// whose calls are those of Node's own WASI. Also what a tree looks like, in plain values. Not here: the calls made (random-wasi.ts).
import host from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WASI } from 'node:wasi'
import { buildImage, MemoryStore, type Mount, mountSync, TreeBuilder } from '../../src/node.js'
import { WasiFs } from '../../src/wasi/wasi-fs.js'

export type WasiCall = (...args: (number | bigint)[]) => number

export interface WasiWorld {
  readonly calls: Readonly<Record<string, WasiCall>>
  readonly memory: WebAssembly.Memory
}

export interface WasiWorlds {
  readonly ours: WasiWorld
  readonly nodes: WasiWorld
  /** Where the tree of the second is. */
  readonly root: string
  /** The tree of each, name by name. */
  trees(): { readonly ours: Record<string, string>; readonly nodes: Record<string, string> }
  close(): void
}

/** In memory, and a file system that can allocate. */
const SHM = '/dev/shm'
const OLD = 1_000_000_000
const BIG = Buffer.from(Array.from({ length: 9000 }, (_, index) => (index * 31) & 0xff))
const DIRECTORIES = ['d', 'd/f', 'd2', 'sub', 'sub/s']
const FILES: readonly (readonly [string, string | Buffer, number])[] = [
  ['a.txt', 'hello there\nsecond line\n', 0o644],
  ['b.bin', BIG, 0o600],
  ['c', '', 0o755],
  ['d/e.txt', 'in a directory', 0o644],
  ['d/f/g.txt', 'deep down', 0o640],
  ['sub/h', 'below the other directory that is open', 0o644],
]
const LINKS: readonly (readonly [string, string])[] = [
  ['link-a', 'a.txt'],
  ['link-d', 'd'],
  ['link-link', 'link-d/f'],
  ['dangling', 'n1'],
  ['slash', 'd/'],
  ['loop', 'loop'],
  ['d/up', '../a.txt'],
  ['d/dir-up', '../d2'],
  ['sub/out', '../c'],
  ['abs', '/d'],
]
/** Names of the tree, and some that are not there at first. */
export const PATHS: readonly string[] = [
  ...DIRECTORIES,
  ...FILES.map(([name]) => name),
  ...LINKS.map(([name]) => name),
  ...['n1', 'n2', 'n3', 'd/n1', 'd/f/n2', 'd2/n1', 'd2/n3', 'e.txt', 'f', 'f/g.txt', 's', 'h', 'n2/n1', 'link-d/e.txt'],
]
export const LINK_TARGETS: readonly string[] = [
  'a.txt',
  'd',
  'n1',
  'n2/',
  'd/f/g.txt',
  './c',
  'd/../c',
  'loop',
  'x'.repeat(300),
]
/** The descriptors of the directories that are open at first. */
export const PREOPENS = [3, 4] as const

/** A module that does nothing but have a memory of two pages. */
const MEMORY_MODULE = [
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[5, 3, 1, 0, 2],
  ...[7, 10, 1, 6, 109, 101, 109, 111, 114, 121, 2, 0],
]

function fillHost(root: string): void {
  for (const name of DIRECTORIES) host.mkdirSync(join(root, name))
  for (const [name, data, mode] of FILES) {
    host.writeFileSync(join(root, name), data)
    host.chmodSync(join(root, name), mode)
    host.utimesSync(join(root, name), OLD, OLD)
  }
  for (const [name, target] of LINKS) {
    host.symlinkSync(target, join(root, name))
    host.lutimesSync(join(root, name), OLD, OLD)
  }
  for (const name of [...DIRECTORIES, '.'].reverse()) host.utimesSync(join(root, name), OLD, OLD)
}

/** The image of the same tree, built once. */
export async function worldImage(): Promise<{ image: Uint8Array; store: MemoryStore }> {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime: OLD }
  const builder = new TreeBuilder(owner)
  for (const name of DIRECTORIES) builder.addDirectory(`/${name}`, owner)
  for (const [name, data, mode] of FILES) builder.addFile(`/${name}`, data, { ...owner, mode })
  for (const [name, target] of LINKS) builder.addSymlink(`/${name}`, target, owner)
  const store = new MemoryStore()
  return { image: (await buildImage(builder, { store })).image, store }
}

/** Node's own WASI on a directory. */
function nodeWorld(root: string): WasiWorld {
  const wasi = new WASI({ version: 'preview1', preopens: { '/': root, '/sub': join(root, 'sub') }, returnOnExit: true })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(MEMORY_MODULE)))
  wasi.initialize(instance)
  return {
    calls: wasi.wasiImport as Record<string, WasiCall>,
    memory: instance.exports['memory'] as WebAssembly.Memory,
  }
}

function ourWorld(mount: Mount): WasiWorld & { close(): void } {
  const files = new WasiFs({ preopens: { '/': mount, '/sub': { tree: mount, path: '/sub' } } })
  const memory = new WebAssembly.Memory({ initial: 2 })
  files.attach(memory)
  return { calls: files.imports() as unknown as Record<string, WasiCall>, memory, close: () => files.close() }
}

export interface WorldsOptions {
  readonly writable: boolean
  /** What Node's own is shown in place of its directory: a read-only view of it. */
  readonly view?: (root: string) => string
  /** Takes that away again. */
  readonly unview?: () => void
}

export function newWasiWorlds(
  { image, store }: { image: Uint8Array; store: MemoryStore },
  { writable, view = root => root, unview }: WorldsOptions,
): WasiWorlds {
  const base = host.mkdtempSync(join(host.existsSync(SHM) ? SHM : tmpdir(), 'wasi-worlds-'))
  const inner = join(base, 'in/in/in')
  host.mkdirSync(inner, { recursive: true })
  fillHost(inner)
  const root = view(inner)
  const mount = mountSync(image, { store, writable, metacopy: false })
  const ours = ourWorld(mount)
  const nodes = nodeWorld(root)
  return {
    ours,
    nodes,
    root,
    trees: () => ({ ours: shownTree(mount.fs as unknown as typeof host, ''), nodes: shownTree(host, root) }),
    close: () => {
      // Node's closes nothing by itself.
      for (let fd = 3; fd < 64; fd++) nodes.calls['fd_close'](fd)
      ours.close()
      mount.unmount()
      unview?.()
      host.rmSync(base, { recursive: true, force: true })
    },
  }
}

const HOUR = 3_600_000

/** A time in whole seconds, which is what Node's own keeps; those of now are alike. */
function shownTime(ms: number): number | 'now' {
  return Math.abs(ms - Date.now()) < HOUR ? 'now' : Math.floor(ms / 1000)
}

function shownTree(fs: typeof host, root: string): Record<string, string> {
  const tree: Record<string, string> = {}
  const inodes = new Map<bigint, string>()
  const walk = (name: Buffer) => {
    const path = Buffer.concat([Buffer.from(`${root}/`), name])
    const stats = fs.lstatSync(path, { bigint: true })
    const shown = name.toString('latin1')
    const facts: unknown[] = [
      stats.mode.toString(8),
      Number(stats.uid),
      Number(stats.gid),
      shownTime(Number(stats.mtimeMs)),
    ]
    if (stats.isDirectory()) {
      for (const entry of fs.readdirSync(path, { encoding: 'buffer' })) {
        walk(name.length === 0 ? entry : Buffer.concat([name, Buffer.from('/'), entry]))
      }
    } else {
      const first = inodes.get(stats.ino) ?? shown
      inodes.set(stats.ino, first)
      facts.push(Number(stats.nlink), Number(stats.size), first)
      if (stats.isSymbolicLink()) facts.push(fs.readlinkSync(path, 'latin1'))
      else facts.push(fs.readFileSync(path, 'latin1').slice(0, 20_000))
    }
    tree[shown] = JSON.stringify(facts)
  }
  walk(Buffer.alloc(0))
  return tree
}
