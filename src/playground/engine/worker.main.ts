// The worker of the playground: parses, hashes and reads, so that the page never freezes. Not here: what it answers (engine.ts).

import { expose } from 'comlink'
import { Engine } from './engine.js'

expose(new Engine(new URL('./', location.href).href))
