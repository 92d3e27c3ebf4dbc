// Merkle trees beside objects in a directory store: a survey checks them, gc keeps and removes them with their objects, and
// readers use them.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sha512Algorithm } from '../../src/format/hash.js'
import { fromHex, toHex } from '../../src/format/hex.js'
import { merkleTree } from '../../src/format/merkle-tree.js'
import { verityDigest } from '../../src/format/verity.js'
import { DirectoryStore } from '../../src/store/directory.js'
import { GarbageCollector, type GcOptions } from '../../src/store/directory-gc.js'
import type { Claim, Problem } from '../../src/store/directory-problem.js'
import { DirectorySurvey } from '../../src/store/directory-survey.js'
import { VerifiedObjects } from '../../src/store/verified.js'
import { muchNoise } from '../helpers/hashes.js'
import { pathsIn, sha512, tick, write } from '../helpers/object-pool.js'
import { countingHash, sha256 } from '../helpers/store-hash.js'
import { value } from '../helpers/store-verified.js'

const test = suite('trees in a directory store')
const top = fs.mkdtempSync(join(tmpdir(), 'trees-'))
process.on('exit', () => fs.rmSync(top, { recursive: true, force: true }))
let count = 0

interface Beside {
  readonly name: string
  readonly tree: string
  readonly digest: string
  readonly data: Uint8Array
  readonly treeBytes: Uint8Array
}

function object(size: number, algorithm: Parameters<typeof verityDigest>[1] = sha256): Beside {
  const data = muchNoise(size, size)
  const digest = toHex(verityDigest(data, algorithm))
  const name = `${digest.slice(0, 2)}/${digest.slice(2)}`
  return { name, tree: `${name}.verity`, digest, data, treeBytes: merkleTree(data, algorithm) }
}

const ALL = [object(0), object(4096), object(5000), object(200 * 4096 + 1), object(90_000, sha512Algorithm(sha512))]
const LARGE = object(3_000_000)

function furnished(objects: readonly Beside[] = ALL): string {
  const root = join(top, String(count++))
  for (const { name, tree, data, treeBytes } of objects) {
    write(root, name, data)
    write(root, tree, treeBytes)
  }
  return root
}

function survey(root: string, claims?: ReadonlyMap<string, readonly Claim[]>): string[] {
  const problems: Problem[] = []
  new DirectorySurvey(root, { sha256, sha512, claims, report: problem => problems.push(problem) }).run()
  return problems.map(({ kind, object: of }) => `${kind} ${of}`).sort()
}

function collect(root: string, needed: readonly string[], options: GcOptions = {}) {
  const collector = GarbageCollector.begin(root, options)
  try {
    return collector.collect(new Set(needed))
  } finally {
    collector.close()
  }
}

function flip(root: string, name: string, at: number): void {
  const bytes = fs.readFileSync(join(root, name))
  bytes[at] ^= 1
  fs.writeFileSync(join(root, name), bytes)
}

test('sound trees are no problem, whoever is claimed', () => {
  const root = furnished()
  assert.equal(survey(root), [])
  const claim = ({ name, data, digest }: Beside) => [name, [{ size: data.length, digest, by: 'image' }]] as const
  assert.equal(survey(root, new Map(ALL.map(claim))), [])
  assert.equal(
    survey(root, new Map(ALL.slice(1).map(claim))),
    [`stray ${ALL[0].name}`],
    'the object stands for its tree',
  )
})

test('any altered byte, and any other length, is found', () => {
  for (const one of [ALL[2], ALL[3], ALL[4]]) {
    for (const at of [0, 33, 4095, one.treeBytes.length >> 1, one.treeBytes.length - 1]) {
      const root = furnished([one])
      flip(root, one.tree, at)
      assert.equal(survey(root), [`altered ${one.tree}`], `byte ${at} of ${one.treeBytes.length}`)
    }
    const root = furnished([one])
    for (const bytes of [one.treeBytes.slice(1), new Uint8Array([...one.treeBytes, 0]), new Uint8Array(0)]) {
      fs.writeFileSync(join(root, one.tree), bytes)
      assert.equal(survey(root), [`altered ${one.tree}`])
    }
    fs.rmSync(join(root, one.tree))
    assert.equal(survey(root), [], 'an object needs none')
  }
})

test('a tree without its object is stray, one of an altered object is not held against that', () => {
  const root = furnished()
  fs.rmSync(join(root, ALL[3].name))
  assert.equal(survey(root), [`stray ${ALL[3].tree}`])
  const other = furnished()
  fs.appendFileSync(join(other, ALL[2].name), 'more')
  flip(other, ALL[3].name, 7)
  assert.equal(survey(other), [`altered ${ALL[2].name}`, `altered ${ALL[3].name}`].sort())
})

test('what only looks like a tree is stray, as before', () => {
  const root = furnished([ALL[2]])
  const { digest } = ALL[3]
  write(root, `${digest}.verity`, 'x')
  write(root, `${digest.slice(0, 2)}/${digest.slice(2, 20)}.verity`, 'x')
  fs.mkdirSync(join(root, `${ALL[2].name.slice(0, 2)}/${digest.slice(2)}.verity`))
  assert.equal(survey(root).length, 3)
  assert.ok(survey(root).every(problem => problem.startsWith('stray ')))
})

test('gc: a tree stays while its object does and goes with it; the forecast says the same', async () => {
  const root = furnished()
  await tick()
  const needed = [ALL[1].name, ALL[4].name]
  const gone = [ALL[0], ALL[2], ALL[3]]
  const files = gone.flatMap(({ name, tree }) => [name, tree]).sort()
  const named: string[] = []
  const forecast = collect(root, needed, { dryRun: true, removed: name => named.push(name) })
  assert.equal(named.sort(), files)
  assert.is(forecast.trees, 3)
  assert.is(
    forecast.removedBytes,
    gone.reduce((sum, { data, treeBytes }) => sum + data.length + treeBytes.length, 0),
  )
  assert.equal(collect(root, needed), forecast)
  const left = pathsIn(root).filter(path => path.length > 3)
  assert.equal(left, [ALL[1], ALL[4]].flatMap(({ name, tree }) => [name, tree]).sort())
})

test('gc: a tree whose object is not there goes, unless that is needed or it is young', async () => {
  const root = furnished()
  for (const { name } of ALL) fs.rmSync(join(root, name))
  await tick()
  const collector = GarbageCollector.begin(root)
  write(root, ALL[4].tree, ALL[4].treeBytes)
  const report = collector.collect(new Set([ALL[0].name]))
  collector.close()
  assert.is(report.trees, 3)
  assert.is(report.removed, 0)
  const left = pathsIn(root).filter(path => path.length > 3)
  assert.equal(left, [ALL[0].tree, ALL[4].tree].sort())
})

test('gc: the tree of an object that a build may use stays', async () => {
  const root = furnished([ALL[3]])
  await tick()
  await new DirectoryStore(root).put(LARGE.name, LARGE.data)
  const collector = GarbageCollector.begin(root)
  await new DirectoryStore(root).put(ALL[3].name, ALL[3].data)
  const report = collector.collect(new Set([LARGE.name]))
  collector.close()
  assert.is(report.fresh, 1)
  assert.is(report.trees, 0)
  assert.ok(fs.existsSync(join(root, ALL[3].tree)))
})

test('gc: symlinks and directories of such names are left alone', async () => {
  const root = furnished([ALL[2]])
  const outside = join(top, 'outside')
  fs.writeFileSync(outside, 'x')
  fs.rmSync(join(root, ALL[2].tree))
  fs.symlinkSync(outside, join(root, ALL[2].tree))
  fs.mkdirSync(join(root, ALL[3].tree), { recursive: true })
  await tick()
  assert.is(collect(root, []).trees, 0)
  assert.ok(fs.lstatSync(join(root, ALL[2].tree)).isSymbolicLink())
  assert.ok(fs.existsSync(join(root, ALL[3].tree)))
  assert.ok(fs.existsSync(outside))
})

test('a directory store lists no trees, and reads by them', async () => {
  const root = furnished([LARGE])
  const store = new DirectoryStore(root)
  const names: string[] = []
  for await (const name of store.list()) names.push(name)
  assert.equal(names, [LARGE.name])
  const counter = countingHash()
  const objects = new VerifiedObjects(store, counter.sha256)
  const file = value(objects.open(LARGE.name, { digest: fromHex(LARGE.digest), size: LARGE.data.length }, true))
  const into = new Uint8Array(100)
  assert.is(value(file.read(into, 2_000_000, true)), 100)
  assert.equal(into, LARGE.data.slice(2_000_000, 2_000_100))
  assert.ok(counter.calls < 12, `${counter.calls} hashes`)
  file.close()
})

test.run()
