// A command of composefs, called: its help where that is asked for, and its name in what is said of wrong usage. Not here: which
// commands there are.

import { CommandError } from './failure.js'
import { writeAll } from './standard-output.js'

export interface Command {
  readonly run: (args: readonly string[]) => number | Promise<number>
  readonly help: string
  /** Whether the arguments ask for the help; unless given, when an option before `--` does. */
  readonly asksForHelp?: (args: readonly string[]) => boolean
}

function hasHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  const asked = args.findIndex(arg => arg === '--help' || arg === '-h')
  return asked >= 0 && (end < 0 || asked < end)
}

export function invoke(name: string, command: Command, args: readonly string[]): number | Promise<number> {
  const { run, help, asksForHelp = hasHelp } = command
  if (asksForHelp(args)) {
    writeAll(new TextEncoder().encode(help))
    return 0
  }
  const failed = (error: unknown): never => {
    if (error instanceof CommandError && error.status === 2 && !error.message.startsWith(`${name}:`)) {
      throw new CommandError(`${name}: ${error.message}`, error.status)
    }
    throw error
  }
  try {
    const status = run(args)
    return typeof status === 'number' ? status : status.catch(failed)
  } catch (error) {
    return failed(error)
  }
}
