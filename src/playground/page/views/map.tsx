// The view of what an image's bytes are: a picture or a list of its parts, what the colours mean, and what is at the place that is
// pointed at. Not here: the bytes themselves (inspector.tsx).

import { useCallback, useEffect, useId, useRef, useState } from 'preact/hooks'
import type { MapSummary, PlaceFacts, ShownRange, Squares } from '../../inspection.js'
import type { DocumentInfo } from '../../protocol.js'
import { useSession } from '../context.js'
import { LazyMap } from '../inspect/lazy-map.js'
import { type Grid, UNIT_MIN } from '../inspect/map-grid.js'
import { MapLegend } from '../inspect/map-legend.js'
import { MapList } from '../inspect/map-list.js'
import { MapPicture } from '../inspect/map-picture.js'
import { MapPlace, placeWords } from '../inspect/map-place.js'
import type { ViewProps } from '../view-props.js'
import { bytesText, countText } from '../words.js'

/** An image that is larger takes long enough that people are told how far its map is. Bytes. */
const SLOW_FROM = 4 << 20

type Has = 'nothing' | 'parts' | 'all'

/** The map as the worker makes it, once all of the image is there. */
function useSummary({ id, size }: DocumentInfo) {
  const session = useSession()
  const [has, setHas] = useState<Has>('nothing')
  const [summary, setSummary] = useState<MapSummary>()
  const load = useCallback(async () => {
    const { maps } = session.engine
    const all = await session.attempt(() => maps.hasAll(id))
    setHas(all === true ? 'all' : 'parts')
    if (all !== true) return
    const made =
      size < SLOW_FROM
        ? await session.attempt(() => maps.summary(id))
        : await session.work('Mapping the image', (job, listener) => maps.summary(id, job, listener))
    if (made !== undefined) setSummary(made)
  }, [id, size, session])
  useEffect(() => void load(), [load])
  return { has, summary, load }
}

/** What is at a byte, asked for as that moves; the last answer counts. */
function usePlace(id: number, offset: number, unit: number, ready: boolean): PlaceFacts | undefined {
  const session = useSession()
  const [place, setPlace] = useState<PlaceFacts>()
  useEffect(() => {
    if (!ready) return
    let here = true
    void session
      .attempt(() => session.engine.maps.at(id, offset, unit))
      .then(found => {
        if (here && found !== undefined) setPlace(found)
      })
    return () => {
      here = false
    }
  }, [id, offset, unit, ready, session])
  return place
}

export default function ImageMapView(props: ViewProps) {
  const { has, summary, load } = useSummary(props.document)
  if (has === 'parts') return <LazyMap document={props.document} onAll={load} />
  if (summary === undefined) return <p class="waiting-text">Looking at every part of the image…</p>
  return <WholeMap {...props} summary={summary} />
}

function WholeMap({ pane, document, path, summary }: ViewProps & { readonly summary: MapSummary }) {
  const session = useSession()
  const { id, size } = document
  const keysId = useId()
  const [listed, setListed] = useState(false)
  const [zoom, setZoom] = useState(0)
  const [only, setOnly] = useState<string>()
  const [pointed, setPointed] = useState<string>()
  const [offset, setOffset] = useState(0)
  const [grid, setGrid] = useState<Grid>()
  const unit = grid?.unit ?? 1
  const place = usePlace(id, offset, unit, !listed)
  const last = useRef<PlaceFacts | undefined>(undefined)
  last.current = place
  const cells = useCallback(
    (squares: Squares) => session.attempt(() => session.engine.maps.cells(id, squares)),
    [id, session],
  )
  const show = (range: ShownRange, at: number) => {
    const to = range.path ?? path
    pane.place.value = { path: to, offset: at }
    session.choose(pane, to, 'inspector')
  }
  const choose = async (at: number) => {
    setOffset(at)
    const found = await session.attempt(() => session.engine.maps.at(id, at, 1))
    if (found?.range !== undefined) show(found.range, found.range.start)
  }
  const step = async (by: number) => {
    const index = (last.current?.range?.index ?? 0) + by
    const [next] = (await session.attempt(() => session.engine.maps.ranges(id, Math.max(0, index), 1))) ?? []
    if (next !== undefined) setOffset(next.start)
  }
  return (
    <div class="map">
      <div class="map-bar" role="toolbar" aria-label="Map">
        <button type="button" aria-pressed={!listed} onClick={() => setListed(false)}>
          Picture
        </button>
        <button type="button" aria-pressed={listed} onClick={() => setListed(true)}>
          List
        </button>
        <span class="tab-gap" aria-hidden="true" />
        <button type="button" disabled={listed || zoom === 0} onClick={() => setZoom(zoom - 1)} aria-label="Zoom out">
          −
        </button>
        <button
          type="button"
          disabled={listed || unit <= UNIT_MIN}
          onClick={() => setZoom(zoom + 1)}
          aria-label="Zoom in"
        >
          +
        </button>
        {!listed && <span class="map-unit">a square is {bytesText(unit)}</span>}
        <span class="map-sum">
          {bytesText(size)}, {countText(summary.ranges)} parts, {countText(summary.inodes)} inodes
        </span>
      </div>
      <div class="map-main">
        {listed ? (
          <MapList id={id} only={only} offset={offset} onChoose={range => show(range, range.start)} />
        ) : (
          <>
            <MapPicture
              size={size}
              kindNames={summary.kindNames}
              zoom={zoom}
              only={pointed ?? only}
              offset={offset}
              range={place?.range}
              placeText={placeWords(place)}
              keysId={keysId}
              cells={cells}
              onPlace={setOffset}
              onChoose={at => void choose(at)}
              onStep={by => void step(by)}
              onGrid={setGrid}
            />
            <MapPlace place={place} offset={offset} unit={unit} onShow={range => show(range, range.start)} />
          </>
        )}
      </div>
      <div class="map-side">
        <MapLegend kinds={summary.kinds} size={size} only={only} onOnly={setOnly} onPoint={setPointed} />
        {summary.faultCount > 0 && <Faults summary={summary} />}
      </div>
      <p id={keysId} class="hidden">
        Arrow keys move by squares, with Shift by parts; Enter shows what is there.
      </p>
    </div>
  )
}

function Faults({ summary: { faults, faultCount } }: { readonly summary: MapSummary }) {
  return (
    <details class="map-faults">
      <summary>
        {countText(faultCount)} {faultCount === 1 ? 'structure is' : 'structures are'} damaged
      </summary>
      <ul>
        {faults.map((text, at) => (
          <li key={at}>{text}</li>
        ))}
      </ul>
    </details>
  )
}
