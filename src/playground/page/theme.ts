// Light or dark: what the system says until someone chooses, which is remembered.

import { useEffect, useState } from 'preact/hooks'

export type Theme = 'light' | 'dark'

const KEY = 'theme'

function remembered(): Theme | undefined {
  try {
    const found = localStorage.getItem(KEY)
    return found === 'light' || found === 'dark' ? found : undefined
  } catch {
    return undefined
  }
}

/** What is shown, and what changes it. */
export function useTheme(): readonly [Theme, () => void] {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const [theme, setTheme] = useState<Theme>(() => remembered() ?? (dark.matches ? 'dark' : 'light'))
  useEffect(() => {
    document.documentElement.dataset['theme'] = theme
  }, [theme])
  useEffect(() => {
    const follow = () => remembered() ?? setTheme(dark.matches ? 'dark' : 'light')
    dark.addEventListener('change', follow)
    return () => dark.removeEventListener('change', follow)
  })
  const toggle = () => {
    const next = theme === 'dark' ? 'light' : 'dark'
    try {
      localStorage.setItem(KEY, next)
    } catch {
      // Not remembered where nothing may be kept.
    }
    setTheme(next)
  }
  return [theme, toggle]
}
