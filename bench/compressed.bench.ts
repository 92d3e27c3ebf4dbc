// Compressed EROFS images of real files, one for each algorithm: all of it read by a Node process with ours, by fsck.erofs
// (which decodes on one thread, and writes only where it is told to), and by a Node process from a fresh kernel mount; 4 KiB
// at random places; peak memory. Process starts are included unless it says otherwise. Images are in the page cache; what a
// kernel mount has decoded is not, since each run has a mount of its own.
// The processes that read are this file, started again with arguments.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KernelMounts, kernelReason } from '../test/helpers/kernel.js'
import { type ReadResult, readTask, type Side, type Task } from './compressed-read.js'
import {
  type Algorithm,
  type Compressed,
  chosenAlgorithms,
  compressedSubjects,
  type ProcessRun,
  runProcess,
  sizes,
} from './compressed-subjects.js'
import { budget, bytes, milliseconds, printSamples, type Sample, sampleOf, skipped, table } from './measure.js'

const ROUNDS = Number(process.env['BENCH_EROFS_ROUNDS'] ?? 5)
const READS = 2000
const OURS = 'composefs-wasm'
const LAZY = 'composefs-wasm, lazy'
const INSIDE = 'composefs-wasm, without its start'
const FSCK = 'fsck.erofs, decoding'
const EXTRACT = 'fsck.erofs, extracting'
const KERNEL = 'node, kernel mount'
const PLAIN = 'node, the source itself'

function read(task: Task, side: Side, path: string): Promise<ProcessRun & { result: ReadResult }> {
  const args = ['--no-warnings', process.argv[1], task, side, path, String(READS)]
  return runProcess(process.execPath, args).then(run => ({ ...run, result: JSON.parse(run.stdout) as ReadResult }))
}

/** Runs by name, and the memory that the largest of them had. */
class Runs {
  readonly #times = new Map<string, number[]>()
  readonly #peaks = new Map<string, number>()
  readonly #given = new Set<string>()

  /** A contestant that fails is out, and said to be. */
  async add(name: string, run: () => Promise<{ time: number; peak: number }>): Promise<void> {
    if (this.#given.has(name)) return
    try {
      const { time, peak } = await run()
      this.put(name, time, peak)
    } catch (error) {
      this.#given.add(name)
      this.#times.delete(name)
      skipped(name, error instanceof Error ? error.message : String(error))
    }
  }

  put(name: string, time: number, peak: number): void {
    this.#times.set(name, [...(this.#times.get(name) ?? []), time])
    this.#peaks.set(name, Math.max(this.#peaks.get(name) ?? 0, peak))
  }

  get samples(): Map<string, Sample> {
    return new Map([...this.#times].map(([name, times]) => [name, sampleOf(times)]))
  }

  printPeaks(): void {
    table(
      ['', 'peak memory'],
      [...this.#peaks].filter(([, peak]) => peak > 0).map(([name, peak]) => [name, bytes(peak)]),
    )
  }
}

const reason = kernelReason()
if (process.argv.length > 2) {
  const [task, side, path, count] = process.argv.slice(2)
  console.log(JSON.stringify(readTask(task as Task, side as Side, path, Number(count))))
} else {
  const subjects = compressedSubjects()
  if (reason !== undefined) skipped('the kernel', reason)
  if (subjects !== undefined) await measureAll(subjects, reason === undefined ? new KernelMounts() : undefined)
}

async function measureAll(subjects: Compressed, mounts: KernelMounts | undefined): Promise<void> {
  const source = await read('hash', 'tree', subjects.source)
  const { files, bytes: total, hash } = source.result
  console.log(`${files} files, ${bytes(total)}; ${ROUNDS} rounds, interleaved`)
  for (const algorithm of chosenAlgorithms()) {
    const image = subjects.image(algorithm)
    if (image === undefined) continue
    console.log(`\n${algorithm.name} (${algorithm.args.join(' ')}): ${sizes(image, total)}`)
    let same = false
    try {
      same = (await read('hash', 'ours', image)).result.hash === hash
      budget(`${algorithm.name}: contents`, 'the same', same ? 'the same' : 'others', same)
    } catch (error) {
      skipped(`${algorithm.name} by ours`, error instanceof Error ? error.message : String(error))
    }
    await measure(algorithm, image, subjects, mounts, same)
  }
}

/** With a mount of its own. */
async function onKernel<T>(mounts: KernelMounts, image: string, run: (path: string) => Promise<T>): Promise<T> {
  const mount = mounts.erofs(image)
  try {
    return await run(mount.path)
  } finally {
    mount.unmount()
  }
}

async function extracting(fsck: string, image: string): Promise<ProcessRun> {
  // Memory, so that it is no disk that is measured.
  const into = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'composefs-bench-'))
  try {
    return await runProcess(fsck, [`--extract=${join(into, 'tree')}`, '--no-preserve', image])
  } finally {
    rmSync(into, { recursive: true, force: true })
  }
}

async function measure(
  algorithm: Algorithm,
  image: string,
  { source, fsck }: Compressed,
  mounts: KernelMounts | undefined,
  ours: boolean,
): Promise<void> {
  const whole = new Runs()
  const random = new Runs()
  const randomly = async (side: Side, path: string) => {
    const { result } = await read('random', side, path)
    return { time: result.time / READS, peak: 0 }
  }
  for (let round = 0; round < ROUNDS; round++) {
    if (ours) {
      await whole.add(OURS, async () => {
        const run = await read('cat', 'ours', image)
        whole.put(INSIDE, run.result.time, 0)
        return run
      })
      await whole.add(LAZY, () => read('cat', 'lazy', image))
      await random.add(OURS, () => randomly('ours', image))
      await random.add(LAZY, () => randomly('lazy', image))
    }
    if (fsck !== undefined) {
      await whole.add(FSCK, () => runProcess(fsck, ['--extract', image]))
      await whole.add(EXTRACT, () => extracting(fsck, image))
    }
    if (mounts !== undefined) {
      await whole.add(KERNEL, () => onKernel(mounts, image, path => read('cat', 'tree', path)))
      await random.add(KERNEL, () => onKernel(mounts, image, path => randomly('tree', path)))
    }
    await whole.add(PLAIN, () => read('cat', 'tree', source))
  }
  const samples = whole.samples
  const base = ours ? OURS : KERNEL
  printSamples('all of it', samples, base)
  printSamples(`4 KiB at random, ${READS} places, names known`, random.samples, base, 1, ' each')
  whole.printPeaks()
  compare(algorithm, samples)
}

function compare({ name, budget: most }: Algorithm, samples: ReadonlyMap<string, Sample>): void {
  const own = samples.get(OURS)
  for (const [other, limit] of [
    [FSCK, most],
    [KERNEL, undefined],
  ] as const) {
    const theirs = samples.get(other)
    if (own === undefined || theirs === undefined) {
      skipped(`${name} against ${other}`, own === undefined ? 'ours does not read it' : 'it is not here')
      continue
    }
    const best = own.best / theirs.best
    const both = `${milliseconds(own.best)} against ${milliseconds(theirs.best)}`
    const text = `${best.toFixed(2)}× its time (median ${(own.median / theirs.median).toFixed(2)}×; ${both})`
    if (limit === undefined) console.log(`        ${name}, all of it, against ${other}: ${text}`)
    else budget(`${name}, all of it, against ${other}`, `≤ ${limit}×`, text, best <= limit)
  }
}
