// The kernel as an oracle: mounts images with erofs and overlayfs, and reads a mount as a TruthFs.
// Needs root on Linux; `kernelReason` says what lacks. Every mount goes away with the process, however it ends
// (SIGKILL apart). Follows what mount.composefs does, by hand.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TruthFs, TruthStats } from './truth.js'

const CAP_SYS_ADMIN = 21n
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/** Why the kernel can't be asked here; undefined where it can. */
export function kernelReason(): string | undefined {
  if (process.platform !== 'linux') return `no Linux kernel (${process.platform})`
  if (process.getuid?.() !== 0) return 'not root'
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'
  if (((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 0n) return 'root without CAP_SYS_ADMIN'
  for (const name of ['erofs', 'overlay']) {
    if (readFileSync('/proc/filesystems', 'utf8').includes(`\t${name}\n`)) continue
    spawnSync('modprobe', [name], { stdio: 'ignore' })
    if (!readFileSync('/proc/filesystems', 'utf8').includes(`\t${name}\n`)) return `the kernel has no ${name}`
  }
  if (!existsSync('/dev/loop-control')) return 'no loop devices'
  if (spawnSync('mount', ['--version'], { stdio: 'ignore' }).error) return 'no mount command'
  return undefined
}

export interface KernelMount {
  /** Where the tree is. */
  readonly path: string
  unmount(): void
}

function run(command: string, args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
}

/** The mounts of one process: make one, mount, and `dispose` or just end. */
export class KernelMounts {
  private readonly mounted: string[] = []
  private readonly base = mkdtempSync(join(tmpdir(), 'composefs-kernel-'))
  private next = 0
  private readonly onExit = () => this.dispose()

  constructor() {
    process.on('exit', this.onExit)
    for (const [signal, number] of Object.entries(SIGNALS)) {
      process.once(signal, () => {
        this.dispose()
        process.exit(128 + number)
      })
    }
  }

  private directory(): string {
    const path = join(this.base, String(this.next++))
    mkdirSync(path)
    return path
  }

  private mount(path: string, args: string[]): void {
    run('mount', [...args, path])
    this.mounted.push(path)
  }

  private unmount(path: string): void {
    const index = this.mounted.indexOf(path)
    if (index < 0) return
    this.mounted.splice(index, 1)
    if (spawnSync('umount', [path], { stdio: 'ignore' }).status !== 0)
      spawnSync('umount', ['-l', path], { stdio: 'ignore' })
  }

  /** `mount -t erofs` of an image file. */
  erofs(image: string, options: readonly string[] = []): KernelMount {
    const path = this.directory()
    this.mount(path, ['-t', 'erofs', '-o', ['ro', 'loop', ...options].join(','), image])
    return { path, unmount: () => this.unmount(path) }
  }

  /** The composefs mount of an image file over a store directory. */
  composefs(image: string, objects: string): KernelMount {
    const lower = this.erofs(image, hasAcl(image) ? [] : ['noacl'])
    const path = this.directory()
    const options = `ro,metacopy=on,redirect_dir=on,lowerdir=${lower.path}::${objects}`
    this.mount(path, ['-t', 'overlay', '-o', options, 'overlay'])
    return {
      path,
      unmount: () => {
        this.unmount(path)
        lower.unmount()
      },
    }
  }

  /** The same with an upper directory, which may be written to. */
  writable(image: string, objects: string, upper: string, work: string): KernelMount {
    const lower = this.erofs(image, hasAcl(image) ? [] : ['noacl'])
    const path = this.directory()
    const layers = `lowerdir=${lower.path}::${objects},upperdir=${upper},workdir=${work}`
    this.mount(path, ['-t', 'overlay', '-o', `metacopy=on,redirect_dir=on,${layers}`, 'overlay'])
    return {
      path,
      unmount: () => {
        this.unmount(path)
        lower.unmount()
      },
    }
  }

  /** Takes everything down; safe to call again. */
  dispose(): void {
    for (const path of [...this.mounted].reverse()) this.unmount(path)
    process.removeListener('exit', this.onExit)
    rmSync(this.base, { recursive: true, force: true })
  }
}

/** Bit 0 of the composefs header's flags: some inode has an ACL (spec composefs-image.md, 7.1). */
function hasAcl(image: string): boolean {
  return (readFileSync(image).readUInt32LE(8) & 1) !== 0
}

// One process for a whole tree: Node has no xattr calls. Paths and names cross as latin1 of their bytes.
const READ_XATTRS = `
import json, os, sys
root = os.fsencode(sys.argv[1])
out = {}
def one(path):
    names = os.listxattr(path, follow_symlinks=False)
    if names:
        key = (path[len(root):] or b'/').decode('latin1')
        out[key] = {n: os.getxattr(path, n, follow_symlinks=False).hex() for n in names}
one(root)
for at, dirs, files in os.walk(root):
    for name in dirs + files:
        one(os.path.join(at, name))
json.dump(out, sys.stdout)
`

type Xattrs = Readonly<Record<string, Readonly<Record<string, string>>>>

function readXattrs(root: string): Xattrs | undefined {
  const result = spawnSync('python3', ['-c', READ_XATTRS, root], { encoding: 'utf8', maxBuffer: 1 << 28 })
  return result.status === 0 ? (JSON.parse(result.stdout) as Xattrs) : undefined
}

/** A directory of this machine as a TruthFs whose root it is; without xattr calls where there is no python3. */
export function kernelTree(root: string): TruthFs {
  const prefix = Buffer.from(root)
  const at = (path: Buffer) => (path.length === 1 ? prefix : Buffer.concat([prefix, path]))
  const xattrs = readXattrs(root)
  const of = (path: Buffer) => xattrs?.[path.toString('latin1')] ?? {}
  const base: TruthFs = {
    lstatSync: path => lstatSync(at(path), { bigint: true }) as TruthStats,
    readdirSync: path => readdirSync(at(path), { encoding: 'buffer' }),
    readlinkSync: path => readlinkSync(at(path), { encoding: 'buffer' }),
    readFileSync: path => readFileSync(at(path)),
  }
  if (xattrs === undefined) return base
  return {
    ...base,
    listxattrSync: path => Object.keys(of(path)),
    getxattrSync: (path, name) => Buffer.from(of(path)[name], 'hex'),
  }
}
