// The corpus of a target as files, each named by its SHA-256, and where the fuzzer stood: `state.json`. Inputs that break a promise are
// below `crashes`, each with a .json beside it. Not here: what is kept, and why.

import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import type { FuzzerState } from '../fuzz/fuzzer.js'
import { CommandError, failure } from './failure.js'

const STATE = 'state.json'
const CRASHES = 'crashes'

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What a fuzzer can begin with. */
export interface Kept {
  readonly corpus: readonly Uint8Array[]
  /** Where one stood that all of the corpus is of, but for files that were added. */
  readonly state: FuzzerState | undefined
}

interface StateFile extends FuzzerState {
  /** Names, in the corpus's order, which matters. */
  readonly corpus: readonly string[]
}

function isState(value: unknown): value is StateFile {
  if (typeof value !== 'object' || value === null) return false
  const { seed, runs, deep, random, corpus } = value as Partial<Record<keyof StateFile, unknown>>
  const numbers = (list: unknown) => Array.isArray(list) && list.length === 4 && list.every(Number.isInteger)
  const names = Array.isArray(corpus) && corpus.every(name => typeof name === 'string')
  return names && numbers(random) && [seed, runs, deep].every(Number.isSafeInteger)
}

/** Writes a file under its name only once it is whole. */
function put(path: string, content: Uint8Array | string): void {
  const temporary = `${path}.${process.pid}.part`
  fs.writeFileSync(temporary, content)
  fs.renameSync(temporary, path)
}

/** Calls throw a CommandError. */
export class FuzzCorpus {
  readonly #path: string
  readonly #written = new Set<string>()

  constructor(dir: string, target: string) {
    this.#path = join(dir, target)
    this.#doing('make', this.#path, () => fs.mkdirSync(join(this.#path, CRASHES), { recursive: true }))
  }

  #doing<T>(what: string, path: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw error instanceof CommandError ? error : failure(what, path, error)
    }
  }

  #state(): StateFile | undefined {
    const path = join(this.#path, STATE)
    return this.#doing('read', path, () => {
      if (!fs.existsSync(path)) return undefined
      const state: unknown = JSON.parse(fs.readFileSync(path, 'utf8'))
      if (!isState(state)) throw new Error('is no state of a fuzzer')
      return state
    })
  }

  /** Inputs of at most so many bytes: those of the state in their order, then all others by name. */
  load(maxBytes: number): Kept {
    const state = this.#state()
    const listed = this.#doing('read', this.#path, () => fs.readdirSync(this.#path, { withFileTypes: true }))
    const files = listed.filter(entry => entry.isFile() && !/^\.|\.json$|\.part$/.test(entry.name))
    const there = new Set(files.map(({ name }) => name))
    const known = (state?.corpus ?? []).filter(name => there.delete(name))
    const corpus: Uint8Array[] = []
    for (const name of [...known, ...[...there].sort()]) {
      const path = join(this.#path, name)
      this.#doing('read', path, () => {
        if (fs.statSync(path).size <= maxBytes) corpus.push(new Uint8Array(fs.readFileSync(path)))
      })
      this.#written.add(name)
    }
    // What is gone can't be gone on with.
    return { corpus, state: state !== undefined && known.length === state.corpus.length ? state : undefined }
  }

  keep(input: Uint8Array): string {
    const name = sha256(input)
    if (this.#written.has(name)) return name
    const path = join(this.#path, name)
    this.#doing('write', path, () => put(path, input))
    this.#written.add(name)
    return name
  }

  /** All of a corpus, and where the fuzzer stands. */
  save(inputs: readonly Uint8Array[], state: FuzzerState): void {
    const file: StateFile = { ...state, corpus: inputs.map(input => this.keep(input)) }
    const path = join(this.#path, STATE)
    this.#doing('write', path, () => put(path, `${JSON.stringify(file)}\n`))
  }

  /** Where it is now. */
  crash(input: Uint8Array, facts: object): string {
    const path = join(this.#path, CRASHES, sha256(input))
    this.#doing('write', path, () => {
      put(path, input)
      put(`${path}.json`, `${JSON.stringify(facts, undefined, 2)}\n`)
    })
    return path
  }
}
