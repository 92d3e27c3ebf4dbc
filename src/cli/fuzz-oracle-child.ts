// A process that is told images by their files' names, a line each, and answers each with a listing as a line of JSON. It is ended where
// one takes too long, and begun anew for the next. Not here: what it runs.

import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import { createInterface } from 'node:readline'
import type { Listing } from './fuzz-oracle-listing.js'

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  /** What images are written as, with a number behind it: a name of its own for each, so that nothing cached is taken for another. */
  readonly path: string
  /** Milliseconds for one image. */
  readonly time: number
}

export class ListingChild {
  readonly #options: ChildOptions
  #child: ChildProcess | undefined
  #lines: AsyncIterator<string> | undefined
  #images = 0

  constructor(options: ChildOptions) {
    this.#options = options
  }

  /** The listing of an image; else that it took too long, or how the process ended. */
  async list(bytes: Uint8Array): Promise<Listing | 'time-out' | { readonly ended: string }> {
    if (this.#child === undefined) this.#start()
    const child = this.#child
    const path = `${this.#options.path}${this.#images++}`
    fs.writeFileSync(path, bytes)
    let timer: NodeJS.Timeout | undefined
    try {
      child?.stdin?.write(`${path}\n`)
      const late = new Promise<undefined>(done => {
        timer = setTimeout(() => done(undefined), this.#options.time)
      })
      const line = await Promise.race([this.#lines?.next(), late])
      if (line?.done === false) return JSON.parse(line.value) as Listing
      const ended = line === undefined || child === undefined ? undefined : await endOf(child)
      this.close()
      return ended === undefined ? 'time-out' : { ended }
    } finally {
      clearTimeout(timer)
      fs.rmSync(path, { force: true })
    }
  }

  #start(): void {
    const { command, args } = this.#options
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdin.on('error', () => {})
    child.on('error', () => {})
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.#child = child
  }

  close(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
    this.#lines = undefined
  }
}

/** How a process ends that says no more. */
function endOf(child: ChildProcess): Promise<string> {
  const how = () => String(child.signalCode ?? child.exitCode ?? 'unknown')
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(how())
  return new Promise(resolve => {
    const end = () => resolve(how())
    child.once('exit', end)
    child.once('error', end)
  })
}
