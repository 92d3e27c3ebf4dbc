// What a cache costs those who read what it has: files of a mount whose objects are all in a CachedStore over a
// DirectoryStore, against the same directory read without a cache. Small and large files, at once and by promises.
// Not here: what it saves (the slow store is never asked, which is checked).
import { join } from 'node:path'
import { buildImage, CachedStore, DirectoryStore, type Mount, mount, TreeBuilder } from '../src/node.js'
import { SlowStore } from '../test/helpers/cache-slow.js'
import { noise } from '../test/helpers/store-hash.js'
import {
  budget,
  type Contestant,
  interleave,
  milliseconds,
  ownCopy,
  printSamples,
  type Sample,
  sampleOf,
} from './measure.js'
import { scratch, seeded } from './subjects.js'

const PLAIN = 'DirectoryStore'
const CACHED = 'CachedStore'
const BUDGET = 1.2
const SMALL_FILES = 300
const LARGE_FILES = 2
const LARGE = 12 * 2 ** 20
const SMALL_READS = 400
const RANDOM_READS = 400
const AT_ONCE = 50
/** Many short ones: the best of them is one that nothing came between. */
const ROUNDS = 80

interface SyncFs {
  readFileSync(path: string): Uint8Array
  openSync(path: string): number
  readSync(fd: number, into: Uint8Array, at: number, length: number, position: number): number
  closeSync(fd: number): void
}

function readEach(fs: SyncFs, paths: readonly string[]): number {
  let size = 0
  for (const path of paths) size += fs.readFileSync(path).length
  return size
}

function readRandom(fs: SyncFs, path: string, places: readonly number[], into: Uint8Array): void {
  const fd = fs.openSync(path)
  for (const place of places) fs.readSync(fd, into, 0, into.length, place)
  fs.closeSync(fd)
}

interface Later {
  readonly name: string
  run(): Promise<void>
}

/** As `interleave`, for what takes its time. */
async function interleaveLater(contestants: readonly Later[], rounds: number, warmup: number) {
  const runs = new Map<string, number[]>(contestants.map(one => [one.name, []]))
  for (let round = -warmup; round < rounds; round++) {
    for (const one of contestants) {
      const started = performance.now()
      await one.run()
      if (round >= 0) runs.get(one.name)?.push(performance.now() - started)
    }
  }
  return new Map([...runs].map(([name, all]) => [name, sampleOf(all)]))
}

function within(what: string, samples: ReadonlyMap<string, Sample>): void {
  const [plain, cached] = [samples.get(PLAIN) as Sample, samples.get(CACHED) as Sample]
  const best = cached.best / plain.best
  const text = `${best.toFixed(2)}× (median ${(cached.median / plain.median).toFixed(2)}×; ${milliseconds(cached.best)} against ${milliseconds(plain.best)})`
  budget(`${what} from a warm cache`, `≤ ${BUDGET}×`, text, best <= BUDGET)
}

interface Subject {
  readonly name: string
  readonly mount: Mount
}

async function subjects(image: Uint8Array, slow: SlowStore): Promise<Subject[]> {
  const root = join(scratch(), 'cache')
  const cache = new CachedStore({ fast: new DirectoryStore(root), slow })
  for (const name of slow.objects.keys()) (await cache.open(name)).close()
  await cache.usage()
  slow.reset()
  // What has been put just now is in this one's list; one that begins anew has counted it.
  const anew = new CachedStore({ fast: new DirectoryStore(root), slow })
  await anew.usage()
  return [
    { name: PLAIN, mount: await mount(image, { store: new DirectoryStore(root) }) },
    { name: CACHED, mount: await mount(image, { store: anew }) },
  ]
}

async function run(): Promise<void> {
  const slow = new SlowStore()
  const tree = new TreeBuilder()
  const small = Array.from({ length: SMALL_FILES }, (_, i) => `/s${i}`)
  for (const [i, path] of small.entries()) tree.addFile(path, noise(200 + ((i * 7919) % 20_000), i + 1))
  const large = Array.from({ length: LARGE_FILES }, (_, i) => `/l${i}`)
  for (const [i, path] of large.entries()) tree.addFile(path, noise(LARGE, 9000 + i))
  const { image } = await buildImage(tree, { store: slow })
  const both = await subjects(image, slow)
  const random = seeded(1)
  const picked = Array.from({ length: SMALL_READS }, () => small[Math.floor(random() * small.length)])
  const places = Array.from({ length: RANDOM_READS }, () => Math.floor(random() * (LARGE - 4096)))

  const sync = (make: (fs: SyncFs) => () => void): Contestant[] =>
    both.map(({ name, mount: m }) => ({ name, run: make(m.fs as unknown as SyncFs) }))
  const eachSmall = interleave(
    sync(fs => {
      const own = ownCopy(readEach)
      return () => void own(fs, picked)
    }),
    ROUNDS,
    3,
  )
  printSamples('readFileSync of small files at random, each', eachSmall, PLAIN, SMALL_READS)
  const eachLarge = interleave(
    sync(fs => {
      const own = ownCopy(readEach)
      return () => void own(fs, large)
    }),
    ROUNDS,
    3,
  )
  printSamples('readFileSync of 12 MiB files, each', eachLarge, PLAIN, LARGE_FILES)
  const inLarge = interleave(
    sync(fs => {
      const own = ownCopy(readRandom)
      const into = new Uint8Array(4096)
      return () => own(fs, large[0], places, into)
    }),
    ROUNDS,
    3,
  )
  printSamples('readSync of 4 KiB at random in one of them, each', inLarge, PLAIN, RANDOM_READS)

  const later = (paths: readonly string[], atOnce: number): Later[] =>
    both.map(({ name, mount: m }) => ({
      name,
      run: async () => {
        for (let at = 0; at < paths.length; at += atOnce) {
          await Promise.all(paths.slice(at, at + atOnce).map(path => m.fs.promises.readFile(path)))
        }
      },
    }))
  const inTurn = await interleaveLater(later(picked, 1), ROUNDS, 3)
  printSamples('promises.readFile of small files, one after the other, each', inTurn, PLAIN, SMALL_READS)
  const together = await interleaveLater(later(picked, AT_ONCE), ROUNDS, 3)
  printSamples(`promises.readFile of small files, ${AT_ONCE} at a time, each`, together, PLAIN, SMALL_READS)
  const largeLater = await interleaveLater(later(large, 1), ROUNDS, 3)
  printSamples('promises.readFile of 12 MiB files, each', largeLater, PLAIN, LARGE_FILES)

  for (const { mount: m } of both) m.unmount()
  if (slow.opens.size > 0) throw new Error(`the slow store was asked for ${slow.opens.size} objects`)
  within('readFileSync of small files', eachSmall)
  within('readFileSync of large files', eachLarge)
  within('readSync in a large file', inLarge)
  within('promises.readFile of small files, one by one', inTurn)
  within(`promises.readFile of small files, ${AT_ONCE} at a time`, together)
  within('promises.readFile of large files', largeLater)
}

await run()
