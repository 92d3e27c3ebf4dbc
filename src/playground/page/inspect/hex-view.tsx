// Bytes of the image, sixteen a row, in the colours of the structures they belong to. A cursor on them moves with mouse and keyboard;
// the field at it is the active one, here and wherever else fields are shown. To assistive technology it is a slider over the bytes.
// Not here: which structures there are (the inspector).

import { memo } from 'preact/compat'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { DocumentId } from '../../protocol.js'
import { useSession } from '../context.js'
import { Rows } from '../rows.js'
import { type Reveal, VirtualList } from '../virtual-list.js'
import { countText } from '../words.js'
import { lookOf } from './kinds.js'
import { type Mark, markAt, segmentsOf } from './marks.js'

const WIDTH = 16
const ROW_HEIGHT = 20
const FIRST_PRINTABLE = 0x20
const LAST_PRINTABLE = 0x7e

export interface HexViewProps {
  readonly id: DocumentId
  /** Bytes of the image. */
  readonly size: number
  readonly marks: readonly Mark[]
  /** Key of the active mark. */
  readonly active: string | undefined
  /** The byte to be brought into view; another object each time. */
  readonly reveal: { readonly offset: number }
  onActive(key: string | undefined): void
  /** A byte that no mark is at was chosen. */
  onByte(offset: number): void
}

function useBytes(id: DocumentId, size: number): Rows<Uint8Array> {
  const session = useSession()
  return useMemo(
    () =>
      new Rows<Uint8Array>(async (start, length) => {
        const from = start * WIDTH
        const most = Math.min(length * WIDTH, size - from)
        const bytes = await session.attempt(() => session.engine.inspector.bytes(id, from, most))
        if (bytes === undefined) return undefined
        return Array.from({ length: Math.ceil(bytes.length / WIDTH) }, (_, row) =>
          bytes.subarray(row * WIDTH, (row + 1) * WIDTH),
        )
      }),
    [id, size, session],
  )
}

export function HexView({ id, size, marks, active, reveal, onActive, onByte }: HexViewProps) {
  const [cursor, setCursor] = useState(reveal.offset)
  const [row, setRow] = useState<Reveal>({ row: Math.floor(reveal.offset / WIDTH), align: 'center' })
  const range = useRef({ start: 0, end: 0 })
  const count = Math.ceil(size / WIDTH)
  const rows = useBytes(id, size)
  const goTo = useCallback((offset: number, align: 'auto' | 'center') => {
    setCursor(offset)
    setRow({ row: Math.floor(offset / WIDTH), align })
  }, [])
  useEffect(() => goTo(reveal.offset, 'center'), [reveal, goTo])
  rows.arrived.value
  rows.need(range.current.start, Math.min(range.current.end, count))

  const move = (to: number) => {
    const offset = Math.max(0, Math.min(to, size - 1))
    goTo(offset, 'auto')
    onActive(markAt(marks, offset)?.key)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const page = 16 * WIDTH
    const moves: Record<string, () => void> = {
      ArrowRight: () => move(cursor + 1),
      ArrowLeft: () => move(cursor - 1),
      ArrowDown: () => move(cursor + WIDTH),
      ArrowUp: () => move(cursor - WIDTH),
      PageDown: () => move(cursor + page),
      PageUp: () => move(cursor - page),
      Home: () => move(event.ctrlKey ? 0 : cursor - (cursor % WIDTH)),
      End: () => move(event.ctrlKey ? size - 1 : cursor - (cursor % WIDTH) + WIDTH - 1),
      Enter: () => onByte(cursor),
    }
    if (event.metaKey || event.altKey || moves[event.key] === undefined) return
    event.preventDefault()
    moves[event.key]()
  }
  const here = markAt(marks, cursor)
  const byte = rows.at(Math.floor(cursor / WIDTH))?.[cursor % WIDTH]
  const onCell = (offset: number, chosen: boolean) => {
    const mark = markAt(marks, offset)
    onActive(mark?.key)
    if (!chosen) return
    setCursor(offset)
    if (mark === undefined) onByte(offset)
  }
  return (
    <div class="raw-view">
      <VirtualList
        class="raw-rows"
        role="slider"
        tabIndex={0}
        aria-label="Bytes of the image"
        aria-valuemin={0}
        aria-valuemax={size - 1}
        aria-valuenow={cursor}
        aria-valuetext={cursorText(cursor, byte, here)}
        onKeyDown={onKeyDown}
        onPointerLeave={() => onActive(undefined)}
        onPointerMove={event => {
          const offset = offsetOf(event.target)
          if (event.pointerType === 'mouse' && offset !== undefined) onCell(offset, false)
        }}
        onClick={event => {
          const offset = offsetOf(event.target)
          if (offset !== undefined) onCell(offset, true)
        }}
        count={count}
        rowHeight={ROW_HEIGHT}
        reveal={row}
        onRange={(first, last) => {
          range.current = { start: first, end: last }
          rows.need(first, Math.min(last, count))
        }}
        row={index => {
          const start = index * WIDTH
          const inRow = cursor >= start && cursor < start + WIDTH
          return (
            <HexRow
              start={start}
              bytes={rows.at(index)}
              marks={marks}
              active={active}
              cursor={inRow ? cursor - start : undefined}
            />
          )
        }}
      />
      <p class="raw-status" aria-hidden="true">
        {cursorText(cursor, byte, here)}
      </p>
    </div>
  )
}

/** The byte that an element of a row stands for. */
function offsetOf(target: EventTarget | null): number | undefined {
  const cell = target instanceof Element ? target.closest('[data-byte]') : null
  return cell === null ? undefined : Number(cell.getAttribute('data-byte'))
}

function hexOf(number: number, digits: number): string {
  return number.toString(16).padStart(digits, '0')
}

function cursorText(offset: number, byte: number | undefined, mark: Mark | undefined): string {
  const value = byte === undefined ? '' : `: ${hexOf(byte, 2)}`
  const what = mark === undefined ? '' : `, ${mark.field} of ${mark.structure} = ${mark.value}`
  return `byte ${countText(offset)} (0x${hexOf(offset, 1)})${value}${what}`
}

interface HexRowProps {
  readonly start: number
  readonly bytes: Uint8Array | undefined
  readonly marks: readonly Mark[]
  readonly active: string | undefined
  readonly cursor: number | undefined
}

const HexRow = memo(({ start, bytes, marks, active, cursor }: HexRowProps) => {
  const label = <span class="raw-offset">{hexOf(start, 8)}</span>
  if (bytes === undefined) return <div class="raw-row">{label}</div>
  const segments = segmentsOf(marks, start, bytes.length)
  const classOf = (mark: Mark | undefined, odd: boolean) => {
    if (mark === undefined) return 'raw-part'
    const state = `${odd ? ' odd' : ''}${mark.key === active ? ' active' : ''}`
    return `raw-part marked kind-${lookOf(mark.kind).colour}${state}`
  }
  const cells = (text: (byte: number) => string) =>
    segments.map(({ from, to, mark, odd }) => (
      <span key={from} class={classOf(mark, odd)} data-mark={mark?.key}>
        {Array.from(bytes.subarray(from, to), (byte, i) => (
          <span
            key={from + i}
            class={from + i === cursor ? 'raw-cell cursor' : 'raw-cell'}
            data-byte={start + from + i}
          >
            {text(byte)}
          </span>
        ))}
      </span>
    ))
  return (
    <div class="raw-row">
      {label}
      <span class="raw-hex">{cells(byte => hexOf(byte, 2))}</span>
      <span class="raw-text">
        {cells(byte => (byte >= FIRST_PRINTABLE && byte <= LAST_PRINTABLE ? String.fromCharCode(byte) : '·'))}
      </span>
    </div>
  )
})
