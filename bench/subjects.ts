// What the benchmarks measure against: the large image, the kernel's mount of it, the same tree in memfs and ZenFS, the
// C tools. Each is undefined, with a printed reason, where it can't be had. Not here: any measuring.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { createFsFromVolume, Volume } from 'memfs'
import { PlainDecoder } from '../src/fuzz/plain-decoder.js'
import { KernelMounts, kernelReason } from '../test/helpers/kernel.js'
import { ROOT, SHARED, vector } from '../test/helpers/paths.js'
import { skipped } from './measure.js'

const DEVELOPER = 'composefs/cs9-x86_64-developer.cfs.gz'

/** The part of `fs` that a walk uses. */
export interface WalkFs {
  readdirSync(path: string): string[]
  lstatSync(path: string): { isDirectory(): boolean }
}

/** What filling a tree takes. */
interface FillFs {
  mkdirSync(path: string): unknown
  writeFileSync(path: string, data: string): void
  symlinkSync(target: string, path: string): void
}

/** A folder that goes away with the process. */
export function scratch(): string {
  const path = mkdtempSync(join(tmpdir(), 'composefs-bench-'))
  process.on('exit', () => rmSync(path, { recursive: true, force: true }))
  return path
}

export interface LargeImage {
  readonly bytes: Buffer
  readonly file: string
}

/** The cs9-developer image, unpacked. */
export function largeImage(directory: string): LargeImage | undefined {
  if (SHARED === undefined || !existsSync(vector(DEVELOPER))) {
    skipped('everything on cs9-developer', 'the shared vectors are not beside this checkout')
    return undefined
  }
  const bytes = gunzipSync(readFileSync(vector(DEVELOPER)))
  const file = join(directory, 'cs9-developer.cfs')
  writeFileSync(file, bytes)
  return { bytes, file }
}

/** Where the kernel's composefs mount of an image is; its objects are not needed for metadata. */
export function kernelMount(directory: string, file: string): string | undefined {
  const reason = kernelReason()
  if (reason !== undefined) {
    skipped('the kernel', reason)
    return undefined
  }
  const objects = join(directory, 'no-objects')
  mkdirSync(objects, { recursive: true })
  return new KernelMounts().composefs(file, objects).path
}

/** All absolute paths of an image but `/`. */
export function allPaths(bytes: Uint8Array): string[] {
  const nodes = new PlainDecoder(bytes).walk()
  // Flat strings: a walk's concatenations would be flattened, at a cost, by whoever uses them first.
  return nodes.slice(1).map(node => Buffer.from(node.path).toString())
}

function fill(fs: FillFs, bytes: Uint8Array, nameOf = (path: string) => path): void {
  const decoder = new PlainDecoder(bytes)
  for (const { path: original, inode } of decoder.walk().slice(1)) {
    const path = nameOf(original)
    if (inode.isDirectory) fs.mkdirSync(path)
    else if (inode.isSymlink) fs.symlinkSync(decoder.readAll(inode).toString(), path)
    else fs.writeFileSync(path, '')
  }
}

/** The image's names and types in memfs. */
export function inMemfs(bytes: Uint8Array): WalkFs {
  const fs = createFsFromVolume(new Volume())
  fill(fs as unknown as FillFs, bytes)
  return fs as unknown as WalkFs
}

/** The same in ZenFS' InMemory. It is LGPL and so no dependency of this project: it has to be there already. */
export async function inZenfs(bytes: Uint8Array): Promise<WalkFs | undefined> {
  const peers = process.env['BENCH_PEERS']
  try {
    const require = createRequire(join(peers ?? ROOT, 'package.json'))
    const zenfs = await import(pathToFileURL(require.resolve('@zenfs/core')).href)
    await zenfs.configure({ mounts: { '/': zenfs.InMemory } })
    // It takes a backslash for a slash.
    fill(zenfs.fs as FillFs, bytes, path => path.replaceAll('\\', '_'))
    return zenfs.fs as WalkFs
  } catch (error) {
    skipped(
      'ZenFS',
      `@zenfs/core can't be used; BENCH_PEERS=DIR names where it is installed (${String(error).split('\n')[0]})`,
    )
    return undefined
  }
}

/** A C tool: by its environment variable, else on PATH. */
export function cTool(name: 'composefs-info' | 'mkcomposefs'): string | undefined {
  const variable = name.toUpperCase().replace('-', '_')
  const command = process.env[variable] ?? name
  if (spawnSync(command, [], { stdio: 'ignore' }).error === undefined) return command
  skipped(`the C ${name}`, `not on PATH; ${variable} may name it`)
  return undefined
}

/** A command of ours as `npm run build` leaves it. */
export function ownCommand(name: string): string | undefined {
  const path = join(ROOT, 'dist/bin', `${name}.js`)
  if (existsSync(path)) return path
  skipped(name, 'not built: npm run build')
  return undefined
}

/** Numbers in [0, 1), the same in each run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
