// The serving thread in a browser: a worker.

import { noThread, type ServingThread } from './start.js'

/** What is made of a worker, the package's own or one of the user's that runs it. */
export function webThread(worker: Worker): ServingThread {
  return {
    connect() {
      const { port1, port2 } = new MessageChannel()
      worker.postMessage({ composefsBridge: port2 }, [port2])
      return port1
    },
    onEnd: ended => worker.addEventListener('error', () => ended('the serving worker can not be started')),
    terminate: () => worker.terminate(),
  }
}

/** Starts a worker; throws EIO where the browser does not let us. */
export function startWorker(script: () => Worker): ServingThread {
  try {
    return webThread(script())
  } catch (error) {
    throw noThread(error)
  }
}
