// The built commands as a user runs them.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './paths.js'

export interface Ran {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

const MAX_OUTPUT = 256 << 20

/** Runs a command of dist/bin. */
export function command(name: string, ...args: string[]): Ran {
  const run = spawnSync(process.execPath, [join(ROOT, 'dist/bin', `${name}.js`), ...args], { maxBuffer: MAX_OUTPUT })
  return { status: run.status, stdout: run.stdout, stderr: run.stderr.toString() }
}

/** A C tool named by an environment variable, or on PATH; undefined where there is none. */
export function peer(variable: string, name: string): string | undefined {
  const named = process.env[variable]
  if (named !== undefined) return existsSync(named) ? named : undefined
  const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' })
  return found.status === 0 ? found.stdout.trim() : undefined
}

export function runPeer(path: string, ...args: string[]): Ran {
  const run = spawnSync(path, args, { maxBuffer: MAX_OUTPUT })
  return { status: run.status, stdout: run.stdout, stderr: run.stderr.toString() }
}
