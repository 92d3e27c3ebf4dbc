// composefs run: what its options mean. Not here: whose each argument is (run-arguments.ts), what is done (run-program.ts).

import { parseArguments } from './arguments.js'
import { wrongUsage } from './failure.js'
import { limitsGiven } from './image-options.js'
import { divide, RUN_OPTIONS } from './run-arguments.js'
import { runProgram } from './run-program.js'

const HELP = 'composefs run --help'

/** `NAME=VALUE` in two; undefined for what has no `=`. */
function pair(text: string): readonly [string, string | undefined] {
  const equals = text.indexOf('=')
  return equals < 0 ? [text, undefined] : [text.slice(0, equals), text.slice(equals + 1)]
}

function environment(given: readonly string[]): Record<string, string> {
  const pairs = given.map(text => {
    const [name, value = process.env[name]] = pair(text)
    if (name === '') throw wrongUsage('--env is NAME=VALUE or NAME', HELP)
    return [name, value] as const
  })
  return Object.fromEntries(pairs.filter((one): one is readonly [string, string] => one[1] !== undefined))
}

function directories(given: readonly string[]): Record<string, string> {
  const pairs = given.map(text => {
    const [name, path] = pair(text)
    if (name === '' || path === undefined || path === '') throw wrongUsage('--dir is NAME=PATH', HELP)
    return [name, path] as const
  })
  return Object.fromEntries(pairs)
}

export async function run(args: readonly string[]): Promise<number> {
  const { own, operands } = divide(args)
  const { values } = parseArguments(own, RUN_OPTIONS, HELP)
  const [image, program, ...rest] = operands
  if (image === undefined) throw wrongUsage('no image given', HELP)
  if (program === undefined) throw wrongUsage('no program given', HELP)
  const { basedir, digest, device: devices = [], upper, layer = [], changes = false, json = false } = values
  if (json && !changes) throw wrongUsage('--json is for --changes; for the program it stands behind --', HELP)
  const env = environment(values.env ?? [])
  const preopens = values.dir === undefined ? { '/': '/' } : directories(values.dir)
  const limits = limitsGiven(values, HELP)
  const writable = changes || values.writable === true
  return runProgram({
    tree: { images: [image, ...layer], basedir, digest, devices, limits, upper, writable },
    program,
    ...{ args: rest, env, preopens, changes, json },
  })
}
