// What open images share, against the objects of their dumps and what `composefs diff` says of them.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Sharing } from '../../src/playground/engine/sharing.js'
import { command } from '../helpers/command.js'
import { fixture } from '../helpers/paths.js'
import { demo, dumpedObjects, EngineWorld } from './engine-world.js'

const sharing = suite('sharing')
const folder = await demo()
const [one, two] = [join(folder, 'one.cfs'), join(folder, 'two.cfs')]
const small = fixture('small.cfs')

function sum(objects: Iterable<[string, number]>): { objects: number; bytes: number } {
  const sizes = [...objects].map(([, size]) => size)
  return { objects: sizes.length, bytes: sizes.reduce((all, size) => all + size, 0) }
}

for (const lazy of [false, true]) {
  sharing(`two images ${lazy ? 'lazily' : 'in memory'}, as composefs diff counts them`, async () => {
    const world = new EngineWorld()
    const [a, b] = [await world.open(one, { lazy }), await world.open(two, { lazy })]
    const { images, sets, together } = await new Sharing(world.documents, world.jobs).report([a.id, b.id])
    const said = JSON.parse(command('composefs', 'diff', '--json', one, two).stdout.toString()).objects
    const set = (...ids: number[]) => {
      const found = sets.find(entry => entry.ids.join() === ids.join())
      return { objects: found?.objects, bytes: found?.bytes }
    }
    assert.equal(set(a.id, b.id), said.shared)
    assert.equal(set(a.id), said.onlyFirst)
    assert.equal(set(b.id), said.onlySecond)
    assert.equal(images[0].unique, said.onlyFirst)
    assert.equal(images[1].adds, said.onlySecond)
    assert.equal(together, sum(new Map([...dumpedObjects(one), ...dumpedObjects(two)])))
  })
}

sharing('three images: sets, sums, and what each adds', async () => {
  const world = new EngineWorld()
  const files = [small, one, two]
  const ids: number[] = []
  for (const file of files) ids.push((await world.open(file)).id)
  const known = files.map(dumpedObjects)
  const { images, sets } = await new Sharing(world.documents, world.jobs).report(ids)
  images.forEach((image, at) => {
    const others = known.filter((_, other) => other !== at)
    const { objects, bytes } = image
    assert.equal({ objects, bytes }, sum(known[at]))
    assert.equal(image.unique, sum([...known[at]].filter(([name]) => !others.some(other => other.has(name)))))
    assert.equal(
      image.adds,
      sum([...known[at]].filter(([name]) => !known.slice(0, at).some(before => before.has(name)))),
    )
  })
  for (const { ids: having, objects, bytes } of sets) {
    const exactly = [...new Map(known.flatMap(all => [...all]))].filter(
      ([name]) => ids.filter((_, at) => known[at].has(name)).join() === having.join(),
    )
    assert.equal({ objects, bytes }, sum(exactly))
  }
})

sharing('the largest objects have paths that need them', async () => {
  const world = new EngineWorld()
  const [a, b] = [await world.open(one), await world.open(two)]
  const calls = new Sharing(world.documents, world.jobs)
  const shared = await calls.largest([a.id, b.id], [a.id, b.id], 5)
  assert.is(shared.length, 5)
  const [first, second] = [dumpedObjects(one), dumpedObjects(two)]
  const largest = [...first].filter(([name]) => second.has(name)).map(([, size]) => size)
  assert.equal(
    shared.map(found => found.size),
    largest.sort((x, y) => y - x).slice(0, 5),
  )
  for (const { object, size, paths } of shared.slice(0, 2)) {
    assert.is(first.get(object), size)
    for (const [at, path] of paths.entries()) {
      const stat = JSON.parse(command('composefs', 'stat', '--json', [one, two][at], path).stdout.toString())
      assert.ok(JSON.stringify(stat).includes(object), path)
    }
  }
})

sharing('an image of cfs v1 names its objects, too', async () => {
  const world = new EngineWorld()
  const { id } = await world.open(fixture('small-v1.cfs'))
  const { images } = await new Sharing(world.documents, world.jobs).report([id])
  const { objects, bytes } = images[0]
  assert.equal({ objects, bytes }, sum(dumpedObjects(fixture('small-v1.cfs'))))
})

sharing.run()
