// The map as a list of its parts, each with where it begins and ends: for precision, and for who sees no picture. Not here: the picture.

import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { ShownRange } from '../../inspection.js'
import { shownText } from '../../path-text.js'
import type { DocumentId } from '../../protocol.js'
import { useSession } from '../context.js'
import { Rows } from '../rows.js'
import { type Reveal, VirtualList } from '../virtual-list.js'
import { countText } from '../words.js'
import { KindSwatch } from './kind-swatch.js'

const ROW_HEIGHT = 28

interface MapListProps {
  readonly id: DocumentId
  readonly only: string | undefined
  /** The byte that is brought into view at first. */
  readonly offset: number
  onChoose(range: ShownRange): void
}

export function MapList({ id, only, offset, onChoose }: MapListProps) {
  const session = useSession()
  const [count, setCount] = useState(0)
  const [reveal, setReveal] = useState<Reveal>()
  const range = useRef({ start: 0, end: 0 })
  const first = useRef(offset)
  const rows = useMemo(
    () =>
      new Rows<ShownRange>((start, length) =>
        session.attempt(() => session.engine.maps.ranges(id, start, length, only)),
      ),
    [id, only, session],
  )
  useEffect(() => {
    let here = true
    void session
      .attempt(async () => {
        const { maps } = session.engine
        return [await maps.count(id, only), await maps.rowAt(id, first.current, only)]
      })
      .then(found => {
        if (!here || found === undefined) return
        setCount(found[0])
        setReveal({ row: found[1], align: 'center' })
      })
    return () => {
      here = false
    }
  }, [id, only, session])
  rows.arrived.value
  rows.need(range.current.start, Math.min(range.current.end, count))
  return (
    <div class="map-list" role="table" aria-label="Parts of the image" aria-rowcount={count + 1}>
      <div class="map-row map-head" role="row" aria-rowindex={1}>
        <span role="columnheader">start</span>
        <span role="columnheader">end</span>
        <span role="columnheader">bytes</span>
        <span role="columnheader">kind</span>
        <span role="columnheader">of</span>
      </div>
      <VirtualList
        class="map-rows"
        role="rowgroup"
        tabIndex={0}
        aria-label="Parts"
        count={count}
        rowHeight={ROW_HEIGHT}
        reveal={reveal}
        onRange={(start, end) => {
          range.current = { start, end }
          rows.need(start, Math.min(end, count))
        }}
        row={index => <RangeRow row={rows.at(index)} index={index} onChoose={onChoose} />}
      />
    </div>
  )
}

interface RangeRowProps {
  readonly row: ShownRange | undefined
  readonly index: number
  onChoose(range: ShownRange): void
}

function RangeRow({ row, index, onChoose }: RangeRowProps) {
  if (row === undefined) return <div class="map-row" />
  const { start, end, kind, label, path, nid } = row
  return (
    <div class="map-row" role="row" aria-rowindex={index + 2} data-start={start} data-end={end} data-kind={kind}>
      <span role="cell" class="number">
        {countText(start)}
      </span>
      <span role="cell" class="number">
        {countText(end)}
      </span>
      <span role="cell" class="number">
        {countText(end - start)}
      </span>
      <span role="cell" class="map-kind">
        <KindSwatch kind={kind} />
        <span class="map-label">{label}</span>
      </span>
      <span role="cell" class="map-what">
        <button type="button" class="plain" onClick={() => onChoose(row)}>
          <bdi>{path !== undefined ? shownText(path) : nid === undefined ? 'show bytes' : `inode ${nid}`}</bdi>
        </button>
      </span>
    </div>
  )
}
