// The serving thread under Node: a worker that does not keep the process running.

import { Worker } from 'node:worker_threads'
import type { BridgePort } from '../bridge/protocol.js'
import { noThread, type ServingThread } from '../bridge/start.js'

export function nodeThread(given: Worker | URL): ServingThread {
  const worker = given instanceof URL ? started(given) : given
  worker.unref()
  return {
    connect() {
      const { port1, port2 } = new MessageChannel()
      worker.postMessage({ composefsBridge: port2 }, [port2 as never])
      return port1 as BridgePort
    },
    onEnd(ended) {
      worker.on('error', error =>
        ended(`the serving thread has failed: ${error instanceof Error ? error.message : ''}`),
      )
      worker.on('exit', () => ended('the serving thread has ended'))
    },
    terminate: () => void worker.terminate(),
  }
}

function started(script: URL): Worker {
  try {
    // Not with the options of this process, among which may be where its own program comes from.
    return new Worker(script, { execArgv: [] })
  } catch (error) {
    throw noThread(error)
  }
}
