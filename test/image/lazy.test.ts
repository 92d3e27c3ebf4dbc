// Lazy images against resident ones: the same answers, to the errno, on good images and on thousands of bad ones, with every
// page taken away between any two questions. And what is read for it: how often, how much, how it fails.
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, Miss } from '../../src/format/errno.js'
import { QUERY_FLAGS } from '../../src/format/structs.js'
import { BYTE_MUTATORS, erofsMutators, mutated, Random } from '../../src/fuzz.js'
import type { Image } from '../../src/image/image.js'
import { ImageLayer, type ImageNode } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import { Records, readBatch } from '../../wasm/records.js'
import { load, loaded, newPool } from '../helpers/core.js'
import { FarBytes, loadPaged, NearBytes, newPagedPool, openPaged, pagedImage } from '../helpers/paged.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'

const ROUNDS = 40
const MUTATORS = [...erofsMutators({ mend: true }), ...BYTE_MUTATORS]
/** Answers about an image that are compared; of the vectors, which hold one tree in many forms, fewer. */
const MOST = 3000
const MOST_OF_VECTORS = 1000

const lazy = suite('lazy images')
const pool = newPool()
const paged = newPagedPool()

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const shown = (answer: unknown): unknown =>
  answer instanceof Fault ? answer.code : answer instanceof Uint8Array ? hex(answer) : answer

/** Everything that can be asked of an image, as text; `before` is called before each question. */
function answers(image: Image, before: () => void, most: number): string[] {
  const layer = new ImageLayer(image, undefined, 'on')
  const out: string[] = []
  const ask = <T>(what: string, question: () => T): T => {
    before()
    const answer = question()
    out.push(`${what}: ${JSON.stringify(shown(answer))}`)
    return answer
  }
  const about = (path: string, node: ImageNode) => {
    ask(`${path} readlink`, () => layer.readlink(node))
    before()
    const names = layer.listxattr(node)
    out.push(`${path} xattrs: ${names instanceof Fault ? names.code : names.map(hex).join(' ')}`)
    if (!(names instanceof Fault)) for (const name of names) ask(`${path} xattr`, () => layer.getxattr(node, name))
    before()
    const file = layer.open(node, true)
    out.push(`${path} open: ${file instanceof Fault ? file.code : file.size}`)
    if (file instanceof Fault) return
    const into = new Uint8Array(5000)
    for (const position of [0, 1, 4095, 4096, Math.max(0, file.size - 100)]) {
      const n = ask(`${path} read ${position}`, () => file.read(into, position, true))
      if (!(n instanceof Fault)) out.push(hex(into.subarray(0, n)))
    }
    if (file.size < 1 << 20) ask(`${path} whole`, () => file.readAll(true))
    file.close()
  }
  const waiting: string[] = ['']
  const attr = newAttr()
  for (let dir = waiting.pop(); dir !== undefined && out.length < most; dir = waiting.pop()) {
    const at = dir === '' ? '/' : dir
    const opened = ask(`${at} resolve`, () => layer.resolve(at, true))
    const list = opened instanceof Fault ? opened : ask(`${at} readdir`, () => layer.readdir(opened))
    ask(`${at} names`, () => layer.namesAt(at))
    if (list instanceof Fault) continue
    for (const name of list.names) {
      const path = `${dir}/${name}`
      for (const follow of [false, true]) {
        const failed = ask(`${path} stat ${follow}`, () => layer.statPath(path, follow, attr))
        if (failed === undefined) out.push(JSON.stringify(attr))
      }
      ask(`${path} lookup`, () => layer.lookup(layer.root, name))
      const node = ask(`${path} node`, () => layer.resolve(path, false))
      if (node instanceof Fault) continue
      about(path, node)
      if ((node.mode & 0o170000) === 0o040000) waiting.push(path)
    }
  }
  return out
}

/** The sweep over all of it, as text. */
function sweep(image: Image, before: () => void): string[] {
  const out: string[] = []
  try {
    for (const entry of image.entries()) {
      out.push(JSON.stringify(entry))
      before()
    }
  } catch (error) {
    out.push(String((error as { code?: string }).code))
  }
  return out
}

function same(actual: readonly string[], expected: readonly string[], what: string): void {
  const at = actual.findIndex((line, i) => line !== expected[i])
  assert.is(actual[at], expected[at], `${what}: line ${at}`)
  assert.is(actual.length, expected.length, what)
}

function sameAnswers(bytes: Uint8Array, what: string, most = MOST): void {
  const resident = load(pool, bytes)
  const lazily = loadPaged(paged, new NearBytes(bytes))
  if (resident instanceof Fault || lazily instanceof Fault) {
    const opened = (image: Image | Fault) => (image instanceof Fault ? image.code : 'opens')
    assert.is(opened(lazily), opened(resident), what)
    return
  }
  assert.equal(lazily.superblock, resident.superblock, what)
  const forget = () => lazily.pager?.clear()
  const still = () => {}
  same(answers(lazily, forget, most), answers(resident, still, most), what)
  const [ours, theirs] = [sweep(lazily, forget), sweep(resident, still)]
  // A sweep throws before the entries of the batch that something is wrong in; those of a lazy image are smaller.
  if (/^[A-Z]+$/.test(String(theirs.at(-1)))) assert.is(ours.at(-1), theirs.at(-1), what)
  else same(ours, theirs, what)
  resident.close()
  lazily.close()
}

const unpacked = (name: string, path: string) =>
  name.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path)
const OWN = ['small.cfs', ...readdirSync(fixture('erofs')).map(name => `erofs/${name}`)].filter(name =>
  /\.cfs$|\.erofs\.gz$/.test(name),
)

for (const name of OWN) {
  const file = unpacked(name, fixture(name))
  lazy(`${name}: answers as a resident image does, with nothing here before any question`, () =>
    sameAnswers(file, name),
  )

  lazy(`${name}: changed at random, too`, () => {
    for (let seed = 1; seed <= ROUNDS; seed++) sameAnswers(mutated(file, MUTATORS, new Random(seed)), `seed ${seed}`)
  })
}

if (SHARED === undefined) skip(lazy, 'the shared EROFS vectors', 'no shared vectors beside this checkout')
else {
  // In a browser a few of them: it runs the same core.
  const some =
    'navigator' in globalThis && 'location' in globalThis ? /^(?:48bit|chunk-map|lzma|metabox-lz4|zstd)\./ : /./
  const names = readdirSync(vector('erofs')).filter(name => name.endsWith('.erofs.gz') && some.test(name))
  for (const name of names) {
    lazy(`vectors/${name}`, () => sameAnswers(unpacked(name, vector('erofs', name)), name, MOST_OF_VECTORS))
  }
}

/** Brings what a question lacks until it is answered; how often that was. */
async function settle<T>(question: () => T | Fault): Promise<[T | Fault, number]> {
  for (let misses = 0; ; misses++) {
    const answer = question()
    if (!(answer instanceof Miss)) return [answer, misses]
    await answer.load()
  }
}

const BIG = gunzipSync(readFileSync(fixture('bench-500.cfs.gz')))

async function far(cacheBytes?: number): Promise<{ source: FarBytes; image: Image; layer: ImageLayer }> {
  const source = new FarBytes(BIG)
  const image = await openPaged(paged, source, cacheBytes)
  if (image instanceof Fault) throw new Error(image.detail)
  return { source, image, layer: new ImageLayer(image, undefined, 'on') }
}

lazy('opening reads the head and no more than a window', async () => {
  const { source, image } = await far()
  assert.ok(source.reads.length <= 2, JSON.stringify(source.reads))
  assert.ok(source.bytesRead <= 48 * 1024)
  image.close()
  assert.ok(source.closed)
})

lazy('what many ask for at once is read once', async () => {
  const { source, image, layer } = await far()
  const [names] = await settle(() => layer.namesAt('/'))
  assert.not.instance(names, Fault)
  source.reads.length = 0
  const attr = newAttr()
  const ask = () =>
    Promise.all(
      (names as string[]).flatMap(name =>
        Array.from({ length: 20 }, () => settle(() => layer.statPath(`/${name}`, false, attr))),
      ),
    )
  await ask()
  const seen = new Set<number>()
  for (const [offset, length] of source.reads) {
    for (let page = offset / 4096; page < (offset + length) / 4096; page++) {
      assert.not.ok(seen.has(page), `page ${page} was read twice`)
      seen.add(page)
    }
  }
  const before = source.reads.length
  await ask()
  assert.is(source.reads.length, before)
  image.close()
})

lazy('a walk reads ahead: requests are far fewer than directories', async () => {
  const { source, image, layer } = await far()
  const resident = loaded(pool, BIG)
  let directories = 0
  const waiting = ['']
  const found: string[] = []
  for (let dir = waiting.pop(); dir !== undefined; dir = waiting.pop()) {
    directories++
    const [node] = await settle(() => layer.resolve(dir === '' ? '/' : (dir as string), true))
    if (node instanceof Fault) throw new Error(node.code)
    const [list] = await settle(() => layer.readdir(node))
    if (list instanceof Fault) throw new Error(list.code)
    for (const [i, name] of list.names.entries()) {
      found.push(`${dir}/${name}`)
      if (list.types[i] === 4) waiting.push(`${dir}/${name}`)
    }
  }
  const expected = Array.from(resident.entries(), entry => entry.path).slice(1)
  assert.equal(found.sort(), expected.sort())
  assert.ok(source.reads.length * 2 < directories, `${source.reads.length} reads for ${directories} directories`)
  assert.ok(source.bytesRead <= BIG.length * 1.2, `${source.bytesRead} bytes`)
  image.close()
  resident.close()
})

lazy('a failing read is the error of whoever asked, and of nobody afterwards', async () => {
  const { source, image, layer } = await far()
  const last = Array.from(loaded(pool, BIG).entries(), entry => entry.path).at(-1) as string
  source.spoil = () => {
    throw Object.assign(new Error('the line is dead'), { code: 'ETIMEDOUT' })
  }
  const attr = newAttr()
  for (let i = 0; i < 3; i++) {
    try {
      await settle(() => layer.statPath(last, false, attr))
      assert.unreachable()
    } catch (error) {
      assert.is((error as { fault?: Fault }).fault?.code, 'ETIMEDOUT')
    }
  }
  source.spoil = (_offset, bytes) => bytes.subarray(0, bytes.length - 1)
  try {
    await settle(() => layer.statPath(last, false, attr))
    assert.unreachable()
  } catch (error) {
    assert.is((error as { fault?: Fault }).fault?.code, 'EIO')
  }
  source.spoil = undefined
  const [answer] = await settle(() => layer.statPath(last, false, attr))
  assert.is(answer, undefined)
  image.close()
})

lazy('closing ends what is under way, and what is asked afterwards', async () => {
  const { image, layer } = await far()
  const attr = newAttr()
  const last = Array.from(loaded(pool, BIG).entries(), entry => entry.path).at(-1) as string
  const miss = layer.statPath(last, false, attr)
  assert.instance(miss, Miss)
  const ended = (miss as Miss).load().then(
    () => 'done',
    (error: { fault?: Fault }) => error.fault?.code,
  )
  image.close()
  assert.is(await ended, 'ESTALE')
  assert.is(shown(layer.statPath('/', false, attr)), 'ESTALE')
  try {
    await (miss as Miss).load()
    assert.unreachable()
  } catch (error) {
    assert.is((error as { fault?: Fault }).fault?.code, 'ESTALE')
  }
})

lazy('many at once in the smallest cache all end', async () => {
  const { source, image, layer } = await far(0)
  const resident = loaded(pool, BIG)
  const paths = Array.from(resident.entries(), entry => entry.path)
  const attr = newAttr()
  const wrong: string[] = []
  await Promise.all(
    paths.map(async path => {
      const [failed] = await settle(() => layer.statPath(path, false, attr))
      if (failed instanceof Fault) wrong.push(path)
    }),
  )
  assert.equal(wrong, [])
  assert.ok(source.most <= 8, `${source.most} reads at once`)
  image.close()
  resident.close()
})

lazy('a listing with stats is the same, a batch at a time, whatever is here', () => {
  const resident = loaded(pool, BIG)
  const lazily = pagedImage(paged, BIG)
  const { Q_STAT } = QUERY_FLAGS
  const list = (image: Image, before: () => void, nid: number) => {
    const records = new Records(image.core)
    for (let cookie = 0; cookie >= 0; ) {
      before()
      const batch = readBatch(image.core, nid, cookie, Q_STAT)
      assert.ok(batch.count >= 0, `${batch.count}`)
      records.append(batch.count)
      cookie = batch.cookie
    }
    return Array.from({ length: records.length }, (_, i) => [
      records.nid(i),
      records.mode(i),
      records.size(i),
      records.error(i),
    ])
  }
  for (const entry of resident.entries()) {
    if ((entry.mode & 0o170000) !== 0o040000) continue
    const expected = list(resident, () => {}, entry.ino)
    assert.equal(
      list(lazily, () => lazily.pager?.clear(), entry.ino),
      expected,
      entry.path,
    )
    assert.equal(
      list(lazily, () => {}, entry.ino),
      expected,
      entry.path,
    )
  }
  resident.close()
  lazily.close()
})

lazy('digest and bytes of it can not be had', async () => {
  const image = pagedImage(paged, BIG)
  for (const ask of [() => image.digest(), () => image.bytes()]) {
    try {
      ask()
      assert.unreachable()
    } catch (error) {
      assert.is((error as { code?: string }).code, 'ENOTSUP')
    }
  }
  image.close()
})

lazy.run()
