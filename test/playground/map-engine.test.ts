// What the playground's worker says of images' bytes, in Node: maps of every image, the paths in them, entries against fs, objects
// that are good, tampered with and missing, and images that lie.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Random } from '../../src/fuzz/random.js'
import { mountSync } from '../../src/node.js'
import { Inspector } from '../../src/playground/engine/inspector.js'
import type { ShownRange } from '../../src/playground/inspection.js'
import { pathBytes } from '../../src/playground/path-text.js'
import { imageBytes, imageFiles } from '../helpers/image-maps.js'
import { fixture } from '../helpers/paths.js'
import { demo, EngineWorld, temporaryFolder } from './engine-world.js'

const maps = suite('playground engine: maps and inspector')
const folder = await demo()
const two = join(folder, 'two.cfs')
const objects = join(folder, 'objects')
const OBJECT_FILE = '/etc/tidepool/tide.toml'

function world() {
  const own = new EngineWorld()
  return { ...own, open: own.open.bind(own), inspector: new Inspector(own.documents, own.maps, own.jobs) }
}

/** All ranges of a map, in the windows in which a list asks for them. */
async function allRanges({ maps: asked }: EngineWorld, id: number, count: number): Promise<ShownRange[]> {
  const found: ShownRange[] = []
  while (found.length < count) {
    const part = await asked.ranges(id, found.length, 1000)
    if (part.length === 0) throw new Error(`no ranges from ${found.length} on`)
    found.push(...part)
  }
  return found
}

/** Paths of all entries whose names are UTF-8; Node's own recursive listing goes through symlinks. */
function pathsOf(fs: ReturnType<typeof mountSync>['fs'], dir = '/'): string[] {
  return fs
    .readdirSync(dir, { withFileTypes: true })
    .filter(entry => !String(entry.name).includes('\uFFFD'))
    .flatMap(entry => {
      const path = join(dir, String(entry.name))
      return entry.isDirectory() ? [path, ...pathsOf(fs, path)] : [path]
    })
}

const images: [string, string][] = [...imageFiles(), ['one.cfs', join(folder, 'one.cfs')], ['two.cfs', two]]

maps('ranges cover every image exactly once, and lead to the inodes that they name', async () => {
  let covered = 0
  for (const [name, file] of images) {
    const own = new EngineWorld()
    const opened = await own.open(file).catch((error: Error) => error.message)
    if (typeof opened === 'string') {
      assert.match(opened, 'ENOTSUP', name)
      continue
    }
    covered++
    const { id, size } = opened
    const summary = await own.maps.summary(id)
    const ranges = await allRanges(own, id, summary.ranges)
    assert.is(await own.maps.count(id), ranges.length)
    let end = 0
    for (const range of ranges) {
      if (range.start !== end || range.end <= end) throw new Error(`${name}: ${range.start} after ${end}`)
      end = range.end
    }
    assert.is(end, size, name)
    const step = Math.max(1, Math.floor(ranges.length / 500))
    for (let i = 0; i < ranges.length; i += step) {
      const { path, nid, start } = ranges[i]
      assert.is((await own.maps.at(id, start)).range?.index, i)
      if (path === undefined) continue
      const node = (await own.documents.get(id).nodeAt(path)) as { nid: number }
      assert.is(node.nid, nid, `${name}: ${path}`)
    }
    const inOneKind = summary.kinds.map(({ kind }) => own.maps.count(id, kind))
    assert.equal(
      await Promise.all(inOneKind),
      summary.kinds.map(one => one.ranges),
      name,
    )
    own.documents.close(id)
  }
  assert.ok(covered > 10)
})

maps('each inode that a tree shows has a path on the map', async () => {
  const own = new EngineWorld()
  const { id } = await own.open(two)
  const ranges = await allRanges(own, id, (await own.maps.summary(id)).ranges)
  const named = new Set(ranges.filter(one => one.path !== undefined).map(one => one.nid))
  const { fs } = mountSync(two)
  const all = pathsOf(fs)
  assert.ok(all.length > 5000)
  for (const path of all) assert.ok(named.has(Number(fs.lstatSync(path).ino)), path)
})

maps('the stripes of squares stand in the proportion of the bytes', async () => {
  const own = new EngineWorld()
  const { id, size } = await own.open(two)
  const { kinds, kindNames } = await own.maps.summary(id)
  const squares = { from: 0, unit: 1024, count: Math.ceil(size / 1024), stripes: 16 }
  const cells = await own.maps.cells(id, squares)
  assert.is(cells.length, Math.ceil(size / 64))
  for (const { kind, bytes } of kinds.filter(one => one.bytes > size / 50)) {
    const shown = cells.filter(cell => kindNames[cell] === kind).length * 64
    assert.ok(Math.abs(shown - bytes) < size / 50, `${kind}: ${shown} of ${bytes}`)
  }
  // From the middle on it is the same.
  const part = await own.maps.cells(id, { from: 1024 * 100, unit: 1024, count: 50, stripes: 16 })
  assert.equal(part, cells.slice(1600, 2400))
})

maps('an entry has the numbers that fs gives, and its fields stand at its bytes', async () => {
  for (const [name, file] of images.slice(0, 4)) {
    const own = world()
    const bytes = imageBytes(file)
    const plain = join(temporaryFolder(), 'image')
    writeFileSync(plain, bytes)
    const { id } = await own.open(plain)
    const { fs } = mountSync(plain)
    const all = pathsOf(fs)
    const step = Math.max(1, Math.floor(all.length / 150))
    for (let i = 0; i < all.length; i += step) {
      const path = all[i]
      const { numbers, stored, target } = await own.inspector.look(id, path)
      const stat = fs.lstatSync(path, { bigint: true })
      const expected = [
        stat.mode,
        stat.uid,
        stat.gid,
        stat.size,
        stat.nlink,
        stat.ino,
        stat.rdev,
        stat.mtimeNs,
        stat.ctimeNs,
      ]
      const time = (sec: number, nsec: number) => BigInt(sec) * 10n ** 9n + BigInt(nsec)
      const { mode, uid, gid, size, nlink, ino, rdev, mtimeSec, mtimeNsec, ctimeSec, ctimeNsec } = numbers
      const shown = [
        ...[mode, uid, gid, size, nlink, ino, rdev].map(BigInt),
        time(mtimeSec, mtimeNsec),
        time(ctimeSec, ctimeNsec),
      ]
      assert.equal(shown, expected, `${name}: ${path}`)
      if (stat.isSymbolicLink())
        assert.equal(Buffer.from(pathBytes(target ?? '')), fs.readlinkSync(path, { encoding: 'buffer' }))
      assert.ok(stored)
      if (stored === undefined) continue
      assert.is(stored.nid, Number(stat.ino))
      const fields = new Map(stored.structures[0].fields.map(one => [one.name, one]))
      for (const [field, value] of [
        ['i_mode', mode],
        ['i_size', size],
        ['st_mode', mode],
        ['st_size', size],
      ] as const) {
        const at = fields.get(field)
        if (at === undefined) continue
        let read = 0
        for (let b = at.width - 1; b >= 0; b--) read = read * 256 + bytes[at.offset + b]
        assert.is(read, value, `${path}: ${field}`)
        assert.is(at.value, String(value))
      }
      assert.ok(fields.has('i_mode') || fields.has('st_mode'))
      assert.ok(stored.dirent, `${path} has an entry`)
      const entryName = stored.dirent?.fields.find(one => one.name === 'name')
      const raw = bytes.subarray(entryName?.offset ?? 0, (entryName?.offset ?? 0) + (entryName?.width ?? 0))
      assert.is(new TextDecoder().decode(raw), path.slice(path.lastIndexOf('/') + 1))
    }
    own.documents.close(id)
  }
})

maps('all names of a hard link are found', async () => {
  const own = world()
  const { id } = await own.open(two)
  const { fs } = mountSync(two)
  const all = pathsOf(fs)
  const linked = all.filter(path => fs.lstatSync(path).nlink > 1 && !fs.lstatSync(path).isDirectory())
  assert.ok(linked.length >= 2)
  for (const path of linked) {
    const ino = Number(fs.lstatSync(path).ino)
    const same = linked.filter(one => Number(fs.lstatSync(one).ino) === ino)
    assert.equal([...((await own.maps.names(id, ino, 100)) ?? [])].sort(), same.sort())
  }
})

maps('an object is checked: good, tampered with, missing', async () => {
  const store = join(temporaryFolder(), 'objects')
  cpSync(objects, store, { recursive: true })
  const own = world()
  const { id } = await own.open(two, { store })
  const before = await own.inspector.look(id, OBJECT_FILE)
  assert.is(before.checked, undefined)
  assert.is(before.checkedOnRead, true)
  const object = join(store, before.object?.name ?? '')
  assert.is((await own.inspector.check(id, OBJECT_FILE)).state, 'matches')
  assert.is((await own.inspector.look(id, OBJECT_FILE)).checked?.state, 'matches')
  const good = readFileSync(object)
  const bad = Buffer.from(good)
  bad[bad.length >> 1] ^= 1
  rmSync(object)
  writeFileSync(object, bad)
  const differs = await own.inspector.check(id, OBJECT_FILE)
  assert.is(differs.state, 'differs')
  assert.is.not(differs.actual, before.object?.digest)
  rmSync(object)
  writeFileSync(object, good.subarray(1))
  assert.match((await own.inspector.check(id, OBJECT_FILE)).text, `has ${good.length - 1} bytes, not ${good.length}`)
  rmSync(object)
  assert.is((await own.inspector.check(id, OBJECT_FILE)).state, 'missing')
  // A file without an object, and an image without a store.
  const failed = async (action: Promise<unknown>) =>
    action.then(
      () => '',
      (error: Error) => error.message,
    )
  assert.match(await failed(own.inspector.check(id, '/etc')), 'nothing to check')
  const bare = await own.open(two)
  assert.match(await failed(own.inspector.check(bare.id, OBJECT_FILE)), 'No store')
})

maps('a lazy image is inspected by parts, and has its map once all of it is here', async () => {
  const own = world()
  const { id, size } = await own.open(two, { lazy: true })
  const whole = await own.open(two)
  assert.is(own.maps.hasAll(id), false)
  const failed = await own.maps.summary(id).then(
    () => '',
    (error: Error) => error.message,
  )
  assert.match(failed, 'Fetch all of it')
  const here = own.maps.presence(id)
  assert.is(own.maps.presence(whole.id), undefined)
  assert.ok(here !== undefined && here.here > 0 && here.here < here.pages.length)
  const parts = await own.inspector.look(id, OBJECT_FILE)
  assert.equal(parts.stored, (await own.inspector.look(whole.id, OBJECT_FILE)).stored)
  assert.is((await own.inspector.at(id, 1024)).structure?.kind, 'superblock')
  assert.equal(await own.inspector.bytes(id, size - 100, 1000), new Uint8Array(readFileSync(two)).slice(-100))
  const told: number[] = []
  await own.maps.fetchAll(id, undefined, progress => told.push(progress.done))
  assert.equal(await own.maps.summary(id), await own.maps.summary(whole.id))
  assert.is(own.maps.presence(id)?.pages.length, here?.pages.length)
  own.documents.close(id)
})

maps('images that lie end in an answer or a plain sentence', async () => {
  const random = new Random(20261128)
  let [mapped, refused] = [0, 0]
  for (const name of ['small.cfs', 'small-v1.cfs']) {
    const good = imageBytes(fixture(name))
    for (let round = 0; round < 40; round++) {
      const bytes = good.slice()
      // The superblock and what makes it an image stay.
      for (let n = 0; n < 1 + random.below(40); n++) bytes[1280 + random.below(bytes.length - 1280)] = random.below(256)
      const own = world()
      const file = join(temporaryFolder(), 'lie')
      writeFileSync(file, bytes)
      let id: number
      try {
        id = (await own.open(file)).id
      } catch {
        continue
      }
      const summary = await own.maps.summary(id)
      const ranges = await allRanges(own, id, summary.ranges)
      mapped++
      for (const { path, start } of ranges.slice(0, 200)) {
        const asked = [own.inspector.at(id, start), own.inspector.look(id, path ?? '/')]
        for (const one of asked) {
          const message = await one.then(
            () => undefined,
            (error: Error) => error.message,
          )
          if (message === undefined) continue
          refused++
          assert.match(message, /^The (?:entry|bytes|image) can’t be/)
        }
      }
      own.documents.close(id)
    }
  }
  assert.ok(mapped > 20, `${mapped} were images`)
  assert.ok(refused > 0, 'some were damaged')
})

maps.run()
