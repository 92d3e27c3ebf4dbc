// Draws squares of a map: what they hold, and on a second canvas what is pointed at. Not here: what they hold, or where the picture
// is scrolled to (map-picture.tsx).

import { type KindLook, lookOf } from './kinds.js'
import type { Grid } from './map-grid.js'

/** Letters are drawn in squares of this size on. CSS pixels. */
const LETTER_SIDE = 18
const FAINT = 0.13

/** Colours as the page has them now. */
export interface Palette {
  readonly fills: readonly string[]
  readonly looks: readonly KindLook[]
  readonly letter: string
  readonly line: string
  readonly font: string
  /** Of what has not been fetched. */
  readonly absent: string
}

export function paletteOf(element: Element, kindNames: readonly string[]): Palette {
  const style = getComputedStyle(element)
  const looks = kindNames.map(lookOf)
  const value = (name: string) => style.getPropertyValue(name).trim()
  return {
    fills: looks.map(look => value(`--map-${look.colour}`)),
    looks,
    letter: value('--map-letter'),
    line: value('--text'),
    font: value('--mono'),
    absent: value('--map-padding'),
  }
}

export interface Squares {
  readonly grid: Grid
  /** The first row that is drawn, and how many. */
  readonly firstRow: number
  readonly rows: number
  /** Stripes of each square. */
  readonly stripes: number
  /** A kind for each stripe, from the first drawn square on. */
  readonly kinds: Uint8Array
  /** The only kind that is not faint; undefined: none is. */
  readonly only: string | undefined
  /** Where on the canvas the first row is. CSS pixels. */
  readonly top: number
}

/** Makes a canvas fit its box, and gives its context in CSS pixels. */
export function contextOf(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio
  const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide
    canvas.height = high
  }
  const context = canvas.getContext('2d')
  context?.setTransform(ratio, 0, 0, ratio, 0, 0)
  context?.clearRect(0, 0, width, height)
  return context
}

export function drawSquares(context: CanvasRenderingContext2D, squares: Squares, palette: Palette): void {
  const { grid, stripes, kinds, only, top } = squares
  const { side, columns } = grid
  const inner = side - 1
  const isShown = (kind: number) => only === undefined || palette.looks[kind] === lookOf(only)
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.font = `600 ${Math.round(side * 0.52)}px ${palette.font}`
  const count = Math.ceil(kinds.length / stripes)
  for (let square = 0; square < count; square++) {
    const x = (square % columns) * side
    const y = top + Math.floor(square / columns) * side
    const first = square * stripes
    const last = Math.min(first + stripes, kinds.length)
    for (let from = first; from < last; ) {
      let to = from + 1
      while (to < last && kinds[to] === kinds[from]) to++
      context.globalAlpha = isShown(kinds[from]) ? 1 : FAINT
      const left = Math.round(((from - first) * inner) / stripes)
      const right = Math.round(((to - first) * inner) / stripes)
      fill(context, palette, kinds[from], x + left, y, right - left, inner)
      from = to
    }
    if (side < LETTER_SIDE || !isUniform(kinds, first, last)) continue
    context.fillStyle = palette.looks[kinds[first]].colour === 'padding' ? palette.line : palette.letter
    context.fillText(palette.looks[kinds[first]].letter, x + inner / 2, y + inner / 2 + 0.5)
  }
  context.globalAlpha = 1
}

function isUniform(kinds: Uint8Array, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) if (kinds[i] !== kinds[from]) return false
  return true
}

function fill(
  context: CanvasRenderingContext2D,
  { fills, looks, letter }: Palette,
  kind: number,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  context.fillStyle = fills[kind]
  context.fillRect(x, y, width, height)
  if (looks[kind].hatched !== true || width < 4) return
  context.strokeStyle = letter
  context.lineWidth = 1
  context.beginPath()
  for (let at = 3; at < width + height; at += 4) {
    context.moveTo(x + Math.min(at, width), y + Math.max(0, at - width))
    context.lineTo(x + Math.max(0, at - height), y + Math.min(at, height))
  }
  context.stroke()
}

/** Marks the squares of a range, and the one that is pointed at. Rows are counted from the first of the picture. */
export function drawCursor(
  context: CanvasRenderingContext2D,
  { grid, top, firstRow }: Pick<Squares, 'grid' | 'top' | 'firstRow'>,
  range: { readonly start: number; readonly end: number } | undefined,
  offset: number,
  { line }: Palette,
): void {
  const { side, columns, unit } = grid
  const place = (square: number): readonly [number, number] => [
    (square % columns) * side,
    top + (Math.floor(square / columns) - firstRow) * side,
  ]
  context.strokeStyle = line
  if (range !== undefined) {
    context.lineWidth = 1
    const last = Math.floor((range.end - 1) / unit)
    const shownEnd = Math.min(last, (firstRow + Math.ceil(context.canvas.height / side) + 1) * columns)
    for (let square = Math.max(Math.floor(range.start / unit), firstRow * columns); square <= shownEnd; square++) {
      const [x, y] = place(square)
      context.strokeRect(x + 0.5, y + 0.5, side - 2, side - 2)
    }
  }
  const [x, y] = place(Math.floor(offset / unit))
  context.lineWidth = 2
  context.strokeRect(x - 1, y - 1, side + 1, side + 1)
}
