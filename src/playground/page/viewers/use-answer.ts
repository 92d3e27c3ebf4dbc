// An answer of the worker that a viewer waits for: what it is, or why there is none, and a way to ask again. Not here: any question.

import { useEffect, useState } from 'preact/hooks'

export interface Answer<T> {
  readonly value?: T
  /** Why there is none, for people. */
  readonly failure?: string
  again(): void
}

interface Got<T> {
  readonly key: string
  readonly value?: T
  readonly failure?: string
}

/** Asks again whenever the key is another one; what was answered under one key is never shown under another. */
export function useAnswer<T>(key: string, ask: () => Promise<T>): Answer<T> {
  const [got, setGot] = useState<Got<T>>()
  const [tries, setTries] = useState(0)
  useEffect(() => {
    let here = true
    ask().then(
      value => here && setGot({ key, value }),
      (error: unknown) => here && setGot({ key, failure: error instanceof Error ? error.message : String(error) }),
    )
    return () => {
      here = false
    }
  }, [key, tries])
  const again = () => {
    setGot(undefined)
    setTries(tries + 1)
  }
  return got?.key === key ? { value: got.value, failure: got.failure, again } : { again }
}
