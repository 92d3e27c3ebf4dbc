// Random calls on what is open: descriptors and FileHandles that stay open from step to step, streams, directories that
// change while they are read. Not here: calls that take paths (write-calls.ts).
import { once } from 'node:events'
import type { Random } from './random-calls.js'
import { type AnyCall, argsOf, type Face, faceOf, makeCall, pathArg, pick, type Step, words } from './write-calls.js'
import { shownTime, type World } from './write-world.js'

const FLAGS = ['r', 'r+', 'w', 'w+', 'a', 'a+', 'wx', 'ax+', 'rs+', 'as', 0o2, 0o102, 0o1001, 0o2002, 0o302, 'zz', null]
const OPEN_MODES = [undefined, 0o600, '644', 0o7777, null]
const SLOTS = [0, 1, 2]
const POSITIONS = [undefined, null, 0, 2, 5000, -1, 1.5, 'x', 3n]
const BUFFERS = [Buffer.from('0123456789'), new Uint16Array([65, 66]), 'plain', 'ünï', Buffer.alloc(0)]
const TIMES = [0, 12.5, -1, new Date(99_000), 'x', '7']

/** Opens into a slot, and closes what was there. */
export function openCall(random: Random): Step {
  const slot = pick(random, SLOTS)
  const face = pick(random, ['sync', 'callback', 'promise'] as const)
  const args = [pathArg(random), ...argsOf(random, [FLAGS, OPEN_MODES])]
  const run = async (world: World) => {
    const { fs, fds, handles, root } = world
    const given = args.map(arg => arg(root))
    const opened = await makeCall(fs, face, 'open', given)
    if (face === 'promise') {
      await handles[slot]?.close()
      handles[slot] = opened as World['handles'][number]
      return 'handle'
    }
    const fd = face === 'sync' ? opened : (opened as unknown[])[1]
    if (typeof fd !== 'number') return opened
    const was = fds[slot]
    fds[slot] = fd
    if (was !== undefined) fs.closeSync(was)
    return 'descriptor'
  }
  return { text: `${face} ${slot} = open(${words(args)})`, run }
}

/** Name → choices for what stands behind the descriptor. */
const FD_CALLS: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  write: [
    BUFFERS,
    [undefined, 0, 2, null, 20, { offset: 1, length: 2, position: 1 }],
    [undefined, 1, 3, 'latin1', -1],
    POSITIONS,
  ],
  writev: [[[Buffer.from('ab'), new Uint8Array([67])], [], [Buffer.alloc(0)], 'x'], POSITIONS],
  appendFile: [['more', Buffer.from('bytes')]],
  writeFile: [
    ['whole', Buffer.from('bytes'), ''],
    [undefined, 'hex', { flag: 'a' }],
  ],
  ftruncate: [[undefined, 0, 2, 5000, -1]],
  fchmod: [[0o600, '755', 0o4711]],
  fchown: [
    [0, -1, 7],
    [0, 8],
  ],
  futimes: [TIMES, TIMES],
  fsync: [],
  fdatasync: [],
  readFile: [['utf8', 'hex']],
  fstat: [],
}
const FD_NAMES = [...Object.keys(FD_CALLS), 'write', 'write', 'write', 'writev']

/** What a read or stat answers, without what the two worlds cannot agree on. */
function plain(value: unknown, metacopy: boolean): unknown {
  if (Array.isArray(value)) return value.map(one => plain(one, metacopy))
  if (typeof value !== 'object' || value === null || !('ino' in value)) return value
  const { mode, size, uid, gid, mtimeMs } = value as import('node:fs').Stats
  const directory = (mode & 0o170000) === 0o040000
  return [mode, directory ? 0 : size, uid, gid, metacopy ? 0 : shownTime(mtimeMs)]
}

export function fdCall(random: Random): Step {
  const slot = pick(random, SLOTS)
  const name = pick(random, FD_NAMES)
  const face: Face = pick(random, ['sync', 'callback'])
  const args = argsOf(random, FD_CALLS[name])
  const run = async (world: World) => {
    const given = args.map(arg => arg(''))
    while (!['futimes', 'fchown', 'fchmod'].includes(name) && given.length > 1 && given.at(-1) === undefined)
      given.pop()
    // A text has no length.
    if (name === 'write' && typeof given[0] === 'string') given.splice(3)
    const fd = world.fds[slot]
    // Node forgets the error here.
    if (name === 'readFile' && face === 'callback') return undefined
    return plain(await makeCall(world.fs, face, name, [fd ?? 77_777_777, ...given]), world.metacopy)
  }
  return { text: `${face} ${name}(fd ${slot}, ${words(args)})`, run }
}

export function readCall(random: Random): Step {
  const slot = pick(random, SLOTS)
  const args = argsOf(random, [[0, 1], [4, 10], POSITIONS])
  const run = ({ fs, fds }: World) => {
    const buffer = Buffer.alloc(12)
    const count = (fs.readSync as unknown as AnyCall)(fds[slot] ?? 77_777_777, buffer, ...args.map(arg => arg('')))
    return [count, buffer]
  }
  return { text: `readSync(fd ${slot}, ${words(args)})`, run }
}

const HANDLE_CALLS: Readonly<Record<string, readonly (readonly unknown[])[]>> = {
  write: FD_CALLS['write'],
  writev: FD_CALLS['writev'],
  appendFile: [
    ['more', Buffer.from('bytes')],
    [undefined, 'latin1', { encoding: 'hex' }],
  ],
  writeFile: [
    ['whole', ['pieces', Buffer.from(' more')], 5],
    [undefined, 'utf8'],
  ],
  truncate: [[undefined, 0, 2, 5000, -1]],
  chmod: FD_CALLS['fchmod'],
  chown: FD_CALLS['fchown'],
  utimes: FD_CALLS['futimes'],
  sync: [],
  datasync: [],
  readFile: FD_CALLS['readFile'],
  stat: [],
}
const HANDLE_NAMES = [...Object.keys(HANDLE_CALLS), 'write', 'read', 'lines', 'dispose', 'stream', 'readStream']

async function collected(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = []
  for await (const piece of stream) found.push(piece)
  return found
}

type Handle = import('node:fs').promises.FileHandle

async function onHandle(handle: Handle, name: string, given: readonly unknown[], metacopy: boolean): Promise<unknown> {
  const calls = handle as unknown as Record<string | symbol, AnyCall>
  if (name === 'lines') return collected(handle.readLines({ start: 0 }))
  if (name === 'dispose') return [await calls[Symbol.asyncDispose].call(handle), handle.fd]
  if (name === 'readStream')
    return Buffer.concat((await collected(handle.createReadStream({ start: 2, end: 40 }))) as Buffer[])
  if (name === 'stream') {
    const stream = handle.createWriteStream({ start: 1 })
    const finished = once(stream, 'close')
    stream.end('streamed')
    await finished
    return stream.bytesWritten
  }
  if (name !== 'read') return plain(await calls[name].call(handle, ...given), metacopy)
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(8), 1, 5)
  return [bytesRead, buffer]
}

export function handleCall(random: Random): Step {
  const slot = pick(random, SLOTS)
  const name = pick(random, HANDLE_NAMES)
  const args = argsOf(random, HANDLE_CALLS[name] ?? [])
  const run = async ({ handles, metacopy }: World) => {
    const handle = handles[slot]
    if (handle === undefined) return undefined
    const given = args.map(arg => arg(''))
    while (given.length > 0 && given.at(-1) === undefined) given.pop()
    return onHandle(handle, name, given, metacopy)
  }
  return { text: `handle ${slot} ${name}(${words(args)})`, run }
}

export function closeCall(random: Random): Step {
  const slot = pick(random, SLOTS)
  const face = faceOf(random)
  const run = async ({ fs, fds, handles }: World) => {
    if (face === 'promise') return handles[slot]?.close()
    const fd = fds[slot] ?? 77_777_777
    fds[slot] = undefined
    return makeCall(fs, face, 'close', [fd])
  }
  return { text: `${face} close(${slot})`, run }
}

const STREAM_OPTIONS = [
  undefined,
  { flags: 'a' },
  { flags: 'r+', start: 3 },
  { flags: 'wx' },
  { start: 4 },
  { start: -1 },
  { start: 'x' },
  { flush: true },
  { flush: 1 },
  { mode: 0o600, highWaterMark: 3 },
  { encoding: 'hex' },
  'latin1',
  { autoClose: false },
  { emitClose: false },
  { flags: 'zz' },
]
const PIECES = [['one', 'two'], ['x'.repeat(3000), Buffer.from('bytes')], [], ['abcd']]

/** A write stream from its beginning to its end: which events it has had, and what it says of itself. */
export function writeStreamCall(random: Random): Step {
  const args = [pathArg(random), ...argsOf(random, [STREAM_OPTIONS])]
  const pieces = pick(random, PIECES)
  const closes = random() < 0.3
  const run = async ({ fs, root }: World) => {
    const [path, options] = args.map(arg => arg(root))
    const stream = (fs.createWriteStream as unknown as AnyCall)(path, options) as import('node:fs').WriteStream
    const events: unknown[] = [stream.pending, stream.path]
    for (const name of ['open', 'ready', 'finish', 'close', 'error'])
      stream.on(name, (value: unknown) => events.push([name, name === 'error' ? value : typeof value]))
    const { emitClose, autoClose } = Object(options) as { emitClose?: boolean; autoClose?: boolean }
    const ended = new Promise(resolve => {
      if (emitClose === false || (autoClose === false && !closes)) {
        stream.once('error', () => setTimeout(resolve, 20))
        stream.once('finish', () => setTimeout(resolve, 20))
      } else stream.once('close', () => setImmediate(resolve))
    })
    for (const piece of pieces) stream.write(piece)
    if (closes) stream.close(error => events.push(['closed', error ?? null]))
    else stream.end()
    await ended
    const { bytesWritten, closed, destroyed, pending } = stream
    const { fd } = stream as unknown as { fd: number | null }
    if (typeof fd === 'number') fs.closeSync(fd)
    return [events, bytesWritten, closed, destroyed, pending, typeof fd]
  }
  return { text: `write stream(${words(args)}) of ${pieces.length}${closes ? ', closed' : ''}`, run }
}

/** A directory whose entries go, or get company, while it is read. */
export function directoryCall(random: Random): Step {
  const path = pathArg(random)
  const removes = random() < 0.5
  const run = async ({ fs, root }: World) => {
    const given = path(root)
    const dir = await fs.promises.opendir(given as string)
    const names: string[] = []
    for await (const entry of dir) {
      names.push(entry.name)
      const at = `${entry.parentPath}/${entry.name}`
      if (removes && entry.isFile()) fs.rmSync(at)
      else if (entry.isFile()) fs.chmodSync(at, 0o606)
    }
    await dir.close()
    return names
  }
  return { text: `opendir(${words([path])}), ${removes ? 'removing' : 'changing'}`, run }
}
