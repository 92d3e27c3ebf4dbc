// Starts the finder in a worker of its own. Not here: what it does (search.main.ts).

import { type Remote, wrap } from 'comlink'
import type { RunningFinder } from './search.js'
import type { SearchIndex } from './search-index.js'
import type { WorkerScripts } from './worker-scripts.js'

/** What starts finders. */
export function finderStarter(scripts: WorkerScripts): () => RunningFinder {
  return () => {
    const worker = scripts.start('search')
    const calls: Remote<SearchIndex> = wrap<SearchIndex>(worker)
    return { calls, end: () => worker.terminate() }
  }
}
