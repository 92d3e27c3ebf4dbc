// The tree of an `fs` in memfs, as far as memfs can hold one. Not here: comparing (memfs-deviations.ts).
import type fs from 'node:fs'
import { createFsFromVolume, Volume } from 'memfs'

type NodeFs = typeof fs

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes)
}

/** The tree in memfs, and the last names of what it can't hold: devices, FIFOs, names and targets that are not UTF-8. */
export function copyToMemfs(from: NodeFs): { memory: NodeFs; omitted: Buffer[] } {
  const to = createFsFromVolume(new Volume()) as unknown as NodeFs
  const omitted: Buffer[] = []
  const copyOne = (bytes: Buffer): void => {
    const stats = from.lstatSync(bytes)
    const path = bytes.toString()
    const target = stats.isSymbolicLink() ? from.readlinkSync(bytes, 'buffer') : bytes
    const known = stats.isFile() || stats.isDirectory() || stats.isSymbolicLink()
    if (!known || !isUtf8(bytes) || !isUtf8(target)) {
      omitted.push(bytes.subarray(bytes.lastIndexOf('/') + 1))
      return
    }
    if (stats.isSymbolicLink()) to.symlinkSync(target.toString(), path)
    else if (stats.isFile()) to.writeFileSync(path, from.readFileSync(bytes))
    else {
      if (path !== '/') to.mkdirSync(path)
      const prefix = path === '/' ? '' : path
      for (const name of from.readdirSync(bytes, 'buffer')) copyOne(Buffer.concat([Buffer.from(`${prefix}/`), name]))
    }
    to.lchownSync(path, stats.uid, stats.gid)
    if (!stats.isSymbolicLink()) to.chmodSync(path, stats.mode & 0o7777)
    to.lutimesSync(path, stats.atime, stats.mtime)
  }
  copyOne(Buffer.from('/'))
  // memfs writes through a descriptor that was opened for reading: the tree would not stay the same.
  const refuse = (code: string) => () => {
    throw Object.assign(new Error(code), { code })
  }
  return { memory: { ...to, writeSync: refuse('EBADF'), ftruncateSync: refuse('EINVAL') }, omitted }
}
