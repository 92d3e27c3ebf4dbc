// What composefs run does: finds the program, runs it on the tree, and says what became of it. Not here: the tree (run-tree.ts), what
// the program can call (src/wasi).

import fs from 'node:fs'
import { Fault, fault, type Outcome } from '../format/errno.js'
import { limitsOf } from '../format/limits.js'
import { changesOf } from '../overlay/changes.js'
import type { Layer } from '../overlay/layer.js'
import { answered } from '../overlay/waiting.js'
import { readProgram, runWasi, type WasiResult } from '../wasi/run.js'
import { writeChanges } from './changes.js'
import { CommandError, complain, failure } from './failure.js'
import { processStreams } from './run-streams.js'
import { openTree, type RunTree, type TreeOptions } from './run-tree.js'
import { StandardOutput } from './standard-output.js'
import { localPath } from './url.js'

export interface RunOptions {
  readonly tree: TreeOptions
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Directories of the tree by the names that the program has for them. */
  readonly preopens: Readonly<Record<string, string>>
  readonly changes: boolean
  readonly json: boolean
}

const NOWHERE = new Fault('ENOENT', 'is neither in the image nor on the host')

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error || error instanceof Fault ? (error as { code?: unknown }).code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function hostProgram(program: string, absent: Fault): Uint8Array<ArrayBuffer> {
  try {
    return fs.readFileSync(localPath(program))
  } catch (error) {
    throw failure('run', program, isAbsent(error) ? absent : error)
  }
}

/** The program's bytes. Rejects with a CommandError. */
async function programBytes(layer: Layer, program: string): Promise<Uint8Array<ArrayBuffer>> {
  if (/^\.\.?\//.test(program)) return hostProgram(program, fault('ENOENT'))
  const found: Outcome<object> = await answered(() => layer.resolve(program, true))
  if (found instanceof Fault && isAbsent(found)) return hostProgram(program, NOWHERE)
  try {
    if (found instanceof Fault) throw found
    return await readProgram(layer, program)
  } catch (error) {
    throw failure('run', program, error)
  }
}

/** Throws a CommandError for a directory that is not there: who starts the program would not say which of all it is. */
async function checkDirectories(layer: Layer, preopens: RunOptions['preopens']): Promise<void> {
  for (const path of Object.values(preopens)) {
    const found = await answered(() => layer.resolve(`${path}/`, true))
    if (found instanceof Fault) throw failure('open', path, found)
  }
}

function processOwner() {
  return {
    uid: () => process.geteuid?.() ?? 0,
    gid: () => process.getegid?.() ?? 0,
    umask: () => process.umask(),
  }
}

async function ended(layer: Layer, options: RunOptions): Promise<WasiResult> {
  const { program, args, env, preopens } = options
  await checkDirectories(layer, preopens)
  const bytes = await programBytes(layer, program)
  const mount = { layer, env: processOwner() }
  try {
    return await runWasi(bytes, { mount, preopens, name: program, args, env, ...processStreams() })
  } catch (error) {
    throw error instanceof CommandError ? error : failure('run', program, error)
  }
}

function tellChanges({ changed }: RunTree, { program, json, tree }: RunOptions): void {
  if (changed === undefined) return
  const found = changesOf(changed, undefined, limitsOf(tree.limits).maxEntries)
  if (found instanceof Fault) throw failure('changes', program, found)
  writeChanges(found, json, new StandardOutput(2))
}

/** Answers the program's exit status. Rejects with a CommandError. */
export async function runProgram(options: RunOptions): Promise<number> {
  const tree = await openTree(options.tree)
  try {
    const { exitCode, trap } = await ended(tree.layer, options)
    if (trap !== undefined) complain('composefs', failure('run', options.program, new Error(trap.message)).message)
    if (options.changes) tellChanges(tree, options)
    return exitCode & 0xff
  } finally {
    tree.close()
  }
}
