// What is at the place of the map that is pointed at, in words. Not here: finding it out.

import type { PlaceFacts, ShownRange } from '../../inspection.js'
import { shownText } from '../../path-text.js'
import { bytesText, countText } from '../words.js'
import { KindSwatch } from './kind-swatch.js'

function hex(offset: number): string {
  return `0x${offset.toString(16)}`
}

/** Whose a range is. */
function ownerOf({ path, nid }: ShownRange): string {
  if (path !== undefined) return shownText(path)
  return nid === undefined ? '' : `inode ${nid}, which the tree does not show`
}

/** For assistive technology, in one line. */
export function placeWords(place: PlaceFacts | undefined): string {
  const range = place?.range
  if (range === undefined) return ''
  const owner = ownerOf(range)
  const whose = owner === '' ? '' : ` of ${owner}`
  return `${range.label}${whose}, bytes ${countText(range.start)} to ${countText(range.end - 1)}`
}

interface MapPlaceProps {
  readonly place: PlaceFacts | undefined
  readonly offset: number
  /** Bytes of a square. */
  readonly unit: number
  onShow(range: ShownRange): void
}

export function MapPlace({ place, offset, unit, onShow }: MapPlaceProps) {
  const range = place?.range
  if (range === undefined) return <div class="map-place">byte {countText(offset)}</div>
  const { start, end, kind, label, path } = range
  const others = place?.also ?? []
  return (
    <div class="map-place">
      <p class="map-place-what">
        <KindSwatch kind={kind} />
        <strong>{label}</strong>
        <bdi class="map-place-path">{ownerOf(range)}</bdi>
      </p>
      <p class="map-place-where">
        bytes {countText(start)} – {countText(end - 1)} ({hex(start)}), {bytesText(end - start)}
        {(place?.ranges ?? 1) > 1 && `; ${countText(place?.ranges ?? 1)} parts in this square of ${bytesText(unit)}`}
        {others.length > 0 && `; also claimed as ${others.join(', ')}`}
      </p>
      <button type="button" onClick={() => onShow(range)}>
        {path === undefined ? 'Show bytes' : 'Inspect'}
      </button>
    </div>
  )
}
