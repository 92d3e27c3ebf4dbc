// What people do to an image: each is asked of the worker, and what is shown follows. Not here: menus and dialogs.

import { baseName, childPath, parentPath, pathBytes, pathNames, shownText } from '../../path-text.js'
import type { DocumentId, DocumentInfo, Dropped } from '../../protocol.js'
import type { Things } from '../drop.js'
import type { Session } from '../session.js'
import { countText } from '../words.js'
import type { Place } from './change-state.js'

/** Takes up what an image is now. */
export async function follow(session: Session, id: DocumentId): Promise<void> {
  await session.refresh(id)
  session.change.note(id, await session.engine.changes.state(id))
}

/** Does an edit; what is shown follows, and it is said when it is the first. Throws what the edit has thrown. */
export async function edit<T>(session: Session, info: DocumentInfo, action: () => Promise<T>): Promise<T> {
  const first = session.documents.value.find(one => one.id === info.id)?.writable === false
  try {
    const answer = await action()
    if (first)
      session.say(
        `${shownText(info.name)} is being changed now. The image itself stays what it is: “Changes” has all that is different.`,
      )
    return answer
  } finally {
    await follow(session, info.id)
  }
}

export async function startChanging(session: Session, info: DocumentInfo): Promise<void> {
  await session.attempt(() => session.engine.changes.start(info.id))
  await follow(session, info.id)
}

export async function undo(session: Session, info: DocumentInfo): Promise<void> {
  const undone = await session.attempt(() => session.engine.changes.undo(info.id))
  await follow(session, info.id)
  if (undone !== undefined) session.say(`Undone: ${undone}.`)
}

export async function discardAll(session: Session, { pane, info }: Place): Promise<void> {
  const count = session.change.count(info.id)
  const unsaved = session.change.unsaved(info.id).length
  const yes = await session.change.ask({
    title: 'Discard all changes?',
    text:
      `${shownText(info.name)} will be shown as it was opened. ${countText(count)} changes` +
      `${unsaved === 0 ? '' : `, and ${countText(unsaved)} texts that are not saved,`} are lost for good.`,
    yes: 'Discard all',
    danger: true,
  })
  if (!yes) return
  session.change.forget(info.id)
  await session.attempt(() => session.engine.changes.discard(info.id))
  await chooseNearest(session, { pane, info })
  await follow(session, info.id)
}

/** What is chosen may be gone: then what is nearest above it. */
async function chooseNearest(session: Session, { pane, info }: Place): Promise<void> {
  let path = session.chosenIn(pane)
  while (path !== '/') {
    const there = await session.engine.files.entry(info.id, path).then(
      () => true,
      () => false,
    )
    if (there) break
    path = parentPath(path)
  }
  if (path !== session.chosenIn(pane)) session.choose(pane, path)
}

export async function editText(session: Session, { pane, info }: Place, path: string): Promise<void> {
  const found = await session.attempt(() => session.engine.changes.text(info.id, path))
  if (found === undefined) return
  session.change.edit({ id: info.id, path, ...found, dirty: false })
  if (found.form.mixed)
    session.say(
      `Lines of ${shownText(baseName(path))} end in different ways. They will all end alike when it is saved.`,
    )
  session.choose(pane, path, 'contents')
  pane.side.value = 'content'
}

export async function moveEntry(session: Session, { pane, info }: Place, from: string, to: string): Promise<void> {
  const path = `/${pathNames(to).join('/')}`
  await edit(session, info, () => session.engine.changes.move(info.id, from, path))
  session.change.moved(info.id, from, path)
  const chosen = session.chosenIn(pane)
  if (chosen === from || chosen.startsWith(`${from}/`)) session.choose(pane, path + chosen.slice(from.length))
}

export async function deleteEntry(
  session: Session,
  { pane, info }: Place,
  path: string,
  isDir: boolean,
): Promise<void> {
  if (path === '/') return
  const name = shownText(baseName(path))
  const yes = await session.change.ask({
    title: `Delete ${name}?`,
    text: isDir
      ? 'The folder goes with all that is in it. The image itself stays what it is; it can be undone under “Changes”.'
      : 'The image itself stays what it is; it can be undone under “Changes”.',
    yes: 'Delete',
    danger: true,
  })
  if (!yes) return
  await session.work(`Deleting ${name}`, (job, listener) =>
    edit(session, info, () => session.engine.changes.remove(info.id, path, job, listener)),
  )
  await chooseNearest(session, { pane, info })
}

/** Adds what was dropped or picked to a folder; asks what is to become of names that are taken. */
export async function addThings(
  session: Session,
  { pane, info }: Place,
  folder: string,
  things: Things,
): Promise<void> {
  const { changes } = session.engine
  /** What stands in the folder itself then. */
  const tops = new Set<string>()
  const done = await session.work('Adding files', async (job, listener) => {
    const all: Dropped[] = []
    for await (const batch of things) all.push(...batch)
    for (const { path } of all) tops.add(pathNames(path)[0])
    if (all.length === 0) return undefined
    return edit(session, info, () => changes.upload(info.id, folder, all, job, listener))
  })
  if (done === undefined) return
  const { added, waiting, examples } = done
  let replaced = 0
  if (waiting > 0) {
    const some = examples.map(shownText).join(', ')
    const yes = await session.change.ask({
      title: waiting === 1 ? `Replace ${some}?` : `Replace ${countText(waiting)} files?`,
      text: `${some}${waiting > examples.length ? ' and others are' : waiting === 1 ? ' is' : ' are'} there already.`,
      yes: 'Replace',
      no: 'Keep what is there',
      danger: true,
    })
    replaced =
      (await session.work('Replacing files', (job, listener) =>
        yes
          ? edit(session, info, () => changes.replaceWaiting(info.id, true, job, listener))
          : changes.replaceWaiting(info.id, false),
      )) ?? 0
  }
  const total = added + replaced
  session.say(`${total === 1 ? 'One file is' : `${countText(total)} files are`} added to ${shownText(folder)}.`)
  session.choose(pane, tops.size === 1 ? childPath(folder, [...tops][0]) : folder)
}

/** Something was dropped while an image is changed: asks what is to be done with it. */
export async function dropInto(session: Session, { pane, info }: Place, things: Things): Promise<void> {
  const path = session.chosenIn(pane)
  const entry = await session.engine.files.entry(info.id, path).catch(() => undefined)
  const folder = entry === undefined ? '/' : entry.type === 'dir' ? path : parentPath(path)
  session.change.dialog.value = { kind: 'drop', things, folder, pane, info }
}

/** As a shell takes it, where it is not plain text. */
function pathToCopy(path: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const odd = /[\u0000-\u001f\u007f]|(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/.test(path)
  if (!odd) return path
  const escaped = Array.from(pathBytes(path), byte =>
    byte < 0x20 || byte > 0x7e || byte === 0x27 || byte === 0x5c
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  )
  return `$'${escaped.join('')}'`
}

export async function copyText(session: Session, text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    session.say(`${what} is copied.`)
  } catch {
    session.say(`The browser does not let the page copy. ${what}: ${shownText(text)}`)
  }
}

export function copyPath(session: Session, path: string): Promise<void> {
  return copyText(session, pathToCopy(path), 'The path')
}
