// One sequence of random calls, made in both worlds, and what was answered otherwise. Not here: what may be (wasi-deviations.ts).
import { isDeepStrictEqual } from 'node:util'
import { type Random, randomOf } from '../helpers/random-calls.js'
import {
  type Answer,
  type OpenDescriptors,
  perform,
  randomStep,
  type Step,
  shownStep,
  wholeListing,
} from './random-wasi.js'
import { DEVIATIONS, type Disagreement } from './wasi-deviations.js'
import { trailOf } from './wasi-trail.js'
import { PREOPENS, type WasiWorlds } from './wasi-worlds.js'

export interface SequenceResult {
  readonly calls: number
  /** Calls that succeeded. */
  readonly succeeded: number
  /** What had to differ, by its reason. */
  readonly notes: ReadonlyMap<string, number>
  /** What must not differ. */
  readonly difference: string | undefined
  /** The calls, for whoever makes them again. */
  readonly steps: readonly Step[]
}

export interface SequenceOptions {
  readonly seed: number
  readonly length: number
  /** Instead of random ones. */
  readonly steps?: readonly Step[]
}

/** Calls that change what later ones see. */
const CHANGES =
  /^path_(?!filestat_get|readlink)|^fd_(?:write|pwrite|read|seek|close|renumber|allocate|filestat_set|fdstat_set)/
/** Calls after which an open directory may be somewhere else. */
const MOVES = /^path_(?:rename|remove_directory)$/

function inoOf({ calls, memory }: WasiWorlds['nodes'], fd: number, path: string | undefined): bigint | undefined {
  const at = 0x100
  new Uint8Array(memory.buffer).set(Buffer.from(path ?? ''), at)
  const errno =
    path === undefined
      ? calls['fd_filestat_get'](fd, at + 0x100)
      : calls['path_filestat_get'](fd, 0, at, path.length, at + 0x100)
  return errno === 0 ? new DataView(memory.buffer).getBigUint64(at + 0x108, true) : undefined
}

class Sequence {
  readonly #worlds: WasiWorlds
  readonly #random: Random
  readonly #options: SequenceOptions
  /** Paths on the host of the directories that are open, undefined for what else is. */
  readonly #open = new Map<number, string | undefined>()
  #closed: number[] = []
  readonly #notes = new Map<string, number>()
  readonly #steps: Step[] = []
  #succeeded = 0

  constructor(worlds: WasiWorlds, options: SequenceOptions) {
    this.#worlds = worlds
    this.#random = randomOf(options.seed)
    this.#options = options
    const [first, second] = PREOPENS
    this.#open.set(first, worlds.root).set(second, `${worlds.root}/sub`)
  }

  run(): SequenceResult {
    const { length, steps } = this.#options
    let difference: string | undefined
    for (let i = 0; i < (steps?.length ?? length); i++) {
      const step = steps?.[i] ?? randomStep(this.#random, this.#descriptors())
      const ended = this.#one(step)
      if (ended === undefined) continue
      difference = ended === 'noted' ? undefined : ended
      return this.#result(difference)
    }
    return this.#result(this.#treesDiffer())
  }

  #descriptors(): OpenDescriptors {
    const open = [...this.#open]
    return {
      directories: open.filter(([, path]) => path !== undefined).map(([fd]) => fd),
      files: open.filter(([, path]) => path === undefined).map(([fd]) => fd),
      closed: this.#closed,
    }
  }

  #result(difference: string | undefined): SequenceResult {
    const { length: calls } = this.#steps
    return { calls, succeeded: this.#succeeded, notes: this.#notes, difference, steps: this.#steps }
  }

  #note(reason: string): void {
    this.#notes.set(reason, (this.#notes.get(reason) ?? 0) + 1)
  }

  /** What ends the sequence: words, or `noted` where both worlds went on differently. */
  #one(step: Step): string | undefined {
    const { ours, nodes } = this.#worlds
    const trails = this.#trails(step)
    this.#steps.push(step)
    const one = perform(ours, step, false)
    const other = perform(nodes, step, true)
    if (one.errno === 0) this.#succeeded++
    this.#keepOpen(step, one, other)
    const [listing, theirs] = this.#listings(step, one, other)
    const readsDots = step.call === 'fd_readdir'
    const equal =
      one.errno === other.errno &&
      (readsDots || isDeepStrictEqual(one.out, other.out)) &&
      isDeepStrictEqual(listing, theirs)
    const changed = CHANGES.test(step.call) && (one.errno === 0 || other.errno === 0)
    if (equal) return changed && this.#apart(trails) ? 'noted' : undefined
    const found: Disagreement = { step, ours: one, nodes: other, ...trails }
    const deviation = DEVIATIONS.find(({ is }) => is(found))
    if (deviation === undefined) {
      const shown = ({ errno, out }: Answer, list: unknown) =>
        `${errno} ${JSON.stringify(list ?? out, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))}`
      return `${shownStep(step)}\n  ours ${shown(one, listing).slice(0, 300)}\n  node ${shown(other, theirs).slice(0, 300)}`
    }
    this.#note(deviation.reason)
    return changed ? 'noted' : undefined
  }

  /** Whether the worlds may have gone apart by equal answers: a path led to one place here, to another there. */
  #apart({ trail, trail2 }: Pick<Disagreement, 'trail' | 'trail2'>): boolean {
    const odd = [trail, trail2].some(one => one?.textual === true || one?.absolute === true || one?.escapes === true)
    if (odd) this.#note('a path that node:wasi takes as text, and both took: what comes after is not compared')
    return odd
  }

  #trails({ fd, path, fd2, path2, call }: Step): Pick<Disagreement, 'trail' | 'trail2'> {
    const of = (dir: number | undefined, at: string | undefined) => {
      const start = dir === undefined ? undefined : this.#open.get(dir)
      return start === undefined || at === undefined ? undefined : trailOf(start, at)
    }
    return { trail: of(fd, path), trail2: of(call === 'path_symlink' ? fd : fd2, path2) }
  }

  /** Keeps count of what is open. A directory that has moved is closed: Node's own goes by the path that it had. */
  #keepOpen(step: Step, one: Answer, other: Answer): void {
    if (one.errno !== 0 || other.errno !== 0) return
    const { call, fd, fd2 = 0, path = '' } = step
    if (call === 'fd_close') this.#forget(fd)
    if (call === 'fd_renumber' && fd !== fd2) {
      this.#open.set(fd2, this.#open.get(fd))
      this.#forget(fd)
    }
    const start = this.#open.get(fd)
    if (call === 'path_open' && start !== undefined) {
      this.#open.set(Number(one.out['used']), `${start}/${path}`)
    }
    if (MOVES.test(call) || call === 'path_open') this.#closeMoved()
  }

  #forget(fd: number): void {
    this.#open.delete(fd)
    this.#closed = [fd, ...this.#closed].slice(0, 5)
  }

  #closeMoved(): void {
    const { ours, nodes } = this.#worlds
    for (const [fd, path] of this.#open) {
      if (path === undefined) continue
      const here = inoOf(nodes, fd, undefined)
      if (here !== undefined && here === inoOf(nodes, fd, '.')) continue
      // No directory, or one whose rights do not tell, or that is elsewhere now.
      if (this.#isFile(fd)) {
        this.#open.set(fd, undefined)
        continue
      }
      for (const { calls } of [ours, nodes]) calls['fd_close'](fd)
      this.#note('node:wasi keeps an open directory by its path: one that has moved, or can\u2019t be asked, is closed')
      this.#forget(fd)
    }
  }

  #isFile(fd: number): boolean {
    const { calls, memory } = this.#worlds.nodes
    calls['fd_fdstat_get'](fd, 0x300)
    return new DataView(memory.buffer).getUint8(0x300) !== 3
  }

  /** What a directory holds, of both, where it was asked for. */
  #listings({ call, fd, n = 0 }: Step, one: Answer, other: Answer): [unknown, unknown] {
    if (call !== 'fd_readdir' || one.errno !== 0 || other.errno !== 0) return [undefined, undefined]
    const size = Math.max(n, 24 + 256)
    return [wholeListing(this.#worlds.ours, fd, size), wholeListing(this.#worlds.nodes, fd, size)]
  }

  #treesDiffer(): string | undefined {
    const { ours, nodes } = this.#worlds.trees()
    const names = [...new Set([...Object.keys(ours), ...Object.keys(nodes)])]
    const name = names.find(one => ours[one] !== nodes[one])
    if (name === undefined) return undefined
    return `the trees differ: ${name}\n  ours ${ours[name]?.slice(0, 300)}\n  node ${nodes[name]?.slice(0, 300)}`
  }
}

/** Makes the calls until their end, or what ends them before. */
export function runSequence(worlds: WasiWorlds, options: SequenceOptions): SequenceResult {
  return new Sequence(worlds, options).run()
}
