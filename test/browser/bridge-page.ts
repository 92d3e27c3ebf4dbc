// What a page and its worker do for bridge.test.ts: a mount over HTTP is read by synchronous calls, where that can be, and a
// worker reads what its page serves.
import type nodeFs from 'node:fs'
import { Bridge, HttpStore, IndexedDbStore, mount, openBridge, openImage, serveBridge } from '../../src/index.js'

export interface Task {
  readonly image: string
  readonly digest: string
  readonly objects: string
  readonly objectNames: readonly string[]
}

export interface Said {
  readonly isolated: boolean
  readonly shares: boolean
  /** Is HTTP spoken by the thread itself? */
  readonly direct: boolean
  /** SHA-256 of all files by synchronous calls, or the code of the first that failed. */
  readonly sync: Readonly<Record<string, string>> | string
  /** The same by promises. */
  readonly awaited: Readonly<Record<string, string>> | string
  /** What a file that is opened synchronously says. */
  readonly source: string
  /** Of an object that is not there. */
  readonly missing: string
}

type Fs = typeof nodeFs

const isPage = typeof document !== 'undefined'

function failure(error: unknown): string {
  const { code, message } = error as { code?: unknown; message: string }
  return typeof code === 'string' ? `${code} ${message}` : String(error)
}

async function tried<T>(run: () => T | Promise<T>): Promise<T | string> {
  try {
    return await run()
  } catch (error) {
    return failure(error)
  }
}

async function hashes(files: readonly [string, Uint8Array][]): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [path, bytes] of files) {
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)))
    found[path] = Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')
  }
  return found
}

function readSync(fs: Fs, path = ''): [string, Uint8Array][] {
  return fs.readdirSync(path === '' ? '/' : path).flatMap((name): [string, Uint8Array][] => {
    const child = `${path}/${name}`
    const stat = fs.lstatSync(child)
    if (stat.isDirectory()) return readSync(fs, child)
    return stat.isFile() ? [[child, fs.readFileSync(child)]] : []
  })
}

async function readAwaited(fs: Fs, path = ''): Promise<[string, Uint8Array][]> {
  const found: [string, Uint8Array][] = []
  for (const name of await fs.promises.readdir(path === '' ? '/' : path)) {
    const child = `${path}/${name}`
    const stat = await fs.promises.lstat(child)
    if (stat.isDirectory()) found.push(...(await readAwaited(fs, child)))
    else if (stat.isFile()) found.push([child, await fs.promises.readFile(child)])
  }
  return found
}

async function overHttp({ image, digest, objects }: Task): Promise<Said> {
  const bridge = await openBridge()
  const open = async () => {
    const merkleTree = await bridge.source(`${image}.verity`)
    return openImage(await bridge.source(image), { lazy: true, digest, merkleTree })
  }
  const store = bridge.store(objects)
  const [first, second] = [await mount(await open(), { store }), await mount(await open(), { store })]
  const source = await tried(() => bridge.sourceSync(image).readSync?.(0, 1).length.toString() ?? 'no form')
  const said = {
    isolated: globalThis.crossOriginIsolated,
    shares: typeof SharedArrayBuffer === 'function',
    direct: store instanceof HttpStore,
    sync: await tried(() => hashes(readSync(first.fs as unknown as Fs))),
    awaited: await tried(async () => hashes(await readAwaited(second.fs as unknown as Fs))),
    source,
    missing: String(await tried(() => store.openSync?.('no/such') ?? 'no form')),
  }
  bridge.close()
  return said
}

/** In a worker: reads what the page serves. */
async function fromPage({ image, digest }: Task, port: MessagePort): Promise<unknown> {
  const bridge = new Bridge(port)
  const { fs } = await mount(image, { digest, store: bridge.store('kept') })
  const said = await tried(() => hashes(readSync(fs as unknown as Fs)))
  bridge.close()
  return said
}

/** In a page: keeps the objects in IndexedDB and serves them to a worker. */
async function toWorker(task: Task, script: string): Promise<unknown> {
  const kept = new IndexedDbStore('bridge')
  for (const name of task.objectNames) {
    const response = await fetch(`${task.objects}/${name}`)
    await kept.put(name, new Uint8Array(await response.arrayBuffer()))
  }
  const { port1, port2 } = new MessageChannel()
  const server = serveBridge(port1, { stores: { kept } })
  const worker = new Worker(script, { type: 'module' })
  try {
    return await asked(worker, [task, port2], [port2])
  } finally {
    server.close()
    worker.terminate()
  }
}

function asked(worker: Worker, message: unknown, transfer: Transferable[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    worker.onerror = event => reject(new Error(event.message))
    worker.onmessage = event => resolve(event.data)
    worker.postMessage(message, transfer)
  })
}

async function inWorker(task: Task, script: string): Promise<unknown> {
  const worker = new Worker(script, { type: 'module' })
  try {
    return await asked(worker, [task], [])
  } finally {
    worker.terminate()
  }
}

if (isPage) {
  Object.assign(globalThis, { overHttp, toWorker, inWorker })
} else {
  globalThis.onmessage = async event => {
    const [task, port] = event.data as [Task, MessagePort | undefined]
    const said = await tried<unknown>(() => (port === undefined ? overHttp(task) : fromPage(task, port)))
    ;(globalThis as unknown as { postMessage(message: unknown): void }).postMessage(said)
  }
}
