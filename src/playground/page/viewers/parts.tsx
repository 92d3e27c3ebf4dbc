// Which part of a large file is shown, and ways to the others.

import { ChevronLeft, ChevronRight } from 'lucide-preact'
import { countText } from '../words.js'

export function Parts({
  part,
  parts,
  onPart,
}: {
  readonly part: number
  readonly parts: number
  onPart(part: number): void
}) {
  return (
    <span class="parts">
      <button
        type="button"
        class="plain"
        aria-label="Part before"
        disabled={part === 0}
        onClick={() => onPart(part - 1)}
      >
        <ChevronLeft size={16} aria-hidden="true" />
      </button>
      <label>
        Part{' '}
        <input
          type="number"
          min={1}
          max={parts}
          value={part + 1}
          onChange={event => {
            const wanted = Number(event.currentTarget.value)
            if (Number.isInteger(wanted)) onPart(Math.max(0, Math.min(wanted - 1, parts - 1)))
          }}
        />{' '}
        of {countText(parts)}
      </label>
      <button
        type="button"
        class="plain"
        aria-label="Next part"
        disabled={part === parts - 1}
        onClick={() => onPart(part + 1)}
      >
        <ChevronRight size={16} aria-hidden="true" />
      </button>
    </span>
  )
}
