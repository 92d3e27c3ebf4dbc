// How a command fails: one line on stderr, `program: what: path: why`, and an exit status. Not here: what is checked.

import fs from 'node:fs'
import { errnoText, Fault, isErrnoName } from '../format/errno.js'
import { IngestError } from '../store/directory-ingest.js'
import { SourceError } from '../tree/source-error.js'
import { shown } from './url.js'

export const FAILED = 1
export const WRONG_USAGE = 2

/** A failure that ends the command. */
export class CommandError extends Error {
  override readonly name = 'CommandError'

  constructor(
    /** `what: path: why`, or less. */
    message: string,
    readonly status: number = FAILED,
  ) {
    super(message)
  }
}

/** Wrong usage: status 2, and where to read about the right one. */
export function wrongUsage(why: string, help = ''): CommandError {
  return new CommandError(help === '' ? why : `${why} (see ${help})`, WRONG_USAGE)
}

/** Says why in words: a Fault, an errno error of Node's, any other Error. */
export function reason(error: unknown): string {
  if (error instanceof Fault) {
    if (error.cause instanceof Error && 'expected' in error.cause) return error.cause.message
    return error.detail === '' ? errnoText(error.code) : `${error.detail} (${error.code})`
  }
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? error.code : undefined
  // Node's message holds path and call again; objects' messages have more to say than their code.
  if (isErrnoName(code) && 'syscall' in error) return errnoText(code)
  return error.message
}

/** A failure of some step on some path or URL. */
export function failure(what: string, path: string, error: unknown): CommandError {
  const name = shown(path)
  let why = reason(error)
  // Errors of stores and web servers begin with their code and what they are about, which is not said twice.
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known = `${code}: ${name}: `
  if (why.startsWith(known)) why = `${why.slice(known.length)} (${code})`
  return new CommandError(`${what}: ${printable(name)}: ${printable(why)}`)
}

/** A failure of building from a source; what went wrong with one file of it names call and file already. */
export function buildFailure(source: string, error: unknown): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error
  const ownWords = error instanceof SourceError || error instanceof IngestError
  return ownWords ? new CommandError(printable(error.message)) : failure('build', source, error)
}

/** Text for one line of a terminal: control characters as \xHH. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\x00-\x1f\x7f]/g, c => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** One line on stderr. */
export function complain(program: string, message: string): void {
  fs.writeSync(2, `${program}: ${message}\n`)
}

/** Runs a command: its status, or that of its failure, becomes the process's. */
export function runCommand(program: string, command: () => number | Promise<number>): void {
  const set = (status: number) => {
    process.exitCode = status
  }
  const failed = (error: unknown) => {
    if (!(error instanceof CommandError)) throw error
    complain(program, error.message)
    process.exitCode = error.status
  }
  try {
    const status = command()
    if (typeof status === 'number') set(status)
    else status.then(set).catch(failed)
  } catch (error) {
    failed(error)
  }
}
