// Seeded random layers for overlay scenarios: lower ones with whiteouts, opaque directories, redirects and metacopy files, and
// uppers that hold such marks before the mount. Not here: what is done on them (random-scenario.ts).
import { dirname } from 'node:path/posix'
import { type Random, randomOf } from './random-calls.js'
import type { Content, LayerEntry } from './scenario.js'

/** Paths of a tree and what stands there, as far as a generator knows. */
export type Model = Map<string, string>

export const NAMES = ['a', 'b', 'c', 'd']
const MTIMES = ['5', '25', '000000001', '123456789']

/** Choices that depend on a seed alone. */
export class Dice {
  readonly #random: Random
  #serial = 0
  /**
   * Whether there are sockets and devices. Trees without them can be copied: such a copy would end at one, with what the order
   * of a directory puts before it. Never pipes: whoever opens one waits.
   */
  readonly hasSpecial: boolean

  constructor(seed: number) {
    this.#random = randomOf(seed)
    this.hasSpecial = this.chance(0.5)
  }

  int(below: number): number {
    return Math.floor(this.#random() * below)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(from.length)]
  }

  chance(share: number): boolean {
    return this.#random() < share
  }

  weighted<T>(table: readonly (readonly [number, T])[]): T {
    let left = this.#random() * table.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of table) {
      left -= weight
      if (left < 0) return value
    }
    return table[0][1]
  }

  /** A number that no other call of this has answered. */
  serial(): number {
    return ++this.#serial
  }

  content(): Content {
    const id = this.serial()
    const size = this.pick([65, 200, 4096, 5000, 9000])
    return this.chance(0.5) ? `small ${id}` : { fill: `big ${id}.`, size }
  }
}

export function forgetBelow(model: Model, path: string, itself: boolean): void {
  for (const key of [...model.keys()]) if ((itself && key === path) || key.startsWith(`${path}/`)) model.delete(key)
}

export function moveBelow(model: Model, from: string, to: string): void {
  const moved = [...model].filter(([key]) => key === from || key.startsWith(`${from}/`))
  forgetBelow(model, from, true)
  for (const [key, type] of moved) model.set(to + key.slice(from.length), type)
}

export function hasBelow(model: Model, path: string): boolean {
  return [...model.keys()].some(key => key.startsWith(`${path}/`))
}

const ofType = (model: Model, type: string) => [...model].filter(([, is]) => is === type).map(([path]) => path)

interface Filling {
  readonly dice: Dice
  /** What the layers below show; undefined for the lowest. */
  readonly below: Model | undefined
  readonly upper: boolean
  /** Regular files of the layers below that can be the data of others, and their sizes. */
  readonly files: Map<string, number>
  /** How much of what layers can say of those below is said: 0 nothing, 1 whiteouts and opaque ones, 2 redirects too. */
  readonly marks: number
  readonly nodes: LayerEntry[]
  readonly here: Model
}

function attributes(dice: Dice, kind: string): Partial<LayerEntry> {
  const modes = kind === 'dir' ? ['0700', '0775', '1777', '2755'] : ['0600', '0755', '0400', '4755', '2755']
  return {
    ...(dice.chance(0.3) ? { mtime: `${1100000000 + dice.int(1000) * 1000}.${dice.pick(MTIMES)}` } : {}),
    ...(dice.chance(0.15) && kind !== 'symlink' ? { mode: dice.pick(modes) } : {}),
    ...(dice.chance(0.15) ? { uid: 1000, gid: dice.pick([1000, 100]) } : {}),
    ...(dice.chance(0.12) && (kind === 'dir' || kind === 'file') ? { xattrs: { 'user.tag': `t${dice.int(9)}` } } : {}),
    ...(dice.chance(0.06) ? { xattrs: { 'trusted.tag': `t${dice.int(9)}` } } : {}),
  }
}

function kindOf(filling: Filling, path: string, depth: number): string {
  const { dice, below, here, nodes, marks, files } = filling
  // In a directory that nothing is merged with, a whiteout is listed as what it is: in an image that is a file.
  const isApart = ({ path: above, opaque, redirect }: LayerEntry) =>
    (opaque !== undefined || redirect !== undefined) && path.startsWith(`${above}/`)
  const covers = marks > 0 && below?.has(path) === true && !nodes.some(isApart)
  return dice.weighted([
    [depth < 2 ? 5 : 0, 'dir'],
    [5, 'file'],
    [1.4, 'symlink'],
    [[...here.values()].includes('file') ? 1.2 : 0, 'hardlink'],
    [covers ? 2.5 : 0, 'whiteout'],
    [dice.hasSpecial ? 0.7 : 0, dice.pick(['sock', 'chr', 'blk'])],
    [marks > 1 && files.size > 0 && !filling.upper ? 1.2 : 0, 'metacopy'],
  ])
}

/** Redirect of a directory to one that stands in the root and that no other leads to. */
function redirectOf({ dice, below, here, nodes }: Filling, path: string): string | undefined {
  const roots = below === undefined ? [] : ofType(below, 'dir').filter(dir => dirname(dir) === '/')
  const free = roots.filter(dir => !path.startsWith(dir) && !here.has(dir))
  if (free.length === 0) return undefined
  const dir = dice.pick(free)
  // As the kernel's own renames leave it: two names for one directory would be one too many.
  here.set(dir, 'whiteout')
  nodes.push({ path: dir, type: 'whiteout' })
  return dirname(path) === '/' && dice.chance(0.6) ? dir.slice(1) : dir
}

function add(filling: Filling, entry: LayerEntry, type: string): void {
  filling.nodes.push(entry)
  filling.here.set(entry.path, type)
}

function addDirectory(filling: Filling, path: string, depth: number): void {
  const { dice, below, here, marks } = filling
  const extra = attributes(dice, 'dir')
  const redirect = marks > 1 && dice.chance(0.25) ? redirectOf(filling, path) : undefined
  const covers = below?.get(path) === 'dir'
  const opaque = redirect === undefined && marks > 0 && covers && dice.chance(0.3)
  add(
    filling,
    {
      path,
      type: 'dir',
      ...extra,
      ...(opaque ? { opaque: 'y' } : {}),
      ...(redirect === undefined ? {} : { redirect }),
    },
    'dir',
  )
  if (redirect !== undefined && below !== undefined) {
    const from = redirect.startsWith('/') ? redirect : `/${redirect}`
    for (const [key, type] of below) if (key.startsWith(`${from}/`)) here.set(path + key.slice(from.length), `${type}`)
  }
  fillDirectory(filling, path, depth + 1)
}

/** A metacopy file and what its data is; that has the same size, and no other name leads there. */
function addMetacopy(filling: Filling, path: string): void {
  const { dice, files, here, upper } = filling
  const free = [...files].filter(([file]) => dirname(file) === '/' && (file === path || !here.has(file)))
  if (free.length === 0) return
  const [data, size] = dice.pick(free)
  files.delete(data)
  const redirect = data === path ? {} : { redirect: data }
  add(filling, { path, type: 'file', ...attributes(dice, 'file'), metacopy: true, size, ...redirect }, 'file')
  if (data !== path && (upper || dice.chance(0.8))) add(filling, { path: data, type: 'whiteout' }, 'whiteout')
}

function fillDirectory(filling: Filling, dir: string, depth: number): void {
  const { dice, here, upper } = filling
  for (const name of NAMES) {
    if (!dice.chance(depth === 0 ? 0.8 : upper ? 0.35 : 0.5)) continue
    const path = `${dir}/${name}`
    if (filling.nodes.some(node => node.path === path)) continue
    const kind = kindOf(filling, path, depth)
    const extra = attributes(dice, kind)
    const files = filling.nodes
      .filter(node => node.type === 'file' && node.metacopy === undefined)
      .map(node => node.path)
    if (kind === 'dir') addDirectory(filling, path, depth)
    else if (kind === 'metacopy') addMetacopy(filling, path)
    else if (kind === 'file') add(filling, { path, type: kind, content: dice.content(), ...extra }, 'file')
    else if (kind === 'symlink') {
      add(filling, { path, type: kind, target: dice.pick([...NAMES, 'a/b', 'b/a', 'nowhere', './c']), ...extra }, kind)
    } else if (kind === 'hardlink' && files.length > 0)
      add(filling, { path, type: kind, target: dice.pick(files) }, 'file')
    else if (kind === 'whiteout') add(filling, { path, type: kind }, kind)
    else if (kind === 'chr' || kind === 'blk')
      add(filling, { path, type: kind, rdev: [60, 1 + dice.int(9)], ...extra }, kind)
    else if (kind === 'fifo' || kind === 'sock') add(filling, { path, type: kind, ...extra }, kind)
    else here.delete(path)
  }
}

function sizeOf(content: Content | undefined): number {
  return typeof content === 'object' ? content.size : (content?.length ?? 0)
}

/** The files of a layer that are seen with it and have one name there. */
function plainFiles({ nodes }: Filling): Map<string, number> {
  const linked = new Set(nodes.map(({ type, target }) => (type === 'hardlink' ? target : undefined)))
  const found = nodes.filter(
    ({ type, metacopy, path }) => type === 'file' && metacopy === undefined && !linked.has(path),
  )
  return new Map(found.map(({ path, content }) => [path, sizeOf(content)]))
}

/** What is seen with a layer over what was seen before. */
function folded(below: Model, { nodes, here }: Filling): Model {
  const merged = new Map(below)
  for (const node of nodes) {
    const type = here.get(node.path) as string
    if (type !== 'dir' || node.opaque === 'y' || node.redirect !== undefined) forgetBelow(merged, node.path, true)
    else if (merged.get(node.path) !== 'dir') forgetBelow(merged, node.path, false)
  }
  for (const [path, type] of here) if (type !== 'whiteout') merged.set(path, type)
  return merged
}

export interface RandomLayers {
  readonly lowers: LayerEntry[][]
  readonly upper: LayerEntry[] | undefined
  readonly model: Model
}

export function randomLayers(dice: Dice): RandomLayers {
  const count = dice.weighted([
    [4, 1],
    [3.5, 2],
    [1.5, 3],
    [1, 4],
  ])
  const marks = dice.weighted([
    [2, 1],
    [1.5, 2],
  ])
  let model: Model = new Map()
  const lowers: LayerEntry[][] = []
  let files = new Map<string, number>()
  for (let i = 0; i < count; i++) {
    const below = i === 0 ? undefined : model
    const known = { dice, below, upper: false, marks: i === 0 ? 0 : marks, files }
    const filling: Filling = { ...known, nodes: [], here: new Map() }
    fillDirectory(filling, '', 0)
    lowers.unshift(filling.nodes)
    model = folded(model, filling)
    files = plainFiles(filling)
  }
  if (!dice.chance(0.35)) return { lowers, upper: undefined, model }
  const known = { dice, below: model, upper: true, marks: 1 + dice.int(2), files }
  const filling: Filling = { ...known, nodes: [], here: new Map() }
  fillDirectory(filling, '', 0)
  return { lowers, upper: filling.nodes, model: folded(model, filling) }
}
