// The catalogue of images whose kernel truth is known: the project's own fixtures, and the shared vectors where they
// are. Not here: any reading of them.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { fixture, SHARED, vector } from '../helpers/paths.js'
import { readTruth, type TruthEntry } from '../helpers/truth.js'

export interface KnownImage {
  readonly name: string
  readonly composefs: boolean
  bytes(): Uint8Array
  /** What the kernel shows. */
  truth(): TruthEntry[]
  /** The store of a composefs image; what has to be unpacked goes below `temporary`. */
  objects?(temporary: string): string
}

/** Vectors without compression, and which truth is theirs. */
const VECTORS: Readonly<Record<string, string>> = {
  plain: 'tree',
  'plain-512': 'tree',
  'plain-1k': 'tree',
  'plain-extended': 'tree',
  'plain-noinline': 'tree',
  'chunk-64k': 'tree',
  'chunk-map': 'tree',
  'xattr-prefix': 'tree',
  'dot-omitted': 'tree-seconds',
  '48bit': 'tree-seconds',
}

function vectorImages(): KnownImage[] {
  const erofs = Object.entries(VECTORS).map(([name, truth]) => ({
    name: `vectors/erofs/${name}`,
    composefs: false,
    bytes: () => gunzipSync(readFileSync(vector('erofs', `${name}.erofs.gz`))),
    truth: () => readTruth(vector('erofs', `${truth}.truth.jsonl.gz`)),
  }))
  const tree: KnownImage = {
    name: 'vectors/composefs/tree.cfs',
    composefs: true,
    bytes: () => readFileSync(vector('composefs/tree.cfs')),
    truth: () => readTruth(vector('composefs/tree.mount-truth.jsonl.gz')),
    objects: temporary => unpackObjects(join(temporary, 'tree-objects')),
  }
  return [...erofs, tree]
}

function unpackObjects(directory: string): string {
  mkdirSync(directory, { recursive: true })
  execFileSync('tar', ['-xzf', vector('composefs/tree.objects.tar.gz'), '-C', directory])
  return findStore(directory)
}

/** The tar may hold the store itself or a folder that is it: the first folder that has two-digit ones. */
function findStore(directory: string): string {
  const names = readdirSync(directory)
  if (names.length === 1 && !/^[0-9a-f]{2}$/.test(names[0])) return findStore(join(directory, names[0]))
  return directory
}

function fixtureImages(): KnownImage[] {
  const composefs = ['small', 'small-v1'].map(name => ({
    name: `fixtures/${name}.cfs`,
    composefs: true,
    bytes: () => readFileSync(fixture(`${name}.cfs`)),
    truth: () => readTruth(fixture(`${name}.truth.jsonl.gz`)),
    objects: () => fixture('objects'),
  }))
  const erofs = readdirSync(fixture('erofs'))
    .filter(file => file.endsWith('.erofs.gz'))
    .map(file => file.slice(0, -'.erofs.gz'.length))
    .map(name => ({
      name: `fixtures/erofs/${name}`,
      composefs: false,
      bytes: () => gunzipSync(readFileSync(fixture('erofs', `${name}.erofs.gz`))),
      truth: () => readTruth(fixture('erofs', `${name}.truth.jsonl.gz`)),
    }))
  return [...composefs, ...erofs]
}

/** Every image with a known truth. */
export function knownImages(): KnownImage[] {
  return [...fixtureImages(), ...(SHARED === undefined ? [] : vectorImages())]
}
