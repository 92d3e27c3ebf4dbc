// How large an element is, and whether the page is dark, as state of a component. Not here: who sets the theme (theme.ts).

import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useState } from 'preact/hooks'

export interface Size {
  /** CSS pixels. */
  readonly width: number
  readonly height: number
}

export function useSize(box: RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 })
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [box])
  return size
}

export function useDark(): string | undefined {
  const root = document.documentElement
  const [theme, setTheme] = useState(root.dataset['theme'])
  useEffect(() => {
    const observer = new MutationObserver(() => setTheme(root.dataset['theme']))
    observer.observe(root, { attributes: true, attributeFilter: ['data-theme'] })
    return () => observer.disconnect()
  }, [root])
  return theme
}
