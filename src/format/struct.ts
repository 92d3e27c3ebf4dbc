// How a struct is written down: fields with offset and width. Not here: any struct (structs.ts, cfs-v1-structs.ts).

/** One field: byte offset in its struct and width in bytes. */
export interface Field {
  readonly offset: number
  readonly width: number
}

export interface Struct {
  /** Prefix of the field constants in asm/. */
  readonly prefix: string
  /** Bytes. */
  readonly size: number
  readonly fields: Readonly<Record<string, Field>>
}

/** A struct of `size` bytes; a field is given as `[offset, width]`. */
export function struct<K extends string>(prefix: string, size: number, fields: Record<K, readonly [number, number]>) {
  const entries = Object.entries<readonly [number, number]>(fields)
  const out = Object.fromEntries(entries.map(([name, [offset, width]]) => [name, { offset, width }]))
  return { prefix, size, fields: out as Record<K, Field> } satisfies Struct
}
