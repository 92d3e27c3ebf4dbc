// What is shown of a campaign: a line on a terminal while it goes on, lines or an object when it has ended. Not here: the campaign.

import fs from 'node:fs'
import { printable } from './failure.js'
import type { Campaign } from './fuzz-campaign.js'

/** Between two states of the line, milliseconds. */
const PAUSE = 200
const CLEAR = '\r\x1b[K'

function figures(campaign: Campaign) {
  const { fuzzer, runs, time } = campaign
  const { reached, present } = fuzzer.coverage
  return {
    runs,
    perSecond: time === 0 ? 0 : Math.round((runs / time) * 1000),
    share: fuzzer.runs === 0 ? 0 : Math.round((fuzzer.deep / fuzzer.runs) * 1000) / 1000,
    edges: { reached, present },
    corpus: fuzzer.corpus.length,
  }
}

function text(campaign: Campaign): string {
  const { runs, perSecond, share, edges, corpus } = figures(campaign)
  const ways = edges.present === 0 ? '' : `, ${edges.reached} of ${edges.present} edges`
  const past = `${(share * 100).toFixed(0)}% past the first look`
  return `${campaign.target.name}: ${runs} runs, ${perSecond}/s, ${past}${ways}, ${corpus} in the corpus`
}

/** The line on a terminal; nothing elsewhere. */
export class StatusLine {
  readonly #shown = process.stderr.isTTY === true
  #last = Number.NEGATIVE_INFINITY

  show(campaign: Campaign): void {
    const now = performance.now()
    if (!this.#shown || now - this.#last < PAUSE) return
    this.#last = now
    const { length } = campaign.findings
    const line = `${text(campaign)}${length === 0 ? '' : `, ${length} FOUND`}`
    fs.writeSync(2, `${CLEAR}${line.slice(0, (process.stderr.columns || 80) - 1)}`)
  }

  clear(): void {
    if (this.#shown) fs.writeSync(2, CLEAR)
    this.#last = Number.NEGATIVE_INFINITY
  }
}

/** A line for each finding, and one for all. */
export function resultLines(campaign: Campaign): string {
  const { target, findings, seed, before } = campaign
  const lines = findings.map(({ invariant, message, run, input, file, times }) => {
    const where = file ?? `${input.length} bytes, which --corpus keeps`
    const often = times === 1 ? '' : `, ${times} times`
    return `${target.name}: BROKEN: ${printable(`${invariant}: ${message}`)}: at run ${run}${often}: ${printable(where)}`
  })
  const found = findings.length === 0 ? 'nothing found' : `${findings.length} found`
  const gone = before === 0 ? '' : `, after ${before} before`
  lines.push(`${text(campaign)}, seed ${seed}${gone}: ${found}`)
  return `${lines.join('\n')}\n`
}

/** The same as an object. */
export function resultObject(campaign: Campaign): object {
  const { target, seed, before, time } = campaign
  const findings = campaign.findings.map(({ input, ...facts }) => ({ ...facts, bytes: input.length }))
  return { target: target.name, seed, before, seconds: Math.round(time) / 1000, ...figures(campaign), findings }
}
