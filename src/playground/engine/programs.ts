// WASI programs of an open image, run in a worker of their own: each sees the tree as it is when it begins, and what it has changed is in
// the tree when it has ended, as one step. Not here: what a shell makes of it (shell-programs.ts), which files are programs
// (program-modules.ts).

import type { Changes } from './changes.js'
import type { OpenDocument } from './open-document.js'
import { PlainError } from './plain-words.js'
import { ProgramModules } from './program-modules.js'
import type { GuestEnd } from './program-protocol.js'
import { type GuestThread, GuestWorker, type Output } from './program-worker.js'

/** A worker without a program is ended after so long. Milliseconds. */
const IDLE_MS = 60_000

export interface ProgramCall {
  /** Where it is in the tree, as path text. */
  readonly path: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: Uint8Array
  readonly output: Output
  readonly signal: AbortSignal
}

const NOT_ISOLATED =
  'this page is not cross-origin isolated, so that a program can’t wait for what has to be fetched. Serve the playground with the headers ' +
  'Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, as `composefs playground` does'

export class Programs {
  readonly #document: OpenDocument
  readonly #changes: Changes
  readonly #start: () => GuestThread
  readonly #modules: ProgramModules
  readonly #waits: boolean
  #worker: GuestWorker | undefined
  #idle: ReturnType<typeof setTimeout> | undefined

  /** `start`: starts a worker that runs guest.main.ts. `waits`: may threads wait for each other here? */
  constructor(document: OpenDocument, changes: Changes, start: () => GuestThread, waits: boolean) {
    this.#document = document
    this.#changes = changes
    this.#start = start
    this.#waits = waits
    this.#modules = new ProgramModules(document)
    document.atClose(() => this.#end())
  }

  /** Whether what a program changes stays. */
  get canChange(): boolean {
    return this.#document.working !== undefined
  }

  /** Runs a program. Rejects with a PlainError where it can't run, with an AbortError when it is ended: its changes are dropped then. */
  async run({ path, args, env, stdin, output, signal }: ProgramCall): Promise<GuestEnd> {
    const module = await this.#modules.at(path)
    const { working, parts, image } = this.#document
    if (!this.#waits && image.lazy) throw new PlainError('ENOTSUP', `${NOT_ISOLATED}, or open the image as a file.`)
    const program = { module, name: path, args, env, stdin }
    // What has to come over the network is not fetched in case it may be wanted.
    const prefetch = !this.#waits && parts.network === undefined
    const run = (changes: { readonly snapshot: Uint8Array; readonly limit: number } | undefined) =>
      this.#onWorker(worker => worker.run({ ...program, changes, prefetch }, output, signal))
    if (working === undefined) return this.#explained(await run(undefined))
    const end = await this.#changes.byProgram(this.#document, path, async (snapshot, limit) => run({ snapshot, limit }))
    return this.#explained(end)
  }

  #explained(end: GuestEnd): GuestEnd {
    if (end.lacked === undefined) return end
    return { ...end, lacked: `it could not have ${end.lacked}: ${NOT_ISOLATED}.` }
  }

  async #onWorker<T>(action: (worker: GuestWorker) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle)
    if (this.#worker === undefined || this.#worker.ended) {
      this.#worker = new GuestWorker(this.#start(), this.#document, this.#waits)
    }
    try {
      return await action(this.#worker)
    } finally {
      this.#idle = setTimeout(() => this.#end(), IDLE_MS)
    }
  }

  #end(): void {
    clearTimeout(this.#idle)
    this.#worker?.end()
    this.#worker = undefined
  }
}
