// composefs run: how it is called, and whose each argument is. Not here: what the options mean (run.ts).

import { IMAGE_OPTIONS, LIMITS_HELP } from './image-options.js'

export const RUN_HELP = `Usage: composefs run IMAGE PROGRAM [ARGS...] [--basedir STORE] [OPTIONS]

Runs a WASI program (preview1) that sees the image as its root. PROGRAM is looked up in the image, and where the image has
nothing there, on the host; one that begins with ./ or ../ is the host's. Standard input, output and error are those of the
command, and its exit status is the program's: 134 after a trap. IMAGE and STORE may be http(s) and s3 URLs: no more is
fetched of them than the program reads.

  --basedir STORE   where the objects are; without it only inline files can be read
  --digest HEX      the fs-verity digest that the image must have
  --device PATH     a further device of IMAGE, a path or URL; repeated, in the order of its device table
  --layer IMAGE     a further image below IMAGE; repeated, topmost first
  -w, --writable    the program may change the tree; what it changes is gone when it ends
  --upper DIR       the same, and what it changes is kept in DIR, for later runs, \`composefs changes\` and \`composefs commit\`
  --changes         the same as -w, and what was changed of the images is listed on standard error in the end
  --json            with --changes: as an array
  --env NAME=VALUE  a variable for the program, which has none otherwise; NAME alone takes the value that it has here
  --dir NAME=PATH   a directory of the tree for the program to find as NAME, in place of all of the tree as /

These may stand anywhere; all else behind PROGRAM is for the program. After \`--\` everything is, also what looks like one of
these: composefs run IMAGE PROGRAM --basedir STORE -- -w --help
${LIMITS_HELP}`

export const RUN_OPTIONS = {
  basedir: { type: 'string' },
  ...IMAGE_OPTIONS,
  layer: { type: 'string', multiple: true },
  writable: { type: 'boolean', short: 'w' },
  upper: { type: 'string' },
  changes: { type: 'boolean' },
  json: { type: 'boolean' },
  env: { type: 'string', multiple: true },
  dir: { type: 'string', multiple: true },
} as const

/** What is known of an option by how it is written; undefined for one of others. */
function known(arg: string): { readonly takesNext: boolean } | undefined {
  if (arg === '-w') return { takesNext: false }
  const [, name, value] = /^--([a-z]+(?:-[a-z]+)*)(=.*)?$/s.exec(arg) ?? []
  if (name === undefined || !Object.hasOwn(RUN_OPTIONS, name)) return undefined
  return { takesNext: RUN_OPTIONS[name as keyof typeof RUN_OPTIONS].type === 'string' && value === undefined }
}

interface Divided {
  /** Options, with their values. */
  readonly own: readonly string[]
  /** IMAGE, PROGRAM and what is the program's. */
  readonly operands: readonly string[]
}

/** An option that nobody knows is the program's once there is one. */
export function divide(args: readonly string[]): Divided {
  const own: string[] = []
  const operands: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]
    if (arg === '--') return { own, operands: [...operands, ...args.slice(i + 1)] }
    const option = known(arg)
    if (option === undefined && (operands.length >= 2 || !/^-./s.test(arg))) operands.push(arg)
    else own.push(arg)
    if (option?.takesNext && i + 1 < args.length) own.push(args[++i])
  }
  return { own, operands }
}

/** Whether it is asked how the command is called: behind PROGRAM it is the program that is asked. */
export function asksForHelp(args: readonly string[]): boolean {
  return divide(args).own.some(arg => arg === '--help' || arg === '-h')
}
