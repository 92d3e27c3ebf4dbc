// The differences of two images as the playground has them, against what `composefs diff --json` prints.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { buildImage } from '../../src/node.js'
import { Diff } from '../../src/playground/engine/diff.js'
import { pathText } from '../../src/playground/path-text.js'
import type { DiffFilter, DiffRow } from '../../src/playground/reports.js'
import { command } from '../helpers/command.js'
import { fixture, SHARED, skip, vector } from '../helpers/paths.js'
import { demo, EngineWorld, temporaryFolder } from './engine-world.js'

const ALL: DiffFilter = { kind: 'all', aspect: 'all', withoutTimes: false }
const WINDOW = 100
const folder = await demo()
const temporary = temporaryFolder()
const differences = suite('diff')

interface SaidEntry {
  readonly path: string
  /** Where the path is no UTF-8. */
  readonly pathHex?: string
}

interface Said {
  readonly added: readonly SaidEntry[]
  readonly removed: readonly SaidEntry[]
  readonly changed: readonly (SaidEntry & { readonly changes: Record<string, [string, string]> })[]
}

function textOf({ path, pathHex }: SaidEntry): string {
  return pathHex === undefined ? path : pathText(Buffer.from(pathHex, 'hex'))
}

class Compared {
  readonly diff: Diff

  constructor(
    world: EngineWorld,
    readonly from: number,
    readonly to: number,
  ) {
    this.diff = new Diff(world.documents, world.maps, world.jobs)
  }

  async rows(filter: DiffFilter): Promise<DiffRow[]> {
    await this.diff.compare(this.from, this.to, filter)
    const { rows: count } = await this.diff.toggleAll(this.from, this.to, true)
    const rows: DiffRow[] = []
    while (rows.length < count) rows.push(...(await this.diff.window(this.from, this.to, rows.length, WINDOW)))
    return rows
  }
}

async function compared(one: string, two: string, lazy = false): Promise<Compared> {
  const world = new EngineWorld()
  return new Compared(world, (await world.open(one, { lazy })).id, (await world.open(two, { lazy })).id)
}

async function check(one: string, two: string, lazy = false): Promise<void> {
  const both = await compared(one, two, lazy)
  const said = JSON.parse(command('composefs', 'diff', '--json', one, two).stdout.toString()) as Said
  const summary = await both.diff.compare(both.from, both.to, ALL)
  const { added, removed, changed } = summary
  assert.equal(
    { added, removed, changed },
    { added: said.added.length, removed: said.removed.length, changed: said.changed.length },
  )
  const rows = await both.rows(ALL)
  const paths = (kind: DiffRow['kind']) => rows.filter(row => row.kind === kind).map(row => row.path)
  assert.equal(paths('added'), said.added.map(textOf))
  assert.equal(paths('removed'), said.removed.map(textOf))
  assert.equal(
    rows
      .filter(row => row.kind === 'changed')
      .map(({ path, details }) => ({
        path,
        changes: Object.fromEntries(details.map(({ what, from, to }) => [what, [from, to]])),
      })),
    said.changed.map(one => ({ path: textOf(one), changes: one.changes })),
  )
}

const [one, two] = [join(folder, 'one.cfs'), join(folder, 'two.cfs')]
differences('the demo, in memory', () => check(one, two))
differences('the demo, lazily, the other way round', () => check(two, one, true))
differences('both formats of one tree', () => check(fixture('small.cfs'), fixture('small-v1.cfs')))
if (SHARED === undefined) skip(differences, 'a vector', 'no vectors beside the checkout')
else differences('a vector', () => check(vector('composefs', 'tree.cfs'), fixture('small.cfs')))

differences('an image and itself', async () => {
  const both = await compared(one, one)
  const { added, removed, changed, rows } = await both.diff.compare(both.from, both.to, ALL)
  assert.equal({ added, removed, changed, rows }, { added: 0, removed: 0, changed: 0, rows: 0 })
})

async function built(name: string, ...lines: string[]): Promise<string> {
  const file = join(temporary, `${name}.cfs`)
  writeFileSync(file, (await buildImage({ dump: ['/ 0 40755 2 0 0 0 0.0 - - -', ...lines, ''].join('\n') })).image)
  return file
}

differences('moved files are paired, filters leave what they say', async () => {
  const dir = (path: string) => `${path} 0 40755 2 0 0 0 0.0 - - -`
  const file = (path: string, text: string, mode = '100644', time = 0) =>
    `${path} ${text.length} ${mode} 1 0 0 0 ${time}.0 - ${text} -`
  const before = await built(
    'before',
    dir('/a'),
    file('/a/keep', 'same'),
    file('/a/moved', 'words'),
    file('/a/old', 'other'),
    file('/mode', 'm'),
    file('/time', 't'),
  )
  const after = await built(
    'after',
    dir('/a'),
    file('/a/keep', 'same'),
    dir('/b'),
    file('/b/moved', 'words'),
    file('/b/new', 'other'),
    file('/mode', 'm', '100600'),
    file('/time', 't', '100644', 5),
  )
  const both = await compared(before, after)
  const { moved } = await both.diff.compare(both.from, both.to, ALL)
  assert.is(moved, 2)
  const pairs = (await both.rows({ ...ALL, kind: 'moved' })).filter(row => row.moved !== undefined)
  assert.equal(
    pairs.map(row => [row.path, row.moved]),
    [
      ['/a/moved', '/b/moved'],
      ['/a/old', '/b/new'],
      ['/b/moved', '/a/moved'],
      ['/b/new', '/a/old'],
    ],
  )
  const changed = (rows: readonly DiffRow[]) => rows.filter(row => row.kind === 'changed').map(row => row.path)
  assert.equal(changed(await both.rows({ ...ALL, aspect: 'mode' })), ['/mode'])
  assert.equal(changed(await both.rows({ ...ALL, withoutTimes: true })), ['/mode'])
  assert.equal(changed(await both.rows(ALL)), ['/mode', '/time'])
  const top = (await both.rows(ALL)).find(row => row.path === '/b')
  assert.equal(top?.below, { added: 2, removed: 0, changed: 0 })
})

differences('plain EROFS is refused in plain words', async () => {
  const world = new EngineWorld()
  const plain = await world.open(fixture('consumers.erofs.gz'))
  const other = await world.open(one)
  const diff = new Diff(world.documents, world.maps, world.jobs)
  try {
    await diff.compare(plain.id, other.id, ALL)
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, /without the composefs header/)
  }
})

differences.run()
