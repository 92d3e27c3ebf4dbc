// Starts the finder in a worker of its own. Not here: what it does (search.main.ts).

import { type Remote, wrap } from 'comlink'
import type { RunningFinder } from './search.js'
import type { SearchIndex } from './search-index.js'

/** What browsers with Trusted Types have. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string }
}

/** What starts finders. Once a worker: a policy has one name. `base`: where the site's scripts are. */
export function finderStarter(base: string): () => RunningFinder {
  const own = new URL('search.js', base).href
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes }
  const policy = trustedTypes?.createPolicy('composefs-scripts', { createScriptURL: () => own })
  const url = policy?.createScriptURL(own) ?? own
  return () => {
    const worker = new Worker(url, { type: 'module', name: 'search' })
    const calls: Remote<SearchIndex> = wrap<SearchIndex>(worker)
    return { calls, end: () => worker.terminate() }
  }
}
