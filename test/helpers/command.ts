// The built commands as a user runs them.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
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

const LATER_MS = 120_000

/** Starts a command of dist/bin; it is ended when this process ends, unless that is killed. */
export function startCommand(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return startScript(join(ROOT, 'dist/bin', `${name}.js`), args, env)
}

/** The same for a script anywhere. */
export function startScript(path: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, [path, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LATER_MS,
  })
  const kill = () => child.kill('SIGKILL')
  process.on('exit', kill)
  child.once('close', () => process.removeListener('exit', kill))
  return child
}

/** Runs a command beside what goes on in this process: servers, for one. */
export async function commandLater(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = startCommand(name, args, env)
  const [out, err]: Buffer[][] = [[], []]
  child.stdout?.on('data', chunk => out.push(chunk))
  child.stderr?.on('data', chunk => err.push(chunk))
  const status = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { status, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString() }
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
