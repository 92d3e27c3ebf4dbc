// Running a WASI program, as the entries offer it: what it takes is loaded when it is asked for. Not here: any of it (src/wasi/run.ts).

import type { RunWasiOptions, WasiProgram, WasiResult } from './wasi/run.js'

/**
 * Runs a WASI program on a mounted tree, to its end; see README. Exit codes and traps are values. Rejects with what the signal says,
 * with ENOENT and the like for a program or directory that is not there, with EINVAL for what is no WASI program.
 */
export async function runWasi(program: WasiProgram, options: RunWasiOptions): Promise<WasiResult> {
  return (await import('./wasi/run.js')).runWasi(program, options)
}
