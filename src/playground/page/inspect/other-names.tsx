// The other names of a file that has several. Not here: whose they are (the worker looks through the image).

import { useEffect, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import { useSession } from '../context.js'
import type { Pane } from '../session.js'

/** Names that are listed at most. */
const NAMES_MOST = 50

interface OtherNamesProps {
  readonly pane: Pane
  readonly id: DocumentId
  readonly nid: number
  readonly path: string
}

export function OtherNames({ pane, id, nid, path }: OtherNamesProps) {
  const session = useSession()
  const [names, setNames] = useState<readonly string[]>()
  useEffect(() => {
    let here = true
    setNames(undefined)
    void session
      .attempt(() => session.engine.maps.names(id, nid, NAMES_MOST))
      .then(found => {
        if (here) setNames(found?.filter(name => name !== path) ?? [])
      })
    return () => {
      here = false
    }
  }, [id, nid, path, session])
  if (names === undefined) return <p class="nothing-here">looking…</p>
  if (names.length === 0)
    return <p class="nothing-here">Not known: fetch all of the image (in its map) to find them.</p>
  return (
    <ul class="other-names">
      {names.map(name => (
        <li key={name}>
          <button type="button" class="plain place" onClick={() => session.choose(pane, name)}>
            <bdi>{shownText(name)}</bdi>
          </button>
        </li>
      ))}
    </ul>
  )
}
