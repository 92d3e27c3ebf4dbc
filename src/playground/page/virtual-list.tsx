// A list of any length of which only what is seen is drawn: TanStack's virtualizer as a Preact hook and component. Not here:
// what a row is.

import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core'
import type { ComponentChildren, HTMLAttributes, RefObject } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'

type ListOptions = Pick<VirtualizerOptions<HTMLElement, HTMLElement>, 'count' | 'estimateSize' | 'getScrollElement'>

function useVirtualizer(given: ListOptions): Virtualizer<HTMLElement, HTMLElement> {
  const [, redraw] = useReducer((n: number) => n + 1, 0)
  const options: VirtualizerOptions<HTMLElement, HTMLElement> = {
    ...given,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(0),
  }
  const [virtualizer] = useState(() => new Virtualizer(options))
  virtualizer.setOptions(options)
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  return virtualizer
}

export interface VirtualListProps extends Omit<HTMLAttributes<HTMLDivElement>, 'ref'> {
  readonly count: number
  /** CSS pixels. */
  readonly rowHeight: number
  readonly row: (index: number) => ComponentChildren
  /** Rows that are drawn now, the last one excluded. */
  readonly onRange?: (start: number, end: number) => void
  /** The row to be brought into view when it changes. */
  readonly reveal?: { readonly row: number; readonly align?: 'auto' | 'center' | 'start' }
  readonly listRef?: RefObject<HTMLDivElement | null>
}

export function VirtualList({ count, rowHeight, row, onRange, reveal, listRef, ...rest }: VirtualListProps) {
  const own = useRef<HTMLDivElement>(null)
  const box = listRef ?? own
  const virtualizer = useVirtualizer({
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => box.current,
  })
  const items = virtualizer.getVirtualItems()
  const start = items[0]?.index ?? 0
  const end = (items.at(-1)?.index ?? -1) + 1
  useEffect(() => onRange?.(start, end), [start, end, onRange])
  useEffect(() => {
    if (reveal !== undefined && reveal.row < count)
      virtualizer.scrollToIndex(reveal.row, { align: reveal.align ?? 'auto' })
  }, [reveal, virtualizer, count])
  return (
    <div ref={box} {...rest}>
      <div role="presentation" style={{ height: `${virtualizer.getTotalSize()}px`, position: 'relative' }}>
        {items.map(item => (
          <div
            key={item.key}
            role="presentation"
            class="virtual-row"
            style={{ transform: `translateY(${item.start}px)`, height: `${rowHeight}px` }}
          >
            {row(item.index)}
          </div>
        ))}
      </div>
    </div>
  )
}
