// Files and folders of the user's that are added to a folder of an image. Not here: how the page comes by them (page/drop.ts).

import { childPath, parentPath, pathNames, shownText } from '../path-text.js'
import type { Dropped } from '../protocol.js'
import { checkName } from './changes-edits.js'
import type { EditFs } from './changes-fs.js'
import { droppedItem, folderItems } from './intake-folders.js'
import type { Item } from './intake-items.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

/** Bytes that are written at a time. */
const PIECE = 1 << 20

/** What was dropped or picked, folders before what is in them. */
export async function uploadItems(dropped: readonly Dropped[], job: Job): Promise<Item[]> {
  const items: Item[] = []
  for (const one of dropped) {
    if (one.folder === undefined) items.push(droppedItem(one, one.path))
    else {
      for (const item of await folderItems(one.folder, job)) {
        items.push({ ...item, path: item.path === '' ? one.path : `${one.path}/${item.path}` })
      }
    }
  }
  return items
}

async function* piecesOf(blob: Blob, tell: (bytes: number) => Promise<void>): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < blob.size; at += PIECE) {
    const piece = new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer())
    yield piece
    await tell(piece.length)
  }
}

/** Puts them into a folder. Files whose names are taken are answered, or take the place of what is there. */
export async function putItems(
  fs: EditFs,
  folder: string,
  items: readonly Item[],
  job: Job,
  replace: boolean,
): Promise<{ readonly added: number; readonly taken: readonly Item[] }> {
  const total = items.reduce((sum, { body }) => sum + (body?.size ?? 0), 0)
  const taken: Item[] = []
  const known = new Set([folder])
  let [added, done] = [0, 0]
  const folders = async (path: string): Promise<void> => {
    if (known.has(path)) return
    await folders(parentPath(path))
    const found = await fs.find(path)
    if (found === undefined) await fs.mkdir(path)
    else if (!found.isDirectory)
      throw new PlainError('ENOTDIR', `${shownText(path)} is there already, and is no folder. Rename it first.`)
    known.add(path)
  }
  for (const item of items) {
    for (const name of pathNames(item.path)) checkName(name)
    const path = childPath(folder, item.path)
    await folders(item.type === 'dir' ? path : parentPath(path))
    await job.pause(done, total)
    if (item.body === undefined) continue
    const there = await fs.find(path)
    if (there !== undefined && !replace) {
      taken.push(item)
      continue
    }
    if (there?.isDirectory === true)
      throw new PlainError(
        'EISDIR',
        `${shownText(path)} is a folder, and a file can’t take its place. Rename it first.`,
      )
    if (there !== undefined) await fs.unlink(path)
    const tell = (bytes: number) => {
      done += bytes
      return job.pause(done, total)
    }
    await fs.create(path, piecesOf(await item.body.blob(), tell))
    if (item.mtime !== undefined) await fs.touch(path, item.mtime.seconds + item.mtime.nsec / 1e9)
    added++
  }
  return { added, taken }
}
