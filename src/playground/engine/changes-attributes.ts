// Mode, owner, time and extended attributes of one entry, to be shown and edited. Not here: what may be typed (the page's dialog).

import type { AttributeEdit, Attributes, Xattr } from '../changing.js'
import type { EditFs } from './changes-fs.js'
import { entryType } from './entry-facts.js'
import { PlainError } from './plain-words.js'

const PERMISSIONS = 0o7777
const ID_MAX = 2 ** 32 - 2
const NS = 1_000_000_000n

export async function attributesOf(fs: EditFs, path: string): Promise<Attributes> {
  const { mode, uid, gid, mtimeNs } = await fs.lstat(path)
  const xattrs: Xattr[] = []
  for (const name of await fs.xattrNames(path)) {
    const value = await fs.xattr(path, name)
    if (value !== undefined) xattrs.push({ name, value: new Uint8Array(value) })
  }
  const nsec = ((mtimeNs % NS) + NS) % NS
  return {
    type: entryType(mode),
    mode: mode & PERMISSIONS,
    uid,
    gid,
    mtime: Number((mtimeNs - nsec) / NS),
    mtimeNsec: Number(nsec),
    xattrs,
  }
}

function checkWhole(value: number, most: number, what: string): void {
  if (Number.isInteger(value) && value >= 0 && value <= most) return
  throw new PlainError('EINVAL', `${what} is a whole number from 0 to ${most}. Check what was typed.`)
}

/** What is not named in the edit stays. */
export async function editAttributes(fs: EditFs, path: string, edit: AttributeEdit): Promise<void> {
  const { mode, uid, gid, mtime } = edit
  const was = await fs.lstat(path)
  if (uid !== undefined || gid !== undefined) {
    checkWhole(uid ?? was.uid, ID_MAX, 'An owner')
    checkWhole(gid ?? was.gid, ID_MAX, 'A group')
    await fs.chown(path, uid ?? was.uid, gid ?? was.gid)
  }
  for (const name of edit.remove) await fs.removeXattr(path, name)
  for (const { name, value } of edit.set) await fs.setXattr(path, name, value)
  // After the owner, whose change takes setuid away.
  if (mode !== undefined) {
    checkWhole(mode, PERMISSIONS, 'A mode')
    await fs.chmod(path, mode)
  }
  if (mtime === undefined) return
  if (!Number.isFinite(mtime)) throw new PlainError('EINVAL', 'That is no time. Check what was typed.')
  await fs.touch(path, mtime)
}
