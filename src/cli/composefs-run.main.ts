// composefs run, in a file of its own: what runs programs should start as fast as it can. The build (.ci/build.mjs) has composefs
// hand over to it before it looks at anything else.

import { runCommand } from './failure.js'
import { handsOver } from './hand-over.js'
import { invoke } from './invoke.js'
import { run } from './run.js'
import { asksForHelp, RUN_HELP } from './run-arguments.js'

if (!handsOver()) {
  runCommand('composefs', () => invoke('run', { run, help: RUN_HELP, asksForHelp }, process.argv.slice(3)))
}
