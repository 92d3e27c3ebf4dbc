// How an image is laid out in squares: how many bytes one is, how large it is drawn, and which is where. Not here: drawing.

/** Bytes of the smallest square. */
export const UNIT_MIN = 16
/** A square is drawn so large at least where all of the image is to be seen, and at most. CSS pixels. */
const SIDE_LEAST = 9
const SIDE_MOST = 26
/** The same where it is zoomed. */
const SIDE_ZOOMED = 20
/** A picture that is scrolled is not higher than this, as browsers have their limits. CSS pixels. */
const HEIGHT_MAX = 8_000_000

export interface Grid {
  /** Bytes of a square. */
  readonly unit: number
  /** CSS pixels of a square, the gap between two among them. */
  readonly side: number
  readonly columns: number
  readonly rows: number
}

function gridOf(size: number, unit: number, side: number, width: number): Grid {
  const columns = Math.max(1, Math.floor(width / side))
  return { unit, side, columns, rows: Math.ceil(Math.ceil(size / unit) / columns) }
}

/** The whole image in one picture, in squares of at least so many bytes. */
export function wholeGrid(size: number, width: number, height: number, least = UNIT_MIN): Grid {
  const room = Math.max(1, Math.floor(width / SIDE_LEAST) * Math.floor(height / SIDE_LEAST))
  let unit = least
  while (Math.ceil(size / unit) > room) unit *= 2
  for (let side = SIDE_MOST; side > SIDE_LEAST; side--) {
    const grid = gridOf(size, unit, side, width)
    if (grid.rows * side <= height) return grid
  }
  return gridOf(size, unit, SIDE_LEAST, width)
}

/** The image in squares of fewer bytes: a picture to be scrolled. */
export function zoomedGrid(size: number, whole: Grid, zoom: number, width: number): Grid {
  if (zoom === 0) return whole
  let unit = Math.max(UNIT_MIN, whole.unit / 4 ** zoom)
  for (;;) {
    const grid = gridOf(size, unit, Math.max(whole.side, SIDE_ZOOMED), width)
    if (grid.rows * grid.side <= HEIGHT_MAX) return grid
    unit *= 2
  }
}

/** The byte of the image at a place of the picture, in CSS pixels; undefined outside of it. */
export function byteAt({ unit, side, columns }: Grid, size: number, x: number, y: number): number | undefined {
  const column = Math.floor(x / side)
  if (x < 0 || y < 0 || column >= columns) return undefined
  const within = Math.min(0.999, (x - column * side) / (side - 1))
  const offset = (Math.floor(y / side) * columns + column) * unit + Math.floor(within * unit)
  return offset < size ? offset : undefined
}
