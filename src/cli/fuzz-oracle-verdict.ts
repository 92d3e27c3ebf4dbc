// What an oracle is, and what it answers: where it and this project disagree about an image. Not here: any oracle (fuzz-oracles.ts).

import { CONSTANTS } from '../format/structs.js'
import { differences, errnoIn, type Listing } from './fuzz-oracle-listing.js'

export type VerdictKind = 'we refuse' | 'they refuse' | 'different' | 'other errno' | 'their crash' | 'their time-out'

/** One disagreement. */
export interface Verdict {
  readonly kind: VerdictKind
  /** What kind of disagreement it is, without names and numbers: one of each is looked into. */
  readonly key: string
  readonly ours: string
  readonly theirs: string
}

export interface Oracle {
  readonly name: string
  /** Which images it reads. */
  readonly reads: (bytes: Uint8Array) => boolean
  /** Where it disagrees; none where it says the same. */
  ask(bytes: Uint8Array): Promise<readonly Verdict[]>
  close(): void
}

export interface OracleLimits {
  /** Milliseconds for one image. */
  readonly time: number
}

/** One that may not be here. */
export interface OracleMaker {
  /** Why it can't be asked; undefined where it can. */
  missing(): string | undefined
  make(directory: string, limits: OracleLimits): Oracle
}

export function verdict(kind: VerdictKind, field: string, ours: string, theirs: string): Verdict {
  const plain = (text: string) =>
    text
      // Whose entry it was.
      .replace(/^(!\w+) .*?: (bad |inode)/s, '$1 $2')
      .replace(/0x[0-9a-f]+|\d+/gi, 'N')
      .replace(/\/tmp\S*|\/dev\/shm\S*/g, '…')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 90)
  const said = kind === 'different' ? '' : `: ${plain(ours)} / ${plain(theirs)}`
  return { kind, key: `${kind}: ${field}${said}`, ours: ours.slice(0, 300), theirs: theirs.slice(0, 300) }
}

export function isComposefs(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) === CONSTANTS.LCFS_EROFS_MAGIC
  )
}

/** The image as plain EROFS: without the magic of the composefs header it is one like any other. */
export function asPlain(image: Uint8Array): Uint8Array {
  const plain = image.slice()
  if (isComposefs(plain)) plain.fill(0, 0, 4)
  return plain
}

/** What two listings say differently. */
export function listingVerdicts(ours: Listing, theirs: Listing): Verdict[] {
  // Others do not say every errno by its name.
  const both = ours.refused !== undefined && theirs.refused !== undefined
  return differences(ours, both ? { ...theirs, refused: ours.refused } : theirs).map(found => {
    const { kind, field, path, ours: a, theirs: b } = found
    const shown = (text: string) => (text.startsWith('!') || field === 'open' ? text : `'${text}'`)
    const { key } = verdict(kind, field, errnoIn(a) === undefined ? 'ok' : a, errnoIn(b) === undefined ? 'ok' : b)
    return { kind, key, ours: `${path}: ${shown(a)}`.slice(0, 300), theirs: shown(b).slice(0, 300) }
  })
}
