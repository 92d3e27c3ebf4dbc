// What someone typed into the search box as something that names and paths can be compared with: words, a glob, a regular
// expression. Not here: what is searched (search-index.ts).

import picomatch from 'picomatch'
import type { SearchKind } from '../protocol.js'

export interface TextPattern {
  readonly kind: 'text'
  readonly onPaths: boolean
  /** Folded where `folds`. */
  readonly text: string
  /** Small and capital letters are the same: nothing typed is a capital. */
  readonly folds: boolean
}

export interface RegexPattern {
  readonly kind: 'glob' | 'regex'
  readonly onPaths: boolean
  readonly regex: RegExp
  /** Paths are taken without their first slash. */
  readonly relative: boolean
}

export type Pattern = TextPattern | RegexPattern

/** Small letters for capitals; the text's length stays, so that places in it are places in what it was made of. */
export function folded(text: string): string {
  const lower = text.toLowerCase()
  if (lower.length === text.length) return lower
  // A few letters become two (İ): they stay.
  return Array.from(text, one => (one.toLowerCase().length === one.length ? one.toLowerCase() : one)).join('')
}

/** Words that can only be meant as a glob. */
function looksLikeGlob(query: string): boolean {
  return /[*?]|\[[^/]+\]/.test(query)
}

/** `find -name` for names; for paths `*` stays within one folder, `**` does not, and the path may begin anywhere. */
function globPattern(query: string): RegexPattern {
  const onPaths = query.includes('/')
  const glob = !onPaths ? query : query.startsWith('/') ? query.slice(1) : `**/${query}`
  const regex = picomatch.makeRe(glob, { dot: true, nonegate: true, posix: true, flags: 's' })
  if (!(regex instanceof RegExp)) throw new SyntaxError('no such glob')
  return { kind: 'glob', onPaths, regex, relative: true }
}

/** Throws a SyntaxError for what is no glob or regular expression. */
export function patternOf(query: string, kind: SearchKind): Pattern {
  const onPaths = query.includes('/')
  if (kind === 'regex') return { kind, onPaths, regex: new RegExp(query, 's'), relative: false }
  if (kind === 'glob' || looksLikeGlob(query)) return globPattern(query)
  const small = folded(query)
  return { kind: 'text', onPaths, text: small === query ? small : query, folds: small === query }
}
