// What a writable mount's own changes tell those who watch it, and details of streams and handles that random calls do not
// reach; where node:fs tells the same each time, beside it.
import { deepStrictEqual } from 'node:assert'
import { type EventEmitter, once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { runInNewContext } from 'node:vm'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { shown } from '../helpers/shown'
import { newWorlds, type World } from '../helpers/write-world'

/** Runs the same in both worlds; asks for the same answer and gives it back. */
async function same(run: (world: World) => unknown): Promise<unknown> {
  const worlds = await newWorlds(false)
  try {
    const answers: unknown[] = []
    for (const world of [worlds.ours, worlds.nodes]) {
      const answer = await (async () => run(world))().catch((error: unknown) => error)
      answers.push(shown(answer, world.root, ['atime', 'mtime', 'ctime', 'birthtime', 'dev', 'ino']))
    }
    deepStrictEqual(answers[0], answers[1])
    return answers[0]
  } finally {
    await worlds.close()
  }
}

/** Events as they come, each once: how often a kernel tells of one write is its own affair. */
async function told(world: World, path: string, options: object, change: (world: World) => void): Promise<unknown[]> {
  const events = new Set<string>()
  const watcher = world.fs.watch(world.root + path, options, (kind, name) => events.add(`${kind} ${String(name)}`))
  await wait(5)
  change(world)
  await wait(40)
  watcher.close()
  return [...events].sort()
}

const watching = suite('vfs: watching a tree that changes')

watching('a directory tells of what is made, renamed, written and removed in it', async () => {
  const events = await same(world =>
    told(world, '/d2', {}, ({ fs, root }) => {
      fs.writeFileSync(`${root}/d2/new`, 'text')
      fs.renameSync(`${root}/d2/new`, `${root}/d2/newer`)
      fs.unlinkSync(`${root}/d2/newer`)
    }),
  )
  deepStrictEqual(events, ['change new', 'rename new', 'rename newer'])
})

watching('a file tells of writes, by its own name', async () => {
  const write = ({ fs, root }: World) => fs.appendFileSync(`${root}/a.txt`, 'more')
  deepStrictEqual(await same(world => told(world, '/a.txt', {}, write)), ['change a.txt'])
  deepStrictEqual(await same(world => told(world, '/link-a', {}, write)), ['change link-a'])
})

watching('a link to a directory tells of the directory, and names may be bytes', async () => {
  const make = ({ fs, root }: World) => fs.mkdirSync(`${root}/d/made`)
  deepStrictEqual(await same(world => told(world, '/link-d', {}, make)), ['rename made'])
  deepStrictEqual(await same(world => told(world, '/link-d', { encoding: 'hex' }, make)), ['rename 6d616465'])
})

watching('with recursive, also of what is further down', async () => {
  const worlds = await newWorlds(true)
  const events = await told(worlds.ours, '/d', { recursive: true }, ({ fs, root }) =>
    fs.writeFileSync(`${root}/d/f/deep`, ''),
  )
  assert.ok(events.includes('rename f/deep'))
  await worlds.close()
})

watching('promises.watch tells in turn, and ends with its signal', async () => {
  const name = await same(async ({ fs, root }) => {
    const abort = new AbortController()
    const events: string[] = []
    const watched = (async () => {
      for await (const { filename } of fs.promises.watch(`${root}/d2`, { signal: abort.signal })) {
        events.push(String(filename))
        abort.abort()
      }
    })()
    await wait(5)
    fs.mkdirSync(`${root}/d2/one`)
    return [await watched.catch((error: Error) => error.name), events]
  })
  deepStrictEqual(name, ['AbortError', ['one']])
})

watching('watchFile tells what stat says now and said before', async () => {
  const changed = await same(async ({ fs, root }) => {
    const sizes: number[][] = []
    const listener = (now: { size: number }, before: { size: number }) => sizes.push([now.size, before.size])
    fs.watchFile(`${root}/link-a`, { interval: 10 }, listener)
    await wait(30)
    fs.writeFileSync(`${root}/a.txt`, 'four')
    await wait(60)
    fs.unlinkSync(`${root}/a.txt`)
    await wait(60)
    fs.unwatchFile(`${root}/link-a`)
    fs.writeFileSync(`${root}/a.txt`, 'nobody looks')
    await wait(30)
    return sizes
  })
  deepStrictEqual(changed, [
    [4, 24],
    [0, 4],
  ])
})

watching.run()

const details = suite('vfs: streams and handles that write')

details('a stream that is closed has written all', async () => {
  await same(async ({ fs, root }) => {
    const stream = fs.createWriteStream(`${root}/n1`, { flush: true })
    stream.write('one ')
    stream.write('two')
    await new Promise<void>(resolve => stream.close(() => resolve()))
    return [fs.readFileSync(`${root}/n1`, 'utf8'), stream.bytesWritten, stream.closed]
  })
})

details('a read stream that is closed early says so', async () => {
  await same(
    ({ fs, root }) =>
      new Promise(resolve => fs.createReadStream(`${root}/b.bin`).close(error => resolve(error?.name && error))),
  )
})

details('wrong arguments are thrown at once', async () => {
  for (const [path, options] of [
    [undefined, {}],
    ['/n1', { start: -1 }],
    ['/n1', { flush: 1 }],
    ['/n1', { fs: {} }],
    ['/n1', { fs: { open: () => {}, write: 5 } }],
    ['/n1', { fd: 'x' }],
    ['/n1', { fd: -1 }],
  ] as const) {
    await same(({ fs, root }) => fs.createWriteStream((path && root + path) as string, options as object))
  }
})

details('the fs option stands in for the calls', async () => {
  await same(async ({ fs, root }) => {
    const made: unknown[] = []
    const { open, close, write } = fs
    const own = {
      open,
      close: (fd: number, done: () => void) => {
        made.push('close')
        close(fd, done)
      },
      write: (...args: [number, Buffer, number, number, null, () => void]) => {
        made.push(String(args[1]))
        write(...args)
      },
    }
    const stream = fs.createWriteStream(`${root}/n1`, { fs: own } as object)
    stream.end('text')
    await once(stream, 'close')
    return [made, fs.readFileSync(`${root}/n1`, 'utf8')]
  })
})

details('a stream whose fs takes a few bytes at a time loses none', async () => {
  await same(async ({ fs, root }) => {
    const { open, close, write } = fs
    const own = {
      open,
      close,
      write: (fd: number, data: Buffer, at: number, size: number, position: number, done: () => void) =>
        write(fd, data, at, Math.min(size, 3), position, done),
    }
    const texts: string[] = []
    for (const start of [undefined, 0, 2]) {
      const stream = fs.createWriteStream(`${root}/n1`, { fs: own, start } as object)
      stream.end('not all at once')
      await once(stream, 'close')
      texts.push(fs.readFileSync(`${root}/n1`, 'latin1'))
    }
    return texts
  })
})

details('a signal that has been given stops writeFile before the file is emptied', async () => {
  for (const data of ['text', ['p', 'q'], []] as const) {
    await same(async ({ fs, root }) => {
      const signal = AbortSignal.abort()
      const handle = await fs.promises.open(`${root}/b.bin`, 'r+')
      const failed = (
        await Promise.allSettled([
          fs.promises.writeFile(`${root}/a.txt`, data, { signal }),
          fs.promises.appendFile(`${root}/n1`, data as string, { signal } as object),
          handle.writeFile(data as string, { signal }),
        ])
      ).map(one => one.status === 'rejected' && one.reason.name)
      await handle.close()
      return [failed, fs.readFileSync(`${root}/a.txt`, 'utf8'), fs.existsSync(`${root}/n1`)]
    })
  }
})

details('pieces of data are what Buffer.from takes', async () => {
  const { buffer } = new Uint8Array([67, 68])
  for (const piece of [[65, 66], buffer, new String('text'), new Uint16Array([0x4141]), '6162', 5, {}, null]) {
    await same(async ({ fs, root }) => {
      const failed = await fs.promises
        .writeFile(`${root}/n1`, ['63', piece] as string[], { encoding: 'hex', flag: '' })
        .catch((error: Error) => error)
      return [failed, fs.readFileSync(`${root}/n1`, 'latin1')]
    })
  }
})

details('a path may be overwritten as soon as it has been handed over', async () => {
  await same(async ({ fs, root }) => {
    const path = Buffer.from(`${root}/c`)
    const removed = promisify(fs.unlink)(path)
    path.write('b.bin', root.length + 1)
    await removed
    return [fs.existsSync(`${root}/b.bin`), fs.existsSync(`${root}/c`)]
  })
})

details('what a filter of cp throws, or promises, is the answer', async () => {
  // A promise of another realm is no instance of this one's.
  const elsewhere = runInNewContext('wanted => Promise.resolve(wanted)') as (wanted: boolean) => Promise<boolean>
  const filters = [
    async () => Promise.reject(new TypeError('mine')),
    () => {
      throw new TypeError('mine')
    },
    (from: string) => elsewhere(!from.endsWith('e.txt')),
  ]
  for (const filter of filters) {
    await same(async ({ fs, root }) => {
      const failed = await fs.promises
        .cp(`${root}/d`, `${root}/n1`, { recursive: true, filter })
        .catch((error: Error) => error)
      return [failed, fs.existsSync(`${root}/n1`) && fs.readdirSync(`${root}/n1`).sort()]
    })
  }
})

details('what is thrown is not promised, and names its argument', async () => {
  await same(({ fs, root }) => {
    const dir = fs.opendirSync(root)
    dir.closeSync()
    const calls = [
      () => dir.read(),
      () => dir.readSync(),
      () => fs.watch(5 as unknown as string),
      () => fs.watchFile('a\0b', () => {}),
      () => fs.unwatchFile(null as unknown as string),
    ]
    return calls.map(call => {
      try {
        return typeof call()
      } catch (error) {
        return error
      }
    })
  })
})

details('a watcher that is closed leaves nothing at its signal', async () => {
  const worlds = await newWorlds(false)
  const { signal } = new AbortController()
  const kept = new Set<unknown>()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  Object.assign(signal, {
    addEventListener: (...args: Parameters<typeof add>) => kept.add(args[1]) && add(...args),
    removeEventListener: (...args: Parameters<typeof remove>) => kept.delete(args[1]) && remove(...args),
  })
  const watcher = worlds.ours.fs.watch(worlds.ours.root, { signal })
  assert.is(kept.size, 1)
  watcher.close()
  await wait(1)
  assert.is(kept.size, 0)
  await worlds.close()
})

details('a handle is closed when its streams are', async () => {
  await same(async ({ fs, root }) => {
    const handle = await fs.promises.open(`${root}/a.txt`, 'r+')
    const stream = handle.createReadStream()
    const events: string[] = []
    once(handle as unknown as EventEmitter, 'close').then(() => events.push('handle'))
    stream.on('close', () => events.push('stream'))
    await handle.close()
    await wait(5)
    const closed = await handle.stat().catch((error: Error) => error)
    const late = (() => {
      try {
        return handle.createWriteStream()
      } catch (error) {
        return error
      }
    })()
    return [events.sort(), handle.fd, closed, late, stream.destroyed]
  })
})

details('cp refuses to copy a directory into itself, by whatever path', async () => {
  for (const to of ['/d/f/new', '/link-d/new', '/link-d/f/new']) {
    await same(({ fs, root }) => fs.cpSync(`${root}/d`, root + to, { recursive: true }))
    await same(({ fs, root }) => fs.promises.cp(`${root}/d`, root + to, { recursive: true }))
  }
})

details('close goes without a callback', async () => {
  await same(async ({ fs, root }) => {
    const fd = fs.openSync(`${root}/c`, 'r')
    const done = (fs.close as unknown as (fd: number) => void)(fd)
    await wait(5)
    return done
  })
})

details.run()
