// Limits that whoever opens an image sets: each passes at its edge and refuses one more, with its own error; what is no limit is EINVAL.
import nodeFs from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, faultError } from '../../src/format/errno.js'
import { DEFAULT_LIMITS, type LimitOptions } from '../../src/format/limits.js'
import { sha256 } from '../../src/host/hash.js'
import { DiffSide, imageDiff } from '../../src/image/image-diff.js'
import { TreeEntries } from '../../src/image/tree-entries.js'
import {
  buildImage,
  MemoryStore,
  type MountOptions,
  mount,
  mountSync,
  openImage,
  openImageSync,
  type StoredObject,
  TreeBuilder,
} from '../../src/node.js'
import { ImageCheck } from '../../src/overlay/image-check.js'

const limits = suite('limits')
const dir = nodeFs.mkdtempSync(join(tmpdir(), 'composefs-limits-'))
process.on('exit', () => nodeFs.rmSync(dir, { recursive: true, force: true }))

const store = new MemoryStore()
const BIG = 'big '.repeat(300)
/** More than what says where a file's object is. */
const VALUE = 'v'.repeat(400)

/** Seven names and the root, three of them below one another at most, the longest of 10 bytes. */
async function sample(): Promise<Uint8Array> {
  const builder = new TreeBuilder()
  builder.addDirectory('/dir')
  builder.addDirectory('/dir/below')
  builder.addFile('/dir/below/file', 'file')
  builder.addFile('/ten-bytes!', 'ten')
  builder.addFile('/big', BIG)
  builder.addFile('/marked', 'm', { xattrs: { 'user.one': VALUE, 'user.two': '123' } })
  builder.addSymlink('/l1', 'dir/below/file')
  return (await buildImage(builder, { store })).image
}

const ENTRIES = 8
const DEPTH = 3
const NAME = 10
const XATTRS = `user.one${VALUE}user.two123`.length
const image = await sample()
const file = join(dir, 'image')
nodeFs.writeFileSync(file, image)

/** The code that something ends with; `ok` for none. */
function codeOf(run: () => unknown): string {
  try {
    const answer = run()
    return answer instanceof Fault ? answer.code : 'ok'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

async function codeLater(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'ok'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

type Whole = readonly [name: string, run: (options: LimitOptions) => string | Promise<string>]

function lastOf(entries: TreeEntries | Fault): unknown {
  if (entries instanceof Fault) return entries
  for (let more = entries.next(); more !== false; more = entries.next()) if (more instanceof Fault) return more
  return undefined
}

function verified(options: LimitOptions): string {
  const found: Fault[] = []
  const opened = openImageSync(image, options)
  const code = codeOf(() => {
    for (const _ of new ImageCheck(opened, (_path, why) => found.push(why)).run());
  })
  return code === 'ok' && found.length > 0 ? found[0].code : code
}

function diffed(options: LimitOptions): string {
  const none = () => {}
  const side = (given: LimitOptions) => new DiffSide(openImageSync(image, given), fault => faultError(fault, 'diff'))
  return codeOf(() => {
    const listener = { added: none, removed: none, changed: none }
    for (const _ of imageDiff(side(options), side({}), listener, sha256));
  })
}

/** Whatever goes through all of an image. */
const WHOLES: readonly Whole[] = [
  ['entries', options => codeOf(() => [...openImageSync(image, options).entries()])],
  ['batches', options => codeOf(() => [...openImageSync(image, options).batches()])],
  ['lazy entries', options => codeOf(() => [...openImageSync(file, { ...options, lazy: true }).entries()])],
  ['dump', options => codeOf(() => lastOf(TreeEntries.open(openImageSync(image, options))))],
  ['verify', verified],
  ['diff', diffed],
  ['building from it', options => codeLater(() => buildImage(openImageSync(image, options), {}))],
  ['commit', async options => codeLater(() => mountSync(image, { ...options, store }).commit())],
]

const EDGES = [
  ['maxEntries', ENTRIES, 'E2BIG', WHOLES],
  ['maxDepth', DEPTH, 'ENAMETOOLONG', WHOLES],
  ['maxNameBytes', NAME, 'ENAMETOOLONG', WHOLES],
  ['maxXattrBytes', XATTRS, 'E2BIG', WHOLES.filter(([name]) => !/entries|batches/.test(name))],
] as const

for (const [option, edge, code, wholes] of EDGES) {
  for (const [name, run] of wholes) {
    limits(`${option}: ${name}`, async () => {
      assert.is(await run({ [option]: edge }), 'ok')
      assert.is(await run({ [option]: edge - 1 }), code)
    })
  }
}

/** A mount with some limits, read-only alone, read-only in a stack, and writable; none of them says otherwise. */
function askedOf(options: MountOptions, ask: (fs: ReturnType<typeof mountSync>['fs']) => unknown): string {
  const codes = [
    [image, options],
    [file, { ...options, lazy: true }],
    [image, { ...options, writable: true }],
    [[image, image], options],
    [openImageSync(image), options],
    [openImageSync(image, options), {}],
  ].map(([source, rest]) => {
    const m = mountSync(source as Uint8Array, { store, ...(rest as MountOptions) })
    const answer = codeOf(() => ask(m.fs))
    m.unmount()
    return answer
  })
  assert.is(new Set(codes).size, 1, `${codes}`)
  return codes[0]
}

limits('maxDepth: look-ups', () => {
  const read = (path: string, maxDepth: number) => askedOf({ maxDepth }, fs => fs.readFileSync(path))
  assert.is(read('/dir/below/file', 3), 'ok')
  assert.is(read('/dir/below/file', 2), 'ENAMETOOLONG')
  assert.is(read('/l1', 3), 'ok')
  assert.is(read('/l1', 2), 'ENAMETOOLONG')
  assert.is(read('/ten-bytes!', 1), 'ok')
  assert.is(read('/ten-bytes!', 0), 'ENAMETOOLONG')
  assert.is(read('/dir/../ten-bytes!', 1), 'ok')
})

limits('maxNameBytes: look-ups and listings', () => {
  const ask = (maxNameBytes: number, run: Parameters<typeof askedOf>[1]) => askedOf({ maxNameBytes }, run)
  for (const run of [
    fs => fs.lstatSync('/ten-bytes!'),
    fs => fs.readdirSync('/'),
    fs => fs.readdirSync('/dir/..', { withFileTypes: true }),
  ] satisfies Parameters<typeof askedOf>[1][]) {
    assert.is(ask(NAME, run), 'ok')
    assert.is(ask(NAME - 1, run), 'ENAMETOOLONG')
  }
  assert.is(
    ask(6, fs => fs.readdirSync('/dir')),
    'ok',
  )
  assert.is(
    ask(255, fs => fs.existsSync('/'.padEnd(300, 'n'))),
    'ok',
  )
})

limits('maxXattrBytes: names and values', () => {
  const ask = (maxXattrBytes: number, run: Parameters<typeof askedOf>[1]) => askedOf({ maxXattrBytes }, run)
  for (const run of [
    fs => fs.listxattrSync('/marked'),
    fs => fs.getxattrSync('/marked', 'user.one'),
  ] satisfies Parameters<typeof askedOf>[1][]) {
    assert.is(ask(XATTRS, run), 'ok')
    assert.is(ask(XATTRS - 1, run), 'E2BIG')
  }
})

limits('maxSymlinks: followed on the way of one path', async () => {
  const builder = new TreeBuilder()
  builder.addFile('/l0', 'end')
  for (let i = 1; i <= 41; i++) builder.addSymlink(`/l${i}`, i % 2 === 0 ? `l${i - 1}` : `/l${i - 1}`)
  const chain = (await buildImage(builder, { store })).image
  for (const options of [{}, { writable: true }, { lazy: true }]) {
    const read = (path: string, maxSymlinks?: number) => {
      const m = mountSync(chain, { ...options, maxSymlinks })
      return codeOf(() => m.fs.readFileSync(path))
    }
    for (const [path, limit] of [
      ['/l40', undefined],
      ['/l5', 5],
      ['/l1', 1],
      ['/l0', 0],
    ] as const) {
      assert.is(read(path, limit), 'ok', path)
    }
    assert.is(read('/l41'), 'ELOOP')
    assert.is(read('/l6', 5), 'ELOOP')
    assert.is(read('/l1', 0), 'ELOOP')
    assert.is(
      codeOf(() => mountSync(chain, { ...options, maxSymlinks: 0 }).fs.lstatSync('/l1')),
      'ok',
    )
  }
})

limits('maxEntries: changes of a mount', () => {
  const m = (maxEntries: number) => {
    const made = mountSync(image, { maxEntries, writable: true })
    for (let i = 0; i < 4; i++) made.fs.writeFileSync(`/new${i}`, '')
    return made
  }
  assert.is(m(4).changes().length, 4)
  assert.is(
    codeOf(() => m(3).changes()),
    'E2BIG',
  )
})

limits('maxObjectBytes: at open, before the store is asked', () => {
  let asked = 0
  const watched = new MemoryStore()
  watched.openSync = (name: string): StoredObject => {
    asked++
    return store.openSync(name)
  }
  const open = (maxObjectBytes: number, path = '/big') => {
    asked = 0
    const m = mountSync(image, { store: watched, maxObjectBytes })
    return codeOf(() => m.fs.closeSync(m.fs.openSync(path, 'r')))
  }
  assert.is(open(BIG.length), 'ok')
  assert.is(asked, 1)
  assert.is(open(BIG.length - 1), 'EFBIG')
  assert.is(asked, 0)
  assert.is(open(0, '/ten-bytes!'), 'ok')
})

limits('maxImageBytes: bytes, files, Blobs, sources, Images', async () => {
  const size = image.length
  const blob = new Blob([new Uint8Array(image)])
  let reads = 0
  const source = () => ({
    size,
    read: async (from: number, length: number) => {
      reads++
      return image.slice(from, from + length)
    },
    readSync: (from: number, length: number) => {
      reads++
      return image.slice(from, from + length)
    },
    close: () => {},
  })
  for (const make of [() => image, () => file, () => source(), () => openImageSync(image)]) {
    for (const lazy of [false, true]) {
      assert.is(
        codeOf(() => openImageSync(make(), { lazy, maxImageBytes: size })),
        'ok',
      )
      reads = 0
      assert.is(
        codeOf(() => openImageSync(make(), { lazy, maxImageBytes: size - 1 })),
        'EFBIG',
      )
      assert.is(await codeLater(() => mount(make(), { lazy, maxImageBytes: size - 1 })), 'EFBIG')
      assert.is(reads, 0)
    }
  }
  assert.is(await codeLater(() => openImage(blob, { maxImageBytes: size })), 'ok')
  blob.arrayBuffer = () => Promise.reject(new Error('it was read'))
  assert.is(await codeLater(() => openImage(blob, { maxImageBytes: size - 1 })), 'EFBIG')
  assert.is(await codeLater(() => mount(image, { maxImageBytes: size - 1 })), 'EFBIG')
})

limits('maxImageBytes: no memory for a file of 3 GiB, and none for what its name says', () => {
  const large = join(dir, 'large')
  nodeFs.writeFileSync(large, image)
  nodeFs.truncateSync(large, 3 * 2 ** 30)
  const before = process.memoryUsage().rss
  assert.is(
    codeOf(() => openImageSync(large, { maxImageBytes: 3 * 2 ** 30 - 1 })),
    'EFBIG',
  )
  assert.ok(process.memoryUsage().rss - before < 64 * 2 ** 20)
})

limits('maxImageBytes: of a server, by what it says before the body, or as it comes', async () => {
  let sent = 0
  const server = createServer((request, response): void => {
    sent = 0
    const said = request.url !== '/unsaid'
    response.writeHead(200, said ? { 'content-length': image.length } : {})
    // What a limit refuses by the length is not waited for.
    if (request.url === '/never') {
      response.flushHeaders()
      return
    }
    sent = image.length
    response.end(image)
  })
  server.unref()
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    for (const path of ['/said', '/unsaid']) {
      assert.is(await codeLater(() => openImage(url + path, { maxImageBytes: image.length })), 'ok', path)
      assert.is(await codeLater(() => openImage(url + path, { maxImageBytes: image.length - 1 })), 'EFBIG', path)
      assert.is(sent, image.length)
    }
    assert.is(await codeLater(() => openImage(`${url}/never`, { maxImageBytes: image.length - 1 })), 'EFBIG')
    assert.is(sent, 0)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

limits('what is no limit is EINVAL', async () => {
  for (const option of Object.keys(DEFAULT_LIMITS)) {
    for (const value of [-1, 1.5, Number.NaN, '1', null, 1n]) {
      const options = { [option]: value } as LimitOptions
      assert.is(
        codeOf(() => openImageSync(image, options)),
        'EINVAL',
        `${option} ${value}`,
      )
      assert.is(
        codeOf(() => mountSync(image, options)),
        'EINVAL',
      )
      assert.is(await codeLater(() => openImage(image, options)), 'EINVAL')
    }
  }
  for (const option of ['maxDepth', 'maxNameBytes', 'maxSymlinks'] as const) {
    const most = DEFAULT_LIMITS[option]
    assert.is(
      codeOf(() => openImageSync(image, { [option]: most })),
      'ok',
    )
    assert.is(
      codeOf(() => openImageSync(image, { [option]: most + 1 })),
      'EINVAL',
    )
  }
})

limits('each image of a stack has them, and a mount of an image the narrower ones', async () => {
  const many = new TreeBuilder()
  for (let i = 0; i < 200; i++) many.addFile(`/name-${i}`, 'content')
  const large = (await buildImage(many, {})).image
  assert.ok(large.length > image.length)
  assert.is(
    codeOf(() => mountSync([image, large], { maxImageBytes: large.length })),
    'ok',
  )
  assert.is(
    codeOf(() => mountSync([image, large], { maxImageBytes: large.length - 1 })),
    'EFBIG',
  )
  assert.is(
    codeOf(() => mountSync([large, image], { maxDepth: 2 }).fs.lstatSync('/dir/below/file')),
    'ENAMETOOLONG',
  )
  const wide = openImageSync(image, { maxDepth: 3 })
  assert.is(
    codeOf(() => mountSync(wide, { maxDepth: 2 }).fs.lstatSync('/dir/below/file')),
    'ENAMETOOLONG',
  )
  assert.is(
    codeOf(() => mountSync(openImageSync(image, { maxDepth: 2 }), { maxDepth: 3 }).fs.lstatSync('/dir/below/file')),
    'ENAMETOOLONG',
  )
})

limits.run()
