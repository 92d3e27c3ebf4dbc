// The bar between the side and the content of a pane: moved by pointer and keys.

import { useRef, useState } from 'preact/hooks'

const [LEAST, MOST, STEP] = [160, 800, 16]

export function Splitter() {
  const bar = useRef<HTMLHRElement>(null)
  const [width, setWidth] = useState(320)
  const resize = (to: number) => {
    const next = Math.max(LEAST, Math.min(to, MOST))
    setWidth(next)
    bar.current?.parentElement?.style.setProperty('--side-width', `${next}px`)
  }
  return (
    <hr
      ref={bar}
      class="splitter"
      aria-orientation="vertical"
      aria-label="Width of the side"
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={width}
      tabIndex={0}
      onKeyDown={event => {
        if (event.key === 'ArrowLeft') resize(width - STEP)
        else if (event.key === 'ArrowRight') resize(width + STEP)
      }}
      onPointerDown={event => {
        event.preventDefault()
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={event => {
        const { currentTarget, pointerId, clientX } = event
        if (!currentTarget.hasPointerCapture(pointerId)) return
        resize(clientX - (currentTarget.parentElement?.getBoundingClientRect().left ?? 0))
      }}
    />
  )
}
