// Every shared EROFS vector, compressed ones too, equals what the kernel showed of it: entry by entry with whole reads, and at
// thousands of seeded random ranges, each checked against contents that the truth's hash vouches for.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type MountOptions, mountSync } from '../../src/node.js'
import { compareRanges, filesOf, OpenRanges, type RangeFs } from '../helpers/erofs-ranges.js'
import { SHARED, skip, vector } from '../helpers/paths.js'
import { compareTruth, escapeBytes, readTruth, type TruthEntry, type TruthFs, walkTruth } from '../helpers/truth.js'

const RANGES = Number(process.env['COMPOSEFS_WASM_EROFS_RANGES'] ?? 2000)
const SEED = 9

/** Which truth is whose, where it is not `tree`. */
const TRUTHS: Readonly<Record<string, string>> = {
  'dot-omitted': 'tree-seconds',
  '48bit': 'tree-seconds',
  '48bit-zstd': 'tree-seconds',
  'metabox-48bit-lzma': 'tree-seconds',
  metabox: 'tree-metabox',
  'metabox-lz4': 'tree-metabox',
  'metabox-zstd': 'tree-metabox',
}

const unpacked = (name: string) => gunzipSync(readFileSync(vector('erofs', name)))
const truthOfImage = (name: string) => readTruth(vector('erofs', `${TRUTHS[name] ?? 'tree'}.truth.jsonl.gz`))

/** What the bytes of a file are, by the hash that the truth gives; any image's good read will do. */
class Contents {
  readonly #known = new Map<string, Uint8Array>()

  /** Takes in every whole file of a tree whose hash is some truth's. */
  learn(fs: TruthFs, truth: readonly TruthEntry[]): void {
    for (const { path, sha256 } of truth) {
      if (sha256 === undefined || this.#known.has(sha256)) continue
      const bytes = fs.readFileSync(pathBytes(path))
      if (createHash('sha256').update(bytes).digest('hex') === sha256) this.#known.set(sha256, bytes)
    }
  }

  get(sha256: string): Uint8Array {
    const bytes = this.#known.get(sha256)
    if (bytes === undefined) throw new Error(`no content known of ${sha256}`)
    return bytes
  }
}

function pathBytes(escaped: string): Buffer {
  return Buffer.from(
    escaped.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

function withMount<T>(name: string, use: (fs: TruthFs & RangeFs) => T): T {
  const blob = `${name}.blob.gz`
  const options = existsSync(vector('erofs', blob)) ? ({ devices: [unpacked(blob)] } as MountOptions) : {}
  const m = mountSync(unpacked(`${name}.erofs.gz`), options)
  try {
    return use(m.fs as unknown as TruthFs & RangeFs)
  } finally {
    m.unmount()
  }
}

const vectors = suite('an EROFS vector equals its truth')
if (SHARED === undefined) skip(vectors, 'all of vectors/erofs', 'there are no shared vectors beside this checkout')
else addVectors()

function addVectors(): void {
  const names = readdirSync(vector('erofs'))
    .filter(file => file.endsWith('.erofs.gz'))
    .map(file => file.slice(0, -'.erofs.gz'.length))
  const contents = new Contents()
  // An uncompressed image is where contents come from: their hashes are the kernel's.
  withMount('plain', fs => contents.learn(fs, truthOfImage('plain')))
  for (const [index, name] of names.entries()) {
    const truth = truthOfImage(name)
    vectors(`${name}: entries and whole reads`, () => {
      assert.equal(compareTruth(truth, withMount(name, walkTruth)), [])
    })
    vectors(`${name}: ${RANGES} random ranges`, () => {
      const hashes = new Map(truth.map(entry => [entry.path, entry.sha256 ?? '']))
      withMount('plain', plain => {
        const files = filesOf(plain)
        const wanted = files.map(file => contents.get(hashes.get(escapeBytes(file.path)) ?? ''))
        const expected = (file: number, at: number, length: number) => wanted[file].subarray(at, at + length)
        withMount(name, fs => {
          const ours = new OpenRanges(fs, files)
          assert.equal(compareRanges(files, expected, ours.read, { count: RANGES, seed: SEED + index }), [])
          ours.close()
        })
      })
    })
  }
}
vectors.run()
