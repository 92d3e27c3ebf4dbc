// Runs the operations of a scenario through fs.promises (callbacks where a descriptor is what is given), one after the other,
// and says what came of each; and at once, where nothing may have to be waited for. Not here: what the answers should be.
import { Fault, fault, type Outcome } from '../../src/format/errno.js'
import { isDirectory } from '../../src/overlay/lower.js'
import type { OverlayNode } from '../../src/overlay/lower-node.js'
import type { MergedTree } from '../../src/overlay/merged-tree.js'
import type { Overlay } from '../../src/overlay/overlay.js'
import { recordsOf } from '../../src/overlay/upper-record.js'
import { answered } from '../../src/overlay/waiting.js'
import { createFs } from '../../src/vfs/mounted-fs.js'
import { contentBytes, type Op, type Scenario } from './scenario.js'
import { ScenarioRun } from './scenario-run.js'

type Call = (...args: unknown[]) => unknown
type Calls = Record<string, Call> & { promises: Record<string, Call> }
type Face = 'promise' | 'sync'

const FD_FIRST = 'close read write fstat ftruncate fchmod fchown futimes fsync fdatasync'.split(' ')
const RENAME_FLAGS: Readonly<Record<string, number>> = { noreplace: 1, exchange: 2, whiteout: 4 }
const NODE_TYPES: Readonly<Record<string, number>> = { fifo: 0o010000, sock: 0o140000, chr: 0o020000, blk: 0o060000 }
/** What does several things one after the other, as Node does: a failure in between leaves some done. */
export const doesMany = ({ op }: Op): boolean => op === 'rm' || op === 'cp'

/** The upper as it would be kept, times aside. */
export function upperOf(tree: MergedTree): string {
  const records = [...recordsOf(tree.upper.root, body => bytesOf(body))].map(record => ({ ...record, t: undefined }))
  return JSON.stringify(records)
}

function bytesOf(body: { size: number; read(into: Uint8Array, at: number): unknown }): string {
  const bytes = new Uint8Array(body.size)
  body.read(bytes, 0)
  return Buffer.from(bytes).toString('base64')
}

export class LazyRun {
  readonly #shape: ScenarioRun
  readonly #scenario: Pick<Scenario, 'setup' | 'ops'>
  readonly #fs: Calls
  readonly #fds = new Map<string, number>()
  readonly #umask: number

  constructor(
    readonly tree: Overlay | MergedTree,
    scenario: Scenario,
  ) {
    this.#scenario = scenario
    this.#shape = new ScenarioRun({ tree, remount: () => tree }, scenario)
    this.#umask = Number.parseInt(scenario.setup.umask ?? '022', 8)
    const env = { uid: () => 0, gid: () => 0, umask: () => this.#umask, dev: 7 }
    this.#fs = createFs(tree, env) as unknown as Calls
  }

  get ops(): readonly Op[] {
    return this.#scenario.ops
  }

  /** What an operation comes to; a failure by all that its error says. */
  async run(op: Op, face: Face): Promise<unknown> {
    const args = (op.args ?? []).map(arg =>
      typeof arg === 'string' && arg.startsWith('$') && this.#fds.has(arg.slice(1)) ? this.#fds.get(arg.slice(1)) : arg,
    )
    if (op.op === '@remount' || (FD_FIRST.includes(op.op) && typeof args[0] !== 'number')) return { skipped: true }
    try {
      const value = op.op.startsWith('@') ? this.#special(op.op, args, face) : this.#plain(op, args, face)
      return { ok: this.#shape.canonical(await value) }
    } catch (error) {
      const { code, syscall, path, dest } = error as Record<string, unknown>
      if (code === undefined) throw error
      return { err: code, syscall, path, dest }
    }
  }

  async closeAll(): Promise<void> {
    for (const fd of this.#fds.values()) await this.#call('promise', 'close', [fd])
    this.#fds.clear()
  }

  #call(face: Face, name: string, args: readonly unknown[]): unknown {
    if (face === 'sync') return this.#fs[`${name}Sync`](...args)
    const promised = FD_FIRST.includes(name) || name === 'open' ? undefined : this.#fs.promises[name]
    if (promised !== undefined) return promised(...args)
    return new Promise((resolve, reject) => {
      const done = (error: unknown, value: unknown) => {
        if (name === 'exists') resolve(error)
        else if (error) reject(error)
        else resolve(value)
      }
      this.#fs[name](...args, done)
    })
  }

  /** Something asked of the tree itself, whole in one step. */
  async #ask<T>(face: Face, syscall: string, ask: () => Outcome<T>): Promise<T> {
    const answer = face === 'sync' ? ask() : await answered(ask)
    if (answer instanceof Fault) throw Object.assign(new Error(syscall), { code: answer.code, syscall })
    return answer
  }

  #directory(path: string): Outcome<OverlayNode> {
    const node = this.tree.resolve(path.slice(0, path.lastIndexOf('/')) || '/', true)
    return node instanceof Fault || isDirectory(node) ? node : fault('ENOTDIR')
  }

  async #special(name: string, args: readonly unknown[], face: Face): Promise<unknown> {
    const [path, second, third, fourth] = args as [string, string, string, [number, number]]
    const tree = this.tree as Overlay
    const nameOf = (of: string) => of.slice(of.lastIndexOf('/') + 1)
    switch (name) {
      case '@sameFile': {
        const a = (await this.#call(face, 'lstat', [path])) as { ino: number }
        const b = (await this.#call(face, 'lstat', [second])) as { ino: number }
        return a.ino === b.ino
      }
      case '@setxattr':
        return this.#call(face, 'setxattr', [path, second, Buffer.from(third), { follow: false }])
      case '@getxattr':
      case '@removexattr':
        return this.#call(face, name.slice(1), [path, second, { follow: false }])
      case '@listxattr':
        return ((await this.#call(face, 'listxattr', [path, { follow: false }])) as string[]).sort()
      case '@mknod':
        return this.#ask(face, 'mknod', () => {
          const [major, minor] = fourth ?? [0, 0]
          const mode = NODE_TYPES[second] | Number.parseInt(third ?? '0644', 8)
          const dir = this.#directory(path)
          if (dir instanceof Fault || !('create' in tree)) return dir instanceof Fault ? dir : fault('EROFS')
          const inode = { mode, umask: this.#umask, uid: 0, gid: 0, rdev: (major << 8) | minor }
          const made = tree.create(dir, nameOf(path), inode, false)
          return made instanceof Fault ? made : null
        })
      default:
        return this.#ask(face, 'renameat2', () => {
          const from = this.#directory(path)
          const to = from instanceof Fault ? from : this.#directory(second)
          if (from instanceof Fault || to instanceof Fault) return to as Fault
          if (!('rename' in tree)) return fault('EROFS')
          return tree.rename(from, nameOf(path), to, nameOf(second), RENAME_FLAGS[third], false) ?? null
        })
    }
  }

  async #plain({ op, as }: Op, args: unknown[], face: Face): Promise<unknown> {
    const call = (...given: unknown[]) => this.#call(face, op, given)
    switch (op) {
      case 'read': {
        const into = Buffer.alloc(args[1] as number)
        return into.subarray(0, (await call(args[0], into, 0, args[1], args[2] ?? null)) as number)
      }
      case 'write':
        return call(args[0], contentBytes(args[1]), 0, undefined, args[2] ?? null)
      case 'writeFile':
      case 'appendFile':
        return call(args[0], contentBytes(args[1]), args[2])
      case 'stat':
      case 'lstat':
      case 'fstat':
        return call(args[0], { bigint: true })
      case 'open': {
        const fd = (await call(...args)) as number
        if (as === undefined) await this.#call('promise', 'close', [fd])
        else this.#fds.set(as, fd)
        return null
      }
      case 'close': {
        for (const [name, fd] of this.#fds) if (fd === args[0]) this.#fds.delete(name)
        return call(args[0])
      }
      default:
        return call(...args)
    }
  }

  /** All that can be seen: every name with what stat says of it, its xattrs, target and content. */
  async shown(): Promise<string[]> {
    const promises = this.#fs.promises
    const out: string[] = []
    const visit = async (dir: string): Promise<void> => {
      for (const name of (await promises['readdir'](dir === '' ? '/' : dir)) as string[]) {
        const path = `${dir}/${name}`
        const one = async (op: string, ...args: unknown[]) => this.run({ op, args: [path, ...args] }, 'promise')
        const stat = await one('lstat')
        const type = (stat as { ok?: { type?: string } }).ok?.type
        out.push(JSON.stringify([path, stat, await one('@listxattr'), await one('readlink')]))
        if (type === 'file') out.push(JSON.stringify([path, await one('readFile'), await one('realpath')]))
        if (type === 'dir') await visit(path)
      }
    }
    await visit('')
    return out
  }
}
