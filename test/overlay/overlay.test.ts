// The overlay at inode level, over an image: what it does to the upper for each change.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Fault, type Outcome } from '../../src/format/errno.js'
import { ImageLayer } from '../../src/overlay/image-layer.js'
import { newAttr } from '../../src/overlay/layer.js'
import type { OverlayNode } from '../../src/overlay/lower-node.js'
import { memoryUpper } from '../../src/overlay/memory-upper.js'
import { Overlay } from '../../src/overlay/overlay.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { loaded, newPool, sha256 } from '../helpers/core.js'
import { fixture } from '../helpers/paths.js'

const overlays = suite('overlay over an image')
const pool = newPool()
const image = loaded(pool, readFileSync(fixture('small.cfs')))
const objects = new VerifiedObjects(new DirectoryStore(fixture('objects')), sha256)

function overlay(options = { redirectDir: true, metacopy: true }): Overlay {
  const layer = new ImageLayer(image, objects, 'on')
  return new Overlay([layer], memoryUpper([layer], Number.POSITIVE_INFINITY), options)
}

function ok<T>(outcome: Outcome<T>): T {
  if (outcome instanceof Fault) throw new Error(`${outcome.code} ${outcome.detail}`)
  return outcome
}

const at = (tree: Overlay, path: string): OverlayNode => ok(tree.resolve(path, false))
const codeOf = (outcome: unknown) => (outcome instanceof Fault ? outcome.code : 'ok')
const NEW = { umask: 0o022, uid: 5, gid: 6 }
const FILE = { ...NEW, mode: 0o100666 }
const DIR = { ...NEW, mode: 0o040777 }

function statOf(tree: Overlay, path: string) {
  const attr = newAttr()
  const failed = tree.statPath(path, false, attr)
  if (failed !== undefined) throw new Error(failed.code)
  return attr
}

/** Everything that can be found, with what stat says of it (a directory's links and size apart). */
function everything(tree: Overlay | ImageLayer, path = '', found = new Map<string, string>()): Map<string, string> {
  const list = ok((tree as Overlay).readdir(ok((tree as Overlay).resolve(path === '' ? '/' : path, false))))
  for (const [index, name] of list.names.entries()) {
    if (list.raw?.has(index)) continue
    const child = `${path}/${name}`
    const attr = newAttr()
    const failed = tree.statPath(child, false, attr)
    const { mode, uid, gid, size, mtimeSec, mtimeNsec, ino, rdev } = attr
    const isDir = (mode & 0o170000) === 0o040000
    found.set(child, failed?.code ?? [mode, uid, gid, isDir ? 0 : size, mtimeSec, mtimeNsec, ino, rdev].join(' '))
    if (failed === undefined && isDir) everything(tree, child, found)
  }
  return found
}

overlays('shows the image as it is while nothing has been written, and after something has been', () => {
  const below = everything(new ImageLayer(image, objects, 'on'))
  // The image mounted by itself shows the whiteouts of its source as files; the overlay obeys them.
  below.set('/awkward/overlay/gone', 'ENOENT')
  const tree = overlay()
  assert.equal([...everything(tree)], [...below])
  ok(tree.create(tree.root, 'zz-new', FILE, true))
  const after = everything(tree)
  assert.ok(after.delete('/zz-new'))
  assert.equal([...after], [...below])
})

overlays('a change of metadata copies metadata only, the way to it included, and keeps number and times', () => {
  const tree = overlay()
  const path = '/awkward/inline/64'
  const before = statOf(tree, path)
  const above = statOf(tree, '/awkward/inline')
  assert.is(tree.setAttr(at(tree, path), { mode: 0o600 }, true), undefined)
  const after = statOf(tree, path)
  assert.is(after.ino, before.ino)
  assert.is(after.mode & 0o7777, 0o600)
  assert.equal([after.mtimeSec, after.size], [before.mtimeSec, before.size])
  const dir = statOf(tree, '/awkward/inline')
  assert.equal([dir.mtimeSec, dir.mtimeNsec, dir.ino], [above.mtimeSec, above.mtimeNsec, above.ino])
  const inode = at(tree, path)
  assert.ok('metacopy' in inode && inode.metacopy !== undefined && inode.body === undefined)
  const file = ok(tree.open(inode, true))
  assert.is(ok(file.readAll(true)).length, 64)
  file.close()
})

overlays('a rename of a directory leaves its contents below', () => {
  const tree = overlay()
  const below = everything(tree)
  assert.is(tree.rename(tree.root, 'awkward', tree.root, 'moved', 0, true), undefined)
  const after = everything(tree)
  assert.is(codeOf(tree.resolve('/awkward', true)), 'ENOENT')
  for (const [path, facts] of below) {
    if (path.startsWith('/awkward/')) assert.is(after.get(path.replace('/awkward', '/moved')), facts, path)
  }
  assert.is(tree.root.children?.get('awkward'), null)
  assert.is(tree.root.children?.get('moved')?.redirect, 'awkward')
  assert.is(tree.root.children?.size, 2)
})

overlays('what is made where something was removed does not bring the old back', () => {
  const tree = overlay()
  assert.is(codeOf(tree.rmdir(tree.root, 'awkward')), 'ENOTEMPTY')
  const strip = (dir: OverlayNode): void => {
    const list = ok(tree.readdir(dir))
    for (const [index, name] of list.names.entries()) {
      const bytes = list.raw?.get(index) ?? name
      const child = tree.lookup(dir, bytes)
      // A whiteout of the image, listed as the kernel does.
      if (child instanceof Fault) continue
      if ((child.mode & 0o170000) !== 0o040000) assert.is(tree.unlink(dir, bytes), undefined)
      else {
        strip(child)
        assert.is(tree.rmdir(dir, bytes), undefined)
      }
    }
  }
  strip(at(tree, '/awkward'))
  assert.is(tree.rmdir(tree.root, 'awkward'), undefined)
  const made = ok(tree.create(tree.root, 'awkward', DIR, true))
  assert.equal(ok(tree.readdir(made)).names, [])
  assert.is('opaque' in made && made.opaque, 'y')
  assert.is(statOf(tree, '/awkward').mode, 0o040755)
})

overlays.run()
