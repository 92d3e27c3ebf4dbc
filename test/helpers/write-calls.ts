// Random calls that change a tree, made in one world at a time (write-world.ts): every mutating call of `fs` in its three
// faces, with all forms of its arguments, now and then a wrong one. Not here: what is done with what is open
// (write-opened.ts), comparing (test/vfs/writes.test.ts).
import { pathToFileURL } from 'node:url'
import type { Random } from './random-calls.js'
import { shownTime, type World } from './write-world.js'

/** What one step does, in words, and how it is done in a world. What it throws is an answer. */
export interface Step {
  readonly text: string
  run(world: World): unknown
}

export type AnyCall = (...args: unknown[]) => unknown

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]
}

const NAMES = ['a.txt', 'b.bin', 'c', 'd', 'd2', 'link-a', 'link-d', 'dangling', 'loop', 'n1', 'n2', 'n3']
const BELOW = ['e.txt', 'f', 'f/g.txt', 'up', 'n1', 'n2', 'n3', 'f/n1']

/** A place in a world's tree; `tail` is what stands behind it. */
function placeIn(random: Random): string {
  const name = pick(random, NAMES)
  return random() < 0.45
    ? `/${pick(random, ['d', 'd', 'link-d', 'd2', 'n2', name])}/${pick(random, BELOW)}`
    : `/${name}`
}

const TAILS = ['/', '/.', '/x', '//', '/a\0b', `/${'n'.repeat(256)}`, '/\ud800']

/** A path argument by its form, to be made for a world's root. Not one that climbs: rm is given these. */
export function pathArg(random: Random, forms = ['text', 'text', 'text', 'buffer', 'url']): (root: string) => unknown {
  const place = placeIn(random)
  const odd = random()
  if (odd < 0.02) return () => pick(() => odd * 50, [undefined, null, {}, true, [], Number.NaN, 1.5])
  if (odd < 0.09) {
    const tail = pick(random, TAILS)
    return root => (tail === '' ? '' : `${root}${place}${tail}`)
  }
  const form = pick(random, forms)
  if (form === 'buffer') return root => Buffer.from(root + place)
  return form === 'url' ? root => pathToFileURL(root + place) : root => root + place
}

/** Wrong for most arguments. */
const WRONG: readonly unknown[] = [undefined, null, {}, true, [], Number.NaN, -1, 1.5, 'x', Symbol('s'), 2 ** 32, 3n]

const DATA: readonly unknown[] = [
  'text',
  '',
  'ünï',
  Buffer.from('buffer'),
  new Uint16Array([1, 2, 3]),
  new DataView(new ArrayBuffer(5)),
  'x'.repeat(5000),
]
const ENCODINGS = [undefined, 'utf8', 'latin1', 'hex', 'base64', { encoding: 'utf16le' }, { encoding: 'nonsense' }]
const WRITE_OPTIONS = [
  ...ENCODINGS,
  { flag: 'a' },
  { flag: 'wx' },
  { flag: 'r+' },
  { flag: 'w+', mode: 0o600 },
  { mode: '640' },
  { mode: 0o7777 },
  { flush: true },
  { flush: 'yes' },
  { flag: 'r' },
  { flag: 0o102 },
  null,
  {},
]
const MODES = [0o600, 0o777, 0, '755', 0o4755, 0o1777, 0o170644, '0o7', 2 ** 31 - 1, null]
const IDS = [0, 1, 1000, -1, 2 ** 32 - 1, 2 ** 32 - 2, -2]
const TIMES = [
  0,
  1.5,
  -1,
  -1.5,
  '12',
  '1e3',
  'x',
  '',
  new Date(1234567),
  new Date(-5500),
  2 ** 31 + 0.25,
  1e9 + 0.123456789,
]
const MORE_TIMES = [...TIMES, Number.NaN, Number.POSITIVE_INFINITY, new Date(Number.NaN), '0x10', ' 7 ']
const SIZES = [0, 3, 20, 5000, 10_000, undefined, null, -1]
const CP = [
  undefined,
  { recursive: true },
  { recursive: true },
  { recursive: true, force: false },
  { force: false, errorOnExist: true },
  { recursive: true, dereference: true },
  { recursive: true, verbatimSymlinks: true },
  { recursive: true, preserveTimestamps: true },
  { preserveTimestamps: true },
  { recursive: true, filter: (from: string) => !String(from).includes('e.txt') },
  { mode: 1 },
  { mode: 9 },
  { filter: 5 },
  { recursive: 'yes' },
  { verbatimSymlinks: true, dereference: true },
]
const RM = [
  undefined,
  { recursive: true },
  { force: true },
  { recursive: true, force: true },
  { maxRetries: 1 },
  { retryDelay: -1 },
  { force: 1 },
  5,
]
const MKDIR = [
  undefined,
  { recursive: true },
  { recursive: true, mode: 0o700 },
  0o700,
  '700',
  { mode: 0o1777 },
  { recursive: 1 },
  'zz',
]

/** Name → the choices for each argument behind the first path; a function makes a further path. */
const CALLS: Readonly<Record<string, readonly (readonly unknown[] | 'path')[]>> = {
  writeFile: [DATA, WRITE_OPTIONS],
  appendFile: [DATA, WRITE_OPTIONS],
  truncate: [SIZES],
  chmod: [MODES],
  chown: [IDS, IDS],
  lchown: [IDS, IDS],
  utimes: [MORE_TIMES, MORE_TIMES],
  lutimes: [MORE_TIMES, MORE_TIMES],
  mkdir: [MKDIR],
  rm: [RM],
  rmdir: [[undefined, undefined, {}]],
  unlink: [],
  rename: ['path'],
  link: ['path'],
  copyFile: ['path', [undefined, 0, 1, 2, 4, 8, null]],
  cp: ['path', CP],
  access: [[undefined, 0, 1, 2, 4, 7]],
  readFile: [['utf8', undefined, { flag: 'a+' }, { flag: 'w+' }]],
  readdir: [[undefined, { withFileTypes: true }, { recursive: true }]],
  stat: [],
}
const NAMES_OF_CALLS = Object.keys(CALLS).flatMap(name =>
  ['rename', 'link', 'cp', 'writeFile', 'mkdir', 'rm'].includes(name) ? [name, name, name] : [name],
)

export type Face = 'sync' | 'callback' | 'promise'

export function faceOf(random: Random): Face {
  return pick(random, ['sync', 'callback', 'promise'])
}

/** What a callback was given, its number of arguments aside. */
export function called(call: AnyCall, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    call(...args, (error: unknown, ...values: unknown[]) => {
      while (values.length > 0 && values.at(-1) === undefined) values.pop()
      if (error) reject(error)
      else resolve([error, ...values])
    })
  })
}

/** Makes a call; one that throws where it should call back answers otherwise than one that calls back with an error. */
export function makeCall(fs: World['fs'], face: Face, name: string, args: readonly unknown[]): unknown {
  const calls = fs as unknown as Record<string, AnyCall>
  if (face === 'promise') return (fs.promises as unknown as Record<string, AnyCall>)[name](...args)
  if (face === 'sync') return calls[`${name}Sync`](...args)
  try {
    return called(calls[name], args)
  } catch (error) {
    return ['threw', error]
  }
}

function inWords(value: unknown): string {
  if (typeof value === 'symbol' || typeof value === 'bigint' || typeof value === 'number') return String(value)
  return (
    JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? `${part}n` : part))?.slice(0, 120) ?? 'undefined'
  )
}

/** Arguments as they are handed over, and in words. */
export function argsOf(
  random: Random,
  choices: readonly (readonly unknown[] | 'path')[],
  forms?: string[],
): ((root: string) => unknown)[] {
  return choices.map(choice => {
    if (choice === 'path') return pathArg(random, forms)
    const value = pick(random, random() < 0.04 ? WRONG : choice)
    return () => value
  })
}

export function words(args: readonly ((root: string) => unknown)[]): string {
  return args.map(arg => inWords(arg(''))).join(', ')
}

/** The exact times that a path has been given: the trees compared leave atime out. */
function timesAt(world: World, path: unknown, name: string): unknown {
  const options = { bigint: true } as const
  const stats =
    name === 'lutimes' ? world.fs.lstatSync(path as string, options) : world.fs.statSync(path as string, options)
  const { atimeNs, mtimeNs } = stats
  return [atimeNs, mtimeNs].map(time => (shownTime(Number(time / 1_000_000n)) === 'now' ? 'now' : time))
}

async function unlessStat(answer: unknown): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (/stat$/.test((error as NodeJS.ErrnoException).syscall ?? '')) return 'one of the two'
    throw error
  }
}

export function pathCall(random: Random): Step {
  const name = pick(random, NAMES_OF_CALLS)
  const face = faceOf(random)
  // Node's cp and recursive readdir are made for text.
  const forms = name === 'cp' || name === 'readdir' ? ['text', 'url'] : undefined
  const args = [pathArg(random, forms), ...argsOf(random, CALLS[name], forms)]
  const run = async (world: World) => {
    const { fs, root } = world
    const given = args.map(arg => arg(root))
    // Node asks for both at the same time: which of them fails first is of chance.
    if (name === 'cp' && face !== 'sync') return unlessStat(makeCall(fs, face, name, given))
    const answer = await makeCall(fs, face, name, given)
    if (name === 'utimes' || name === 'lutimes') return [answer, timesAt(world, given[0], name)]
    return name === 'stat' ? undefined : answer
  }
  return { text: `${face} ${name}(${words(args)})`, run }
}

const TARGETS = ['a.txt', 'd', 'n1', '../d', 'd/', 'link-a', '', 'x'.repeat(5000)]

export function symlinkCall(random: Random): Step {
  const face = faceOf(random)
  const target = pick(random, TARGETS)
  const absolute = random() < 0.3
  const [path, type] = [pathArg(random), pick(random, [undefined, undefined, 'file', 'dir', 'junction', 'zz', null])]
  const run = ({ fs, root }: World) =>
    makeCall(fs, face, 'symlink', [absolute ? `${root}/${target.slice(0, 5)}` : target, path(root), type])
  return { text: `${face} symlink(${target.slice(0, 9)}, ${words([path])}, ${type})`, run }
}

export function mkdtempCall(random: Random): Step {
  const face = faceOf(random)
  const [place, encoding] = [placeIn(random), pick(random, [undefined, 'utf8', 'buffer', { encoding: 'buffer' }])]
  const run = async ({ fs, root }: World) => {
    const answer = (await makeCall(fs, face, 'mkdtemp', [root + place, encoding])) as unknown
    const made = (Array.isArray(answer) ? answer[1] : answer) as string | Buffer
    const mode = fs.statSync(made).mode
    fs.rmdirSync(made)
    return [typeof made, made.length, made.slice(0, -6).toString(), mode]
  }
  return { text: `${face} mkdtemp(${place}, ${inWords(encoding)})`, run }
}
