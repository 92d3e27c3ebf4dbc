// What the colours of a map mean, with how much there is of each kind. Pointing at one lets the others fade; a click keeps it so. Not
// here: the picture.

import type { KindSum } from '../../inspection.js'
import { bytesText, countText } from '../words.js'
import { KindSwatch } from './kind-swatch.js'

interface LegendProps {
  readonly kinds: readonly KindSum[]
  /** Bytes of the image. */
  readonly size: number
  /** The kind that was chosen. */
  readonly only: string | undefined
  onOnly(kind: string | undefined): void
  onPoint(kind: string | undefined): void
}

function shareText(part: number, whole: number): string {
  const share = (100 * part) / whole
  return share >= 10 ? `${share.toFixed(0)} %` : share >= 0.1 ? `${share.toFixed(1)} %` : '< 0.1 %'
}

export function MapLegend({ kinds, size, only, onOnly, onPoint }: LegendProps) {
  const sorted = [...kinds].sort((a, b) => b.bytes - a.bytes)
  return (
    <ul class="map-legend" aria-label="Kinds of parts" onPointerLeave={() => onPoint(undefined)}>
      {sorted.map(({ kind, label, ranges, bytes }) => (
        <li key={kind}>
          <button
            type="button"
            class="plain"
            aria-pressed={only === kind}
            onClick={() => onOnly(only === kind ? undefined : kind)}
            onPointerEnter={() => onPoint(kind)}
            onFocus={() => onPoint(kind)}
            onBlur={() => onPoint(undefined)}
          >
            <KindSwatch kind={kind} />
            <span class="map-label">{label}</span>
            <span class="map-share">{shareText(bytes, size)}</span>
            <span class="map-numbers">
              {bytesText(bytes)} in {countText(ranges)} {ranges === 1 ? 'part' : 'parts'}
            </span>
          </button>
        </li>
      ))}
    </ul>
  )
}
