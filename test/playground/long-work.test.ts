// Long work of the playground's worker that is cancelled, asked for twice, or under way when its image is closed. Not here: what the
// work comes to.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage } from '../../src/node.js'
import { Engine } from '../../src/playground/engine/engine.js'
import { SearchIndex } from '../../src/playground/engine/search-index.js'
import type { ByteSource } from '../../src/source/byte-source.js'

const PIECE = 1 << 20
const ROOT = '/ 0 40755 2 0 0 0 0.0 - - -'
const work = suite('long work')

function engine(): Engine {
  return new Engine('http://localhost/', () => ({ calls: new SearchIndex(), end: () => undefined }))
}

/** Some thousands of folders with some files in each. */
async function broad(): Promise<Uint8Array> {
  const lines = [ROOT]
  for (let i = 0; i < 2000; i++) {
    lines.push(`/d${i} 0 40755 2 0 0 0 ${i}.0 - - -`)
    for (let j = 0; j < 20; j++)
      lines.push(`/d${i}/f${j} ${j % 7} 100644 1 0 0 0 ${j}.0 - ${'x'.repeat(j % 7) || '-'} -`)
  }
  return (await buildImage({ dump: `${lines.join('\n')}\n` })).image
}

const bytes = await broad()

/** An image whose bytes come by and by; counts what is asked for. */
class Slow implements ByteSource {
  reads = 0
  readonly size = 32 * PIECE

  async read(offset: number, length: number): Promise<Uint8Array> {
    this.reads++
    await new Promise(resolve => setTimeout(resolve, 4))
    const part = new Uint8Array(length)
    part.set(bytes.subarray(offset, offset + length))
    return part
  }

  close(): void {}
}

async function open(own: Engine, source: Uint8Array | ByteSource): Promise<number> {
  const lazy = !(source instanceof Uint8Array)
  return (await own.documents.add({ bytes: source, options: { lazy }, name: 'broad', origin: 'file' })).id
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => undefined,
    (failed: unknown) => failed,
  )
  assert.instance(error, Error)
  return error as Error
}

work('fetching a whole image ends, all of it, when it is cancelled', async () => {
  const own = engine()
  const source = new Slow()
  const id = await open(own, source)
  const fetching = failure(own.maps.fetchAll(id, 1))
  setTimeout(() => own.jobs.cancel(1), 20)
  assert.is((await fetching).name, 'AbortError')
  const { reads } = source
  await new Promise(resolve => setTimeout(resolve, 100))
  // Those that were under way.
  assert.ok(source.reads <= reads + 3, `${source.reads - reads} reads after the end`)
})

work('a whole image is fetched once, whoever asks meanwhile', async () => {
  const own = engine()
  const source = new Slow()
  const id = await open(own, source)
  const { reads } = source
  await Promise.all([own.maps.fetchAll(id), own.maps.fetchAll(id), own.maps.fetchAll(id)])
  assert.is(source.reads - reads, source.size / PIECE)
})

work('unfolding can be cancelled where rows are sorted by what has to be read', async () => {
  const own = engine()
  const id = await open(own, bytes)
  await own.trees.sort(id, 0, { key: 'mtime', descending: false })
  const unfolding = failure(own.trees.unfoldAll(id, 0, '/', 2))
  own.jobs.cancel(2)
  assert.is((await unfolding).name, 'AbortError')
})

work('sorting that is cancelled leaves the order that was there', async () => {
  const own = engine()
  const id = await open(own, bytes)
  await own.trees.unfoldAll(id, 0, '/')
  const before = await own.trees.window(id, 0, 0, 100)
  const sorting = failure(own.trees.sort(id, 0, { key: 'size', descending: true }, 3))
  own.jobs.cancel(3)
  assert.is((await sorting).name, 'AbortError')
  const after = await own.trees.window(id, 0, 0, 100)
  assert.equal(after.sorting, before.sorting)
  assert.equal(after.rows, before.rows)
})

/** Some thousands of calls that all have their answer at hand. */
const LONG = 'ls -lR / | wc -l'

work('a command that reads much leaves others their turn, and can be interrupted', async () => {
  const own = engine()
  const id = await open(own, bytes)
  await own.terminals.run(id, 'true')
  const running = own.terminals.run(id, LONG)
  // Were the command not to pause, this would come after it.
  setTimeout(() => void own.terminals.interrupt(id), 5)
  const { exitCode, errors } = await running
  assert.is(exitCode, 124)
  assert.match(errors, /aborted/)
  assert.is((await own.terminals.run(id, 'echo on')).output, 'on\n')
})

work('a command ends with its image', async () => {
  const own = engine()
  const id = await open(own, bytes)
  await own.terminals.run(id, 'true')
  const running = own.terminals.run(id, LONG)
  setTimeout(() => own.documents.close(id), 5)
  assert.is((await running).exitCode, 124)
})

work('lines of one shell run one after the other', async () => {
  const own = engine()
  const id = await open(own, bytes)
  const [first, second] = await Promise.all([
    own.terminals.run(id, 'cd /d7; A=there'),
    own.terminals.run(id, 'pwd; echo $A'),
  ])
  assert.is(first.cwd, '/d7')
  assert.is(second.output, '/d7\nthere\n')
})

work('what is asked of a closed image fails in one plain sentence', async () => {
  const own = engine()
  const id = await open(own, bytes)
  const asked = [
    own.trees.unfoldAll(id, 0, '/'),
    own.treemap.report(id, '/', 'bytes'),
    own.downloads.weigh(id, '/'),
    own.sharing.report([id]),
    own.maps.summary(id),
  ].map(failure)
  own.documents.close(id)
  const late: (() => unknown)[] = [
    () => own.verify.state(id),
    () => own.network.requests(id, 0, 1),
    () => own.maps.presence(id),
    () => own.documents.info(id),
    () => own.folderLists.window(id, '/', { key: 'name', descending: false }, 0, 1),
  ]
  for (const one of late) asked.push(failure((async () => one())()))
  for (const { message } of await Promise.all(asked))
    assert.match(message, /(?:It was closed or changed meanwhile|The image was closed meanwhile)\. Open it again\./)
})

work('nothing of a closed image is kept by those that stay', async () => {
  const own = engine()
  const [one, two] = [await open(own, bytes), await open(own, bytes)]
  await own.diff.compare(one, two, { kind: 'all', aspect: 'all', withoutTimes: false })
  await own.tamper.run(two, { target: 'image', path: '/' })
  own.documents.close(two)
  assert.equal([...own.documents.get(one).kept.keys()], [])
  assert.match((await failure(own.tamper.open(true))).message, /Nothing has been tampered with yet/)
})

work('lists that are asked for just when all changes are discarded show no sound entry as a broken one', async () => {
  const own = engine()
  const id = await open(own, bytes)
  const sorting = { key: 'mtime', descending: false } as const
  for (let round = 0; round < 8; round++) {
    await own.changes.start(id)
    await own.trees.unfoldAll(id, 0, '/')
    const asked = [
      own.trees.window(id, 0, 0, 50).then(({ rows }) => rows),
      own.trees.sort(id, 0, sorting).then(() => []),
      own.folderLists.window(id, '/', sorting, 0, 50).then(({ entries }) => entries),
      own.treemap.report(id, '/', 'bytes').then(({ broken }) => assert.is(broken, 0)),
    ]
    // The later it comes in a round, the further they are.
    for (let turn = 0; turn < round; turn++) await new Promise(resolve => setTimeout(resolve, 1))
    await own.changes.discard(id)
    for (const entries of await Promise.all(asked))
      for (const { type, badges } of entries ?? []) assert.equal([type === 'unknown', badges], [false, []])
    for (const { type } of (await own.trees.window(id, 0, 0, 50)).rows) assert.is.not(type, 'unknown')
  }
})

work.run()
