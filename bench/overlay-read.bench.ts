// What writability costs those who only read: the large image mounted read-only against the same in a writable mount in
// which nothing has been written, after two files have been, and under stacks of small images. Walk, look-ups of random
// paths, small inline files. Not here: writes (overlay-write.bench.ts), memory (overlay-memory.bench.ts).
import { buildImage, mountSync, openImageSync, TreeBuilder } from '../src/node.js'
import {
  budget,
  type Contestant,
  interleave,
  milliseconds,
  ownCopy,
  printSamples,
  type Sample,
  skipped,
} from './measure.js'
import { allPaths, largeImage, scratch, seeded, type WalkFs } from './subjects.js'

const READ_ONLY = 'read-only'
const UNTOUCHED = 'writable, untouched'
const RANDOM_CALLS = 50_000
const READ_CALLS = 20_000
const INLINE_FILES = 5000
/** Files of a small image; some directories above them the large one has too. */
const SMALL_FILES = 50
const BUDGET = 1.15

interface ReadFs extends WalkFs {
  readFileSync(path: string): Uint8Array
}

function walk(fs: WalkFs): number {
  const stack = ['']
  let entries = 0
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    for (const name of fs.readdirSync(at === '' ? '/' : at)) {
      const path = `${at}/${name}`
      entries++
      if (fs.lstatSync(path).isDirectory()) stack.push(path)
    }
  }
  return entries
}

function lookAll(fs: WalkFs, paths: readonly string[]): void {
  for (const path of paths) fs.lstatSync(path)
}

function readAll(fs: ReadFs, paths: readonly string[]): number {
  let size = 0
  for (const path of paths) size += fs.readFileSync(path).length
  return size
}

async function smallImage(index: number): Promise<Uint8Array> {
  const builder = new TreeBuilder()
  for (const path of ['/usr', '/usr/lib', '/usr/share', `/usr/share/layer-${index}`]) builder.addDirectory(path)
  builder.addFile(`/usr/lib/layer-${index}.conf`, `layer ${index}\n`)
  for (let i = 0; i < SMALL_FILES; i++) builder.addFile(`/usr/share/layer-${index}/file-${i}`, `file ${i}\n`)
  return (await buildImage(builder)).image
}

interface Subject {
  readonly name: string
  readonly fs: ReadFs
  /** Entries that it has more than the image. */
  readonly more: number
}

async function subjectsOf(bytes: Buffer): Promise<Subject[]> {
  const image = openImageSync(bytes)
  const small = await Promise.all(Array.from({ length: 20 }, (_, index) => smallImage(index)))
  const stack = (count: number) => [...small.slice(0, count).map(one => openImageSync(one)), image]
  const written = mountSync(image, { writable: true })
  written.fs.writeFileSync('/written', 'at the root')
  written.fs.mkdirSync('/usr/share/doc/written')
  written.fs.writeFileSync('/usr/share/doc/written/deep', 'deep down')
  const of = (name: string, m: { fs: unknown }, more: number): Subject => ({ name, fs: m.fs as ReadFs, more })
  const perLayer = SMALL_FILES + 2
  return [
    of(READ_ONLY, mountSync(image), 0),
    of(UNTOUCHED, mountSync(image, { writable: true }), 0),
    of('writable, two files written', written, 3),
    of('5 small images above it, read-only', mountSync(stack(5)), 5 * perLayer),
    of('5 small images above it, writable', mountSync(stack(5), { writable: true }), 5 * perLayer),
    of('20 small images above it, writable', mountSync(stack(20), { writable: true }), 20 * perLayer),
  ]
}

function within(what: string, samples: ReadonlyMap<string, Sample>): void {
  const [a, b] = [samples.get(READ_ONLY), samples.get(UNTOUCHED)]
  if (a === undefined || b === undefined) return
  const ratio = b.best / a.best
  const text = `${ratio.toFixed(2)}× (median ${(b.median / a.median).toFixed(2)}×; ${milliseconds(b.best)} against ${milliseconds(a.best)})`
  budget(`${what}, writable and untouched against read-only`, `≤ ${BUDGET}×`, text, ratio <= BUDGET)
}

/** The large image has no inline files: one that has, in the same directories. */
async function inlineImage(): Promise<{ bytes: Buffer; files: string[] }> {
  const builder = new TreeBuilder()
  const files: string[] = []
  for (const path of ['/usr', '/usr/lib', '/usr/share', '/usr/share/doc']) builder.addDirectory(path)
  for (let i = 0; i < INLINE_FILES; i++) {
    const parent = `/usr/share/doc/package-${Math.floor(i / SMALL_FILES)}`
    if (i % SMALL_FILES === 0) builder.addDirectory(parent)
    files.push(`${parent}/file-${i}`)
    builder.addFile(`${parent}/file-${i}`, `some forty bytes of file ${i}, no less\n`)
  }
  return { bytes: Buffer.from((await buildImage(builder)).image), files }
}

async function run(bytes: Buffer): Promise<void> {
  const paths = allPaths(bytes)
  const subjects = await subjectsOf(bytes)
  const walkers: Contestant[] = subjects.map(({ name, fs, more }) => {
    const own = ownCopy(walk)
    const check = () => {
      const got = own(fs)
      if (got !== paths.length + more) throw new Error(`${name}: ${got} entries, not ${paths.length + more}`)
    }
    return { name, run: check }
  })
  const walked = interleave(walkers, 15, 3)
  printSamples(`walk of cs9-developer, ${paths.length} entries, readdirSync + lstatSync by path`, walked, READ_ONLY)
  const random = seeded(1)
  const pick = (from: readonly string[], count: number) =>
    Array.from({ length: count }, () => from[Math.floor(random() * from.length)])
  const picked = pick(paths, RANDOM_CALLS)
  const lookers = subjects.map(({ name, fs }): Contestant => {
    const own = ownCopy(lookAll)
    return { name, run: () => own(fs, picked) }
  })
  const looked = interleave(lookers, 15, 2)
  printSamples(`lstatSync of random paths (${RANDOM_CALLS} calls)`, looked, READ_ONLY, RANDOM_CALLS, ' a call')
  const inline = await inlineImage()
  const chosen = pick(inline.files, READ_CALLS)
  const readers = (await subjectsOf(inline.bytes)).map(({ name, fs }): Contestant => {
    const own = ownCopy(readAll)
    return { name, run: () => void own(fs, chosen) }
  })
  const read = interleave(readers, 15, 2)
  const title = `readFileSync of ${INLINE_FILES} inline files at random (${READ_CALLS} calls)`
  printSamples(title, read, READ_ONLY, READ_CALLS, ' a call')
  within('walk by path', walked)
  within('random lstatSync', looked)
  within('readFileSync of inline files', read)
}

const large = largeImage(scratch())
if (large === undefined) skipped('reads of writable mounts', 'they need cs9-developer')
else await run(large.bytes)
