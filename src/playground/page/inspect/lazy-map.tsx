// The map of an image that is read by ranges: which of its pages are here, and a way to have all of them, which a full map needs. Not
// here: the full map.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Presence } from '../../inspection.js'
import type { DocumentInfo } from '../../protocol.js'
import { useSession } from '../context.js'
import { bytesText, countText } from '../words.js'
import { contextOf } from './map-drawing.js'
import { wholeGrid } from './map-grid.js'
import { useDark, useSize } from './use-size.js'

/** The pages are looked at this often. Milliseconds. */
const LOOK_MS = 700

function usePresence({ id }: DocumentInfo): Presence | undefined {
  const { engine } = useSession()
  const [presence, setPresence] = useState<Presence>()
  useEffect(() => {
    let here = true
    const look = async () => {
      // An image that was closed meanwhile has no pages.
      const found = await engine.maps.presence(id).catch(() => undefined)
      if (here && found !== undefined) setPresence(found)
    }
    void look()
    const timer = setInterval(look, LOOK_MS)
    return () => {
      here = false
      clearInterval(timer)
    }
  }, [id, engine])
  return presence
}

interface LazyMapProps {
  readonly document: DocumentInfo
  /** Called when all of it is here. */
  onAll(): Promise<void>
}

export function LazyMap({ document, onAll }: LazyMapProps) {
  const session = useSession()
  const presence = usePresence(document)
  const { id, size } = document
  const fetchAll = async () => {
    await session.work('Fetching the image', (job, listener) => session.engine.maps.fetchAll(id, job, listener))
    await onAll()
  }
  const total = presence?.pages.length ?? 0
  return (
    <div class="map map-lazy">
      <div class="map-bar">
        <button type="button" class="primary" onClick={() => void fetchAll()}>
          Fetch all of it ({bytesText(size)})
        </button>
        <span class="map-sum">
          {countText(presence?.here ?? 0)} of {countText(total)} blocks have been fetched
        </span>
      </div>
      <div class="map-main">
        {presence !== undefined && <PresencePicture presence={presence} size={size} />}
        <p class="map-place">
          Only what was looked at has been fetched of this image. What its blocks hold is known once all of it is here;
          its entries can be inspected meanwhile.
        </p>
      </div>
      <ul class="map-legend map-side" aria-label="What the colours mean">
        <li>
          <span class="kind-swatch kind-here">✓</span>{' '}
          <span>fetched: {bytesText((presence?.here ?? 0) * (presence?.pageSize ?? 0))}</span>
        </li>
        <li>
          <span class="kind-swatch kind-padding">·</span> <span>not fetched</span>
        </li>
      </ul>
    </div>
  )
}

function PresencePicture({ presence, size }: { readonly presence: Presence; readonly size: number }) {
  const box = useRef<HTMLDivElement>(null)
  const canvas = useRef<HTMLCanvasElement>(null)
  const { width, height } = useSize(box)
  const dark = useDark()
  const { pageSize, pages } = presence
  const grid = useMemo(() => wholeGrid(size, width, height, pageSize), [size, width, height, pageSize])
  useLayoutEffect(() => {
    const element = canvas.current
    const context = element === null ? null : contextOf(element, width, height)
    if (element === null || context === null) return
    const style = getComputedStyle(element)
    const { unit, side, columns } = grid
    for (let square = 0; square * unit < size; square++) {
      const first = Math.floor((square * unit) / pageSize)
      const last = Math.floor((Math.min((square + 1) * unit, size) - 1) / pageSize)
      let here = 0
      for (let page = first; page <= last; page++) here += pages[page]
      context.fillStyle = style.getPropertyValue(here > 0 ? '--map-here' : '--map-padding')
      context.globalAlpha = here === 0 ? 1 : 0.35 + (0.65 * here) / (last - first + 1)
      context.fillRect((square % columns) * side, Math.floor(square / columns) * side, side - 1, side - 1)
    }
    context.globalAlpha = 1
  }, [pageSize, pages, grid, size, width, height, dark])
  return (
    <div
      ref={box}
      class="map-picture"
      role="img"
      aria-label={`${presence.here} of ${presence.pages.length} blocks of the image have been fetched`}
    >
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} />
    </div>
  )
}
