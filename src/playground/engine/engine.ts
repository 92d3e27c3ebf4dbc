// All that the worker does for the page, each concern a field: the page calls `engine.trees.window(…)` through comlink. Not here:
// any of the concerns.

import { Documents } from './documents.js'
import { Downloads } from './downloads.js'
import { Files } from './files.js'
import { FolderLists } from './folder-lists.js'
import { ImageMaps } from './image-map.js'
import { Inspector } from './inspector.js'
import { Jobs } from './jobs.js'
import { Network } from './network.js'
import { type RunningFinder, Search } from './search.js'
import { Trees } from './trees.js'

export class Engine {
  readonly jobs = new Jobs()
  readonly documents: Documents
  readonly files: Files
  readonly folderLists: FolderLists
  readonly downloads: Downloads
  readonly trees: Trees
  readonly network: Network
  readonly search: Search
  readonly maps: ImageMaps
  readonly inspector: Inspector

  /** `base`: the page's URL. `startFinder`: what searches run in; a worker of their own in the browser. */
  constructor(base: string, startFinder: () => RunningFinder) {
    this.documents = new Documents(base)
    this.files = new Files(this.documents)
    this.folderLists = new FolderLists(this.documents, this.jobs)
    this.downloads = new Downloads(this.documents, this.jobs)
    this.maps = new ImageMaps(this.documents, this.jobs)
    this.inspector = new Inspector(this.documents, this.maps, this.jobs)
    const badges = async () => new Map()
    this.network = new Network(this.documents)
    this.trees = new Trees(this.documents, badges)
    this.search = new Search(this.documents, startFinder, badges)
  }
}
