// A square in a kind's colour with its letter, as the picture has them. Not here: which looks there are (kinds.ts).

import { lookOf } from './kinds.js'

export function KindSwatch({ kind }: { readonly kind: string }) {
  const { colour, letter, hatched } = lookOf(kind)
  return (
    <span class={`kind-swatch kind-${colour}${hatched === true ? ' hatched' : ''}`} aria-hidden="true">
      {letter}
    </span>
  )
}
