// Threads for tests of bridges: workers bundled from this checkout's source, and a web server in a thread of its own, since
// the thread that tests may be one that waits.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import esbuild from 'esbuild'
import type { Bridge } from '../../src/bridge/bridge.js'
import { type BridgeOptions, Bridge as MakeBridge } from '../../src/bridge/bridge.js'
import { ROOT } from '../helpers/paths.js'

const folder = mkdtempSync(join(tmpdir(), 'composefs-bridge-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

/** A file of this checkout with all that it imports. */
export async function bundled(path: string): Promise<string> {
  const outfile = join(folder, `${path.replaceAll('/', '-')}.mjs`)
  await esbuild.build({
    entryPoints: [join(ROOT, path)],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    // The package says that none of its files are programs.
    ignoreAnnotations: true,
    logLevel: 'silent',
    external: ['koffi'],
  })
  return outfile
}

/** What a serving worker is to serve (serving-worker.ts). */
export interface Served {
  readonly port: MessagePort
  readonly kind: 'memory' | 'late' | 'directory' | 'odd'
  readonly directory?: string
}

let serving: Promise<string> | undefined

/** A worker that serves whatever it is told to. It does not keep the process running. */
export async function servingWorker(): Promise<Worker> {
  serving ??= bundled('test/bridge/serving-worker.ts')
  const worker = new Worker(await serving)
  worker.unref()
  return worker
}

/** A bridge to a store that a worker makes for it. */
export function bridgeTo(worker: Worker, served: Omit<Served, 'port'>, options?: BridgeOptions): Bridge {
  const { port1, port2 } = new MessageChannel()
  worker.postMessage({ ...served, port: port2 }, [port2 as never])
  return new MakeBridge(port1, options)
}

/** Serves the files of a directory, ranges and all; `/stall/…` never answers, `/secret/…` only who has the password. */
const FILE_SERVER = `
const { createServer } = require('node:http')
const { createReadStream, statSync } = require('node:fs')
const { join } = require('node:path')
const { parentPort, workerData } = require('node:worker_threads')
let requests = 0
const server = createServer((request, response) => {
  requests++
  const path = decodeURIComponent(new URL(request.url, 'http://x').pathname)
  if (path === '/.requests') return response.end(String(--requests))
  if (path.startsWith('/stall/')) return
  if (path.startsWith('/secret/') && request.headers.authorization === undefined) return response.writeHead(401).end()
  let stat
  try {
    stat = statSync(join(workerData, path.replace('/secret/', '/')))
    if (!stat.isFile()) throw new Error('no file')
  } catch {
    return response.writeHead(404).end()
  }
  const range = /^bytes=(\\d+)-(\\d+)$/.exec(request.headers.range ?? '')
  const etag = '"' + stat.size + '-' + stat.mtimeMs + '"'
  const from = range === null ? 0 : Number(range[1])
  const to = range === null ? stat.size : Math.min(Number(range[2]) + 1, stat.size)
  if (range !== null && from >= stat.size) {
    return response.writeHead(416, { 'content-range': 'bytes */' + stat.size }).end()
  }
  response.writeHead(range === null ? 200 : 206, {
    etag,
    'content-length': to - from,
    ...(range === null ? {} : { 'content-range': 'bytes ' + from + '-' + (to - 1) + '/' + stat.size }),
  })
  if (request.method === 'HEAD' || to === from) return response.end()
  createReadStream(join(workerData, path.replace('/secret/', '/')), { start: from, end: to - 1 }).pipe(response)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

export interface FileServer {
  readonly url: string
  /** Requests so far. */
  requests(): Promise<number>
  stop(): Promise<unknown>
}

export async function fileServer(directory: string): Promise<FileServer> {
  const worker = new Worker(FILE_SERVER, { eval: true, workerData: directory })
  const port = await new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  worker.unref()
  const url = `http://127.0.0.1:${port}`
  return {
    url,
    requests: async () => Number(await (await fetch(`${url}/.requests`)).text()),
    stop: () => worker.terminate(),
  }
}
