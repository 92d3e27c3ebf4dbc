// C tools as oracles: each run is a process with limits of time, memory and output. Not here: what is made of their answers.

import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import { delimiter, join } from 'node:path'

const OUTPUT_MAX = 16 << 20
/** KiB of address space, seconds of processor. */
const LIMITED = 'ulimit -v 2097152; ulimit -t 8; ulimit -c 0; exec "$@"'

export interface ToolAnswer {
  /** Exit status; a signal's name; or that it took too long or said too much. */
  readonly end: number | string
  readonly stdout: Buffer
  readonly stderr: string
}

/** A tool by the variable that names it, or on PATH; undefined where there is none. */
export function toolPath(name: string, variable?: string): string | undefined {
  const named = variable === undefined ? undefined : process.env[variable]
  const places = (process.env['PATH'] ?? '').split(delimiter).map(directory => join(directory, name))
  return [named, ...places].find(path => path !== undefined && path !== '' && fs.existsSync(path))
}

export function runTool(tool: string, args: readonly string[], time: number): ToolAnswer {
  const { status, signal, stdout, stderr, error } = spawnSync('sh', ['-c', LIMITED, 'sh', tool, ...args], {
    timeout: time,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const code = error === undefined ? undefined : (error as NodeJS.ErrnoException).code
  const end = code === 'ETIMEDOUT' ? 'time-out' : code === 'ENOBUFS' ? 'output' : (status ?? signal ?? 'unknown')
  return { end, stdout, stderr: stderr.toString('latin1').slice(0, 1000) }
}

/** Did a tool end by a fault of its own? */
export function crashed({ end, stderr }: ToolAnswer): boolean {
  return (typeof end === 'string' && !['time-out', 'output'].includes(end)) || /AddressSanitizer|assert/i.test(stderr)
}
