// composefs changes: what a directory that keeps an upper has changed of its images. Not here: how it is found out
// (src/overlay/changes.ts).

import { writeEscapedPath } from '../format/dump-text.js'
import { Fault } from '../format/errno.js'
import { type Change, changesOf } from '../overlay/changes.js'
import { parseArguments } from './arguments.js'
import { bytesJson } from './entry-json.js'
import { failure } from './failure.js'
import { LIMIT_OPTIONS, LIMITS_HELP, limitsGiven } from './image-options.js'
import { StandardOutput } from './standard-output.js'
import { openChanged } from './upper.js'

const HELP = 'composefs changes --help'
export const CHANGES_HELP = `Usage: composefs changes IMAGE... --upper DIR [--json] [--exit-code]

Lists what was changed in a writable mount of the images (topmost first) that kept its changes in DIR: what was added (+),
deleted (-), modified (~, and in what) and renamed (>). DIR may be mounted meanwhile; nothing is written there.

  --upper DIR   the directory of the changes
  --json        the changes as an array
  --exit-code   exit status 1 when there are any
${LIMITS_HELP}`

const OPTIONS = {
  upper: { type: 'string' },
  json: { type: 'boolean' },
  'exit-code': { type: 'boolean' },
  ...LIMIT_OPTIONS,
} as const

const SIGNS = { added: '+', deleted: '-', modified: '~', renamed: '>' } as const
const encoder = new TextEncoder()

function bytesOf(change: Change): Uint8Array {
  return change.pathBytes ?? encoder.encode(change.path)
}

function writeLines(changes: readonly Change[], out: StandardOutput): void {
  const { text } = out
  for (const change of changes) {
    const path = bytesOf(change)
    text.latin1(`${SIGNS[change.change]} `)
    if (change.from !== undefined) {
      const from = encoder.encode(change.from)
      writeEscapedPath(text, from, 0, from.length)
      text.latin1(' -> ')
    }
    writeEscapedPath(text, path, 0, path.length)
    text.latin1(change.what === undefined ? '\n' : `: ${change.what.join(', ')}\n`)
    out.spill()
  }
  out.flush()
}

function writeJson(changes: readonly Change[], out: StandardOutput): void {
  const list = changes.map(({ path: _, pathBytes: __, ...rest }, i) => ({
    ...bytesJson('path', bytesOf(changes[i])),
    ...rest,
  }))
  const bytes = encoder.encode(`${JSON.stringify(list, null, 2)}\n`)
  out.text.raw(bytes, 0, bytes.length)
  out.flush()
}

/** What has changed, for people or as an array. */
export function writeChanges(changes: readonly Change[], json: boolean, out = new StandardOutput()): void {
  if (json) writeJson(changes, out)
  else writeLines(changes, out)
}

export function changes(args: readonly string[]): number {
  const { values, positionals } = parseArguments(args, OPTIONS, HELP)
  const limits = limitsGiven(values, HELP)
  const { tree, maxEntries, close } = openChanged(positionals, { upper: values.upper, look: true, limits }, HELP)
  try {
    const found = changesOf(tree, undefined, maxEntries)
    if (found instanceof Fault) throw failure('changes', values.upper as string, found)
    writeChanges(found, values.json === true)
    return values['exit-code'] && found.length > 0 ? 1 : 0
  } finally {
    close()
  }
}
