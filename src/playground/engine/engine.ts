// All that the worker does for the page, each concern a field: the page calls `engine.trees.window(…)` through comlink. Not here:
// any of the concerns.

import { Documents } from './documents.js'
import { Jobs } from './jobs.js'
import { Trees } from './trees.js'

export class Engine {
  readonly jobs = new Jobs()
  readonly documents: Documents
  readonly trees: Trees

  /** `base`: the page's URL. */
  constructor(base: string) {
    this.documents = new Documents(base)
    this.trees = new Trees(this.documents, async () => new Map())
  }
}
