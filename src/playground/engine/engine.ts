// All that the worker does for the page, each concern a field: the page calls `engine.trees.window(…)` through comlink. Not here:
// any of the concerns.

import { Changes } from './changes.js'
import { ChangesExport } from './changes-export.js'
import { Diff } from './diff.js'
import { Documents } from './documents.js'
import { Downloads } from './downloads.js'
import { Files } from './files.js'
import { FolderLists } from './folder-lists.js'
import { ImageMaps } from './image-map.js'
import { Inspector } from './inspector.js'
import { Intake } from './intake.js'
import { Jobs } from './jobs.js'
import { Network } from './network.js'
import type { OpenDocument } from './open-document.js'
import type { GuestThread } from './program-worker.js'
import { type RunningFinder, Search } from './search.js'
import { Sharing } from './sharing.js'
import { Tamper } from './tamper.js'
import { Terminals } from './terminals.js'
import { Treemap } from './treemap.js'
import { Trees } from './trees.js'
import { Verify } from './verify.js'

export class Engine {
  readonly jobs = new Jobs()
  readonly documents: Documents
  readonly files: Files
  readonly folderLists: FolderLists
  readonly downloads: Downloads
  readonly intake: Intake
  readonly trees: Trees
  readonly network: Network
  readonly search: Search
  readonly maps: ImageMaps
  readonly inspector: Inspector
  readonly treemap: Treemap
  readonly sharing: Sharing
  readonly diff: Diff
  readonly verify: Verify
  readonly tamper: Tamper
  readonly changes: Changes
  readonly terminals: Terminals
  readonly changesExport: ChangesExport

  /**
   * `base`: the page's URL. `startFinder`: what searches run in; a worker of their own in the browser. `startGuest`: a worker that
   * programs of images run in; without it there is none.
   */
  constructor(base: string, startFinder: () => RunningFinder, startGuest?: () => GuestThread) {
    this.documents = new Documents(base, this.jobs)
    this.files = new Files(this.documents)
    this.folderLists = new FolderLists(this.documents, this.jobs)
    this.downloads = new Downloads(this.documents, this.jobs)
    this.intake = new Intake(this.documents, this.jobs)
    this.maps = new ImageMaps(this.documents, this.jobs)
    this.inspector = new Inspector(this.documents, this.maps, this.jobs)
    this.treemap = new Treemap(this.documents, this.jobs)
    this.sharing = new Sharing(this.documents, this.jobs)
    this.diff = new Diff(this.documents, this.maps, this.jobs)
    this.verify = new Verify(this.documents, this.maps)
    this.tamper = new Tamper(this.documents, this.maps, this.jobs)
    this.changes = new Changes(this.documents, this.jobs)
    this.terminals = new Terminals(this.documents, this.changes, startGuest)
    this.changesExport = new ChangesExport(this.documents, this.jobs)
    const badges = (document: OpenDocument) => this.changes.badges(document)
    this.network = new Network(this.documents)
    this.trees = new Trees(this.documents, this.jobs, badges)
    this.search = new Search(this.documents, startFinder, badges)
  }
}
