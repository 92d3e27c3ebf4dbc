// What was dropped or picked, as things that the worker takes: files with the folders they were in, and folders where the browser
// hands them over as such. Not here: what becomes of them.

import type { Dropped } from '../protocol.js'

/** So many are handed over at a time: more at once would keep the page from drawing. */
const BATCH = 200

/** Things that come by and by. */
export type Things = AsyncIterable<readonly Dropped[]>

/** One item of a drop, as far as it can be had before the event is over. */
interface Item {
  readonly file: File | null
  readonly entry: FileSystemEntry | null
  readonly handle?: Promise<FileSystemHandle | null>
}

interface HandleItem extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>
}

function itemOf(item: HandleItem): Item {
  const entry = item.webkitGetAsEntry()
  if (entry?.isDirectory !== true) return { file: item.getAsFile(), entry }
  return { file: null, entry, handle: item.getAsFileSystemHandle?.().catch(() => null) }
}

function droppedFile(file: File): Dropped {
  return { path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath, file }
}

async function* inBatches(things: Iterable<Dropped> | AsyncIterable<Dropped>): AsyncGenerator<readonly Dropped[]> {
  let batch: Dropped[] = []
  for await (const one of things) {
    batch.push(one)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Files of an input; one of folders says where in them each was. Looked at by and by: they may be many. */
export function filesThings(files: ArrayLike<File>): Things {
  return inBatches(eachOf(files))
}

function* eachOf(files: ArrayLike<File>): Generator<Dropped> {
  for (let index = 0; index < files.length; index++) yield droppedFile(files[index])
}

export function folderThings(folder: FileSystemDirectoryHandle): Things {
  return inBatches([{ path: folder.name, folder }])
}

/** What a drop brings. To be called while the event is under way. */
export function droppedThings(data: DataTransfer): Things {
  const items = [...data.items].filter(item => item.kind === 'file').map(itemOf)
  return inBatches(allOf(items))
}

async function* allOf(items: readonly Item[]): AsyncGenerator<Dropped> {
  for (const { file, entry, handle } of items) {
    const folder = await handle
    if (folder?.kind === 'directory') yield { path: folder.name, folder: folder as FileSystemDirectoryHandle }
    else if (file !== null) yield droppedFile(file)
    else if (entry !== null) yield* below(entry)
  }
}

/** All files below an entry, and the folders that hold nothing. */
async function* below(top: FileSystemEntry): AsyncGenerator<Dropped> {
  const waiting = [top]
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    const path = entry.fullPath.replace(/^\/+/, '')
    if (entry.isFile) {
      const from = entry as FileSystemFileEntry
      yield { path, file: await new Promise<File>((resolve, reject) => from.file(resolve, reject)) }
      continue
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader()
    let empty = true
    for (;;) {
      const found = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
      if (found.length === 0) break
      waiting.push(...found)
      empty = false
    }
    if (empty) yield { path }
  }
}
