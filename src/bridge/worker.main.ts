// The package's own serving thread: a worker of Node or of a browser that serves stores and files by URL to whoever sends it
// a port. dist/bridge-worker.js is this file with all that it needs.

import type { MessagePort as NodePort } from 'node:worker_threads'
import type { BridgePort } from './protocol.js'
import { serveBridge } from './serve.js'
import type { Hello } from './start.js'
import { urlServing } from './url-serving.js'

const serving = urlServing()

function serve(message: unknown): void {
  const { composefsBridge } = (message ?? {}) as Partial<Hello>
  if (composefsBridge !== undefined) serveBridge(composefsBridge as BridgePort, serving)
}

const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads') as
  | { readonly parentPort: NodePort | null }
  | undefined
if (threads === undefined) globalThis.addEventListener('message', event => serve(event.data))
else threads.parentPort?.on('message', serve)
