// Overlays over an upper that a directory keeps, or one in memory, for tests: a lower image, mounting, seeded random operations
// that both do, and all that can be seen of a tree.
import { createHash } from 'node:crypto'
import { DirectoryUppers } from '../../src/host/upper-directory.js'
import type { Layer } from '../../src/overlay/layer.js'
import type { LayerNode } from '../../src/overlay/lower.js'
import { memoryUpper } from '../../src/overlay/memory-upper.js'
import { Overlay } from '../../src/overlay/overlay.js'
import type { Upper } from '../../src/overlay/upper.js'
import { createFs, type MountedFs } from '../../src/vfs/mounted-fs.js'
import { Dice } from './random-layers.js'
import { type LayerEntry, lowerLayers } from './scenario.js'

const NAMES = ['a', 'b', 'c', 'd', 'e']
const OPTIONS = { redirectDir: true, metacopy: true }
const big = (size: number) => ({ fill: 'lower ', size })

/** Directories, files of several sizes, names of one file, a symlink. */
export const LOWER: readonly LayerEntry[] = [
  ...['/a', '/a/a', '/a/b', '/b', '/b/c', '/c'].map((path): LayerEntry => ({ path, type: 'dir' })),
  { path: '/a/c', type: 'file', content: big(5000), xattrs: { 'user.tag': 'below' } },
  { path: '/a/a/d', type: 'file', content: big(200), mtime: '1100000000.123456789' },
  { path: '/a/b/e', type: 'file', content: 'small' },
  { path: '/b/a', type: 'file', content: big(9000), uid: 1000 },
  { path: '/b/b', type: 'hardlink', target: '/b/a' },
  { path: '/b/c/a', type: 'symlink', target: '../a' },
  { path: '/c/d', type: 'file', content: big(70), mode: '4755' },
  { path: '/c/e', type: 'fifo' },
  { path: '/e', type: 'file', content: 'top' },
]

export type AnyFs = MountedFs & Record<string, (...args: unknown[]) => unknown>

export interface World {
  readonly fs: AnyFs
  readonly tree: Overlay
  readonly upper: Upper
  close(): void
}

export const keptLayers = () => lowerLayers([LOWER])

function world(layers: readonly Layer<LayerNode>[], upper: Upper, close: () => void): World {
  const tree = new Overlay(layers, upper, OPTIONS)
  const fs = createFs(tree, { uid: () => 0, gid: () => 0, umask: () => 0o022, dev: 7 }) as unknown as AnyFs
  return { fs, tree, upper, close }
}

export function inMemory(layers: readonly Layer<LayerNode>[], limit = Number.POSITIVE_INFINITY): World {
  return world(layers, memoryUpper(layers, limit), () => {})
}

export interface KeptOptions {
  /** Bytes from which on a log is written anew. */
  readonly least?: number
  readonly limit?: number
}

export function kept(directory: string, layers: readonly Layer<LayerNode>[], options: KeptOptions = {}): World {
  const { upper, close } = new DirectoryUppers(options.least).open(
    directory,
    layers,
    options.limit ?? Number.POSITIVE_INFINITY,
  )
  return world(layers, upper, close)
}

export type RandomOp = readonly [name: string, ...args: unknown[]]

/** Operations that change one thing each, on a few names; they depend on the seed alone. */
export class RandomOps {
  readonly #dice: Dice

  constructor(seed: number) {
    this.#dice = new Dice(seed)
  }

  #path(): string {
    const depth = this.#dice.weighted([
      [4, 1],
      [5, 2],
      [3, 3],
    ])
    return `/${Array.from({ length: depth }, () => this.#dice.pick(NAMES)).join('/')}`
  }

  #xattr(): string {
    return this.#dice.pick(['user.tag', 'user.other', 'trusted.tag', 'trusted.overlay.opaque', 'security.any'])
  }

  next(): RandomOp {
    const { dice } = { dice: this.#dice }
    const path = this.#path()
    return dice.weighted<RandomOp>([
      [8, ['mkdir', path]],
      [5, ['rmdir', path]],
      [8, ['unlink', path]],
      [10, ['rename', path, this.#path()]],
      [3, ['exchange', path, this.#path()]],
      [6, ['link', path, this.#path()]],
      [4, ['symlink', dice.pick(NAMES), path]],
      [3, ['mknod', path, dice.pick([0o010644, 0o140600, 0o020644])]],
      [12, ['create', path]],
      [12, ['write', path, dice.int(3000), `w${dice.serial()}.`.repeat(1 + dice.int(100))]],
      [4, ['truncate', path, dice.pick([0, 10, 4000, 5000, 100_000])]],
      [6, ['chmod', path, dice.pick([0o600, 0o755, 0o4711])]],
      [3, ['chown', path, dice.int(3), dice.int(3)]],
      [3, ['utimes', path, 1200000000 + dice.int(1000)]],
      [6, ['setxattr', path, this.#xattr(), `v${dice.serial()}`]],
      [3, ['removexattr', path, this.#xattr()]],
      [5, ['fsync', path]],
    ])
  }
}

const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/')) || '/'
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)

function opened(fs: AnyFs, path: string, flags: string, action: (fd: number) => void): void {
  const fd = fs.openSync(path, flags)
  try {
    action(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** What an operation answers: an error's code, or nothing. */
export function apply({ fs, tree }: World, [name, ...args]: RandomOp): string {
  const [path, second, third] = args as [string, never, never]
  try {
    switch (name) {
      case 'create':
        fs.closeSync(fs.openSync(path, 'wx'))
        break
      case 'write':
        opened(fs, path, 'r+', fd => void fs.writeSync(fd, Buffer.from(third as string), 0, undefined, second))
        break
      case 'fsync':
        opened(fs, path, 'r+', fd => void fs.fsyncSync(fd))
        break
      case 'setxattr':
        fs.setxattrSync(path, second, Buffer.from(third as string), { follow: false })
        break
      case 'removexattr':
        fs.removexattrSync(path, second, { follow: false })
        break
      case 'utimes':
        fs.lutimesSync(path, second, second)
        break
      case 'chown':
        fs.lchownSync(path, second, third)
        break
      case 'mknod':
      case 'exchange': {
        const at = (of: string) => {
          const dir = tree.resolve(parentOf(of), true)
          if ('code' in dir) throw dir
          if (!('mode' in dir) || (dir.mode & 0o170000) !== 0o040000)
            throw Object.assign(new Error(), { code: 'ENOTDIR' })
          return dir
        }
        const rdev = (second & 0o170000) === 0o020000 ? 0x103 : 0
        const special = { mode: second as number, umask: 0, uid: 0, gid: 0, rdev }
        const done =
          name === 'mknod'
            ? tree.create(at(path), nameOf(path), special, true)
            : tree.rename(at(path), nameOf(path), at(second), nameOf(second), 2, true)
        if (done !== undefined && 'code' in done) throw done
        break
      }
      default:
        fs[`${name}Sync`](...args)
    }
    return 'ok'
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return code
  }
}

export interface Seen {
  /** All times and inode numbers as well; no content, since to read it changes one of the times. */
  readonly exact?: boolean
  /** When content was changed. */
  readonly mtimes?: boolean
  /** Links of directories are left out, the kernel counting them otherwise; and attributes that it adds. */
  readonly kernel?: boolean
}

/** What is read of a tree. */
export interface SeenFs {
  lstatSync(path: string, options: { bigint: true }): unknown
  readFileSync(path: string): unknown
  readlinkSync(path: string): unknown
  readdirSync(path: string): unknown
  listxattrSync(path: string, options: { follow: false }): unknown
  getxattrSync(path: string, name: string, options: { follow: false }): unknown
}

/** All that can be seen of a tree, a line for each path. */
export function seen({ fs }: { readonly fs: SeenFs }, options: Seen = {}): string[] {
  const lines: string[] = []
  const groups = new Map<string, string>()
  const visit = (path: string): void => {
    const at = path === '' ? '/' : path
    let stat: import('node:fs').BigIntStats
    try {
      stat = fs.lstatSync(at, { bigint: true }) as import('node:fs').BigIntStats
    } catch {
      // Whiteouts in attribute form are listed in an upper.
      return
    }
    const isWhiteout = stat.isCharacterDevice() && stat.rdev === 0n
    const links = isWhiteout || (options.kernel && stat.isDirectory()) ? '' : stat.nlink
    const facts: unknown[] = [path, stat.mode.toString(8), links, stat.uid, stat.gid, stat.rdev]
    if (stat.isFile()) facts.push(stat.size, options.exact ? '' : contentOf(fs, path))
    if (stat.isSymbolicLink()) facts.push(fs.readlinkSync(path))
    if (options.mtimes && !isWhiteout) facts.push(stat.mtimeNs)
    if (options.exact) facts.push(stat.ino, stat.atimeNs, stat.mtimeNs, stat.ctimeNs, stat.birthtimeNs)
    if (!stat.isDirectory() && stat.nlink > 1n && !isWhiteout) {
      const inode = `${stat.dev} ${stat.ino}`
      if (!groups.has(inode)) groups.set(inode, path)
      facts.push(groups.get(inode))
    }
    for (const name of [...(fs.listxattrSync(at, { follow: false }) as string[])].sort()) {
      if (options.kernel && /^user\.overlay\.|^trusted\.overlay\.(?:origin|impure|uuid|nlink)$/.test(name)) continue
      facts.push(name, Buffer.from(fs.getxattrSync(at, name, { follow: false }) as Uint8Array).toString('hex'))
    }
    lines.push(facts.join(' '))
    if (!stat.isDirectory()) return
    for (const name of (fs.readdirSync(at) as string[]).sort()) visit(`${path}/${name}`)
  }
  visit('')
  return lines
}

function contentOf(fs: SeenFs, path: string): string {
  try {
    return createHash('sha1')
      .update(fs.readFileSync(path) as Buffer)
      .digest('hex')
      .slice(0, 10)
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** A mount anew of what a world in memory holds: it finds what is below by the marks. */
export function remounted(layers: readonly Layer<LayerNode>[], { upper }: World): World {
  const all = [upper.root]
  for (const dir of all) {
    for (const child of dir.children?.values() ?? []) {
      if (child === null) continue
      child.below = undefined
      all.push(child)
    }
  }
  return world(layers, upper, () => {})
}
