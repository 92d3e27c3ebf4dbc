// What goes wrong with objects, as the Error that a store throws and as the Fault that an operation answers.

import { type ErrnoName, Fault, faultError, isErrnoName, loadError } from '../format/errno.js'
import { IntegrityError } from '../format/integrity.js'
import { canonicalObjectName } from './object-name.js'

export { IntegrityError, loadError }

/** The Error that a store throws about an object of it. */
export function objectError(code: ErrnoName, name: string, why: string, cause?: unknown): Error & { code: string } {
  return faultError(new Fault(code, why, cause), `object ${name}`)
}

/** The canonical form of an object's name (object-name.ts); throws, as stores do, for one that has none. */
export function canonicalName(name: string): string {
  const known = canonicalObjectName(name)
  if (known instanceof Fault) throw objectError(known.code, name, known.detail)
  return known
}

/** The Fault for an error that a store threw: the store's code where it is an errno, else EIO. */
export function objectFault(error: unknown, name: string, label: string): Fault {
  const code = error instanceof Error && 'code' in error && isErrnoName(error.code) ? error.code : 'EIO'
  const why = error instanceof Error ? error.message : String(error)
  // What objectError wrote already is not said twice.
  const known = `${code}: object ${name}: `
  // Who asks whether bytes were wrong need not know how many were between.
  const cause = error instanceof Error && error.cause instanceof IntegrityError ? error.cause : error
  return new Fault(code, `object ${name} in ${label}: ${why.startsWith(known) ? why.slice(known.length) : why}`, cause)
}
