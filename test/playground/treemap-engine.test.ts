// Sizes by folder against a walk with lstat in Node, and against the objects of a dump: of images in memory and of lazy ones.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mountSync } from '../../src/node.js'
import { Treemap } from '../../src/playground/engine/treemap.js'
import { pathText } from '../../src/playground/path-text.js'
import type { TreemapNode } from '../../src/playground/reports.js'
import { fixture, skip } from '../helpers/paths.js'
import { demo, developerImage, dumpedObjects, EngineWorld, temporaryFolder } from './engine-world.js'

interface Sizes {
  bytes: number
  entries: number
}

/** What `du -b` counts (of files and symlinks, an inode once), and all names, of each folder. */
function walked(file: string): Map<string, Sizes> {
  const mounted = mountSync(file)
  const inodes = new Set<number>()
  const found = new Map<string, Sizes>()
  const visit = (dir: string): Sizes => {
    const sum = { bytes: 0, entries: 1 }
    const names = mounted.fs.readdirSync(Buffer.from(dir, 'latin1'), { encoding: 'buffer' }) as Uint8Array[]
    for (const name of names) {
      const path = `${dir === '/' ? '' : dir}/${Buffer.from(name).toString('latin1')}`
      const stat = mounted.fs.lstatSync(Buffer.from(path, 'latin1'))
      if (stat.isDirectory()) {
        const below = visit(path)
        sum.bytes += below.bytes
        sum.entries += below.entries
        continue
      }
      sum.entries++
      if (!(stat.isFile() || stat.isSymbolicLink()) || inodes.has(Number(stat.ino))) continue
      inodes.add(Number(stat.ino))
      sum.bytes += Number(stat.size)
    }
    found.set(pathText(Buffer.from(dir, 'latin1')), sum)
    return sum
  }
  visit('/')
  mounted.unmount()
  return found
}

function each(node: TreemapNode, visit: (node: TreemapNode) => void): void {
  visit(node)
  for (const child of node.children ?? []) each(child, visit)
}

const sizes = suite('treemap: sizes')
const folder = await demo()
const world = new EngineWorld()
const treemap = new Treemap(world.documents, world.jobs)

async function check(file: string, lazy: boolean): Promise<void> {
  const { id } = await world.open(file, { lazy })
  const truth = walked(file)
  const { root, broken } = await treemap.report(id, '/', 'bytes')
  assert.is(broken, 0)
  assert.is(root.bytes, truth.get('/')?.bytes)
  assert.is(root.entries, truth.get('/')?.entries)
  let folders = 0
  each(root, node => {
    if (node.together !== undefined) return
    if (node.children !== undefined) {
      assert.is(
        node.children.reduce((sum, one) => sum + one.bytes, 0),
        node.bytes,
        node.path,
      )
      assert.is(
        node.children.reduce((sum, one) => sum + one.entries, 1),
        node.entries,
        node.path,
      )
      const sorted = node.children.filter(one => one.together === undefined).map(one => one.bytes)
      assert.equal(
        sorted,
        [...sorted].sort((a, b) => b - a),
        node.path,
      )
    }
    if (node.type !== 'dir') return
    folders++
    assert.is(node.entries, truth.get(node.path)?.entries, node.path)
  })
  assert.ok(folders > 3)
  const objects = dumpedObjects(file)
  const unique = [...objects.values()].reduce((sum, one) => sum + one, 0)
  assert.is((await treemap.report(id, '/', 'objects')).root.objects, unique)
  const below = await treemap.report(id, '/usr', 'entries')
  assert.is(below.root.path, '/usr')
  assert.is(below.root.entries, truth.get('/usr')?.entries)
  world.documents.close(id)
}

sizes('the demo, in memory', () => check(join(folder, 'two.cfs'), false))
sizes('the demo, lazily', () => check(join(folder, 'two.cfs'), true))

const developer = developerImage()
if (developer === undefined) skip(sizes, 'the developer image', 'no vectors beside the checkout')
else {
  const file = join(temporaryFolder(), 'developer.cfs')
  writeFileSync(file, gunzipSync(readFileSync(developer)))
  sizes('the developer image', () => check(file, false))
}

sizes('a file is shown by its folder, and what is not there by the nearest one', async () => {
  const { id } = await world.open(join(folder, 'one.cfs'))
  assert.is((await treemap.report(id, '/etc/passwd', 'bytes')).root.path, '/etc')
  assert.is((await treemap.report(id, '/etc/none/of/it', 'bytes')).root.path, '/etc')
})

sizes('hard links count once, and names that are no UTF-8 are found', async () => {
  const { id } = await world.open(fixture('small.cfs'))
  const truth = walked(fixture('small.cfs'))
  const { root } = await treemap.report(id, '/', 'bytes')
  assert.is(root.bytes, truth.get('/')?.bytes)
})

sizes.run()
