// The targets by name, each with what it begins with. Not here: what any of them promises (src/fuzz/targets).

import { type FuzzModule, fuzzModule } from './core-target.js'
import { BYTE_MUTATORS } from './mutate-bytes.js'
import { erofsMutators } from './mutate-erofs.js'
import { Random } from './random.js'
import { randomErofs } from './random-erofs.js'
import type { Target } from './target.js'
import { CoreLookupTarget } from './targets/core-lookup.js'
import { CoreOpenTarget } from './targets/core-open.js'
import { CoreReadTarget } from './targets/core-read.js'
import { CoreSweepTarget } from './targets/core-sweep.js'
import { CoreWalkTarget } from './targets/core-walk.js'
import { CoreXattrsTarget } from './targets/core-xattrs.js'

const SEEDS = 24
const IMAGE_BYTES = 1 << 15
/** Bytes of the largest seed: small ones are run more often. */
const SEED_BYTES = 4096

function imageOptions() {
  const seeds: Uint8Array[] = []
  for (let i = 0; seeds.length < SEEDS; i++) {
    const { bytes } = randomErofs(new Random(i), { inodes: 6, fileBytes: 600 })
    if (bytes.length <= SEED_BYTES) seeds.push(bytes)
  }
  // Half of them know the format, so that most runs get beyond the superblock.
  const mutators = [...BYTE_MUTATORS, ...erofsMutators({ mend: true }), ...erofsMutators()]
  return { seeds, mutators, maxBytes: IMAGE_BYTES }
}

/** What makes each target; `module` is another core than the package's own, one with a planted fault for example. */
export const TARGETS: Readonly<Record<string, (module?: FuzzModule) => Target>> = {
  open: (module = fuzzModule()) => new CoreOpenTarget(module, imageOptions()),
  walk: (module = fuzzModule()) => new CoreWalkTarget(module, imageOptions()),
  'look-up': (module = fuzzModule()) => new CoreLookupTarget(module, imageOptions()),
  read: (module = fuzzModule()) => new CoreReadTarget(module, imageOptions()),
  xattrs: (module = fuzzModule()) => new CoreXattrsTarget(module, imageOptions()),
  sweep: (module = fuzzModule()) => new CoreSweepTarget(module, imageOptions()),
}
