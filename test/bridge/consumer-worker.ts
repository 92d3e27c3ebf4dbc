// A thread that reads a mount synchronously, of stores that the thread which started it serves.
import { parentPort } from 'node:worker_threads'
import { Bridge, mountSync, openImageSync } from '../../src/node.js'
import { hashesOf } from './tree-hash.js'

export interface Consumed {
  readonly port: MessagePort
  readonly digest: string
  /** Names of stores that are served. */
  readonly stores: readonly string[]
}

parentPort?.on('message', ({ port, digest, stores }: Consumed) => {
  const bridge = new Bridge(port)
  const answers = stores.map(name => {
    const merkleTree = bridge.sourceSync('image.verity')
    const image = openImageSync(bridge.sourceSync('image'), { lazy: true, digest, merkleTree })
    const mounted = mountSync(image, { store: bridge.store(name) })
    try {
      return hashesOf(mounted.fs)
    } catch (error) {
      return [String(error)]
    } finally {
      mounted.unmount()
      image.close()
    }
  })
  bridge.close()
  parentPort?.postMessage(answers)
})
