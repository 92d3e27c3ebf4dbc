// Two worlds that start with the same tree under the same path: a directory of the host, seen by node:fs, and a writable
// mount of an image. Also what a tree looks like, in plain values that can be compared. Not here: the calls made in them
// (write-calls.ts). Names of the tree lie a few directories deep, so that a path that climbs stays in what is theirs.
import host from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildImage, MemoryStore, type Mount, mountSync, TreeBuilder } from '../../src/node.js'
import type { AnyFs } from './fs-calls.js'

/** One side: its `fs`, and what the calls so far have opened in it. */
export interface World {
  readonly fs: AnyFs
  readonly root: string
  readonly metacopy: boolean
  readonly fds: (number | undefined)[]
  readonly handles: (host.promises.FileHandle | undefined)[]
}

export interface Worlds {
  readonly ours: World
  readonly nodes: World
  close(): Promise<void>
}

const BIG = Buffer.from(Array.from({ length: 9000 }, (_, index) => (index * 31) & 0xff))
const OLD = 1_000_000_000
const FILES: readonly (readonly [string, string | Buffer, number])[] = [
  ['a.txt', 'hello there\nsecond line\n', 0o644],
  ['b.bin', BIG, 0o600],
  ['c', '', 0o755],
  ['d/e.txt', 'in a directory', 0o444],
  ['d/f/g.txt', 'deep down', 0o640],
]
const DIRECTORIES = ['d', 'd/f', 'd2']
const LINKS: readonly (readonly [string, string])[] = [
  ['link-a', 'a.txt'],
  ['link-d', 'd'],
  ['dangling', 'n1'],
  ['loop', 'loop'],
  ['d/up', '../a.txt'],
]

function fillHost(root: string): void {
  for (const name of DIRECTORIES) host.mkdirSync(join(root, name), { recursive: true })
  for (const [name, data, mode] of FILES) {
    host.writeFileSync(join(root, name), data)
    host.chmodSync(join(root, name), mode)
    host.utimesSync(join(root, name), OLD, OLD)
  }
  for (const [name, target] of LINKS) {
    host.symlinkSync(target, join(root, name))
    host.lutimesSync(join(root, name), OLD, OLD)
  }
  for (const name of [...DIRECTORIES].reverse()) host.utimesSync(join(root, name), OLD, OLD)
  host.utimesSync(root, OLD, OLD)
}

/** The image that has the tree at `root`. */
async function mountOf(root: string, metacopy: boolean): Promise<Mount> {
  const builder = new TreeBuilder({ mtime: OLD })
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, mtime: OLD }
  let at = ''
  for (const name of root.split('/').slice(1)) {
    at += `/${name}`
    builder.addDirectory(at, owner)
  }
  for (const name of DIRECTORIES) builder.addDirectory(join(root, name), owner)
  for (const [name, data, mode] of FILES) builder.addFile(join(root, name), data, { ...owner, mode })
  for (const [name, target] of LINKS) builder.addSymlink(join(root, name), target, owner)
  const store = new MemoryStore()
  const { image } = await buildImage(builder, { store })
  return mountSync(image, { store, writable: true, metacopy })
}

async function closeAll({ fs, fds, handles }: World): Promise<void> {
  for (const fd of fds) if (fd !== undefined) fs.closeSync(fd)
  for (const handle of handles) await handle?.close()
}

/**
 * With `metacopy` a file whose attributes alone have been copied up gets a new mtime when its bytes are, as in the kernel's
 * overlay: mtimes of files are not compared then.
 */
export async function newWorlds(metacopy: boolean): Promise<Worlds> {
  const base = host.mkdtempSync(join(tmpdir(), 'vfs-writes-'))
  const root = join(base, 'in/in/in')
  host.mkdirSync(root, { recursive: true })
  fillHost(root)
  const mount = await mountOf(root, metacopy)
  const ours: World = { fs: mount.fs as unknown as AnyFs, root, metacopy, fds: [], handles: [] }
  const nodes: World = { fs: host, root, metacopy, fds: [], handles: [] }
  const close = async () => {
    for (const world of [ours, nodes]) await closeAll(world)
    mount.unmount()
    host.rmSync(base, { recursive: true, force: true })
  }
  return { ours, nodes, close }
}

const HOUR = 3_600_000
/** Larger files, which have holes, are compared by their sizes. */
const BIGGEST = 1_000_000

/** A time as it is compared: those of now are alike. */
export function shownTime(ms: number): number | 'now' {
  return Math.abs(ms - Date.now()) < HOUR ? 'now' : ms
}

/** Every name below a root, with all of what its inode says that both worlds can agree on. */
export function shownTree({ fs, root, metacopy }: World): Record<string, unknown> {
  const tree: Record<string, unknown> = {}
  const inodes = new Map<bigint, string>()
  const walk = (path: string) => {
    const stats = fs.lstatSync(path, { bigint: true })
    const name = path.slice(root.length)
    const mtime = metacopy && stats.isFile() ? undefined : shownTime(Number(stats.mtimeMs))
    const facts: unknown[] = [stats.mode.toString(8), Number(stats.uid), Number(stats.gid), mtime]
    tree[name] = facts
    if (stats.isDirectory()) {
      for (const entry of fs.readdirSync(path)) walk(`${path}/${entry}`)
      return
    }
    facts.push(Number(stats.nlink), Number(stats.size), inodes.get(stats.ino) ?? name)
    inodes.set(stats.ino, inodes.get(stats.ino) ?? name)
    if (stats.isSymbolicLink()) facts.push(fs.readlinkSync(path))
    else if (stats.isFile() && stats.size < BIGGEST) facts.push(fs.readFileSync(path, 'latin1').slice(0, 20_000))
  }
  walk(root)
  return tree
}
