// The worker's parts without a worker: documents opened in Node, the demo beside them, and what a dump says of an image. Not here: any
// test.
import { mkdtempSync, openAsBlob, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { Documents } from '../../src/playground/engine/documents.js'
import { ImageMaps } from '../../src/playground/engine/image-map.js'
import { Jobs } from '../../src/playground/engine/jobs.js'
import type { DocumentInfo } from '../../src/playground/protocol.js'
import { DirectoryStore } from '../../src/store/directory.js'
import type { ObjectStore } from '../../src/store/object-store.js'
import { command } from '../helpers/command.js'
import { ROOT, SHARED, vector } from '../helpers/paths.js'

/** A folder that goes with the process. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'composefs-engine-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Builds the demo: one.cfs, two.cfs and objects/. */
export async function demo(): Promise<string> {
  const dir = join(temporaryFolder(), 'demo')
  const { buildDemo } = (await import(pathToFileURL(join(ROOT, '.ci/demo.mjs')).href)) as {
    buildDemo(dir: string): Promise<unknown>
  }
  await buildDemo(dir)
  return dir
}

export class EngineWorld {
  readonly jobs = new Jobs()
  readonly documents = new Documents('http://localhost/', this.jobs)
  readonly maps = new ImageMaps(this.documents, this.jobs)

  /** Opens an image; `lazy` as one of which only what was asked for is here. */
  async open(file: string, options: { lazy?: boolean; store?: ObjectStore | string } = {}): Promise<DocumentInfo> {
    const { lazy = false, store } = options
    const blob = file.endsWith('.gz') ? new Blob([gunzipSync(readFileSync(file))]) : await openAsBlob(file)
    return this.documents.add({
      bytes: lazy ? (blob as Blob) : new Uint8Array(await blob.arrayBuffer()),
      options: { lazy },
      name: basename(file),
      origin: 'file',
      store: typeof store === 'string' ? new DirectoryStore(store) : store,
    })
  }
}

/** The large image that composefs' authors measured by, unpacked; undefined where the vectors are not here. */
export function developerImage(): string | undefined {
  return SHARED === undefined ? undefined : vector('composefs', 'cs9-x86_64-developer.cfs.gz')
}

/** Objects that an image names, with their sizes, as its dump has them. */
export function dumpedObjects(file: string): Map<string, number> {
  const { stdout, status, stderr } = command('composefs-info', 'dump', file)
  if (status !== 0) throw new Error(stderr)
  const found = new Map<string, number>()
  for (const line of stdout.toString('latin1').trimEnd().split('\n')) {
    const [, size, mode, , , , , , payload] = line.split(' ')
    if (!mode.startsWith('@') && (Number.parseInt(mode, 8) & 0o170000) === 0o100000 && payload !== '-')
      found.set(payload.replace(/^\/+/, ''), Number(size))
  }
  return found
}
