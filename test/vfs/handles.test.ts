// Streams, FileHandle, Dir, watchers, glob, cp and abort signals, each beside node:fs on the same files.
import { deepStrictEqual } from 'node:assert'
import fs from 'node:fs'
import { promises as streamPromises } from 'node:stream'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Miss } from '../../src/format/errno'
import type { VfsEnv } from '../../src/vfs/env'
import { createFs } from '../../src/vfs/mounted-fs'
import { HostLayer } from '../helpers/host-layer'
import { makeOddTree, removeOddTree } from '../helpers/odd-tree'
import { shown } from '../helpers/shown'

const ENV: VfsEnv = { uid: () => 0, gid: () => 0, umask: () => 0o22 }
const dir = makeOddTree()
process.on('exit', () => removeOddTree(dir))
process.chdir('/')
const layer = new HostLayer(dir, { missEvery: 3 })
type NodeFs = typeof fs
const ours = createFs(layer, ENV) as unknown as NodeFs
const SIDES = [
  { name: 'ours', fs: ours, root: '' },
  { name: 'node', fs, root: dir },
] as const

/** Runs the same on both sides, paths below their roots, and asks for the same answer. */
async function same(run: (side: NodeFs, root: string) => unknown): Promise<unknown> {
  const answers: unknown[] = []
  for (const side of SIDES) {
    const answer = await (async () => run(side.fs, side.root))().catch((error: unknown) => error)
    answers.push(shown(answer, side.root, ['dev', 'atime']))
  }
  deepStrictEqual(answers[0], answers[1])
  return answers[0]
}

const streams = suite('vfs: streams')

/** What a stream emits, chunk by chunk. */
function events(stream: fs.ReadStream): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const name of ['open', 'ready', 'end'] as const) stream.on(name, () => seen.push(name))
  stream.on('data', chunk => seen.push(chunk))
  return new Promise(resolve => {
    stream.on('error', error => seen.push(error))
    stream.on('close', () => resolve([...seen, stream.bytesRead, stream.pending, stream.destroyed]))
  })
}

const OPTIONS: readonly unknown[] = [
  undefined,
  'utf8',
  'latin1',
  { start: 3 },
  { end: 2 },
  { start: 1, end: 1 },
  { start: 60_000, highWaterMark: 1000 },
  { start: 99_999 },
  { highWaterMark: 7, end: 30 },
  { encoding: 'hex', highWaterMark: 5, end: 20 },
  { start: 5, end: 2 },
  { start: 'a' },
  { end: -1 },
  { encoding: 'nonsense' },
  { fd: 'x' },
  { autoClose: true, emitClose: true, end: 3 },
]

for (const [index, options] of OPTIONS.entries()) {
  streams(`createReadStream ${index}: ${JSON.stringify(options)}`, async () => {
    for (const path of ['/usr/share/bytes', '/usr/share/plain.txt', '/nothing', '/missing', '/usr']) {
      await same((side, root) => events(side.createReadStream(root + path, options as BufferEncoding)))
    }
  })
}

streams('from a descriptor, from where it stands', async () => {
  await same(async (side, root) => {
    const fd = side.openSync(`${root}/usr/share/plain.txt`, 'r')
    side.readSync(fd, Buffer.alloc(4))
    return events(side.createReadStream('', { fd }))
  })
})

streams('stop at a signal', async () => {
  const abort = new AbortController()
  const stream = ours.createReadStream('/usr/share/bytes', { signal: abort.signal, highWaterMark: 100 })
  stream.once('data', () => abort.abort())
  const failed = await streamPromises.finished(stream.on('data', () => {})).catch((error: Error) => error)
  assert.is((failed as Error).name, 'AbortError')
})

streams('instanceof tells them, and writing fails as it must', async () => {
  const stream = ours.createReadStream('/script')
  assert.instance(stream, ours.ReadStream)
  stream.destroy()
  const write = ours.createWriteStream('/new')
  assert.instance(write, ours.WriteStream)
  const error = await new Promise<NodeJS.ErrnoException>(resolve => write.on('error', resolve))
  deepStrictEqual([error.code, error.syscall, error.path], ['EROFS', 'open', '/new'])
})
streams.run()

const handles = suite('vfs: FileHandle and Dir')

handles('reads in all its ways', async () => {
  await same(async (side, root) => {
    const handle = await side.promises.open(`${root}/usr/share/plain.txt`)
    const buffer = Buffer.alloc(6)
    const first = await handle.read(buffer, 0, 3)
    const rest = await handle.read({ buffer: Buffer.alloc(4), position: 2 })
    const many = await handle.readv([new Uint8Array(2), new Uint8Array(3)], 1)
    const stats = await handle.stat()
    const text = await handle.readFile('utf8')
    const empty = await handle.readFile()
    const closed = await handle.close()
    return [first, rest, many, stats.size, text, empty, closed, handle.fd]
  })
})

handles('the callback forms of read and readv, and their promisified ones', async () => {
  await same(async (side, root) => {
    const fd = side.openSync(`${root}/usr/share/plain.txt`, 'r')
    const read = side.read as unknown as (...args: unknown[]) => void
    const forms: readonly (readonly unknown[])[] = [
      [],
      [{ position: 1 }],
      [{ buffer: Buffer.alloc(5), offset: 1, length: 3, position: 0n }],
      [Buffer.alloc(3)],
      [Buffer.alloc(3), { position: 2, length: 1 }],
      [Buffer.alloc(8), 1, 4, 3],
      [Buffer.alloc(8), 1, 40, 3],
      [Buffer.alloc(8), 0, 2, -1],
      [null],
      [5],
      [Buffer.alloc(0), 0, 1, 0],
    ]
    const answers: unknown[] = []
    for (const form of forms) {
      const call = () => new Promise(resolve => read(fd, ...form, (...answer: unknown[]) => resolve(answer)))
      answers.push(await (async () => call())().catch((error: unknown) => error))
    }
    answers.push(await promisify(side.read)(fd, Buffer.alloc(2), 0, 2, 0))
    answers.push(await promisify(side.readv)(fd, [new Uint8Array(2)], 4))
    answers.push(await promisify(side.exists)(`${root}/usr`))
    side.closeSync(fd)
    return answers
  })
})

handles('lines, streams and web streams', async () => {
  await same(async (side, root) => {
    const lines: string[] = []
    const handle = await side.promises.open(`${root}/usr/share/plain.txt`)
    for await (const line of handle.readLines()) lines.push(line)
    const other = await side.promises.open(`${root}/usr/share/bytes`)
    const chunks: unknown[] = []
    for await (const chunk of other.createReadStream({ start: 10, end: 30 })) chunks.push(chunk)
    return [lines, chunks]
  })
  const handle = await ours.promises.open('/usr/share/bytes')
  const parts: Uint8Array[] = []
  for await (const chunk of handle.readableWebStream()) parts.push(chunk as Uint8Array)
  assert.ok(Buffer.concat(parts).equals(fs.readFileSync(`${dir}/usr/share/bytes`)))
  await handle.close()
})

handles('says goodbye, once', async () => {
  await same(async (side, root) => {
    const handle = await side.promises.open(`${root}/script`)
    const events: string[] = []
    ;(handle as unknown as NodeJS.EventEmitter).on('close', () => events.push('close'))
    await handle.close()
    await handle.close()
    const after = await handle.read().catch((error: unknown) => error)
    return [events, after]
  })
  const disposed = await ours.promises.open('/script')
  await disposed[Symbol.asyncDispose]?.()
  assert.is(disposed.fd, -1)
})

handles('what would change the file fails as on a read-only mount', async () => {
  const handle = await ours.promises.open('/script')
  const code = (run: Promise<unknown>) =>
    run.then(
      () => 'none',
      (error: NodeJS.ErrnoException) => `${error.code} ${error.syscall}`,
    )
  deepStrictEqual(
    await Promise.all([
      code(handle.write('x')),
      code(handle.writeFile('x')),
      code(handle.appendFile('x')),
      code(handle.truncate()),
      code(handle.chmod(0)),
      code(handle.utimes(0, 0)),
      code(handle.datasync()),
    ]),
    ['EBADF write', 'EBADF write', 'EBADF write', 'EINVAL ftruncate', 'EROFS fchmod', 'EROFS futime', 'none'],
  )
  await handle.close()
})

handles('Dir: read, readSync, entries, close, and its errors', async () => {
  await same(async (side, root) => {
    const dirHandle = side.opendirSync(`${root}/usr/share/deep`)
    const first = dirHandle.readSync()
    const second = await dirHandle.read()
    const third = await new Promise(resolve => dirHandle.read((_error, entry) => resolve(entry)))
    dirHandle.closeSync()
    const after: unknown[] = []
    for (const run of [
      () => dirHandle.readSync(),
      () => dirHandle.closeSync(),
      () => dirHandle.read(),
      () => dirHandle.close(),
    ]) {
      after.push(await (async () => run())().catch((error: unknown) => error))
    }
    return [first, second, third, after, dirHandle.path]
  })
  const names: string[] = []
  for await (const entry of await ours.promises.opendir('/usr', { recursive: true }))
    names.push(`${entry.parentPath}/${entry.name}`)
  assert.ok(names.includes('/usr/share/deep/er/and/deeper/file'))
})
handles.run()

/** Bytes that never come. */
const never = () => new Miss('a block', () => new Promise<void>(() => {}))

const others = suite('vfs: signals, watchers, glob, blobs, cp')

others('a signal stops readFile before and while it waits', async () => {
  const reason = new Error('enough')
  const gone = AbortSignal.abort(reason)
  await same((side, root) => side.promises.readFile(`${root}/script`, { signal: gone }))
  const abort = new AbortController()
  const reading = ours.promises.readFile('/usr/share/bytes', { signal: abort.signal })
  abort.abort()
  assert.ok(
    ['AbortError', undefined].includes(
      await reading.then(
        () => undefined,
        (error: Error) => error.name,
      ),
    ),
  )
  const stuck = new HostLayer(dir)
  const lacking = { size: 9, read: never, readAll: never, close: () => {} }
  stuck.open = () => lacking
  const later = new AbortController()
  setTimeout(() => later.abort(), 10)
  const waiting = createFs(stuck, ENV).promises.readFile('/script', { signal: later.signal } as object)
  assert.is(
    await waiting.then(
      () => 'read',
      (failed: Error) => failed.name,
    ),
    'AbortError',
  )
  const error = await new Promise<NodeJS.ErrnoException | null>(resolve =>
    ours.readFile('/script', { signal: gone }, resolve),
  )
  deepStrictEqual([error?.name, error?.code, error?.cause], ['AbortError', 'ABORT_ERR', reason])
})

others('watchers watch in silence and can be closed', async () => {
  const watcher = ours.watch('/usr', { persistent: false }, () => assert.unreachable())
  const closed = new Promise(resolve => watcher.on('close', () => resolve('closed')))
  watcher.unref().ref().close()
  assert.is(await closed, 'closed')
  assert.throws(() => ours.watch('/missing'), /^ENOENT: no such file or directory, watch '\/missing'/)
  const first = await new Promise<fs.Stats>(resolve => ours.watchFile('/missing', resolve as () => void))
  assert.is(first.ino, 0)
  ours.unwatchFile('/missing')
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 10)
  const ended = await (async () => {
    for await (const _event of ours.promises.watch('/usr', { signal: abort.signal })) assert.unreachable()
  })().catch((error: Error) => error.name)
  assert.is(ended, 'AbortError')
})

others('glob finds what memfs’s own glob finds through node:fs', async () => {
  const { globSync } = ours as unknown as { globSync(pattern: string, options?: object): string[] }
  deepStrictEqual(globSync('usr/**/*.txt'), ['usr/share/plain.txt'])
  deepStrictEqual(globSync('chain-{1,2}').sort(), ['chain-1', 'chain-2'])
  deepStrictEqual(
    globSync('share/*', { cwd: '/usr' }).sort(),
    fs
      .readdirSync(`${dir}/usr/share`)
      .map(name => `share/${name}`)
      .sort(),
  )
  const found = await new Promise((resolve, reject) => {
    const { glob } = ours as unknown as { glob(pattern: string, done: (error: unknown, found: unknown) => void): void }
    glob('scr*', (error, matches) => (error ? reject(error) : resolve(matches)))
  })
  deepStrictEqual((found as string[]).sort(), ['script', 'script-too'])
})

others('openAsBlob', async () => {
  const blob = await ours.openAsBlob('/script', { type: 'text/plain' })
  deepStrictEqual([blob.size, blob.type, await blob.text()], [10, 'text/plain', '#!/bin/sh\n'])
  const failed = await ours.openAsBlob('/missing').catch((error: NodeJS.ErrnoException) => error)
  assert.is((failed as NodeJS.ErrnoException).code, 'ERR_INVALID_ARG_VALUE')
})

others('cp makes Node’s checks, then fails at the first thing it would write', async () => {
  // Pairs that node:fs refuses by itself, so that nothing is written on the host.
  for (const [from, to, options] of [
    ['/usr', '/copy', undefined],
    ['/usr', '/usr/share/copy', { recursive: true }],
    ['/script', '/usr', undefined],
    ['/usr', '/script', { recursive: true }],
    ['/script', '/script-too', undefined],
    ['/missing', '/copy', undefined],
    ['/script/below', '/copy', undefined],
    ['/script', '/nothing', { errorOnExist: true, force: false }],
    ['/script', '/nothing', { force: false }],
    ['/script', '/copy', { filter: () => false }],
    ['/script', '/copy', { recursive: 1 }],
    ['/script', '/copy', { mode: 9 }],
  ] as const) {
    await same((side, root) => side.cpSync(root + from, root + to, options as fs.CopySyncOptions))
  }
  const refused = (from: string, to: string) => {
    try {
      ours.cpSync(from, to, { recursive: true })
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException
      return `${code} ${syscall}`
    }
    return 'none'
  }
  deepStrictEqual(
    [
      refused('/script', '/copy'),
      refused('/usr', '/copy'),
      refused('/script', '/nothing'),
      refused('/dangling', '/copy'),
    ],
    ['EROFS copyfile', 'EROFS mkdir', 'EROFS unlink', 'EROFS symlink'],
  )
})
others.run()
