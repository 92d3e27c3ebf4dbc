// The image that the consumers' tests read, mounted, and the same tree on disk: written there through the mount's own
// `fs` and compared with what the kernel said of the image. Not here: any consumer.
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { mountSync } from '../../src/node.js'
import { fixture } from '../helpers/paths.js'
import { readTruth, type TruthEntry, type TruthFs, walkTruth } from '../helpers/truth.js'

export type NodeFs = typeof fs

/** One of the two: its `fs`, and what comes before every path. */
export interface Place {
  readonly name: string
  readonly fs: NodeFs
  readonly root: string
}

export function copyTree(from: NodeFs, path: string, to: string): void {
  for (const entry of from.readdirSync(path || '/', { withFileTypes: true })) {
    const source = `${path}/${entry.name}`
    const target = join(to, entry.name)
    const stats = from.lstatSync(source)
    if (entry.isSymbolicLink()) fs.symlinkSync(from.readlinkSync(source), target)
    else if (entry.isDirectory()) {
      fs.mkdirSync(target)
      copyTree(from, source, target)
    } else fs.writeFileSync(target, from.readFileSync(source))
    if (!entry.isSymbolicLink()) fs.chmodSync(target, stats.mode & 0o7777)
    fs.lutimesSync(target, stats.atime, stats.mtime)
  }
}

/** What a copy made by any user can have of a tree: all but owners and link counts of directories. */
export function comparable(entries: readonly TruthEntry[]): Partial<TruthEntry>[] {
  return entries
    .filter(({ path }) => path !== '/')
    .map(({ path, mode, size, mtime, target, sha256 }) => ({ path, mode, size, mtime, target, sha256 }))
}

export interface Places {
  readonly image: Place
  readonly disk: Place
  /** What the kernel shows of the image, and what is on disk. */
  readonly expected: Partial<TruthEntry>[]
  readonly extracted: Partial<TruthEntry>[]
}

/** Mounts the image and extracts it to a fresh temporary directory, which goes with the process. */
export function makePlaces(): Places {
  const m = mountSync(gunzipSync(fs.readFileSync(fixture('consumers.erofs.gz'))))
  const mounted = m.fs as unknown as NodeFs
  const root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'composefs-consumers-')))
  process.on('exit', () => fs.rmSync(root, { recursive: true, force: true }))
  copyTree(mounted, '', root)
  const below = (path: Buffer) => Buffer.concat([Buffer.from(root), path])
  const onDisk: TruthFs = {
    lstatSync: path => fs.lstatSync(below(path), { bigint: true }),
    readdirSync: path => fs.readdirSync(below(path), { encoding: 'buffer' }),
    readlinkSync: path => fs.readlinkSync(below(path), { encoding: 'buffer' }),
    readFileSync: path => fs.readFileSync(below(path)),
  }
  return {
    image: { name: 'image', fs: mounted, root: '' },
    disk: { name: 'disk', fs, root },
    expected: comparable(readTruth(fixture('consumers.truth.jsonl.gz'))),
    extracted: comparable(walkTruth(onDisk)),
  }
}
