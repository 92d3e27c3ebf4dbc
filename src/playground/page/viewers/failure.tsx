// Why something can't be shown, and a way to try again.

import { TriangleAlert } from 'lucide-preact'

export function Failure({ text, again }: { readonly text: string; again(): void }) {
  return (
    <div class="failure" role="alert">
      <TriangleAlert size={18} aria-hidden="true" />
      <div>
        <p>
          <bdi>{text}</bdi>
        </p>
        <button type="button" onClick={again}>
          Try again
        </button>
      </div>
    </div>
  )
}

/** Seen only where it takes long. */
export function Waiting({ text = 'Reading…' }: { readonly text?: string }) {
  return (
    <p class="waiting-text late" role="status">
      {text}
    </p>
  )
}
