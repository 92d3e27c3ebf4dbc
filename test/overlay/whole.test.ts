// Each change of an overlay happens whole or not at all: when there is no room for it, at whichever step, and when data that has
// to be copied is missing, damaged or still to come.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, Miss, type Outcome } from '../../src/format/errno.js'
import { CONSTANTS } from '../../src/format/structs.js'
import type { WritableFile } from '../../src/overlay/layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import { CHANGES, type Change } from '../helpers/overlay-changes.js'
import { at, codeOf, contentOf, newWorld, ok, stateOf } from '../helpers/overlay-world.js'
import { ProbeStore } from '../helpers/store-probe.js'

const whole = suite('changes of an overlay, whole or not at all')
const world = await newWorld()
const VARIANTS = ['on', 'off'] as const
const { S_IFMT, S_IFDIR } = CONSTANTS
const DIRECTORY_MOVES = /rename of a lower directory|exchange of a file and a directory/

const prepared = ({ before }: Change, options: Parameters<typeof world.overlay>[0]): Overlay => {
  const tree = world.overlay(options)
  before?.(tree)
  return tree
}

/** Ends what an operation has opened. */
function closed(outcome: Outcome<unknown>): Outcome<unknown> {
  const isFile = !(outcome instanceof Fault) && typeof outcome === 'object' && outcome !== null && 'readAll' in outcome
  if (isFile) (outcome as WritableFile).close()
  return outcome
}

/** What the quota says after each time that an operation takes from it. */
function steps(change: Change, variant: 'on' | 'off'): number[] {
  const tree = prepared(change, { variant })
  const { quota } = tree.upper
  const take = quota.take.bind(quota)
  const levels: number[] = []
  quota.take = bytes => {
    const had = take(bytes)
    levels.push(quota.used)
    return had
  }
  assert.is(codeOf(closed(change.run(tree, true))), 'ok')
  return [...new Set(levels)]
}

for (const variant of VARIANTS) {
  for (const change of CHANGES) {
    if (variant === 'off' && DIRECTORY_MOVES.test(change.name)) continue
    whole(`no room, ${variant}: ${change.name}`, () => {
      const levels = steps(change, variant)
      const start = prepared(change, { variant }).upper.quota.used
      for (const level of levels.filter(one => one > start)) {
        const tree = prepared(change, { variant, limit: level - 1 })
        const before = stateOf(tree)
        const failed = closed(change.run(tree, true))
        // A write that fails has opened its file before.
        const isWrite = /write/.test(change.name) && change.before === undefined
        assert.is(codeOf(failed), 'ENOSPC', `limit ${level - 1}`)
        if (!isWrite) assert.equal(stateOf(tree), before, `limit ${level - 1}`)
      }
      const tree = prepared(change, { variant, limit: Math.max(start, ...levels) })
      assert.is(codeOf(closed(change.run(tree, true))), 'ok')
    })
  }
}

function removeAll(tree: Overlay, path: string): void {
  const dir = at(tree, path === '' ? '/' : path)
  for (const name of ok(tree.readdir(dir)).names) {
    const attr = newAttr()
    assert.is(tree.stat(at(tree, `${path}/${name}`), attr), undefined)
    const isDir = (attr.mode & S_IFMT) === S_IFDIR
    if (isDir) removeAll(tree, `${path}/${name}`)
    assert.is(isDir ? tree.rmdir(dir, name) : tree.unlink(dir, name), undefined, `${path}/${name}`)
  }
}

whole('what is removed gives back all that it took', () => {
  for (const variant of VARIANTS) {
    for (const change of CHANGES) {
      const tree = prepared(change, { variant })
      closed(change.run(tree, true))
      assert.is(tree.opened.size, 0)
      removeAll(tree, '')
      assert.is(tree.upper.quota.used, 0, `${variant} ${change.name}`)
    }
  }
})

/** A store with all objects, some of which are not as they should be. */
async function probe(sync: boolean): Promise<ProbeStore> {
  const store = new ProbeStore({ sync })
  for await (const name of world.store.list()) {
    const object = await world.store.open(name)
    store.bytes.set(name, await object.read(0, object.size))
  }
  return store
}

const NEEDS_DATA = /lower file|lower link|exchange of files|chmod|xattr|write|open/

for (const variant of VARIANTS) {
  for (const change of CHANGES) {
    if (change.before !== undefined || !NEEDS_DATA.test(change.name)) continue
    whole(`data that is missing or damaged, ${variant}: ${change.name}`, async () => {
      for (const [wrong, code] of [
        ['missing', 'ENOENT'],
        ['damaged', 'EIO'],
        ['failing', 'EIO'],
      ] as const) {
        const store = await probe(true)
        const tree = prepared(change, { variant, store })
        const before = stateOf(tree)
        for (const [name, bytes] of [...store.bytes]) {
          if (wrong === 'missing') store.bytes.delete(name)
          if (wrong === 'damaged') store.bytes.set(name, bytes.with(bytes.length - 1, 1))
        }
        if (wrong === 'failing') store.failure = Object.assign(new Error('read'), { code: 'EIO' })
        const failed = closed(change.run(tree, true))
        // With metacopy only what opens reads the data; that it is there has to be known in any case.
        const reads = !/empties/.test(change.name) && (variant === 'off' || /write|open/.test(change.name))
        assert.is(codeOf(failed), reads || wrong === 'missing' ? code : 'ok', wrong)
        if (codeOf(failed) === 'ok') continue
        assert.equal(stateOf(tree), before, wrong)
        assert.is(store.opened, store.closed, 'all objects are closed')
      }
    })

    whole(`data that is still to come, ${variant}: ${change.name}`, async () => {
      const here = prepared(change, { variant })
      assert.is(codeOf(closed(change.run(here, true))), 'ok')
      const store = await probe(false)
      const tree = prepared(change, { variant, store })
      const before = stateOf(tree, false)
      for (let tries = 0; ; tries++) {
        const outcome = closed(change.run(tree, false))
        if (!(outcome instanceof Miss)) {
          assert.is(codeOf(outcome), 'ok')
          break
        }
        assert.ok(tries < 50, 'makes no progress')
        assert.equal(stateOf(tree, false), before)
        await outcome.load()
      }
      assert.is(tree.upper.quota.used, here.upper.quota.used)
    })
  }
}

whole('numbers stay across copy-up, also those of directories and of what is listed', () => {
  for (const variant of VARIANTS) {
    const tree = world.overlay({ variant })
    const inoOf = (path: string) => {
      const attr = newAttr()
      assert.is(tree.statPath(path, false, attr), undefined)
      return attr.ino
    }
    const paths = ['/', '/d', '/d/sub', '/d/sub/deep', '/d/f', '/big', '/l', '/e', '/e/into']
    const before = paths.map(inoOf)
    for (const path of paths) assert.is(tree.setAttr(at(tree, path), { uid: 9 }, true), undefined)
    ok(tree.openWritable(at(tree, '/big'), false, true)).close()
    assert.equal(paths.map(inoOf), before, variant)
    assert.is(new Set(before).size, paths.length)
    // Names of one lower file have one number until one of them is a file of its own.
    assert.is(inoOf('/e/g'), inoOf('/e/h'))
    assert.is(tree.setAttr(at(tree, '/e/g'), { uid: 9 }, true), undefined)
    assert.is.not(inoOf('/e/g'), inoOf('/e/h'))
    const content = contentOf(tree, '/e/h')
    assert.is(contentOf(tree, '/e/g'), content)
  }
})

whole.run()
