// Whether what a mount or the kernel shows is a random tree of the fuzzing kit: every entry, whole contents, xattrs where they can be asked.
// Not here: ranges of files (erofs-ranges.ts).
import * as assert from 'uvu/assert'
import type { TreeInode } from '../../src/fuzz.js'
import type { TruthFs } from './truth.js'

const TYPE = 0o170000
/** The kernel shows the id of no one as this one, and so do we. */
const NO_ID = 0xffffffff
const OVERFLOW_ID = 65534
const PREFIXES: Readonly<Record<number, string>> = { 1: 'user.', 4: 'trusted.', 6: 'security.' }
/** The kernel looks at what is in it. */
const CHECKED = 'security.capability'

const shownId = (id: number) => (id === NO_ID ? OVERFLOW_ID : id)

/** Names that say what they are by themselves: ACLs are apart. */
function ownNames(names: readonly string[]): string[] {
  return names.filter(name => !name.startsWith('system.') && name !== CHECKED).sort()
}

function compareXattrs(shown: TruthFs, path: Buffer, { xattrs }: TreeInode): void {
  if (shown.listxattrSync === undefined || shown.getxattrSync === undefined) return
  const wanted = new Map<string, Uint8Array>()
  for (const { index, name, value } of xattrs) {
    if (PREFIXES[index] !== undefined) wanted.set(PREFIXES[index] + Buffer.from(name).toString('latin1'), value)
  }
  const names = ownNames([...wanted.keys()])
  assert.equal(ownNames(shown.listxattrSync(path, { follow: false })), names, `xattrs of ${path}`)
  for (const name of names) {
    const value = Buffer.from(shown.getxattrSync(path, name, { follow: false }))
    assert.is(Buffer.compare(value, Buffer.from(wanted.get(name) ?? [])), 0, `${name} of ${path}`)
  }
}

/** Holds what is below a path to the tree; the number of entries. */
export function compareTree(shown: TruthFs, path: Buffer, inode: TreeInode): number {
  const stats = shown.lstatSync(path, { bigint: true })
  const found = [Number(stats.mode), Number(stats.uid), Number(stats.gid), stats.mtimeNs]
  const mtime = BigInt(inode.sec) * 1_000_000_000n + BigInt(inode.nsec)
  assert.equal(found, [inode.mode, shownId(inode.uid), shownId(inode.gid), mtime], String(path))
  const type = inode.mode & TYPE
  const data = Buffer.from(inode.data)
  if (type === 0o100000 || type === 0o040000) compareXattrs(shown, path, inode)
  if (type === 0o100000) assert.is(Buffer.compare(shown.readFileSync(path), data), 0, String(path))
  if (type === 0o120000) assert.equal(Buffer.from(shown.readlinkSync(path, { encoding: 'buffer' })), data, String(path))
  if (type !== 0o040000) return 1
  const names = shown.readdirSync(path, { encoding: 'buffer' }).map(name => Buffer.from(name))
  const wanted = inode.entries.map(({ name }) => Buffer.from(name))
  assert.equal(names.sort(Buffer.compare), wanted, String(path))
  const prefix = path.length === 1 ? path : Buffer.concat([path, Buffer.from('/')])
  let entries = 1
  for (const entry of inode.entries) entries += compareTree(shown, Buffer.concat([prefix, entry.name]), entry.inode)
  return entries
}
