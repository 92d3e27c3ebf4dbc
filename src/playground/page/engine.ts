// The page's end of the worker: its calls, each of them a promise. Not here: what they answer.

import { type Remote, wrap } from 'comlink'
import type { Engine } from '../engine/engine.js'
import type { SiteScripts } from './site-scripts.js'

/** Each concern of the worker, with its calls. */
export type EngineCalls = { readonly [K in keyof Engine]: Remote<Engine[K]> }

/** Starts the worker. */
export function startEngine(scripts: SiteScripts): EngineCalls {
  const worker = new Worker(scripts.url('engine.js'), { type: 'module', name: 'engine' })
  // Comlink's own type sees no further than the first level.
  return wrap<Engine>(worker) as unknown as EngineCalls
}
