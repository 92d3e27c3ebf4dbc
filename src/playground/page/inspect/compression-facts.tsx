// How an entry's compressed data is stored: by what, in how many bytes, and every extent with the place of its bytes. Not here: its
// structures field by field (field-list.tsx).

import type { ShownCompression, ShownExtent } from '../../inspection.js'
import { bytesText, countText } from '../words.js'
import { Fact, Place } from './entry-facts.js'

interface CompressionProps {
  readonly compression: ShownCompression
  /** Shows a byte. */
  onReveal(offset: number): void
}

const PLACES: Readonly<Record<ShownExtent['place'], string>> = {
  image: '',
  inline: 'inline',
  metabox: 'in the metabox',
  packed: 'a fragment, in the packed inode',
  hole: 'a hole: zeros',
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.1 ? 2 : 1)} %`
}

export function CompressionFacts({ compression, onReveal }: CompressionProps) {
  const { indexes, clusterSize, algorithms, size, stored, fragments, ratio, extents, list, more } = compression
  return (
    <>
      <dl class="entry-facts">
        {algorithms.length > 0 && (
          <Fact name="algorithm">
            <span data-fact="algorithms">{algorithms.join(', ')}</span>
          </Fact>
        )}
        <Fact name="stored in">
          <span data-fact="stored">{bytesText(stored)}</span>
          {ratio !== undefined && (
            <>
              , <span data-fact="ratio">{percent(ratio)}</span> of {bytesText(size - fragments)}
            </>
          )}
          {fragments > 0 && `, and ${bytesText(fragments)} among the fragments of many files`}
        </Fact>
        <Fact name="told by">
          {indexes}
          {clusterSize !== undefined && `, clusters of ${bytesText(clusterSize)}`}
        </Fact>
        <Fact name="extents">
          <span data-fact="extents">{countText(extents)}</span>
          {more && ' and more'}
        </Fact>
      </dl>
      <ol class="extents" aria-label="Extents">
        {list.map(one => (
          <ExtentRow key={one.at} extent={one} onReveal={onReveal} />
        ))}
      </ol>
      {list.length < extents && <p class="nothing-here">The first {countText(list.length)} are listed.</p>}
    </>
  )
}

function ExtentRow({ extent, onReveal }: { readonly extent: ShownExtent; onReveal(offset: number): void }) {
  const { at, length, place, offset, stored, form } = extent
  const here = offset !== undefined && (place === 'image' || place === 'inline')
  const share = length === 0 ? 0 : Math.min(1, stored / length)
  return (
    <li data-at={at} data-length={length}>
      <span class="extent-range">
        {countText(at)} … {countText(at + length - 1)}
      </span>
      <meter min={0} max={1} value={share} title={`${countText(stored)} bytes hold ${countText(length)}`} />
      <span class="extent-place">
        {here && <Place offset={offset} onReveal={onReveal} />}
        {[PLACES[place], place === 'hole' ? '' : bytesText(stored), form ?? ''].filter(text => text !== '').join(', ')}
      </span>
    </li>
  )
}
