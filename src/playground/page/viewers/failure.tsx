// Why something can't be shown, and a way to try again. The worker's words end with those of the library, in brackets.

import { TriangleAlert } from 'lucide-preact'

export function Failure({ text, again }: { readonly text: string; again(): void }) {
  const [, words, detail] = /^(.*?)(?: \[(.*)\])?$/s.exec(text) ?? ['', text]
  return (
    <div class="failure" role="alert">
      <TriangleAlert size={18} aria-hidden="true" />
      <div>
        <p>
          <bdi>{words}</bdi>
        </p>
        {detail !== undefined && (
          <p class="detail mono">
            <bdi>{detail}</bdi>
          </p>
        )}
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
