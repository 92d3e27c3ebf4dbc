// Random calls of `fs` and how each is made: which function with which forms of arguments, in which of the three faces;
// opened files and directories get a few random steps and are closed. Not here: comparing (random-calls.ts).
import type fs from 'node:fs'
import type { Random } from './random-calls.js'

export type AnyFs = typeof fs

/** A path and the form in which it is handed over. */
export interface PathArg {
  readonly path: string | Buffer
  readonly form: string
}

export function isPathArg(value: unknown): value is PathArg {
  return typeof value === 'object' && value !== null && 'form' in value
}

export interface Call {
  readonly face: 'sync' | 'callback' | 'promise'
  readonly name: string
  readonly args: readonly unknown[]
  /** What is done with what open or opendir gave. */
  readonly steps?: readonly Step[]
}

interface Step {
  readonly what: string
  readonly args: readonly unknown[]
}

type ToPath = (path: string | Buffer, form: string) => unknown
type Call1 = (...args: unknown[]) => unknown
type Calls = Record<string, Call1>

const LONG = 'n'.repeat(256)

/** Whose answers a side's root can be taken out of. */
const PLAIN_ENCODINGS = [
  undefined,
  undefined,
  null,
  'utf8',
  'buffer',
  'latin1',
  { encoding: 'utf8' },
  { encoding: 'buffer' },
  {},
  7,
]
const STAT_OPTIONS = [
  undefined,
  undefined,
  {},
  { bigint: true },
  { throwIfNoEntry: false },
  { bigint: true, throwIfNoEntry: false },
]
const ENCODINGS = [
  undefined,
  undefined,
  null,
  'utf8',
  'buffer',
  'latin1',
  'hex',
  'base64',
  'ascii',
  'nonsense',
  { encoding: 'utf8' },
  { encoding: 'buffer' },
  { encoding: 'hex' },
  {},
  7,
]
const READ_FILE = [
  ...ENCODINGS.filter(one => !JSON.stringify(one ?? '').includes('buffer')),
  { flag: 'r' },
  { encoding: 'utf8', flag: 'rs' },
  { flag: 'zz' },
]
const READDIR = [...ENCODINGS, { withFileTypes: true }, { withFileTypes: true, encoding: 'buffer' }]
const RECURSIVE = [
  { recursive: true },
  { recursive: true, withFileTypes: true },
  { recursive: true, encoding: 'latin1' },
]
const MODES = [undefined, 0, 1, 4, 5, null, 8, -1, 'x']
/** No numbers: they would be descriptors of the process. */
const WRONG: readonly unknown[] = [undefined, null, {}, true, []]

/** Name → the choices for each argument after the path. */
const PATH_CALLS: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  stat: [STAT_OPTIONS],
  lstat: [STAT_OPTIONS],
  readFile: [READ_FILE],
  readdir: [READDIR],
  readlink: [ENCODINGS],
  realpath: [PLAIN_ENCODINGS],
  'realpath.native': [PLAIN_ENCODINGS],
  access: [MODES],
  exists: [],
  statfs: [[undefined, { bigint: true }]],
  open: [],
  opendir: [],
}

const NUMBERS = [0, 1, 7, 438, 0o777, -1, '755', 'x', undefined, 1.5]
const TIMES = [0, 1.5, '12', 'x', undefined, new Date(0)]

const WRITE_CALLS: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  access: [[2, 6]],
  appendFile: [['data', Buffer.from('x'), 5]],
  writeFile: [
    ['data', undefined],
    [undefined, { flag: 'a' }, { flag: 'wx' }, { flag: 'r+' }, 'utf8'],
  ],
  chmod: [NUMBERS],
  chown: [
    [0, 1, -2, undefined],
    [0, -1, 1.5],
  ],
  lchown: [
    [0, 1],
    [0, -1],
  ],
  utimes: [TIMES, TIMES],
  lutimes: [TIMES, TIMES],
  mkdir: [[undefined, { recursive: false }, 0o700, 'zz']],
  mkdtemp: [ENCODINGS],
  rm: [[undefined, { recursive: true }, { force: true }, { recursive: true, force: true }, { maxRetries: -1 }]],
  rmdir: [[]],
  truncate: [[undefined, 0, 5]],
  unlink: [],
}

/** Those with two paths. */
const PAIR_CALLS = ['copyFile', 'link', 'rename', 'symlink']

const FLAGS = [undefined, 'r', 'rs', 0, 'r', 'r', 'zz', 0o200000, 0o400000]
const WRITE_FLAGS = ['r+', 'w', 'wx', 'a', 'ax', 'a+', 'w+', 0o1000, 0o100, 0o300, 0o200100]

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]
}

/** A path of the tree, or something like one; nothing that goes up or is relative for a call that writes. */
function oddPath(random: Random, paths: readonly (string | Buffer)[], writes: boolean): string | Buffer {
  const known = pick(random, paths)
  if (random() < 0.6 || typeof known !== 'string') return known
  const base = known === '/' ? '' : known
  const deep = base.split('/').length > 2
  switch (Math.floor(random() * 12)) {
    case 0:
      return `${known}/`
    case 1:
      return `${base}/missing`
    case 2:
      return `${base}/missing/below`
    case 3:
      return base.replaceAll('/', '//') || '//'
    case 4:
      return `${base}/.`
    case 5:
      return deep && !writes ? `${base}/..` : known
    case 6:
      return deep && !writes ? `${base}/../${base.split('/').at(-1)}` : known
    case 7:
      return `${base}/${LONG}`
    case 8:
      return `${base}/a\0b`
    case 9:
      return `/${'d/'.repeat(2100)}x`
    case 10:
      return writes ? '/.' : pick(random, ['', '/', '//', '/.'])
    default:
      return `${base}/\ud800`
  }
}

function pathArg(random: Random, paths: readonly (string | Buffer)[], writes: boolean): PathArg {
  const path = oddPath(random, paths, writes)
  const form =
    typeof path === 'string' ? pick(random, ['string', 'string', 'string', 'buffer', 'bytes', 'url']) : 'buffer'
  // A URL has no two slashes, dots or slash at its end to go wrong, and lone surrogates are replaced in it.
  return { path, form: form === 'url' && /\ud800|\/\/|\/\.|\/$|^$/.test(String(path)) ? 'string' : form }
}

const SIZES = [0, 1, 7, 100, 4096, 20000]
const POSITIONS = [undefined, null, 0, 1, 5, 4096, 1e6, -1, 3n, -1n, -2, 1.5, 'x']
const FD_STEPS = [
  'readSync',
  'readSync',
  'readvSync',
  'fstatSync',
  'readFileSync',
  'readHandle',
  'writeSync',
  'ftruncateSync',
  'fsyncSync',
]

function fdStep(random: Random): Step {
  const what = pick(random, FD_STEPS)
  const size = pick(random, SIZES)
  if (what === 'readvSync') return { what, args: [[size, pick(random, SIZES)], pick(random, POSITIONS)] }
  if (what === 'fstatSync') return { what, args: [pick(random, STAT_OPTIONS)] }
  if (what === 'readFileSync') return { what, args: [pick(random, ENCODINGS)] }
  if (!what.startsWith('read')) return { what, args: what === 'writeSync' ? ['x'] : [] }
  const position = pick(random, POSITIONS)
  if (random() < 0.3)
    return {
      what,
      args: [size, { position, offset: pick(random, [undefined, 0, 3]), length: pick(random, [undefined, 2, 50]) }],
    }
  return {
    what,
    args: [size, pick(random, [0, 0, 1, 200, -1, undefined]), pick(random, [size, 1, 0, 99999, -4]), position],
  }
}

function argsFor(random: Random, choices: readonly (readonly unknown[])[]): unknown[] {
  const args = choices.map(choice => pick(random, choice))
  while (args.length > 0 && args.at(-1) === undefined) args.pop()
  return args
}

/** One random call. */
export function makeCall(random: Random, paths: readonly (string | Buffer)[], writes: boolean): Call {
  const face = pick(random, ['sync', 'sync', 'callback', 'promise'] as const)
  const path = random() < 0.02 ? pick(random, WRONG) : pathArg(random, paths, writes)
  if (writes && random() < 0.5) {
    if (random() < 0.3) return { face, name: pick(random, PAIR_CALLS), args: [path, pathArg(random, paths, writes)] }
    const name = pick(random, Object.keys(WRITE_CALLS))
    // Node's error of rm takes bytes that are no Buffer for text.
    if (name === 'rm' && isPathArg(path) && path.form === 'bytes')
      return { face, name, args: [{ ...path, form: 'buffer' }] }
    return { face, name, args: [path, ...WRITE_CALLS[name].map(choice => pick(random, choice))] }
  }
  const name = pick(random, Object.keys(PATH_CALLS))
  if (name === 'realpath') {
    // Node's takes everything for text, bytes that are no Buffer as '47,116,…'.
    const plain = isPathArg(path) && path.form !== 'bytes' ? path : { path: pick(random, paths), form: 'buffer' }
    return { face, name, args: [plain, ...argsFor(random, PATH_CALLS[name])] }
  }
  if (name === 'open') {
    const flags = writes && random() < 0.6 ? pick(random, WRITE_FLAGS) : pick(random, FLAGS)
    return { face, name, args: [path, flags], steps: Array.from({ length: 4 }, () => fdStep(random)) }
  }
  if (name === 'opendir') {
    const options = pick(random, [undefined, { encoding: 'buffer' }, { bufferSize: 2 }, 'latin1'])
    return { face, name, args: [path, options], steps: [] }
  }
  if (name === 'readdir' && random() < 0.2) {
    // Node cannot go into a directory whose name is not UTF-8, nor start at bytes.
    const odd = paths.filter(one => typeof one !== 'string').map(one => String(one))
    const plain = paths.filter(
      one => typeof one === 'string' && !odd.some(other => `${other}/`.startsWith(one === '/' ? '/' : `${one}/`)),
    )
    return { face, name, args: [{ path: pick(random, plain), form: 'string' }, pick(random, RECURSIVE)] }
  }
  return { face, name, args: [path, ...argsFor(random, PATH_CALLS[name])] }
}

function callbackOf(call: Call1, args: unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call(...args, (error: unknown, value: unknown) => {
      if (error instanceof Error) reject(error)
      else resolve(error === null ? value : error)
    })
  })
}

function face(fs: AnyFs, call: Call): Call1 {
  const [name, native] = call.name.split('.')
  const found =
    call.face === 'promise'
      ? (fs.promises as unknown as Calls)[name]
      : (fs as unknown as Calls)[call.face === 'sync' ? `${name}Sync` : name]
  if (call.face === 'promise' || native === undefined) return found
  return (found as unknown as Calls)[native]
}

async function step(
  fs: AnyFs,
  fd: number,
  handle: fs.promises.FileHandle | undefined,
  { what, args }: Step,
): Promise<unknown> {
  const calls = fs as unknown as Calls
  const [size, ...rest] = args
  try {
    if (what === 'readvSync') {
      const buffers = (size as number[]).map(length => Buffer.alloc(length))
      return [calls[what](fd, buffers, ...rest), buffers]
    }
    if (what !== 'readSync' && what !== 'readHandle') return calls[what](fd, ...args)
    const buffer = Buffer.alloc(size as number)
    if (handle === undefined) return [calls['readSync'](fd, buffer, ...rest), buffer]
    return await (handle.read as Call1)(buffer, ...rest)
  } catch (error) {
    return error
  }
}

async function useFile(fs: AnyFs, opened: unknown, steps: readonly Step[]): Promise<unknown> {
  const handle = typeof opened === 'number' ? undefined : (opened as fs.promises.FileHandle)
  const fd = handle === undefined ? (opened as number) : handle.fd
  const answers: unknown[] = []
  for (const one of steps) answers.push(await step(fs, fd, handle, one))
  answers.push(handle === undefined ? fs.closeSync(fd) : await handle.close())
  return answers
}

async function useDirectory(dir: fs.Dir): Promise<unknown> {
  const path = dir.path
  const entries: fs.Dirent[] = []
  for await (const entry of dir) entries.push(entry)
  const key = (entry: fs.Dirent) =>
    typeof entry.name === 'string' ? entry.name : (entry.name as Buffer).toString('latin1')
  // The kernel gives the entries of an open directory in an order of its own.
  return [path, entries.sort((a, b) => (key(a) < key(b) ? -1 : 1))]
}

/** Makes a call and gives what it answered, an Error being an answer. */
export async function runCall(fs: AnyFs, call: Call, toPath: ToPath): Promise<unknown> {
  const args = call.args.map(arg => (isPathArg(arg) ? toPath(arg.path, arg.form) : arg))
  try {
    const made = face(fs, call)
    const answer = call.face === 'callback' ? await callbackOf(made, args) : await made(...args)
    if (call.name === 'open') return await useFile(fs, answer, call.steps ?? [])
    return call.name === 'opendir' ? await useDirectory(answer as fs.Dir) : answer
  } catch (error) {
    return error
  }
}
