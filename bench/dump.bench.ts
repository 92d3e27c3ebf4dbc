// Whole commands, process start included, everything warm: composefs-info dump, ours against the C tool.
import { spawnSync } from 'node:child_process'
import { interleave, printSamples, ratioBudget } from './measure.js'
import { cTool, largeImage, ownCommand, scratch } from './subjects.js'

const OURS = 'composefs-wasm'

function command(name: string, program: string, args: readonly string[]) {
  return {
    name,
    run: () => {
      const { status } = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
      if (status !== 0) throw new Error(`${name}: exit ${status}`)
    },
  }
}

const large = largeImage(scratch())
const ours = ownCommand('composefs-info')
if (large !== undefined && ours !== undefined) {
  const contestants = [command(OURS, process.execPath, [ours, 'dump', large.file])]
  const peer = cTool('composefs-info')
  if (peer !== undefined) contestants.push(command('C', peer, ['dump', large.file]))
  contestants.push(command('bare node', process.execPath, ['-e', '0']))
  const samples = interleave(contestants, 15, 2)
  printSamples('composefs-info dump of cs9-developer', samples, OURS)
  ratioBudget('composefs-info dump', samples, OURS, 'C', 1)
}
