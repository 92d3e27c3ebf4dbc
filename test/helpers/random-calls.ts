// Seeded random calls of the read side of `fs`, made on two of them, and their answers compared: results, or errors by
// code, errno, syscall, path, message and class. Any two that show the same tree: an image's mount and the kernel's
// mount of it, a mount and node:fs itself.
import host from 'node:fs'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { type AnyFs, type Call, isPathArg, makeCall, runCall } from './fs-calls.js'
import { shown } from './shown.js'

export interface Side {
  readonly fs: object
  /** What comes before every path: '' for a mount, the mount point for the kernel's. */
  readonly root: string
}

export interface CompareOptions {
  /** Paths of the tree, each starting with a slash; bytes for one that is not UTF-8. Found by walking if not given. */
  readonly paths?: readonly (string | Buffer)[]
  /** Fields of Stats and StatFs that may differ. */
  readonly ignore?: readonly string[]
  /** Also calls that would change something. Only for two read-only sides, and below a mount point. */
  readonly writes?: boolean
  /** Names of calls to leave out. */
  readonly without?: readonly string[]
}

/** One call whose answers differ. */
export interface Difference {
  readonly call: string
  readonly a: unknown
  readonly b: unknown
}

export type Random = () => number

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** All paths below the root, names that are not UTF-8 as bytes. */
export function walkPaths(side: Side, limit = 100_000): (string | Buffer)[] {
  const fs = side.fs as AnyFs
  const found: (string | Buffer)[] = ['/']
  const open: Buffer[] = [Buffer.from('')]
  for (let dir = open.pop(); dir !== undefined && found.length < limit; dir = open.pop()) {
    const at = Buffer.concat([Buffer.from(side.root), dir, Buffer.from('/')])
    for (const entry of fs.readdirSync(at, { withFileTypes: true, encoding: 'buffer' })) {
      const path = Buffer.concat([dir, Buffer.from('/'), entry.name])
      found.push(Buffer.from(path.toString()).equals(path) ? path.toString() : path)
      if (entry.isDirectory()) open.push(path)
    }
  }
  return found
}

/**
 * The paths that the calls on a kernel's mount may be given: nothing from which a link leads out of it, where a mount has
 * its own root and the kernel has the host's, and no fifo or device, which node:fs would wait on or open in earnest.
 */
function insidePaths(side: Side, paths: readonly (string | Buffer)[]): readonly (string | Buffer)[] {
  const fs = side.fs as AnyFs
  const root = side.root === '' ? '' : fs.realpathSync.native(side.root)
  return paths.filter(path => {
    const full = Buffer.concat([Buffer.from(side.root), Buffer.from(path)])
    try {
      if (fs.lstatSync(full).isSymbolicLink() && /^\//.test(fs.readlinkSync(full))) return false
      const stats = fs.statSync(full)
      return (stats.isFile() || stats.isDirectory()) && `${fs.realpathSync.native(full)}/`.startsWith(`${root}/`)
    } catch {
      return !fs.readlinkSync(full).includes('..') // leads nowhere, and down only
    }
  })
}

/** Refuses calls that would write where they could: on the host's own root, or on a tree that can be written to. */
function checkReadOnly(side: Side): void {
  if (side.fs !== host && side.root === '') return
  if (side.root === '' || side.root === '/') throw new Error('calls that write are made below a mount point only')
  try {
    host.rmdirSync(host.mkdtempSync(`${side.root}/probe-`))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return
    throw error
  }
  throw new Error(`${side.root} can be written to`)
}

/** A path argument as one side is given it. */
function pathFor(side: Side, path: string | Buffer, form: string): unknown {
  // A path that is no absolute one means the same to both: nothing is put before it.
  if (typeof path === 'string' && !path.startsWith('/')) return form === 'buffer' ? Buffer.from(path) : path
  if (typeof path !== 'string') return Buffer.concat([Buffer.from(side.root), path])
  const full = side.root + path
  if (form === 'buffer') return Buffer.from(full)
  if (form === 'bytes') return new Uint8Array(Buffer.from(full))
  if (form === 'url' && !full.includes('\0')) return pathToFileURL(full)
  return full
}

function inWords(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? 'undefined'
}

function describe(call: Call): string {
  const args = call.args.map(arg =>
    isPathArg(arg) ? `${arg.form}:${inWords(String(arg.path).slice(0, 80))}` : inWords(arg),
  )
  return `${call.face} ${call.name}(${args.join(', ')})${call.steps === undefined ? '' : ` then ${inWords(call.steps)}`}`
}

function oneLoops(answers: readonly unknown[]): boolean {
  const [a, b] = answers.map(answer => (answer as { error?: { code?: string } } | undefined)?.error?.code === 'ELOOP')
  return a !== b
}

/** Makes `count` calls on both sides; gives back those whose answers differ. */
export async function compareCalls(
  a: Side,
  b: Side,
  seed: number,
  count: number,
  options: CompareOptions = {},
): Promise<Difference[]> {
  const random = randomOf(seed)
  const writes = options.writes === true
  const all = options.paths ?? walkPaths(a)
  const inside = insidePaths(a, insidePaths(b, all))
  if (writes) for (const side of [a, b]) checkReadOnly(side)
  // A mount point is one for the kernel, and a root for a mount.
  const paths = writes ? inside.filter(path => path !== '/') : inside
  const differences: Difference[] = []
  for (let made = 0; made < count; made++) {
    const call = makeCall(random, paths, writes)
    if (options.without?.includes(call.name)) continue
    let answers: unknown[] = []
    // A kernel that begins a look-up anew, since someone mounts meanwhile, goes on counting links: ELOOP for far fewer than 40.
    for (let tries = 0; tries === 0 || (tries < 4 && oneLoops(answers)); tries++) {
      answers = []
      for (const side of [a, b]) {
        const answer = await runCall(side.fs as AnyFs, call, (path, form) => pathFor(side, path, form))
        answers.push(shown(answer, side.root, options.ignore ?? []))
      }
    }
    if (!isDeepStrictEqual(answers[0], answers[1]))
      differences.push({ call: describe(call), a: answers[0], b: answers[1] })
  }
  return differences
}

/** The first few differences in words; empty when there is none. */
export function tell(differences: readonly Difference[], limit = 12): string {
  const text = (value: unknown) => inWords(value).slice(0, 600)
  const lines = differences.slice(0, limit).map(({ call, a, b }) => `${call}\n   a ${text(a)}\n   b ${text(b)}`)
  return lines.length === 0 ? '' : `${differences.length} differ\n${lines.join('\n')}`
}
