// An error as it crosses threads: a clone of it would lose its code, and its cause may hold what nobody should see. What
// stays is the code, the message, the HTTP status, and what was wrong with bytes that were not the right ones.

import { errnoOf, isErrnoName } from '../format/errno.js'
import { IntegrityError } from '../format/integrity.js'

export interface Thrown {
  readonly code: string
  readonly message: string
  readonly status?: number
  readonly integrity?: {
    readonly message: string
    readonly expected: string | number
    readonly actual: string | number
  }
}

/** Characters of a message that cross. */
const MESSAGE_MAX = 2000
/** Causes of causes that are looked at. */
const CAUSES_MAX = 4

function integrityOf(error: Error): Thrown['integrity'] {
  for (let at: unknown = error, i = 0; at instanceof Error && i < CAUSES_MAX; at = at.cause, i++) {
    if (!(at instanceof IntegrityError)) continue
    const { expected, actual } = at
    // As the error was made: its constructor says the two values again.
    const said = `: expected ${expected}, got ${actual}`
    const message = at.message.endsWith(said) ? at.message.slice(0, -said.length) : at.message
    return { message: message.slice(0, MESSAGE_MAX), expected, actual }
  }
  return undefined
}

export function thrownOf(error: unknown): Thrown {
  if (!(error instanceof Error)) return { code: 'EIO', message: String(error).slice(0, MESSAGE_MAX) }
  const { code, status } = error as { code?: unknown; status?: unknown }
  const integrity = integrityOf(error)
  return {
    code: typeof code === 'string' ? code : 'EIO',
    message: error.message.slice(0, MESSAGE_MAX),
    ...(typeof status === 'number' ? { status } : {}),
    ...(integrity === undefined ? {} : { integrity }),
  }
}

export function errorOf({ code, message, status, integrity }: Thrown): Error & { code: string } {
  const cause =
    integrity === undefined ? undefined : new IntegrityError(integrity.message, integrity.expected, integrity.actual)
  const error = new Error(message, cause === undefined ? undefined : { cause })
  return Object.assign(error, {
    code,
    ...(isErrnoName(code) ? { errno: -errnoOf(code) } : {}),
    ...(status === undefined ? {} : { status }),
  })
}
