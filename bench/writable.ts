// Contestants that can be written to, each over the same lower tree: ours in memory and kept by a directory, memfs (which
// has no lower one and is filled), Node's fs on a kernel overlay, ZenFS' copy-on-write. Not here: any measuring.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createFsFromVolume, Volume } from 'memfs'
import { buildImage, DirectoryStore, mountSync, openImageSync, TreeBuilder } from '../src/node.js'
import { KernelMounts, kernelReason } from '../test/helpers/kernel.js'
import { ROOT } from '../test/helpers/paths.js'
import { fileSystemOf, kernelOverlay } from './kernel-overlay.js'
import { skipped } from './measure.js'

export type WriteFs = typeof fs

export const MEMORY = 'ours, in memory'
export const DIRECTORY = 'ours, upper: DIR'
export const KERNEL = 'Node fs, kernel overlay'
export const MEMFS = 'memfs'
export const ZENFS = 'ZenFS CopyOnWrite'

/** What is below: directories, empty files, and one file with bytes in an object. */
export interface LowerTree {
  readonly directories: readonly string[]
  readonly files: readonly string[]
  readonly big?: { readonly path: string; readonly bytes: Uint8Array }
}

/** A tree to write to, and its end. */
export interface Opened {
  readonly fs: WriteFs
  /** Before each path. */
  readonly top: string
  end(): void
}

export interface WriteSubject {
  readonly name: string
  /** Whether there is a lower layer. */
  readonly layered: boolean
  /** Times of directories grow with the square of their size: only small ones can be measured. */
  readonly slow: boolean
  open(): Opened | Promise<Opened>
}

function fill(to: Pick<WriteFs, 'mkdirSync' | 'writeFileSync'>, { directories, files, big }: LowerTree): void {
  for (const path of directories) to.mkdirSync(path)
  for (const path of files) to.writeFileSync(path, '')
  if (big !== undefined) to.writeFileSync(big.path, big.bytes)
}

interface Zenfs {
  readonly fs: WriteFs
  readonly InMemory: unknown
  readonly CopyOnWrite: unknown
  umount(path: string): void
  mount(path: string, mounted: unknown): void
  resolveMountConfig(config: unknown): Promise<unknown>
}

let missing = false

/** It is LGPL and so no dependency of this project: it has to be there already. */
export async function zenfs(): Promise<Zenfs | undefined> {
  const peers = process.env['BENCH_PEERS']
  try {
    const require = createRequire(join(peers ?? ROOT, 'package.json'))
    return (await import(pathToFileURL(require.resolve('@zenfs/core')).href)) as Zenfs
  } catch (error) {
    const why = `@zenfs/core can't be used; BENCH_PEERS=DIR names where it is installed (${String(error).split('\n')[0]})`
    if (!missing) skipped('ZenFS', why)
    missing = true
    return undefined
  }
}

async function openZenfs(core: Zenfs, lower: LowerTree): Promise<Opened> {
  const [readable, writable] = [
    await core.resolveMountConfig({ backend: core.InMemory }),
    await core.resolveMountConfig({ backend: core.InMemory }),
  ]
  core.umount('/')
  core.mount('/', readable)
  fill(core.fs, lower)
  core.umount('/')
  core.mount('/', await core.resolveMountConfig({ backend: core.CopyOnWrite, readable, writable }))
  return { fs: core.fs, top: '', end: () => {} }
}

/** The tree as an image with its objects in a directory. */
async function imageOf({ directories, files, big }: LowerTree, directory: string): Promise<[string, string]> {
  const base = fs.mkdtempSync(join(directory, 'lower-'))
  const [file, objects] = [join(base, 'image'), join(base, 'objects')]
  fs.mkdirSync(objects)
  const builder = new TreeBuilder()
  for (const path of directories) builder.addDirectory(path)
  for (const path of files) builder.addFile(path, '')
  if (big !== undefined) builder.addFile(big.path, big.bytes)
  fs.writeFileSync(file, (await buildImage(builder, { store: new DirectoryStore(objects) })).image)
  return [file, objects]
}

/** All who can be had. Whoever is opened starts with just the lower tree. */
export async function writeSubjects(lower: LowerTree, directory: string, slowToo = true): Promise<WriteSubject[]> {
  const [file, store] = await imageOf(lower, directory)
  const image = openImageSync(file)
  const ours = (name: string, upper: () => string | undefined): WriteSubject => ({
    name,
    layered: true,
    slow: false,
    open: () => {
      const at = upper()
      const m = mountSync(image, { store, ...(at === undefined ? { writable: true } : { upper: at }) })
      const end = () => {
        m.unmount()
        if (at !== undefined) fs.rmSync(at, { recursive: true })
      }
      return { fs: m.fs as unknown as WriteFs, top: '', end }
    },
  })
  const out = [ours(MEMORY, () => undefined), ours(DIRECTORY, () => fs.mkdtempSync(join(directory, 'upper-')))]
  const reason = kernelReason()
  if (reason !== undefined) skipped(KERNEL, reason)
  else {
    const below = new KernelMounts().composefs(file, store)
    const open = () => {
      const { path, unmount } = kernelOverlay([below.path], directory)
      return { fs, top: path, end: unmount }
    }
    out.push({ name: KERNEL, layered: true, slow: false, open })
  }
  const openMemfs = () => {
    const volume = createFsFromVolume(new Volume()) as unknown as WriteFs
    fill(volume, lower)
    return { fs: volume, top: '', end: () => {} }
  }
  out.push({ name: MEMFS, layered: false, slow: false, open: openMemfs })
  const core = slowToo ? await zenfs() : undefined
  if (core !== undefined) out.push({ name: ZENFS, layered: true, slow: true, open: () => openZenfs(core, lower) })
  return out
}

export function whereUppersLie(directory: string): string {
  return `uppers of directories and of the kernel lie on ${fileSystemOf(directory)}`
}
