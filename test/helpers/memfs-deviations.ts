// Where memfs answers otherwise than Node: what is compared of two answers, and the known classes of disagreement, each
// with its reason. Not here: the calls (random-calls.ts), nor who is right (test/vfs/memfs.test.ts).
import { isDeepStrictEqual } from 'node:util'
import type { Difference } from './random-calls.js'

type Fields = Record<string, unknown>

function comparableStats(stats: Fields): Fields {
  const { is, mode, nlink, uid, gid, rdev, size, mtime } = stats
  const type = String(is)
  // Through floating point seconds: to a hundredth.
  const common = { is, uid, gid, rdev, mtime: Math.round(Number(mtime) / 10) }
  if (type === 'isDirectory') return { ...common, mode }
  return type === 'isSymbolicLink' ? common : { ...common, mode, nlink, size }
}

/**
 * What is compared of an answer: of an error its code, of Stats what memfs keeps: no nanoseconds, no size of a directory
 * or link, no mode of a link, no class of their own for bigints.
 */
function comparable(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(comparable)
  if (typeof answer !== 'object' || answer === null) return answer
  const fields = answer as Fields
  if ('error' in fields) {
    const { code, name } = fields['error'] as Fields
    return { error: code ?? name }
  }
  return 'mtimeMs' in fields ? comparableStats(fields) : fields
}

interface Step {
  readonly what: string
  readonly args: readonly unknown[]
}

/** Two answers that disagree, to a call or to one step with what it opened. */
export interface Disagreement {
  /** The call in words. */
  readonly call: string
  readonly name: string
  /** Undefined where the call was given something else than a path. */
  readonly path: string | undefined
  readonly step: Step | undefined
  /** An earlier step of the same call disagreed, or may have done so without a trace: a read at an odd position. */
  readonly after: boolean
  readonly ours: unknown
  readonly theirs: unknown
}

interface Deviation {
  readonly reason: string
  readonly is: (one: Disagreement, omitted: ReadonlySet<string>) => boolean
}

function codeOf(answer: unknown): string {
  return typeof answer === 'object' && answer !== null && 'error' in answer ? String(answer.error) : ''
}

const ENCODINGS = ['utf8', 'latin1', 'ascii', 'hex', 'base64'] as const

/** The names that memfs can't hold, as a listing may show them. */
export function shownNames(names: readonly Buffer[]): Set<string> {
  return new Set(
    names.flatMap(name => [`bytes ${name.toString('hex')}`, ...ENCODINGS.map(encoding => name.toString(encoding))]),
  )
}

/** The entries of a listing: name and type, without those left out, in no order, since none is promised. */
function listed(answer: unknown, omitted: ReadonlySet<string>): string[] | undefined {
  if (!Array.isArray(answer)) return undefined
  const entries: unknown[] = Array.isArray(answer[1]) ? answer[1] : answer
  return entries
    .map(entry => {
      if (typeof entry === 'string') return [entry]
      const { is, entry: parts } = entry as { is: unknown; entry: string[] }
      return [parts[0], String(is)]
    })
    .filter(([name]) => !omitted.has(name) && !omitted.has(name.slice(name.lastIndexOf('/') + 1)))
    .map(parts => parts.join(' '))
    .sort()
}

/** Whether one listing has the other's entries, and beyond them only some below entries that are leaves in the other. */
function goesDeeper(deep: readonly string[], flat: readonly string[]): boolean {
  const known = new Set(flat)
  const extra = deep.filter(path => !known.has(path))
  const leaf = (path: string) => known.has(path) && !flat.some(other => other.startsWith(`${path}/`))
  const below = (path: string) => path.split('/').some((_part, at, parts) => leaf(parts.slice(0, at).join('/')))
  return extra.length + flat.length === deep.length && extra.length > 0 && extra.every(below)
}

const isRead = ({ step }: Disagreement) => step !== undefined && /^read(Sync|vSync|Handle)$/.test(step.what)

/** The first that fits counts. */
export const DEVIATIONS: readonly Deviation[] = [
  {
    reason: 'memfs checks fewer arguments than Node, or throws an error without a code for them',
    is: ({ ours, theirs }) => /^ERR_/.test(codeOf(ours)) && codeOf(ours) !== codeOf(theirs),
  },
  {
    reason: 'memfs cuts `..`, `.` and a slash at the end out of a path as text, whatever stands before them',
    is: ({ path }) => path !== undefined && (/\/\.{1,2}(\/|$)/.test(path) || path.endsWith('/')),
  },
  { reason: 'memfs takes the empty path for the working directory', is: ({ path }) => path === '' },
  { reason: 'memfs knows no longest name or path', is: ({ ours }) => codeOf(ours) === 'ENAMETOOLONG' },
  {
    reason: 'memfs wants flags in open, where Node takes undefined for reading',
    is: ({ name, call, theirs }) =>
      name === 'open' && /, undefined\)(?: then|$)/.test(call) && codeOf(theirs) === 'ERR_INVALID_ARG_VALUE',
  },
  {
    reason: 'memfs reads nothing from a directory, where Node says EISDIR',
    is: one => isRead(one) && codeOf(one.ours) === 'EISDIR',
  },
  {
    reason: 'memfs checks every position; Node none where nothing is read, and a FileHandle takes odd ones for none',
    is: one => isRead(one) && /^ERR_/.test(codeOf(one.theirs)),
  },
  {
    reason: 'a FileHandle of Node takes a bigint for no position',
    is: one => isRead(one) && JSON.stringify(one.step).includes('n"'),
  },
  {
    reason: 'a step after one that moved the position on one side only',
    is: one => one.after && (isRead(one) || one.step?.what === 'readFileSync'),
  },
  {
    reason: 'Node has no bytes for an empty file whose encoding is `buffer`, but an empty text',
    is: ({ step, ours, theirs }) => step?.what === 'readFileSync' && ours === '' && theirs === 'bytes ',
  },
  {
    reason:
      'memfs lists recursively in an order of its own, lacks what it can\u2019t hold, and has no bytes for a parent',
    is: ({ name, ours, theirs }, omitted) =>
      /^(readdir|opendir)$/.test(name) &&
      listed(ours, omitted) !== undefined &&
      isDeepStrictEqual(listed(ours, omitted), listed(theirs, omitted)),
  },
  {
    reason:
      'memfs goes through no links to directories in a recursive listing, as Node 20 does, and lists one by its target',
    is: ({ call, ours, theirs }, omitted) => {
      if (!call.includes('"recursive":true')) return false
      const mine = listed(ours, omitted) ?? []
      const others = listed(theirs, omitted) ?? []
      const absolute = others.length === mine.length && mine.every((path, at) => others[at].endsWith(`/${path}`))
      return goesDeeper(mine, others) || (absolute && mine.length > 0)
    },
  },
  {
    reason: 'memfs throws in exists, where Node answers false',
    is: ({ name, ours, theirs }) => name === 'exists' && ours === false && /^ERR_/.test(codeOf(theirs)),
  },
  {
    reason: 'memfs heeds throwIfNoEntry in the asynchronous calls too',
    is: ({ call, ours, theirs }) =>
      /^(?:callback|promise) l?stat\(.*"throwIfNoEntry":false/.test(call) &&
      codeOf(ours) !== '' &&
      theirs === undefined,
  },
  {
    reason: 'memfs checks permissions, a mount none (and root passes the kernel\u2019s)',
    is: ({ theirs }) => codeOf(theirs) === 'EACCES',
  },
]

function pathOf(call: string): string | undefined {
  const found = /^\w+ [\w.]+\(\w+:("(?:[^"\\]|\\.)*")/.exec(call)
  return found === null ? undefined : (JSON.parse(found[1]) as string)
}

/** What remains of a difference once what memfs keeps no record of is left out; an opened file's steps each by itself. */
export function disagreements({ call, a, b }: Difference): Disagreement[] {
  const name = /^\w+ ([\w.]+)/.exec(call)?.[1] ?? ''
  const steps = JSON.parse(/\) then (\[.*\])$/.exec(call)?.[1] ?? '[]') as Step[]
  const ours = comparable(a)
  const theirs = comparable(b)
  const byStep = name === 'open' && Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length
  const pairs: [unknown, unknown][] = byStep ? ours.map((one, at) => [one, theirs[at]]) : [[ours, theirs]]
  const found: Disagreement[] = []
  pairs.forEach(([one, other], at) => {
    if (isDeepStrictEqual(one, other)) return
    const step = byStep ? steps[at] : undefined
    const odd = /^promise/.test(call) && /"-?\d+n"|1\.5/.test(JSON.stringify(steps.slice(0, at)))
    found.push({ call, name, path: pathOf(call), step, after: odd || found.length > 0, ours: one, theirs: other })
  })
  return found
}
