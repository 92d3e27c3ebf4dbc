// What is different in an open image, as lists and badges show it; found out once for each revision. Not here: how it is found out
// (src/overlay/changes.ts).

import type { Change } from '../../overlay/changes.js'
import type { ChangeKind, ChangeList, ChangeRow } from '../changing.js'
import { pathText } from '../path-text.js'
import type { Badge } from '../protocol.js'
import type { OpenDocument } from './open-document.js'

function rowOf({ path, pathBytes, change, type, from, what }: Change): ChangeRow {
  const words = type === 'directory' ? 'folder' : type
  return {
    path: pathBytes === undefined ? path : pathText(pathBytes),
    kind: change,
    type: words,
    what: what ?? [],
    from,
  }
}

async function listOf(document: OpenDocument): Promise<ChangeList> {
  const rows = ((await document.working?.changesAsync()) ?? []).map(rowOf)
  const counts: Record<ChangeKind, number> = { added: 0, modified: 0, deleted: 0, renamed: 0 }
  for (const { kind } of rows) counts[kind]++
  return { counts, rows }
}

export function changesOf(document: OpenDocument): Promise<ChangeList> {
  return document.keep('changes', () => listOf(document))
}

export function badgesOf(document: OpenDocument): Promise<ReadonlyMap<string, Badge>> {
  return document.keep('change badges', async () => {
    const { rows } = await changesOf(document)
    const badges = new Map<string, Badge>()
    for (const { path, kind } of rows) {
      if (kind !== 'deleted') badges.set(path, kind === 'added' ? 'added' : 'modified')
    }
    return badges
  })
}
