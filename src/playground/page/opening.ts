// How images come in by the page: files that are dropped or picked, links. Not here: what becomes of their bytes (the worker).

import type { DocumentInfo } from '../protocol.js'
import { type Session, wantedBy } from './session.js'

/** The demo that comes with the site. */
export const DEMO = { image: 'demo/two.cfs', store: 'demo/objects' } as const

/** Opens what the page's address asks for. */
export async function openWanted(session: Session): Promise<void> {
  const { image, store, digest, path } = wantedBy(location)
  if (image !== undefined) await openUrl(session, image, store, digest, path)
}

export async function openUrl(
  session: Session,
  image: string,
  store?: string,
  digest?: string,
  path?: string,
): Promise<DocumentInfo | undefined> {
  const info = await session.attempt(() => session.engine.documents.openUrl(image, store, digest))
  if (info !== undefined) session.opened(info, path)
  return info
}

/** Opens files one after the other. */
export async function openFiles(session: Session, files: readonly File[]): Promise<void> {
  for (const file of files) {
    const info = await session.attempt(() => session.engine.documents.openFile(file, file.name))
    if (info !== undefined) session.opened(info)
  }
}
