// Seeded random overlay scenarios, for a kernel and for the overlay here to answer: layers with marks, then operations of every
// kind on a few names, so that most of them hit something. A model of the tree, kept roughly, tells what is there. Not here: the
// layers (random-layers.ts), and descriptors that stay open (random-handles.ts).
import { dirname } from 'node:path/posix'
import { Handles } from './random-handles.js'
import { Dice, forgetBelow, hasBelow, type Model, moveBelow, NAMES, randomLayers } from './random-layers.js'
import type { LayerEntry, Op, Scenario } from './scenario.js'

const MODES = [0o600, 0o644, 0o755, 0o700, 0o444, 0o1777, 0o4755, 0o2755, 0o6711]
const XATTRS = [
  'user.tag',
  'user.other',
  'trusted.tag',
  'trusted.overlay.opaque',
  'trusted.overlay.redirect',
  'trusted.overlay.overlay.opaque',
  'trusted.overlay.whiteout',
  'nosuch.name',
]

/** How often each kind of step is taken. */
const STEPS: readonly (readonly [number, keyof Steps])[] = [
  [6, 'list'],
  [8, 'look'],
  [9, 'writeFile'],
  [3, 'appendFile'],
  [4, 'truncate'],
  [6, 'chmod'],
  [3, 'chown'],
  [4, 'utimes'],
  [4, 'symlink'],
  [7, 'link'],
  [9, 'unlink'],
  [6, 'rmdir'],
  [8, 'mkdir'],
  [16, 'rename'],
  [7, 'renameat2'],
  [3, 'rm'],
  [1.5, 'cp'],
  [2, 'copyFile'],
  [7, 'xattr'],
  [2.5, 'mknod'],
  [12, 'handle'],
  [2.5, 'remount'],
  [2, 'sameFile'],
]

/** What a scenario may be about more than others. */
const THEMES: readonly (readonly (keyof Steps)[])[] = [
  [],
  ['handle', 'rename', 'unlink'],
  ['rename', 'renameat2', 'mkdir', 'rmdir'],
  ['link', 'rename', 'remount'],
  ['chmod', 'truncate', 'handle'],
]

/** One method a kind of step; each answers the operations. */
export class Steps {
  readonly handles: Handles
  #plainly = false

  constructor(
    readonly dice: Dice,
    readonly model: Model,
  ) {
    this.handles = new Handles(this)
  }

  // Paths.

  blind(): string {
    const depth = this.dice.weighted([
      [3, 1],
      [4, 2],
      [2, 3],
    ])
    return `/${Array.from({ length: depth }, () => this.dice.pick(NAMES)).join('/')}`
  }

  /** Some of the names of a path by other ways to the same place. */
  #disguised(path: string): string {
    const { dice, model } = this
    // Trailing slashes are for the calls that Node has.
    if (this.#plainly) return path.replace(/(.)\/+$/, '$1')
    if (!dice.chance(0.1)) return path
    const links = [...model].filter(([, type]) => type === 'symlink').map(([link]) => link)
    if (links.length > 0 && dice.chance(0.5)) return `${dice.pick(links)}/${dice.pick(NAMES)}`
    const dir = dirname(path)
    return dice.pick([
      `${path}/`,
      `${dir}/./${path.slice(path.lastIndexOf('/') + 1)}`,
      `${path}/../${dice.pick(NAMES)}`,
    ])
  }

  existing(...types: string[]): string {
    const all = [...this.model].filter(([, type]) => types.length === 0 || types.includes(type)).map(([path]) => path)
    return this.#disguised(all.length > 0 && this.dice.chance(0.87) ? this.dice.pick(all) : this.blind())
  }

  /** A name that probably stands for nothing, in a directory that does. */
  fresh(): string {
    const { dice, model } = this
    if (dice.chance(0.12)) return this.blind()
    const dirs = ['', ...[...model].filter(([, type]) => type === 'dir').map(([path]) => path)]
    const shallow = dirs.filter(dir => dir.split('/').length <= 4)
    for (let i = 0; i < 8; i++) {
      const path = `${dice.pick(shallow)}/${dice.pick([...NAMES, 'e', 'n'])}`
      if (!model.has(path)) return path
    }
    return this.blind()
  }

  made(path: string, type: string): void {
    const dir = dirname(path)
    if (!path.endsWith('/') && !this.model.has(path) && (dir === '/' || this.model.get(dir) === 'dir'))
      this.model.set(path, type)
  }

  // Steps.

  list(): Op[] {
    const { dice } = this
    const path = dice.chance(0.25) ? '/' : this.existing('dir')
    const options = dice.weighted<object[]>([
      [6, []],
      [3, [{ withFileTypes: true }]],
      [1, [{ recursive: true }]],
    ])
    return [{ op: 'readdir', args: [path, ...options] }]
  }

  look(): Op[] {
    const { dice } = this
    const kind = dice.pick(['readFile', 'lstat', 'lstat', 'stat', 'readlink', 'exists', 'access', 'realpath'])
    const path = this.existing(...(kind === 'readFile' ? ['file'] : kind === 'readlink' ? ['symlink'] : []))
    return [{ op: kind, args: kind === 'access' ? [path, dice.pick([0, 2, 4, 6])] : [path] }]
  }

  writeFile(): Op[] {
    const { dice } = this
    const flag = dice.weighted<object[]>([
      [7, []],
      [1, [{ flag: 'wx' }]],
      [1, [{ flag: 'a' }]],
      [1, [{ flag: 'r+' }]],
      [1, [{ mode: 0o600 }]],
    ])
    const path = dice.chance(0.5) ? this.fresh() : this.existing('file')
    this.made(path, 'file')
    return [{ op: 'writeFile', args: [path, dice.content(), ...flag] }]
  }

  appendFile(): Op[] {
    const path = this.existing('file')
    this.made(path, 'file')
    return [{ op: 'appendFile', args: [path, `+${this.dice.serial()}`] }]
  }

  truncate(): Op[] {
    return [{ op: 'truncate', args: [this.existing('file'), this.dice.pick([0, 3, 64, 65, 4096, 6000])] }]
  }

  chmod(): Op[] {
    return [{ op: 'chmod', args: [this.existing('file', 'dir', 'fifo'), this.dice.pick(MODES)] }]
  }

  chown(): Op[] {
    const { dice } = this
    const ids = [dice.pick([0, 1000, -1]), dice.pick([0, 1000, -1])]
    return [{ op: dice.pick(['chown', 'lchown']), args: [this.existing(), ...ids] }]
  }

  utimes(): Op[] {
    const { dice } = this
    const time = 1200000000 + dice.int(1000)
    return [{ op: dice.pick(['utimes', 'lutimes']), args: [this.existing(), time, time + dice.pick([0, 0.5, 0.25])] }]
  }

  symlink(): Op[] {
    const path = this.fresh()
    this.made(path, 'symlink')
    return [{ op: 'symlink', args: [this.dice.pick([...NAMES, 'a/b', 'b/c', 'none', './d']), path] }]
  }

  link(): Op[] {
    const { dice, model } = this
    const from = this.existing(...(dice.chance(0.9) ? ['file', 'symlink', 'fifo'] : []))
    const to = dice.chance(0.85) ? this.fresh() : this.existing()
    const type = model.get(from)
    if (type !== undefined && type !== 'dir') this.made(to, type)
    return [{ op: 'link', args: [from, to] }]
  }

  unlink(): Op[] {
    const path = this.existing(...(this.dice.chance(0.9) ? ['file', 'symlink', 'fifo', 'chr', 'blk', 'sock'] : []))
    if (this.model.get(path) !== 'dir') this.model.delete(path)
    return [{ op: 'unlink', args: [path] }]
  }

  rmdir(): Op[] {
    const { dice, model } = this
    const empty = [...model].filter(([path, type]) => type === 'dir' && !hasBelow(model, path)).map(([path]) => path)
    const path = empty.length > 0 && dice.chance(0.6) ? dice.pick(empty) : this.existing('dir')
    if (model.get(path) === 'dir' && !hasBelow(model, path)) model.delete(path)
    return [{ op: 'rmdir', args: [path] }]
  }

  mkdir(): Op[] {
    const { dice } = this
    if (dice.chance(0.15)) {
      const path = this.blind()
      const names = path.slice(1).split('/')
      names.forEach((_, i) => void this.made(`/${names.slice(0, i + 1).join('/')}`, 'dir'))
      return [{ op: 'mkdir', args: [path, { recursive: true }] }]
    }
    const path = dice.chance(0.9) ? this.fresh() : this.existing()
    this.made(path, 'dir')
    return [{ op: 'mkdir', args: [path, ...(dice.chance(0.2) ? [{ mode: 0o700 }] : [])] }]
  }

  #moves(from: string, to: string): boolean {
    const { model } = this
    const [a, b] = [model.get(from), model.get(to)]
    const dir = dirname(to)
    if (a === undefined || from === to || to.endsWith('/') || to.startsWith(`${from}/`)) return false
    if (dir !== '/' && model.get(dir) !== 'dir') return false
    return b === undefined || (b === 'dir' ? a === 'dir' && !hasBelow(model, to) : a !== 'dir')
  }

  #places(): [string, string] {
    const { dice, model } = this
    const from = dice.chance(0.55) ? this.existing('dir') : this.existing()
    const type = model.get(from)
    const alike = type !== undefined && dice.chance(0.5) ? [type] : []
    return [from, dice.chance(0.6) ? this.fresh() : this.existing(...alike)]
  }

  rename(): Op[] {
    const [from, to] = this.#places()
    if (this.#moves(from, to)) {
      forgetBelow(this.model, to, true)
      moveBelow(this.model, from, to)
    }
    return [{ op: 'rename', args: [from, to] }]
  }

  renameat2(): Op[] {
    this.#plainly = true
    const ops = this.#renameat2()
    this.#plainly = false
    return ops
  }

  #renameat2(): Op[] {
    const { dice, model } = this
    const flag = dice.weighted([
      [5, 'exchange'],
      [2, 'noreplace'],
      [0.3, 'whiteout'],
    ])
    const [from, to] = flag === 'exchange' ? [this.existing(), this.existing()] : this.#places()
    if (flag === 'noreplace' && !model.has(to) && this.#moves(from, to)) moveBelow(model, from, to)
    const apart = !from.startsWith(`${to}/`) && !to.startsWith(`${from}/`) && from !== to
    if (flag === 'exchange' && apart && model.has(from) && model.has(to)) {
      moveBelow(model, from, '/\0')
      moveBelow(model, to, from)
      moveBelow(model, '/\0', to)
    }
    return [{ op: '@renameat2', args: [from, to, flag] }]
  }

  rm(): Op[] {
    const path = this.existing()
    forgetBelow(this.model, path, true)
    return [{ op: 'rm', args: [path, { recursive: true, ...(this.dice.chance(0.5) ? { force: true } : {}) }] }]
  }

  cp(): Op[] {
    const { dice, model } = this
    // Into nothing: what would be in the way would be met in the order of the directory.
    const [from, to] = [this.existing('dir', 'file'), `/copy-${dice.serial()}`]
    const type = model.get(from)
    if (dice.hasSpecial || type === undefined) return [{ op: 'lstat', args: [from] }]
    if (!to.startsWith(`${from}/`)) this.made(to, type)
    return [
      {
        op: 'cp',
        args: [
          from,
          to,
          {
            recursive: true,
            verbatimSymlinks: true,
            ...(dice.chance(0.3) ? { errorOnExist: true, force: false } : {}),
          },
        ],
      },
    ]
  }

  copyFile(): Op[] {
    const { dice, model } = this
    const from = this.existing('file')
    const isNew = dice.chance(0.6)
    const to = isNew ? this.fresh() : this.existing('file')
    if (from === to) return [{ op: 'lstat', args: [from] }]
    if (model.get(from) === 'file') this.made(to, 'file')
    return [{ op: 'copyFile', args: [from, to, ...(isNew ? [1] : [])] }]
  }

  xattr(): Op[] {
    const { dice } = this
    const path = this.existing()
    const name = dice.pick(XATTRS)
    return dice.weighted<Op[]>([
      [5, [{ op: '@setxattr', args: [path, name, dice.pick(['', 'y', `v${dice.serial()}`])] }]],
      [2, [{ op: '@getxattr', args: [path, name] }]],
      [3, [{ op: '@removexattr', args: [path, name] }]],
      [2, [{ op: '@listxattr', args: [path] }]],
    ])
  }

  mknod(): Op[] {
    const { dice } = this
    const path = this.fresh()
    if (!dice.hasSpecial) return [{ op: 'lstat', args: [path] }]
    const type = dice.pick(['sock', 'chr', 'blk', 'chr'])
    const device =
      type === 'chr' || type === 'blk' ? [dice.pick(['0644', '0600']), [dice.pick([0, 60]), dice.pick([0, 3])]] : []
    this.made(path, type)
    return [{ op: '@mknod', args: [path, type, ...device] }]
  }

  handle(): Op[] {
    return this.handles.step()
  }

  remount(): Op[] {
    this.handles.forget()
    return [{ op: '@remount' }]
  }

  sameFile(): Op[] {
    return [{ op: '@sameFile', args: [this.existing('file'), this.existing('file')] }]
  }
}

/** The scenario of a seed, not answered yet. */
export function randomScenario(seed: number, id: string): Omit<Scenario, 'expect'> & { readonly ops: Op[] } {
  const dice = new Dice(seed)
  const { lowers, upper, model } = randomLayers(dice)
  const steps = new Steps(dice, model)
  const theme = dice.pick(THEMES)
  const table = STEPS.map(([weight, kind]) => [theme.includes(kind) ? 4 * weight : weight, kind] as const)
  const wanted = 15 + dice.int(50)
  const ops: Op[] = []
  while (ops.length < wanted) ops.push(...steps[dice.weighted(table) as 'list']())
  const isMetacopy = ({ metacopy }: LayerEntry) => metacopy !== undefined
  const tags = lowers.flat().some(isMetacopy) ? ['on-only'] : []
  const readOnly = upper === undefined && dice.chance(0.04) ? { upper: false as const } : {}
  const setup = {
    ...(dice.chance(0.1) ? { umask: '077' } : {}),
    lowers,
    ...(upper === undefined ? readOnly : { upper }),
  }
  return { id, title: `random operations, seed ${seed}`, tags, setup, ops }
}
