// One number with what it is the number of, as views show theirs in a row.

export interface SumProps {
  readonly label: string
  readonly value: string
  readonly hint?: string
}

export function Sum({ label, value, hint }: SumProps) {
  return (
    <div class="sum" title={hint}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
}
