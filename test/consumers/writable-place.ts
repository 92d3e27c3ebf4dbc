// Writable places for the consumers' tests: a directory made into an image and mounted writable, an empty one on disk, and
// a tree of a mount copied out to disk. Not here: any consumer.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, mount, type ObjectStore, type StoredObject } from '../../src/node.js'
import { type TruthFs, walkTruth } from '../helpers/truth.js'
import { copyTree, type NodeFs, type Place } from './fixture-image.js'

/** A fresh directory, which goes with the process. */
export function temporary(): string {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'composefs-writing-')))
  process.on('exit', () => fs.rmSync(root, { recursive: true, force: true }))
  return root
}

/** A store in memory that, unless someone glances, answers later only: as one far away does. */
class LateStore implements ObjectStore {
  readonly label = 'late'
  readonly #held = new MemoryStore()
  glancing = false

  get openSync(): ObjectStore['openSync'] {
    return this.glancing ? name => this.#held.openSync(name) : undefined
  }

  get statSync(): ObjectStore['statSync'] {
    return this.glancing ? name => this.#held.statSync(name) : undefined
  }

  async open(name: string): Promise<StoredObject> {
    const object = this.#held.openSync(name)
    await new Promise(resolve => setImmediate(resolve))
    return { size: object.size, read: (offset, length) => object.read(offset, length), close: () => object.close() }
  }

  stat = (name: string) => this.#held.stat(name)
  put = (name: string, data: Uint8Array | AsyncIterable<Uint8Array>) => this.#held.put(name, data)
  list = () => this.#held.list()
  delete = (name: string) => this.#held.delete(name)
}

async function mountStack(sources: readonly string[], store: ObjectStore): Promise<Place> {
  const images: Uint8Array[] = []
  for (const source of sources) images.push((await buildImage(source, { store, xattrs: 'none' })).image)
  const mounted = await mount(images, { store, writable: true })
  return { name: 'mount', fs: mounted.fs as unknown as NodeFs, root: '' }
}

export interface WritablePlace extends Place {
  /** Synchronous calls get the bytes that they ask for as long as this runs. */
  glance<T>(look: () => T): T
}

/** Directories, topmost first, as images: their files are objects of a store, and what is written lies above in memory. */
export async function writableImage(...sources: string[]): Promise<WritablePlace> {
  return { ...(await mountStack(sources, new MemoryStore())), glance: look => look() }
}

/** The same over a store that has no synchronous answers: what is not written anew comes by promises only. */
export async function writableLateImage(...sources: string[]): Promise<WritablePlace> {
  const store = new LateStore()
  const place = await mountStack(sources, store)
  const glance = <T>(look: () => T): T => {
    store.glancing = true
    try {
      return look()
    } finally {
      store.glancing = false
    }
  }
  return { ...place, name: 'late mount', glance }
}

export function diskPlace(root: string): Place {
  return { name: 'disk', fs, root }
}

/** Copies a directory of a place to a fresh one on disk, with modes and times. */
export function copyOut({ fs: from, root }: Place, path: string): string {
  const to = temporary()
  copyTree(from, `${root}${path}`, to)
  return to
}

/** What stands below a directory of a place, a line each, as any user's copy can have it; without times unless asked. */
export function treeOf({ fs: of, root }: Place, path: string, { times = false } = {}): string[] {
  const below = (name: Buffer) => Buffer.concat([Buffer.from(`${root}${path}`), name])
  const truth: TruthFs = {
    lstatSync: name => of.lstatSync(below(name), { bigint: true }),
    readdirSync: name => of.readdirSync(below(name), { encoding: 'buffer' }),
    readlinkSync: name => of.readlinkSync(below(name), { encoding: 'buffer' }),
    readFileSync: name => of.readFileSync(below(name)),
  }
  return walkTruth(truth)
    .slice(1)
    .map(entry => {
      const { mode, size = '-', target, sha256 = '', mtime } = entry
      return `${entry.path} ${mode} ${size} ${target === undefined ? sha256 : `-> ${target}`}${times ? ` ${mtime}` : ''}`
    })
}

/** Two lists of lines are equal, or it is said which lines only one of them has. */
export function sameLines(ours: readonly string[], theirs: readonly string[], what: string): void {
  if (ours.join('\n') === theirs.join('\n')) return
  const only = (some: readonly string[], others: readonly string[]) => {
    const known = new Set(others)
    return some.filter(line => !known.has(line)).slice(0, 8)
  }
  const text = [
    ...only(ours, theirs).map(line => `ours: ${line}`),
    ...only(theirs, ours).map(line => `theirs: ${line}`),
  ]
  assert.unreachable(`${what}: ${text.length === 0 ? 'the order differs' : text.join('\n')}`)
}
