// Differential fuzzing: valid random images, changed, are given to this project and to oracles, and where they disagree in a way that
// no rule names, the image is made as small a change of a valid one as shows it, and written down with what both say. All of it follows
// from the seed. Not here: the oracles (fuzz-oracles.ts), the rules (fuzz-oracle-rules.ts), the command (fuzz.ts).

import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mutated } from '../fuzz/mutate.js'
import { BYTE_MUTATORS } from '../fuzz/mutate-bytes.js'
import { composefsMutators } from '../fuzz/mutate-composefs.js'
import { erofsMutators, mendChecksum } from '../fuzz/mutate-erofs.js'
import { Random } from '../fuzz/random.js'
import { randomComposefs } from '../fuzz/random-composefs.js'
import { randomErofs } from '../fuzz/random-erofs.js'
import { TreeError } from '../tree/tree-error.js'
import { printable } from './failure.js'
import { wantedBy } from './fuzz-oracle-rules.js'
import type { Oracle, OracleMaker, Verdict } from './fuzz-oracle-verdict.js'
import { oracles } from './fuzz-oracles.js'

/** One in so many images is a valid one as it is. */
const UNCHANGED = 16
const MINIMISE_ASKS = 150
/** The same where an ask takes until its time is over. */
const MINIMISE_WAITS = 6
const TIME_MS = 10_000
/** Of one oracle; what comes after is counted only. */
const FINDINGS_MAX = 200

export interface OracleOptions {
  /** Names of oracles; all that are here unless given. */
  readonly names?: readonly string[]
  /** Images for each. */
  readonly runs: number
  readonly seed: number
  /** Where images and the report are written. */
  readonly directory: string
  /** Milliseconds for one image; 10,000 unless given. */
  readonly time?: number
  /** Told of what happens, a line at a time. */
  readonly log?: (line: string) => void
  /** More oracles, or others in the place of these. */
  readonly more?: ReadonlyMap<string, OracleMaker>
}

export interface Finding extends Verdict {
  readonly oracle: string
  /** The number of the image it was found with, and how many had the same. */
  readonly run: number
  times: number
  /** The file's name, and at which bytes it differs from a valid image. */
  readonly image: string
  readonly changed: readonly number[]
}

export interface OracleReport {
  readonly oracle: string
  /** Why it was not asked. */
  readonly skipped?: string
  readonly runs: number
  readonly agreed: number
  /** How many images had a disagreement that is wanted, by why. */
  readonly wanted: Readonly<Record<string, number>>
  readonly findings: readonly Finding[]
}

class Campaign {
  readonly #oracle: Oracle
  readonly #options: OracleOptions
  readonly #random: Random
  readonly #findings = new Map<string, Finding>()
  readonly #wanted: Record<string, number> = {}
  #agreed = 0

  constructor(oracle: Oracle, options: OracleOptions) {
    this.#oracle = oracle
    this.#options = options
    this.#random = new Random(options.seed)
  }

  async run(): Promise<OracleReport> {
    const { runs } = this.#options
    for (let run = 0; run < runs; run++) await this.#one(run)
    const findings = [...this.#findings.values()]
    return { oracle: this.#oracle.name, runs, agreed: this.#agreed, wanted: this.#wanted, findings }
  }

  /** A valid image that the oracle reads. */
  #valid(): Uint8Array {
    for (;;) {
      const random = this.#random
      const bytes = random.once(2) ? composefsImage(random) : randomErofs(random, { inodes: 8 }).bytes
      if (bytes !== undefined && this.#oracle.reads(bytes)) return bytes
    }
  }

  async #one(run: number): Promise<void> {
    const random = this.#random
    const origin = this.#valid()
    const changes = [
      ...BYTE_MUTATORS,
      ...erofsMutators({ mend: true }),
      ...erofsMutators({ mend: true }),
      ...composefsMutators({ mend: true }),
    ]
    const bytes = random.once(UNCHANGED) ? origin : mutated(origin, changes, random, { most: 2, other: this.#valid() })
    if (!this.#oracle.reads(bytes)) {
      this.#agreed++
      return
    }
    const verdicts = await this.#oracle.ask(bytes)
    if (verdicts.length === 0) this.#agreed++
    for (const verdict of new Map(verdicts.map(one => [one.key, one])).values()) {
      const why = wantedBy(this.#oracle.name, verdict.key)
      if (why === undefined) await this.#found(run, origin, bytes, verdict)
      else this.#wanted[why] = (this.#wanted[why] ?? 0) + 1
    }
  }

  async #found(run: number, origin: Uint8Array, bytes: Uint8Array, verdict: Verdict): Promise<void> {
    const known = this.#findings.get(verdict.key)
    if (known !== undefined) {
      known.times++
      return
    }
    if (this.#findings.size >= FINDINGS_MAX) return
    const { directory, log } = this.#options
    const { name } = this.#oracle
    const most = verdict.kind === 'their time-out' ? MINIMISE_WAITS : MINIMISE_ASKS
    const small = await this.#minimised(origin, bytes, verdict.key, most)
    const again = (await this.#oracle.ask(small)).find(({ key }) => key === verdict.key) ?? verdict
    const image = `${name}-${this.#findings.size}.img`
    fs.writeFileSync(join(directory, image), small)
    const changed = differing(origin, small)
    this.#findings.set(verdict.key, { ...again, oracle: name, run, times: 1, image, changed: changed.slice(0, 64) })
    log?.(`${name} #${run}: ${verdict.key} (${image}, ${changed.length} bytes changed)`)
  }

  /** Takes back what was changed, as far as the disagreement stays. */
  async #minimised(origin: Uint8Array, bytes: Uint8Array, key: string, most: number): Promise<Uint8Array> {
    let best = bytes
    let asks = 0
    const takes = async (candidate: Uint8Array): Promise<boolean> => {
      // What the checksum covers may have changed as well.
      const mended = candidate.slice()
      mendChecksum(mended)
      for (const one of sameBytes(mended, candidate) ? [candidate] : [mended, candidate]) {
        if (!this.#oracle.reads(one)) continue
        asks++
        if (!(await this.#oracle.ask(one)).some(verdict => verdict.key === key)) continue
        best = one
        return true
      }
      return false
    }
    if (best.length !== origin.length) {
      const candidate = origin.slice()
      candidate.set(best.subarray(0, origin.length))
      await takes(candidate)
    }
    let size = Math.ceil(differing(origin, best).length / 2)
    while (size >= 1 && asks < most) {
      let shrunk = false
      const places = differing(origin, best)
      for (let from = 0; from < places.length && asks < most; from += size) {
        const candidate = best.slice()
        for (const at of places.slice(from, from + size)) candidate[at] = origin[at]
        if (await takes(candidate)) shrunk = true
      }
      if (size === 1 && !shrunk) break
      size = Math.ceil(size / 2)
    }
    return best
  }
}

/** undefined for a tree that does not fit into one. */
function composefsImage(random: Random): Uint8Array | undefined {
  try {
    return randomComposefs(random, { lines: 8 }).bytes
  } catch (error) {
    if (error instanceof TreeError) return undefined
    throw error
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && differing(a, b).length === 0
}

/** Where two images differ, as far as both go. */
function differing(origin: Uint8Array, bytes: Uint8Array): number[] {
  const places: number[] = []
  for (let i = 0; i < Math.min(origin.length, bytes.length); i++) if (origin[i] !== bytes[i]) places.push(i)
  return places
}

/** Runs a campaign against each oracle, and writes `report.jsonl`, `report.txt` and the images into the directory. */
export async function runOracles(options: OracleOptions): Promise<OracleReport[]> {
  const { directory, log } = options
  fs.mkdirSync(directory, { recursive: true })
  const all = new Map([...oracles(), ...(options.more ?? [])])
  const reports: OracleReport[] = []
  for (const name of options.names ?? all.keys()) {
    const maker = all.get(name)
    const missing = maker === undefined ? 'no such oracle' : maker.missing()
    if (maker === undefined || missing !== undefined) {
      reports.push({ oracle: name, skipped: missing, runs: 0, agreed: 0, wanted: {}, findings: [] })
      log?.(`${name}: skipped: ${missing}`)
      continue
    }
    const work = fs.mkdtempSync(join(tmpdir(), 'composefs-oracle-'))
    const oracle = maker.make(work, { time: options.time ?? TIME_MS })
    try {
      reports.push(await new Campaign(oracle, options).run())
    } finally {
      oracle.close()
      fs.rmSync(work, { recursive: true, force: true })
    }
  }
  fs.writeFileSync(join(directory, 'report.jsonl'), reports.flatMap(linesOf).join(''))
  fs.writeFileSync(join(directory, 'report.txt'), reports.map(reportText).join('\n'))
  return reports
}

function linesOf({ findings, ...summary }: OracleReport): string[] {
  return [summary, ...findings].map(line => `${JSON.stringify(line)}\n`)
}

/** For people. */
export function reportText({ oracle, skipped, runs, agreed, wanted, findings }: OracleReport): string {
  if (skipped !== undefined) return `${oracle}: skipped: ${skipped}\n`
  const lines = [`${oracle}: ${runs} images, the same said of ${agreed}`]
  for (const [why, times] of Object.entries(wanted)) lines.push(`  wanted, ${times} times: ${why}`)
  for (const { key, times, image, changed, ours, theirs } of findings) {
    lines.push(`  ${key}`, `    ${times} times, first ${image}; bytes changed: ${changed.join(' ')}`)
    lines.push(`    ours: ${ours}`, `    theirs: ${theirs}`)
  }
  return `${lines.map(printable).join('\n')}\n`
}
