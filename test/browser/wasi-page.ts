// What a page and its worker do for wasi.test.ts: a program runs on a mount whose objects are behind HTTP. In a worker they are read
// when the program asks; on a page, which can't wait, they are brought before.
import { HttpStore, mount, openBridge, openImage, runWasi } from '../../src/index.js'

export interface WasiTask {
  readonly program: string
  readonly image: string
  readonly digest: string
  readonly objects: string
  readonly args: readonly string[]
  /** On a page: bring all before. */
  readonly prefetch: boolean
}

export interface WasiSaid {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  readonly lacked: boolean
}

async function run(task: WasiTask, tree: Awaited<ReturnType<typeof mount>>): Promise<WasiSaid> {
  const program = await WebAssembly.compileStreaming(fetch(task.program))
  const { exitCode, stdout, stderr, lacked } = await runWasi(program, { mount: tree, args: task.args })
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
  return { exitCode, stdout: text(stdout), stderr: text(stderr), lacked: lacked !== undefined }
}

async function onPage(task: WasiTask): Promise<WasiSaid> {
  const tree = await mount(task.image, { digest: task.digest, store: new HttpStore(task.objects) })
  if (task.prefetch) await tree.prefetch('/', { recursive: true })
  return run(task, tree)
}

async function inThread(task: WasiTask): Promise<WasiSaid> {
  const { image, digest, objects } = task
  const bridge = await openBridge()
  try {
    const merkleTree = await bridge.source(`${image}.verity`)
    const opened = await openImage(await bridge.source(image), { lazy: true, digest, merkleTree })
    return await run(task, await mount(opened, { store: bridge.store(objects) }))
  } finally {
    bridge.close()
  }
}

async function inWorker(task: WasiTask, script: string): Promise<WasiSaid> {
  const worker = new Worker(script, { type: 'module' })
  try {
    return await new Promise((resolve, reject) => {
      worker.onerror = event => reject(new Error(event.message))
      worker.onmessage = event => resolve(event.data)
      worker.postMessage(task)
    })
  } finally {
    worker.terminate()
  }
}

if (typeof document !== 'undefined') Object.assign(globalThis, { onPage, inWorker })
else {
  globalThis.onmessage = async event => {
    const said = await inThread(event.data as WasiTask).catch((error: Error) => ({
      exitCode: -1,
      stdout: '',
      stderr: error.message,
      lacked: false,
    }))
    ;(globalThis as unknown as { postMessage(message: unknown): void }).postMessage(said)
  }
}
