// Arguments of a command: the platform's own parser (node:util), which costs no bundle and next to no start, and what
// getopt_long allows beyond it. Not here: which options a command has.

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { wrongUsage } from './failure.js'

type Options = NonNullable<ParseArgsConfig['options']>

/** Options and operands; they may be mixed, and `--` ends the options. Throws a CommandError (status 2). */
export function parseArguments<const T extends Options>(args: readonly string[], options: T, help: string) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    // Its first sentence says what is wrong, the others how to quote.
    throw wrongUsage(message.split(/[.\n]\s/)[0].replace(/\.$/, ''), help)
  }
}

/**
 * Writes out options that are cut short, as getopt_long takes them: `--base=X` for `--basedir=X`. Throws a CommandError
 * for one that could be several.
 */
export function completeOptions(args: readonly string[], names: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.map((arg, i) => {
    if (!arg.startsWith('--') || arg === '--' || (end >= 0 && i > end)) return arg
    const equals = arg.indexOf('=')
    const given = equals < 0 ? arg.slice(2) : arg.slice(2, equals)
    if (names.includes(given)) return arg
    const fitting = names.filter(name => name.startsWith(given))
    if (fitting.length > 1) throw wrongUsage(`option '--${given}' is ambiguous`)
    return fitting.length === 0 ? arg : `--${fitting[0]}${equals < 0 ? '' : arg.slice(equals)}`
  })
}
