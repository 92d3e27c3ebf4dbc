// A lazily opened image on a web server (nginx, on loopback, with latency added to each round trip): requests and bytes by
// the server's own log, and time, for what a user does first; against fetching the whole image before.
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../src/host/hash.js'
import { type Mount, merkleTree, mount, mountSync, type OpenOptions } from '../src/node.js'
import { type LogEntry, type Nginx, startNginx } from '../test/helpers/nginx.js'
import { budget, bytes, milliseconds, table } from './measure.js'
import { largeImage, scratch } from './subjects.js'

const LATENCIES = [0, 20, 100]
const ROOT_REQUESTS = 3
const ROOT_BYTES = 64 * 1024

type Do = (fs: Mount['fs']['promises']) => Promise<unknown>

async function listing(fs: Mount['fs']['promises']): Promise<void> {
  const names = (await fs.readdir('/')) as string[]
  await Promise.all(names.map(name => fs.lstat(`/${name}`)))
}

async function everything(fs: Mount['fs']['promises'], dir = ''): Promise<void> {
  for (const name of (await fs.readdir(dir === '' ? '/' : dir)) as string[]) {
    const path = `${dir}/${name}`
    if ((await fs.lstat(path)).isDirectory()) await everything(fs, path)
  }
}

/** The path with the most directories above it. */
function deepest(file: string): string {
  const mounted = mountSync(file)
  let found = '/'
  for (const { path } of mounted.images[0].entries()) if (path.split('/').length > found.split('/').length) found = path
  mounted.unmount()
  return found
}

interface Cost {
  readonly requests: number
  readonly bytes: number
  readonly ms: number
}

async function costOf(server: Nginx, options: OpenOptions, run: Do): Promise<Cost> {
  await server.log()
  const started = performance.now()
  const mounted = await mount(`${server.url}/image`, options)
  await run(mounted.fs.promises)
  const ms = performance.now() - started
  mounted.unmount()
  const entries: LogEntry[] = await server.log()
  return { requests: entries.length, bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0), ms }
}

const directory = scratch()
const large = largeImage(directory)
if (large === undefined) console.log('skipped: no large image')
else {
  const { file, bytes: content } = large
  copyFileSync(file, join(directory, 'image'))
  writeFileSync(join(directory, 'image.verity'), merkleTree(content, sha256))
  const known = mountSync(file)
  const digest = known.images[0].digest()
  known.unmount()
  const deep = deepest(file)
  const ways: [string, OpenOptions][] = [
    ['whole', {}],
    ['lazy', { lazy: true }],
    ['lazy, digest checked', { lazy: true, digest }],
  ]
  const deeds: [string, Do][] = [
    ['list / with stats', listing],
    [`stat ${deep.split('/').length - 1} levels deep`, fs => fs.lstat(deep)],
    ['walk everything', fs => everything(fs)],
  ]
  for (const latency of LATENCIES) {
    const server = await startNginx({ root: directory, latency })
    if (server === undefined) break
    const rows: string[][] = []
    for (const [deed, run] of deeds) {
      for (const [way, options] of ways) {
        const cost = await costOf(server, options, run)
        rows.push([deed, way, String(cost.requests), bytes(cost.bytes), milliseconds(cost.ms)])
        if (latency === 0 && run === listing && way === 'lazy') {
          const { requests, bytes: sent } = cost
          budget('requests to list /', `at most ${ROOT_REQUESTS}`, String(requests), requests <= ROOT_REQUESTS)
          budget('bytes to list /', `at most ${bytes(ROOT_BYTES)}`, bytes(sent), sent <= ROOT_BYTES)
        }
      }
    }
    console.log(`cs9-developer (${bytes(content.length)}) over HTTP, ${latency} ms more a round trip`)
    table(['', '', 'requests', 'bytes', 'time'], rows)
    await server.stop()
  }
}
