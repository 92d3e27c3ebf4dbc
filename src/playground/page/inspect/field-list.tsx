// The structures of an entry with their fields: pointing at one marks its bytes in the hex view, and the other way round. Not here: the
// bytes.

import { useEffect, useRef } from 'preact/hooks'
import type { ShownField, ShownStructure } from '../../inspection.js'
import { countText, placeText } from '../words.js'
import { KindSwatch } from './kind-swatch.js'

/** Structures with more fields are folded at first, but for the one that is shown first. */
const FOLDED_FROM = 20

interface FieldListProps {
  readonly structures: readonly ShownStructure[]
  readonly active: string | undefined
  onActive(key: string | undefined): void
  /** Shows a byte. */
  onReveal(offset: number): void
}

export function FieldList(props: FieldListProps) {
  return (
    <div class="structure-fields" role="presentation" onPointerLeave={() => props.onActive(undefined)}>
      {props.structures.map((structure, at) => (
        <StructureFields key={`${structure.kind}-${structure.start}`} {...props} structure={structure} at={at} />
      ))}
    </div>
  )
}

function StructureFields(props: FieldListProps & { readonly structure: ShownStructure; readonly at: number }) {
  const { structure, at, active, onActive, onReveal } = props
  const { label, kind, start, length, fields } = structure
  return (
    <details class="structure" open={at === 0 || fields.length < FOLDED_FROM}>
      <summary>
        <KindSwatch kind={kind} />
        <strong>{label}</strong>
        <span class="structure-place">
          {countText(length)} B at {placeText(start)}
        </span>
      </summary>
      <ul>
        {fields.map((field, f) => {
          const key = `${at}.${f}`
          return (
            <FieldRow
              key={key}
              name={key}
              field={field}
              active={active === key}
              onActive={onActive}
              onReveal={onReveal}
            />
          )
        })}
      </ul>
    </details>
  )
}

interface FieldRowProps {
  /** Key of its mark. */
  readonly name: string
  readonly field: ShownField
  readonly active: boolean
  onActive(key: string | undefined): void
  onReveal(offset: number): void
}

function FieldRow({ name, field, active, onActive, onReveal }: FieldRowProps) {
  const row = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    const element = row.current
    // What is active since somebody points at its bytes comes into view here.
    if (active && element !== null && !element.matches(':hover, :focus')) element.scrollIntoView({ block: 'nearest' })
  }, [active])
  return (
    <li>
      <button
        ref={row}
        type="button"
        class={`plain structure-field${active ? ' active' : ''}`}
        data-field={field.name}
        data-offset={field.offset}
        data-width={field.width}
        onPointerEnter={() => onActive(name)}
        onFocus={() => {
          onActive(name)
          onReveal(field.offset)
        }}
        onClick={() => onReveal(field.offset)}
      >
        <span class="structure-field-name">{field.name}</span>
        <span class="structure-field-value">{field.value}</span>
        {field.meaning !== '' && <span class="structure-field-meaning">{field.meaning}</span>}
      </button>
    </li>
  )
}
