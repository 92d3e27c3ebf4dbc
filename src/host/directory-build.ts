// A tree from a directory of the host, its files' bytes measured and put into a store: what mkcomposefs does with a SOURCE
// that is no dump (spec composefs-tools.md 1.4 and 3; cfs-v1.md 2.1). Not here: options, writing the image.

import fs from 'node:fs'
import { errnoText, isErrnoName } from '../format/errno.js'
import { binaryString } from '../format/xattr-name.js'
import { BuildRegister, isUnwritable } from '../store/directory-builds.js'
import { IngestError } from '../store/directory-ingest.js'
import { missingDirectories, ownDescriptors, syncDirectories } from '../store/directory-writer.js'
import { type Scanned, scanFs } from '../tree/fs-source.js'
import { DIGEST_SIZE, type Tree } from '../tree/tree.js'
import { type IngestData, type IngestRows, ingestFiles, ingestRows, RESULT_ROOM, stateOf } from './ingest-pool.js'
import { processors, WorkerPool } from './worker-pool.js'
import { hostXattrs } from './xattrs.js'

/** Bytes up to which an EROFS image gets a file itself. The tool's number; the format allows more. */
const INLINE_MAX = 64
/** From so much on a second thread pays: a worker is there after some 20 ms, in which one thread hashes 25 MB. */
const THREADS_BYTES = 32 << 20
const THREADS_FILES = 2000
const REPORT_MS = 100
/** Threads that a processor gets at most: a thread takes some 7 MB, and more of them are no faster. */
const THREADS_EACH = 4
const HEX = '0123456789abcdef'
const SLASH = 0x2f

/** How regular files are named in cfs v1 images. */
export interface CfsV1Files {
  /** By the object's name, relative to SOURCE, or absolute with all symlinks of SOURCE's own path resolved. */
  readonly payload: 'digest' | 'relative' | 'absolute'
  /** Whether a file's digest is given; with `payload: 'digest'` and with a store it always is. */
  readonly digest: boolean
}

/** Is told what there is to do, and what has been done. */
export interface BuildProgress {
  expect(files: number, bytes: number): void
  add(files: number, bytes: number): void
}

export interface DirectoryBuildOptions {
  /** Directory of the object store, made when something is to be stored; without one nothing is. */
  readonly store?: string
  /** Threads that read files, this one included; as many as there are processors unless said so. */
  readonly threads?: number
  readonly useEpoch?: boolean
  readonly skipDevices?: boolean
  /** Which extended attributes are taken; all unless said so. */
  readonly xattrs?: 'none' | 'user' | 'all'
  /** Find hard links; unless said so, as in mkcomposefs, every name is a file of its own. */
  readonly hardLinks?: boolean
  /** Rules of a cfs v1 image; EROFS images' unless given. */
  readonly cfsV1?: CfsV1Files
  /** Told how much there is to read, and now and then how much more was; then this thread only watches the others. */
  readonly progress?: BuildProgress
  /** What workers run, which has to serve `ingestFiles`; then too this thread only watches. This bundle unless given. */
  readonly worker?: URL
}

export interface BuildSummary {
  /** Regular files that hold bytes, names of one file counted once when hard links are found, and their bytes. */
  readonly files: number
  readonly bytes: number
  /** Objects that the store did not have. */
  readonly newObjects: number
  readonly newBytes: number
  /** Files whose object was there already, or was another file's too. */
  readonly sharedObjects: number
  readonly sharedBytes: number
  /** Files that the image holds itself. */
  readonly inlined: number
}

export interface DirectoryBuild {
  readonly tree: Tree
  readonly summary: BuildSummary
  /**
   * To be called when the image is in its place, or given up: until then the store's gc takes nothing that was put or
   * found there. A second call does nothing.
   */
  release(): void
}

/**
 * Builds a tree. What was stored is on the disk, names and all, when it resolves. Rejects with a SourceError (the tree), an
 * IngestError (a file, its object, or the store) or a TreeError (xattrs can't be read here at all); by then no thread
 * works any more, and the store has complete objects only.
 */
export async function buildDirectory(source: string, options: DirectoryBuildOptions = {}): Promise<DirectoryBuild> {
  const { useEpoch, skipDevices, hardLinks, xattrs = 'all', cfsV1 } = options
  const descriptors = ownDescriptors()
  const scanned = scanFs(fs, source, {
    useEpoch,
    skipDevices,
    hardLinks,
    xattrs,
    xattrSource: xattrs === 'none' ? undefined : hostXattrs(),
    ctime: cfsV1 !== undefined,
    descriptors: descriptors === undefined ? undefined : { fs, path: descriptors },
  })
  const inlineMax = cfsV1 === undefined ? INLINE_MAX : 0
  const byDigest = cfsV1 === undefined || cfsV1.payload === 'digest' || options.store !== undefined
  const needed = scanned.files.count > 0 && (byDigest || cfsV1.digest)
  let register: BuildRegister | undefined
  try {
    const summary = { files: 0, bytes: 0, newObjects: 0, newBytes: 0, sharedObjects: 0, sharedBytes: 0, inlined: 0 }
    if (needed) {
      const { rows, bytes } = ingestRows(scanned)
      const store = stores(scanned, inlineMax) ? options.store : undefined
      const above = store === undefined ? [] : inStore(store, () => missingDirectories(store))
      if (store !== undefined) register = registered(store)
      const target = { store, unwritable: store !== undefined && register === undefined, inlineMax }
      const touched = await ingest(rows, bytes, target, options)
      if (store !== undefined) inStore(store, () => syncDirectories(store, touched, above))
      place(scanned, rows, byDigest)
      count(rows, scanned, summary)
    }
    if (!byDigest) {
      namePaths(scanned, cfsV1.payload === 'absolute' ? fs.realpathSync.native(source, 'buffer') : undefined)
    }
    const held = register
    return { tree: scanned.tree, summary, release: () => held?.end() }
  } catch (error) {
    try {
      register?.end()
    } catch {
      // What was wrong first says more.
    }
    throw error
  }
}

/** undefined where the store is there and can't be written to: it may have all that is needed. */
function registered(store: string): BuildRegister | undefined {
  try {
    return inStore(store, () => BuildRegister.begin(store))
  } catch (error) {
    if (isUnwritable(error) && fs.existsSync(store)) return undefined
    throw error
  }
}

/** What goes wrong with the store itself names it. */
function inStore<T>(store: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
    // What mkdir says of a file in the directory's place.
    const code = error.code === 'EEXIST' ? 'ENOTDIR' : String(error.code)
    throw new IngestError(code, store, 'object store', isErrnoName(code) ? errnoText(code) : error.message, error)
  }
}

/** Is there a file that a store gets? */
function stores({ files }: Scanned, inlineMax: number): boolean {
  for (let i = 0; i < files.count; i++) if (files.size(i) > inlineMax) return true
  return false
}

async function ingest(
  rows: IngestRows,
  bytes: number,
  target: Pick<IngestData, 'store' | 'unwritable' | 'inlineMax'>,
  { threads = processors(), progress, worker }: DirectoryBuildOptions,
): Promise<Set<string>> {
  const jobs = rows.jobs.length - 1
  const pays = bytes >= THREADS_BYTES || rows.count >= THREADS_FILES
  // A bar is drawn by this thread's event loop, and a program that is not a command has other things to do.
  const here = !pays || (progress === undefined && worker === undefined)
  const pool = new WorkerPool(pays ? Math.min(threads, jobs, THREADS_EACH * processors()) - (here ? 1 : 0) : 0, worker)
  const done = new BigInt64Array(new SharedArrayBuffer(16))
  const report = reporter(done, progress)
  progress?.expect(rows.count, bytes)
  const timer = here ? undefined : setInterval(report, REPORT_MS)
  try {
    const touched = await pool.run(ingestFiles, { rows, done, ...target }, jobs, { here })
    return new Set(touched.flat())
  } finally {
    clearInterval(timer)
    report()
    await pool.close()
  }
}

/** Tells of what was counted since it did so last. */
function reporter(done: BigInt64Array, progress: DirectoryBuildOptions['progress']): () => void {
  const told = { files: 0, bytes: 0 }
  return () => {
    const files = Number(Atomics.load(done, 0))
    const bytes = Number(Atomics.load(done, 1))
    progress?.add(files - told.files, bytes - told.bytes)
    Object.assign(told, { files, bytes })
  }
}

/** Writes the name of an object of the digest at a place; objectName makes a string of it, and a million strings. */
function writeObjectName({ results }: IngestRows, at: number, into: Uint8Array): void {
  for (let i = 0, to = 0; i < DIGEST_SIZE; i++) {
    const byte = results[at + i]
    into[to++] = HEX.charCodeAt(byte >> 4)
    into[to++] = HEX.charCodeAt(byte & 15)
    if (i === 0) into[to++] = SLASH
  }
}

/** Gives the tree what came out: content, or digest and payload. */
function place({ tree, files }: Scanned, rows: IngestRows, byDigest: boolean): void {
  const payload = new Uint8Array(2 * DIGEST_SIZE + 1)
  const { results } = rows
  for (let i = 0; i < rows.count; i++) {
    const node = files.node[i]
    const at = i * RESULT_ROOM
    if (stateOf(rows, i) === 'inlined') {
      tree.setContent(node, results, at, at + files.size(i))
      continue
    }
    tree.setDigest(node, results, at)
    if (!byDigest) continue
    writeObjectName(rows, at, payload)
    tree.setPayload(node, payload, 0, payload.length)
  }
}

function count(
  rows: IngestRows,
  { files }: Scanned,
  summary: { -readonly [K in keyof BuildSummary]: BuildSummary[K] },
) {
  const written = new Set<string>()
  for (let i = 0; i < rows.count; i++) {
    const size = files.size(i)
    const state = stateOf(rows, i)
    summary.files++
    summary.bytes += size
    if (state === 'inlined') summary.inlined++
    if (state !== 'new' && state !== 'shared') continue
    const digest = binaryString(rows.results.subarray(i * RESULT_ROOM, i * RESULT_ROOM + DIGEST_SIZE))
    // Two threads may both have written what two files have in common.
    if (state === 'new' && !written.has(digest)) {
      written.add(digest)
      summary.newObjects++
      summary.newBytes += size
    } else {
      summary.sharedObjects++
      summary.sharedBytes += size
    }
  }
}

/** Payloads by path, for all files that hold bytes: below `above`, or relative to the source. */
function namePaths({ tree, files }: Scanned, above: Buffer | undefined): void {
  const prefix = above === undefined ? '' : above.toString('latin1').replace(/\/+$/, '')
  for (let i = 0; i < files.count; i++) {
    const node = files.node[i]
    const path = above === undefined ? tree.path(node).slice(1) : prefix + tree.path(node)
    const bytes = Buffer.from(path, 'latin1')
    tree.setPayload(node, bytes, 0, bytes.length)
  }
}
