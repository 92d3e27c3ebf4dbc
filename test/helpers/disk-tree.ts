// A tree of any `fs` made anew in a directory of this machine, by root, down to nanoseconds, devices, xattrs and hard links; and
// trees as facts that can be compared where one of them was made by another program. Node has no calls for some of it, so Python
// does it. Not here: reading a directory (kernel.ts).
import { spawnSync } from 'node:child_process'
import type { TruthFs } from './truth.js'
import { escapeBytes, splitDevice, type TruthEntry, truthOf } from './truth.js'

const MAKE = `
import base64, json, os, stat, sys
root = os.fsencode(sys.argv[1])
entries = [json.loads(line) for line in sys.stdin]
raw = lambda text: text.encode('latin1')
def at(e): return root + raw(e['path'])
for e in entries:
    path, mode = at(e), e['mode']
    kind = stat.S_IFMT(mode)
    if e.get('link') is not None: os.link(root + raw(e['link']), path, follow_symlinks=False); continue
    if kind == stat.S_IFDIR:
        if e['path'] != '': os.mkdir(path)
    elif kind == stat.S_IFLNK: os.symlink(raw(e['target']), path)
    elif kind == stat.S_IFREG:
        with open(path, 'wb') as f: f.write(base64.b64decode(e['content']))
    else: os.mknod(path, mode, os.makedev(*e['rdev']))
    os.chown(path, e['uid'], e['gid'], follow_symlinks=False)
    if kind != stat.S_IFLNK: os.chmod(path, stat.S_IMODE(mode))
    for name, value in e['xattrs'].items(): os.setxattr(path, raw(name), bytes.fromhex(value), follow_symlinks=False)
for e in reversed(entries):
    if e.get('link') is None: os.utime(at(e), ns=(0, int(e['mtime'])), follow_symlinks=False)
`

/** Paths of an `fs` with those before them that name the same inode; directories before what is in them. */
function* pathsOf(fs: TruthFs, path = Buffer.from('/')): Generator<Buffer> {
  yield path
  if ((Number(fs.lstatSync(path, { bigint: true }).mode) & 0o170000) !== 0o040000) return
  const prefix = path.length === 1 ? path : Buffer.concat([path, Buffer.from('/')])
  const names = [...fs.readdirSync(path, { encoding: 'buffer' })].sort(Buffer.compare)
  for (const name of names) yield* pathsOf(fs, Buffer.concat([prefix, name]))
}

type Numbered = { readonly ino: bigint; readonly dev: bigint }

const idOf = (fs: TruthFs, path: Buffer) => {
  const { ino, dev } = fs.lstatSync(path, { bigint: true }) as unknown as Numbered
  return `${dev} ${ino}`
}

function entryOf(fs: TruthFs, path: Buffer): Record<string, unknown> {
  const s = fs.lstatSync(path, { bigint: true })
  const mode = Number(s.mode)
  const type = mode & 0o170000
  const xattrs: Record<string, string> = {}
  for (const name of fs.listxattrSync?.(path, { follow: false }) ?? []) {
    xattrs[name] = Buffer.from(fs.getxattrSync?.(path, name, { follow: false }) ?? '').toString('hex')
  }
  return {
    path: path.length === 1 ? '' : path.toString('latin1'),
    mode,
    uid: Number(s.uid),
    gid: Number(s.gid),
    mtime: String(s.mtimeNs),
    rdev: splitDevice(s.rdev).split(':').map(Number),
    xattrs,
    ...(type === 0o120000
      ? { target: Buffer.from(fs.readlinkSync(path, { encoding: 'buffer' })).toString('latin1') }
      : {}),
    ...(type === 0o100000 ? { content: Buffer.from(fs.readFileSync(path)).toString('base64') } : {}),
  }
}

/** Writes a whole tree into an empty directory. */
export function writeTree(fs: TruthFs, directory: string): void {
  const first = new Map<string, string>()
  const lines: string[] = []
  for (const path of pathsOf(fs)) {
    const text = path.length === 1 ? '' : path.toString('latin1')
    const id = idOf(fs, path)
    const link = first.get(id)
    if (link === undefined) first.set(id, text)
    lines.push(JSON.stringify(link === undefined ? entryOf(fs, path) : { path: text, mode: 0, link }))
  }
  const made = spawnSync('python3', ['-c', MAKE, directory], { input: lines.join('\n'), encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
}

export interface ComparedOptions {
  /** Whether an xattr is left out. */
  readonly without?: (name: string, hex: string) => boolean
  readonly sockets?: boolean
  /** Paths, escaped, of which it is not asked with which others they share an inode. */
  readonly loose?: ReadonlySet<string>
}

/** Paths of files that had several names in a tree, and have the same numbers in another. */
export function linkedBelow(before: TruthFs, now: TruthFs): Set<string> {
  const linked = new Set<string>()
  for (const path of pathsOf(before)) {
    const { mode, nlink } = before.lstatSync(path, { bigint: true })
    if (nlink > 1n && (Number(mode) & 0o170000) !== 0o040000) linked.add(idOf(before, path).split(' ')[1])
  }
  return new Set([...pathsOf(now)].filter(path => linked.has(idOf(now, path).split(' ')[1])).map(escapeBytes))
}

/**
 * What is compared: all that a truth has, with the first path of the same inode in place of the number of links (an overlay goes
 * on counting names that are gone below).
 */
export function comparedTree(fs: TruthFs, { without, sockets = true, loose }: ComparedOptions = {}): TruthEntry[] {
  const first = new Map<string, string>()
  const found: TruthEntry[] = []
  for (const path of pathsOf(fs)) {
    const { xattrs = {}, ...entry } = truthOf(fs, path)
    const type = Number.parseInt(entry.mode, 8) & 0o170000
    if (type === 0o140000 && !sockets) continue
    const id = idOf(fs, path)
    if (!first.has(id)) first.set(id, escapeBytes(path))
    const kept = Object.entries(xattrs).filter(([name, value]) => without?.(name, value) !== true)
    const group = loose?.has(entry.path) === true ? entry.path : (first.get(id) as string)
    found.push({
      ...entry,
      nlink: 0,
      xattrs: { ...Object.fromEntries(kept), ...(group === entry.path ? {} : { '(first name)': group }) },
    })
  }
  return found
}
