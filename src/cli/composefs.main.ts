// composefs: images for people. Dispatch to the sub-commands, one file each.

import { ingestFiles } from '../host/ingest-pool.js'
import { serveTasks } from '../host/worker-pool.js'
import { BUILD_HELP, build } from './build.js'
import { CAT_HELP, cat } from './cat.js'
import { CHANGES_HELP, changes } from './changes.js'
import { COMMIT_HELP, commit } from './commit.js'
import { DIFF_HELP, diff } from './diff.js'
import { EXTRACT_HELP, extract } from './extract.js'
import { runCommand, wrongUsage } from './failure.js'
import { FSCK_HELP, fsck } from './fsck.js'
import { FUZZ_HELP } from './fuzz-arguments.js'
import { GC_HELP, gc } from './gc.js'
import { handsOver } from './hand-over.js'
import { type Command, invoke } from './invoke.js'
import { LS_HELP, ls } from './ls.js'
import { PLAYGROUND_HELP, playground } from './playground.js'
import { PUSH_HELP, push } from './push.js'
import { RUN_HELP } from './run-arguments.js'
import { SERVE_HELP, serve } from './serve.js'
import { writeAll } from './standard-output.js'
import { STAT_HELP, stat } from './stat.js'
import { VERIFY_HELP, verify } from './verify.js'

const PROGRAM = 'composefs'

const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['ls', { run: ls, help: LS_HELP }],
  ['cat', { run: cat, help: CAT_HELP }],
  ['stat', { run: stat, help: STAT_HELP }],
  ['verify', { run: verify, help: VERIFY_HELP }],
  ['extract', { run: extract, help: EXTRACT_HELP }],
  ['build', { run: build, help: BUILD_HELP }],
  ['diff', { run: diff, help: DIFF_HELP }],
  ['changes', { run: changes, help: CHANGES_HELP }],
  ['commit', { run: commit, help: COMMIT_HELP }],
  ['fsck', { run: fsck, help: FSCK_HELP }],
  ['gc', { run: gc, help: GC_HELP }],
  ['push', { run: push, help: PUSH_HELP }],
  ['serve', { run: serve, help: SERVE_HELP }],
  ['playground', { run: playground, help: PLAYGROUND_HELP }],
])

/** Running programs has a file of its own (composefs-run.main.ts), and so has fuzzing (composefs-fuzz.main.ts). */
const HELPS = [...[...COMMANDS.values()].map(({ help }) => help), RUN_HELP, FUZZ_HELP]

/** What a command's help begins with says how it is called. */
function overview(): string {
  const lines = HELPS.map(help => help.slice(0, help.indexOf('\n')).replace('Usage: ', '  '))
  return `Usage: ${PROGRAM} COMMAND ...\n\n${lines.join('\n')}\n\n${PROGRAM} COMMAND --help says more.\n`
}

function main(): number | Promise<number> {
  const [name, ...args] = process.argv.slice(2)
  if (name === '--help' || name === '-h' || name === 'help') {
    writeAll(new TextEncoder().encode(overview()))
    return 0
  }
  if (name === undefined) throw wrongUsage('no command given', `${PROGRAM} --help`)
  const command = COMMANDS.get(name)
  if (command === undefined) throw wrongUsage(`${name}: no such command`, `${PROGRAM} --help`)
  return invoke(name, command, args)
}

if (!handsOver() && !serveTasks([ingestFiles])) runCommand(PROGRAM, main)
