// Descriptors of random overlay scenarios: opened in every way, and held while the entries behind them are renamed, removed and
// copied up. Not here: those other operations (random-scenario.ts).
import { constants } from 'node:fs'
import type { Steps } from './random-scenario.js'
import type { Op } from './scenario.js'

const { O_RDONLY, O_RDWR, O_WRONLY, O_TRUNC, O_CREAT, O_EXCL, O_APPEND, O_DIRECTORY, O_NOFOLLOW } = constants
const FLAGS: readonly (string | number)[] = [
  'r',
  'r',
  'r',
  'r+',
  'r+',
  'w',
  'a',
  'a+',
  'w+',
  'wx',
  O_RDONLY | O_TRUNC,
  O_RDWR | O_TRUNC,
  O_RDONLY | O_CREAT,
  O_WRONLY | O_CREAT | O_EXCL,
  O_RDWR | O_APPEND,
  O_RDONLY | O_DIRECTORY,
  O_RDONLY | O_NOFOLLOW,
  O_RDWR | O_NOFOLLOW,
]

const MAX_OPEN = 4

export class Handles {
  #open: { readonly name: string; readonly path: string; readonly appends: boolean }[] = []
  #count = 0

  constructor(readonly steps: Steps) {}

  /** All are closed now. */
  forget(): void {
    this.#open = []
  }

  step(): Op[] {
    const { dice } = this.steps
    const isFull = this.#open.length >= MAX_OPEN
    if (this.#open.length === 0 || (!isFull && dice.chance(0.35))) return this.#opened()
    const ops: Op[] = []
    for (let i = 0, n = 1 + dice.int(3); i < n && this.#open.length > 0; i++) ops.push(...this.#used())
    return ops
  }

  #opened(): Op[] {
    const { steps } = this
    const { dice } = steps
    const name = `h${++this.#count}`
    const flag = dice.pick(FLAGS)
    const path = dice.chance(0.75) ? steps.existing('file') : dice.chance(0.5) ? steps.existing() : steps.fresh()
    const type = steps.model.get(path)
    // To open a pipe waits for who opens the other end.
    if (type !== undefined && type !== 'file' && type !== 'dir') return [{ op: 'lstat', args: [path] }]
    const creates = typeof flag === 'string' ? !flag.startsWith('r') : (flag & O_CREAT) !== 0
    if (creates) steps.made(path, 'file')
    const appends = typeof flag === 'string' ? flag.startsWith('a') : (flag & O_APPEND) !== 0
    this.#open.push({ name, path, appends })
    return [{ op: 'open', args: [path, flag], as: name }]
  }

  #used(): Op[] {
    const { dice } = this.steps
    const index = dice.int(this.#open.length)
    const { name, path, appends } = this.#open[index]
    const fd = `$${name}`
    const time = 1300000000 + dice.int(1000)
    const close = () => {
      this.#open.splice(index, 1)
      return [{ op: 'close', args: [fd] }]
    }
    return dice.weighted<() => Op[]>([
      [
        4,
        () => [{ op: 'read', args: [fd, dice.pick([4, 100, 5000]), ...(dice.chance(0.5) ? [dice.pick([0, 3])] : [])] }],
      ],
      [
        4,
        () => {
          const at = dice.chance(0.5) && !appends ? [dice.pick([0, 2, 70])] : []
          return [{ op: 'write', args: [fd, `W${dice.serial()}`, ...at] }]
        },
      ],
      [4, () => [{ op: 'fstat', args: [fd] }]],
      [2, () => [{ op: 'ftruncate', args: [fd, dice.pick([0, 2, 100])] }]],
      [2, () => [{ op: 'fchmod', args: [fd, dice.pick([0o600, 0o644, 0o4755])] }]],
      [1, () => [{ op: 'fchown', args: [fd, dice.pick([0, 1000]), dice.pick([0, 1000])] }]],
      [1, () => [{ op: 'futimes', args: [fd, time, time + 0.5] }]],
      [1, () => [{ op: dice.pick(['fsync', 'fdatasync']), args: [fd] }]],
      [1.5, () => [{ op: 'readFile', args: [path] }]],
      [3, close],
    ])()
  }
}
