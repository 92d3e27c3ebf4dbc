// What a check of an entry's object comes to, in the inspector's words. Not here: the check (verify-object.ts).

import type { CheckResult } from '../inspection.js'
import type { Finding } from '../reports.js'
import { PlainError } from './plain-words.js'

const AGAIN = 'Fetch it again from a source you trust.'

/** Of an object of which nothing is wrong there is no finding. Throws for one that could not be read. */
export function checkResult(finding: Finding | undefined, digest: string | undefined): CheckResult {
  if (finding === undefined)
    return { state: 'matches', actual: digest, text: 'The object matches: its digest is the one that the image gives.' }
  const { kind, text, actual } = finding
  if (kind === 'missing')
    return { state: 'missing', text: `The object is missing: ${text} Give the store that has it.` }
  if (kind === 'unchecked') return { state: 'unknown', actual, text: `The object is there. ${text}` }
  if (kind === 'size') return { state: 'differs', text: `The object does not match. ${text} ${AGAIN}` }
  if (kind === 'digest') return { state: 'differs', actual, text: `The object does not match. ${text} ${AGAIN}` }
  throw new PlainError('EIO', `${text} Try again, or give another store.`)
}
