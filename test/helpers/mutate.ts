// Changes to the bytes of a real image: one lie at a time, at a place found by what stands there.
import { readFileSync } from 'node:fs'
import type { Field } from '../../src/format/structs.js'
import { fixture } from './paths.js'

export function small(): Uint8Array {
  return new Uint8Array(readFileSync(fixture('small.cfs')))
}

/** Offset of the `nth` occurrence of some text in an image. Throws when there is none. */
export function find(image: Uint8Array, text: string, nth = 0): number {
  const bytes = Buffer.from(image.buffer, image.byteOffset, image.length)
  let at = -1
  for (let i = 0; i <= nth; i++) {
    at = bytes.indexOf(text, at + 1, 'latin1')
    if (at < 0) throw new Error(`no ${JSON.stringify(text)} in the image`)
  }
  return at
}

/** A copy of an image in which other text of the same length stands at an offset. */
export function write(image: Uint8Array, at: number, text: string): Uint8Array {
  const copy = image.slice()
  copy.set(Buffer.from(text, 'latin1'), at)
  return copy
}

/** A copy in which a field of the struct at an offset has another value. */
export function setField(image: Uint8Array, at: number, field: Field, value: number): Uint8Array {
  const copy = image.slice()
  for (let i = 0; i < field.width; i++) copy[at + field.offset + i] = Math.floor(value / 256 ** i) % 256
  return copy
}
