// The largest objects of all images, or of the set that was chosen in the picture, with who needs them.

import { useEffect, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import type { SharedObject, SharingImage } from '../../reports.js'
import { useSession } from '../context.js'
import { bytesText, countText } from '../words.js'

const MOST = 100

interface Props {
  readonly ids: readonly DocumentId[]
  readonly images: readonly SharingImage[]
  readonly set: readonly DocumentId[] | undefined
  onAll(): void
}

export function SharingObjects({ ids, images, set, onAll }: Props) {
  const session = useSession()
  const [found, setFound] = useState<readonly SharedObject[]>()
  const key = `${ids.join()} ${set?.join()}`
  useEffect(() => {
    let here = true
    void session
      .attempt(() => session.engine.sharing.largest(ids, set, MOST))
      .then(list => here && list !== undefined && setFound(list))
    return () => {
      here = false
    }
  }, [key, session])
  const nameOf = (id: DocumentId) => shownText(images.find(one => one.id === id)?.name ?? '?')
  const show = (id: DocumentId, path: string) => {
    const pane = session.pane.value
    session.show(id, pane)
    session.choose(pane, path, 'contents')
  }
  const where =
    set === undefined
      ? 'of all images'
      : set.length === 1
        ? `only in ${nameOf(set[0])}`
        : `in ${set.map(nameOf).join(' and ')}`
  return (
    <section class="sharing-objects" aria-label="The largest objects">
      <div class="sharing-head">
        <h2>
          The largest objects <bdi>{where}</bdi>
        </h2>
        {set !== undefined && (
          <button type="button" onClick={onAll}>
            All objects
          </button>
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <div class="table-box" role="group" tabIndex={0} aria-label="Objects">
        <table class="facts-table">
          <thead>
            <tr>
              <th scope="col" class="number">
                Size
              </th>
              <th scope="col">Needed by</th>
              <th scope="col">Object</th>
            </tr>
          </thead>
          <tbody>
            {(found ?? []).map(({ object, size, ids: having, paths }) => (
              <tr key={object}>
                <td class="number">{bytesText(size)}</td>
                <td>
                  {having.map((id, index) => (
                    <div key={id} class="needed">
                      <span class="needed-image">
                        <bdi>{nameOf(id)}</bdi>
                      </span>
                      <button type="button" class="plain" onClick={() => show(id, paths[index])}>
                        <bdi>{shownText(paths[index])}</bdi>
                      </button>
                    </div>
                  ))}
                </td>
                <td>
                  <code title={shownText(object)}>{shownText(object.slice(0, 14))}…</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {found?.length === MOST && <p class="hint">The {countText(MOST)} largest ones.</p>}
    </section>
  )
}
