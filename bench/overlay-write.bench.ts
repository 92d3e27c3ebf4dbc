// Writes in a writable mount: small files made and removed, a large one streamed, copy-up of a large file, renames of
// directories of growing size, removal of a lower tree. Ours in memory and kept by a directory, against Node's fs on a kernel
// overlay over the same composefs mount, memfs, ZenFS' copy-on-write. Nobody syncs. Each run starts with a fresh mount.
import { budget, milliseconds, ownCopy, type Sample, sampleOf, table } from './measure.js'
import { scratch } from './subjects.js'
import {
  DIRECTORY,
  KERNEL,
  type LowerTree,
  MEMFS,
  MEMORY,
  type Opened,
  type WriteFs,
  type WriteSubject,
  whereUppersLie,
  writeSubjects,
} from './writable.js'

const FILES = 10_000
/** What those get whose time grows with the square. */
const SLOW_FILES = 1000
const ROUNDS = 3
const BIG = 100_000_000
const PIECE = 65_536
const RENAMED = [100, 10_000, 64_000]
const directory = scratch()

type Step = (fs: WriteFs, top: string, count: number) => void

/** Several steps on one fresh mount, each timed, of each contestant in turn. */
interface Scenario {
  readonly title: string
  readonly subjects: readonly WriteSubject[]
  readonly steps: readonly { readonly name: string; readonly run: Step; readonly per: 'file' | 'all' }[]
  readonly rounds?: number
  /** Rounds that are not counted. */
  readonly warmup?: number
}

type Results = Map<string, Map<string, Sample>>

async function play({ title, subjects, steps, rounds = ROUNDS, warmup = 1 }: Scenario): Promise<Results> {
  const runs = new Map(steps.map(({ name }) => [name, new Map(subjects.map(one => [one.name, [] as number[]]))]))
  const own = new Map(subjects.map(one => [one.name, steps.map(({ run }) => ownCopy(run))]))
  for (let round = -warmup; round < rounds; round++) {
    for (const subject of subjects) {
      if (subject.slow && round < 0) continue
      const opened = await subject.open()
      const count = subject.slow ? SLOW_FILES : FILES
      for (const [index, { name, per }] of steps.entries()) {
        const step = own.get(subject.name)?.[index] as Step
        const started = performance.now()
        step(opened.fs, opened.top, count)
        const took = (performance.now() - started) / (per === 'file' ? count : 1)
        if (round >= 0) runs.get(name)?.get(subject.name)?.push(took)
      }
      opened.end()
    }
  }
  const results: Results = new Map()
  for (const [name, all] of runs) results.set(name, new Map([...all].map(([who, times]) => [who, sampleOf(times)])))
  print(title, results, subjects)
  return results
}

function print(title: string, results: Results, subjects: readonly WriteSubject[]): void {
  console.log(title)
  const rows = [...results].map(([name, samples]) => {
    const base = samples.get(MEMORY)?.best ?? Number.NaN
    return [
      name,
      ...subjects.map(one => {
        const best = samples.get(one.name)?.best ?? Number.NaN
        return one.name === MEMORY ? milliseconds(best) : `${milliseconds(best)} (${(best / base).toFixed(2)}×)`
      }),
    ]
  })
  table(['  best (÷ ours, in memory)', ...subjects.map(one => one.name)], rows)
}

const makeFlat: Step = (fs, top, count) => {
  const data = new Uint8Array(100).fill(97)
  fs.mkdirSync(`${top}/flat`)
  for (let i = 0; i < count; i++) fs.writeFileSync(`${top}/flat/file-${i}`, data)
}

const makeSpread: Step = (fs, top, count) => {
  const data = new Uint8Array(100).fill(97)
  for (let d = 0; d < 100; d++) fs.mkdirSync(`${top}/dir-${d}`)
  for (let i = 0; i < count; i++) fs.writeFileSync(`${top}/dir-${i % 100}/file-${i}`, data)
}

const unlinkFlat: Step = (fs, top, count) => {
  for (let i = 0; i < count; i++) fs.unlinkSync(`${top}/flat/file-${i}`)
}

const removeSpread: Step = (fs, top) => {
  for (let d = 0; d < 100; d++) fs.rmSync(`${top}/dir-${d}`, { recursive: true })
}

async function smallFiles(): Promise<void> {
  const lower: LowerTree = { directories: ['/below'], files: ['/below/file'] }
  const results = await play({
    title: `small files: ${FILES} of 100 bytes (ZenFS ${SLOW_FILES}), time a file; ${whereUppersLie(directory)}`,
    subjects: await writeSubjects(lower, directory),
    steps: [
      { name: 'writeFileSync of new ones, one directory', run: makeFlat, per: 'file' },
      { name: 'writeFileSync of new ones, 100 directories', run: makeSpread, per: 'file' },
      { name: 'unlinkSync, one directory', run: unlinkFlat, per: 'file' },
      { name: 'rmSync recursive, 100 directories', run: removeSpread, per: 'file' },
    ],
  })
  for (const [name, samples] of results) {
    against(name, samples, MEMORY, MEMFS)
    against(name, samples, DIRECTORY, KERNEL)
  }
}

/** Says whether we are no slower than another. */
function against(what: string, samples: ReadonlyMap<string, Sample>, ours: string, other: string): void {
  const [a, b] = [samples.get(ours), samples.get(other)]
  if (a === undefined || b === undefined) return
  const ratio = b.best / a.best
  const text = `${ratio.toFixed(2)}× (${milliseconds(a.best)} against ${milliseconds(b.best)})`
  budget(`${what}: ${ours}, against ${other}`, '≥ 1×', text, ratio >= 1)
}

async function streamed(): Promise<void> {
  const subjects = await writeSubjects({ directories: [], files: [] }, directory)
  const sync: Step = (fs, top) => {
    const piece = new Uint8Array(65_536).fill(97)
    const fd = fs.openSync(`${top}/streamed`, 'w')
    for (let done = 0; done < 100_000_000; done += 65_536) fs.writeSync(fd, piece)
    fs.closeSync(fd)
  }
  await play({
    title: `${BIG / 1e6} MB in pieces of ${PIECE / 1024} KiB`,
    subjects,
    steps: [{ name: 'writeSync', run: sync, per: 'all' }],
  })
  const rows: string[][] = []
  for (const subject of subjects) {
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const opened = await subject.open()
      times.push(await streamOnce(opened))
      opened.end()
    }
    const sample = sampleOf(times)
    rows.push([subject.name, milliseconds(sample.best), milliseconds(sample.median)])
  }
  table(['  createWriteStream', 'best', 'median'], rows)
}

async function streamOnce({ fs, top }: Opened): Promise<number> {
  const piece = Buffer.alloc(PIECE, 97)
  const started = performance.now()
  const stream = fs.createWriteStream(`${top}/streamed`)
  for (let done = 0; done < BIG; done += PIECE) {
    if (!stream.write(piece)) await new Promise<void>(resolve => stream.once('drain', () => resolve()))
  }
  await new Promise<void>(resolve => stream.end(() => resolve()))
  return performance.now() - started
}

async function copyUp(): Promise<void> {
  const bytes = new Uint8Array(BIG)
  for (let i = 0; i < bytes.length; i += 512) bytes[i] = i >> 9
  const lower: LowerTree = { directories: ['/dir'], files: [], big: { path: '/dir/big', bytes } }
  const subjects = (await writeSubjects(lower, directory)).filter(one => one.layered)
  const results = await play({
    title: `a lower file of ${BIG / 1e6} MB`,
    subjects,
    steps: [
      { name: 'chmodSync', run: (fs, top) => fs.chmodSync(`${top}/dir/big`, 0o600), per: 'all' },
      {
        name: "open 'r+', write one byte",
        run: (fs, top) => {
          const fd = fs.openSync(`${top}/dir/big`, 'r+')
          fs.writeSync(fd, new Uint8Array(1), 0, 1, 50_000_000)
          fs.closeSync(fd)
        },
        per: 'all',
      },
    ],
  })
  const chmod = results.get('chmodSync')?.get(MEMORY)?.best ?? Number.NaN
  budget('chmodSync of a large lower file is metadata only', '≤ 1 ms', milliseconds(chmod), chmod <= 1)
}

/** A directory of each size. */
function sized(sizes: readonly number[]): LowerTree {
  const directories = sizes.map(size => `/d${size}`)
  const files = sizes.flatMap(size => Array.from({ length: size }, (_, i) => `/d${size}/file-${i}`))
  return { directories, files }
}

async function renames(): Promise<void> {
  const lower = sized(RENAMED)
  const all = await writeSubjects(lower, directory, false)
  const steps = (text: string, times: number) =>
    RENAMED.map(size => ({
      name: `${text} of ${size} entries`,
      run: new Function(
        'fs',
        'top',
        `for (let i = 0; i < ${times}; i += 2) {
          fs.renameSync(top + '/d${size}', top + '/moved${size}')
          ${times > 1 ? `fs.renameSync(top + '/moved${size}', top + '/d${size}')` : ''}
        }`,
      ) as Step,
      per: 'all' as const,
    }))
  const first = await play({
    title: 'renameSync of a directory that is only below',
    subjects: all.filter(one => one.layered),
    steps: steps('a lower directory', 1),
    rounds: 9,
  })
  flat('renameSync of a lower directory', first, MEMORY)
  flat('renameSync of a lower directory', first, DIRECTORY)
  const fill: Step = (fs, top) => {
    for (const size of [100, 10_000, 64_000]) {
      fs.mkdirSync(`${top}/u${size}`)
      for (let i = 0; i < size; i++) fs.writeFileSync(`${top}/u${size}/file-${i}`, '')
    }
  }
  const upper = steps('an upper directory', 20).map(({ name, run, per }) => ({
    name,
    per,
    run: new Function('fs', 'top', `(${run.toString().replaceAll('/d', '/u')})(fs, top)`) as Step,
  }))
  const subjects = await writeSubjects({ directories: [], files: [] }, directory, false)
  const second = await play({
    title: 'renameSync of a directory that is only in the upper, there and back, 20 times in all',
    subjects,
    steps: [{ name: '(filling them)', run: fill, per: 'all' }, ...upper],
    rounds: 1,
    warmup: 0,
  })
  flat('20 renameSync of an upper directory', new Map([...second].slice(1)), MEMORY)
  flat('20 renameSync of an upper directory', new Map([...second].slice(1)), DIRECTORY)
}

/** The largest against the smallest: what does not depend on the size may differ by noise and by little. */
function flat(what: string, results: Results, who: string): void {
  const times = [...results.values()].map(samples => samples.get(who)?.best ?? Number.NaN)
  const grown = times[times.length - 1] / times[0]
  const text = `${grown.toFixed(2)}× (${times.map(milliseconds).join(', ')})`
  budget(`${what}, ${who}: ${RENAMED.at(-1)} entries against ${RENAMED[0]}`, '≤ 3×', text, grown <= 3)
}

async function removeLower(): Promise<void> {
  const directories = ['/tree', ...Array.from({ length: 50 }, (_, d) => `/tree/d${d}`)]
  const files = directories.slice(1).flatMap(dir => Array.from({ length: 100 }, (_, i) => `${dir}/file-${i}`))
  const results = await play({
    title: `rmSync recursive of a lower tree, ${files.length} files in 50 directories`,
    subjects: await writeSubjects({ directories, files }, directory),
    steps: [{ name: 'rmSync', run: (fs, top) => fs.rmSync(`${top}/tree`, { recursive: true }), per: 'all' }],
  })
  for (const [name, samples] of results) against(`${name} of a lower tree`, samples, DIRECTORY, KERNEL)
}

await smallFiles()
await streamed()
await copyUp()
await renames()
await removeLower()
