// The picture of an image: squares in the colours of what they hold, with a place in it that mouse and keyboard move. To assistive
// technology it is a slider over the bytes that says what is there. Not here: what a place is (the view asks), the list.

import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Squares } from '../../inspection.js'
import { contextOf, drawCursor, drawSquares, type Palette, paletteOf } from './map-drawing.js'
import { byteAt, type Grid, wholeGrid, zoomedGrid } from './map-grid.js'
import { useDark, useSize } from './use-size.js'

/** Stripes of a square: a CSS pixel each, and not more than this. */
const STRIPES_MOST = 16
/** Rows beyond what is seen that are asked for along with it. */
const ROWS_AROUND = 8

export interface MapPictureProps {
  /** Bytes of the image. */
  readonly size: number
  readonly kindNames: readonly string[]
  readonly zoom: number
  readonly only: string | undefined
  /** The byte that is pointed at. */
  readonly offset: number
  /** The range around it. */
  readonly range: { readonly start: number; readonly end: number } | undefined
  /** In words. */
  readonly placeText: string
  /** Of the element that tells the keys. */
  readonly keysId: string
  /** Kinds of the stripes of some squares. */
  cells(squares: Squares): Promise<Uint8Array | undefined>
  onPlace(offset: number, unit: number): void
  onChoose(offset: number): void
  /** The next range, or the one before. */
  onStep(by: number): void
  onGrid(grid: Grid): void
}

interface Shown {
  readonly grid: Grid
  readonly firstRow: number
  readonly rows: number
  readonly kinds: Uint8Array
  readonly stripes: number
}

function stripesOf({ unit, side }: Grid): number {
  return Math.min(STRIPES_MOST, side - 1, unit)
}

/** Squares that are to be seen, asked for when that changes; the last answer counts. */
function useCells(grid: Grid, firstRow: number, rows: number, cells: MapPictureProps['cells']): Shown | undefined {
  const [shown, setShown] = useState<Shown>()
  useEffect(() => {
    let here = true
    const { columns, unit } = grid
    const stripes = stripesOf(grid)
    const from = firstRow * columns * unit
    void cells({ from, unit, stripes, count: rows * columns }).then(kinds => {
      if (here && kinds !== undefined) setShown({ grid, firstRow, rows, kinds, stripes })
    })
    return () => {
      here = false
    }
  }, [grid, firstRow, rows, cells])
  return shown
}

export function MapPicture(props: MapPictureProps) {
  const { size, kindNames, zoom, only, offset, range, placeText, onGrid } = props
  const box = useRef<HTMLDivElement>(null)
  const squares = useRef<HTMLCanvasElement>(null)
  const marks = useRef<HTMLCanvasElement>(null)
  const { width, height } = useSize(box)
  const dark = useDark()
  const [scroll, setScroll] = useState(0)
  /** The keyboard has moved the place, which is to be seen then. */
  const moved = useRef(false)
  const grid = useMemo(() => zoomedGrid(size, wholeGrid(size, width, height), zoom, width), [size, width, height, zoom])
  useEffect(() => onGrid(grid), [grid, onGrid])
  const { side, columns, unit } = grid
  const seenRow = Math.floor(scroll / side)
  const seenRows = Math.ceil(height / side) + 1
  const firstRow = Math.max(0, Math.floor((seenRow - ROWS_AROUND) / ROWS_AROUND) * ROWS_AROUND)
  const shown = useCells(grid, firstRow, seenRows + 3 * ROWS_AROUND, props.cells)
  const palette = useMemo<Palette | undefined>(
    () => (box.current === null ? undefined : paletteOf(box.current, kindNames)),
    [kindNames, dark, width],
  )

  useLayoutEffect(() => {
    const context = squares.current === null ? null : contextOf(squares.current, width, height)
    if (context === null || shown === undefined || shown.grid !== grid || palette === undefined) return
    drawSquares(context, { ...shown, only, top: shown.firstRow * side - scroll }, palette)
  }, [shown, grid, palette, only, scroll, width, height, side])
  useLayoutEffect(() => {
    const context = marks.current === null ? null : contextOf(marks.current, width, height)
    if (context === null || palette === undefined) return
    drawCursor(context, { grid, firstRow: 0, top: -scroll }, range, offset, palette)
  }, [grid, range, offset, palette, scroll, width, height])
  useKeptPlace(box, grid, offset, moved)

  const move = (to: number) => props.onPlace(Math.max(0, Math.min(to, size - 1)), unit)
  const onKeyDown = (event: KeyboardEvent) => {
    const row = columns * unit
    const page = Math.max(1, Math.floor(height / side) - 1) * row
    const here = Math.floor(offset / unit) * unit
    const moves: Record<string, () => void> = {
      ArrowRight: () => (event.shiftKey ? props.onStep(1) : move(here + unit)),
      ArrowLeft: () => (event.shiftKey ? props.onStep(-1) : move(here - unit)),
      ArrowDown: () => move(Math.min(here + row, size - 1)),
      ArrowUp: () => here >= row && move(here - row),
      PageDown: () => move(here + page),
      PageUp: () => move(here - page),
      Home: () => move(0),
      End: () => move(size - 1),
      Enter: () => props.onChoose(offset),
    }
    if (event.ctrlKey || event.metaKey || event.altKey || moves[event.key] === undefined) return
    event.preventDefault()
    moved.current = true
    moves[event.key]()
  }
  const pointedAt = (event: MouseEvent) => {
    const bounds = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return byteAt(grid, size, event.clientX - bounds.left, event.clientY - bounds.top + scroll)
  }
  return (
    <div
      ref={box}
      class="map-picture"
      role="slider"
      tabIndex={0}
      aria-label="Place in the image"
      aria-valuemin={0}
      aria-valuemax={size - 1}
      aria-valuenow={offset}
      aria-valuetext={placeText}
      aria-describedby={props.keysId}
      onKeyDown={onKeyDown}
      onScroll={event => setScroll((event.currentTarget as HTMLElement).scrollTop)}
      onPointerMove={event => {
        const at = event.pointerType === 'mouse' ? pointedAt(event) : undefined
        if (at !== undefined && at !== offset) props.onPlace(at, unit)
      }}
      onClick={event => {
        const at = pointedAt(event)
        if (at === undefined) return
        // A finger has not pointed at it before.
        if ((event as unknown as PointerEvent).pointerType === 'touch') props.onPlace(at, unit)
        else props.onChoose(at)
      }}
    >
      <div class="map-sheet" style={{ height: `${height}px`, width: `${width}px` }}>
        <canvas ref={squares} style={{ width: `${width}px`, height: `${height}px` }} />
        <canvas ref={marks} style={{ width: `${width}px`, height: `${height}px` }} />
      </div>
      <div style={{ height: `${Math.max(0, grid.rows * side - height)}px` }} />
    </div>
  )
}

/** Brings the place into view when the keyboard moves it, and when the squares become others. */
function useKeptPlace(
  box: RefObject<HTMLDivElement | null>,
  grid: Grid,
  offset: number,
  moved: RefObject<boolean>,
): void {
  const before = useRef(grid)
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const top = Math.floor(offset / grid.unit / grid.columns) * grid.side
    const { scrollTop, clientHeight } = element
    if (before.current !== grid) element.scrollTop = top - clientHeight / 2
    else if (moved.current === true && top < scrollTop) element.scrollTop = top
    else if (moved.current === true && top + grid.side > scrollTop + clientHeight)
      element.scrollTop = top + grid.side - clientHeight
    before.current = grid
    moved.current = false
  }, [box, grid, offset, moved])
}
