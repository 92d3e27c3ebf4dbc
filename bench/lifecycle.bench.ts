// A host with many images: open, mount, first read, unmount of 1,000 different images and of 10,000 equal ones; what is
// held afterwards; a new image whose objects have been read before.
import { readFileSync } from 'node:fs'
import { PlainDecoder, type PlainNode } from '../src/fuzz/plain-decoder.js'
import { DirectoryStore, mountSync, openImageSync } from '../src/node.js'
import { fixture } from '../test/helpers/paths.js'
import { budget, bytes, heldBytes, milliseconds, percentile, sampleOf, table } from './measure.js'

const DIFFERENT = 1000
const EQUAL = 10_000
const CACHED_ROUNDS = 15
/** Byte offset of the superblock's uuid: any value will do, so it tells images apart. */
const UUID = 1024 + 48
/** Data layout of files whose data is in the store. */
const CHUNK_BASED = 4
const FIRST_READ = '/project/package.json'

const original = readFileSync(fixture('small.cfs'))
const store = fixture('objects')

function variant(index: number): Buffer {
  const copy = Buffer.from(original)
  copy.writeUInt32LE(index + 1, UUID)
  return copy
}

function quantiles(times: Float64Array): string[] {
  const sorted = [...times].sort((a, b) => a - b)
  return [
    milliseconds(percentile(sorted, 0.5)),
    milliseconds(percentile(sorted, 0.99)),
    milliseconds(sorted[sorted.length - 1]),
  ]
}

/** Runs `cycle` n times, timing each. */
function cycles(n: number, cycle: (index: number) => void): Float64Array {
  const times = new Float64Array(n)
  for (let i = 0; i < n; i++) {
    const started = performance.now()
    cycle(i)
    times[i] = performance.now() - started
  }
  return times
}

function one(data: Uint8Array, shared: DirectoryStore): void {
  const image = openImageSync(data)
  const m = mountSync(image, { store: shared })
  m.fs.readFileSync(FIRST_READ)
  m.unmount()
  image.close()
}

async function churn(): Promise<void> {
  const shared = new DirectoryStore(store)
  const variants = Array.from({ length: DIFFERENT }, (_, index) => variant(index))
  const held: number[] = []
  const rows: string[][] = []
  // The first pass warms up code and caches; growth counts from there.
  for (const pass of ['first', 'second', 'third']) {
    const times = cycles(DIFFERENT, index => one(variants[index], shared))
    rows.push([`${DIFFERENT} different images, ${pass} pass`, ...quantiles(times)])
    held.push(await heldBytes())
  }
  const image = openImageSync(original)
  for (const pass of ['first', 'second']) {
    const times = cycles(EQUAL, () => {
      const m = mountSync(image, { store: shared })
      m.fs.readFileSync(FIRST_READ)
      m.unmount()
    })
    rows.push([`${EQUAL} mounts of one image, ${pass} pass`, ...quantiles(times)])
    held.push(await heldBytes())
  }
  image.close()
  console.log('open, mount, first read (verified), unmount, one after the other')
  table(['', 'p50', 'p99', 'slowest'], rows)
  const growth = held[held.length - 1] - held[0]
  budget(
    'memory after set-up and teardown of them all',
    'back within 2 MiB',
    `${bytes(growth)} more`,
    growth <= 2 << 20,
  )
}

/** All of them open at the same time. */
class Everything {
  readonly #images = Array.from({ length: DIFFERENT }, (_, index) => openImageSync(variant(index)))
  readonly #mounts: ReturnType<typeof mountSync>[]

  constructor(shared: DirectoryStore) {
    this.#mounts = this.#images.map(image => mountSync(image, { store: shared }))
    for (let i = 0; i < EQUAL; i++) this.#mounts.push(mountSync(this.#images[0], { store: shared }))
    for (const m of this.#mounts) m.fs.readFileSync(FIRST_READ)
  }

  /** In a function of its own: a suspended one would keep what its loops have last seen. */
  close(): void {
    for (const m of this.#mounts) m.unmount()
    for (const image of this.#images) image.close()
    this.#mounts.length = 0
    this.#images.length = 0
  }
}

async function together(): Promise<void> {
  const shared = new DirectoryStore(store)
  const before = await heldBytes()
  const open: number[] = []
  const after: number[] = []
  for (let time = 0; time < 3; time++) {
    const everything = new Everything(shared)
    open.push((await heldBytes()) - before)
    everything.close()
    after.push((await heldBytes()) - before)
  }
  console.log(
    `${DIFFERENT} images open at once with a mount each, and ${EQUAL} more mounts of one of them, all read from`,
  )
  table(
    ['held beyond what was before', 'first time', 'second time', 'third time'],
    [
      ['while open', ...open.map(bytes)],
      [`  (the images' own bytes: ${bytes(original.length * DIFFERENT)})`, '', '', ''],
      ['after unmount and close', ...after.map(bytes)],
    ],
  )
  const what = `memory after closing ${DIFFERENT} images and ${DIFFERENT + EQUAL} mounts`
  budget(what, 'back within 2 MiB', after.map(bytes).join(', then '), after[2] <= 2 << 20)
}

/** Reads every file of the small image that has an object. */
function readEverything(data: Uint8Array, shared: DirectoryStore, files: readonly string[]): number {
  const started = performance.now()
  const image = openImageSync(data)
  const m = mountSync(image, { store: shared })
  for (const path of files) m.fs.readFileSync(path)
  m.unmount()
  image.close()
  return performance.now() - started
}

/** An image never seen, its objects seen through another image: by the same store object, and by a fresh one. */
function objectsCached(): void {
  const external = ({ inode, path, raw }: PlainNode) => inode.layout === CHUNK_BASED && raw === path
  const files = new PlainDecoder(original)
    .walk()
    .filter(external)
    .map(node => node.path)
  const shared = new DirectoryStore(store)
  readEverything(original, shared, files)
  const cold: number[] = []
  const warm: number[] = []
  for (let round = 0; round < CACHED_ROUNDS; round++) {
    cold.push(readEverything(variant(2 * round), new DirectoryStore(store), files))
    warm.push(readEverything(variant(2 * round + 1), shared, files))
  }
  const [a, b] = [sampleOf(cold), sampleOf(warm)]
  console.log(`a new image, open, mount, read of all its ${files.length} external files (page cache warm)`)
  table(
    ['', 'best', 'median'],
    [
      ['objects not seen before', milliseconds(a.best), milliseconds(a.median)],
      ['objects verified before, through another image', milliseconds(b.best), milliseconds(b.median)],
      ['ratio', `${(a.best / b.best).toFixed(2)}×`, `${(a.median / b.median).toFixed(2)}×`],
    ],
  )
}

await churn()
await together()
objectsCached()
