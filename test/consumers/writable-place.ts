// Writable places for the consumers' tests: a directory made into an image and mounted writable, an empty one on disk, and
// a tree of a mount copied out to disk. Not here: any consumer.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { buildImage, MemoryStore, type Mount, mount } from '../../src/node.js'
import { type TruthFs, walkTruth } from '../helpers/truth.js'
import { copyTree, type NodeFs, type Place } from './fixture-image.js'

/** A fresh directory, which goes with the process. */
export function temporary(): string {
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'composefs-writing-')))
  process.on('exit', () => fs.rmSync(root, { recursive: true, force: true }))
  return root
}

export interface WritablePlace extends Place {
  readonly mount: Mount
}

/** A directory as an image: its files are objects of a store, and what is written lies above it in memory. */
export async function writableImage(source: string): Promise<WritablePlace> {
  const store = new MemoryStore()
  const { image } = await buildImage(source, { store, xattrs: 'none' })
  const mounted = await mount(image, { store, writable: true })
  return { name: 'mount', fs: mounted.fs as unknown as NodeFs, root: '', mount: mounted }
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
