// What `npm start` runs: an image of a real tree, this checkout with its node_modules, is built, mounted, verified and held
// against the tree, with the time that each step took. The store stays in the user's cache folder, so a second run shows
// what is shared. At its end the playground is served with that image open in it.

import fs from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildDirectory, type DirectoryBuild } from '../host/directory-build.js'
import { ingestFiles } from '../host/ingest-pool.js'
import { serveTasks } from '../host/worker-pool.js'
import { type Image, type MountedFs, mountSync, openImageSync } from '../node.js'
import { parseArguments } from './arguments.js'
import { CommandError, reason, runCommand, wrongUsage } from './failure.js'
import { servePlayground } from './playground-server.js'
import { byteText } from './progress.js'
import { LISTEN_OPTIONS, type Listening, listeningAt, toldToEnd } from './serving.js'
import { writeAll } from './standard-output.js'
import { writeImage } from './write-image.js'

const PROGRAM = 'start'
const WIDTH = 34
const FOLDER = 'composefs-wasm'
const OPTIONS = { port: LISTEN_OPTIONS.port, 'no-serve': { type: 'boolean' } } as const
const USAGE = 'usage: npm start -- [--no-serve] [--port N]'

function print(line: string): void {
  writeAll(new TextEncoder().encode(`${line}\n`))
}

/** Does a step and says in one line what came of it. */
async function step<T>(what: string, run: () => T | Promise<T>, said: (result: T) => string): Promise<T> {
  const before = performance.now()
  const result = await run()
  const took = performance.now() - before
  print(`  ${what.padEnd(WIDTH)} ${`${took.toFixed(took < 10 ? 2 : 0)} ms`.padStart(10)}   ${said(result)}`)
  return result
}

/** A folder that lasts, or one that does not where there is no home to write to. */
function cacheFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), FOLDER)
  try {
    fs.mkdirSync(folder, { recursive: true })
    fs.accessSync(folder, fs.constants.W_OK)
    return folder
  } catch {
    return fs.mkdtempSync(join(tmpdir(), `${FOLDER}-`))
  }
}

async function buildTree(source: string, store: string): Promise<DirectoryBuild> {
  try {
    return await buildDirectory(source, { store, hardLinks: true })
  } catch (error) {
    // Where there is no call for them: the tree is worth showing without its xattrs.
    if (!(error instanceof Error && /koffi/.test(error.message))) throw error
    return buildDirectory(source, { store, hardLinks: true, xattrs: 'none' })
  }
}

/** Reads every file of the mount; answers how many bytes, and how many files are not as in the source. */
function readAll(m: MountedFs, source: string, paths: readonly string[]): { bytes: number; different: number } {
  let bytes = 0
  let different = 0
  for (const path of paths) {
    const data = m.readFileSync(path)
    bytes += data.length
    if (!fs.readFileSync(join(source, path)).equals(data)) different++
  }
  return { bytes, different }
}

/** Mounts the image once more, changes something, and makes a new image of that. */
async function change(image: Image, store: string): Promise<void> {
  const w = mountSync(image, { store, writable: true })
  await step(
    'change it: move src, write a file',
    () => {
      w.fs.renameSync('/src', '/source')
      w.fs.writeFileSync('/WRITTEN.md', '# Written in a mount\n\n'.repeat(10))
    },
    () =>
      w
        .changes()
        .map(({ change: how, path }) => `${how} ${path}`)
        .join(', '),
  )
  await step(
    'commit: a new image of all of it',
    () => w.commit({ hardLinks: true }),
    ({ size, digest, objects }) => `${objects.length} new objects, ${byteText(size)}, ${digest}`,
  )
  w.unmount()
}

/** What was made. */
interface Shown {
  readonly image: string
  readonly store: string
  /** Whether all of it is as in the tree. */
  readonly same: boolean
}

async function show(): Promise<Shown> {
  // The bundle lies in dist/bin.
  const source = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')
  const folder = cacheFolder()
  const store = join(folder, 'objects')
  const path = join(folder, 'checkout.cfs')
  print(`composefs-wasm: an image of ${source}\nin ${folder}\n`)
  const { tree, summary, release } = await step(
    'read, hash and store the tree',
    () => buildTree(source, store),
    ({ summary: s }) =>
      `${s.files} files, ${byteText(s.bytes)}: ${s.newObjects} new objects, ${s.sharedObjects} shared, ${s.inlined} inline`,
  )
  const { digest = '' } = await step(
    'write the image',
    () => writeImage(tree, { output: path, digest: true }),
    ({ size }) => `${tree.count} entries in ${byteText(size)}`,
  )
  release()
  const image = await step(
    'open it',
    () => openImageSync(path),
    it => `${it.format} version ${it.version}`,
  )
  await step(
    'its fs-verity digest',
    () => image.digest(),
    found => (found === digest ? found : `${found} instead of ${digest}`),
  )
  const m = await step(
    'mount it, checked and verified',
    () => mountSync(image, { store, digest, verity: 'require' }),
    () => 'as an fs',
  )
  const entries = await step(
    'look at everything in it',
    () => [...image.entries()],
    all => `${all.length} entries`,
  )
  const files = entries.filter(entry => (entry.mode & 0o170000) === 0o100000 && !entry.path.includes('\uFFFD'))
  const paths = files.map(entry => entry.path)
  const result = await step(
    'read every file, held against the tree',
    () => readAll(m.fs, source, paths),
    ({ bytes, different }) => `${paths.length} files, ${byteText(bytes)}, ${different} of them different`,
  )
  m.unmount()
  await change(image, store)
  image.close()
  print(`
What to type next:
  node dist/bin/composefs.js ls -lR ${path}
  node dist/bin/composefs.js stat ${path} /package.json
  node dist/bin/composefs.js cat ${path} /package.json --basedir ${store}
  node dist/bin/composefs.js build ${join(source, 'src')} ${join(folder, 'src.cfs')} --digest-store ${store}
  node dist/bin/composefs.js diff ${path} ${join(folder, 'src.cfs')}
  node dist/bin/composefs.js fsck ${store} ${path}
  node dist/bin/composefs.js playground ${path} --basedir ${store}
  npm test`)
  return { image: path, store, same: result.different === 0 && summary.files > 0 }
}

/** Until it is told to end. */
async function serve({ image, store }: Shown, listening: Listening): Promise<void> {
  const ended = toldToEnd()
  const { url, close } = await servePlayground({ image, store, ...listening })
  print(`\nThe playground, with the image open in it (Ctrl-C ends it):\n  ${url}`)
  await ended
  close()
}

async function main(): Promise<number> {
  const { values, positionals } = parseArguments(process.argv.slice(2), OPTIONS, '')
  if (positionals.length > 0) throw wrongUsage(USAGE)
  const listening = listeningAt(values, '')
  let shown: Shown
  try {
    shown = await show()
  } catch (error) {
    throw error instanceof CommandError ? error : new CommandError(reason(error))
  }
  if (!values['no-serve']) await serve(shown, listening)
  return shown.same ? 0 : 1
}

if (!serveTasks([ingestFiles])) runCommand(PROGRAM, main)
