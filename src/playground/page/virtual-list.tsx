// A list of any length of which only what is seen is drawn: TanStack's virtualizer as a Preact hook and component. Browsers draw
// no element of any height: a list that is higher is scrolled faster than the bar moves. Not here: what a row is.

import { observeElementRect, Virtualizer, type VirtualizerOptions } from '@tanstack/virtual-core'
import type { ComponentChildren, HTMLAttributes, RefObject } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'

/** No browser's limit is below it. CSS pixels. */
const HEIGHT_MAX = 15_000_000
/** Elements that rows take turns with, where no more are seen at a time. */
const POOL = 64

/** How many pixels of the list one pixel of the scroll bar is. */
function scaleOf(height: number, box: HTMLElement): number {
  // Asking for a box's height may make the browser lay all out.
  if (height <= HEIGHT_MAX) return 1
  const { clientHeight } = box
  return (height - clientHeight) / (HEIGHT_MAX - clientHeight)
}

function useVirtualizer(
  box: RefObject<HTMLDivElement | null>,
  count: number,
  rowHeight: number,
): Virtualizer<HTMLElement, HTMLElement> {
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const height = useRef(0)
  height.current = count * rowHeight
  const options: VirtualizerOptions<HTMLElement, HTMLElement> = {
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => box.current,
    overscan: 8,
    observeElementRect,
    observeElementOffset: ({ scrollElement }, take) => {
      const tell = () => {
        if (scrollElement !== null) take(scrollElement.scrollTop * scaleOf(height.current, scrollElement), false)
      }
      scrollElement?.addEventListener('scroll', tell, { passive: true })
      return () => scrollElement?.removeEventListener('scroll', tell)
    },
    // The list is scrolled by scrollToRow alone.
    scrollToFn: () => undefined,
    onChange: () => redraw(0),
  }
  const [virtualizer] = useState(() => new Virtualizer(options))
  virtualizer.setOptions(options)
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  return virtualizer
}

export interface Reveal {
  readonly row: number
  /** `auto`: no further than needed, and into the middle where it is far away. */
  readonly align?: 'auto' | 'center'
}

function scrollToRow(box: HTMLElement, { row, align }: Reveal, count: number, rowHeight: number): void {
  const scale = scaleOf(count * rowHeight, box)
  const { clientHeight } = box
  const [top, seen] = [row * rowHeight, box.scrollTop * scale]
  const bottom = top + rowHeight - clientHeight
  if (seen <= top && seen >= bottom) return
  const near = align !== 'center' && Math.abs(top - seen) < 2 * clientHeight
  const to = near ? (top < seen ? top : bottom) : top - (clientHeight - rowHeight) / 2
  box.scrollTop = Math.max(to, 0) / scale
}

export interface VirtualListProps extends Omit<HTMLAttributes<HTMLDivElement>, 'ref'> {
  readonly count: number
  /** CSS pixels. */
  readonly rowHeight: number
  readonly row: (index: number) => ComponentChildren
  /** Rows that are drawn now, the last one excluded. */
  readonly onRange?: (start: number, end: number) => void
  /** The row to be brought into view when it changes. */
  readonly reveal?: Reveal
  readonly listRef?: RefObject<HTMLDivElement | null>
}

export function VirtualList({ count, rowHeight, row, onRange, reveal, listRef, ...rest }: VirtualListProps) {
  const own = useRef<HTMLDivElement>(null)
  const box = listRef ?? own
  const virtualizer = useVirtualizer(box, count, rowHeight)
  const items = virtualizer.getVirtualItems()
  const start = items[0]?.index ?? 0
  const end = (items.at(-1)?.index ?? -1) + 1
  useEffect(() => onRange?.(start, end), [start, end, onRange])
  // Not all that is used is waited for: a list that grows is not scrolled again.
  useEffect(() => {
    if (reveal !== undefined && box.current !== null && reveal.row < count)
      scrollToRow(box.current, reveal, count, rowHeight)
  }, [reveal])
  const height = count * rowHeight
  const scrolled = box.current
  const offset = scrolled === null || height <= HEIGHT_MAX ? 0 : scrolled.scrollTop * (scaleOf(height, scrolled) - 1)
  const places = Math.max(POOL, 2 ** Math.ceil(Math.log2(items.length + 1)))
  return (
    <div ref={box} {...rest}>
      <div role="presentation" class="virtual-rows" style={{ height: `${Math.min(height, HEIGHT_MAX)}px` }}>
        {items.map(item => (
          <div
            // What is scrolled out at one end is what comes in at the other: changed, not made.
            key={item.index % places}
            role="presentation"
            class="virtual-row"
            style={{ transform: `translateY(${item.start - offset}px)`, height: `${rowHeight}px` }}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  )
}
