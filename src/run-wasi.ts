// WASI as the entries offer it: what it takes is loaded when it is asked for, since a page that only mounts should not carry it. Not
// here: any of it (src/wasi).

import type { RunWasiOptions, WasiProgram, WasiResult } from './wasi/run.js'
import type { WasiFs, WasiFsOptions } from './wasi/wasi-fs.js'

/**
 * Runs a WASI program on a mounted tree, to its end; see README. Exit codes and traps are values. Rejects with what the signal says,
 * with ENOENT and the like for a program or directory that is not there, with EINVAL for what is no WASI program.
 */
export async function runWasi(program: WasiProgram, options: RunWasiOptions): Promise<WasiResult> {
  return (await import('./wasi/run.js')).runWasi(program, options)
}

/**
 * The filesystem of a WASI program by itself, for another host: its `imports()` are spread over that one's, `attach` is given the
 * program's memory. Rejects with ENOENT, ENOTDIR for a preopen that is no directory.
 */
export async function openWasiFs(options: WasiFsOptions): Promise<WasiFs> {
  const { WasiFs } = await import('./wasi/wasi-fs.js')
  return new WasiFs(options)
}
