// How images come in by the page: things that are dropped or picked, links. Not here: what becomes of their bytes (the worker).

import { shownText } from '../path-text.js'
import type { DocumentInfo, Dropped, TakeWish, UrlWish } from '../protocol.js'
import { filesThings, type Things } from './drop.js'
import { type Session, wantedBy } from './session.js'

/** The demo that comes with the site: two images, and the objects that they share. */
const DEMO_STORE = 'demo/objects'
const DEMO: readonly UrlWish[] = [
  { image: 'demo/one.cfs', store: DEMO_STORE },
  { image: 'demo/two.cfs', store: DEMO_STORE },
]

/** Opens what the page's address asks for, now and when it changes. */
export async function openWanted(session: Session): Promise<void> {
  addEventListener('hashchange', () => void follow(session))
  addEventListener('popstate', () => void follow(session))
  await follow(session)
}

/** Shows what the address names: an image that is open already is not opened again. */
async function follow(session: Session): Promise<void> {
  const { image, store, digest, path } = wantedBy(location)
  if (session.revisit(history.state, path)) return
  const shown = session.documentOf(session.pane.value)
  if (image === undefined) {
    // What was closed and came from no URL can't be shown again.
    if (history.state === null && shown !== undefined && shown.url === undefined)
      session.choose(session.pane.value, path)
    return
  }
  const open = [shown, ...session.documents.value].find(one => one?.url === image)
  if (open === undefined) {
    await openUrl(session, { image, store, digest }, path)
    return
  }
  if (open !== shown) session.show(open.id)
  session.choose(session.pane.value, path)
}

export async function openUrl(session: Session, wish: UrlWish, path?: string): Promise<DocumentInfo | undefined> {
  const info = await session.work('Opening a link', (job, listener) =>
    session.engine.documents.openUrl(wish, job, listener),
  )
  if (info !== undefined) session.opened(info, path)
  return info
}

export async function openDemo(session: Session): Promise<void> {
  for (const wish of DEMO) await openUrl(session, wish)
}

export function openFiles(session: Session, files: ArrayLike<File>, wish?: TakeWish): Promise<void> {
  return openThings(session, filesThings(files), wish)
}

/** Opens what was dropped or picked; objects without an image go to the one that is shown. */
export async function openThings(session: Session, things: Things, wish: TakeWish = {}): Promise<void> {
  const { intake } = session.engine
  const into = session.documentOf(session.pane.value)?.id
  const taken = await session.work('Reading what was dropped', async (job, listener) => {
    const heap = await gathered(session, things)
    return intake.take(heap, { into, ...wish }, job, listener)
  })
  if (taken === undefined) return
  for (const info of taken.opened) session.opened(info)
  for (const { id, name } of taken.given) {
    await session.refresh(id)
    session.say(`${shownText(name)} has got its objects: the contents of its files can be read now.`)
  }
  for (const problem of taken.problems) session.say(problem, 'error')
}

/** The things themselves where they are few, else the heap in the worker that they were put on. */
async function gathered(session: Session, things: Things): Promise<number | readonly Dropped[]> {
  const { intake } = session.engine
  let first: readonly Dropped[] | undefined
  let heap: number | undefined
  for await (const batch of things) {
    if (first === undefined) {
      first = batch
      continue
    }
    if (heap === undefined) {
      heap = await intake.begin()
      await intake.add(heap, first)
    }
    await intake.add(heap, batch)
  }
  return heap ?? first ?? []
}

/** Gives the shown image objects by their URL. */
export async function giveStoreUrl(session: Session, info: DocumentInfo, url: string): Promise<void> {
  const done = await session.attempt(async () => {
    await session.engine.documents.giveUrl(info.id, url)
    return true
  })
  if (done !== true) return
  await session.refresh(info.id)
  session.say(`Objects of ${shownText(info.name)} are looked for there from now on.`)
}
