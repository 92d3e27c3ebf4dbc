// composefs fuzz, in a file of its own, since it holds a core and much else that no other command needs. The build (.ci/build.mjs) has
// composefs hand over to it before it looks at anything else.

import { runCommand } from './failure.js'
import { fuzz } from './fuzz.js'
import { FUZZ_HELP } from './fuzz-arguments.js'
import { invoke } from './invoke.js'

runCommand('composefs', () => invoke('fuzz', { run: args => fuzz(args), help: FUZZ_HELP }, process.argv.slice(3)))
