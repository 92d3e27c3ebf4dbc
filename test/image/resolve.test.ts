// The core's path resolution where a caller wants to go on itself: at a symlink, at a `..` above the start.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { QUERY_FLAGS, STOP } from '../../src/format/structs.js'
import { loaded, newPool } from '../helpers/core.js'
import { fixture } from '../helpers/paths.js'

const { Q_FOLLOW, Q_STOP_SYMLINK, Q_STOP_ABOVE } = QUERY_FLAGS
const resolve = suite('resolve in the core')
const image = loaded(newPool(), readFileSync(fixture('small.cfs')))
const { core, rootNid } = image

function nidOf(path: string): number {
  assert.is(core.resolve(rootNid, path, Q_FOLLOW), 0, path)
  return core.nid()
}

function rest(): string {
  return Buffer.from(core.stopped().rest).toString()
}

resolve('answers at once, with the directories on the way', () => {
  const leaf = nidOf('/awkward/inline/64')
  core.resolve(rootNid, '/awkward/inline/64', Q_FOLLOW)
  const chain = core.chain()
  assert.equal(chain, [rootNid, nidOf('/awkward'), nidOf('/awkward/inline')])
  assert.is(nidOf('/awkward/links/../inline/./64'), leaf)
  assert.is(nidOf('/awkward/links/directory/../../inline/64'), leaf)
  assert.is(core.stopped().why, STOP.STOP_NONE)
})

resolve('stops at a symlink with the rest of the path', () => {
  assert.is(core.resolve(rootNid, '/awkward/links/directory/er//x', Q_FOLLOW | Q_STOP_SYMLINK), 0)
  assert.is(core.stopped().why, STOP.STOP_SYMLINK)
  assert.is(core.mode() & 0o170000, 0o120000)
  assert.is(rest(), '/er//x')
  const links = core.chain().at(-1) as number
  assert.is(links, nidOf('/awkward/links'))
  assert.is(core.resolve(rootNid, '/awkward/links/directory', Q_STOP_SYMLINK), 0)
  assert.is(core.stopped().why, STOP.STOP_NONE)
})

resolve('stops at a `..` above its start', () => {
  const start = nidOf('/awkward/links')
  assert.is(core.resolve(start, '../inline/64', Q_FOLLOW | Q_STOP_ABOVE), 0)
  assert.is(core.stopped().why, STOP.STOP_ABOVE)
  assert.is(rest(), '../inline/64')
  assert.is(core.nid(), start)
  assert.is(core.resolve(nidOf('/awkward'), 'links/../inline/64', Q_FOLLOW | Q_STOP_ABOVE), 0)
  assert.is(core.stopped().why, STOP.STOP_NONE)
  assert.is(core.nid(), nidOf('/awkward/inline/64'))
})

resolve('an absolute symlink goes on at the root, a start below it notwithstanding', () => {
  assert.is(core.resolve(nidOf('/awkward/links'), 'absolute', Q_FOLLOW), 0)
  assert.is(core.nid(), nidOf('/awkward/inline/64'))
})

resolve.run()
