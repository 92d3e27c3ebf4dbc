// All that the worker does for the page, each concern a field: the page calls `engine.trees.window(…)` through comlink. Not here:
// any of the concerns.

import { Documents } from './documents.js'
import { ImageMaps } from './image-map.js'
import { Inspector } from './inspector.js'
import { Jobs } from './jobs.js'
import { type RunningFinder, Search } from './search.js'
import { Trees } from './trees.js'

export class Engine {
  readonly jobs = new Jobs()
  readonly documents: Documents
  readonly trees: Trees
  readonly maps: ImageMaps
  readonly inspector: Inspector

  /** `base`: the page's URL. */
  constructor(base: string) {
    this.documents = new Documents(base)
    this.maps = new ImageMaps(this.documents, this.jobs)
    this.inspector = new Inspector(this.documents, this.maps, this.jobs)
    this.trees = new Trees(this.documents, async () => new Map())
  }
}
