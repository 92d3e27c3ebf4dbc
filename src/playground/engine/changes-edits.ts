// Edits of names: making, moving and removing entries. Each says in plain words what is wrong with what was asked for. Not here: that
// what fails leaves nothing behind (changes.ts).

import type { NewEntry } from '../changing.js'
import { childPath, parentPath, pathBytes, pathNames, shownText } from '../path-text.js'
import type { EditFs } from './changes-fs.js'
import type { Job } from './jobs.js'
import { PlainError } from './plain-words.js'

/** Bytes of a name. */
const NAME_MAX = 255
/** Folders within folders. */
const DEPTH_MAX = 1000

/** Throws for what is no name. */
export function checkName(name: string): void {
  if (name === '') throw new PlainError('EINVAL', 'There is no name. Type one.')
  if (name === '.' || name === '..') throw new PlainError('EINVAL', `“${name}” can’t be a name. Take another one.`)
  if (/[/\0]/.test(name)) throw new PlainError('EINVAL', 'A name can’t hold a slash or a NUL. Take another one.')
  const { length } = pathBytes(name)
  if (length > NAME_MAX)
    throw new PlainError('ENAMETOOLONG', `The name has ${length} bytes; ${NAME_MAX} are the most. Take a shorter one.`)
}

async function checkFree(fs: EditFs, path: string): Promise<void> {
  if ((await fs.find(path)) === undefined) return
  throw new PlainError('EEXIST', `There is ${shownText(path)} already. Take another name, or remove that first.`)
}

export async function makeEntry(fs: EditFs, folder: string, { kind, name, target }: NewEntry): Promise<string> {
  checkName(name)
  const path = childPath(folder, name)
  await checkFree(fs, path)
  if (kind === 'folder') await fs.mkdir(path)
  else if (kind === 'file') await fs.create(path, nothing())
  else if (target === undefined || target === '')
    throw new PlainError('EINVAL', 'A symlink has to lead somewhere. Type where.')
  else await fs.symlink(target, path)
  return path
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export async function moveEntry(fs: EditFs, from: string, to: string): Promise<void> {
  const names = pathNames(to)
  if (from === '/' || names.length === 0) throw new PlainError('EINVAL', 'The root has no name, and stays where it is.')
  for (const name of names) checkName(name)
  const path = `/${names.join('/')}`
  if (path === from) return
  if (path.startsWith(`${from}/`))
    throw new PlainError('EINVAL', 'A folder can’t be moved into itself. Choose another folder.')
  const above = await fs.find(parentPath(path))
  if (above?.isDirectory !== true) {
    throw new PlainError(
      'ENOENT',
      `There is no folder ${shownText(parentPath(path))}. Make it first, or choose another.`,
    )
  }
  await checkFree(fs, path)
  await fs.rename(from, path)
}

/** From below upwards. */
export async function removeEntry(fs: EditFs, path: string, job: Job): Promise<void> {
  if (path === '/') throw new PlainError('EINVAL', 'The root can’t be deleted. Delete what is in it.')
  let done = 0
  const remove = async (at: string, depth: number): Promise<void> => {
    if (depth > DEPTH_MAX) {
      throw new PlainError('ENAMETOOLONG', 'There are folders in folders too deep in it. Delete a deeper part first.')
    }
    const { isDirectory } = await fs.lstat(at)
    if (isDirectory) {
      for (const name of await fs.names(at)) await remove(childPath(at, name), depth + 1)
      await fs.rmdir(at)
    } else await fs.unlink(at)
    await job.pause(++done)
  }
  await remove(path, 0)
}
