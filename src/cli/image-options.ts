// Options of the commands that open images: limits of what an image may ask of them, and its further devices. Not here: what a
// limit counts and what it is unless given (src/format/limits.ts).

import { type LimitOptions, MOST_LIMITS } from '../format/limits.js'
import { wrongUsage } from './failure.js'

export const LIMIT_OPTIONS = {
  'max-entries': { type: 'string' },
  'max-depth': { type: 'string' },
  'max-name-bytes': { type: 'string' },
  'max-xattr-bytes': { type: 'string' },
  'max-symlinks': { type: 'string' },
  'max-image-bytes': { type: 'string' },
  'max-object-bytes': { type: 'string' },
} as const

/** Of commands that look at one image, which may be plain EROFS. */
export const IMAGE_OPTIONS = {
  ...LIMIT_OPTIONS,
  digest: { type: 'string' },
  device: { type: 'string', multiple: true },
} as const

/** What the help of each of these commands ends with. */
export const LIMITS_HELP = `
Limits for images of strangers; what goes beyond one is an error that names it:

  --max-entries N        names in an image that is gone through as a whole; 67108864 unless given
  --max-depth N          names below one another, symlinks followed; 8192 unless given, which is the most
  --max-name-bytes N     bytes of a name; 255 unless given, which is the most
  --max-xattr-bytes N    bytes of the xattrs of one inode, names and values; 1048576 unless given
  --max-symlinks N       symlinks followed on the way of one path; 40 unless given, which is the most
  --max-image-bytes N    bytes of an image; what memory holds unless given
  --max-object-bytes N   bytes of a file whose content is in a store; no limit unless given
`

type LimitOption = keyof typeof LIMIT_OPTIONS

const LIMITS: readonly (readonly [LimitOption, keyof LimitOptions])[] = [
  ['max-entries', 'maxEntries'],
  ['max-depth', 'maxDepth'],
  ['max-name-bytes', 'maxNameBytes'],
  ['max-xattr-bytes', 'maxXattrBytes'],
  ['max-symlinks', 'maxSymlinks'],
  ['max-image-bytes', 'maxImageBytes'],
  ['max-object-bytes', 'maxObjectBytes'],
]

/** The limits that were given. Throws a CommandError for what is none. */
export function limitsGiven(values: { readonly [K in LimitOption]?: string }, help: string): LimitOptions {
  const limits: { -readonly [K in keyof LimitOptions]: number } = {}
  for (const [option, name] of LIMITS) {
    const text = values[option]
    if (text === undefined) continue
    const most = MOST_LIMITS[name]
    if (!/^\d+$/.test(text) || Number(text) > most) {
      throw wrongUsage(`--${option} is a whole number from 0${Number.isFinite(most) ? ` to ${most}` : ''}`, help)
    }
    limits[name] = Number(text)
  }
  return limits
}
