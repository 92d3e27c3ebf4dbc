// The worker of the playground: parses, hashes and reads, so that the page never freezes. Not here: what it answers (engine.ts).

import { expose } from 'comlink'
import { Engine } from './engine.js'
import { finderStarter } from './search-worker.js'
import { WorkerScripts } from './worker-scripts.js'

const base = new URL('./', location.href).href
const scripts = new WorkerScripts(base)
expose(new Engine(base, finderStarter(scripts), () => scripts.start('guest')))
