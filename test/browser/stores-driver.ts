// Drives stores-page.ts: serves it and an image with its objects, and has a page or a worker of it do tasks.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import esbuild from 'esbuild'
import type { Page } from 'playwright-core'
import { buildImage, MemoryStore, TreeBuilder } from '../../src/node.js'
import { ROOT } from '../helpers/paths.js'
import { noise } from '../helpers/store-hash.js'
import { TIMEOUT_MS } from './chromium.js'
import type { Task, TaskName } from './stores-page.js'

export const KINDS = ['indexeddb', 'opfs'] as const

/** The helpers' own hashing and Buffer are Node's; the page needs neither, but for comparing. */
const SHIM = `globalThis.Buffer = { from: bytes => ({
  equals: other => bytes.length === other.length && bytes.every((byte, at) => byte === other[at]) }) }`

async function bundle(): Promise<string> {
  const result = await esbuild.build({
    stdin: { contents: `${SHIM}\nimport './stores-page.ts'`, resolveDir: `${ROOT}/test/browser`, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    // The page is a program, though the package says that none of its files are.
    ignoreAnnotations: true,
    plugins: [
      {
        name: 'no-node',
        setup: build => {
          build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'no-node' }))
          const contents = 'export const createHash = undefined'
          build.onLoad({ filter: /.*/, namespace: 'no-node' }, () => ({ contents }))
        },
      },
    ],
  })
  return result.outputFiles[0].text
}

/** A tree with files of all sizes that matter; paths and SHA-256 of their bytes. */
async function sample() {
  const builder = new TreeBuilder()
  const hashes: Record<string, string> = {}
  const sizes = [0, 10, 100, 4096, 4097, 40_000, 300_000, 2 ** 20, 2 ** 20 + 1, 3_500_000]
  builder.addDirectory('/dir')
  sizes.forEach((size, at) => {
    const bytes = noise(size, at + 100)
    builder.addFile(`/dir/${at}`, bytes)
    hashes[`dir/${at}`] = createHash('sha256').update(bytes).digest('hex')
  })
  const store = new MemoryStore()
  const { image, digest } = await buildImage(builder, { store })
  const objects: [string, Uint8Array][] = []
  for await (const name of store.list()) {
    const object = await store.open(name)
    objects.push([name, await object.read(0, object.size)])
  }
  return { image, digest, objects, hashes }
}

export interface Site {
  readonly origin: string
  readonly image: Task['image']
  readonly digest: string
  /** What the image's files hold. */
  readonly hashes: Readonly<Record<string, string>>
  close(): void
}

export async function serveStores(): Promise<Site> {
  const [script, { image, digest, objects, hashes }] = await Promise.all([bundle(), sample()])
  const html =
    '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js">'
  const served = new Map<string, [string, string | Uint8Array]>([
    ['/', ['text/html', `${html}</script>`]],
    ['/page.js', ['text/javascript', script]],
    ['/image', ['application/octet-stream', image]],
    ...objects.map(([name, bytes]): [string, [string, Uint8Array]] => [`/o/${name}`, ['application/x-object', bytes]]),
  ])
  const server = createServer((request, response) => {
    const [type, body] = served.get(request.url ?? '') ?? []
    if (type === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': type }).end(body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    image: { url: `${origin}/image`, objects: objects.map(([name]) => [name, `${origin}/o/${name}`]) },
    digest,
    hashes,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Opens the page, and waits until it takes tasks. */
export async function ready(page: Page, site: Site): Promise<Page> {
  page.setDefaultTimeout(TIMEOUT_MS)
  await page.goto(`${site.origin}/`)
  await page.waitForFunction('typeof run === "function"')
  return page
}

export type Place = 'page' | 'worker'

/** Has the page, or its worker, do a task; rejects when it takes too long, as the browser's death would. */
export async function ask<T>(page: Page, place: Place, name: TaskName, task: object): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} ${JSON.stringify(task)} in a ${place}: no answer`)), TIMEOUT_MS)
  })
  return Promise.race([send<T>(page, place, name, task), late]).finally(() => clearTimeout(timer))
}

async function send<T>(page: Page, place: Place, name: TaskName, task: object): Promise<T> {
  const given = JSON.stringify([name, task])
  if (place === 'page') return page.evaluate(`run(...${given})`) as Promise<T>
  return page.evaluate(`new Promise((resolve, reject) => {
    globalThis.worker ??= new Worker('/page.js', { type: 'module' })
    const id = Math.random()
    worker.addEventListener('error', event => reject(new Error(event.message)))
    worker.addEventListener('message', ({ data }) => {
      if (data.id !== id) return
      if (data.error === undefined) resolve(data.answer)
      else reject(new Error(data.error))
    })
    worker.postMessage([id, ...${given}])
  })`) as Promise<T>
}
