// What a command needs only for URLs, and for images of several devices, is in a second bundle, to which the first hands over before
// it does anything: in one file it would cost a tenth of every start, evaluated or not. Not here: which modules those are; the build
// (.ci/build.mjs) leaves out of the first bundle what is imported when it is asked for.

import { createRequire } from 'node:module'

/** Set by the build: where the second bundle is, from the first one; empty in the second. */
declare const WHOLE_BUNDLE: string | undefined

const ANYWHERE = /[a-z][a-z0-9+.-]+:\/\//i
/** Images of several devices are read as those elsewhere are. */
const DEVICE = /^--device(?:=|$)/
/** Commands that are all about what is elsewhere, or for it. */
const ELSEWHERE = new Set(['push', 'serve', 'playground'])

/** True when the second bundle has taken over. */
export function handsOver(): boolean {
  if (typeof WHOLE_BUNDLE === 'undefined' || WHOLE_BUNDLE === '') return false
  const args = process.argv.slice(2)
  if (!ELSEWHERE.has(args[0]) && !args.some(arg => ANYWHERE.test(arg) || DEVICE.test(arg))) return false
  createRequire(import.meta.url)(WHOLE_BUNDLE)
  return true
}
