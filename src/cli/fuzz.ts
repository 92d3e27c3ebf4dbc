// composefs fuzz: what its options mean, and which targets take their turns. Not here: how it is called (fuzz-arguments.ts), what
// becomes of a target (fuzz-campaign.ts).

import { randomInt } from 'node:crypto'
import type { Target } from '../fuzz/target.js'
import { TARGETS } from '../fuzz/targets.js'
import { parseArguments } from './arguments.js'
import { printable, wrongUsage } from './failure.js'
import { FUZZ_OPTIONS } from './fuzz-arguments.js'
import { Campaign } from './fuzz-campaign.js'
import { FuzzCorpus } from './fuzz-corpus.js'
import { type OracleReport, reportText, runOracles } from './fuzz-oracle.js'
import { resultLines, resultObject, StatusLine } from './fuzz-report.js'
import { writeAll } from './standard-output.js'

const HELP = 'composefs fuzz --help'
const FOUND = 1

function write(text: string): void {
  writeAll(new TextEncoder().encode(text))
}

type Targets = Readonly<Record<string, () => Target>>

function list(targetsByName: Targets, json: boolean): number {
  const targets = Object.entries(targetsByName).map(([name, make]) => ({ name, invariants: make().invariants }))
  if (json) write(`${JSON.stringify(targets, undefined, 2)}\n`)
  else write(targets.map(({ name, invariants }) => `${[name, ...invariants].join('\n  ')}\n`).join(''))
  return 0
}

/** Undefined where it is not given. Throws a CommandError. */
function wholeNumber(option: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined
  const number = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(number) || number < least) {
    throw wrongUsage(`--${option} is a whole number from ${least} on`, HELP)
  }
  return number
}

function secondsOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (!/^\d+(\.\d+)?$/.test(text) || !(seconds > 0)) throw wrongUsage(`--${option} is a number above 0`, HELP)
  return seconds
}

/** Hears the first Ctrl-C; the second one ends the process as ever. */
class Interrupt {
  heard = false
  readonly #hear = () => {
    this.heard = true
  }

  constructor() {
    process.once('SIGINT', this.#hear)
  }

  close(): void {
    process.removeListener('SIGINT', this.#hear)
  }
}

interface Plan {
  readonly targets: Targets
  readonly names: readonly string[]
  readonly seconds: number | undefined
  readonly runs: number | undefined
  readonly seed: number | undefined
  readonly corpus: string | undefined
  readonly json: boolean
}

async function runAll({ targets, names, seconds, runs, seed, corpus, json }: Plan): Promise<number> {
  const anySeed = randomInt(2 ** 32)
  const interrupt = new Interrupt()
  const status = new StatusLine()
  const results: object[] = []
  let found = 0
  let left = (seconds ?? Number.POSITIVE_INFINITY) * 1000
  try {
    for (const [i, name] of names.entries()) {
      if (interrupt.heard) break
      const files = corpus === undefined ? undefined : new FuzzCorpus(corpus, name)
      const campaign = new Campaign(targets[name](), { seed, anySeed, corpus: files })
      await campaign.run({
        time: left / (names.length - i),
        runs: runs ?? Number.POSITIVE_INFINITY,
        stopped: () => interrupt.heard,
        show: () => status.show(campaign),
      })
      left = Math.max(0, left - campaign.time)
      found += campaign.findings.length
      status.clear()
      if (json) results.push(resultObject(campaign))
      else write(resultLines(campaign))
    }
    if (json) write(`${JSON.stringify(results, undefined, 2)}\n`)
  } finally {
    interrupt.close()
    status.clear()
  }
  return found === 0 ? 0 : FOUND
}

interface Comparison {
  readonly runs: number | undefined
  readonly seed: number | undefined
  readonly directory: string | undefined
  readonly imageSeconds: number | undefined
}

async function compare(
  oracles: string,
  { runs = 1000, seed, directory, imageSeconds }: Comparison,
  json: boolean,
): Promise<number> {
  const names = oracles === 'all' ? undefined : oracles.split(',')
  // One that was asked for by its name and can't be had is no success.
  const failed = ({ findings, skipped }: OracleReport) =>
    findings.length > 0 || (names !== undefined && skipped !== undefined)
  const log = (line: string) => process.stderr.write(`${printable(line)}\n`)
  const options = {
    names,
    runs,
    seed: seed ?? randomInt(2 ** 32),
    directory: directory ?? 'oracles',
    time: imageSeconds === undefined ? undefined : imageSeconds * 1000,
  }
  const reports = await runOracles({ ...options, log: json ? undefined : log })
  if (json) write(`${JSON.stringify(reports, undefined, 2)}\n`)
  else write(`seed ${options.seed}\n${reports.map(reportText).join('')}`)
  return reports.some(failed) ? FOUND : 0
}

/** `targets`: others than those that there are. */
export async function fuzz(args: readonly string[], targets: Targets = TARGETS): Promise<number> {
  const { values, positionals } = parseArguments(args, FUZZ_OPTIONS, HELP)
  const all = Object.keys(targets)
  for (const name of positionals) {
    if (!Object.hasOwn(targets, name))
      throw wrongUsage(`${printable(name)}: no such target; there are ${all.join(', ')}`, HELP)
  }
  const names = positionals.length === 0 ? all : [...new Set(positionals)]
  const { corpus, json = false } = values
  const seconds = secondsOf('seconds', values.seconds)
  const runs = wholeNumber('runs', values.runs, 1)
  const seed = wholeNumber('seed', values.seed, 0)
  const imageSeconds = secondsOf('image-seconds', values['image-seconds'])
  if (corpus === '') throw wrongUsage('--corpus is a directory', HELP)
  if (values.oracle !== undefined) {
    if (positionals.length > 0 || seconds !== undefined) throw wrongUsage('--oracle takes --runs, and no target', HELP)
    return compare(values.oracle, { runs, seed, directory: corpus, imageSeconds }, json)
  }
  if (imageSeconds !== undefined) throw wrongUsage('--image-seconds is for --oracle', HELP)
  const endless = seconds === undefined && runs === undefined
  if (endless && names.length > 1) {
    if (positionals.length > 0) throw wrongUsage('several targets need --seconds or --runs', HELP)
    if (corpus !== undefined || seed !== undefined) throw wrongUsage('all targets need --seconds or --runs', HELP)
    return list(targets, json)
  }
  return runAll({ targets, names, seconds, runs, seed, corpus, json })
}
