// The view of what the open images share: sums, a picture of the sets, and the largest objects of one. About all open images, those
// that are not wanted can be left out.

import { useEffect, useState } from 'preact/hooks'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import type { SharingReport } from '../../reports.js'
import { useSession } from '../context.js'
import { Sum } from '../sum.js'
import type { ViewProps } from '../view-props.js'
import { bytesText, countText } from '../words.js'
import { SharingObjects } from './sharing-objects.js'
import { SharingPicture } from './sharing-picture.js'

function useReport(ids: readonly DocumentId[]): SharingReport | undefined {
  const session = useSession()
  const [report, setReport] = useState<SharingReport>()
  const key = ids.join()
  useEffect(() => {
    let here = true
    void session
      .work('Looking for objects', (job, listener) => session.engine.sharing.report(ids, job, listener))
      .then(found => here && found !== undefined && setReport(found))
    return () => {
      here = false
    }
  }, [key, session])
  return report
}

function objectsText({ objects, bytes }: { readonly objects: number; readonly bytes: number }): string {
  return `${countText(objects)} object${objects === 1 ? '' : 's'}, ${bytesText(bytes)}`
}

export default function Sharing(_: ViewProps) {
  const session = useSession()
  const [without, setWithout] = useState<ReadonlySet<DocumentId>>(new Set())
  const [set, setSet] = useState<readonly DocumentId[]>()
  const open = session.documents.value
  const ids = open.map(one => one.id).filter(id => !without.has(id))
  const report = useReport(ids)
  if (report === undefined) return <p class="waiting-text">Looking for objects…</p>
  const { images, sets, together } = report
  const apart = images.reduce((sum, one) => sum + one.bytes, 0)
  const fileBytes = images.reduce((sum, one) => sum + one.fileBytes, 0)
  const toggle = (id: DocumentId) => {
    const next = new Set(without)
    if (!next.delete(id)) next.add(id)
    setWithout(next)
    setSet(undefined)
  }
  return (
    <div class="sharing">
      {open.length > 1 ? (
        <fieldset class="sharing-choice">
          <legend>Images</legend>
          {open.map(({ id, name }) => (
            <label key={id}>
              <input type="checkbox" checked={!without.has(id)} onChange={() => toggle(id)} />{' '}
              <bdi>{shownText(name)}</bdi>
            </label>
          ))}
        </fieldset>
      ) : (
        <p class="hint">Open a second image to see what the two share. Files of one image share objects, too.</p>
      )}
      <dl class="sums">
        <Sum label="Files, each on its own" value={bytesText(fileBytes)} />
        <Sum label="Each image with its own objects" value={bytesText(apart)} />
        <Sum label="In one store" value={bytesText(together.bytes)} hint={objectsText(together)} />
        <Sum
          label="Saved"
          value={`${bytesText(fileBytes - together.bytes)}${fileBytes > 0 ? ` (${Math.round((100 * (fileBytes - together.bytes)) / fileBytes)} %)` : ''}`}
        />
      </dl>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard */}
      <div class="table-box" role="group" tabIndex={0} aria-label="Images and what they share">
        <table class="facts-table">
          <caption class="hidden">What each image takes</caption>
          <thead>
            <tr>
              <th scope="col">Image</th>
              <th scope="col" class="number">
                Objects
              </th>
              <th scope="col" class="number">
                Only in it
              </th>
              <th scope="col" class="number" title="Beyond the images above it">
                Adds to those above
              </th>
              <th scope="col" class="number">
                The image itself
              </th>
            </tr>
          </thead>
          <tbody>
            {images.map(one => (
              <tr key={one.id}>
                <th scope="row">
                  <bdi>{shownText(one.name)}</bdi>
                </th>
                <td class="number">{objectsText(one)}</td>
                <td class="number">{objectsText(one.unique)}</td>
                <td class="number">{objectsText(one.adds)}</td>
                <td class="number">{bytesText(one.imageBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {together.objects === 0 ? (
        <p class="hint">No file of these images has its bytes in an object.</p>
      ) : (
        <>
          <SharingPicture images={images} sets={sets} chosen={set} onChoose={setSet} />
          <SharingObjects ids={ids} images={images} set={set} onAll={() => setSet(undefined)} />
        </>
      )}
    </div>
  )
}
