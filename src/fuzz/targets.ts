// The targets by name, each with what it begins with. Not here: what any of them promises (src/fuzz/targets).

import { fuzzBuildModule } from './build-room.js'
import { codecSeeds, fuzzCodecModule } from './codec-inputs.js'
import { type FuzzModule, fuzzModule } from './core-target.js'
import {
  callInputs,
  cfsV1Inputs,
  composefsInputs,
  compressedInputs,
  dumpInputs,
  erofsInputs,
  pairInputs,
} from './inputs.js'
import type { Target } from './target.js'
import { CodecTarget } from './targets/codec.js'
import { CoreCompressedTarget } from './targets/core-compressed.js'
import { CoreLookupTarget } from './targets/core-lookup.js'
import { CoreOpenTarget } from './targets/core-open.js'
import { CoreReadTarget } from './targets/core-read.js'
import { CoreSweepTarget } from './targets/core-sweep.js'
import { CoreWalkTarget } from './targets/core-walk.js'
import { CoreXattrsTarget } from './targets/core-xattrs.js'
import { DumpTarget } from './targets/dump.js'
import { HttpTarget } from './targets/http.js'
import { MerkleTarget } from './targets/merkle.js'
import { named } from './targets/named.js'
import { OverlayTarget } from './targets/overlay.js'
import { RewriteTarget } from './targets/rewrite.js'
import { StoreTarget } from './targets/store.js'
import { WasiTarget } from './targets/wasi.js'

/** What makes each target; `module` is another core than the package's own, one with a planted fault for example. */
export const TARGETS: Readonly<Record<string, (module?: FuzzModule) => Target>> = {
  open: (module = fuzzModule()) => new CoreOpenTarget(module, erofsInputs()),
  walk: (module = fuzzModule()) => new CoreWalkTarget(module, erofsInputs()),
  'look-up': (module = fuzzModule()) => new CoreLookupTarget(module, erofsInputs()),
  read: (module = fuzzModule()) => new CoreReadTarget(module, erofsInputs()),
  xattrs: (module = fuzzModule()) => new CoreXattrsTarget(module, erofsInputs()),
  sweep: (module = fuzzModule()) => new CoreSweepTarget(module, erofsInputs()),
  'cfs-open': (module = fuzzModule()) => named('cfs-open', new CoreOpenTarget(module, cfsV1Inputs())),
  'cfs-walk': (module = fuzzModule()) => named('cfs-walk', new CoreWalkTarget(module, cfsV1Inputs())),
  'cfs-look-up': (module = fuzzModule()) => named('cfs-look-up', new CoreLookupTarget(module, cfsV1Inputs())),
  'cfs-read': (module = fuzzModule()) => named('cfs-read', new CoreReadTarget(module, cfsV1Inputs())),
  'cfs-xattrs': (module = fuzzModule()) => named('cfs-xattrs', new CoreXattrsTarget(module, cfsV1Inputs())),
  'cfs-sweep': (module = fuzzModule()) => named('cfs-sweep', new CoreSweepTarget(module, cfsV1Inputs())),
  compressed: (module = fuzzModule()) => new CoreCompressedTarget(module, compressedInputs()),
  // Decoders alone, by the numbers that images have for them.
  'codec-lz4': (module = fuzzCodecModule()) => new CodecTarget('codec-lz4', 0, module, codecSeeds(0)),
  'codec-microlzma': (module = fuzzCodecModule()) => new CodecTarget('codec-microlzma', 1, module, codecSeeds(1)),
  'codec-deflate': (module = fuzzCodecModule()) => new CodecTarget('codec-deflate', 2, module, codecSeeds(2)),
  'codec-zstd': (module = fuzzCodecModule()) => new CodecTarget('codec-zstd', 3, module, codecSeeds(3)),
  rewrite: (module = fuzzModule()) => new RewriteTarget(module, composefsInputs()),
  'cfs-rewrite': (module = fuzzModule()) => named('cfs-rewrite', new RewriteTarget(module, cfsV1Inputs())),
  dump: (module = fuzzModule()) => new DumpTarget(module, fuzzBuildModule(), dumpInputs()),
  overlay: (module = fuzzModule()) => new OverlayTarget(module, pairInputs()),
  wasi: (module = fuzzModule()) => new WasiTarget(module, callInputs()),
  // No core is asked.
  merkle: () => new MerkleTarget(),
  store: () => new StoreTarget(),
  http: () => new HttpTarget(),
}
