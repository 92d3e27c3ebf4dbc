// Folders that the page has handed over, or whose files it has: as entries. Not here: how the page comes by them, what becomes of
// them.

import type { Dropped } from '../protocol.js'
import { checkCount, fileBody, type Item, itemPath } from './intake-items.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

/** Folders within folders. */
const DEPTH_MAX = 200
/** Files of a folder that are asked for at once. */
const AT_ONCE = 32

export function fileItem(path: string, file: File): Item {
  const seconds = Math.floor(file.lastModified / 1000)
  const nsec = (file.lastModified - seconds * 1000) * 1_000_000
  return { path, type: 'file', body: fileBody(file), mode: 0o644, mtime: { seconds, nsec } }
}

/** An entry of what the page has read itself. */
export function droppedItem(dropped: Dropped, folder: string): Item {
  const path = itemPath(dropped.path, folder)
  return dropped.file === undefined ? { path, type: 'dir' } : fileItem(path, dropped.file)
}

/** All that lies in a folder. */
export async function folderItems(folder: FileSystemDirectoryHandle, job: Job): Promise<Item[]> {
  const items: Item[] = []
  const waiting: { readonly handle: FileSystemDirectoryHandle; readonly path: string; readonly depth: number }[] = [
    { handle: folder, path: '', depth: 0 },
  ]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { handle, path, depth } = next
    if (depth > DEPTH_MAX) {
      throw new PlainError(
        'ENAMETOOLONG',
        `${folder.name} has folders in folders more than ${DEPTH_MAX} deep. Take a part of it.`,
      )
    }
    let files: { readonly path: string; readonly handle: FileSystemFileHandle }[] = []
    const take = async () => {
      items.push(...(await Promise.all(files.map(async one => fileItem(one.path, await one.handle.getFile())))))
      files = []
      checkCount(items.length, folder.name)
      await job.pause(items.length)
    }
    items.push({ path, type: 'dir' })
    for await (const [name, child] of handle.entries()) {
      const at = path === '' ? name : `${path}/${name}`
      if (child.kind === 'directory')
        waiting.push({ handle: child as FileSystemDirectoryHandle, path: at, depth: depth + 1 })
      else files.push({ path: at, handle: child as FileSystemFileHandle })
      if (files.length >= AT_ONCE) await take()
    }
    await take()
  }
  return items
}
