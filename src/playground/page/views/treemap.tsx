// The view of where the bytes of an image are: a treemap of the chosen folder, and a table that says the same.

import { ArrowUp } from 'lucide-preact'
import { useEffect, useState } from 'preact/hooks'
import { parentPath, shownText } from '../../path-text.js'
import type { Measure, TreemapReport } from '../../reports.js'
import { useSession } from '../context.js'
import type { ViewProps } from '../view-props.js'
import { countText } from '../words.js'
import { type Colouring, TreemapPicture } from './treemap-picture.js'
import { amountText, MEASURES, TreemapTable } from './treemap-table.js'

/** What the worker says of the folder; the last report stays until the next one is there. */
function useReport(id: number, revision: number, path: string, measure: Measure) {
  const session = useSession()
  const [found, setFound] = useState<{ readonly measure: Measure; readonly report: TreemapReport }>()
  const [waiting, setWaiting] = useState(true)
  useEffect(() => {
    let here = true
    setWaiting(true)
    void session
      .work('Adding up sizes', (job, listener) => session.engine.treemap.report(id, path, measure, job, listener))
      .then(report => {
        if (!here) return
        setWaiting(false)
        if (report !== undefined) setFound({ measure, report })
      })
    return () => {
      here = false
    }
  }, [id, revision, path, measure, session])
  return { found, waiting }
}

export default function Treemap({ pane, document, path }: ViewProps) {
  const session = useSession()
  const [measure, setMeasure] = useState<Measure>('bytes')
  const [colouring, setColouring] = useState<Colouring>('kind')
  const { found, waiting } = useReport(document.id, document.revision, path, measure)
  if (found === undefined)
    return <p class="waiting-text">{waiting ? 'Adding up sizes…' : 'The sizes are not known.'}</p>
  const { root, broken } = found.report
  const goTo = (to: string) => session.choose(pane, to)
  return (
    <div class="treemap" aria-busy={waiting}>
      <div class="treemap-tools">
        <button type="button" disabled={root.path === '/'} onClick={() => goTo(parentPath(root.path))}>
          <ArrowUp size={16} aria-hidden="true" /> Up
        </button>
        <label>
          Areas{' '}
          <select value={measure} onChange={event => setMeasure(event.currentTarget.value as Measure)}>
            {Object.entries(MEASURES).map(([name, { label }]) => (
              <option key={name} value={name}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          Colours{' '}
          <select value={colouring} onChange={event => setColouring(event.currentTarget.value as Colouring)}>
            <option value="kind">kind of file</option>
            <option value="depth">depth</option>
          </select>
        </label>
        <p class="treemap-total">
          <b>
            <bdi>{root.path === '/' ? 'The whole image' : shownText(root.name)}</bdi>
          </b>
          : {amountText(found.measure, root[found.measure])} in {countText(root.entries)} entries
        </p>
      </div>
      <div class="treemap-both">
        <TreemapPicture
          root={root}
          measure={found.measure}
          colouring={colouring}
          chosen={path}
          onChoose={goTo}
          onOpen={to => session.choose(pane, to, 'contents')}
        />
        <TreemapTable root={root} measure={found.measure} chosen={path} onChoose={goTo} />
      </div>
      <p class="treemap-note">
        {MEASURES[found.measure].about}
        {broken > 0 && ` ${countText(broken)} damaged entries are left out.`}
      </p>
    </div>
  )
}
